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

/* What is read, for whom, and how much it may be. */
struct source {
    const struct image_reader *reader;
    const char *option, *path;
    uint64_t limit_bytes;
    const char *limit_is;
};

static vx_err failed(const struct source *source, int reason)
{
    const char *remedy = reason == ENOENT || reason == ENOTDIR ? "check the path"
                         : reason == EACCES || reason == EPERM ? "change its permissions"
                                                               : vx_err_remedy(reason, "try another file");
    vx_log_error(source->reader->log, VX_LOG_GENERAL, "%s: %s: %s; %s", source->option, source->path, strerror(reason),
                 remedy);
    return reason == ENOENT || reason == ENOTDIR ? VX_ERR_NOT_FOUND
           : reason == EACCES || reason == EPERM ? VX_ERR_ACCESS
                                                 : VX_ERR_IO;
}

static vx_err check(const struct source *source, const struct stat *st)
{
    struct vx_log *log = source->reader->log;
    const char *option = source->option, *path = source->path;
    if (!S_ISREG(st->st_mode)) {
        vx_log_error(log, VX_LOG_GENERAL, "%s: %s: is %s; name a file", option, path,
                     S_ISDIR(st->st_mode) ? "a directory" : "not a regular file");
        return VX_ERR_BAD_ARGUMENT;
    }
    if (st->st_size == 0) {
        vx_log_error(log, VX_LOG_GENERAL, "%s: %s: is empty; copy it again", option, path);
        return VX_ERR_BAD_FORMAT;
    }
    if ((uint64_t)st->st_size > source->limit_bytes) {
        char limit[24];
        option_format_size(source->limit_bytes, limit, sizeof limit);
        vx_log_error(log, VX_LOG_GENERAL, "%s: %s: %" PRIu64 " bytes are more than %s, %s", option, path,
                     (uint64_t)st->st_size, limit, source->limit_is);
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

static vx_err read_open_file(const struct source *source, int fd, struct file_image *out)
{
    struct vx_log *log = source->reader->log;
    struct stat st;
    if (fstat(fd, &st) != 0)
        return failed(source, errno);
    const char *taken = vx_files_claim(source->reader->files, fd, VX_FILE_READ, source->option);
    if (taken != NULL) {
        vx_log_error(log, VX_LOG_GENERAL, "%s: %s: is in use as %s; name another file", source->option, source->path,
                     taken);
        return VX_ERR_LOCKED;
    }
    VX_TRY(check(source, &st));
    out->bytes = (size_t)st.st_size;
    out->data = malloc(out->bytes);
    if (out->data == NULL) {
        vx_log_error(log, VX_LOG_GENERAL, "%s: %s: no memory of the host for %zu bytes; free some", source->option,
                     source->path, out->bytes);
        return VX_ERR_NO_MEMORY;
    }
    int reason = read_all(fd, out->data, out->bytes);
    return reason == 0 ? VX_ERR_OK : failed(source, reason);
}

vx_err image_read(const struct image_reader *reader, const char *option, const char *path, uint64_t limit_bytes,
                  const char *limit_is, struct file_image *out)
{
    const struct source source = { reader, option, path, limit_bytes, limit_is };
    *out = (struct file_image){ 0 };
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold us here */
    if (fd < 0)
        return failed(&source, errno);
    vx_err err = read_open_file(&source, fd, out);
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
