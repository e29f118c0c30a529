/* qcow2_private.h - inside qcow2/: the open image.
 *
 *     qcow2_header.c      what the header says, and whether it can be so
 *     qcow2_meta.c        tables in the file: read through a cache, written through at once
 *     qcow2_refcount.c    which clusters of the file are used
 *     qcow2_map.c         which cluster of the file holds which of the disk
 *     qcow2_io.c          reads
 *     qcow2_write.c       writes, zeros and discards
 *     qcow2_compressed.c  clusters in fewer sectors
 *     qcow2_owned.c       which clusters have tables
 *
 * I1. Order of writes: a cluster gets its refcount before a table points to it, and loses it after. So the file's
 *     content is sound after each single write; the end of the process leaves unused clusters at worst.
 * I2. Refcounts are on stable storage before the table that needs them is written, so the same holds for the end of
 *     the host.
 * I3. So is what a new cluster takes over from a backing file, a snapshot or a compressed cluster: the guest had been
 *     told that it was safe.
 * I4. No cluster with a table or the header (`owned`) is ever written as data: a guest could else write tables itself,
 *     and have the next start open a backing file of its choice.
 * I5. Offsets that come from the file are checked (aligned, inside the file) before they are used. */
#ifndef VX86_BLOCK_QCOW2_PRIVATE_H
#define VX86_BLOCK_QCOW2_PRIVATE_H

#include "qcow2.h"
#include "vx86/bytes.h"

#define QCOW2_MAGIC        0x514649FBu
#define QCOW2_COPIED       (1ull << 63)
#define QCOW2_COMPRESSED   (1ull << 62)
#define QCOW2_ZERO         1ull
#define QCOW2_OFFSET_MASK  0x00FFFFFFFFFFFE00ull
#define QCOW2_MAX_L1_BYTES (32u << 20)
#define QCOW2_MAX_REFTABLE (8u << 20) /* bytes */
#define QCOW2_MAX_NAME     1023u

/* Byte offsets in the header. */
enum {
    QCOW2_H_VERSION = 4,
    QCOW2_H_BACKING = 8,
    QCOW2_H_BACKING_BYTES = 16,
    QCOW2_H_CLUSTER_BITS = 20,
    QCOW2_H_BYTES = 24,
    QCOW2_H_CRYPT = 32,
    QCOW2_H_L1_ENTRIES = 36,
    QCOW2_H_L1 = 40,
    QCOW2_H_REFTABLE = 48,
    QCOW2_H_REFTABLE_CLUSTERS = 56,
    QCOW2_H_SNAPSHOTS = 60,
    QCOW2_H_SNAPSHOT_TABLE = 64,
    QCOW2_H_INCOMPATIBLE = 72,
    QCOW2_H_COMPATIBLE = 80,
    QCOW2_H_AUTOCLEAR = 88,
    QCOW2_H_REFCOUNT_ORDER = 96,
    QCOW2_H_HEADER_BYTES = 100,
    QCOW2_H_COMPRESSION = 104,
    QCOW2_HEADER_V2_BYTES = 72,
    QCOW2_HEADER_V3_BYTES = 112,
};

enum { QCOW2_DIRTY = 1, QCOW2_CORRUPT = 2, QCOW2_EXTERNAL = 4, QCOW2_COMPRESSION = 8, QCOW2_EXTENDED_L2 = 16 };
enum { QCOW2_LAZY = 1 };
enum { QCOW2_BITMAPS = 1 };
enum { QCOW2_X_END = 0, QCOW2_X_BACKING_FORMAT = (int)0xE2792ACAu };

/* Tables are cached in slices of 4 KiB (or a cluster, where that is less), in sets of four. */
enum { QCOW2_WAYS = 4, QCOW2_SETS = 512, QCOW2_SLICE_MAX = 4096 };

struct qcow2_slot {
    uint64_t off_bytes; /* 0: empty */
    uint64_t used;      /* tick of the last use */
};

struct qcow2 {
    struct medium medium;
    struct medium *file, *backing; /* backing NULL: none */
    struct vx_log *log;
    unsigned version, cluster_bits, refcount_order, compression;
    uint64_t cluster_bytes;
    uint64_t incompatible, compatible, autoclear;
    char backing_name[QCOW2_MAX_NAME + 1], backing_format[32];
    uint64_t l1_off, *l1; /* entries as numbers */
    uint32_t l1_entries;
    uint64_t reftable_off, *reftable;
    uint32_t reftable_clusters;
    uint64_t snapshots_off;
    uint32_t snapshots;
    uint8_t *owned; /* a bit for each of owned_clusters clusters, I4; NULL: read-only */
    uint64_t owned_clusters;
    uint64_t free_hint; /* no cluster below is free */
    bool broken;        /* a table could not be written: no more changes */
    unsigned complaints;
    struct qcow2_slot slots[QCOW2_SETS][QCOW2_WAYS];
    uint8_t *slices;
    unsigned slice_bits;
    uint64_t tick;
    uint8_t *bounce;      /* a cluster */
    uint8_t *plain;       /* a cluster unpacked */
    uint64_t plain_entry; /* whose; 0: none */
    uint8_t *packed;      /* room for what is packed */
};

static inline uint64_t qcow2_clusters_of(const struct qcow2 *q, uint64_t bytes)
{
    return (bytes >> q->cluster_bits) + ((bytes & (q->cluster_bytes - 1)) != 0);
}
static inline uint64_t qcow2_file_clusters(const struct qcow2 *q)
{
    return qcow2_clusters_of(q, q->file->bytes);
}
static inline unsigned qcow2_l2_bits(const struct qcow2 *q)
{
    return q->cluster_bits - 3;
}

