/* qcow2_meta.c - tables in the file: read through a cache of slices, written through at once. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "qcow2_private.h"

enum { MAX_COMPLAINTS = 8 };

vx_err qcow2_corrupt(struct qcow2 *q, const char *what, uint64_t where)
{
    if (q->complaints++ < MAX_COMPLAINTS)
        vx_log_error(q->log, VX_LOG_GENERAL, "%s: is a damaged qcow2 image: %s %" PRIu64 "; see: qemu-img check",
                     q->medium.name, what, where);
    q->medium.reason = EIO;
    return VX_ERR_BAD_FORMAT;
}

bool qcow2_inside(const struct qcow2 *q, uint64_t off_bytes, uint64_t bytes)
{
    uint64_t end = qcow2_file_clusters(q) << q->cluster_bits;
    return (off_bytes & (q->cluster_bytes - 1)) == 0 && off_bytes <= end && bytes <= end - off_bytes;
}

vx_err qcow2_pread(struct qcow2 *q, uint64_t off_bytes, void *buf, size_t bytes)
{
    uint64_t end = q->file->bytes;
    size_t there = off_bytes >= end ? 0 : end - off_bytes < bytes ? (size_t)(end - off_bytes) : bytes;
    memset((uint8_t *)buf + there, 0, bytes - there);
    if (there == 0)
        return VX_ERR_OK;
    vx_err err = q->file->ops->read(q->file, off_bytes, buf, there);
    q->medium.reason = q->file->reason;
    return err;
}

vx_err qcow2_pwrite(struct qcow2 *q, uint64_t off_bytes, const void *buf, size_t bytes)
{
    vx_err err = q->file->ops->write(q->file, off_bytes, buf, bytes);
    q->medium.reason = q->file->reason;
    return err;
}

vx_err qcow2_barrier(struct qcow2 *q)
{
    vx_err err = q->file->ops->flush(q->file);
    q->medium.reason = q->file->reason;
    return err;
}

static unsigned set_of(const struct qcow2 *q, uint64_t off_bytes)
{
    return (unsigned)((off_bytes >> q->slice_bits) * 0x9E3779B97F4A7C15ull >> 55) % QCOW2_SETS;
}

static uint8_t *slice_of(const struct qcow2 *q, unsigned set, unsigned way)
{
    return q->slices + ((size_t)(set * QCOW2_WAYS + way) << q->slice_bits);
}

/* The way that has the slice, or QCOW2_WAYS. */
static unsigned find_way(const struct qcow2 *q, unsigned set, uint64_t off_bytes)
{
    unsigned way = 0;
    while (way < QCOW2_WAYS && q->slots[set][way].off_bytes != off_bytes)
        way++;
    return way;
}

static unsigned oldest_way(const struct qcow2 *q, unsigned set)
{
    unsigned oldest = 0;
    for (unsigned way = 1; way < QCOW2_WAYS; way++)
        if (q->slots[set][way].used < q->slots[set][oldest].used)
            oldest = way;
    return oldest;
}

vx_err qcow2_meta_at(struct qcow2 *q, uint64_t off_bytes, uint8_t **at, size_t *left)
{
    size_t slice_bytes = (size_t)1 << q->slice_bits, inside = (size_t)(off_bytes & (slice_bytes - 1));
    uint64_t start = off_bytes - inside;
    unsigned set = set_of(q, start), way = find_way(q, set, start);
    if (way == QCOW2_WAYS) {
        way = oldest_way(q, set);
        q->slots[set][way] = (struct qcow2_slot){ 0 };
        VX_TRY(qcow2_pread(q, start, slice_of(q, set, way), slice_bytes));
        q->slots[set][way].off_bytes = start;
    }
    q->slots[set][way].used = ++q->tick;
    *at = slice_of(q, set, way) + inside;
    *left = slice_bytes - inside;
    return VX_ERR_OK;
}

vx_err qcow2_meta_write(struct qcow2 *q, uint64_t off_bytes, const void *buf, size_t bytes)
{
    uint64_t start = off_bytes >> q->slice_bits << q->slice_bits;
    unsigned set = set_of(q, start), way = find_way(q, set, start);
    vx_err err = qcow2_pwrite(q, off_bytes, buf, bytes);
    if (err != VX_ERR_OK) {
        q->broken = true;
        return err;
    }
    if (way < QCOW2_WAYS)
        memmove(slice_of(q, set, way) + (off_bytes - start), buf, bytes);
    return VX_ERR_OK;
}

void qcow2_meta_forget(struct qcow2 *q, uint64_t cluster_off)
{
    for (uint64_t off = cluster_off; off < cluster_off + q->cluster_bytes; off += 1ull << q->slice_bits) {
        unsigned set = set_of(q, off), way = find_way(q, set, off);
        if (way < QCOW2_WAYS)
            q->slots[set][way] = (struct qcow2_slot){ 0 };
    }
}

vx_err qcow2_read_table(struct qcow2 *q, uint64_t off_bytes, uint32_t entries, uint64_t **out)
{
    uint64_t *table = calloc(entries + 1, sizeof *table);
    if (table == NULL)
        return VX_ERR_NO_MEMORY;
    vx_err err = qcow2_pread(q, off_bytes, table, entries * sizeof *table);
    for (uint32_t i = 0; i < entries; i++)
        table[i] = vx_get_be64((const uint8_t *)&table[i]);
    if (err == VX_ERR_OK)
        *out = table;
    else
        free(table);
    return err;
}
