/* interp_table.h - the opcode tables of the reference interpreter, generated from interp_opcodes.def. */
#ifndef VX86_CPU_INTERP_TABLE_H
#define VX86_CPU_INTERP_TABLE_H

#include "interp.h"

enum opcode_form { FORM_NONE, FORM_RM, FORM_CHECKED, FORM_REG, FORM_PREFIX };

typedef bool interp_handler(struct insn *in);

struct opcode {
    interp_handler *run[2]; /* operand size 2, 4; NULL: not in this map */
    uint8_t form;           /* enum opcode_form */
};

extern const struct opcode interp_one_byte[256];
extern const struct opcode interp_two_byte[256];

/* Prototypes of every handler named in the table; some stand for several opcodes and are declared as often. */
#define INTERP_ONE_BYTE
#define INTERP_TWO_BYTE
#define OP1(code, handler, opcode_form) bool interp_##handler(struct insn *in);
#define OP2(code, handler16, handler32, opcode_form) \
    bool interp_##handler16(struct insn *in);        \
    bool interp_##handler32(struct insn *in);
#include "interp_opcodes.def"
#undef OP1
#undef OP2
#undef INTERP_ONE_BYTE
#undef INTERP_TWO_BYTE

/* Members of groups, called when isa.c has found them legal. */
bool interp_movbe_crc32(struct insn *in); /* 0F 38 F0, F1 */
bool interp_monitor(struct insn *in);     /* 0F 01 C8, C9 */

#endif