/* One line about what the file contains, up to a limit; returns VX_ERR_BAD_FORMAT while opening, VX_ERR_IO later. */
VX_MUST_USE vx_err qcow2_corrupt(struct qcow2 *q, const char *what, uint64_t where);

/* ---- qcow2_header.c */

/* Fills in what the header says; a line in the log and an error for what cannot be. */
VX_MUST_USE vx_err qcow2_header_read(struct qcow2 *q);
/* ---- qcow2_meta.c */

/* Reads from the file; what is behind its end is zeros. */
VX_MUST_USE vx_err qcow2_pread(struct qcow2 *q, uint64_t off_bytes, void *buf, size_t bytes);
VX_MUST_USE vx_err qcow2_pwrite(struct qcow2 *q, uint64_t off_bytes, const void *buf, size_t bytes);
/* The slice that has the byte of a table, and how many bytes are left in it; good until the next call. */
VX_MUST_USE vx_err qcow2_meta_at(struct qcow2 *q, uint64_t off_bytes, uint8_t **at, size_t *left);
/* Writes bytes of one slice: to the file, and to the cache. A failure breaks the image. */
VX_MUST_USE vx_err qcow2_meta_write(struct qcow2 *q, uint64_t off_bytes, const void *buf, size_t bytes);
/* Forgets what is cached of a cluster that becomes something else. */
void qcow2_meta_forget(struct qcow2 *q, uint64_t cluster_off);
/* A table of big-endian words, as numbers; the caller frees. */
VX_MUST_USE vx_err qcow2_read_table(struct qcow2 *q, uint64_t off_bytes, uint32_t entries, uint64_t **out);
/* Whether a run begins at a cluster and lies inside the file. */
bool qcow2_inside(const struct qcow2 *q, uint64_t off_bytes, uint64_t bytes);
VX_MUST_USE vx_err qcow2_barrier(struct qcow2 *q);

/* ---- qcow2_refcount.c */

VX_MUST_USE vx_err qcow2_refcount(struct qcow2 *q, uint64_t cluster, uint64_t *count);
/* Up to `want` clusters that lie side by side, each with refcount 1. */
VX_MUST_USE vx_err qcow2_alloc(struct qcow2 *q, uint64_t want, uint64_t *off_bytes, uint64_t *got);
/* One reference less for each; those without any are holes in the file, where `punch`. */
VX_MUST_USE vx_err qcow2_free(struct qcow2 *q, uint64_t off_bytes, uint64_t clusters, bool punch);
static inline unsigned qcow2_block_bits(const struct qcow2 *q)
{
    return q->cluster_bits + 3 - q->refcount_order;
}

/* ---- qcow2_owned.c: I4 */

bool qcow2_is_owned(const struct qcow2 *q, uint64_t cluster);
VX_MUST_USE vx_err qcow2_own(struct qcow2 *q, uint64_t off_bytes, uint64_t bytes);
void qcow2_disown(struct qcow2 *q, uint64_t off_bytes, uint64_t bytes);
/* Marks all tables; an error where two would share a cluster or one is outside the file. */
VX_MUST_USE vx_err qcow2_own_all(struct qcow2 *q);

/* ---- qcow2_map.c */

enum qcow2_kind { QCOW2_UNALLOCATED, QCOW2_ZEROS, QCOW2_NORMAL, QCOW2_PACKED };

struct qcow2_run {
    enum qcow2_kind kind;
    bool copied;       /* NORMAL: nobody else refers to it, it may be written */
    uint64_t host_off; /* NORMAL: of the first byte asked for */
    uint64_t entry;    /* of the first cluster */
    uint64_t bytes;
};

/* What an entry says, with I5. */
VX_MUST_USE vx_err qcow2_decode(struct qcow2 *q, uint64_t entry, struct qcow2_run *run);
/* The run of the disk that begins at off_bytes, is of one kind, and side by side in the file where it is NORMAL. */
VX_MUST_USE vx_err qcow2_map(struct qcow2 *q, uint64_t off_bytes, uint64_t bytes, struct qcow2_run *run);
/* Offset of the entry in an L2 table that may be written, made or copied where there is none. */
VX_MUST_USE vx_err qcow2_map_for_write(struct qcow2 *q, uint64_t off_bytes, uint64_t *entry_off);
/* Takes away what an entry referred to, after it was replaced. */
VX_MUST_USE vx_err qcow2_release(struct qcow2 *q, uint64_t entry, bool punch);
/* First sector-aligned byte and length of what a compressed entry takes of the file. */
void qcow2_packed_range(const struct qcow2 *q, uint64_t entry, uint64_t *off_bytes, uint64_t *bytes);

/* ---- qcow2_compressed.c */

/* q->plain becomes the cluster of that entry. */
VX_MUST_USE vx_err qcow2_unpack(struct qcow2 *q, uint64_t entry);

/* ---- qcow2_io.c, qcow2_write.c */

VX_MUST_USE vx_err qcow2_read(struct medium *medium, uint64_t off_bytes, void *buf, size_t bytes);
VX_MUST_USE vx_err qcow2_write(struct medium *medium, uint64_t off_bytes, const void *buf, size_t bytes);
VX_MUST_USE vx_err qcow2_flush(struct medium *medium);
VX_MUST_USE vx_err qcow2_discard(struct medium *medium, uint64_t off_bytes, uint64_t bytes);
VX_MUST_USE vx_err qcow2_write_zeroes(struct medium *medium, uint64_t off_bytes, uint64_t bytes);

#endif
