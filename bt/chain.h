/* chain.h - exits patched into jumps to their successors, and back. */
#ifndef VX86_BT_CHAIN_H
#define VX86_BT_CHAIN_H

#include "unit.h"

enum { BT_CROSSING_BUCKETS = 1 << 12 };

/* Where that is allowed. */
void bt_chain(struct vx_bt *bt, struct bt_exit *exit, struct bt_tu *to);
void bt_unchain(struct vx_bt *bt, struct bt_exit *exit);
/* Unlinks everything that leads to or out of the unit. */
void bt_unchain_unit(struct vx_bt *bt, struct bt_tu *tu);
/* Unlinks the chains across pages (a mapping changed). */
void bt_unchain_crossing(struct vx_bt *bt, bool all, uint64_t lin);

#endif
