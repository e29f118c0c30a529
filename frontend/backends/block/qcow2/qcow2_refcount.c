/* qcow2_refcount.c - which clusters of the file are used.
 *
 *     reftable[i] -> block i: refcounts of clusters i << block_bits and on, 1 << refcount_order bits each
 *
 * A range of clusters without a block is free as a whole, so the cluster that is wanted there becomes the block itself,
 * with a refcount of its own. So does a longer table: it takes clusters that no block has counted yet. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "qcow2_private.h"

static uint64_t get_count(const uint8_t *block, uint64_t index, unsigned order)
{
    switch (order) {
    case 3: return block[index];
    case 4: return vx_get_be16(block + 2 * index);
    case 5: return vx_get_be32(block + 4 * index);
    case 6: return vx_get_be64(block + 8 * index);
    default: break;
    }
    unsigned per_byte = 8u >> order, bits = 1u << order;
    return block[index / per_byte] >> index % per_byte * bits & ((1u << bits) - 1);
}

static void put_count(uint8_t *block, uint64_t index, unsigned order, uint64_t count)
{
    unsigned per_byte = 8u >> order, bits = 1u << order, mask = (1u << bits) - 1;
    switch (order) {
    case 3: block[index] = (uint8_t)count; return;
    case 4: vx_put_be16(block + 2 * index, (uint16_t)count); return;
    case 5: vx_put_be32(block + 4 * index, (uint32_t)count); return;
    case 6: vx_put_be64(block + 8 * index, count); return;
    default: break;
    }
    unsigned shift = (unsigned)(index % per_byte) * bits;
    uint8_t *byte = &block[index / per_byte];
    *byte = (uint8_t)((*byte & ~(mask << shift)) | (unsigned)count << shift);
}

static uint64_t table_entries(const struct qcow2 *q)
{
    return (uint64_t)q->reftable_clusters << (q->cluster_bits - 3);
}

/* Where the refcount's byte is; 0: it has no block, and is zero. */
static uint64_t count_off(const struct qcow2 *q, uint64_t cluster)
{
    uint64_t block = cluster >> qcow2_block_bits(q);
    if (block >= table_entries(q) || q->reftable[block] == 0)
        return 0;
    uint64_t index = cluster & ((1ull << qcow2_block_bits(q)) - 1);
    return q->reftable[block] + (index << q->refcount_order >> 3);
}

/* The refcount as an index from the byte that has it. */
static uint64_t index_in_byte(const struct qcow2 *q, uint64_t cluster)
{
    return q->refcount_order < 3 ? cluster & ((8u >> q->refcount_order) - 1) : 0;
}

vx_err qcow2_refcount(struct qcow2 *q, uint64_t cluster, uint64_t *count)
{
    uint64_t off = count_off(q, cluster);
    uint8_t *at;
    size_t left;
    *count = 0;
    if (off == 0)
        return VX_ERR_OK;
    VX_TRY(qcow2_meta_at(q, off, &at, &left));
    *count = get_count(at, index_in_byte(q, cluster), q->refcount_order);
    return VX_ERR_OK;
}

static vx_err set_refcount(struct qcow2 *q, uint64_t cluster, uint64_t count)
{
    uint64_t off = count_off(q, cluster);
    uint8_t *at, copy[8];
    size_t left, bytes = q->refcount_order < 3 ? 1 : (size_t)1 << q->refcount_order >> 3;
    if (off == 0)
        return qcow2_corrupt(q, "there is no refcount for cluster", cluster);
    VX_TRY(qcow2_meta_at(q, off, &at, &left));
    memcpy(copy, at, bytes);
    put_count(copy, index_in_byte(q, cluster), q->refcount_order, count);
    return qcow2_meta_write(q, off, copy, bytes);
}

/* ---- more room for refcounts ------------------------------------------------------------------------------------- */

