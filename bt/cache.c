/* cache.c - the translation cache: how it is filled, segment by segment, and emptied.
 *
 *   I1  Units are allocated upwards inside the current segment; when it is full the next one, the oldest, is evicted
 *       whole. A bounded cache so costs one eighth of itself at a time, never a flush of everything.
 *   I2  No unit of a segment is reachable (hash, jump cache, chain, page list) once the segment is evicted.
 *   I3  Nothing is evicted except inside bt_cache_reserve()/bt_cache_evict_all(), that is, never under a running unit.
 *       */
#include "cache.h"

#include <stdlib.h>

#include "invalidate.h"

static void free_unit(struct bt_tu *tu)
{
    free(tu->sites);
    free(tu);
}

/* Takes every unit of the segment out of use and frees it (I2). */
static void evict(struct vx_bt *bt, unsigned index)
{
    struct bt_segment *segment = &bt->code.segment[index];
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
    for (unsigned i = 0; i < BT_SEGMENTS; i++)
        evict(bt, i);
    bt->code.current = 0;
}

uint32_t bt_cache_reserve(struct vx_bt *bt, uint32_t bytes)
{
    struct bt_segment *segment = &bt->code.segment[bt->code.current];
    if (bytes > segment->end - segment->start)
        return UINT32_MAX;
    if (segment->next + bytes > segment->end) {
        bt_code_unmap_written(&bt->code, segment);
        bt->code.current = (bt->code.current + 1) % BT_SEGMENTS;
        segment = &bt->code.segment[bt->code.current];
        evict(bt, bt->code.current);
    }
    return segment->next;
}
