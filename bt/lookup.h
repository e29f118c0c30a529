/* lookup.h - the hash of all units, by where their bytes are and how they are seen, and what was translated before. */
#ifndef VX86_BT_LOOKUP_H
#define VX86_BT_LOOKUP_H

#include "unit.h"

enum { BT_HASH_BUCKETS = 1 << 16 };

/* Keys (place, eip, mode) of all units ever made, and (place, eip) of each: an open-addressing set. */
struct bt_seen {
    uint64_t *key; /* 0: free; an enum bt_end in bits 1 to 3 */
    size_t cap, used;
};

vx_err bt_lookup_create(struct vx_bt *bt);
void bt_lookup_destroy(struct vx_bt *bt);
/* The unit for the guest code at `hva` and eip under the vCPU's CS, in bt->mode. */
struct bt_tu *bt_hash_find(struct vx_bt *bt, uint64_t hva, uint32_t eip);
void bt_hash_add(struct vx_bt *bt, struct bt_tu *tu);
void bt_hash_remove(struct vx_bt *bt, struct bt_tu *tu);
/* Counts a new unit whose guest code had one before: under the cause of its end, or as one of another mode. */
void bt_count_again(struct vx_bt *bt, const struct bt_tu *tu);
/* A unit ends: what a later one at its place will count as. */
void bt_note_end(struct vx_bt *bt, const struct bt_tu *tu, enum bt_end end);

#endif
