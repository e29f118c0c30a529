/* cache.c - the translation cache: how it is filled, segment by segment, and emptied.
 *
 *   I1  Units are allocated upwards inside the current segment; when it is full the next one, the oldest, is evicted
 *       whole. A bounded cache so costs one eighth of itself at a time, never a flush of everything.
 *   I2  No unit of a segment is reachable (hash, jump cache, chain, page list) once the segment is evicted.
 *   I3  Nothing is evicted except inside bt_cache_reserve()/bt_cache_evict_all(), that is, never under a running unit.
 *       */
#include "cache.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "invalidate.h"

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
