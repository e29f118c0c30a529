/* lookup.c - from a guest address to its unit: the hash of all units.
 *
 * It is keyed by where the bytes are (host address) and how they are seen (eip, CS, mode), so a unit serves every
 * address space that maps the same page at the same place. */
#include "lookup.h"

#include <stdlib.h>

enum { BITS_MIN = 12, BITS_MAX = 31, SEEN_MAX = 1 << 21 };

static vx_err make_table(struct bt_lookup *lookup, unsigned bits)
{
    lookup->slot = calloc((size_t)1 << bits, sizeof *lookup->slot);
    lookup->bits = bits;
    return lookup->slot == NULL ? VX_ERR_NO_MEMORY : VX_ERR_OK;
}

vx_err bt_lookup_create(struct bt_lookup *lookup)
{
    return make_table(lookup, BITS_MIN);
}

void bt_lookup_destroy(struct bt_lookup *lookup)
{
    free(lookup->slot);
    free(lookup->seen.key);
}

static uint32_t hash_of(const struct bt_key *key)
{
    uint64_t h = (key->hva ^ key->eip << 20) * 0x9E3779B97F4A7C15ull;
    h ^= (h >> 32) + key->mode + key->cs_base + ((uint64_t)key->cs_limit << 24);
    return (uint32_t)(h * 0x9E3779B97F4A7C15ull >> 32);
}

static struct bt_key key_of_unit(const struct bt_tu *tu)
{
    return (struct bt_key){
        .hva = tu->hva, .eip = tu->eip, .cs_base = tu->cs_base, .cs_limit = tu->cs_limit, .mode = tu->mode
    };
}

static uint32_t home_of(const struct bt_lookup *lookup, uint32_t hash)
{
    return hash >> (32 - lookup->bits);
}

static uint32_t next_slot(const struct bt_lookup *lookup, uint32_t at)
{
    return (at + 1) & ((1u << lookup->bits) - 1);
}

struct bt_tu *bt_lookup_find(const struct bt_lookup *lookup, const struct bt_key *key)
{
    uint32_t hash = hash_of(key);
    for (uint32_t at = home_of(lookup, hash); lookup->slot[at].tu != NULL; at = next_slot(lookup, at)) {
        const struct bt_tu *tu = lookup->slot[at].tu;
        if (lookup->slot[at].hash == hash && tu->hva == key->hva && tu->eip == key->eip && tu->mode == key->mode &&
            tu->cs_base == key->cs_base && tu->cs_limit == key->cs_limit)
            return lookup->slot[at].tu;
    }
    return NULL;
}

static void put(struct bt_lookup *lookup, struct bt_lookup_slot slot)
{
    uint32_t at = home_of(lookup, slot.hash);
    while (lookup->slot[at].tu != NULL)
        at = next_slot(lookup, at);
    lookup->slot[at] = slot;
}

/* A table that cannot grow gets fuller, which is slower and no error, to the last place. */
static void grow(struct bt_lookup *lookup)
{
    struct bt_lookup larger = *lookup;
    if (lookup->bits == BITS_MAX || make_table(&larger, lookup->bits + 1) != VX_ERR_OK) {
        VX_ASSERT(lookup->used + 1 < 1u << lookup->bits);
        return;
    }
    for (uint32_t i = 0; i < 1u << lookup->bits; i++) {
        if (lookup->slot[i].tu != NULL)
            put(&larger, lookup->slot[i]);
    }
    free(lookup->slot);
    *lookup = larger;
}

void bt_lookup_add(struct bt_lookup *lookup, struct bt_tu *tu)
{
    struct bt_key key = key_of_unit(tu);
    if (lookup->used >= 3u << (lookup->bits - 2))
        grow(lookup);
    put(lookup, (struct bt_lookup_slot){ .hash = hash_of(&key), .tu = tu });
    lookup->used++;
}

/* Fills the gap with what stands behind it and may stand there. */
static void close_gap(struct bt_lookup *lookup, uint32_t gap)
{
    const uint32_t mask = (1u << lookup->bits) - 1;
    for (uint32_t at = next_slot(lookup, gap); lookup->slot[at].tu != NULL; at = next_slot(lookup, at)) {
        uint32_t from_home = (at - home_of(lookup, lookup->slot[at].hash)) & mask;
        if (from_home >= ((at - gap) & mask)) {
            lookup->slot[gap] = lookup->slot[at];
            gap = at;
        }
    }
    lookup->slot[gap] = (struct bt_lookup_slot){ 0 };
}

