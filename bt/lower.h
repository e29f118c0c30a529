/* lower.h - which opcode is lowered how, on this host. */
#ifndef VX86_BT_LOWER_H
#define VX86_BT_LOWER_H

#include <Zydis/Zydis.h>

#include "insn.h"

/* `in` has everything but its lowering. */
uint8_t bt_lower_of(const ZydisDecodedInstruction *z, const struct bt_insn *in, uint32_t mode);

#endif
