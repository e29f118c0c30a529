/* jump_cache.h - from EIP to code, for indirect branches: tables of a processor that translated code probes itself. */
#ifndef VX86_BT_JUMP_CACHE_H
#define VX86_BT_JUMP_CACHE_H

#include "unit.h"

enum { BT_JC_ENTRIES = 65536, BT_JC_SETS = 16 };

/* What entries of one jump cache have in common. */
struct bt_jc_view {
    uint64_t cs_base;
    uint64_t space; /* CR3, where user pages are meant; 0: the supervisor's, which address spaces mostly share */
    uint32_t cs_limit, mode;
};

/* Jump cache of one view. Tag and offset in eight bytes, as the code of 32-bit guests probes it: low half -eip, high
 * half offset in the cache. Entries of global pages hold until they are flushed. Local entries (all others) outlive a
 * change of CR3: the cache is then `stale`, and bt_jc_select() keeps what the guest's tables still say. */
struct bt_jump_cache {
    struct bt_jc_view view;
    uint64_t *entry; /* BT_JC_ENTRIES, sparse */
    bool stale;
    uint32_t *filled[2]; /* indices of entries, [1]: of global ones */
    uint32_t filled_count[2];
    uint32_t *where; /* by linear page with local entries: 1 + its backing page; sparse */
    uint32_t *local; /* linear pages for which `where` says something; some twice */
    uint32_t local_count;
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
/* Makes the jump cache of the view, in which the mmu is now, the current one, taking over the least recently used if
 * there is none. Its entries, which it returns, are what translated code probes. */
const uint64_t *bt_jc_select(struct bt_jump_caches *all, const struct bt_jc_view *view, const struct vx_mmu *mmu);
/* The unit is for the current one. */
void bt_jc_fill(struct bt_jump_caches *all, const struct bt_tu *tu);
/* Offset of the unit that the current jump cache has for `eip`, 0 if none. */
uint32_t bt_jc_probe(const struct bt_jump_caches *all, uint64_t eip);
void bt_jc_remove(struct bt_jump_caches *all, const struct bt_tu *tu);
/* Everything is forgotten, or (global_too is false) what is local becomes stale. */
void bt_jc_flush(struct bt_jump_caches *all, bool global_too);
void bt_jc_flush_page(struct bt_jump_caches *all, uint64_t lin);

#endif
