/* qcow2_header.c - what the header says, and whether it can be so; opening and closing. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "qcow2_private.h"

#define X_BACKING_FORMAT 0xE2792ACAu

static vx_err refuse(const struct qcow2 *q, const char *why)
{
    vx_log_error(q->log, VX_LOG_GENERAL, "%s: is a qcow2 image %s", q->medium.name, why);
    return VX_ERR_BAD_FORMAT;
}

static vx_err check_features(const struct qcow2 *q)
{
    static const uint64_t known = QCOW2_DIRTY | QCOW2_CORRUPT | QCOW2_EXTERNAL | QCOW2_COMPRESSION | QCOW2_EXTENDED_L2;
    if (q->incompatible & QCOW2_EXTERNAL)
        return refuse(q, "with an external data file, which vx86 cannot read; convert it: qemu-img convert -O qcow2");
    if (q->incompatible & QCOW2_EXTENDED_L2)
        return refuse(q, "with extended L2 entries, which vx86 cannot read; convert it: qemu-img convert -O qcow2");
    if (q->incompatible & ~known) {
        vx_log_error(q->log, VX_LOG_GENERAL,
                     "%s: is a qcow2 image with incompatible features %" PRIX64
                     "h, which vx86 does not know; convert it: qemu-img convert -O qcow2",
                     q->medium.name, q->incompatible & ~known);
        return VX_ERR_BAD_FORMAT;
    }
    if ((q->incompatible & QCOW2_CORRUPT) && !q->medium.read_only)
        return refuse(q, "that is marked as corrupt; repair it: qemu-img check -r all");
    if ((q->incompatible & QCOW2_DIRTY) && !q->medium.read_only)
        return refuse(q, "that was not closed; repair it: qemu-img check -r all");
    if (q->compression > QCOW2_ZSTD || (q->compression == QCOW2_ZSTD && !(q->incompatible & QCOW2_COMPRESSION)))
        return refuse(q, "with an unknown compression");
    if (q->compression == QCOW2_ZSTD && !qcow2_can_unpack(QCOW2_ZSTD))
        return refuse(q, "compressed by zstd, which this vx86 was built without");
    return VX_ERR_OK;
}

static vx_err read_v3(struct qcow2 *q, const uint8_t *head, uint32_t *header_bytes)
{
    *header_bytes = QCOW2_HEADER_V2_BYTES;
    q->refcount_order = 4;
    if (q->version < 3)
        return VX_ERR_OK;
    *header_bytes = vx_get_be32(head + QCOW2_H_HEADER_BYTES);
    q->refcount_order = vx_get_be32(head + QCOW2_H_REFCOUNT_ORDER);
    q->incompatible = vx_get_be64(head + QCOW2_H_INCOMPATIBLE);
    q->autoclear = vx_get_be64(head + QCOW2_H_AUTOCLEAR);
    if (*header_bytes > QCOW2_H_COMPRESSION)
        q->compression = head[QCOW2_H_COMPRESSION];
    if (*header_bytes < QCOW2_H_COMPRESSION || *header_bytes % 8 != 0 || *header_bytes > q->cluster_bytes)
        return refuse(q, "whose header has an impossible length");
    if (q->refcount_order > 6)
        return refuse(q, "whose refcounts are wider than 64 bits");
    return check_features(q);
}

/* The disk, L1 table and refcount table. */
static vx_err read_tables(struct qcow2 *q, const uint8_t *head)
{
    uint64_t bytes = vx_get_be64(head + QCOW2_H_BYTES), mask = q->cluster_bytes - 1;
    q->medium.bytes = bytes & ~511ull;
    q->l1_off = vx_get_be64(head + QCOW2_H_L1);
    q->l1_entries = vx_get_be32(head + QCOW2_H_L1_ENTRIES);
    q->reftable_off = vx_get_be64(head + QCOW2_H_REFTABLE);
    q->reftable_clusters = vx_get_be32(head + QCOW2_H_REFTABLE_CLUSTERS);
    q->snapshots = vx_get_be32(head + QCOW2_H_SNAPSHOTS);
    q->snapshots_off = vx_get_be64(head + QCOW2_H_SNAPSHOT_TABLE);
    unsigned l2_span_bits = q->cluster_bits + qcow2_l2_bits(q);
    uint64_t need = (bytes >> l2_span_bits) + ((bytes & ((1ull << l2_span_bits) - 1)) != 0);
    if (q->l1_entries > QCOW2_MAX_L1_BYTES / 8 || q->l1_entries < need)
        return refuse(q, "whose L1 table does not have the size that its disk needs");
    if (!qcow2_inside(q, q->l1_off, 8ull * q->l1_entries))
        return refuse(q, "whose L1 table is outside the file");
    if (q->reftable_clusters == 0 || (uint64_t)q->reftable_clusters << q->cluster_bits > QCOW2_MAX_REFTABLE ||
        !qcow2_inside(q, q->reftable_off, (uint64_t)q->reftable_clusters << q->cluster_bits))
        return refuse(q, "whose refcount table is outside the file");
    if (q->snapshots > 65536 || (q->snapshots != 0 && (q->snapshots_off & mask) != 0))
        return refuse(q, "whose table of snapshots is impossible");
    VX_TRY(qcow2_read_table(q, q->l1_off, q->l1_entries, &q->l1));
    for (uint32_t i = 0; i < q->l1_entries; i++) {
        uint64_t off = q->l1[i] & QCOW2_OFFSET_MASK;
        if (off != 0 && !qcow2_inside(q, off, q->cluster_bytes))
            return qcow2_corrupt(q, "an L2 table is outside the file, at byte", off);
    }
    return qcow2_read_table(q, q->reftable_off, q->reftable_clusters << (q->cluster_bits - 3), &q->reftable);
}

