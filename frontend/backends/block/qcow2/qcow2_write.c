/* qcow2_write.c - writes, zeros and discards.
 *
 * A cluster of our own that nobody shares is written in place. Anything else is a new cluster: refcount, what it takes
 * over from the old one around the write, data, barrier, entry, and then the old one's refcount (keeps I1, I2, I3). */
#include <stdlib.h>
#include <string.h>

#include "qcow2_private.h"

enum { BATCH = 512 }; /* entries of a slice */

/* What lies in one slice of an L2 table. */
struct piece {
    uint64_t off_bytes, bytes; /* of the disk */
    uint64_t entry_off;        /* of the first entry */
    uint64_t clusters;
    uint64_t old[BATCH];
};

/* Reads entries until the slice ends, or one may be written in place where `stop_at_own`. */
static vx_err take_piece(struct qcow2 *q, uint64_t off_bytes, uint64_t bytes, bool stop_at_own, struct piece *piece)
{
    uint8_t *at;
    size_t left;
    uint64_t inside = off_bytes & (q->cluster_bytes - 1), want = qcow2_clusters_of(q, inside + bytes);
    VX_TRY(qcow2_map_for_write(q, off_bytes, &piece->entry_off));
    VX_TRY(qcow2_meta_at(q, piece->entry_off, &at, &left));
    uint64_t n = 0;
    for (; n < want && n < left / 8; n++) {
        struct qcow2_run run;
        VX_TRY(qcow2_decode(q, vx_get_be64(at + 8 * n), &run));
        if (stop_at_own && n != 0 && run.copied)
            break;
        piece->old[n] = run.entry;
    }
    piece->clusters = n;
    piece->off_bytes = off_bytes;
    piece->bytes = (n << q->cluster_bits) - inside < bytes ? (n << q->cluster_bits) - inside : bytes;
    return VX_ERR_OK;
}

static vx_err put_entries(struct qcow2 *q, const struct piece *piece, uint64_t first, uint64_t step)
{
    uint8_t entries[8 * BATCH];
    for (uint64_t i = 0; i < piece->clusters; i++)
        vx_put_be64(entries + 8 * i, first + i * step);
    return qcow2_meta_write(q, piece->entry_off, entries, (size_t)piece->clusters * 8);
}

static vx_err release_old(struct qcow2 *q, const struct piece *piece, bool punch)
{
    for (uint64_t i = 0; i < piece->clusters; i++)
        if ((piece->old[i] & QCOW2_COMPRESSED) || (piece->old[i] & QCOW2_OFFSET_MASK) != 0)
            VX_TRY(qcow2_release(q, piece->old[i], punch));
    return VX_ERR_OK;
}

/* What is on the disk now goes to where it will be. */
static vx_err take_over(struct qcow2 *q, uint64_t off_bytes, uint64_t bytes, uint64_t host_off)
{
    if (bytes == 0)
        return VX_ERR_OK;
    uint64_t there = off_bytes >= q->medium.bytes          ? 0
                     : q->medium.bytes - off_bytes < bytes ? q->medium.bytes - off_bytes
                                                           : bytes;
    memset(q->bounce, 0, (size_t)bytes);
    VX_TRY(qcow2_read(&q->medium, off_bytes, q->bounce, (size_t)there));
    return qcow2_pwrite(q, host_off, q->bounce, (size_t)bytes);
}

static vx_err write_new(struct qcow2 *q, uint64_t off_bytes, const uint8_t *buf, uint64_t bytes, uint64_t *done)
{
    struct piece piece;
    uint64_t host, got, head = off_bytes & (q->cluster_bytes - 1);
    VX_TRY(take_piece(q, off_bytes, bytes, true, &piece));
    VX_TRY(qcow2_alloc(q, piece.clusters, &host, &got));
    if (got < piece.clusters) {
        piece.clusters = got;
        piece.bytes = (got << q->cluster_bits) - head;
    }
    uint64_t end = head + piece.bytes, whole = piece.clusters << q->cluster_bits;
    VX_TRY(take_over(q, off_bytes - head, head, host));
    VX_TRY(qcow2_pwrite(q, host + head, buf, (size_t)piece.bytes));
    VX_TRY(take_over(q, off_bytes + piece.bytes, whole - end, host + end));
    VX_TRY(qcow2_barrier(q)); /* keeps I2 and I3 */
    VX_TRY(put_entries(q, &piece, host | QCOW2_COPIED, q->cluster_bytes));
    *done = piece.bytes;
    return release_old(q, &piece, false);
}

