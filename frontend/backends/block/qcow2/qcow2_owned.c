/* qcow2_owned.c - which clusters have tables (I4): one bit a cluster, set at opening and with each new table. */
#include <stdlib.h>
#include <string.h>

#include "qcow2_private.h"

bool qcow2_is_owned(const struct qcow2 *q, uint64_t cluster)
{
    return cluster < q->owned_clusters && (q->owned[cluster / 8] >> cluster % 8 & 1) != 0;
}

static vx_err reserve(struct qcow2 *q, uint64_t clusters)
{
    if (clusters <= q->owned_clusters)
        return VX_ERR_OK;
    uint64_t room = (clusters + clusters / 4 + 1024) & ~7ull;
    uint8_t *owned = calloc(1, (size_t)(room / 8));
    if (owned == NULL)
        return VX_ERR_NO_MEMORY;
    if (q->owned != NULL)
        memcpy(owned, q->owned, (size_t)(q->owned_clusters / 8));
    free(q->owned);
    q->owned = owned;
    q->owned_clusters = room;
    return VX_ERR_OK;
}

vx_err qcow2_own(struct qcow2 *q, uint64_t off_bytes, uint64_t bytes)
{
    uint64_t first = off_bytes >> q->cluster_bits, end = first + qcow2_clusters_of(q, bytes);
    VX_TRY(reserve(q, end));
    for (uint64_t c = first; c < end; c++) {
        if (qcow2_is_owned(q, c))
            return qcow2_corrupt(q, "two tables lie in cluster", c);
        q->owned[c / 8] |= (uint8_t)(1u << c % 8);
    }
    return VX_ERR_OK;
}

void qcow2_disown(struct qcow2 *q, uint64_t off_bytes, uint64_t bytes)
{
    uint64_t first = off_bytes >> q->cluster_bits, end = first + qcow2_clusters_of(q, bytes);
    for (uint64_t c = first; c < end && c < q->owned_clusters; c++)
        q->owned[c / 8] &= (uint8_t) ~(1u << c % 8);
}

static vx_err own_table(struct qcow2 *q, const char *what, uint64_t off_bytes, uint64_t bytes)
{
    if (bytes == 0)
        return VX_ERR_OK;
    if (!qcow2_inside(q, off_bytes, bytes))
        return qcow2_corrupt(q, what, off_bytes);
    return qcow2_own(q, off_bytes, bytes);
}

/* A snapshot may share its L2 tables with the disk and with other snapshots. */
static vx_err own_l2_of_snapshot(struct qcow2 *q, uint64_t l1_off, uint32_t entries)
{
    uint64_t *l1;
    VX_TRY(qcow2_read_table(q, l1_off, entries, &l1));
    vx_err err = VX_ERR_OK;
    for (uint32_t i = 0; i < entries && err == VX_ERR_OK; i++) {
        uint64_t off = l1[i] & QCOW2_OFFSET_MASK;
        if (off != 0 && !qcow2_is_owned(q, off >> q->cluster_bits))
            err = own_table(q, "a snapshot's L2 table is outside the file, at byte", off, q->cluster_bytes);
    }
    free(l1);
    return err;
}

/* One entry of the table of snapshots ("Snapshots"); `*at` becomes that of the next. */
static vx_err own_snapshot(struct qcow2 *q, uint64_t *at)
{
    enum { FIXED = 40 };
    uint8_t head[FIXED];
    VX_TRY(qcow2_pread(q, *at, head, sizeof head));
    uint64_t l1_off = vx_get_be64(head);
    uint32_t entries = vx_get_be32(head + 8);
    uint64_t bytes = FIXED + (uint64_t)vx_get_be32(head + 36) + vx_get_be16(head + 12) + vx_get_be16(head + 14);
    *at += (bytes + 7) & ~7ull;
    if (entries > QCOW2_MAX_L1_BYTES / 8)
        return qcow2_corrupt(q, "a snapshot's L1 table is too long:", entries);
    if (entries == 0)
        return VX_ERR_OK;
    VX_TRY(own_table(q, "a snapshot's L1 table is outside the file, at byte", l1_off, 8ull * entries));
    return own_l2_of_snapshot(q, l1_off, entries);
}

static vx_err own_snapshots(struct qcow2 *q)
{
    uint64_t at = q->snapshots_off, end = q->file->bytes;
    for (uint32_t i = 0; i < q->snapshots; i++) {
        if (at >= end)
            return qcow2_corrupt(q, "the table of snapshots leaves the file at byte", at);
        VX_TRY(own_snapshot(q, &at));
    }
    return q->snapshots == 0 ? VX_ERR_OK
                             : own_table(q, "the table of snapshots is outside the file, at byte", q->snapshots_off,
                                         at - q->snapshots_off);
}

vx_err qcow2_own_all(struct qcow2 *q)
{
    uint64_t blocks = (uint64_t)q->reftable_clusters << (q->cluster_bits - 3);
    VX_TRY(reserve(q, qcow2_file_clusters(q)));
    VX_TRY(own_table(q, "the header", 0, q->cluster_bytes));
    VX_TRY(own_table(q, "the L1 table is outside the file, at byte", q->l1_off, 8ull * q->l1_entries));
    VX_TRY(own_table(q, "the refcount table is outside the file, at byte", q->reftable_off,
                     (uint64_t)q->reftable_clusters << q->cluster_bits));
    for (uint64_t i = 0; i < blocks; i++)
        if (q->reftable[i] != 0)
            VX_TRY(own_table(q, "a refcount block is outside the file, at byte", q->reftable[i], q->cluster_bytes));
    for (uint32_t i = 0; i < q->l1_entries; i++)
        if ((q->l1[i] & QCOW2_OFFSET_MASK) != 0)
            VX_TRY(own_table(q, "an L2 table is outside the file, at byte", q->l1[i] & QCOW2_OFFSET_MASK,
                             q->cluster_bytes));
    return own_snapshots(q);
}
