/* code.c - where host code lives: two mappings of one memfd, and the units in it by address. */
#include "code.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

vx_err bt_code_create(struct bt_code *code, size_t bytes, struct vx_log *log)
{
    long page = sysconf(_SC_PAGESIZE);
    bytes = (bytes + BT_STUB_BYTES + (size_t)page - 1) & ~((size_t)page - 1);
    code->bytes = bytes;
    code->fd = memfd_create("vx86 translation cache", MFD_CLOEXEC);
    if (code->fd < 0 || ftruncate(code->fd, (off_t)bytes) != 0) {
        vx_log_error(log, VX_LOG_BT, "cannot create the translation cache of %zu KiB: %s", bytes >> 10,
                     strerror(errno));
        return VX_ERR_NO_MEMORY;
    }
    code->rw = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, code->fd, 0);
    code->rx = mmap(NULL, bytes, PROT_READ | PROT_EXEC, MAP_SHARED, code->fd, 0);
    if (code->rw == MAP_FAILED || code->rx == MAP_FAILED) {
        vx_log_error(log, VX_LOG_BT, "cannot map the translation cache: %s; try a smaller --tc-size or --engine interp",
                     strerror(errno));
        return VX_ERR_NO_MEMORY;
    }
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

void bt_code_unmap_written(struct bt_code *code, const struct bt_segment *segment)
{
    size_t mask = (size_t)sysconf(_SC_PAGESIZE) - 1;
    size_t from = (segment->start + mask) & ~mask, to = segment->end & ~mask;
    if (to > from)
        (void)madvise(code->rw + from, to - from, MADV_DONTNEED);
}

void bt_code_destroy(struct bt_code *code)
{
    if (code->rx != NULL && code->rx != MAP_FAILED)
        munmap(code->rx, code->bytes);
    if (code->rw != NULL && code->rw != MAP_FAILED)
        munmap(code->rw, code->bytes);
    for (unsigned i = 0; i < BT_SEGMENTS; i++)
        free(code->segment[i].sorted);
    if (code->fd >= 0)
        close(code->fd);
}
