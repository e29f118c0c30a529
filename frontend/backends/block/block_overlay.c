/* block_overlay.c - --snapshot: guest writes go to a temporary file, the image below is only read.
 *
 * The temporary file is sparse, has no name and mirrors the medium byte for byte; one bit a sector says whether the
 * sector has been written there. A sector is the smallest unit a guest can write, so nothing is ever copied up.
 *
 *   read:  split into runs of equal bits, each from the image (0) or the temporary file (1)
 *   write: to the temporary file, then the bits
 *
 * I1. A bit is set only after its sector is wholly in the temporary file.
 * I2. The image is never written: it was opened read-only. */
#include "block_medium.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vx86/host.h"

#define MAX_LOGGED_ERRORS 8

struct block_overlay {
    struct medium medium;
    struct medium *base;
    struct vx_log *log;
    int fd;
    unsigned errors;
    uint8_t *written; /* LSB first; pages of it cost nothing until used */
};

static bool is_written(const struct block_overlay *overlay, uint64_t sector)
{
    return overlay->written[sector / 8] >> sector % 8 & 1;
}

static vx_err temp_failed(struct block_overlay *overlay, const char *doing, int error)
{
    if (overlay->errors++ < MAX_LOGGED_ERRORS)
        vx_log_error(overlay->log, VX_LOG_BLOCK, "%s: %s the temporary overlay: %s; %s", overlay->medium.name, doing,
                     strerror(error),
                     error == ENOSPC ? "set TMPDIR to a directory with more room"
                                     : vx_err_remedy(error, "set TMPDIR to another directory"));
    overlay->medium.reason = error;
    return VX_ERR_IO;
}

/* Bytes from `sector` on that share its bit, at most `bytes`. */
static size_t run_bytes(const struct block_overlay *overlay, uint64_t sector, size_t bytes)
{
    bool written = is_written(overlay, sector);
    size_t run = VX_SECTOR_BYTES;
    while (run < bytes && is_written(overlay, ++sector) == written)
        run += VX_SECTOR_BYTES;
    return run < bytes ? run : bytes;
}

static vx_err overlay_read(struct medium *medium, uint64_t off_bytes, void *buf, size_t bytes)
{
    struct block_overlay *overlay = (struct block_overlay *)medium;
    uint8_t *at = buf;
    while (bytes > 0) {
        uint64_t sector = off_bytes / VX_SECTOR_BYTES;
        size_t run = run_bytes(overlay, sector, bytes);
        if (is_written(overlay, sector)) {
            int error = block_pread_all(overlay->fd, off_bytes, at, run);
            if (error != 0)
                return temp_failed(overlay, "reading", error);
        } else {
            vx_err err = overlay->base->ops->read(overlay->base, off_bytes, at, run);
            overlay->medium.reason = overlay->base->reason;
            VX_TRY(err);
        }
        at += run;
        off_bytes += run;
        bytes -= run;
    }
    return VX_ERR_OK;
}

/* Keeps I1. */
static void mark_written(struct block_overlay *overlay, uint64_t off_bytes, uint64_t bytes)
{
    uint64_t first = off_bytes / VX_SECTOR_BYTES;
    for (uint64_t i = 0; i < bytes / VX_SECTOR_BYTES; i++)
        overlay->written[(first + i) / 8] |= (uint8_t)(1u << (first + i) % 8);
}

static vx_err overlay_write(struct medium *medium, uint64_t off_bytes, const void *buf, size_t bytes)
{
    struct block_overlay *overlay = (struct block_overlay *)medium;
    int error = block_pwrite_all(overlay->fd, off_bytes, buf, bytes);
    if (error != 0)
        return temp_failed(overlay, "writing", error);
    mark_written(overlay, off_bytes, bytes);
    return VX_ERR_OK;
}

static vx_err overlay_write_zeroes(struct medium *medium, uint64_t off_bytes, uint64_t bytes)
{
    struct block_overlay *overlay = (struct block_overlay *)medium;
    int error = block_zero_all(overlay->fd, off_bytes, bytes);
    if (error != 0)
        return temp_failed(overlay, "writing", error);
    mark_written(overlay, off_bytes, bytes);
    return VX_ERR_OK;
}

