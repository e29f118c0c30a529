/* lower.c - which opcode is lowered how: the translator's table of the instruction set.
 *
 * To make an instruction run as itself, give its opcode L_MODRM, L_PLAIN or L_OPREG here; anything not named goes
 * to the interpreter, and the statistics count it by opcode. Opcode letters as in SDM 2 "Opcode Map". */
#include "lower.h"

/* clang-format off */
static const uint8_t one_byte[256] = {
    /* ALU r/m, r; r, r/m; AL/eAX, imm */
#define ALU_BLOCK(first) [first + 0 ... first + 3] = L_MODRM, [first + 4 ... first + 5] = L_PLAIN
    ALU_BLOCK(0x00), ALU_BLOCK(0x08), ALU_BLOCK(0x10), ALU_BLOCK(0x18),
    ALU_BLOCK(0x20), ALU_BLOCK(0x28), ALU_BLOCK(0x30), ALU_BLOCK(0x38),
#undef ALU_BLOCK
    [0x06] = L_PUSH_SEG, [0x0E] = L_PUSH_SEG, [0x16] = L_PUSH_SEG, [0x1E] = L_PUSH_SEG,
    [0x07] = L_POP_SEG, [0x1F] = L_POP_SEG,
    [0x17] = L_INTERP_END,                      /* POP SS: interrupt shadow */
    [0x40 ... 0x4F] = L_INCDEC,
    [0x50 ... 0x57] = L_PUSH_REG,
    [0x58 ... 0x5F] = L_POP_REG,
    [0x68] = L_PUSH_IMM, [0x69] = L_MODRM, [0x6A] = L_PUSH_IMM, [0x6B] = L_MODRM,
    [0x70 ... 0x7F] = L_JCC,
    [0x80 ... 0x81] = L_MODRM, [0x83] = L_MODRM,
    [0x84 ... 0x8B] = L_MODRM,
    [0x8C] = L_MOV_FROM_SEG, [0x8D] = L_LEA, [0x8F] = L_POP_RM,
    [0x90 ... 0x97] = L_OPREG,
    [0x98 ... 0x99] = L_PLAIN,
    [0x9A] = L_INTERP_END,
    [0x9B] = L_X87, [0x9C] = L_PUSHF, [0x9D] = L_POPF, [0x9E ... 0x9F] = L_PLAIN,
    [0xA0 ... 0xA3] = L_MOV_OFFS,
    [0xA4 ... 0xA7] = L_STRING, [0xA8 ... 0xA9] = L_PLAIN, [0xAA ... 0xAF] = L_STRING,
    [0xB0 ... 0xB7] = L_PLAIN, [0xB8 ... 0xBF] = L_OPREG,
    [0xC0 ... 0xC1] = L_MODRM, [0xC2 ... 0xC3] = L_RET,
    [0xC6 ... 0xC7] = L_MODRM,
    [0xC9] = L_LEAVE, [0xCA ... 0xCC] = L_INTERP_END, [0xCD] = L_INT, [0xCE] = L_INTERP_END, [0xCF] = L_IRET,
    [0xD0 ... 0xD3] = L_MODRM, [0xD7] = L_XLAT, [0xD8 ... 0xDF] = L_X87,
    [0xE0 ... 0xE3] = L_LOOP, [0xE4 ... 0xE7] = L_PORT, [0xE8] = L_CALL, [0xE9] = L_JMP, [0xEA] = L_INTERP_END,
    [0xEB] = L_JMP,
    [0xEC ... 0xEF] = L_PORT,
    [0xF1] = L_INTERP_END, [0xF4] = L_INTERP_END, [0xF5] = L_PLAIN,
    [0xF6 ... 0xF7] = L_MODRM, [0xF8 ... 0xF9] = L_PLAIN,
    [0xFA] = L_CLI, [0xFB] = L_STI, [0xFC] = L_CLD, [0xFD] = L_STD,
    [0xFE ... 0xFF] = L_MODRM,
};

