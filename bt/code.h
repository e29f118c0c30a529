/* code.h - the memory of host code: one memfd seen twice, which unit lies where, and patches.
 *
 *     offset 0          BT_STUB_BYTES                                          cache_bytes
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

vx_err bt_code_create(struct vx_bt *bt, size_t bytes);
/* No unit is left in it. */
void bt_code_destroy(struct vx_bt *bt);
/* Copies the finished unit from `code` to its place, the current segment's next free byte, and enters it there. */
void bt_code_add(struct vx_bt *bt, struct bt_tu *tu, const uint8_t *code);
/* The unit in whose code the offset lies. */
struct bt_tu *bt_code_find(const struct vx_bt *bt, uint32_t off);
void bt_code_patch32(struct vx_bt *bt, uint32_t off, uint32_t value);

#endif
