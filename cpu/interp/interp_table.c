/* interp_table.c - isa.def as tables of handlers. */
#include "interp_table.h"

#include "interp_sse.h"
#include "isa_form.h"

#define FORM_OF(form)     (ISA_SHAPE(form) & ISA_NAMES ? FORM_REG : ISA_SHAPE(form) & ISA_MODRM ? FORM_RM : FORM_NONE)
#define CHECK_OF(feature) ((unsigned)(feature) == VX_F_FPU ? CHECK_NONE : (unsigned)(feature))
#define CHECK_SELF        CHECK_NONE
#define CHECK_ASK         CHECK_ROW
_Static_assert((unsigned)VX_F_I386 == CHECK_NONE, "what every model has is not asked for");

#define INSN(opcode, name, form_, feature, attribute, lowering, run16, run32) \
    [ISA_MAP][opcode] = { { interp_##run16, interp_##run32 }, FORM_OF(form_), CHECK_OF(VX_F_##feature) },
#define GROUP(opcode, name, form_, how, attribute) \
    [ISA_MAP][opcode].form = FORM_OF(form_), [ISA_MAP][opcode].check = CHECK_##how,
#define PART(opcode, prefix, at, name, form_, feature, lock, lowering, run16, run32) \
    [ISA_MAP][opcode].run = { interp_##run16, interp_##run32 },
#define SIMD(opcode, prefix, at, name, form_, feature, lowering, handler, lane) \
    [ISA_MAP][opcode] = { { interp_sse, interp_sse }, FORM_OF(form_), CHECK_NONE },
#define PREFIX(opcode, name) [ISA_MAP][opcode].form = FORM_PREFIX,

/* The rows of an opcode give the same entry, but for the parts of a group that is asked about by row. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
const struct opcode interp_opcodes[ISA_MAPS][256] = {
#include "isa.def"
};
#pragma GCC diagnostic pop

#define NO_HANDLERS                                                                 { NULL, NULL },
#define INSN(opcode, name, form, feature, attribute, lowering, run16, run32)        { interp_##run16, interp_##run32 },
#define GROUP(opcode, name, form, how, attribute)                                   NO_HANDLERS
#define PART(opcode, prefix, at, name, form, feature, lock, lowering, run16, run32) { interp_##run16, interp_##run32 },
#define SIMD(opcode, prefix, at, name, form, feature, lowering, handler, lane)      { interp_sse, interp_sse },
#define PREFIX(opcode, name)                                                        NO_HANDLERS

interp_handler *const interp_row_handlers[][2] = {
#include "isa.def"
};
