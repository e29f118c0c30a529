/* qcow2_map.c - which cluster of the file holds which of the disk: L1 in memory, L2 through the cache. */
#include <string.h>

#include "qcow2_private.h"

static uint64_t l2_entry_off(const struct qcow2 *q, uint64_t off_bytes)
{
    uint64_t cluster = off_bytes >> q->cluster_bits;
    uint64_t l2 = q->l1[cluster >> qcow2_l2_bits(q)] & QCOW2_OFFSET_MASK;
    return l2 == 0 ? 0 : l2 + 8 * (cluster & ((1ull << qcow2_l2_bits(q)) - 1));
}

vx_err qcow2_decode(struct qcow2 *q, uint64_t entry, struct qcow2_run *run)
{
    uint64_t host = entry & QCOW2_OFFSET_MASK;
    *run = (struct qcow2_run){ .entry = entry, .host_off = host };
    if (entry & QCOW2_COMPRESSED) {
        run->kind = QCOW2_PACKED;
        return VX_ERR_OK;
    }
    if (host != 0 && (!qcow2_inside(q, host, q->cluster_bytes) || qcow2_is_owned(q, host >> q->cluster_bits)))
        return qcow2_corrupt(q, "data would be outside the file or in a table, at byte", host);
    if ((entry & QCOW2_ZERO) && q->version >= 3)
        run->kind = QCOW2_ZEROS;
    else if (host == 0)
        run->kind = QCOW2_UNALLOCATED;
    else
        run->kind = QCOW2_NORMAL;
    run->copied = run->kind == QCOW2_NORMAL && (entry & QCOW2_COPIED) != 0;
    return VX_ERR_OK;
}

static bool goes_on(const struct qcow2 *q, const struct qcow2_run *run, uint64_t host, const struct qcow2_run *next)
{
    return next->kind == run->kind && next->kind != QCOW2_PACKED && next->copied == run->copied &&
           (next->kind != QCOW2_NORMAL || next->host_off == host) && q->complaints == 0;
}

vx_err qcow2_map(struct qcow2 *q, uint64_t off_bytes, uint64_t bytes, struct qcow2_run *run)
{
    uint64_t inside = off_bytes & (q->cluster_bytes - 1), entry_off = l2_entry_off(q, off_bytes);
    uint8_t *at;
    size_t left;
    if (entry_off == 0) { /* no L2 table: all that it would map */
        uint64_t span = 1ull << (q->cluster_bits + qcow2_l2_bits(q));
        uint64_t rest = span - (off_bytes & (span - 1));
        *run = (struct qcow2_run){ .kind = QCOW2_UNALLOCATED, .bytes = rest < bytes ? rest : bytes };
        return VX_ERR_OK;
    }
    VX_TRY(qcow2_meta_at(q, entry_off, &at, &left));
    VX_TRY(qcow2_decode(q, vx_get_be64(at), run));
    uint64_t length = q->cluster_bytes - inside;
    for (size_t next = 8; length < bytes && next < left; next += 8) {
        struct qcow2_run more;
        uint64_t host = run->host_off + (length + inside);
        if (qcow2_decode(q, vx_get_be64(at + next), &more) != VX_ERR_OK || !goes_on(q, run, host, &more))
            break;
        length += q->cluster_bytes;
    }
    run->bytes = length < bytes ? length : bytes;
    run->host_off += inside;
    return VX_ERR_OK;
}

static vx_err link_l2(struct qcow2 *q, uint64_t index, uint64_t l2)
{
    uint8_t entry[8];
    vx_put_be64(entry, l2 | QCOW2_COPIED);
    VX_TRY(qcow2_meta_write(q, q->l1_off + 8 * index, entry, sizeof entry));
    q->l1[index] = l2 | QCOW2_COPIED;
    return VX_ERR_OK;
}

vx_err qcow2_map_for_write(struct qcow2 *q, uint64_t off_bytes, uint64_t *entry_off)
{
    uint64_t index = off_bytes >> (q->cluster_bits + qcow2_l2_bits(q)), old = q->l1[index] & QCOW2_OFFSET_MASK;
    uint64_t l2, got;
    if (q->broken)
        return VX_ERR_IO;
    if (old == 0 || !(q->l1[index] & QCOW2_COPIED)) {
        VX_TRY(qcow2_alloc(q, 1, &l2, &got));
        memset(q->bounce, 0, (size_t)q->cluster_bytes);
        if (old != 0)
            VX_TRY(qcow2_pread(q, old, q->bounce, (size_t)q->cluster_bytes));
        qcow2_meta_forget(q, l2);
        VX_TRY(qcow2_own(q, l2, q->cluster_bytes));
        VX_TRY(qcow2_pwrite(q, l2, q->bounce, (size_t)q->cluster_bytes));
        VX_TRY(qcow2_barrier(q)); /* keeps I2 */
        VX_TRY(link_l2(q, index, l2));
        if (old != 0) /* it stays a snapshot's, and owned */
            VX_TRY(qcow2_free(q, old, 1, false));
    }
    *entry_off = l2_entry_off(q, off_bytes);
    return VX_ERR_OK;
}

void qcow2_packed_range(const struct qcow2 *q, uint64_t entry, uint64_t *off_bytes, uint64_t *bytes)
{
    unsigned split = 62 - (q->cluster_bits - 8);
    uint64_t sectors = (entry >> split & ((1ull << (q->cluster_bits - 8)) - 1)) + 1;
    *off_bytes = (entry & ((1ull << split) - 1)) & ~511ull;
    *bytes = sectors * 512;
}

vx_err qcow2_release(struct qcow2 *q, uint64_t entry, bool punch)
{
    uint64_t off = entry & QCOW2_OFFSET_MASK, bytes = q->cluster_bytes;
    bool packed = (entry & QCOW2_COMPRESSED) != 0;
    if (packed)
        qcow2_packed_range(q, entry, &off, &bytes);
    if (packed && entry == q->plain_entry)
        q->plain_entry = 0;
    if (off == 0)
        return VX_ERR_OK;
    uint64_t start = off & ~(q->cluster_bytes - 1);
    uint64_t clusters = qcow2_clusters_of(q, off + bytes - start);
    for (uint64_t c = start >> q->cluster_bits; c < (start >> q->cluster_bits) + clusters; c++)
        if (qcow2_is_owned(q, c))
            return qcow2_corrupt(q, "data would be in a table, at byte", off);
    return qcow2_free(q, start, clusters, punch);
}
