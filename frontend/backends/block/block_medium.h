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

enum block_format { BLOCK_RAW, BLOCK_QCOW2 };

/* Opens and locks the file of `config`, and asks what it is; `read_only` decides over config's. */
VX_MUST_USE vx_err block_file_open(const struct block_config *config, bool read_only, enum block_format *format,
                                   struct medium **out);

/* Which file a path leads to, whatever its name. One that is not there is like no other. */
struct block_identity {
    uint64_t device, file;
};
struct block_identity block_identify(const char *path);

/* Images from the uppermost to the one that is being opened. */
struct block_chain {
    const struct block_config *config;
    const struct block_chain *up; /* NULL: the uppermost */
    struct block_identity identity;
    unsigned depth;
};
/* Opens what an image stands on, for reading. `name` as the image has it; `format` "raw", "" for what it looks like. A
 * loop, a chain that is too long and a name that is no file's are a line in the log. */
VX_MUST_USE vx_err block_open_backing(const struct block_chain *up, const char *name, const char *format,
                                      struct medium **out);

/* Whether a disk or CD can have that size: a line in the log, and VX_ERR_BAD_FORMAT, if not. */
VX_MUST_USE vx_err block_check_size(const struct block_config *config, uint64_t bytes);

/* The disk or CD of `config`: file, format and what that stands on, without --snapshot's overlay. */
VX_MUST_USE vx_err block_medium_open(const struct block_config *config, struct medium **out);

/* Puts an overlay in front of `base`, which it owns from then on (on failure too). */
VX_MUST_USE vx_err block_overlay_open(struct vx_log *log, struct medium *base, struct medium **out);

/* Gives the medium a thread; owns it from then on (on failure too). */
VX_MUST_USE vx_err block_worker_create(struct vx_log *log, struct vx_loop *loop, struct medium *medium,
                                       struct vx_block **out);

/* What the content is; BLOCK_RAW where the config insists on it. A format that cannot be read is a line in `log`, and
 * VX_ERR_BAD_FORMAT or VX_ERR_IO. */
VX_MUST_USE vx_err block_ask_format(const struct block_config *config, int fd, uint64_t bytes,
                                    enum block_format *format);

/* Whether a raw image with these first bytes would be taken for an image that names other files. */
bool block_looks_stacked(const uint8_t *sector);

/* Whether a floppy has a size that a disk can have: a line in `log` and VX_ERR_BAD_FORMAT if not. */
VX_MUST_USE vx_err block_check_floppy(const struct block_config *config, uint64_t bytes);

/* Does a boot sector have a partition table with something in it? */
bool block_has_partitions(const uint8_t *sector);

/* Whether the medium's first bytes promise more than it has: a line in `log` and VX_ERR_BAD_FORMAT if so. */
VX_MUST_USE vx_err block_check_whole(const struct block_config *config, struct medium *medium);

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
