/* interp_alu.c - ADD OR ADC SBB AND SUB XOR CMP, TEST, INC, DEC, NOT, NEG and the opcode groups 1, 3 and 4. */
#include "interp_flags.h"
#include "interp_muldiv.h"
#include "interp_table.h"

/* E := E op src; `writes` is false for CMP and TEST. Flags are committed after the store (I1 of interp.h). */
INTERP_INLINE bool alu_rm(struct insn *in, alu_fn *fn, unsigned size, uint32_t src, bool writes)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t flags = cpu->eflags;
    uint32_t dst;
    uint8_t *hva;
    if (!writes) {
        if (!read_rm(in, size, &dst))
            return false;
        fn(&flags, dst, src, size);
    } else {
        if (!modify_rm_begin(in, size, &hva, &dst) || !modify_rm_end(in, size, hva, fn(&flags, dst, src, size)))
            return false;
    }
    cpu->eflags = flags;
    return true;
}

/* G := G op E */
INTERP_INLINE bool alu_reg(struct insn *in, alu_fn *fn, unsigned size, bool writes)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t src;
    if (!read_rm(in, size, &src))
        return false;
    uint32_t r = fn(&cpu->eflags, get_reg(cpu, in->reg, size), src, size);
    if (writes)
        set_reg(cpu, in->reg, size, r);
    return true;
}

/* accumulator := accumulator op I */
INTERP_INLINE bool alu_acc(struct insn *in, alu_fn *fn, unsigned size, bool writes)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t src;
    if (!fetch_imm(in, size, &src))
        return false;
    uint32_t r = fn(&cpu->eflags, get_reg(cpu, VX_RAX, size), src, size);
    if (writes)
        set_reg(cpu, VX_RAX, size, r);
    return true;
}

INTERP_INLINE bool alu_rm_reg(struct insn *in, alu_fn *fn, unsigned size, bool writes)
{
    return alu_rm(in, fn, size, get_reg(in->cpu, in->reg, size), writes);
}

