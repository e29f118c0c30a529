/* block_file.c - a medium over a host file or block device.
 *
 * I1. Nothing is cached here: a write that returned is in the host's page cache, a flush that returned is on the
 *     storage. That is all that the guest's FLUSH CACHE and a kill -9 at any moment need.
 * I2. Every way in which opening can fail ends in one logged line that names the file, the cause and the remedy. */
#include "block_medium.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vx86/host.h"

#define CD_SECTOR_BYTES   2048u
/* I/O errors that are logged one by one; a dying disk would fill the screen. */
#define MAX_LOGGED_ERRORS 8

struct block_file {
    struct medium medium;
    struct vx_log *log;
    struct vx_files *files; /* which knows of `fd` */
    int fd;
    unsigned errors;
    bool guessed; /* raw by its looks, and the guest's */
};

int block_pread_all(int fd, uint64_t off_bytes, void *buf, size_t bytes)
{
    uint8_t *at = buf;
    while (bytes > 0) {
        ssize_t done = pread(fd, at, bytes, (off_t)off_bytes);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return errno;
        if (done == 0)
            return ENODATA;
        at += done;
        off_bytes += (uint64_t)done;
        bytes -= (size_t)done;
    }
    return 0;
}

int block_pwrite_all(int fd, uint64_t off_bytes, const void *buf, size_t bytes)
{
    const uint8_t *at = buf;
    while (bytes > 0) {
        ssize_t done = pwrite(fd, at, bytes, (off_t)off_bytes);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return errno;
        at += done;
        off_bytes += (uint64_t)done;
        bytes -= (size_t)done;
    }
    return 0;
}

int block_zero_all(int fd, uint64_t off_bytes, uint64_t bytes)
{
    static const uint8_t zeros[16384];
    if (vx_host_punch_hole(fd, off_bytes, bytes) == 0)
        return 0;
    while (bytes > 0) {
        size_t part = bytes < sizeof zeros ? (size_t)bytes : sizeof zeros;
        int error = block_pwrite_all(fd, off_bytes, zeros, part);
        if (error != 0)
            return error;
        off_bytes += part;
        bytes -= part;
    }
    return 0;
}

static vx_err io_failed(struct block_file *file, const char *doing, uint64_t off_bytes, int error)
{
    if (file->errors++ < MAX_LOGGED_ERRORS)
        vx_log_error(file->log, VX_LOG_BLOCK, "%s: %s at byte %" PRIu64 ": %s%s", file->medium.name, doing, off_bytes,
                     strerror(error), file->errors == MAX_LOGGED_ERRORS ? " (further errors not shown)" : "");
    file->medium.reason = error;
    return VX_ERR_IO;
}

static vx_err file_read(struct medium *medium, uint64_t off_bytes, void *buf, size_t bytes)
{
    struct block_file *file = (struct block_file *)medium;
    int error = block_pread_all(file->fd, off_bytes, buf, bytes);
    return error == 0 ? VX_ERR_OK : io_failed(file, "reading", off_bytes, error);
}

static vx_err file_write(struct medium *medium, uint64_t off_bytes, const void *buf, size_t bytes)
{
    struct block_file *file = (struct block_file *)medium;
    if (file->guessed && off_bytes == 0 && block_looks_stacked(buf)) {
        vx_log_error(file->log, VX_LOG_BLOCK,
                     "%s: the guest wants to make this raw image look like a qcow2 image, which is not done; "
                     "--disk-format raw allows it",
                     medium->name);
        medium->reason = EPERM;
        return VX_ERR_IO;
    }
    int error = block_pwrite_all(file->fd, off_bytes, buf, bytes);
    if (error != 0)
        return io_failed(file, "writing", off_bytes, error);
    if (off_bytes + bytes > medium->bytes) /* a format's file grows; a guest does not get here */
        medium->bytes = off_bytes + bytes;
    return VX_ERR_OK;
}

static vx_err file_flush(struct medium *medium)
{
    struct block_file *file = (struct block_file *)medium;
    if (medium->read_only || vx_host_sync_data(file->fd) == 0)
        return VX_ERR_OK;
    return io_failed(file, "flushing", 0, errno);
}

/* A host without holes keeps what is there, which is as good. */
static vx_err file_discard(struct medium *medium, uint64_t off_bytes, uint64_t bytes)
{
    struct block_file *file = (struct block_file *)medium;
    int kept = vx_host_punch_hole(file->fd, off_bytes, bytes);
    (void)kept;
    return VX_ERR_OK;
}

static vx_err file_write_zeroes(struct medium *medium, uint64_t off_bytes, uint64_t bytes)
{
    struct block_file *file = (struct block_file *)medium;
    int error = block_zero_all(file->fd, off_bytes, bytes);
    return error == 0 ? VX_ERR_OK : io_failed(file, "writing", off_bytes, error);
}

static void file_close(struct medium *medium)
{
    struct block_file *file = (struct block_file *)medium;
    vx_files_release(file->files, file->fd);
    close(file->fd);
    free(file);
}

static const struct medium_ops file_ops = {
    .read = file_read,
    .write = file_write,
    .flush = file_flush,
    .discard = file_discard,
    .write_zeroes = file_write_zeroes,
    .close = file_close,
};

