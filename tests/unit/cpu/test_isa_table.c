/* test_isa_table.c - the rows of isa.def are consistent with each other, and dispatch, legality, length and names with
 * them. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "interp_table.h"

static const struct {
    uint8_t rep;
    bool p66;
} prefixes[] = { { 0, false }, { 0, true }, { 0xF3, false }, { 0xF2, false }, { 0xF3, true }, { 0xF2, true } };

typedef void visitor(void *opaque, const struct vx_isa_insn *insn);

static void for_each_encoding(visitor *visit, void *opaque)
{
    for (unsigned map = 0; map < ISA_MAPS; map++)
        for (unsigned opcode = 0; opcode < 256; opcode++)
            for (size_t p = 0; p < VX_ARRAY_LEN(prefixes); p++)
                for (unsigned modrm = 0; modrm < 256; modrm++) {
                    const struct vx_isa_insn insn = { .map = (uint8_t)map,
                                                      .opcode = (uint8_t)opcode,
                                                      .modrm = (uint8_t)modrm,
                                                      .rep = prefixes[p].rep,
                                                      .prefix_66 = prefixes[p].p66 };
                    visit(opaque, &insn);
                }
}

/* ---- rows among themselves --------------------------------------------------------------------------------------- */

/* A row elsewhere would not be found, since an opcode's rows are looked for where the last of them is. */
Test(isa_table, rows_of_an_opcode_stand_together)
{
    static bool seen[ISA_MAPS][256];
    for (unsigned n = 0; n < isa_row_count; n++) {
        const struct isa_row *row = &isa_rows[n];
        bool goes_on = n > 0 && row[-1].map == row->map && row[-1].opcode == row->opcode;
        cr_assert(goes_on || !seen[row->map][row->opcode], "map %u opcode %02X: %s stands apart", row->map, row->opcode,
                  row->known.name);
        cr_assert(row->kind != ISA_GROUP || !goes_on, "map %u opcode %02X: a group behind %s", row->map, row->opcode,
                  row[-1].known.name);
        seen[row->map][row->opcode] = true;
    }
    for (unsigned map = 0; map < 2; map++)
        for (unsigned opcode = 0; opcode < 256; opcode++)
            cr_assert(seen[map][opcode], "map %u opcode %02X has no row", map, opcode);
}

static void count_row(void *opaque, const struct vx_isa_insn *insn)
{
    unsigned *found = opaque, n = isa_find(insn);
    if (n != ISA_NONE)
        found[n]++;
}

/* None is hidden by those behind it, or contradicts itself. */
Test(isa_table, every_row_is_found)
{
    static unsigned found[4096];
    cr_assert(isa_row_count <= VX_ARRAY_LEN(found));
    for_each_encoding(count_row, found);
    for (unsigned n = 0; n < isa_row_count; n++) {
        const struct isa_row *row = &isa_rows[n];
        bool can_be = row->kind == ISA_ENCODING && row->known.feature != VX_F_NEVER;
        cr_assert_eq(found[n] != 0, can_be, "map %u opcode %02X %s%s is found by %u encodings", row->map, row->opcode,
                     row->known.name, row->form, found[n]);
    }
}

/* The decoder asks for ModRM before it knows the row, and for the immediate without regard to prefixes. */
Test(isa_table, forms_of_an_opcode_agree)
{
    const unsigned same = ISA_MODRM | ISA_NAMES, immediate = ISA_IMM1 | ISA_IMM2 | ISA_IMMZ | ISA_OFFSET;
    for (unsigned n = 1; n < isa_row_count; n++) {
        const struct isa_row *row = &isa_rows[n];
        if (row[-1].map != row->map || row[-1].opcode != row->opcode)
            continue;
        cr_assert_eq(row->shape & same, row[-1].shape & same, "map %u opcode %02X: %s%s, %s%s", row->map, row->opcode,
                     row[-1].known.name, row[-1].form, row->known.name, row->form);
        if (row[-1].at_mask == row->at_mask && row[-1].at == row->at)
            cr_assert_eq(row->shape & immediate, row[-1].shape & immediate, "map %u opcode %02X: %s", row->map,
                         row->opcode, row->form);
        if (row->map >= 2)
            cr_assert_eq(row->shape & (same | immediate), row->map == 2 ? ISA_MODRM : ISA_MODRM | ISA_IMM1);
    }
}

/* ---- dispatch ---------------------------------------------------------------------------------------------------- */

struct dispatch {
    unsigned checked;
    char first[120];
};

