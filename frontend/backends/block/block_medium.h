/* block_medium.h - inside the block back ends: a medium that is read and written synchronously.
 *
 * Media stand on each other: block_file.c is one over a host file, a format (qcow2/) one over a file and perhaps over a
 * backing medium, block_overlay.c one over any of them. block_worker.c turns the uppermost into a struct vx_block by
 * giving it a thread. After that only the worker thread touches the whole pile. All files are open by then. */
#ifndef VX86_FRONTEND_BLOCK_MEDIUM_H
#define VX86_FRONTEND_BLOCK_MEDIUM_H

#include "block.h"

#define VX_SECTOR_BYTES 512u

struct medium;

struct medium_ops {
    /* The range is inside the medium. An error has been logged when they return it. */
    vx_err (*read)(struct medium *medium, uint64_t off_bytes, void *buf, size_t bytes);
    vx_err (*write)(struct medium *medium, uint64_t off_bytes, const void *buf, size_t bytes);
    vx_err (*flush)(struct medium *medium);
    /* The content does not matter any more; a medium that can do nothing with that says VX_ERR_OK. */
    vx_err (*discard)(struct medium *medium, uint64_t off_bytes, uint64_t bytes);
    vx_err (*write_zeroes)(struct medium *medium, uint64_t off_bytes, uint64_t bytes);
    /* Also closes what the medium stands on. */
    void (*close)(struct medium *medium);
};

/* First member of each kind of medium. */
struct medium {
    const struct medium_ops *ops;
    uint64_t bytes;
    bool read_only;
    int reason;    /* errno of the last operation that failed */
    char name[64]; /* the last part of the path */
};

/* Opens, checks and locks the file of `config`; `read_only` decides over config's. */
VX_MUST_USE vx_err block_file_open(const struct block_config *config, bool read_only, struct medium **out);

/* Puts an overlay in front of `base`, which it owns from then on (on failure too). */
VX_MUST_USE vx_err block_overlay_open(struct vx_log *log, struct medium *base, struct medium **out);

/* Gives the medium a thread; owns it from then on (on failure too). */
VX_MUST_USE vx_err block_worker_create(struct vx_log *log, struct vx_loop *loop, struct medium *medium,
                                       struct vx_block **out);

/* Whether the content is a format that cannot be read, unless the config insists on `raw`: a line in `log`, and
 * VX_ERR_BAD_FORMAT or VX_ERR_IO, if so. */
VX_MUST_USE vx_err block_check_format(const struct block_config *config, int fd, uint64_t bytes);

/* Does a boot sector have a partition table with something in it? */
bool block_has_partitions(const uint8_t *sector);

/* Whether the file's first bytes promise more than `bytes`: a line in `log` and VX_ERR_BAD_FORMAT if so. */
VX_MUST_USE vx_err block_check_whole(const struct block_config *config, int fd, uint64_t bytes);

/* Locks the whole file, shared or exclusive, without waiting. VX_ERR_LOCKED when another process has it; a file system
 * without locks is a warning, not an error. */
VX_MUST_USE vx_err block_lock(struct vx_log *log, const char *path, int fd, bool exclusive);

/* Whole transfers at an offset: continue after short counts and EINTR. Return 0 or an errno; reading past the end of
 * the file is ENODATA. */
int block_pread_all(int fd, uint64_t off_bytes, void *buf, size_t bytes);
int block_pwrite_all(int fd, uint64_t off_bytes, const void *buf, size_t bytes);
/* The range inside the file reads as zeros afterwards; as a hole, where the host has holes. 0 or an errno. */
int block_zero_all(int fd, uint64_t off_bytes, uint64_t bytes);

#endif
