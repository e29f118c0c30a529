/* image.c - reads a file as a whole, once its kind and size are known to be acceptable. */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options.h"

static vx_err failed(struct vx_log *log, const char *option, const char *path, int reason)
{
    const char *remedy = reason == ENOENT || reason == ENOTDIR ? "check the path"
                         : reason == EACCES || reason == EPERM ? "change its permissions"
                                                               : "try another file";
    vx_log_error(log, VX_LOG_GENERAL, "%s: %s: %s; %s", option, path, strerror(reason), remedy);
    return reason == ENOENT || reason == ENOTDIR ? VX_ERR_NOT_FOUND
           : reason == EACCES || reason == EPERM ? VX_ERR_ACCESS
                                                 : VX_ERR_IO;
}

static vx_err check(struct vx_log *log, const char *option, const char *path, const struct stat *st,
                    uint64_t limit_bytes, const char *limit_is)
{
    if (!S_ISREG(st->st_mode)) {
        vx_log_error(log, VX_LOG_GENERAL, "%s: %s: is %s; name a file", option, path,
                     S_ISDIR(st->st_mode) ? "a directory" : "not a regular file");
        return VX_ERR_BAD_ARGUMENT;
    }
    if (st->st_size == 0) {
        vx_log_error(log, VX_LOG_GENERAL, "%s: %s: is empty; copy it again", option, path);
        return VX_ERR_BAD_FORMAT;
    }
    if ((uint64_t)st->st_size > limit_bytes) {
        char limit[24];
        option_format_size(limit_bytes, limit, sizeof limit);
        vx_log_error(log, VX_LOG_GENERAL, "%s: %s: %" PRIu64 " bytes are more than %s, %s", option, path,
                     (uint64_t)st->st_size, limit, limit_is);
        return VX_ERR_RANGE;
    }
    return VX_ERR_OK;
}

/* Returns 0 or an errno; a file that shrinks meanwhile is ENODATA. */
static int read_all(int fd, uint8_t *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t done = read(fd, data, bytes);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done == 0 ? ENODATA : errno;
        data += done;
        bytes -= (size_t)done;
    }
    return 0;
}

static vx_err read_open_file(const struct image_reader *reader, const char *option, const char *path, int fd,
                             uint64_t limit_bytes, const char *limit_is, struct file_image *out)
{
    struct vx_log *log = reader->log;
    struct stat st;
    if (fstat(fd, &st) != 0)
        return failed(log, option, path, errno);
    const char *taken = vx_files_claim(reader->files, fd, VX_FILE_READ, option);
    if (taken != NULL) {
        vx_log_error(log, VX_LOG_GENERAL, "%s: %s: is in use as %s; name another file", option, path, taken);
        return VX_ERR_LOCKED;
    }
    VX_TRY(check(log, option, path, &st, limit_bytes, limit_is));
    out->bytes = (size_t)st.st_size;
    out->data = malloc(out->bytes);
    if (out->data == NULL) {
        vx_log_error(log, VX_LOG_GENERAL, "%s: %s: no memory of the host for %zu bytes; free some", option, path,
                     out->bytes);
        return VX_ERR_NO_MEMORY;
    }
    int reason = read_all(fd, out->data, out->bytes);
    return reason == 0 ? VX_ERR_OK : failed(log, option, path, reason);
}

vx_err image_read(const struct image_reader *reader, const char *option, const char *path, uint64_t limit_bytes,
                  const char *limit_is, struct file_image *out)
{
    *out = (struct file_image){ 0 };
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold us here */
    if (fd < 0)
        return failed(reader->log, option, path, errno);
    vx_err err = read_open_file(reader, option, path, fd, limit_bytes, limit_is, out);
    close(fd);
    if (err != VX_ERR_OK)
        image_free(out);
    return err;
}

void image_free(struct file_image *image)
{
    free(image->data);
    *image = (struct file_image){ 0 };
}