static const uint8_t two_byte[256] = {
    [0x00 ... 0x01] = L_INTERP_END,             /* LLDT.., LGDT, LMSW, INVLPG */
    [0x05 ... 0x09] = L_INTERP_END, [0x0B] = L_INTERP_END,
    [0x18 ... 0x1F] = L_NOP,                    /* prefetches and hints (0D is not offered) */
    [0x20] = L_MOV_FROM_CR, [0x21 ... 0x23] = L_INTERP_END,
    [0x30] = L_INTERP_END, [0x31] = L_RDTSC, [0x34] = L_SYSENTER, [0x35] = L_SYSEXIT,
    [0x40 ... 0x4F] = L_MODRM,
    [0x80 ... 0x8F] = L_JCC,
    [0x90 ... 0x9F] = L_MODRM,
    [0xA0] = L_PUSH_SEG, [0xA8] = L_PUSH_SEG, [0xA1] = L_POP_SEG, [0xA9] = L_POP_SEG,
    [0xA3] = L_BT_RM, [0xAB] = L_BT_RM, [0xB3] = L_BT_RM, [0xBB] = L_BT_RM,
    [0xA4 ... 0xA5] = L_MODRM, [0xAA] = L_INTERP_END, [0xAC ... 0xAD] = L_MODRM, [0xAF] = L_MODRM,
    [0xB0 ... 0xB1] = L_MODRM, [0xB6 ... 0xB7] = L_MODRM, [0xBA] = L_MODRM,
    [0xBC ... 0xBF] = L_MODRM,
    [0xC0 ... 0xC1] = L_MODRM, [0xC7] = L_MODRM, [0xC8 ... 0xCF] = L_OPREG,
};
/* clang-format on */

bool bt_ends_unit(uint8_t lower)
{
    switch (lower) {
    case L_INTERP_END:
    case L_JMP:
    case L_JCC:
    case L_LOOP:
    case L_CALL:
    case L_RET:
    case L_JMP_RM:
    case L_CALL_RM:
    case L_INT:
    case L_IRET:
    case L_SYSENTER:
    case L_SYSEXIT: return true;
    default: return false;
    }
}

/* MMX and SSE up to SSE4.2, AES, PCLMULQDQ. What the guest's CPU lacks of them, decode.c has kept from here. */
static bool native_sse(const ZydisDecodedInstruction *z)
{
    switch (z->meta.isa_set) {
    case ZYDIS_ISA_SET_PENTIUMMMX:
    case ZYDIS_ISA_SET_SSE:
    case ZYDIS_ISA_SET_SSE2:
    case ZYDIS_ISA_SET_SSE2MMX:
    case ZYDIS_ISA_SET_SSEMXCSR:
    case ZYDIS_ISA_SET_SSE3:
    case ZYDIS_ISA_SET_SSSE3:
    case ZYDIS_ISA_SET_SSSE3MMX:
    case ZYDIS_ISA_SET_SSE4:
    case ZYDIS_ISA_SET_SSE42:
    case ZYDIS_ISA_SET_AES:
    case ZYDIS_ISA_SET_PCLMULQDQ: break;
    default: return false;
    }
    switch (z->mnemonic) {
    case ZYDIS_MNEMONIC_MASKMOVQ:
    case ZYDIS_MNEMONIC_MASKMOVDQU: return false; /* implicit DS:[eDI] */
    default: return true;
    }
}

static uint8_t lower_x87(const struct bt_insn *in, uint32_t mode)
{
    if (!(mode & MODE_X87_OK))
        return L_INTERP_END;
    if (in->opcode == 0x9B || in->mod == 3) /* DB /4: FNCLEX, FNINIT and their obsolete neighbours */
        return in->opcode == 0xDB && in->reg == 4 ? L_INTERP : L_X87;
    bool environment = (in->opcode == 0xD9 && (in->reg == 4 || in->reg == 6)) ||
                       (in->opcode == 0xDD && (in->reg == 4 || in->reg == 6));
    return environment ? L_INTERP : L_X87;
}

