/* interp_muldiv.h - the accumulator forms of MUL, IMUL, DIV, IDIV and INC/DEC E, for the opcode groups 3 and 5. */
#ifndef VX86_CPU_INTERP_MULDIV_H
#define VX86_CPU_INTERP_MULDIV_H

#include "interp.h"

/* `value` is the operand E, zero-extended from `size` bytes; DIV and IDIV give #DE with nothing changed. */
bool interp_mul(struct insn *in, unsigned size, uint32_t value);
bool interp_imul(struct insn *in, unsigned size, uint32_t value);
bool interp_div(struct insn *in, unsigned size, uint32_t value);
bool interp_idiv(struct insn *in, unsigned size, uint32_t value);

bool interp_inc_rm(struct insn *in, unsigned size);
bool interp_dec_rm(struct insn *in, unsigned size);

#endif
