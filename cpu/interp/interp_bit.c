/* interp_bit.c - BT BTS BTR BTC, BSF BSR, SETcc, CMOVcc, BSWAP, XADD, CMPXCHG, CMPXCHG8B. */
#include "cpu_private.h"
#include "interp_flags.h"
#include "interp_table.h"

enum bit_op { BIT_TEST, BIT_SET, BIT_RESET, BIT_COMPLEMENT };

INTERP_INLINE uint32_t bit_apply(enum bit_op op, uint32_t value, uint32_t bit)
{
    switch (op) {
    case BIT_SET: return value | bit;
    case BIT_RESET: return value & ~bit;
    case BIT_COMPLEMENT: return value ^ bit;
    default: return value;
    }
}

/* Only CF changes; the other flags are undefined in the manual (ZF defined as unchanged), silicon keeps them. */
INTERP_INLINE bool bit_rm(struct insn *in, enum bit_op op, unsigned size, uint32_t index)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t value, bit = index & (size * 8 - 1);
    uint8_t *hva;
    if (op == BIT_TEST) {
        if (!read_rm(in, size, &value))
            return false;
    } else if (!modify_rm_begin(in, size, &hva, &value) ||
               !modify_rm_end(in, size, hva, bit_apply(op, value, 1u << bit))) {
        return false;
    }
    cpu->eflags = (cpu->eflags & ~(uint32_t)VX_FL_CF) | (value >> bit & 1);
    return true;
}

/* With a register index, memory is a bit string: the index is signed and moves the address by whole operands. */
INTERP_INLINE bool bit_rm_reg(struct insn *in, enum bit_op op, unsigned size)
{
    uint32_t index = sign_extend(get_reg(in->cpu, in->reg, size), size);
    if (in->mod != 3) {
        int32_t operands = (int32_t)index >> (size == 4 ? 5 : 4);
        in->off = (in->off + (uint32_t)operands * size) & size_mask(in->addr_size);
    }
    return bit_rm(in, op, size, index);
}

bool interp_bt_ew_gw(struct insn *in)
{
    return bit_rm_reg(in, BIT_TEST, 2);
}
bool interp_bt_ed_gd(struct insn *in)
{
    return bit_rm_reg(in, BIT_TEST, 4);
}
bool interp_bts_ew_gw(struct insn *in)
{
    return bit_rm_reg(in, BIT_SET, 2);
}
bool interp_bts_ed_gd(struct insn *in)
{
    return bit_rm_reg(in, BIT_SET, 4);
}
bool interp_btr_ew_gw(struct insn *in)
{
    return bit_rm_reg(in, BIT_RESET, 2);
}
bool interp_btr_ed_gd(struct insn *in)
{
    return bit_rm_reg(in, BIT_RESET, 4);
}
bool interp_btc_ew_gw(struct insn *in)
{
    return bit_rm_reg(in, BIT_COMPLEMENT, 2);
}
bool interp_btc_ed_gd(struct insn *in)
{
    return bit_rm_reg(in, BIT_COMPLEMENT, 4);
}

INTERP_INLINE bool group8(struct insn *in, unsigned size)
{
    uint8_t index;
    if (in->reg < 4)
        return insn_ud(in);
    return insn_imm8(in, &index) && bit_rm(in, (enum bit_op)(in->reg - 4), size, index);
}

bool interp_group8_ew_ib(struct insn *in)
{
    return group8(in, 2);
}
bool interp_group8_ed_ib(struct insn *in)
{
    return group8(in, 4);
}

/* A zero source sets ZF and leaves the destination: the behaviour every silicon has and software relies on. The other
 * flags, undefined in the manual, follow the vCPU's rule (cpu/undefined.c). */
INTERP_INLINE bool bit_scan(struct insn *in, unsigned size, bool reverse)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t value;
    if (!read_rm(in, size, &value))
        return false;
    const struct vx_scan_rule *rule = &cpu_box(cpu)->undefined.bit_scan[reverse ? VX_BSR : VX_BSF];
    if (value == 0) {
        set_arith(&cpu->eflags, (cpu->eflags & rule->zero.kept) | rule->zero.set | VX_FL_ZF);
        return true;
    }
    unsigned index = reverse ? 31 - (unsigned)__builtin_clz(value) : (unsigned)__builtin_ctz(value);
    uint32_t by_index = __builtin_parity(index) ? 0 : rule->found.parity;
    set_arith(&cpu->eflags, (cpu->eflags & rule->found.kept) | rule->found.set | by_index);
    set_reg(cpu, in->reg, size, index);
    return true;
}