static vx_err add_block(struct qcow2 *q, uint64_t cluster)
{
    uint64_t off = cluster << q->cluster_bits, block = cluster >> qcow2_block_bits(q);
    uint8_t entry[8];
    memset(q->bounce, 0, (size_t)q->cluster_bytes);
    put_count(q->bounce, cluster & ((1ull << qcow2_block_bits(q)) - 1), q->refcount_order, 1);
    qcow2_meta_forget(q, off);
    VX_TRY(qcow2_own(q, off, q->cluster_bytes));
    VX_TRY(qcow2_pwrite(q, off, q->bounce, (size_t)q->cluster_bytes));
    VX_TRY(qcow2_barrier(q)); /* keeps I2 */
    vx_put_be64(entry, off);
    VX_TRY(qcow2_meta_write(q, q->reftable_off + 8 * block, entry, sizeof entry));
    q->reftable[block] = off;
    return VX_ERR_OK;
}

struct growth {
    uint64_t first;                  /* cluster: the table, then the blocks */
    uint64_t table_clusters, blocks; /* how many */
    uint64_t first_block;            /* index in the table */
    uint64_t *table;
};

/* How long a table that counts itself and its blocks must be. */
static void plan_growth(const struct qcow2 *q, uint64_t cluster, struct growth *growth)
{
    unsigned block_bits = qcow2_block_bits(q), entry_bits = q->cluster_bits - 3;
    *growth = (struct growth){ .first = cluster, .first_block = cluster >> block_bits };
    growth->table_clusters = q->reftable_clusters + q->reftable_clusters / 2 + 1;
    growth->blocks = 1;
    for (;;) {
        uint64_t last = cluster + growth->table_clusters + growth->blocks - 1;
        uint64_t blocks = (last >> block_bits) - growth->first_block + 1;
        uint64_t tables = (((last >> block_bits) + 1) >> entry_bits) + 1;
        if (blocks <= growth->blocks && tables <= growth->table_clusters)
            return;
        growth->blocks = blocks > growth->blocks ? blocks : growth->blocks;
        growth->table_clusters = tables > growth->table_clusters ? tables : growth->table_clusters;
    }
}

static vx_err write_blocks(struct qcow2 *q, const struct growth *growth)
{
    uint64_t first = growth->first, end = first + growth->table_clusters + growth->blocks;
    uint64_t per_block = 1ull << qcow2_block_bits(q);
    for (uint64_t i = 0; i < growth->blocks; i++) {
        uint64_t off = (first + growth->table_clusters + i) << q->cluster_bits;
        uint64_t base = (growth->first_block + i) * per_block;
        memset(q->bounce, 0, (size_t)q->cluster_bytes);
        for (uint64_t c = base > first ? base : first; c < end && c < base + per_block; c++)
            put_count(q->bounce, c - base, q->refcount_order, 1);
        VX_TRY(qcow2_pwrite(q, off, q->bounce, (size_t)q->cluster_bytes));
        growth->table[growth->first_block + i] = off;
    }
    return VX_ERR_OK;
}

static vx_err write_table(struct qcow2 *q, const struct growth *growth)
{
    unsigned entries = 1u << (q->cluster_bits - 3);
    for (uint64_t i = 0; i < growth->table_clusters; i++) {
        for (unsigned n = 0; n < entries; n++)
            vx_put_be64(q->bounce + 8 * n, growth->table[i * entries + n]);
        VX_TRY(qcow2_pwrite(q, (growth->first + i) << q->cluster_bits, q->bounce, (size_t)q->cluster_bytes));
    }
    return VX_ERR_OK;
}

static vx_err switch_table(struct qcow2 *q, const struct growth *growth)
{
    uint8_t where[12];
    uint64_t bytes = (growth->table_clusters + growth->blocks) << q->cluster_bits;
    for (uint64_t i = 0; i < growth->table_clusters + growth->blocks; i++)
        qcow2_meta_forget(q, (growth->first + i) << q->cluster_bits);
    VX_TRY(qcow2_own(q, growth->first << q->cluster_bits, bytes));
    VX_TRY(write_blocks(q, growth));
    VX_TRY(write_table(q, growth));
    VX_TRY(qcow2_barrier(q)); /* keeps I2 */
    vx_put_be64(where, growth->first << q->cluster_bits);
    vx_put_be32(where + 8, (uint32_t)growth->table_clusters);
    return qcow2_meta_write(q, QCOW2_H_REFTABLE, where, sizeof where);
}

