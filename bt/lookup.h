/* lookup.h - the hash of all units, by where their bytes are and how they are seen, and what was translated before. */
#ifndef VX86_BT_LOOKUP_H
#define VX86_BT_LOOKUP_H

#include "unit.h"

/* Keys (place, eip, mode) of all units ever made, and (place, eip) of each: an open-addressing set. */
struct bt_seen {
    uint64_t *key; /* 0: free; an enum bt_end in bits 1 to 3 */
    size_t cap, used;
};

/* A place of the hash. `hash` decides almost always whether it is the unit that is looked for, without a look at it. */
struct bt_lookup_slot {
    uint32_t hash;
    struct bt_tu *tu; /* NULL: free */
} __attribute__((packed, aligned(4)));

/* An open-addressing table with linear probing. A unit's home is the top of its hash; between there and its slot
 * nothing is free. */
struct bt_lookup {
    struct bt_lookup_slot *slot; /* 1 << bits */
    unsigned bits;
    uint32_t used;
    struct bt_seen seen;
};

vx_err bt_lookup_create(struct bt_lookup *lookup);
void bt_lookup_destroy(struct bt_lookup *lookup);
/* NULL: there is none. */
struct bt_tu *bt_lookup_find(const struct bt_lookup *lookup, const struct bt_key *key);
void bt_lookup_add(struct bt_lookup *lookup, struct bt_tu *tu);
void bt_lookup_remove(struct bt_lookup *lookup, struct bt_tu *tu);
/* Counts a new unit whose guest code had one before: under the cause of its end, or as one of another mode. */
void bt_count_again(struct bt_lookup *lookup, struct vx_stats *stats, const struct bt_tu *tu);
/* A unit ends: what a later one at its place will count as. */
void bt_note_end(struct bt_lookup *lookup, const struct bt_tu *tu, enum bt_end end);

#endif
