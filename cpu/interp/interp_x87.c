/* interp_x87.c - the way in of the x87: WAIT and D8..DF, availability, pending exceptions, instruction pointers.
 *
 * Order of checks as on the CPU: #UD, #NM, a pending unmasked exception (except for the control instructions that do
 * not wait), the memory operand, the stack, the numbers. Sources: SDM 1 "Programming with the x87 FPU", SDM 2 per
 * instruction, SDM 2D "Escape Opcode Instructions".
 *
 * FIP is kept for every non-control instruction, FCS, FDP, FDS and FOP as the CPU model has it
 * (vx_cpu_fp_pointers_always()). FDP and FDS stay when there is no memory operand. */
#include "interp_x87.h"
#include "vx86/isa.h"

/* FNSTENV, FNSTCW, FNSAVE, FNSTSW; FNCLEX, FNINIT and their obsolete neighbours; FNSTSW AX. */
static bool is_no_wait(const struct insn *in)
{
    if (in->mod != 3)
        return (in->opcode == 0xD9 || in->opcode == 0xDD) && (in->reg == 6 || in->reg == 7);
    return (in->opcode == 0xDB && in->modrm >= 0xE0 && in->modrm <= 0xE4) || (in->opcode == 0xDF && in->modrm == 0xE0);
}

static bool is_control(const struct insn *in)
{
    if (in->mod != 3)
        return (in->opcode == 0xD9 && in->reg >= 4) || (in->opcode == 0xDD && (in->reg == 4 || in->reg >= 6));
    return is_no_wait(in);
}

/* was_pending: FSW.ES before the instruction. */
static void note_pointers(const struct insn *in, bool was_pending)
{
    struct vx_vcpu *cpu = in->cpu;
    bool always = vx_cpu_fp_pointers_always(cpu->model);
    bool unmasked = !was_pending && (fx_get16(cpu, FX_FSW) & FSW_ES);
    fx_set32(cpu, FX_FIP, (uint32_t)in->start_eip);
    fx_set16(cpu, FX_FCS, always ? cpu->seg[VX_CS].sel : 0);
    if (!always && !unmasked)
        return;
    fx_set16(cpu, FX_FOP, (uint16_t)((in->opcode & 7) << 8 | in->modrm));
    if (in->mod != 3) {
        fx_set32(cpu, FX_FDP, (uint32_t)in->off);
        fx_set16(cpu, FX_FDS, always ? cpu->seg[in->seg].sel : 0);
    }
}

static struct fp_env env_from_fcw(uint16_t fcw)
{
    static const uint8_t precision[4] = { 24, 64, 53, 64 }; /* 01b is reserved; the hardware computes with 64 */
    return (struct fp_env){ .rc = fcw >> 10 & 3, .precision = precision[fcw >> 8 & 3], .masks = fcw & FP_ALL };
}

static bool execute_db_control(struct x87 *x)
{
    struct vx_vcpu *cpu = x->cpu;
    switch (x->in->modrm) {
    case 0xE2: /* FNCLEX */
        fx_set16(cpu, FX_FSW, fx_get16(cpu, FX_FSW) & (FSW_CC | FSW_TOP | FSW_ES));
        x87_update_summary(cpu);
        return true;
    case 0xE3: x87_init(cpu); return true;
    default: return true; /* FNENI, FNDISI, FNSETPM: nothing since the 387 */
    }
}

static bool execute_mem(struct x87 *x)
{
    uint8_t reg = x->in->reg;
    switch (x->in->opcode) {
    case 0xD9: return reg == 1 ? insn_ud(x->in) : reg >= 4 ? x87_control_mem(x) : x87_load_store_mem(x);
    case 0xDD: return reg == 5 ? insn_ud(x->in) : reg == 4 || reg >= 6 ? x87_control_mem(x) : x87_load_store_mem(x);
    case 0xDB:
    case 0xDF: return x87_load_store_mem(x);
    default: return x87_arith_mem(x);
    }
}

static bool execute_reg(struct x87 *x)
{
    struct insn *in = x->in;
    unsigned i = in->rm;
    switch (in->opcode) {
    case 0xD8:
    case 0xDC: return x87_arith_reg(x);
    case 0xD9: return in->modrm >= 0xE0 ? x87_d9_unary(x) : x87_load_store_reg(x);
    case 0xDA:
        if (in->modrm == 0xE9)
            return x87_compare_reg(x, 1, true, 2); /* FUCOMPP */
        return in->reg < 4 ? x87_load_store_reg(x) : insn_ud(in);
    case 0xDB:
        if (in->modrm >= 0xE0 && in->modrm <= 0xE4)
            return execute_db_control(x);
        if (in->reg == 5 || in->reg == 6)
            return x87_compare_eflags(x, i, in->reg == 5, false); /* FUCOMI, FCOMI */
        return in->reg < 4 ? x87_load_store_reg(x) : insn_ud(in);
    case 0xDD:
        if (in->reg == 4 || in->reg == 5)
            return x87_compare_reg(x, i, true, in->reg - 4); /* FUCOM, FUCOMP */
        return in->reg < 4 ? x87_load_store_reg(x) : insn_ud(in);
    case 0xDE: return in->reg == 3 && in->modrm != 0xD9 ? insn_ud(in) : x87_arith_reg(x);
    default: /* DF */
        if (in->modrm == 0xE0) {
            x->cpu->gpr[VX_RAX] = (x->cpu->gpr[VX_RAX] & ~UINT64_C(0xFFFF)) | fx_get16(x->cpu, FX_FSW);
            return true;
        }
        if (in->reg == 5 || in->reg == 6)
            return x87_compare_eflags(x, i, in->reg == 5, true);
        return in->reg < 4 ? x87_load_store_reg(x) : insn_ud(in);
    }
}

/* Asked only where something else would be raised first; else it is found out on the way. */
static bool is_undefined(const struct insn *in)
{
    const struct vx_vcpu *cpu = in->cpu;
    const struct vx_isa_insn encoding = { .opcode = in->opcode, .modrm = in->modrm };
    bool other = (cpu->cr0 & (VX_CR0_EM | VX_CR0_TS)) || (fx_get16(cpu, FX_FSW) & FSW_ES);
    return other && in->opcode != 0x9B && !vx_isa_legal(cpu->model, &encoding);
}

bool interp_x87(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    bool wait = in->opcode == 0x9B;
    if (in->lock || is_undefined(in))
        return insn_ud(in);
    if (wait ? (cpu->cr0 & (VX_CR0_MP | VX_CR0_TS)) == (VX_CR0_MP | VX_CR0_TS)
             : (cpu->cr0 & (VX_CR0_EM | VX_CR0_TS)) != 0)
        return insn_fault(in, VX_NM);
    if (wait || !is_no_wait(in)) {
        bool again;
        if (!x87_check_pending(in, &again))
            return false;
        if (again) {
            in->next_eip = in->start_eip;
            return true;
        }
    }
    if (wait)
        return true;
    struct x87 x = { .in = in, .cpu = cpu, .env = env_from_fcw(fx_get16(cpu, FX_FCW)) };
    bool was_pending = fx_get16(cpu, FX_FSW) & FSW_ES;
    if (!(in->mod == 3 ? execute_reg(&x) : execute_mem(&x)))
        return false;
    if (!is_control(in))
        note_pointers(in, was_pending);
    return true;
}
