/* interp_table.h - the opcode tables of the reference interpreter, made from isa.def. */
#ifndef VX86_CPU_INTERP_TABLE_H
#define VX86_CPU_INTERP_TABLE_H

#include "interp.h"
#include "isa.h"

enum opcode_form { FORM_NONE, FORM_RM, FORM_REG, FORM_PREFIX };

typedef bool interp_handler(struct insn *in);

struct opcode {
    interp_handler *run[2]; /* operand size 2, 4 */
    uint8_t form;           /* enum opcode_form */
    uint8_t check;          /* the feature that it needs; CHECK_NONE, CHECK_ROW */
};

enum {
    CHECK_NONE = 0,   /* every model has it; which forms no model has the handler knows */
    CHECK_ROW = 0xFF, /* its row has feature and handler, see interp_row_handlers */
};

/* By map and opcode. Only the maps 0F 38 and 0F 3A have opcodes without a handler. */
extern const struct opcode interp_opcodes[ISA_MAPS][256];

/* The handlers of each row of isa.def that is an encoding outside MMX and SSE, by its number. */
extern interp_handler *const interp_row_handlers[][2];

/* Prototypes of every handler that the table names; some stand for several opcodes and are declared as often. */
#define INSN(opcode, name, form, feature, attribute, lowering, run16, run32) \
    bool interp_##run16(struct insn *in);                                    \
    bool interp_##run32(struct insn *in);
#define PART(opcode, prefix, at, name, form, feature, lock, lowering, run16, run32) \
    bool interp_##run16(struct insn *in);                                           \
    bool interp_##run32(struct insn *in);
#include "isa.def"

#endif