/* The nine forms of one operation. */
#define ALU_FORMS(op, writes)                       \
    bool interp_##op##_eb_gb(struct insn *in)       \
    {                                               \
        return alu_rm_reg(in, alu_##op, 1, writes); \
    }                                               \
    bool interp_##op##_ew_gw(struct insn *in)       \
    {                                               \
        return alu_rm_reg(in, alu_##op, 2, writes); \
    }                                               \
    bool interp_##op##_ed_gd(struct insn *in)       \
    {                                               \
        return alu_rm_reg(in, alu_##op, 4, writes); \
    }                                               \
    bool interp_##op##_gb_eb(struct insn *in)       \
    {                                               \
        return alu_reg(in, alu_##op, 1, writes);    \
    }                                               \
    bool interp_##op##_gw_ew(struct insn *in)       \
    {                                               \
        return alu_reg(in, alu_##op, 2, writes);    \
    }                                               \
    bool interp_##op##_gd_ed(struct insn *in)       \
    {                                               \
        return alu_reg(in, alu_##op, 4, writes);    \
    }                                               \
    bool interp_##op##_al_ib(struct insn *in)       \
    {                                               \
        return alu_acc(in, alu_##op, 1, writes);    \
    }                                               \
    bool interp_##op##_ax_iw(struct insn *in)       \
    {                                               \
        return alu_acc(in, alu_##op, 2, writes);    \
    }                                               \
    bool interp_##op##_eax_id(struct insn *in)      \
    {                                               \
        return alu_acc(in, alu_##op, 4, writes);    \
    }

ALU_FORMS(add, true)
ALU_FORMS(or, true)
ALU_FORMS(adc, true)
ALU_FORMS(sbb, true)
ALU_FORMS(and, true)
ALU_FORMS(sub, true)
ALU_FORMS(xor, true)
ALU_FORMS(cmp, false)

bool interp_test_eb_gb(struct insn *in)
{
    return alu_rm_reg(in, alu_and, 1, false);
}
bool interp_test_ew_gw(struct insn *in)
{
    return alu_rm_reg(in, alu_and, 2, false);
}
bool interp_test_ed_gd(struct insn *in)
{
    return alu_rm_reg(in, alu_and, 4, false);
}
bool interp_test_al_ib(struct insn *in)
{
    return alu_acc(in, alu_and, 1, false);
}
bool interp_test_ax_iw(struct insn *in)
{
    return alu_acc(in, alu_and, 2, false);
}
bool interp_test_eax_id(struct insn *in)
{
    return alu_acc(in, alu_and, 4, false);
}

/* Group 1: 80h..83h, operation by reg. */
INTERP_INLINE bool group1(struct insn *in, unsigned size, uint32_t src)
{
    switch (in->reg) {
    case 0: return alu_rm(in, alu_add, size, src, true);
    case 1: return alu_rm(in, alu_or, size, src, true);
    case 2: return alu_rm(in, alu_adc, size, src, true);
    case 3: return alu_rm(in, alu_sbb, size, src, true);
    case 4: return alu_rm(in, alu_and, size, src, true);
    case 5: return alu_rm(in, alu_sub, size, src, true);
    case 6: return alu_rm(in, alu_xor, size, src, true);
    default: return alu_rm(in, alu_cmp, size, src, false);
    }
}

bool interp_group1_eb_ib(struct insn *in)
{
    uint32_t imm;
    return fetch_imm(in, 1, &imm) && group1(in, 1, imm);
}

bool interp_group1_ew_iw(struct insn *in)
{
    uint32_t imm;
    return fetch_imm(in, 2, &imm) && group1(in, 2, imm);
}

bool interp_group1_ed_id(struct insn *in)
{
    uint32_t imm;
    return fetch_imm(in, 4, &imm) && group1(in, 4, imm);
}

bool interp_group1_ew_ib(struct insn *in)
{
    uint32_t imm;
    return fetch_simm8(in, &imm) && group1(in, 2, imm & 0xFFFF);
}

bool interp_group1_ed_ib(struct insn *in)
{
    uint32_t imm;
    return fetch_simm8(in, &imm) && group1(in, 4, imm);
}

/* INC and DEC leave CF. */
typedef uint32_t unary_fn(uint32_t *flags, uint32_t a, unsigned size);

INTERP_INLINE bool unary_rm(struct insn *in, unary_fn *fn, unsigned size)
{
    uint32_t flags = in->cpu->eflags;
    uint32_t dst;
    uint8_t *hva;
    if (!modify_rm_begin(in, size, &hva, &dst) || !modify_rm_end(in, size, hva, fn(&flags, dst, size)))
        return false;
    in->cpu->eflags = flags;
    return true;
}

INTERP_INLINE bool unary_reg(struct insn *in, unary_fn *fn, unsigned size)
{
    struct vx_vcpu *cpu = in->cpu;
    unsigned r = in->opcode & 7;
    set_reg(cpu, r, size, fn(&cpu->eflags, get_reg(cpu, r, size), size));
    return true;
}

bool interp_inc_rw(struct insn *in)
{
    return unary_reg(in, alu_inc, 2);
}
bool interp_inc_rd(struct insn *in)
{
    return unary_reg(in, alu_inc, 4);
}
bool interp_dec_rw(struct insn *in)
{
    return unary_reg(in, alu_dec, 2);
}
bool interp_dec_rd(struct insn *in)
{
    return unary_reg(in, alu_dec, 4);
}

bool interp_inc_rm(struct insn *in, unsigned size)
{
    return size == 4 ? unary_rm(in, alu_inc, 4) : size == 2 ? unary_rm(in, alu_inc, 2) : unary_rm(in, alu_inc, 1);
}

bool interp_dec_rm(struct insn *in, unsigned size)
{
    return size == 4 ? unary_rm(in, alu_dec, 4) : size == 2 ? unary_rm(in, alu_dec, 2) : unary_rm(in, alu_dec, 1);
}

bool interp_group4_eb(struct insn *in)
{
    switch (in->reg) {
    case 0: return interp_inc_rm(in, 1);
    case 1: return interp_dec_rm(in, 1);
    default: return insn_ud(in);
    }
}

INTERP_INLINE uint32_t alu_neg(uint32_t *flags, uint32_t a, unsigned size)
{
    return alu_sbb_in(flags, 0, a, 0, size);
}

INTERP_INLINE uint32_t alu_not(uint32_t *flags, uint32_t a, unsigned size)
{
    (void)flags;
    return ~a & size_mask(size);
}

/* Group 3: F6h, F7h. /1 is an alias of TEST on every silicon. */
INTERP_INLINE bool group3(struct insn *in, unsigned size)
{
    uint32_t imm, value;
    switch (in->reg) {
    case 0:
    case 1: return fetch_imm(in, size, &imm) && alu_rm(in, alu_and, size, imm, false);
    case 2: return unary_rm(in, alu_not, size);
    case 3: return unary_rm(in, alu_neg, size);
    case 4: return read_rm(in, size, &value) && interp_mul(in, size, value);
    case 5: return read_rm(in, size, &value) && interp_imul(in, size, value);
    case 6: return read_rm(in, size, &value) && interp_div(in, size, value);
    default: return read_rm(in, size, &value) && interp_idiv(in, size, value);
    }
}

bool interp_group3_eb(struct insn *in)
{
    return group3(in, 1);
}
bool interp_group3_ew(struct insn *in)
{
    return group3(in, 2);
}
bool interp_group3_ed(struct insn *in)
{
    return group3(in, 4);
}
