/* isa.c - the feature that each encoding belongs to (SDM 2D "Opcode Map", "Escape Opcode Instructions").
 *
 * MMX and SSE come from interp_sse.def; everything else is stated here. An encoding that is in no table is #UD. */
#include "isa.h"

/* ---- MMX, SSE ..., by map, opcode and prefix --------------------------------------------------------------------- */

enum simd_form { FORM_LISTED = 1, MEM = 4, REG = 8 };
enum { X = 0, M = 0, LOW = 0 }; /* attributes that do not concern legality */
enum simd_prefix { NP, P66, PF3, PF2 };

struct simd_row {
    uint8_t feature, forms;
};

#define SIMD(prefix, opcode, feature, attributes, handler, lane) \
    [SIMD_MAP - 1][opcode][prefix] = { VX_F_##feature, FORM_LISTED | (attributes) },
#define BOTH(opcode, feature_mm, feature_xmm, handler, lane) \
    SIMD(NP, opcode, feature_mm, 0, handler, lane) SIMD(P66, opcode, feature_xmm, 0, handler, lane)

static const struct simd_row simd_rows[3][256][4] = {
#include "interp_sse.def"
};

#undef SIMD
#undef BOTH

static bool is_reg(const struct vx_isa_insn *in)
{
    return in->modrm >= 0xC0;
}

static unsigned reg_of(const struct vx_isa_insn *in)
{
    return in->modrm >> 3 & 7;
}

static enum simd_prefix prefix_of(const struct vx_isa_insn *in)
{
    if (in->rep != 0)
        return in->rep == 0xF3 ? PF3 : PF2;
    return in->prefix_66 ? P66 : NP;
}

static enum vx_cpu_feature simd_feature(const struct vx_isa_insn *in)
{
    const struct simd_row *row = &simd_rows[in->map - 1][in->opcode][prefix_of(in)];
    if (!(row->forms & FORM_LISTED) || (is_reg(in) ? row->forms & MEM : row->forms & REG))
        return VX_F_NEVER;
    return (enum vx_cpu_feature)row->feature;
}

/* ---- one-byte opcodes -------------------------------------------------------------------------------------------- */

#define BITS(from, to) ((~0ull >> (63 - ((to) - (from)))) << ((from)-0xC0)) /* ModRM bytes from..to, C0h or more */

/* Register forms of D8..DF: those of every x87, and those that came with CMOV. */
static const struct {
    uint64_t base, cmov;
} x87_reg[8] = {
    { BITS(0xC0, 0xFF), 0 },
    { BITS(0xC0, 0xD0) | BITS(0xD8, 0xE1) | BITS(0xE4, 0xE5) | BITS(0xE8, 0xEE) | BITS(0xF0, 0xFF), 0 },
    { BITS(0xE9, 0xE9), BITS(0xC0, 0xDF) },
    { BITS(0xE0, 0xE4), BITS(0xC0, 0xDF) | BITS(0xE8, 0xF7) },
    { BITS(0xC0, 0xFF), 0 },
    { BITS(0xC0, 0xEF), 0 },
    { BITS(0xC0, 0xD7) | BITS(0xD9, 0xD9) | BITS(0xE0, 0xFF), 0 },
    { BITS(0xC0, 0xE0), BITS(0xE8, 0xF7) },
};

static enum vx_cpu_feature x87_feature(const struct vx_isa_insn *in)
{
    unsigned op = in->opcode & 7, reg = reg_of(in);
    if (is_reg(in)) {
        unsigned bit = in->modrm - 0xC0u;
        return x87_reg[op].base >> bit & 1 ? VX_F_FPU : x87_reg[op].cmov >> bit & 1 ? VX_F_CMOV : VX_F_NEVER;
    }
    switch (op << 3 | reg) {
    case 1 << 3 | 1:
    case 3 << 3 | 4:
    case 3 << 3 | 6:
    case 5 << 3 | 5: return VX_F_NEVER;
    case 3 << 3 | 1:
    case 5 << 3 | 1:
    case 7 << 3 | 1: return VX_F_SSE3; /* FISTTP */
    default: return VX_F_FPU;
    }
}

static enum vx_cpu_feature if_legal(bool legal)
{
    return legal ? VX_F_I386 : VX_F_NEVER;
}

static enum vx_cpu_feature one_byte_feature(const struct vx_isa_insn *in)
{
    unsigned reg = reg_of(in);
    switch (in->opcode) {
    case 0x62: /* BOUND, LEA, LES, LDS: no register forms */
    case 0x8D:
    case 0xC4:
    case 0xC5: return if_legal(!is_reg(in));
    case 0x8C: return if_legal(reg < 6);
    case 0x8E: return if_legal(reg < 6 && reg != 1);
    case 0x8F:
    case 0xC6:
    case 0xC7: return if_legal(reg == 0);
    case 0xFE: return if_legal(reg < 2);
    case 0xFF: return if_legal(reg < 7 && !((reg == 3 || reg == 5) && is_reg(in)));
    case 0xD8 ... 0xDF: return x87_feature(in);
    default: return VX_F_I386;
    }
}

/* ---- the 0F map -------------------------------------------------------------------------------------------------- */

#define ROW(id)         \
    {                   \
        VX_F_##id, true \
    }

const struct isa_two_byte_row isa_two_byte[256] = {
    [0x02 ... 0x03] = ROW(I386), [0x06] = ROW(I386),          [0x08 ... 0x09] = ROW(I486), [0x0D] = ROW(PREFETCHW),
    [0x19 ... 0x1F] = ROW(NOPL), [0x21] = ROW(I386),          [0x23] = ROW(I386),          [0x30] = ROW(MSR),
    [0x31] = ROW(TSC),           [0x32] = ROW(MSR),           [0x33] = ROW(RDPMC),         [0x34 ... 0x35] = ROW(SEP),
    [0x40 ... 0x4F] = ROW(CMOV), [0x80 ... 0xA1] = ROW(I386), [0xA2] = ROW(CPUID),         [0xA3 ... 0xA5] = ROW(I386),
    [0xA8 ... 0xAD] = ROW(I386), [0xAF] = ROW(I386),          [0xB0 ... 0xB1] = ROW(I486), [0xB3] = ROW(I386),
    [0xB6 ... 0xB7] = ROW(I386), [0xBB ... 0xBF] = ROW(I386), [0xC0 ... 0xC1] = ROW(I486), [0xC8 ... 0xCF] = ROW(I486),
};

/* SGDT SIDT LGDT LIDT SMSW LMSW INVLPG; MONITOR, MWAIT, CLAC and STAC among the register forms. */
static enum vx_cpu_feature group7(const struct vx_isa_insn *in)
{
    unsigned reg = reg_of(in);
    if (reg == 4 || reg == 6)
        return VX_F_I386;
    if (is_reg(in))
        return prefix_of(in) != NP || reg != 1 ? VX_F_NEVER
               : in->modrm <= 0xC9             ? VX_F_MONITOR
               : in->modrm <= 0xCB             ? VX_F_SMAP
                                               : VX_F_NEVER;
    return reg < 4 ? VX_F_I386 : reg == 7 ? VX_F_I486 : VX_F_NEVER;
}

/* FXSAVE FXRSTOR LDMXCSR STMXCSR CLFLUSH; LFENCE MFENCE SFENCE. */
static enum vx_cpu_feature group15(const struct vx_isa_insn *in)
{
    static const uint8_t mem[8] = { VX_F_FXSR,  VX_F_FXSR,  VX_F_SSE,   VX_F_SSE,
                                    VX_F_NEVER, VX_F_NEVER, VX_F_NEVER, VX_F_CLFLUSH };
    static const uint8_t reg[8] = { VX_F_NEVER, VX_F_NEVER, VX_F_NEVER, VX_F_NEVER,
                                    VX_F_NEVER, VX_F_SSE2,  VX_F_SSE2,  VX_F_SSE };
    if (prefix_of(in) != NP)
        return VX_F_NEVER;
    return (enum vx_cpu_feature)(is_reg(in) ? reg : mem)[reg_of(in)];
}

/* MOV to and from CR0, CR2, CR3, CR4; ModRM.mod is ignored. */
static enum vx_cpu_feature control_register(const struct vx_isa_insn *in)
{
    unsigned reg = reg_of(in);
    return reg == 4 ? VX_F_CPUID : if_legal(reg == 0 || reg == 2 || reg == 3);
}

static enum vx_cpu_feature two_byte_feature(const struct vx_isa_insn *in)
{
    unsigned reg = reg_of(in);
    switch (in->opcode) {
    case 0x00: return if_legal(reg < 6);
    case 0x01: return group7(in);
    case 0x18: return reg < 4 && !is_reg(in) ? VX_F_SSE : VX_F_NOPL; /* PREFETCHh among the hints */
    case 0x20:
    case 0x22: return control_register(in);
    case 0x71:
    case 0x72: return reg == 2 || reg == 4 || reg == 6 ? simd_feature(in) : VX_F_NEVER;
    case 0x73:
        if (reg == 3 || reg == 7)
            return prefix_of(in) == P66 ? simd_feature(in) : VX_F_NEVER;
        return reg == 2 || reg == 6 ? simd_feature(in) : VX_F_NEVER;
    case 0xAE: return group15(in);
    case 0xB2: /* LSS, LFS, LGS */
    case 0xB4:
    case 0xB5: return if_legal(!is_reg(in));
    case 0xB8: return prefix_of(in) == PF3 ? VX_F_POPCNT : VX_F_NEVER;
    case 0xBA: return if_legal(reg >= 4);
    case 0xC7: return reg == 1 && !is_reg(in) ? VX_F_CX8 : VX_F_NEVER;
    default: break;
    }
    const struct isa_two_byte_row *row = &isa_two_byte[in->opcode];
    return row->listed ? (enum vx_cpu_feature)row->feature : simd_feature(in);
}

/* MOVBE and CRC32; 66h with them is an operand size. */
static enum vx_cpu_feature map_0f38_feature(const struct vx_isa_insn *in)
{
    if (in->opcode != 0xF0 && in->opcode != 0xF1)
        return simd_feature(in);
    if (in->rep == 0xF2)
        return VX_F_SSE4_2;
    return in->rep == 0 && !is_reg(in) ? VX_F_MOVBE : VX_F_NEVER;
}

/* ---- LOCK -------------------------------------------------------------------------------------------------------- */

bool isa_lock_legal(const struct vx_isa_insn *in)
{
    unsigned reg = reg_of(in);
    if (is_reg(in) || in->map > 1)
        return false;
    if (in->map == 0) {
        switch (in->opcode) {
        case 0x80 ... 0x83: return reg != 7;
        case 0x86:
        case 0x87: return true;
        case 0xF6:
        case 0xF7: return reg == 2 || reg == 3;
        case 0xFE:
        case 0xFF: return reg < 2;
        default: return in->opcode < 0x38 && (in->opcode & 7) < 2;
        }
    }
    switch (in->opcode) {
    case 0xAB:
    case 0xB3:
    case 0xBB:
    case 0xB0:
    case 0xB1:
    case 0xC0:
    case 0xC1: return true;
    case 0xBA: return reg >= 5;
    case 0xC7: return reg == 1;
    default: return false;
    }
}

/* ---- the questions ----------------------------------------------------------------------------------------------- */

enum vx_cpu_feature vx_isa_feature(const struct vx_isa_insn *in)
{
    if (in->lock && !isa_lock_legal(in))
        return VX_F_NEVER;
    switch (in->map) {
    case 0: return one_byte_feature(in);
    case 1: return two_byte_feature(in);
    case 2: return map_0f38_feature(in);
    case 3: return simd_feature(in);
    default: return VX_F_NEVER;
    }
}

bool vx_isa_legal(const struct vx_cpu_model *model, const struct vx_isa_insn *in)
{
    return cpu_model_has(model, vx_isa_feature(in));
}
