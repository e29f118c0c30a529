/* code.c - where host code lives: two mappings of one memfd, and the units in it by address. */
#include "code.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core.h"

vx_err bt_code_create(struct vx_bt *bt, size_t bytes)
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

void bt_code_add(struct vx_bt *bt, struct bt_tu *tu, const uint8_t *code)
{
    struct bt_segment *segment = &bt->segment[bt->segment_cur];
    VX_ASSERT(tu->entry == segment->next && tu->entry + tu->host_bytes <= segment->end);
    memcpy(bt->rw + tu->entry, code, tu->host_bytes);
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

struct bt_tu *bt_code_find(const struct vx_bt *bt, uint32_t off)
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

void bt_code_patch32(struct vx_bt *bt, uint32_t off, uint32_t value)
{
    /* One aligned-or-not 4-byte store: x86 hosts fetch it whole as long as no thread runs these bytes meanwhile. */
    memcpy(bt->rw + off, &value, sizeof value);
}

void bt_code_destroy(struct vx_bt *bt)
{
    if (bt->rx != NULL && bt->rx != MAP_FAILED)
        munmap(bt->rx, bt->cache_bytes);
    if (bt->rw != NULL && bt->rw != MAP_FAILED)
        munmap(bt->rw, bt->cache_bytes);
    for (unsigned i = 0; i < BT_SEGMENTS; i++)
        free(bt->segment[i].sorted);
    if (bt->cache_fd >= 0)
        close(bt->cache_fd);
}
