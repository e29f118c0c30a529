/* isa.c - isa.def as a table, and the questions to it.
 *
 *     map, opcode, reg field, memory or register --last_row--> the last row that can fit --up--> the one that does */
#include "isa_form.h"

/* ---- columns ----------------------------------------------------------------------------------------------------- */

#define SET(prefix) (1u << ISA_##prefix)

enum prefix_column {
    PREFIX_NP = SET(NP),
    PREFIX_66 = SET(66),
    PREFIX_F3 = SET(F3),
    PREFIX_F2 = SET(F2),
    PREFIX_NFx = SET(NP) | SET(66),
    PREFIX__ = SET(NP) | SET(66) | SET(F3) | SET(F2),
};

/* ModRM: its bits that count and what they must be, a byte each. */
#define BYTES(n)                                                                                    \
    AT_##n##0 = 0xFF##n##0, AT_##n##1 = 0xFF##n##1, AT_##n##2 = 0xFF##n##2, AT_##n##3 = 0xFF##n##3, \
    AT_##n##4 = 0xFF##n##4, AT_##n##5 = 0xFF##n##5, AT_##n##6 = 0xFF##n##6, AT_##n##7 = 0xFF##n##7, \
    AT_##n##8 = 0xFF##n##8, AT_##n##9 = 0xFF##n##9, AT_##n##A = 0xFF##n##A, AT_##n##B = 0xFF##n##B, \
    AT_##n##C = 0xFF##n##C, AT_##n##D = 0xFF##n##D, AT_##n##E = 0xFF##n##E, AT_##n##F = 0xFF##n##F, \
    AT_##n##0i = 0xF8##n##0, AT_##n##8i = 0xF8##n##8

enum at_column {
    AT_r = 0,
    AT_0 = 0x3800,
    AT_1 = 0x3808,
    AT_2 = 0x3810,
    AT_3 = 0x3818,
    AT_4 = 0x3820,
    AT_5 = 0x3828,
    AT_6 = 0x3830,
    AT_7 = 0x3838,
    BYTES(C),
    BYTES(D),
    BYTES(E),
    BYTES(F),
};

/* The class of its call-outs, and LOCK. */
enum attribute_column {
    ATTRIBUTE__ = VX_CALLOUT_OTHER,
    ATTRIBUTE_IO = VX_CALLOUT_IO,
    ATTRIBUTE_SEGMENT = VX_CALLOUT_SEGMENT,
    ATTRIBUTE_TRANSFER = VX_CALLOUT_TRANSFER,
    ATTRIBUTE_CONTROL = VX_CALLOUT_CONTROL,
    ATTRIBUTE_STRING = VX_CALLOUT_STRING,
    ATTRIBUTE_LOCK = VX_CALLOUT_OTHER | 0x80,
    CLASS = 0x7F,
};

enum lowering_column {
#define VX_LOWERING(id) LOWERING_##id,
#include "vx86/lowerings.def"
#undef VX_LOWERING
};

/* ---- rows -------------------------------------------------------------------------------------------------------- */

/* Another byte of ModRM than any means that there is one. */
#define ROW(opcode_, prefix_, at_, name_, form_, feature_, attribute_, lowering_, kind_) \
    { .known = { name_, feature_, lowering_ },                                           \
      .form = #form_,                                                                    \
      .shape = ISA_SHAPE(form_) | (at_ ? ISA_MODRM : 0u),                                \
      .map = ISA_MAP,                                                                    \
      .opcode = opcode_,                                                                 \
      .prefixes = prefix_,                                                               \
      .at_mask = at_ >> 8,                                                               \
      .at = at_ & 0xFF,                                                                  \
      .lock = attribute_ == ATTRIBUTE_LOCK,                                              \
      .kind = kind_ },

