/* jump_cache.h - from EIP to code, for indirect branches: tables of a processor that translated code probes itself. */
#ifndef VX86_BT_JUMP_CACHE_H
#define VX86_BT_JUMP_CACHE_H

#include "unit.h"

enum { BT_JC_ENTRIES = 65536, BT_JC_SETS = 8 };

/* Jump cache of one mode and CS. Tag and offset in eight bytes, as the code of 32-bit guests probes it: low half -eip,
 * high half offset in the cache. */
struct bt_jump_cache {
    uint64_t cs_base;
    uint32_t cs_limit, mode;
    uint64_t *entry;     /* BT_JC_ENTRIES, sparse */
    uint32_t *filled[2]; /* indices of entries, [1]: global ones */
    uint32_t filled_count[2];
    uint64_t *pages;  /* bitmap of linear pages that may have entries: 2^20 bits */
    uint64_t *spills; /* ... into which units of the page before may reach */
    uint64_t used;    /* for replacement */
};

struct bt_jump_caches {
    struct bt_jump_cache set[BT_JC_SETS];
    struct bt_jump_cache *current; /* NULL before the first bt_jc_select() */
    uint64_t tick;
    bool off; /* never filled */
};

/* On failure bt_jc_destroy() is still to be called. */
vx_err bt_jc_create(struct bt_jump_caches *all, bool off);
void bt_jc_destroy(struct bt_jump_caches *all);
/* Makes the jump cache of CS and mode the current one, taking over the least recently used if there is none. Its
 * entries are what translated code probes. */
const uint64_t *bt_jc_select(struct bt_jump_caches *all, const struct bt_key *key);
/* The unit is for the current one. */
void bt_jc_fill(struct bt_jump_caches *all, const struct bt_tu *tu);
/* Offset of the unit that the current jump cache has for `eip`, 0 if none. */
uint32_t bt_jc_probe(const struct bt_jump_caches *all, uint64_t eip);
void bt_jc_remove(struct bt_jump_caches *all, const struct bt_tu *tu);
void bt_jc_flush(struct bt_jump_caches *all, bool global_too);
void bt_jc_flush_page(struct bt_jump_caches *all, uint64_t lin);

#endif