/* Room in the temporary file is given back: zeros are as good as any content. */
static vx_err overlay_discard(struct medium *medium, uint64_t off_bytes, uint64_t bytes)
{
    struct block_overlay *overlay = (struct block_overlay *)medium;
    if (vx_host_punch_hole(overlay->fd, off_bytes, bytes) == 0)
        mark_written(overlay, off_bytes, bytes);
    return VX_ERR_OK;
}

/* What is gone at exit need not survive anything. */
static vx_err overlay_flush(struct medium *medium)
{
    (void)medium;
    return VX_ERR_OK;
}

static void overlay_close(struct medium *medium)
{
    struct block_overlay *overlay = (struct block_overlay *)medium;
    overlay->base->ops->close(overlay->base);
    if (overlay->fd >= 0)
        close(overlay->fd);
    free(overlay->written);
    free(overlay);
}

static const struct medium_ops overlay_ops = {
    .read = overlay_read,
    .write = overlay_write,
    .flush = overlay_flush,
    .discard = overlay_discard,
    .write_zeroes = overlay_write_zeroes,
    .close = overlay_close,
};

/* An unlinked, empty file in that directory. */
static int open_temporary(const char *directory)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s/vx86-snapshot-XXXXXX", directory);
    int fd = length < (int)sizeof(path) ? mkstemp(path) : (errno = ENAMETOOLONG, -1);
    if (fd >= 0) {
        unlink(path);
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    return fd;
}

/* In $TMPDIR, which is to be usable if it is set; else in /tmp, or in memory where that cannot be written. */
static vx_err open_written(struct block_overlay *overlay)
{
    const char *directory = getenv("TMPDIR"), *name = overlay->medium.name;
    bool chosen = directory != NULL && directory[0] != '\0';
    if (!chosen)
        directory = "/tmp";
    overlay->fd = open_temporary(directory);
    if (overlay->fd >= 0)
        return ftruncate(overlay->fd, (off_t)overlay->medium.bytes) == 0 ? VX_ERR_OK
                                                                         : temp_failed(overlay, "sizing", errno);
    if (chosen || errno == EMFILE || errno == ENFILE) {
        vx_log_error(overlay->log, VX_LOG_GENERAL, "%s: no temporary file in %s: %s; %s", name, directory,
                     strerror(errno), vx_err_remedy(errno, "set TMPDIR to a directory that can be written"));
        return VX_ERR_IO;
    }
    vx_log_warn(
        overlay->log, VX_LOG_GENERAL,
        "%s: no temporary file in /tmp: %s; what the guest writes stays in memory, unless TMPDIR names a directory",
        name, strerror(errno));
    overlay->fd = vx_host_unnamed_file("vx86 snapshot", overlay->medium.bytes, VX_HOST_FILE_WRITTEN);
    return overlay->fd >= 0 ? VX_ERR_OK : temp_failed(overlay, "making", errno);
}

static vx_err prepare(struct block_overlay *overlay)
{
    VX_TRY(open_written(overlay));
    overlay->written = calloc(1, (size_t)(overlay->medium.bytes / VX_SECTOR_BYTES / 8 + 1));
    if (overlay->written == NULL) {
        vx_log_error(overlay->log, VX_LOG_GENERAL, "%s: no memory for the overlay's map", overlay->medium.name);
        return VX_ERR_NO_MEMORY;
    }
    return VX_ERR_OK;
}

vx_err block_overlay_open(struct vx_log *log, struct medium *base, struct medium **out)
{
    struct block_overlay *overlay = calloc(1, sizeof(*overlay));
    if (overlay == NULL) {
        base->ops->close(base);
        return VX_ERR_NO_MEMORY;
    }
    *overlay = (struct block_overlay){
        .medium = { .ops = &overlay_ops, .bytes = base->bytes },
        .base = base,
        .log = log,
        .fd = -1,
    };
    memcpy(overlay->medium.name, base->name, sizeof(overlay->medium.name));
    vx_err err = prepare(overlay);
    if (err != VX_ERR_OK) {
        overlay_close(&overlay->medium);
        return err;
    }
    *out = &overlay->medium;
    return VX_ERR_OK;
}