static vx_err open_failed(const struct block_config *config, bool read_only, int error)
{
    struct vx_log *log = config->log;
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        vx_log_error(log, VX_LOG_GENERAL, "%s: no such file; check the path", config->path);
        return VX_ERR_NOT_FOUND;
    case EISDIR:
        vx_log_error(log, VX_LOG_GENERAL, "%s: is a directory; name an image file in it", config->path);
        return VX_ERR_BAD_ARGUMENT;
    case EACCES:
    case EPERM:
    case EROFS:
        vx_log_error(log, VX_LOG_GENERAL, "%s: cannot be opened for %s: %s; %s", config->path,
                     read_only ? "reading" : "writing", strerror(error),
                     read_only ? "change its permissions" : "change its permissions, or use --snapshot");
        return VX_ERR_ACCESS;
    case EBUSY:
        vx_log_error(log, VX_LOG_GENERAL,
                     "%s: in use by the host, mounted perhaps, or by another program; unmount it or end that first",
                     config->path);
        return VX_ERR_LOCKED;
    default:
        vx_log_error(log, VX_LOG_GENERAL, "%s: cannot be opened: %s; %s", config->path, strerror(error),
                     vx_err_remedy(error, "name another file"));
        return VX_ERR_IO;
    }
}

/* Size in bytes of what `fd` is open on; only files and block devices have one. */
static vx_err medium_bytes(const struct block_config *config, int fd, uint64_t *bytes)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return open_failed(config, true, errno);
    if (S_ISDIR(st.st_mode))
        return open_failed(config, true, EISDIR);
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
        vx_log_error(config->log, VX_LOG_GENERAL, "%s: is neither a file nor a block device; name an image file",
                     config->path);
        return VX_ERR_BAD_ARGUMENT;
    }
    off_t end = S_ISREG(st.st_mode) ? st.st_size : lseek(fd, 0, SEEK_END);
    if (end < 0)
        return open_failed(config, true, errno);
    *bytes = (uint64_t)end;
    return VX_ERR_OK;
}

vx_err block_check_size(const struct block_config *config, uint64_t bytes)
{
    bool cdrom = config->kind == VX_BLOCK_CDROM;
    unsigned sector = cdrom ? CD_SECTOR_BYTES : VX_SECTOR_BYTES;
    if (bytes == 0) {
        vx_log_error(config->log, VX_LOG_GENERAL, "%s: is empty; %s", config->path,
                     cdrom ? "copy the image again" : "give it a size first, for example: truncate -s 2G FILE");
        return VX_ERR_BAD_FORMAT;
    }
    if (bytes % sector != 0) {
        vx_log_error(config->log, VX_LOG_GENERAL,
                     "%s: truncated, or not a raw image: %" PRIu64
                     " bytes are not whole %u-byte sectors; copy it again, "
                     "or round it up with: truncate -s %%%u FILE",
                     config->path, bytes, sector, sector);
        return VX_ERR_BAD_FORMAT;
    }
    return VX_ERR_OK;
}

static void set_name(struct medium *medium, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL && slash[1] != '\0' ? slash + 1 : path;
    strncpy(medium->name, name, sizeof(medium->name) - 1);
}

/* O_NONBLOCK: a FIFO must not hold us here; it means nothing for files and block devices. O_EXCL means something for
 * block devices only: nobody else who says so has it open, and no file system of the host is on it. */
static int open_exclusively(const char *path, int flags)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISBLK(st.st_mode))
        flags |= O_EXCL;
    return open(path, flags | O_CLOEXEC | O_NONBLOCK);
}

static vx_err claim(const struct block_config *config, int fd, bool read_only)
{
    static const char *const as[] = {
        [VX_BLOCK_DISK] = "disk image", [VX_BLOCK_CDROM] = "CD-ROM image", [VX_BLOCK_FLOPPY] = "floppy image"
    };
    enum vx_file_use use = read_only ? VX_FILE_READ : VX_FILE_IMAGE;
    const char *taken = vx_files_claim(config->files, fd, use, as[config->kind]);
    if (taken == NULL)
        return VX_ERR_OK;
    vx_log_error(config->log, VX_LOG_GENERAL, "%s: in use as %s already; name another file", config->path, taken);
    return VX_ERR_LOCKED;
}

struct block_identity block_identify(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return (struct block_identity){ .device = UINT64_MAX, .file = (uint64_t)(uintptr_t)path };
    return (struct block_identity){ .device = (uint64_t)st.st_dev, .file = (uint64_t)st.st_ino };
}

vx_err block_file_open(const struct block_config *config, bool read_only, enum block_format *format,
                       struct medium **out)
{
    int fd = open_exclusively(config->path, read_only ? O_RDONLY : O_RDWR);
    if (fd < 0)
        return open_failed(config, read_only, errno);
    struct block_file *file = NULL;
    uint64_t bytes = 0;
    vx_err err = medium_bytes(config, fd, &bytes);
    if (err == VX_ERR_OK)
        err = block_ask_format(config, fd, bytes, format);
    if (err == VX_ERR_OK && *format == BLOCK_RAW)
        err = block_check_size(config, bytes);
    if (err == VX_ERR_OK)
        err = claim(config, fd, read_only);
    bool claimed = err == VX_ERR_OK;
    if (err == VX_ERR_OK)
        err = block_lock(config->log, config->path, fd, !read_only);
    if (err == VX_ERR_OK && (file = calloc(1, sizeof(*file))) == NULL)
        err = VX_ERR_NO_MEMORY;
    if (err != VX_ERR_OK) {
        if (claimed)
            vx_files_release(config->files, fd);
        close(fd);
        return err;
    }
    *file = (struct block_file){
        .medium = { .ops = &file_ops, .bytes = bytes, .read_only = read_only },
        .log = config->log,
        .files = config->files,
        .fd = fd,
        .guessed = *format == BLOCK_RAW && !config->raw,
    };
    set_name(&file->medium, config->path);
    *out = &file->medium;
    return VX_ERR_OK;
}