/* Header extensions: of interest is the backing file's format. */
static vx_err read_extensions(struct qcow2 *q, uint64_t at, uint64_t end)
{
    while (at + 8 <= end) {
        uint8_t head[8];
        VX_TRY(qcow2_pread(q, at, head, sizeof head));
        uint32_t type = vx_get_be32(head), bytes = vx_get_be32(head + 4);
        at += 8;
        if (type == 0)
            return VX_ERR_OK;
        if (bytes > end - at)
            return refuse(q, "whose header extensions do not end");
        if (type == X_BACKING_FORMAT && bytes < sizeof q->backing_format)
            VX_TRY(qcow2_pread(q, at, q->backing_format, bytes));
        at += ((uint64_t)bytes + 7) & ~7ull;
    }
    return VX_ERR_OK;
}

static vx_err read_backing_name(struct qcow2 *q, const uint8_t *head, uint32_t header_bytes)
{
    uint64_t off = vx_get_be64(head + QCOW2_H_BACKING);
    uint32_t bytes = vx_get_be32(head + QCOW2_H_BACKING_BYTES);
    VX_TRY(read_extensions(q, header_bytes, off != 0 && off < q->cluster_bytes ? off : q->cluster_bytes));
    if (off == 0)
        return VX_ERR_OK;
    if (bytes > QCOW2_MAX_NAME || off >= q->cluster_bytes || bytes > q->cluster_bytes - off)
        return refuse(q, "whose backing file's name is outside the header");
    return qcow2_pread(q, off, q->backing_name, bytes);
}

vx_err qcow2_header_read(struct qcow2 *q)
{
    uint8_t head[QCOW2_HEADER_V3_BYTES];
    uint32_t header_bytes;
    VX_TRY(qcow2_pread(q, 0, head, sizeof head));
    q->version = vx_get_be32(head + QCOW2_H_VERSION);
    q->cluster_bits = vx_get_be32(head + QCOW2_H_CLUSTER_BITS);
    if (vx_get_be32(head) != QCOW2_MAGIC || q->version < 2 || q->version > 3)
        return refuse(q, "of a version that vx86 does not know; convert it: qemu-img convert -O qcow2");
    if (q->cluster_bits < 9 || q->cluster_bits > 21)
        return refuse(q, "whose clusters have an impossible size");
    q->cluster_bytes = 1ull << q->cluster_bits;
    q->slice_bits = q->cluster_bits < 12 ? q->cluster_bits : 12;
    if (vx_get_be32(head + QCOW2_H_CRYPT) != 0)
        return refuse(q, "that is encrypted, which vx86 cannot read; convert it: qemu-img convert -O qcow2");
    VX_TRY(read_v3(q, head, &header_bytes));
    VX_TRY(read_tables(q, head));
    return read_backing_name(q, head, header_bytes);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static vx_err make_room(struct qcow2 *q)
{
    size_t cluster = (size_t)q->cluster_bytes;
    q->slices = malloc((size_t)QCOW2_SETS * QCOW2_WAYS << q->slice_bits);
    q->bounce = malloc(cluster);
    q->plain = malloc(cluster);
    q->packed = malloc(2 * cluster + 512);
    return q->slices != NULL && q->bounce != NULL && q->plain != NULL && q->packed != NULL ? VX_ERR_OK
                                                                                           : VX_ERR_NO_MEMORY;
}

/* What programs that do not know a feature must do to it. */
static vx_err clear_autoclear(struct qcow2 *q)
{
    static const uint8_t none[8];
    return q->autoclear == 0 ? VX_ERR_OK : qcow2_pwrite(q, QCOW2_H_AUTOCLEAR, none, sizeof none);
}

static vx_err prepare(struct qcow2 *q, const struct block_chain *chain)
{
    VX_TRY(qcow2_header_read(q));
    VX_TRY(make_room(q));
    if (!q->medium.read_only)
        VX_TRY(qcow2_own_all(q));
    if (q->backing_name[0] != '\0')
        VX_TRY(block_open_backing(chain, q->backing_name, q->backing_format, &q->backing));
    return q->medium.read_only ? VX_ERR_OK : clear_autoclear(q);
}

static void qcow2_close(struct medium *medium)
{
    struct qcow2 *q = (struct qcow2 *)medium;
    if (q->backing != NULL)
        q->backing->ops->close(q->backing);
    q->file->ops->close(q->file);
    free(q->l1);
    free(q->reftable);
    free(q->owned);
    free(q->slices);
    free(q->bounce);
    free(q->plain);
    free(q->packed);
    free(q);
}

static const struct medium_ops qcow2_ops = {
    .read = qcow2_read,
    .write = qcow2_write,
    .flush = qcow2_flush,
    .discard = qcow2_discard,
    .write_zeroes = qcow2_write_zeroes,
    .close = qcow2_close,
};

vx_err qcow2_open(const struct block_chain *chain, struct medium *file, struct medium **out)
{
    struct qcow2 *q = calloc(1, sizeof *q);
    if (q == NULL) {
        file->ops->close(file);
        return VX_ERR_NO_MEMORY;
    }
    q->medium = (struct medium){ .ops = &qcow2_ops, .read_only = file->read_only };
    memcpy(q->medium.name, file->name, sizeof q->medium.name);
    q->file = file;
    q->log = chain->config->log;
    vx_err err = prepare(q, chain);
    if (err != VX_ERR_OK) {
        qcow2_close(&q->medium);
        return err;
    }
    *out = &q->medium;
    return VX_ERR_OK;
}
