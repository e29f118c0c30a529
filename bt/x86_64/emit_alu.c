/* emit_alu.c - innocuous instructions: re-encoded as themselves, with ESP renamed and memory operands lowered. */
#include "callout.h"
#include "emit.h"
#include "emit_mem.h"

enum { STAGE = 8 }; /* frame slot through which AH..BH meet memory (no REX prefix can name them) */

static bool high_byte(bool gpr8, uint8_t reg)
{
    return gpr8 && reg >= 4;
}

static bool needs_rex_reg(const struct bt_insn *in)
{
    return in->reg_is_gpr && !in->reg_is_gpr8 && in->reg == VX_RSP;
}
static bool needs_rex_rm(const struct bt_insn *in)
{
    return in->mod == 3 && in->rm_is_gpr && !in->rm_is_gpr8 && in->rm == VX_RSP;
}

bool emit_native_impossible(const struct bt_insn *in)
{
    bool high_rm = in->mod == 3 && high_byte(in->rm_is_gpr8, in->rm);
    bool high_reg = high_byte(in->reg_is_gpr8, in->reg);
    if (in->mod == 3)
        return (high_rm && needs_rex_reg(in)) || (high_reg && needs_rex_rm(in));
    return high_reg && in->map == 1; /* XADD, CMPXCHG of AH..BH with memory */
}

static void copy_imm(struct cg *cg, const struct bt_insn *in)
{
    for (unsigned i = 0; i < in->imm_bytes; i++)
        a8(&cg->a, in->bytes[in->imm_off + i]);
}

/* Operand size, then the mandatory one (POPCNT and CRC32 may have both). */
static void emit_prefixes(struct cg *cg, const struct bt_insn *in)
{
    if (in->op_bytes == 2 && (in->lower == L_MODRM || in->lower == L_BT_RM))
        a8(&cg->a, 0x66);
    if (in->mandatory != 0)
        a8(&cg->a, in->mandatory);
}

static void opcode_of(struct cg *cg, const struct bt_insn *in)
{
    static const uint8_t escape[] = { [2] = 0x38, [3] = 0x3A };
    if (in->map >= 1)
        a8(&cg->a, 0x0F);
    if (in->map >= 2)
        a8(&cg->a, escape[in->map]);
    a8(&cg->a, in->opcode);
}

static void emit_reg_form(struct cg *cg, const struct bt_insn *in)
{
    struct bt_asm *a = &cg->a;
    bool r = needs_rex_reg(in), b = needs_rex_rm(in);
    emit_prefixes(cg, in);
    if (r || b)
        a8(a, 0x40 | (r ? 4 : 0) | (b ? 1 : 0));
    opcode_of(cg, in);
    a8(a, 0xC0 | ((r ? H_GUEST_ESP & 7 : in->reg) << 3) | (b ? H_GUEST_ESP & 7 : in->rm));
    copy_imm(cg, in);
}

static void emit_window_form(struct cg *cg, const struct bt_insn *in, uint8_t operand, uint8_t reg)
{
    struct bt_asm *a = &cg->a;
    struct cg_address at = emit_window_address(cg, operand);
    unsigned r = reg >= 8 ? 4 : 0, x = at.index != H_NONE && at.index >= 8 ? 2 : 0;
    unsigned b = at.base != H_NONE && at.base >= 8 ? 1 : 0;
    uint32_t start = a->len;
    emit_window_prefixes(cg);
    emit_prefixes(cg, in);
    if ((r | x | b) != 0)
        a8(a, 0x40 | r | x | b);
    opcode_of(cg, in);
    asm_mem_tail(a, reg, at.base, at.index, at.scale, at.disp);
    copy_imm(cg, in);
    emit_window_site(cg, start);
}

static void emit_mem_form(struct cg *cg, const struct bt_insn *in, uint8_t operand, uint8_t reg)
{
    struct bt_asm *a = &cg->a;
    if (cg_window(cg)) {
        emit_window_form(cg, in, operand, reg);
        return;
    }
    emit_prefixes(cg, in);
    bool shared = operand == OPERAND_SHARE; /* [r9 + disp], else [operand + r9] */
    a8(a, 0x40 | (reg >= 8 ? 4 : 0) | (shared ? 0 : 2) | (shared || operand >= 8 ? 1 : 0));
    opcode_of(cg, in);
    if (shared)
        asm_mem_tail(a, reg, H_R9, H_NONE, 0, cg->share_disp);
    else
        asm_mem_tail(a, reg, operand, H_R9, 0, 0);
    copy_imm(cg, in);
}

