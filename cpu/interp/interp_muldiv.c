/* interp_muldiv.c - MUL, IMUL in all three forms, DIV, IDIV, AAM, AAD.
 *
 *   I1  What the manual leaves undefined is as on AMD Zen: MUL and IMUL give CF = OF = "the high half is needed" and
 *       keep SF, ZF, AF and PF. DIV and IDIV keep CF and OF, set AF, clear SF, ZF and PF. AAD has all flags of its
 *       addition. */
#include "interp_muldiv.h"

#include "interp_flags.h"
#include "interp_table.h"

static void set_mul_flags(struct vx_vcpu *cpu, bool wide)
{
    cpu->eflags = (cpu->eflags & ~(uint32_t)(VX_FL_CF | VX_FL_OF)) | (wide ? VX_FL_CF | VX_FL_OF : 0);
}

static void set_div_flags(struct vx_vcpu *cpu)
{
    cpu->eflags = (cpu->eflags & ~(uint32_t)(VX_FL_SF | VX_FL_ZF | VX_FL_PF)) | VX_FL_AF;
}

/* AX, DX:AX or EDX:EAX */
static void set_wide_accumulator(struct vx_vcpu *cpu, unsigned size, uint64_t value)
{
    if (size == 1) {
        set_reg(cpu, VX_RAX, 2, (uint32_t)value);
        return;
    }
    set_reg(cpu, VX_RAX, size, (uint32_t)value);
    set_reg(cpu, VX_RDX, size, (uint32_t)(value >> (size * 8)));
}

static uint64_t get_wide_accumulator(struct vx_vcpu *cpu, unsigned size)
{
    if (size == 1)
        return get_reg(cpu, VX_RAX, 2);
    return (uint64_t)get_reg(cpu, VX_RDX, size) << (size * 8) | get_reg(cpu, VX_RAX, size);
}

bool interp_mul(struct insn *in, unsigned size, uint32_t value)
{
    struct vx_vcpu *cpu = in->cpu;
    uint64_t r = (uint64_t)get_reg(cpu, VX_RAX, size) * value;
    set_wide_accumulator(cpu, size, r);
    set_mul_flags(cpu, r >> (size * 8) != 0);
    return true;
}

/* The product of two operands of `size` bytes, and whether it fits in one. */
static int64_t signed_product(uint32_t a, uint32_t b, unsigned size, bool *wide)
{
    int64_t r = (int64_t)(int32_t)sign_extend(a, size) * (int32_t)sign_extend(b, size);
    *wide = r != (int32_t)sign_extend((uint32_t)r & size_mask(size), size);
    return r;
}

bool interp_imul(struct insn *in, unsigned size, uint32_t value)
{
    struct vx_vcpu *cpu = in->cpu;
    bool wide;
    int64_t r = signed_product(get_reg(cpu, VX_RAX, size), value, size, &wide);
    set_wide_accumulator(cpu, size, (uint64_t)r);
    set_mul_flags(cpu, wide);
    return true;
}

bool interp_div(struct insn *in, unsigned size, uint32_t value)
{
    struct vx_vcpu *cpu = in->cpu;
    if (value == 0)
        return insn_fault(in, VX_DE);
    uint64_t dividend = get_wide_accumulator(cpu, size);
    uint64_t quotient = dividend / value;
    if (quotient > size_mask(size))
        return insn_fault(in, VX_DE);
    uint64_t remainder = dividend % value;
    set_wide_accumulator(cpu, size, remainder << (size * 8) | quotient);
    set_div_flags(cpu);
    return true;
}

bool interp_idiv(struct insn *in, unsigned size, uint32_t value)
{
    struct vx_vcpu *cpu = in->cpu;
    uint64_t raw = get_wide_accumulator(cpu, size);
    int64_t dividend = size == 4 ? (int64_t)raw : size == 2 ? (int32_t)(uint32_t)raw : (int16_t)(uint16_t)raw;
    int64_t divisor = (int32_t)sign_extend(value, size);
    if (divisor == 0 || (dividend == INT64_MIN && divisor == -1))
        return insn_fault(in, VX_DE);
    int64_t quotient = dividend / divisor;
    if (quotient != (int32_t)sign_extend((uint32_t)quotient & size_mask(size), size))
        return insn_fault(in, VX_DE);
    uint64_t remainder = (uint64_t)(dividend % divisor) & size_mask(size);
    set_wide_accumulator(cpu, size, remainder << (size * 8) | ((uint64_t)quotient & size_mask(size)));
    set_div_flags(cpu);
    return true;
}

/* G := a * b, truncated. */
INTERP_INLINE bool imul_reg(struct insn *in, unsigned size, uint32_t a, uint32_t b)
{
    bool wide;
    uint32_t r = (uint32_t)signed_product(a, b, size, &wide) & size_mask(size);
    set_reg(in->cpu, in->reg, size, r);
    set_mul_flags(in->cpu, wide);
    return true;
}

INTERP_INLINE bool imul_g_e(struct insn *in, unsigned size)
{
    uint32_t value;
    return read_rm(in, size, &value) && imul_reg(in, size, get_reg(in->cpu, in->reg, size), value);
}

bool interp_imul_gw_ew(struct insn *in)
{
    return imul_g_e(in, 2);
}
bool interp_imul_gd_ed(struct insn *in)
{
    return imul_g_e(in, 4);
}

INTERP_INLINE bool imul_g_e_i(struct insn *in, unsigned size)
{
    uint32_t value, imm;
    return fetch_imm(in, size, &imm) && read_rm(in, size, &value) && imul_reg(in, size, value, imm);
}

bool interp_imul_gw_ew_iw(struct insn *in)
{
    return imul_g_e_i(in, 2);
}
bool interp_imul_gd_ed_id(struct insn *in)
{
    return imul_g_e_i(in, 4);
}

INTERP_INLINE bool imul_g_e_ib(struct insn *in, unsigned size)
{
    uint32_t value, imm;
    return fetch_simm8(in, &imm) && read_rm(in, size, &value) && imul_reg(in, size, value, imm);
}

bool interp_imul_gw_ew_ib(struct insn *in)
{
    return imul_g_e_ib(in, 2);
}
bool interp_imul_gd_ed_ib(struct insn *in)
{
    return imul_g_e_ib(in, 4);
}

/* AAM and AAD take any base. */
bool interp_aam(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    uint8_t base;
    if (!insn_imm8(in, &base))
        return false;
    if (base == 0)
        return insn_fault(in, VX_DE);
    uint32_t al = get_reg(cpu, VX_RAX, 1);
    set_reg(cpu, VX_RAX, 2, al / base << 8 | al % base);
    set_arith(&cpu->eflags, flags_szp(al % base, 1));
    return true;
}

bool interp_aad(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    uint8_t base;
    if (!insn_imm8(in, &base))
        return false;
    uint32_t ax = get_reg(cpu, VX_RAX, 2);
    set_reg(cpu, VX_RAX, 2, alu_add(&cpu->eflags, ax & 0xFF, (ax >> 8) * base & 0xFF, 1));
    return true;
}
