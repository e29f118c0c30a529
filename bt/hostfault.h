/* hostfault.h - host signals in translated code. */
#ifndef VX86_BT_HOSTFAULT_H
#define VX86_BT_HOSTFAULT_H

#include "core.h"

vx_err bt_hostfault_install(struct vx_log *log);
/* The translator whose code this thread is about to run; it is forgotten before it is destroyed. */
void bt_hostfault_enter(struct vx_bt *bt);
void bt_hostfault_forget(const struct vx_bt *bt);

#endif