/* op AH..BH with memory: through the frame. Opcodes: ALU 00..3A, TEST 84, XCHG 86, MOV 88, 8A. */
static void emit_high_byte(struct cg *cg, const struct bt_insn *in, uint8_t operand)
{
    struct bt_asm *a = &cg->a;
    bool into_reg = (in->opcode & 2) != 0 && in->opcode != 0x86; /* r8, r/m8 forms */
    if (into_reg) {
        emit_load(cg, H_R10, operand, 1);
        x_store32(a, H_RSP, STAGE, H_R10);
        asm_mem(a, false, 0, in->opcode, in->reg, H_RSP, H_NONE, 0, STAGE);
        return;
    }
    asm_mem(a, false, 0, 0x88, in->reg, H_RSP, H_NONE, 0, STAGE);
    x_load_zx8(a, H_R10, H_RSP, STAGE);
    emit_mem_form(cg, in, operand, H_R10);
    if (in->opcode == 0x86) {
        x_store32(a, H_RSP, STAGE, H_R10);
        asm_mem(a, false, 0, 0x8A, in->reg, H_RSP, H_NONE, 0, STAGE);
    }
}

/* Makes sure that the guest's FP state is in the host before the first instruction of the unit that uses it. */
void emit_fp_here(struct cg *cg)
{
    struct bt_asm *a = &cg->a;
    if (cg->fp_live)
        return;
    x_mov64(a, H_R11, H_RCX);
    x_load64(a, H_RCX, H_VCPU, AREA(fp_away));
    uint32_t here = x_jrcxz(a);
    x_call_rel32(a, cg->stub->fp_load);
    x_here(a, here);
    x_mov64(a, H_RCX, H_R11);
    cg->fp_live = true;
}

/* Can the instruction fault on the host with its operands accessible? #DE, FP exceptions, SSE alignment. */
static bool may_fault(const struct bt_insn *in)
{
    bool divide = in->lower == L_MODRM && in->map == 0 && (in->opcode == 0xF6 || in->opcode == 0xF7) && in->reg >= 6;
    return divide || in->lower == L_X87 || in->lower == L_SSE;
}

static bool is_ldmxcsr(const struct bt_insn *in)
{
    return in->map == 1 && in->opcode == 0xAE && in->mem && in->reg == 2;
}

static bool is_fldcw(const struct bt_insn *in)
{
    return in->lower == L_X87 && in->opcode == 0xD9 && in->mem && in->reg == 5;
}

/* The instruction is the interpreter's unless r10d is 0. */
static void unless_zero(struct cg *cg)
{
    struct bt_asm *a = &cg->a;
    x_mov64(a, H_R11, H_RCX);
    x_mov64(a, H_RCX, H_R10);
    uint32_t ok = x_jrcxz(a);
    cg_cold_insn(cg, x_jmp_rel32(a, a->base), true);
    x_here(a, ok);
    x_mov64(a, H_RCX, H_R11);
}

/* LDMXCSR of an upper half that is not zero is the interpreter's: hosts may know bits there that the guest's CPU has
 * not (AMD: 17, which turns off alignment faults). So is FLDCW that unmasks an exception: another mode follows
 * (emit_x87.c). */
static void check_control_word(struct cg *cg, const struct bt_insn *in, uint8_t operand)
{
    struct bt_asm *a = &cg->a;
    if (is_ldmxcsr(in)) {
        emit_load(cg, H_R10, operand, 4);
        x_mov_imm32(a, H_R11, 16);
        x_shrx32(a, H_R10, H_R10, H_R11);
        unless_zero(cg);
    } else if (is_fldcw(in) && !(cg->mode & MODE_FP_OPERANDS)) {
        emit_load(cg, H_R10, operand, 2);
        x_not32(a, H_R10);
        x_mov_imm32(a, H_R11, 32 - 6); /* the six masks */
        x_shlx32(a, H_R10, H_R10, H_R11);
        unless_zero(cg);
    }
}

