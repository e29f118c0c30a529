/* lower.h - how an instruction is lowered in a mode, on this host. */
#ifndef VX86_BT_LOWER_H
#define VX86_BT_LOWER_H

#include "insn.h"

/* `row` is its row of isa.def; `in` has everything but its lowering. */
uint8_t bt_lower_of(const struct vx_isa_row *row, const struct bt_insn *in, uint32_t mode);

#endif
