/* translate.h - new units. */
#ifndef VX86_BT_TRANSLATE_H
#define VX86_BT_TRANSLATE_H

#include "core.h"

/* Makes the unit at CS:rip; NULL when it has to be interpreted. */
struct bt_tu *bt_translate(struct vx_bt *bt);

#endif
