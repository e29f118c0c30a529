/* share.h - shadow probes that several memory operands of a unit share. */
#ifndef VX86_BT_SHARE_H
#define VX86_BT_SHARE_H

#include "core.h"

/* Marks which operands of the n decoded instructions share probes, and fills bt->share. */
void bt_share_probes(struct vx_bt *bt, unsigned n);

#endif