#define INSN(opcode, name, form, feature, attribute, lowering, run16, run32) \
    ROW(opcode, PREFIX__, AT_r, #name, form, VX_F_##feature, ATTRIBUTE_##attribute, LOWERING_##lowering, ISA_ENCODING)
#define GROUP(opcode, name, form, how, attribute) \
    ROW(opcode, PREFIX__, AT_r, #name, form, VX_F_NEVER, ATTRIBUTE_##attribute, LOWERING_INTERP_END, ISA_GROUP)
#define PART(opcode, prefix, at, name, form, feature, lock, lowering, run16, run32)                           \
    ROW(opcode, PREFIX_##prefix, AT_##at, #name, form, VX_F_##feature, ATTRIBUTE_##lock, LOWERING_##lowering, \
        ISA_ENCODING)
#define SIMD(opcode, prefix, at, name, form, feature, lowering, handler, lane) \
    ROW(opcode, PREFIX_##prefix, AT_##at, #name, form, VX_F_##feature, ATTRIBUTE__, LOWERING_##lowering, ISA_ENCODING)
#define PREFIX(opcode, name) \
    ROW(opcode, PREFIX__, AT_r, #name, (), VX_F_NEVER, ATTRIBUTE__, LOWERING_INTERP_END, ISA_PREFIX_BYTE)

const struct isa_row isa_rows[] = {
#include "isa.def"
};

const unsigned isa_row_count = VX_ARRAY_LEN(isa_rows);

/* ---- the way to them --------------------------------------------------------------------------------------------- */

enum { SLOTS = 16 }; /* reg field, and memory or register */

static unsigned slot_of(uint8_t modrm)
{
    return (modrm >> 2 & 0xE) | (modrm >= 0xC0);
}

/* The slots that an AT_* can be in. */
#define SLOT_FIRST(at) ((at) >> 8 == 0 ? 0 : ((at) >> 2 & 0xE) | ((at) >> 8 != 0x38))
#define SLOT_LAST(at)  ((at) >> 8 == 0 ? SLOTS - 1 : ((at) >> 2 & 0xE) | 1)

/* Rows are counted as they stand in isa.def: numbers from 1 on. Of those that can be in a slot the last one stays. */
enum { COUNTED_BEFORE = __COUNTER__ };
#define ENTRY(opcode, at) [ISA_MAP][opcode][SLOT_FIRST(at)... SLOT_LAST(at)] = __COUNTER__ - COUNTED_BEFORE,

#define INSN(opcode, ...)              ENTRY(opcode, AT_r)
#define GROUP(opcode, ...)             ENTRY(opcode, AT_r)
#define PART(opcode, prefix, at_, ...) ENTRY(opcode, AT_##at_)
#define SIMD(opcode, prefix, at_, ...) ENTRY(opcode, AT_##at_)
#define PREFIX(opcode, name)           ENTRY(opcode, AT_r)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const uint16_t last_row[ISA_MAPS][256][SLOTS] = {
#include "isa.def"
};
#pragma GCC diagnostic pop

#define INSN(opcode, name, form, feature, attribute, ...) [ISA_MAP][opcode] = ATTRIBUTE_##attribute & CLASS,
#define GROUP(opcode, name, form, how, attribute)         [ISA_MAP][opcode] = ATTRIBUTE_##attribute & CLASS,

static const uint8_t callouts[ISA_MAPS][256] = {
#include "isa.def"
};

/* ---- finding ----------------------------------------------------------------------------------------------------- */

static bool is_reg(const struct vx_isa_insn *in)
{
    return in->modrm >= 0xC0;
}

static enum isa_prefix prefix_of(const struct vx_isa_insn *in)
{
    if (in->rep != 0)
        return in->rep == 0xF3 ? ISA_F3 : ISA_F2;
    return in->prefix_66 ? ISA_66 : ISA_NP;
}

static bool at_fits(const struct isa_row *row, uint8_t modrm)
{
    return row->kind == ISA_ENCODING && (modrm & row->at_mask) == row->at;
}

static bool fits(const struct isa_row *row, const struct vx_isa_insn *in)
{
    return at_fits(row, in->modrm) && (row->prefixes >> prefix_of(in) & 1) &&
           !(row->shape & (is_reg(in) ? ISA_MEM : ISA_REG));
}

/* The row before row n (1 is the first) if it belongs to the same opcode, else 0. */
static unsigned row_above(unsigned n)
{
    const struct isa_row *row = &isa_rows[n - 1];
    return n > 1 && row[-1].map == row->map && row[-1].opcode == row->opcode ? n - 1 : 0;
}

unsigned isa_find(const struct vx_isa_insn *in)
{
    VX_ASSERT(in->map < ISA_MAPS);
    for (unsigned n = last_row[in->map][in->opcode][slot_of(in->modrm)]; n != 0; n = row_above(n)) {
        const struct isa_row *row = &isa_rows[n - 1];
        if (!fits(row, in))
            continue;
        bool lock_fits = !in->lock || (row->lock && !is_reg(in));
        return lock_fits && row->known.feature != VX_F_NEVER ? n - 1 : ISA_NONE;
    }
    return ISA_NONE;
}

/* The first row of an opcode: its instruction or its group; NULL: there is none. */
static const struct isa_row *head_of(unsigned map, uint8_t opcode)
{
    unsigned n = 0;
    for (unsigned slot = 0; slot < SLOTS && n == 0; slot++)
        n = last_row[map][opcode][slot];
    for (unsigned above = n; above != 0; above = row_above(above))
        n = above;
    return n != 0 ? &isa_rows[n - 1] : NULL;
}

/* ---- the questions ----------------------------------------------------------------------------------------------- */

const struct vx_isa_row *vx_isa_find(const struct vx_isa_insn *in)
{
    unsigned n = isa_find(in);
    return n != ISA_NONE ? &isa_rows[n].known : NULL;
}

bool vx_isa_legal(const struct vx_cpu_model *model, const struct vx_isa_insn *in)
{
    const struct vx_isa_row *row = vx_isa_find(in);
    return row != NULL && cpu_model_has(model, (enum vx_cpu_feature)row->feature);
}

const char *vx_isa_name(unsigned map, uint8_t opcode)
{
    const struct isa_row *head = map < ISA_MAPS ? head_of(map, opcode) : NULL;
    return head != NULL ? head->known.name : "";
}

enum vx_isa_callout vx_isa_callout(unsigned map, uint8_t opcode)
{
    VX_ASSERT(map < ISA_MAPS);
    return (enum vx_isa_callout)callouts[map][opcode];
}

/* The maps 0F 38 and 0F 3A are regular, whatever newer CPUs put there; the others are listed whole. */
unsigned isa_shape(unsigned map, uint8_t opcode, uint8_t modrm)
{
    for (unsigned n = last_row[map][opcode][slot_of(modrm)]; n != 0; n = row_above(n))
        if (at_fits(&isa_rows[n - 1], modrm))
            return isa_rows[n - 1].shape;
    const struct isa_row *head = head_of(map, opcode);
    return head != NULL ? head->shape : map == 3 ? ISA_MODRM | ISA_IMM1 : ISA_MODRM;
}

bool isa_is_prefix(uint8_t byte)
{
    return isa_rows[last_row[0][byte][0] - 1].kind == ISA_PREFIX_BYTE;
}
