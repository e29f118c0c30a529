/* forms.c - the instruction set as families of encodings (SDM 2 "Opcode Map"), for the generator. */
#include "gen.h"

enum { ALL = 0xFF };
#define REGS(mask) (uint8_t)(mask)

/* clang-format off */
#define ALU(first) { 0, (first), (first) + 3, RM_ANY, IMM_NONE, ALL, 4 }, { 0, (first) + 4, (first) + 4, RM_NONE, IMM_8, ALL, 1 }, \
                   { 0, (first) + 5, (first) + 5, RM_NONE, IMM_Z, ALL, 1 }

const struct form integer_forms[] = {
    ALU(0x00), ALU(0x08), ALU(0x10), ALU(0x18), ALU(0x20), ALU(0x28), ALU(0x30), ALU(0x38),
    { 0, 0x27, 0x27, RM_NONE, IMM_NONE, ALL, 1 }, { 0, 0x2F, 0x2F, RM_NONE, IMM_NONE, ALL, 1 },
    { 0, 0x37, 0x37, RM_NONE, IMM_NONE, ALL, 1 }, { 0, 0x3F, 0x3F, RM_NONE, IMM_NONE, ALL, 1 },
    { 0, 0x40, 0x4F, RM_NONE, IMM_NONE, ALL, 4 },
    { 0, 0x69, 0x69, RM_ANY, IMM_Z, ALL, 2 }, { 0, 0x6B, 0x6B, RM_ANY, IMM_8, ALL, 2 },
    { 0, 0x80, 0x80, RM_ANY, IMM_8, ALL, 4 }, { 0, 0x81, 0x81, RM_ANY, IMM_Z, ALL, 4 }, { 0, 0x82, 0x83, RM_ANY, IMM_8, ALL, 4 },
    { 0, 0x84, 0x8B, RM_ANY, IMM_NONE, ALL, 12 }, { 0, 0x8D, 0x8D, RM_MEM, IMM_NONE, ALL, 4 }, { 0, 0x8D, 0x8D, RM_REG, IMM_NONE, ALL, 1 },
    { 0, 0x90, 0x97, RM_NONE, IMM_NONE, ALL, 2 }, { 0, 0x98, 0x99, RM_NONE, IMM_NONE, ALL, 2 },
    { 0, 0x9E, 0x9F, RM_NONE, IMM_NONE, ALL, 2 }, { 0, 0xA0, 0xA3, RM_NONE, IMM_MOFFS, ALL, 4 },
    { 0, 0xA8, 0xA8, RM_NONE, IMM_8, ALL, 1 }, { 0, 0xA9, 0xA9, RM_NONE, IMM_Z, ALL, 1 },
    { 0, 0xB0, 0xB7, RM_NONE, IMM_8, ALL, 2 }, { 0, 0xB8, 0xBF, RM_NONE, IMM_Z, ALL, 2 },
    { 0, 0xC0, 0xC1, RM_ANY, IMM_8, ALL, 4 }, { 0, 0xC6, 0xC6, RM_ANY, IMM_8, REGS(0x81), 2 }, { 0, 0xC7, 0xC7, RM_ANY, IMM_Z, REGS(0x81), 2 },
    { 0, 0xD0, 0xD3, RM_ANY, IMM_NONE, ALL, 8 }, { 0, 0xD4, 0xD5, RM_NONE, IMM_8, ALL, 1 }, { 0, 0xD6, 0xD7, RM_NONE, IMM_NONE, ALL, 2 },
    { 0, 0xF5, 0xF5, RM_NONE, IMM_NONE, ALL, 1 }, { 0, 0xF8, 0xF9, RM_NONE, IMM_NONE, ALL, 1 },
    { 0, 0xF6, 0xF6, RM_ANY, IMM_8, REGS(0x03), 1 }, { 0, 0xF7, 0xF7, RM_ANY, IMM_Z, REGS(0x03), 1 },
    { 0, 0xF6, 0xF7, RM_ANY, IMM_NONE, REGS(0xFC), 6 }, { 0, 0xFE, 0xFE, RM_ANY, IMM_NONE, ALL, 2 }, { 0, 0xFF, 0xFF, RM_ANY, IMM_NONE, REGS(0x83), 2 },
    { 0, 0x62, 0x62, RM_ANY, IMM_NONE, ALL, 1 }, { 0, 0x63, 0x63, RM_ANY, IMM_NONE, ALL, 1 },
    { 1, 0x40, 0x4F, RM_ANY, IMM_NONE, ALL, 6 }, { 1, 0x90, 0x9F, RM_ANY, IMM_NONE, ALL, 6 },
    { 1, 0xA3, 0xA3, RM_ANY, IMM_NONE, ALL, 2 }, { 1, 0xAB, 0xAB, RM_ANY, IMM_NONE, ALL, 2 }, { 1, 0xB3, 0xB3, RM_ANY, IMM_NONE, ALL, 2 },
    { 1, 0xBB, 0xBB, RM_ANY, IMM_NONE, ALL, 2 }, { 1, 0xBA, 0xBA, RM_ANY, IMM_8, ALL, 4 },
    { 1, 0xA4, 0xA4, RM_ANY, IMM_8, ALL, 2 }, { 1, 0xAC, 0xAC, RM_ANY, IMM_8, ALL, 2 },
    { 1, 0xA5, 0xA5, RM_ANY, IMM_NONE, ALL, 2 }, { 1, 0xAD, 0xAD, RM_ANY, IMM_NONE, ALL, 2 },
    { 1, 0xAF, 0xB1, RM_ANY, IMM_NONE, ALL, 6 }, { 1, 0xB6, 0xB7, RM_ANY, IMM_NONE, ALL, 4 }, { 1, 0xBC, 0xBF, RM_ANY, IMM_NONE, ALL, 6 },
    { 1, 0xC0, 0xC1, RM_ANY, IMM_NONE, ALL, 3 }, { 1, 0xC3, 0xC3, RM_ANY, IMM_NONE, ALL, 1 }, { 1, 0xC7, 0xC7, RM_ANY, IMM_NONE, ALL, 3 },
    { 1, 0xC8, 0xCF, RM_NONE, IMM_NONE, ALL, 2 }, { 1, 0x18, 0x1F, RM_ANY, IMM_NONE, ALL, 1 }, { 1, 0x0D, 0x0D, RM_ANY, IMM_NONE, ALL, 1 },
    { 1, 0x0B, 0x0B, RM_NONE, IMM_NONE, ALL, 1 }, { 1, 0xB8, 0xB9, RM_ANY, IMM_NONE, ALL, 1 }, { 1, 0xFF, 0xFF, RM_ANY, IMM_NONE, ALL, 1 },
};
const unsigned integer_form_count = VX_ARRAY_LEN(integer_forms);

