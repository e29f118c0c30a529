/* code.h - the memory of host code: one memfd seen twice, which unit lies where, and patches.
 *
 *     offset 0          BT_STUB_BYTES                                              bytes
 *     [ entry/exit stubs ][ segment 0 ][ segment 1 ] ...            [ segment n-1 ]
 *
 *   I1  Code is written only through the writable view and run only through the executable one. */
#ifndef VX86_BT_CODE_H
#define VX86_BT_CODE_H

#include "unit.h"

enum { BT_SEGMENTS = 8, BT_STUB_BYTES = 8192, BT_CACHE_DEFAULT = 32 << 20, BT_CACHE_STRESS = 1 << 20 };

struct bt_segment {
    uint32_t start, end, next; /* offsets; next free byte */
    uint32_t units;
    struct bt_tu **sorted; /* all units, ascending entry: host address to unit; grows */
    uint32_t sorted_cap;
};

struct bt_code {
    uint8_t *rw, *rx; /* two views of the same bytes */
    size_t bytes;
    struct bt_segment segment[BT_SEGMENTS];
    unsigned current; /* the segment that is being filled */
};

/* Room for stubs and so many bytes of units. On failure, which is logged, bt_code_destroy() is still to be called. */
vx_err bt_code_create(struct bt_code *code, size_t bytes, struct vx_log *log);
/* No unit is left in it. */
void bt_code_destroy(struct bt_code *code);
/* Copies the finished unit from `from` to its place, the current segment's next free byte, and enters it there. */
void bt_code_add(struct bt_code *code, struct bt_tu *tu, const uint8_t *from);
/* The unit in whose code the offset lies. */
struct bt_tu *bt_code_find(const struct bt_code *code, uint32_t off);
/* No thread runs the bytes meanwhile. */
void bt_code_patch32(struct bt_code *code, uint32_t off, uint32_t value);
/* A segment that is full is hardly written any more (patched exits only): its pages stay mapped where they run, and not
 * also where they are written. */
void bt_code_unmap_written(struct bt_code *code, const struct bt_segment *segment);

/* Where `off` runs. */
static inline uint64_t bt_code_address(const struct bt_code *code, uint32_t off)
{
    return (uint64_t)(uintptr_t)code->rx + off;
}

#endif
