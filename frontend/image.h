/* image.h - whole files in memory: kernels, initial RAM disks, BIOS images.
 *
 * Every error is logged as one line that names option, file, cause and remedy. Thread rule: none. */
#ifndef VX86_FRONTEND_IMAGE_H
#define VX86_FRONTEND_IMAGE_H

#include "vx86/files.h"
#include "vx86/log.h"

struct file_image {
    uint8_t *data; /* NULL: none */
    size_t bytes;
};

struct image_reader {
    struct vx_log *log;
    struct vx_files *files; /* learns what is read, which must be nothing that is an output; NULL: none */
};

/* Reads a regular file that is not empty. `option` ("--kernel") and `limit_bytes`, with `limit_is` ("the guest's
 * memory"), are for the checks and the messages. NOT_FOUND, ACCESS, BAD_ARGUMENT (not a file), BAD_FORMAT (empty),
 * RANGE, IO, NO_MEMORY, LOCKED (an output). */
VX_MUST_USE vx_err image_read(const struct image_reader *reader, const char *option, const char *path,
                              uint64_t limit_bytes, const char *limit_is, struct file_image *out);
void image_free(struct file_image *image);

#endif
