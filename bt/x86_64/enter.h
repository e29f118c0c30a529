/* enter.h - from C into translated code. */
#ifndef VX86_BT_ENTER_H
#define VX86_BT_ENTER_H

#include "core.h"

/* Runs translated code from `entry` on; false when attention was asked for before it began. */
bool bt_execute(struct vx_bt *bt, uint32_t entry);

#endif