bool interp_bsf_gw_ew(struct insn *in)
{
    return bit_scan(in, 2, false);
}
bool interp_bsf_gd_ed(struct insn *in)
{
    return bit_scan(in, 4, false);
}
bool interp_bsr_gw_ew(struct insn *in)
{
    return bit_scan(in, 2, true);
}
bool interp_bsr_gd_ed(struct insn *in)
{
    return bit_scan(in, 4, true);
}

bool interp_setcc(struct insn *in)
{
    return write_rm(in, 1, condition(in->cpu->eflags, in->opcode & 15));
}

/* The operand is read, and may fault, whatever the condition says. */
INTERP_INLINE bool cmov(struct insn *in, unsigned size)
{
    uint32_t value;
    if (!read_rm(in, size, &value))
        return false;
    if (condition(in->cpu->eflags, in->opcode & 15))
        set_reg(in->cpu, in->reg, size, value);
    return true;
}

bool interp_cmov_gw_ew(struct insn *in)
{
    return cmov(in, 2);
}
bool interp_cmov_gd_ed(struct insn *in)
{
    return cmov(in, 4);
}

/* BSWAP of a 16-bit register is undefined; silicon clears it. */
bool interp_bswap(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    unsigned r = in->opcode & 7;
    if (in->op_size == 2)
        set_reg(cpu, r, 2, 0);
    else
        set_reg(cpu, r, 4, __builtin_bswap32((uint32_t)cpu->gpr[r]));
    return true;
}

INTERP_INLINE bool xadd(struct insn *in, unsigned size)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t flags = cpu->eflags;
    uint32_t dst;
    uint8_t *hva;
    if (!modify_rm_begin(in, size, &hva, &dst))
        return false;
    uint32_t sum = alu_add(&flags, dst, get_reg(cpu, in->reg, size), size);
    if (in->mod == 3) { /* XADD r, r with one register leaves the sum: the exchange is written first */
        set_reg(cpu, in->reg, size, dst);
        set_reg(cpu, in->rm, size, sum);
    } else {
        if (!modify_rm_end(in, size, hva, sum))
            return false;
        set_reg(cpu, in->reg, size, dst);
    }
    cpu->eflags = flags;
    return true;
}

bool interp_xadd_eb_gb(struct insn *in)
{
    return xadd(in, 1);
}
bool interp_xadd_ew_gw(struct insn *in)
{
    return xadd(in, 2);
}
bool interp_xadd_ed_gd(struct insn *in)
{
    return xadd(in, 4);
}

/* The destination is written in either case (SDM 2 "CMPXCHG"): with itself when the comparison fails. */
INTERP_INLINE bool cmpxchg(struct insn *in, unsigned size)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t flags = cpu->eflags;
    uint32_t dst;
    uint8_t *hva;
    if (!modify_rm_begin(in, size, &hva, &dst))
        return false;
    alu_sub(&flags, get_reg(cpu, VX_RAX, size), dst, size);
    bool equal = flags & VX_FL_ZF;
    if (!equal && in->mod == 3)
        set_reg(cpu, VX_RAX, size, dst);
    else if (!modify_rm_end(in, size, hva, equal ? get_reg(cpu, in->reg, size) : dst))
        return false;
    else if (!equal)
        set_reg(cpu, VX_RAX, size, dst);
    cpu->eflags = flags;
    return true;
}

bool interp_cmpxchg_eb_gb(struct insn *in)
{
    return cmpxchg(in, 1);
}
bool interp_cmpxchg_ew_gw(struct insn *in)
{
    return cmpxchg(in, 2);
}
bool interp_cmpxchg_ed_gd(struct insn *in)
{
    return cmpxchg(in, 4);
}

bool interp_cmpxchg8b(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    uint64_t dst;
    if (!insn_probe_write(in, in->seg, in->off, 8) || !insn_read(in, in->seg, in->off, 8, &dst))
        return false;
    uint64_t expected = cpu->gpr[VX_RDX] << 32 | (uint32_t)cpu->gpr[VX_RAX];
    bool equal = dst == expected;
    uint64_t value = equal ? cpu->gpr[VX_RCX] << 32 | (uint32_t)cpu->gpr[VX_RBX] : dst;
    if (!insn_write(in, in->seg, in->off, 8, value))
        return false;
    if (equal) {
        cpu->eflags |= VX_FL_ZF;
    } else {
        cpu->eflags &= ~(uint32_t)VX_FL_ZF;
        set_reg(cpu, VX_RAX, 4, (uint32_t)dst);
        set_reg(cpu, VX_RDX, 4, (uint32_t)(dst >> 32));
    }
    return true;
}