const struct form stack_forms[] = {
    { 0, 0x50, 0x5F, RM_NONE, IMM_NONE, ALL, 16 }, { 0, 0x60, 0x61, RM_NONE, IMM_NONE, ALL, 3 },
    { 0, 0x68, 0x68, RM_NONE, IMM_Z, ALL, 3 }, { 0, 0x6A, 0x6A, RM_NONE, IMM_8, ALL, 3 },
    { 0, 0x8F, 0x8F, RM_ANY, IMM_NONE, REGS(0x01), 5 }, { 0, 0xFF, 0xFF, RM_ANY, IMM_NONE, REGS(0x40), 5 },
    { 0, 0xC9, 0xC9, RM_NONE, IMM_NONE, ALL, 3 }, { 0, 0x06, 0x06, RM_NONE, IMM_NONE, ALL, 1 }, { 0, 0x0E, 0x0E, RM_NONE, IMM_NONE, ALL, 1 },
    { 0, 0x16, 0x16, RM_NONE, IMM_NONE, ALL, 1 }, { 0, 0x1E, 0x1E, RM_NONE, IMM_NONE, ALL, 1 },
    { 1, 0xA0, 0xA0, RM_NONE, IMM_NONE, ALL, 1 }, { 1, 0xA8, 0xA8, RM_NONE, IMM_NONE, ALL, 1 },
    { 0, 0x9C, 0x9C, RM_NONE, IMM_NONE, ALL, 3 },
};
const unsigned stack_form_count = VX_ARRAY_LEN(stack_forms);

/* Loads and stores of segment registers; selectors are what registers and memory happen to hold, or null. */
const struct form segment_forms[] = {
    { 0, 0x8C, 0x8C, RM_ANY, IMM_NONE, ALL, 6 }, { 0, 0x8E, 0x8E, RM_ANY, IMM_NONE, REGS(0xF9), 3 }, { 0, 0xC4, 0xC5, RM_MEM, IMM_NONE, ALL, 3 },
    { 1, 0xB4, 0xB5, RM_MEM, IMM_NONE, ALL, 2 }, { 1, 0xB2, 0xB2, RM_MEM, IMM_NONE, ALL, 1 },
    { 1, 0x02, 0x03, RM_ANY, IMM_NONE, ALL, 4 }, { 1, 0x00, 0x00, RM_ANY, IMM_NONE, REGS(0xF3), 4 },
};
const unsigned segment_form_count = VX_ARRAY_LEN(segment_forms);

