/* invalidate.h - the end of a unit. */
#ifndef VX86_BT_INVALIDATE_H
#define VX86_BT_INVALIDATE_H

#include "core.h"

/* Takes a unit out of use: hash, jump caches, chains, pages. Its code stays until its segment goes, so that a processor
 * that runs it may finish its instruction; it leaves then. */
void bt_invalidate(struct vx_bt *bt, struct bt_tu *tu, enum bt_end end);

#endif