void emit_native(struct cg *cg, const struct bt_insn *in)
{
    if (in->lower == L_X87 || in->lower == L_SSE)
        emit_fp_here(cg);
    uint8_t operand = in->mem ? emit_operand(cg, in) : H_NONE;
    if (in->mem)
        check_control_word(cg, in, operand);
    uint32_t start = cg->a.len;
    if (!in->mem)
        in->has_modrm ? emit_reg_form(cg, in) : emit_plain(cg, in);
    else if (high_byte(in->reg_is_gpr8, in->reg))
        emit_high_byte(cg, in, operand);
    else
        emit_mem_form(cg, in, operand, in->reg_is_gpr && !in->reg_is_gpr8 ? host_of(in->reg) : in->reg);
    if (may_fault(in) && !(in->mem && cg_window(cg))) /* which has a site already */
        cg_site(cg, start, SITE_FAULT, in->eip);
}

void emit_plain(struct cg *cg, const struct bt_insn *in)
{
    if (in->op_bytes == 2 && in->lower != L_X87)
        a8(&cg->a, 0x66);
    opcode_of(cg, in);
    copy_imm(cg, in);
}

void emit_opreg(struct cg *cg, const struct bt_insn *in)
{
    uint8_t reg = host_of(in->opcode & 7);
    if (in->op_bytes == 2)
        a8(&cg->a, 0x66);
    if (reg >= 8)
        a8(&cg->a, 0x41);
    if (in->map == 1)
        a8(&cg->a, 0x0F);
    a8(&cg->a, (in->opcode & ~7u) | (reg & 7));
    copy_imm(cg, in);
}

void emit_incdec(struct cg *cg, const struct bt_insn *in)
{
    if (in->op_bytes == 2)
        a8(&cg->a, 0x66);
    asm_rr(&cg->a, false, 0xFF, in->opcode >> 3 & 1, host_of(in->opcode & 7));
}

void emit_lea(struct cg *cg, const struct bt_insn *in)
{
    uint8_t off = emit_offset(cg, in, false);
    emit_to_guest(cg, in->reg, off, in->op_bytes);
}

/* MOV AL/eAX, moffs and back, as MOV r/m. */
void emit_mov_offs(struct cg *cg, const struct bt_insn *in)
{
    uint8_t operand = emit_operand(cg, in);
    static const uint8_t opcode[] = { 0x8A, 0x8B, 0x88, 0x89 };
    emit_access(cg, in->op_bytes == 2 ? 0x66 : 0, opcode[in->opcode & 3], H_RAX, operand);
}

void emit_xlat(struct cg *cg, const struct bt_insn *in)
{
    struct bt_asm *a = &cg->a;
    asm_rr(a, false, 0x0FB6, H_R8, H_RAX);
    x_lea32(a, H_R8, H_RBX, H_R8, 0, 0);
    if (in->addr_bytes == 2)
        x_movzx16(a, H_R8, H_R8);
    uint8_t operand = emit_segment(cg, in->mem_seg, H_R8, 1, false);
    emit_probe(cg, operand, 1, MEM_READ);
    emit_access(cg, 0, 0x8A, H_RAX, operand);
}

/* Bit strings: the register's upper bits move the operand, its low four or five choose the bit. */
void emit_bt_rm(struct cg *cg, const struct bt_insn *in)
{
    struct bt_asm *a = &cg->a;
    unsigned bits = in->op_bytes * 8u, reg = host_of(in->reg);
    emit_offset(cg, in, true);
    if (in->op_bytes == 2) {
        asm_rr(a, false, 0x0FBF, H_R9, reg); /* movsx */
        reg = H_R9;
    }
    x_mov_imm32(a, H_R10, in->op_bytes == 2 ? 4 : 5);
    x_sarx32(a, H_R9, reg, H_R10);
    x_lea32(a, H_R8, H_R8, H_R9, in->op_bytes == 2 ? 1 : 2, 0);
    if (in->addr_bytes == 2)
        x_movzx16(a, H_R8, H_R8);
    bool write = in->opcode != 0xA3;
    uint8_t operand = emit_segment(cg, in->mem_seg, H_R8, in->op_bytes, write);
    emit_probe(cg, operand, in->op_bytes, MEM_READ | (write ? MEM_WRITE : 0));
    x_mov_imm32(a, H_R11, 32 - (bits == 16 ? 4 : 5));
    x_shlx32(a, H_R10, host_of(in->reg), H_R11);
    x_shrx32(a, H_R10, H_R10, H_R11);
    emit_mem_form(cg, in, operand, H_R10);
}