const struct form system_forms[] = {
    /* SGDT, SIDT */ { 1, 0x01, 0x01, RM_ANY, IMM_NONE, REGS(0x10), 2 }, /* SMSW */
    { 1, 0x01, 0x01, RM_MEM, IMM_NONE, REGS(0x03), 2 },
    { 1, 0x01, 0x01, RM_MEM, IMM_NONE, REGS(0x80), 2 }, /* INVLPG */ { 1, 0x01, 0x01, RM_REG, IMM_NONE, REGS(0xA3), 1 },
    { 1, 0x06, 0x06, RM_NONE, IMM_NONE, ALL, 2 }, { 1, 0x08, 0x09, RM_NONE, IMM_NONE, ALL, 1 },
    { 1, 0x20, 0x20, RM_REG, IMM_NONE, ALL, 4 }, { 1, 0x21, 0x21, RM_REG, IMM_NONE, ALL, 2 }, { 1, 0x24, 0x26, RM_REG, IMM_NONE, ALL, 1 },
    { 1, 0x31, 0x31, RM_NONE, IMM_NONE, ALL, 2 }, { 1, 0x32, 0x33, RM_NONE, IMM_NONE, ALL, 1 },
    { 1, 0xA2, 0xA2, RM_NONE, IMM_NONE, ALL, 2 }, { 0, 0xCE, 0xCE, RM_NONE, IMM_NONE, ALL, 2 }, { 0, 0xF1, 0xF1, RM_NONE, IMM_NONE, ALL, 1 },
    { 1, 0xAA, 0xAA, RM_NONE, IMM_NONE, ALL, 1 }, { 1, 0x35, 0x35, RM_NONE, IMM_NONE, ALL, 1 }, { 1, 0x38, 0x38, RM_ANY, IMM_NONE, ALL, 1 },
    { 1, 0x04, 0x05, RM_NONE, IMM_NONE, ALL, 1 }, { 1, 0xC7, 0xC7, RM_ANY, IMM_NONE, REGS(0xC0), 1 },
};
const unsigned system_form_count = VX_ARRAY_LEN(system_forms);

/* FLDENV, FRSTOR load any reserved bit there is, and FNSTENV, FNSAVE store what is not compared: see gen_x87(). */
const struct form x87_forms[] = {
    { 0, 0xD8, 0xD8, RM_ANY, IMM_NONE, ALL, 4 }, { 0, 0xD9, 0xD9, RM_ANY, IMM_NONE, REGS(0xAF), 6 }, { 0, 0xD9, 0xD9, RM_REG, IMM_NONE, REGS(0x5F), 6 },
    { 0, 0xDA, 0xDC, RM_ANY, IMM_NONE, ALL, 12 }, { 0, 0xDD, 0xDD, RM_ANY, IMM_NONE, REGS(0xAF), 4 }, { 0, 0xDD, 0xDD, RM_REG, IMM_NONE, REGS(0x50), 1 },
    { 0, 0xDE, 0xDF, RM_ANY, IMM_NONE, ALL, 8 }, { 0, 0x9B, 0x9B, RM_NONE, IMM_NONE, ALL, 1 },
};
const unsigned x87_form_count = VX_ARRAY_LEN(x87_forms);

const struct form sse_forms[] = {
    { 1, 0x10, 0x17, RM_ANY, IMM_NONE, ALL, 8 }, { 1, 0x28, 0x2F, RM_ANY, IMM_NONE, ALL, 8 }, { 1, 0x50, 0x6F, RM_ANY, IMM_NONE, ALL, 32 },
    { 1, 0x70, 0x70, RM_ANY, IMM_8, ALL, 3 }, { 1, 0x71, 0x73, RM_REG, IMM_8, ALL, 3 }, { 1, 0x74, 0x76, RM_ANY, IMM_NONE, ALL, 3 },
    { 1, 0x77, 0x77, RM_NONE, IMM_NONE, ALL, 2 }, { 1, 0x7C, 0x7F, RM_ANY, IMM_NONE, ALL, 4 }, { 1, 0xC2, 0xC2, RM_ANY, IMM_8, ALL, 3 },
    { 1, 0xC4, 0xC6, RM_ANY, IMM_8, ALL, 3 }, { 1, 0xD0, 0xFE, RM_ANY, IMM_NONE, ALL, 40 },
    { 1, 0xAE, 0xAE, RM_MEM, IMM_NONE, REGS(0x8C), 4 }, { 1, 0xAE, 0xAE, RM_REG, IMM_NONE, ALL, 1 },
};
const unsigned sse_form_count = VX_ARRAY_LEN(sse_forms);
/* clang-format on */
