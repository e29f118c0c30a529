/* jump_cache.h - from EIP to code, for indirect branches: tables that translated code probes itself. */
#ifndef VX86_BT_JUMP_CACHE_H
#define VX86_BT_JUMP_CACHE_H

#include "unit.h"

enum { BT_JC_ENTRIES = 65536, BT_JC_SETS = 8 };

/* Jump cache of one mode: tag and offset in eight bytes, low half -eip, high half offset in the cache. */
struct bt_jump_cache {
    uint32_t mode, cs_base, cs_limit;
    uint64_t *entry;     /* BT_JC_ENTRIES, sparse */
    uint32_t *filled[2]; /* indices of entries, [1]: global ones */
    uint32_t filled_count[2];
    uint64_t *pages;  /* bitmap of linear pages that may have entries: 2^20 bits */
    uint64_t *spills; /* ... into which units of the page before may reach */
    uint64_t used;    /* for replacement */
};

vx_err bt_jc_create(struct vx_bt *bt);
void bt_jc_destroy(struct vx_bt *bt);
void bt_jc_select(struct vx_bt *bt, uint32_t mode, const struct vx_seg *cs);
void bt_jc_fill(struct vx_bt *bt, struct bt_tu *tu);
/* Offset of the unit that the current jump cache has for `eip`, 0 if none. */
uint32_t bt_jc_probe(const struct vx_bt *bt, uint32_t eip);
void bt_jc_remove(struct vx_bt *bt, struct bt_tu *tu);
void bt_jc_flush(struct vx_bt *bt, bool global_too);
void bt_jc_flush_page(struct vx_bt *bt, uint64_t lin);

#endif
