/* control.h - what is changed of a translator between runs. */
#ifndef VX86_BT_CONTROL_H
#define VX86_BT_CONTROL_H

#include "core.h"

/* Makes the stubs that the configuration asks for; no unit is left. */
void bt_make_stubs(struct vx_bt *bt);

#endif
