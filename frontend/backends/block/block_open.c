/* block_open.c - puts a medium together: file, perhaps an overlay on it, and the worker thread. */
#include "block_medium.h"

vx_err vx_block_open(const struct vx_block_config *config, struct vx_block **out)
{
    bool cdrom = config->kind == VX_BLOCK_CDROM;
    bool overlay = config->snapshot && !config->read_only && !cdrom;
    struct vx_medium *medium;
    VX_TRY(vx_block_file_open(config, config->read_only || config->snapshot || cdrom, &medium));
    if (overlay)
        VX_TRY(vx_block_overlay_open(config->log, medium, &medium));
    return vx_block_worker_create(config->log, config->loop, medium, out);
}

void vx_block_close(struct vx_block *block)
{
    if (block != NULL)
        block->ops->destroy(block->opaque);
}