void bt_lookup_remove(struct bt_lookup *lookup, struct bt_tu *tu)
{
    struct bt_key key = key_of_unit(tu);
    uint32_t at = home_of(lookup, hash_of(&key));
    while (lookup->slot[at].tu != NULL && lookup->slot[at].tu != tu)
        at = next_slot(lookup, at);
    if (lookup->slot[at].tu == NULL)
        return;
    close_gap(lookup, at);
    lookup->used--;
}

/* ---- what was translated before */

/* Bits of a key that are not the unit's: used, and how its last one ended. */
#define SEEN_END_SHIFT 1
#define SEEN_NOT_KEY   0xFull

static uint64_t seen_key_of(const struct bt_tu *tu, uint64_t mode)
{
    return (((tu->hva ^ (uint64_t)tu->eip << 22) * 0x9E3779B97F4A7C15ull ^ mode << 4) & ~SEEN_NOT_KEY) | 1;
}

static uint64_t seen_key(const struct bt_tu *tu)
{
    return seen_key_of(tu, tu->mode);
}

/* Of the place alone, whatever the mode. */
static uint64_t seen_place(const struct bt_tu *tu)
{
    return seen_key_of(tu, (uint64_t)UINT32_MAX + 1);
}

/* Where `key` is, or the free place for it. */
static uint64_t *seen_find(const struct bt_seen *seen, uint64_t key)
{
    size_t at = key >> 20 & (seen->cap - 1);
    while (seen->key[at] != 0 && ((seen->key[at] ^ key) & ~SEEN_NOT_KEY) != 0)
        at = (at + 1) & (seen->cap - 1);
    return &seen->key[at];
}

static void seen_grow(struct bt_seen *seen)
{
    struct bt_seen larger = { .cap = seen->cap == 0 ? 4096 : seen->cap * 2, .used = seen->used };
    larger.key = calloc(larger.cap, sizeof *larger.key);
    VX_ASSERT(larger.key != NULL);
    for (size_t i = 0; i < seen->cap; i++) {
        if (seen->key[i] != 0)
            *seen_find(&larger, seen->key[i]) = seen->key[i];
    }
    free(seen->key);
    *seen = larger;
}

static uint64_t *again_counter(struct vx_stats *stats, enum bt_end end)
{
    switch (end) {
    case END_NOT: return &stats->again_segment;
    case END_STORE: return &stats->again_store;
    case END_EVICTED: return &stats->again_evicted;
    case END_MAPPING: return &stats->again_mapping;
    case END_DEBUGGER: return &stats->again_debugger;
    case END_SOFT: return &stats->again_soft;
    }
    VX_ASSERT(!"an end without a counter");
    return NULL;
}

void bt_count_again(struct bt_lookup *lookup, struct vx_stats *stats, const struct bt_tu *tu)
{
    struct bt_seen *seen = &lookup->seen;
    if (seen->cap == SEEN_MAX && seen->used * 2 >= seen->cap) { /* a bound on memory: starts over */
        memset(seen->key, 0, seen->cap * sizeof *seen->key);
        seen->used = 0;
    } else if (seen->used * 2 >= seen->cap) {
        seen_grow(seen);
    }
    uint64_t *place = seen_find(seen, seen_place(tu));
    bool known_place = *place != 0;
    *place = seen_place(tu);
    uint64_t *at = seen_find(seen, seen_key(tu));
    if (*at != 0) {
        stats->tu_retranslated++;
        ++*again_counter(stats, (enum bt_end)((*at & SEEN_NOT_KEY) >> SEEN_END_SHIFT));
    } else if (known_place) {
        stats->tu_retranslated++;
        stats->again_mode++;
    }
    seen->used += (*at == 0) + !known_place;
    *at = seen_key(tu);
}

void bt_note_end(struct bt_lookup *lookup, const struct bt_tu *tu, enum bt_end end)
{
    uint64_t *at = lookup->seen.cap != 0 ? seen_find(&lookup->seen, seen_key(tu)) : NULL;
    if (at != NULL && *at != 0)
        *at = seen_key(tu) | (uint64_t)end << SEEN_END_SHIFT;
}
