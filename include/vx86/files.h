/* files.h - the host's files that one run has open, so that none is written for two purposes: an output must not be a
 * disk image, nor what another output is written to, be it by the same name, by another, or by a redirection.
 *
 * Files are compared by what they are (device and inode), not by name. Only regular files and block devices count: a
 * terminal, a pipe or /dev/null may be written for any number of purposes.
 * Thread rule: one thread at a time. NULL for the object: nothing is known, nothing is refused. */
#ifndef VX86_FILES_H
#define VX86_FILES_H

#include "vx86/err.h"

struct vx_files;

/* Standard output and error are known from the start. */
VX_MUST_USE vx_err vx_files_create(struct vx_files **out);
void vx_files_destroy(struct vx_files *files);

/* Why a file cannot be had. */
struct vx_why {
    char text[96];
    int reason; /* errno, for vx_err_remedy(); 0 where the text says it all */
};

enum vx_file_use {
    VX_FILE_READ,   /* may be read for many purposes */
    VX_FILE_IMAGE,  /* a medium that is written; has one purpose only */
    VX_FILE_OUTPUT, /* the same */
};

/* Notes that `fd` serves as `as` ("disk", "--kernel"; copied, up to 31 characters). NULL, or as what it serves already;
 * valid until the next call. */
VX_MUST_USE const char *vx_files_claim(struct vx_files *files, int fd, enum vx_file_use use, const char *as);

/* Where a path may lead: anywhere, as the user's own may; or only below the directory of vx_files_set_directory(), as
 * those that somebody else names: then neither absolute, nor by "..", nor through symbolic links. */
enum vx_file_reach { VX_FILE_BELOW, VX_FILE_ANYWHERE };

/* False with errno: `path` is no directory that can be entered. */
VX_MUST_USE bool vx_files_set_directory(struct vx_files *files, const char *path);

/* Its descriptor; -1: none is set. */
int vx_files_directory(const struct vx_files *files);

/* Opens a file for reading, anything but a directory. Returns the
 * descriptor, or -1 with the reason in `why`. */
int vx_files_open_input(struct vx_files *files, enum vx_file_reach reach, const char *path, struct vx_why *why);

/* Opens `path` for writing, creates it or empties it, and claims it. Returns the descriptor, or -1 with the reason in
 * `why`: "Permission denied", "is in use as disk image". Nothing has been emptied then. */
int vx_files_open_output(struct vx_files *files, enum vx_file_reach reach, const char *path, const char *as,
                         struct vx_why *why);

/* Before `fd` is closed by whoever opened it: it may serve again. */
void vx_files_release(struct vx_files *files, int fd);

#endif
