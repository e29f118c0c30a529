/* interp_table.c - the opcode maps as tables. */
#include "interp_table.h"

#define OP1(code, handler, opcode_form) [code] = { { interp_##handler, interp_##handler }, FORM_##opcode_form },
#define OP2(code, handler16, handler32, opcode_form) \
    [code] = { { interp_##handler16, interp_##handler32 }, FORM_##opcode_form },

const struct opcode interp_one_byte[256] = {
#define INTERP_ONE_BYTE
#include "interp_opcodes.def"
#undef INTERP_ONE_BYTE
};

const struct opcode interp_two_byte[256] = {
#define INTERP_TWO_BYTE
#include "interp_opcodes.def"
#undef INTERP_TWO_BYTE
};
