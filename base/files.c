/* files.c - see vx86/files.h. */
#include "vx86/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than a run can have: drives, kernel, modules, BIOSes, scripts, outputs. One too many is not protected. */
enum { FILES_MAX = 64, AS_CHARS = 32 };

struct known_file {
    dev_t device;
    ino_t inode;
    enum vx_file_use use;
    int fd; /* that claimed it */
    char as[AS_CHARS];
};

struct vx_files {
    struct known_file file[FILES_MAX];
    unsigned count;
    int directory;        /* -1: none */
    char taken[AS_CHARS]; /* what vx_files_claim() has returned */
};

/* What it is, as far as it counts; false: it does not. A block device is the same by all its names. */
static bool identify(int fd, struct known_file *file)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)))
        return false;
    *file = (struct known_file){ .device = st.st_dev, .inode = st.st_ino, .fd = fd };
    if (S_ISBLK(st.st_mode))
        *file = (struct known_file){ .device = st.st_rdev, .inode = 0, .fd = fd };
    return true;
}

static bool same(const struct known_file *a, const struct known_file *b)
{
    return a->device == b->device && a->inode == b->inode;
}

vx_err vx_files_create(struct vx_files **out)
{
    static const char *const names[] = { [STDOUT_FILENO] = "standard output", [STDERR_FILENO] = "standard error" };
    struct vx_files *files = calloc(1, sizeof *files);
    if (files == NULL)
        return VX_ERR_NO_MEMORY;
    files->directory = -1;
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
        const char *taken = vx_files_claim(files, fd, VX_FILE_OUTPUT, names[fd]);
        (void)taken; /* the two may be one: whoever started us has said so */
    }
    *out = files;
    return VX_ERR_OK;
}

void vx_files_destroy(struct vx_files *files)
{
    if (files != NULL && files->directory >= 0)
        close(files->directory);
    free(files);
}

const char *vx_files_claim(struct vx_files *files, int fd, enum vx_file_use use, const char *as)
{
    struct known_file file;
    if (files == NULL || !identify(fd, &file))
        return NULL;
    for (unsigned i = 0; i < files->count; i++) {
        const struct known_file *other = &files->file[i];
        if (!same(&file, other) || (use == VX_FILE_READ && other->use == VX_FILE_READ))
            continue;
        memcpy(files->taken, other->as, AS_CHARS);
        return files->taken;
    }
    if (files->count == FILES_MAX)
        return NULL;
    file.use = use;
    snprintf(file.as, AS_CHARS, "%s", as);
    files->file[files->count++] = file;
    return NULL;
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

bool vx_files_set_directory(struct vx_files *files, const char *path)
{
    files->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return files->directory >= 0;
}

int vx_files_directory(const struct vx_files *files)
{
    return files != NULL ? files->directory : -1;
}

/* One component after the other, so that none is a symbolic link, the last one with `flags`. -1 with errno. */
static int open_below(int directory, const char *path, int flags)
{
    int fd = directory;
    while (fd >= 0) {
        char name[NAME_MAX + 1];
        size_t length = strcspn(path, "/");
        bool last = path[length] == '\0';
        if (length == 0 || length > NAME_MAX || (length == 2 && memcmp(path, "..", 2) == 0)) {
            if (fd != directory)
                close(fd);
            errno = length > NAME_MAX ? ENAMETOOLONG : EACCES;
            return -1;
        }
        memcpy(name, path, length);
        name[length] = '\0';
        int next = openat(fd, name, (last ? flags : O_RDONLY | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC, 0666);
        int reason = errno;
        if (fd != directory)
            close(fd);
        errno = reason;
        if (last)
            return next;
        fd = next;
        path += length + 1;
    }
    return -1;
}

static int open_in_reach(struct vx_files *files, enum vx_file_reach reach, const char *path, int flags,
                         struct vx_why *why)
{
    int fd = -1;
    if (reach == VX_FILE_ANYWHERE)
        fd = open(path, flags | O_CLOEXEC, 0666);
    else if (files != NULL && files->directory >= 0)
        fd = open_below(files->directory, path, flags);
    else
        errno = ENODEV;
    why->reason = fd < 0 ? errno : 0;
    if (fd < 0 && errno == ENODEV && reach == VX_FILE_BELOW)
        snprintf(why->text, sizeof why->text, "no directory is named for such files; --debug-files DIR does that");
    else if (fd < 0)
        snprintf(why->text, sizeof why->text, "%s", strerror(errno));
    return fd;
}

int vx_files_open_input(struct vx_files *files, enum vx_file_reach reach, const char *path, struct vx_why *why)
{
    struct stat st;
    int fd = open_in_reach(files, reach, path, O_RDONLY, why);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISDIR(st.st_mode))
        return fd;
    snprintf(why->text, sizeof why->text, "%s", strerror(EISDIR));
    why->reason = EISDIR;
    close(fd);
    return -1;
}

int vx_files_open_output(struct vx_files *files, enum vx_file_reach reach, const char *path, const char *as,
                         struct vx_why *why)
{
    struct stat st;
    int fd = open_in_reach(files, reach, path, O_WRONLY | O_CREAT, why);
    if (fd < 0)
        return -1;
    const char *taken = vx_files_claim(files, fd, VX_FILE_OUTPUT, as);
    if (taken != NULL) {
        snprintf(why->text, sizeof why->text, "is in use as %s", taken);
    } else if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && ftruncate(fd, 0) != 0) {
        why->reason = errno;
        snprintf(why->text, sizeof why->text, "%s", strerror(errno));
        vx_files_release(files, fd);
    } else {
        return fd;
    }
    close(fd);
    return -1;
}

void vx_files_release(struct vx_files *files, int fd)
{
    for (unsigned i = files != NULL ? files->count : 0; i > 0; i--)
        if (files->file[i - 1].fd == fd) {
            files->file[i - 1] = files->file[--files->count];
            return;
        }
}