static uint8_t lower_group_ff(const struct bt_insn *in)
{
    switch (in->reg) {
    case 0:
    case 1: return L_MODRM;
    case 2: return L_CALL_RM;
    case 4: return L_JMP_RM;
    case 6: return L_PUSH_RM;
    default: return L_INTERP_END;
    }
}

static uint8_t lower_sse(const ZydisDecodedInstruction *z, uint32_t mode)
{
    return (mode & (z->meta.isa_set == ZYDIS_ISA_SET_PENTIUMMMX ? MODE_X87_OK : MODE_SSE_OK)) ? L_SSE : L_INTERP_END;
}

/* 0F 38 and 0F 3A. */
static uint8_t lower_three_byte(const ZydisDecodedInstruction *z, uint32_t mode)
{
    if (z->mnemonic == ZYDIS_MNEMONIC_MOVBE || z->mnemonic == ZYDIS_MNEMONIC_CRC32)
        return L_MODRM;
    return native_sse(z) ? lower_sse(z, mode) : L_INTERP_END;
}

static uint8_t lower_two_byte(const ZydisDecodedInstruction *z, const struct bt_insn *in, uint32_t mode)
{
    uint8_t lower = two_byte[in->opcode];
    if (z->mnemonic == ZYDIS_MNEMONIC_POPCNT)
        return L_MODRM;
    if (in->opcode == 0xAE && in->mod == 3) /* LFENCE, MFENCE, SFENCE: one CPU, in order */
        return (mode & MODE_SSE_OK) && in->reg >= 5 && in->mandatory == 0 ? L_NOP : L_INTERP;
    if (lower == L_MODRM &&
        (z->mnemonic == ZYDIS_MNEMONIC_TZCNT || z->mnemonic == ZYDIS_MNEMONIC_LZCNT || in->mandatory != 0))
        return L_INTERP; /* older CPUs ignore the prefix there: so does the interpreter's model */
    if (in->opcode == 0xC7)
        return z->mnemonic == ZYDIS_MNEMONIC_CMPXCHG8B ? L_MODRM : L_INTERP;
    if (lower == L_BT_RM && in->mod == 3)
        return L_MODRM;
    if (lower == L_OPREG && in->op_bytes == 2)
        return L_INTERP; /* BSWAP r16: undefined */
    if (lower != L_INTERP || !native_sse(z))
        return lower;
    if (in->opcode == 0x77 && in->mandatory != 0)
        return L_INTERP_END; /* not EMMS to the host */
    return lower_sse(z, mode);
}

static uint8_t lower_one_byte(const struct bt_insn *in, uint32_t mode)
{
    switch (in->opcode) {
    case 0x8C: return in->reg < VX_SEG_COUNT ? L_MOV_FROM_SEG : L_INTERP_END;
    case 0x8E: return in->reg == VX_SS || in->reg == VX_CS || in->reg >= VX_SEG_COUNT ? L_INTERP_END : L_MOV_TO_SEG;
    case 0xFF: return lower_group_ff(in);
    case 0xFE: return in->reg < 2 ? L_MODRM : L_INTERP_END;
    case 0xC6:
    case 0xC7: return in->reg == 0 ? L_MODRM : L_INTERP_END; /* XABORT and XBEGIN live in reg 7 */
    case 0xA4 ... 0xA7:
    case 0xAA ... 0xAF: return in->rep != 0 ? L_REP : L_STRING;
    case 0x9B:
    case 0xD8 ... 0xDF: return lower_x87(in, mode);
    case 0x90: return L_NOP; /* and PAUSE */
    case 0xFA:
    case 0xFB: return (mode & MODE_IOPL_OK) ? one_byte[in->opcode] : L_INTERP_END;
    default: return one_byte[in->opcode];
    }
}

uint8_t bt_lower_of(const ZydisDecodedInstruction *z, const struct bt_insn *in, uint32_t mode)
{
    if (z->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY)
        return L_INTERP_END;
    switch (in->map) {
    case 0: return lower_one_byte(in, mode);
    case 1: return lower_two_byte(z, in, mode);
    case 2:
    case 3: return lower_three_byte(z, mode);
    default: return L_INTERP_END;
    }
}
