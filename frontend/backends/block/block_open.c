/* block_open.c - puts a medium together: file, format, backing files, perhaps an overlay, and the worker thread.
 *
 * A backing file is named by the image above it, relative to that one's directory, and only read. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block_medium.h"
#include "qcow2.h"

enum { MAX_DEPTH = 64 };

/* The file of `chain`'s config, with the format that it has and what that stands on. */
static vx_err open_pile(struct block_chain *chain, bool read_only, struct medium **out)
{
    enum block_format format;
    struct medium *file;
    chain->identity = block_identify(chain->config->path);
    for (const struct block_chain *up = chain->up; up != NULL; up = up->up)
        if (up->identity.file == chain->identity.file && up->identity.device == chain->identity.device) {
            vx_log_error(chain->config->log, VX_LOG_GENERAL, "%s: is its own backing file, by way of %s",
                         chain->config->path, up->config->path);
            return VX_ERR_BAD_FORMAT;
        }
    VX_TRY(block_file_open(chain->config, read_only, &format, &file));
    if (format == BLOCK_QCOW2)
        return qcow2_open(chain, file, out);
    *out = file;
    return VX_ERR_OK;
}

/* "base.img" in "dir/disk.qcow2" is "dir/base.img". False: it is no file's name. */
static bool backing_path(const char *image, const char *name, char *path, size_t room)
{
    const char *slash = strrchr(image, '/'), *colon = strchr(name, ':');
    if (strncmp(name, "file:", 5) == 0)
        name += 5;
    else if (colon != NULL && memchr(name, '/', (size_t)(colon - name)) == NULL)
        return false; /* json:, nbd:, http: */
    int directory = name[0] == '/' || slash == NULL ? 0 : (int)(slash + 1 - image);
    int length = snprintf(path, room, "%.*s%s", directory, image, name);
    return length > 0 && (size_t)length < room;
}

vx_err block_open_backing(const struct block_chain *up, const char *name, const char *format, struct medium **out)
{
    char path[PATH_MAX];
    struct block_config config = *up->config;
    struct block_chain chain = { .config = &config, .up = up, .depth = up->depth + 1 };
    if (chain.depth > MAX_DEPTH || !backing_path(up->config->path, name, path, sizeof path)) {
        vx_log_error(config.log, VX_LOG_GENERAL, "%s: its backing file '%.200s' %s", config.path, name,
                     chain.depth > MAX_DEPTH ? "is one of too many" : "is not a file that vx86 could open");
        return VX_ERR_BAD_FORMAT;
    }
    config.path = path;
    config.kind = VX_BLOCK_DISK;
    config.raw = strcmp(format, "raw") == 0;
    config.backing = true;
    return open_pile(&chain, true, out);
}

static vx_err check_disk(const struct block_config *config, struct medium *medium)
{
    vx_err err = block_check_size(config, medium->bytes);
    if (err == VX_ERR_OK)
        err = config->kind == VX_BLOCK_FLOPPY ? block_check_floppy(config, medium->bytes)
                                              : block_check_whole(config, medium);
    if (err != VX_ERR_OK)
        medium->ops->close(medium);
    return err;
}

vx_err block_medium_open(const struct block_config *config, struct medium **out)
{
    struct block_chain chain = { .config = config };
    VX_TRY(open_pile(&chain, config->read_only || config->snapshot || config->kind == VX_BLOCK_CDROM, out));
    return check_disk(config, *out);
}

/* Write protection of a floppy. The superuser may write anything, but has not asked for that. */
static bool is_protected(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == EACCES || errno == EPERM || errno == EROFS;
    bool is = fstat(fd, &st) == 0 && (st.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)) == 0;
    close(fd);
    return is;
}

vx_err block_open(const struct block_config *config, struct vx_block **out)
{
    struct block_config asked = *config;
    asked.read_only |= config->kind == VX_BLOCK_FLOPPY && is_protected(config->path);
    bool overlay = config->snapshot && !asked.read_only && config->kind != VX_BLOCK_CDROM;
    struct medium *medium;
    VX_TRY(block_medium_open(&asked, &medium));
    if (overlay)
        VX_TRY(block_overlay_open(config->log, medium, &medium));
    return block_worker_create(config->log, config->loop, medium, out);
}

bool block_can_unpack(enum block_compression compression)
{
    return qcow2_can_unpack(compression == VX_BLOCK_ZSTD ? QCOW2_ZSTD : QCOW2_ZLIB);
}

void block_close(struct vx_block *block)
{
    if (block != NULL)
        block->ops->destroy(block->opaque);
}
