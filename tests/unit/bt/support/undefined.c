/* undefined.c - what the manual leaves undefined (SDM 2, "Flags Affected" of each instruction), as tables.
 *
 * The programs define all flags again right after an instruction listed here, so that engines may differ in it. Rows
 * whose flags all known processors and both engines treat alike are listed with the others for completeness but not
 * fenced: `agreed`. */
#include "diff.h"
#include "flag_letters.h"

enum { ANY = 0xFF };

struct undefined_row {
    uint8_t map, first, last, regs; /* regs: bit mask of ModRM.reg, ANY: all or none */
    uint16_t flags, agreed;
};

/* clang-format off */
static const struct undefined_row rows[] = {
    /* logic: AF, which they clear in practice */
    { 0, 0x08, 0x0D, ANY, 0, A }, { 0, 0x20, 0x25, ANY, 0, A }, { 0, 0x30, 0x35, ANY, 0, A },
    { 0, 0x80, 0x83, 1 << 1 | 1 << 4 | 1 << 6, 0, A },
    { 0, 0x84, 0x85, ANY, 0, A }, { 0, 0xA8, 0xA9, ANY, 0, A }, { 0, 0xF6, 0xF7, 1 << 0 | 1 << 1, 0, A },
    /* BCD */
    { 0, 0x27, 0x27, ANY, O, 0 }, { 0, 0x2F, 0x2F, ANY, O, 0 },
    { 0, 0x37, 0x37, ANY, O | S | Z | P, 0 }, { 0, 0x3F, 0x3F, ANY, O | S | Z | P, 0 },
    { 0, 0xD4, 0xD5, ANY, O | A | C, 0 },
    /* multiplication, division */
    { 0, 0x69, 0x69, ANY, S | Z | A | P, 0 }, { 0, 0x6B, 0x6B, ANY, S | Z | A | P, 0 }, { 1, 0xAF, 0xAF, ANY, S | Z | A | P, 0 },
    { 0, 0xF6, 0xF7, 1 << 4 | 1 << 5, S | Z | A | P, 0 },
    { 0, 0xF6, 0xF7, 1 << 6 | 1 << 7, C | P | A | Z | S | O, 0 },
    /* rotates: OF unless by one */
    { 0, 0xC0, 0xC1, 0x0F, O, 0 }, { 0, 0xD2, 0xD3, 0x0F, O, 0 },
    /* shifts: AF; OF unless by one; CF when an operand of 8 or 16 bits is shifted by more than its size */
    { 0, 0xC0, 0xC1, 0xF0, O | A | C, 0 }, { 0, 0xD0, 0xD1, 0xF0, A, 0 }, { 0, 0xD2, 0xD3, 0xF0, O | A | C, 0 },
    { 1, 0xA4, 0xA5, ANY, C | P | A | Z | S | O, 0 }, { 1, 0xAC, 0xAD, ANY, C | P | A | Z | S | O, 0 },
    /* bit tests and scans */
    { 1, 0xA3, 0xA3, ANY, O | S | A | P, 0 }, { 1, 0xAB, 0xAB, ANY, O | S | A | P, 0 },
    { 1, 0xB3, 0xB3, ANY, O | S | A | P, 0 }, { 1, 0xBB, 0xBB, ANY, O | S | A | P, 0 },
    { 1, 0xBA, 0xBA, ANY, O | S | A | P, 0 },
    { 1, 0xBC, 0xBD, ANY, C | O | S | A | P, 0 },
};
/* clang-format on */

uint32_t undefined_flags(unsigned map, unsigned opcode, unsigned reg)
{
    uint32_t flags = 0;
    for (unsigned i = 0; i < VX_ARRAY_LEN(rows); i++) {
        const struct undefined_row *row = &rows[i];
        if (row->map == map && opcode >= row->first && opcode <= row->last && (row->regs >> (reg & 7) & 1))
            flags |= row->flags;
    }
    return flags;
}

/* Transcendental x87 instructions: the engines agree to the accuracy that the manual promises, not to the last bit. */
static bool transcendental(unsigned opcode, unsigned modrm)
{
    static const uint8_t d9[] = { 0xF0, 0xF1, 0xF2, 0xF3, 0xF9, 0xFB, 0xFE, 0xFF };
    return opcode == 0xD9 && memchr(d9, (int)modrm, sizeof d9) != NULL;
}

bool undefined_result(unsigned map, unsigned opcode, unsigned modrm, unsigned mandatory)
{
    if (map == 0)
        return transcendental(opcode, modrm);
    bool approximation = (opcode == 0x52 || opcode == 0x53) && (mandatory == 0 || mandatory == 0xF3); /* RSQRT, RCP */
    return approximation;
}