static vx_err write_some(struct qcow2 *q, uint64_t off_bytes, const uint8_t *buf, uint64_t bytes, uint64_t *done)
{
    struct qcow2_run run;
    VX_TRY(qcow2_map(q, off_bytes, bytes, &run));
    uint64_t index = off_bytes >> (q->cluster_bits + qcow2_l2_bits(q));
    if (!run.copied || !(q->l1[index] & QCOW2_COPIED))
        return write_new(q, off_bytes, buf, bytes, done);
    *done = run.bytes;
    return qcow2_pwrite(q, run.host_off, buf, (size_t)run.bytes);
}

vx_err qcow2_write(struct medium *medium, uint64_t off_bytes, const void *buf, size_t bytes)
{
    struct qcow2 *q = (struct qcow2 *)medium;
    const uint8_t *at = buf;
    vx_err err = VX_ERR_OK;
    while (bytes > 0 && err == VX_ERR_OK) {
        uint64_t done = 0;
        err = write_some(q, off_bytes, at, bytes, &done);
        at += done;
        off_bytes += done;
        bytes -= (size_t)done;
    }
    return err == VX_ERR_BAD_FORMAT ? VX_ERR_IO : err;
}

/* ---- zeros ------------------------------------------------------------------------------------------------------- */

static vx_err write_plain_zeros(struct medium *medium, uint64_t off_bytes, uint64_t bytes)
{
    static const uint8_t zeros[16384];
    for (uint64_t part; bytes > 0; off_bytes += part, bytes -= part) {
        part = bytes < sizeof zeros ? bytes : sizeof zeros;
        VX_TRY(qcow2_write(medium, off_bytes, zeros, (size_t)part));
    }
    return VX_ERR_OK;
}

/* Whole clusters become zeros without a cluster in the file. Without a backing file it is enough to have none. */
static vx_err drop_clusters(struct qcow2 *q, uint64_t off_bytes, uint64_t bytes)
{
    while (bytes > 0) {
        struct qcow2_run run;
        VX_TRY(qcow2_map(q, off_bytes, bytes, &run));
        uint64_t part = run.bytes;
        bool zeros = run.kind == QCOW2_ZEROS || (run.kind == QCOW2_UNALLOCATED && q->backing == NULL);
        if (!zeros) {
            struct piece piece;
            VX_TRY(take_piece(q, off_bytes, part, false, &piece));
            VX_TRY(put_entries(q, &piece, q->version >= 3 ? QCOW2_ZERO : 0, 0));
            VX_TRY(qcow2_barrier(q)); /* no longer referred to when it is given away */
            VX_TRY(release_old(q, &piece, true));
            part = piece.bytes;
        }
        off_bytes += part;
        bytes -= part;
    }
    return VX_ERR_OK;
}

/* The whole clusters inside a range; the disk's end may be inside its last one. False: there are none. */
static bool whole_clusters(const struct qcow2 *q, uint64_t off_bytes, uint64_t bytes, uint64_t *first, uint64_t *end)
{
    uint64_t mask = q->cluster_bytes - 1;
    *first = (off_bytes + mask) & ~mask;
    *end = off_bytes + bytes == q->medium.bytes ? off_bytes + bytes : (off_bytes + bytes) & ~mask;
    return *first < *end;
}

static bool can_drop(const struct qcow2 *q)
{
    return q->version >= 3 || q->backing == NULL;
}

vx_err qcow2_write_zeroes(struct medium *medium, uint64_t off_bytes, uint64_t bytes)
{
    struct qcow2 *q = (struct qcow2 *)medium;
    uint64_t first, end;
    if (!can_drop(q) || !whole_clusters(q, off_bytes, bytes, &first, &end))
        return write_plain_zeros(medium, off_bytes, bytes);
    VX_TRY(write_plain_zeros(medium, off_bytes, first - off_bytes));
    VX_TRY(write_plain_zeros(medium, end, off_bytes + bytes - end));
    vx_err err = drop_clusters(q, first, end - first);
    return err == VX_ERR_BAD_FORMAT ? VX_ERR_IO : err;
}

vx_err qcow2_discard(struct medium *medium, uint64_t off_bytes, uint64_t bytes)
{
    struct qcow2 *q = (struct qcow2 *)medium;
    uint64_t first, end;
    if (!can_drop(q) || !whole_clusters(q, off_bytes, bytes, &first, &end))
        return VX_ERR_OK;
    vx_err err = drop_clusters(q, first, end - first);
    return err == VX_ERR_BAD_FORMAT ? VX_ERR_IO : err;
}
