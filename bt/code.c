/* code.c - where host code lives: two views of the same bytes, and the units in it by address. */
#include "code.h"

#include <errno.h>
#include <stdlib.h>

#include "vx86/host.h"

vx_err bt_code_create(struct bt_code *code, size_t bytes, struct vx_log *log)
{
    struct vx_host_code views;
    const char *why;
    if (!vx_host_code_create(bytes + BT_STUB_BYTES, &views, &why)) {
        vx_log_error(log, VX_LOG_BT, "cannot have a translation cache of %zu KiB: %s; %s", bytes >> 10, why,
                     errno == ENOMEM ? "try a smaller --tc-size or --engine interp"
                                     : vx_err_remedy(errno, "use --engine interp"));
        return VX_ERR_NO_MEMORY;
    }
    code->rw = views.rw;
    code->rx = views.rx;
    code->bytes = bytes = views.bytes;
    uint32_t each = (uint32_t)((bytes - BT_STUB_BYTES) / BT_SEGMENTS) & ~15u;
    for (unsigned i = 0; i < BT_SEGMENTS; i++) {
        code->segment[i].start = code->segment[i].next = BT_STUB_BYTES + i * each;
        code->segment[i].end = code->segment[i].start + each;
    }
    return VX_ERR_OK;
}

void bt_code_add(struct bt_code *code, struct bt_tu *tu, const uint8_t *from)
{
    struct bt_segment *segment = &code->segment[code->current];
    VX_ASSERT(tu->entry == segment->next && tu->entry + tu->host_bytes <= segment->end);
    memcpy(code->rw + tu->entry, from, tu->host_bytes);
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

struct bt_tu *bt_code_find(const struct bt_code *code, uint32_t off)
{
    for (unsigned s = 0; s < BT_SEGMENTS; s++) {
        const struct bt_segment *segment = &code->segment[s];
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

void bt_code_patch32(struct bt_code *code, uint32_t off, uint32_t value)
{
    memcpy(code->rw + off, &value, sizeof value);
}

static struct vx_host_code views_of(const struct bt_code *code)
{
    return (struct vx_host_code){ .rw = code->rw, .rx = code->rx, .bytes = code->bytes };
}

void bt_code_unmap_written(struct bt_code *code, const struct bt_segment *segment)
{
    struct vx_host_code views = views_of(code);
    vx_host_code_settle(&views, segment->start, segment->end - segment->start);
}

void bt_code_destroy(struct bt_code *code)
{
    struct vx_host_code views = views_of(code);
    vx_host_code_destroy(&views);
    for (unsigned i = 0; i < BT_SEGMENTS; i++)
        free(code->segment[i].sorted);
}
