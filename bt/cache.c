/* cache.c - the translation cache: one memfd seen twice (written here, run there), filled segment by segment.
 *
 *     offset 0          BT_STUB_BYTES                                          cache_bytes
 *     [ entry/exit stubs ][ segment 0 ][ segment 1 ] ...            [ segment n-1 ]
 *
 *   I1  Units are allocated upwards inside the current segment; when it is full the next one, the oldest, is evicted
 *       whole. A bounded cache so costs one eighth of itself at a time, never a flush of everything.
 *   I2  No unit of a segment is reachable (hash, jump cache, chain, page list) once the segment is evicted.
 *   I3  Nothing is evicted except inside bt_cache_reserve()/bt_cache_evict_all(), that is, never under a running unit.
 *       */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

vx_err bt_cache_create(struct vx_bt *bt, size_t bytes)
{
    long page = sysconf(_SC_PAGESIZE);
    bytes = (bytes + BT_STUB_BYTES + (size_t)page - 1) & ~((size_t)page - 1);
    bt->cache_bytes = bytes;
    bt->cache_fd = memfd_create("vx86 translation cache", MFD_CLOEXEC);
    if (bt->cache_fd < 0 || ftruncate(bt->cache_fd, (off_t)bytes) != 0) {
        vx_log_error(bt->log, VX_LOG_BT, "cannot create the translation cache of %zu KiB: %s", bytes >> 10,
                     strerror(errno));
        return VX_ERR_NO_MEMORY;
    }
    bt->rw = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bt->cache_fd, 0);
    bt->rx = mmap(NULL, bytes, PROT_READ | PROT_EXEC, MAP_SHARED, bt->cache_fd, 0);
    if (bt->rw == MAP_FAILED || bt->rx == MAP_FAILED) {
        vx_log_error(bt->log, VX_LOG_BT,
                     "cannot map the translation cache: %s; try a smaller --tc-size or --engine interp",
                     strerror(errno));
        return VX_ERR_NO_MEMORY;
    }
    bt->segment_count = BT_SEGMENTS;
    uint32_t each = (uint32_t)((bytes - BT_STUB_BYTES) / bt->segment_count) & ~15u;
    for (unsigned i = 0; i < bt->segment_count; i++) {
        bt->segment[i].start = bt->segment[i].next = BT_STUB_BYTES + i * each;
        bt->segment[i].end = bt->segment[i].start + each;
    }
    return VX_ERR_OK;
}

static void free_unit(struct bt_tu *tu)
{
    free(tu->sites);
    free(tu);
}

/* Takes every unit of the segment out of use and frees it (I2). */
static void evict(struct vx_bt *bt, unsigned index)
{
    struct bt_segment *segment = &bt->segment[index];
    if (segment->units > 0) {
        bt->stats->cache_evictions++;
        vx_trace(bt->log, bt_evict, index, segment->units);
    }
    for (uint32_t i = 0; i < segment->units; i++) {
        if (!segment->sorted[i]->dead) {
            bt->stats->cache_evicted_units++;
            bt_invalidate(bt, segment->sorted[i], END_EVICTED);
        }
    }
    for (uint32_t i = 0; i < segment->units; i++)
        free_unit(segment->sorted[i]);
    segment->units = 0;
    segment->next = segment->start;
    bt->evictions++;
}

void bt_cache_evict_all(struct vx_bt *bt)
{
    for (unsigned i = 0; i < bt->segment_count; i++)
        evict(bt, i);
    bt->segment_cur = 0;
}

/* A full segment is hardly written any more (patched exits only): its pages stay mapped where they run, not here too.
 * */
static void unmap_written(struct vx_bt *bt, const struct bt_segment *segment)
{
    size_t mask = (size_t)sysconf(_SC_PAGESIZE) - 1;
    size_t from = (segment->start + mask) & ~mask, to = segment->end & ~mask;
    if (to > from)
        (void)madvise(bt->rw + from, to - from, MADV_DONTNEED);
}

uint32_t bt_cache_reserve(struct vx_bt *bt, uint32_t bytes)
{
    struct bt_segment *segment = &bt->segment[bt->segment_cur];
    if (bytes > segment->end - segment->start)
        return UINT32_MAX;
    if (segment->next + bytes > segment->end) {
        unmap_written(bt, segment);
        bt->segment_cur = (bt->segment_cur + 1) % bt->segment_count;
        segment = &bt->segment[bt->segment_cur];
        evict(bt, bt->segment_cur);
    }
    return segment->next;
}

void bt_cache_commit(struct vx_bt *bt, struct bt_tu *tu)
{
    struct bt_segment *segment = &bt->segment[bt->segment_cur];
    VX_ASSERT(tu->entry == segment->next && tu->entry + tu->host_bytes <= segment->end);
    memcpy(bt->rw + tu->entry, bt->buffer, tu->host_bytes);
    segment->next = (tu->entry + tu->host_bytes + 15) & ~15u;
    if (segment->next > segment->end)
        segment->next = segment->end;
    if (segment->units == segment->sorted_cap) {
        segment->sorted_cap = segment->sorted_cap == 0 ? 256 : segment->sorted_cap * 2;
        segment->sorted = realloc(segment->sorted, segment->sorted_cap * sizeof *segment->sorted);
        VX_ASSERT(segment->sorted != NULL);
    }
    segment->sorted[segment->units++] = tu;
}

struct bt_tu *bt_cache_find(struct vx_bt *bt, uint32_t off)
{
    for (unsigned s = 0; s < bt->segment_count; s++) {
        const struct bt_segment *segment = &bt->segment[s];
        if (off < segment->start || off >= segment->next)
            continue;
        uint32_t lo = 0, hi = segment->units;
        while (hi - lo > 1) {
            uint32_t mid = lo + (hi - lo) / 2;
            if (segment->sorted[mid]->entry <= off)
                lo = mid;
            else
                hi = mid;
        }
        return hi > lo ? segment->sorted[lo] : NULL;
    }
    return NULL;
}

void bt_cache_patch32(struct vx_bt *bt, uint32_t off, uint32_t value)
{
    /* One aligned-or-not 4-byte store: x86 hosts fetch it whole as long as no thread runs these bytes meanwhile. */
    memcpy(bt->rw + off, &value, sizeof value);
}

void bt_cache_destroy(struct vx_bt *bt)
{
    if (bt->rx != NULL && bt->rx != MAP_FAILED) {
        bt_cache_evict_all(bt);
        munmap(bt->rx, bt->cache_bytes);
    }
    if (bt->rw != NULL && bt->rw != MAP_FAILED)
        munmap(bt->rw, bt->cache_bytes);
    for (unsigned i = 0; i < BT_SEGMENTS; i++)
        free(bt->segment[i].sorted);
    if (bt->cache_fd >= 0)
        close(bt->cache_fd);
}