static vx_err grow_table(struct qcow2 *q, uint64_t cluster)
{
    struct growth growth;
    plan_growth(q, cluster, &growth);
    uint64_t entries = growth.table_clusters << (q->cluster_bits - 3);
    if (growth.table_clusters << q->cluster_bits > QCOW2_MAX_REFTABLE)
        return qcow2_corrupt(q, "its refcounts have no room for cluster", cluster);
    growth.table = calloc((size_t)entries, sizeof *growth.table);
    if (growth.table == NULL)
        return VX_ERR_NO_MEMORY;
    memcpy(growth.table, q->reftable, (size_t)table_entries(q) * sizeof *growth.table);
    vx_err err = switch_table(q, &growth);
    if (err != VX_ERR_OK) {
        free(growth.table);
        return err;
    }
    uint64_t old_off = q->reftable_off, old_clusters = q->reftable_clusters;
    free(q->reftable);
    q->reftable = growth.table;
    q->reftable_off = growth.first << q->cluster_bits;
    q->reftable_clusters = (uint32_t)growth.table_clusters;
    qcow2_disown(q, old_off, old_clusters << q->cluster_bits);
    return qcow2_free(q, old_off, old_clusters, true);
}

/* ---- allocation -------------------------------------------------------------------------------------------------- */

/* Makes sure that the hint's refcount has a place; the hint may move on. */
static vx_err prepare_hint(struct qcow2 *q)
{
    for (;;) {
        uint64_t block = q->free_hint >> qcow2_block_bits(q);
        if (block >= table_entries(q)) {
            /* keeps what plan_growth() counts on: nothing from here on is used */
            if (q->free_hint < qcow2_file_clusters(q))
                q->free_hint = qcow2_file_clusters(q);
            VX_TRY(grow_table(q, q->free_hint));
        } else if (q->reftable[block] != 0) {
            return VX_ERR_OK;
        } else if (qcow2_is_owned(q, q->free_hint)) {
            q->free_hint++;
        } else {
            VX_TRY(add_block(q, q->free_hint));
        }
    }
}

static vx_err is_free(struct qcow2 *q, uint64_t cluster, bool *yes)
{
    uint64_t count;
    VX_TRY(qcow2_refcount(q, cluster, &count));
    *yes = count == 0 && !qcow2_is_owned(q, cluster); /* keeps I4 with refcounts that are wrong */
    return VX_ERR_OK;
}

vx_err qcow2_alloc(struct qcow2 *q, uint64_t want, uint64_t *off_bytes, uint64_t *got)
{
    bool yes = false;
    if (q->broken)
        return VX_ERR_IO;
    for (; !yes; q->free_hint += !yes) {
        VX_TRY(prepare_hint(q));
        VX_TRY(is_free(q, q->free_hint, &yes));
    }
    uint64_t first = q->free_hint, count = 0, block_end = (first | ((1ull << qcow2_block_bits(q)) - 1)) + 1;
    while (count < want && first + count < block_end) {
        VX_TRY(is_free(q, first + count, &yes));
        if (!yes)
            break;
        VX_TRY(set_refcount(q, first + count, 1));
        count++;
    }
    q->free_hint = first + count;
    *off_bytes = first << q->cluster_bits;
    *got = count;
    return VX_ERR_OK;
}

vx_err qcow2_free(struct qcow2 *q, uint64_t off_bytes, uint64_t clusters, bool punch)
{
    uint64_t first = off_bytes >> q->cluster_bits, hole = 0;
    for (uint64_t c = first; c < first + clusters; c++) {
        uint64_t count;
        VX_TRY(qcow2_refcount(q, c, &count));
        if (count == 0)
            return qcow2_corrupt(q, "nobody has counted cluster", c);
        VX_TRY(set_refcount(q, c, count - 1));
        hole = count == 1 ? hole + 1 : 0;
        if (count == 1 && c < q->free_hint)
            q->free_hint = c;
    }
    if (punch && hole == clusters && off_bytes + clusters * q->cluster_bytes <= q->file->bytes)
        return q->file->ops->discard(q->file, off_bytes, clusters << q->cluster_bits);
    return VX_ERR_OK;
}
