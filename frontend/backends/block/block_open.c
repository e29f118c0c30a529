/* block_open.c - puts a medium together: file, perhaps an overlay on it, and the worker thread. */
#include "block_medium.h"

vx_err block_open(const struct block_config *config, struct vx_block **out)
{
    bool cdrom = config->kind == VX_BLOCK_CDROM;
    bool overlay = config->snapshot && !config->read_only && !cdrom;
    struct medium *medium;
    VX_TRY(block_file_open(config, config->read_only || config->snapshot || cdrom, &medium));
    if (overlay)
        VX_TRY(block_overlay_open(config->log, medium, &medium));
    return block_worker_create(config->log, config->loop, medium, out);
}

void block_close(struct vx_block *block)
{
    if (block != NULL)
        block->ops->destroy(block->opaque);
}