/* What interp.c does with the entry must be what the row says. */
static void compare_dispatch(void *opaque, const struct vx_isa_insn *insn)
{
    struct dispatch *d = opaque;
    unsigned n = isa_find(insn);
    if (n == ISA_NONE || d->first[0] != 0)
        return;
    const struct isa_row *row = &isa_rows[n];
    const struct opcode *op = &interp_opcodes[insn->map][insn->opcode];
    bool simd = op->run[0] == interp_sse; /* asks for itself */
    bool base = row->known.feature == VX_F_I386 || row->known.feature == VX_F_FPU;
    bool same = memcmp(op->run, interp_row_handlers[n], sizeof op->run) == 0;
    bool form = op->form == (row->shape & ISA_NAMES ? FORM_REG : row->shape & ISA_MODRM ? FORM_RM : FORM_NONE);
    bool right = op->check == CHECK_ROW    ? interp_row_handlers[n][0] != NULL
                 : op->check == CHECK_NONE ? same && (base || simd)
                                           : same && op->check == row->known.feature;
    d->checked++;
    if (!right || !form)
        snprintf(d->first, sizeof d->first, "map %u opcode %02X ModRM %02X: %s%s", insn->map, insn->opcode, insn->modrm,
                 row->known.name, row->form);
}

Test(isa_table, dispatch_follows_the_rows)
{
    struct dispatch d = { 0 };
    for_each_encoding(compare_dispatch, &d);
    cr_assert(d.first[0] == 0, "%s is dispatched otherwise", d.first);
    cr_assert(d.checked > 500000, "%u", d.checked);
}

/* ---- names, classes ---------------------------------------------------------------------------------------------- */

Test(isa_table, names)
{
    static const struct {
        uint8_t map, opcode;
        const char *name;
    } rows[] = {
        { 0, 0x00, "ADD" },    { 0, 0x0F, "0F" },    { 0, 0x26, "ES:" },   { 0, 0x3F, "AAS" },
        { 0, 0x6F, "OUTS" },   { 0, 0x7F, "JG" },    { 0, 0x80, "GRP1" },  { 0, 0x8E, "MOV-Sw" },
        { 0, 0x8F, "GRP1A" },  { 0, 0x90, "NOP" },   { 0, 0x98, "CBW" },   { 0, 0x9F, "LAHF" },
        { 0, 0xAF, "SCAS" },   { 0, 0xCF, "IRET" },  { 0, 0xD8, "x87" },   { 0, 0xEF, "OUT" },
        { 0, 0xF0, "LOCK" },   { 0, 0xF4, "HLT" },   { 0, 0xFF, "GRP5" },  { 1, 0x01, "GRP7" },
        { 1, 0x04, "-" },      { 1, 0x0B, "UD2" },   { 1, 0x1F, "NOP" },   { 1, 0x22, "MOV-CR" },
        { 1, 0x2F, "COMISS" }, { 1, 0x31, "RDTSC" }, { 1, 0x4F, "CMOVG" }, { 1, 0x5F, "MAXPS" },
        { 1, 0x6F, "MOVQ" },   { 1, 0x73, "GRP14" }, { 1, 0x77, "EMMS" },  { 1, 0x90, "SETO" },
        { 1, 0xA2, "CPUID" },  { 1, 0xAF, "IMUL" },  { 1, 0xBC, "BSF" },   { 1, 0xC7, "GRP9" },
        { 1, 0xCF, "BSWAP" },  { 1, 0xDF, "PANDN" }, { 1, 0xEF, "PXOR" },  { 1, 0xFF, "UD0" },
        { 2, 0x00, "PSHUFB" }, { 2, 0xF0, "MOVBE" }, { 2, 0xFF, "" },      { 3, 0x0F, "PALIGNR" },
        { 4, 0x00, "" },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        const char *name = vx_isa_name(rows[i].map, rows[i].opcode);
        cr_assert_str_eq(name, rows[i].name, "map %u opcode %02X: %s", rows[i].map, rows[i].opcode, name);
    }
}

Test(isa_table, classes_of_call_outs)
{
    static const struct {
        uint8_t map, first, last, class;
    } rows[] = {
        { 0, 0x6C, 0x6F, VX_CALLOUT_IO },       { 0, 0xE4, 0xE7, VX_CALLOUT_IO },
        { 0, 0xEC, 0xEF, VX_CALLOUT_IO },       { 0, 0x17, 0x17, VX_CALLOUT_SEGMENT },
        { 0, 0x8E, 0x8E, VX_CALLOUT_SEGMENT },  { 1, 0xB4, 0xB5, VX_CALLOUT_SEGMENT },
        { 0, 0xCA, 0xCF, VX_CALLOUT_TRANSFER }, { 1, 0x34, 0x35, VX_CALLOUT_TRANSFER },
        { 1, 0x20, 0x23, VX_CALLOUT_CONTROL },  { 1, 0x00, 0x01, VX_CALLOUT_CONTROL },
        { 0, 0xA4, 0xA7, VX_CALLOUT_STRING },   { 0, 0xAA, 0xAF, VX_CALLOUT_STRING },
        { 0, 0x00, 0x16, VX_CALLOUT_OTHER },    { 1, 0xA2, 0xB1, VX_CALLOUT_OTHER },
        { 2, 0x00, 0xFF, VX_CALLOUT_OTHER },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++)
        for (unsigned opcode = rows[i].first; opcode <= rows[i].last; opcode++)
            cr_assert_eq(vx_isa_callout(rows[i].map, (uint8_t)opcode), rows[i].class, "map %u opcode %02X", rows[i].map,
                         opcode);
}
