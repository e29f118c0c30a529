/* interpret.h - what is left to the interpreter. */
#ifndef VX86_BT_INTERPRET_H
#define VX86_BT_INTERPRET_H

#include "core.h"

/* One interpreter step from translated code, counted by opcode. */
void bt_interpret(struct vx_bt_cpu *cpu);
/* Straight-line code that is not worth a translation yet. */
void bt_interpret_cold(struct vx_bt_cpu *cpu);

#endif
