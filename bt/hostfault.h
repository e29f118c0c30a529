/* hostfault.h - host signals in translated code. */
#ifndef VX86_BT_HOSTFAULT_H
#define VX86_BT_HOSTFAULT_H

#include "core.h"

/* Once a process. */
vx_err bt_hostfault_install(struct vx_log *log);
/* Ticks (vx86/split.h) from a faulting instruction to the handler, after bt_hostfault_install(); 0: not known. */
uint64_t bt_hostfault_ticks(void);
/* The processor whose code this thread is about to run; it is forgotten before it is destroyed. */
void bt_hostfault_enter(struct vx_bt_cpu *cpu);
void bt_hostfault_forget(const struct vx_bt_cpu *cpu);

#endif
