/* interp_bcd.c - DAA DAS AAA AAS (SDM 2, their operation sections). The flags that the manual leaves undefined are
 * those of the addition (subtraction) that silicon (AMD Zen) does inside: DAA and DAS add 0, 6, 60h or 66h to AL and
 * give OF by that; AAA and AAS add 0 or 106h to AX and give SF, ZF, PF and OF by that, before AL's upper half is
 * cleared. */
#include "interp_flags.h"
#include "interp_table.h"

bool interp_daa(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t old = get_reg(cpu, VX_RAX, 1), al = old, flags = 0;
    if ((old & 15) > 9 || cpu->eflags & VX_FL_AF) {
        al += 6;
        flags |= VX_FL_AF;
    }
    if (old > 0x99 || cpu->eflags & VX_FL_CF) {
        al += 0x60;
        flags |= VX_FL_CF;
    }
    set_reg(cpu, VX_RAX, 1, al);
    flags |= (old ^ al) & ((al - old) ^ al) & 0x80 ? VX_FL_OF : 0;
    set_arith(&cpu->eflags, flags | flags_szp(al & 0xFF, 1));
    return true;
}

bool interp_das(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t old = get_reg(cpu, VX_RAX, 1), al = old, flags = 0;
    if ((old & 15) > 9 || cpu->eflags & VX_FL_AF) {
        al -= 6;
        flags |= VX_FL_AF;
        if (old < 6) /* the borrow of this step survives in CF */
            flags |= VX_FL_CF;
    }
    if (old > 0x99 || cpu->eflags & VX_FL_CF) {
        al -= 0x60;
        flags |= VX_FL_CF;
    }
    set_reg(cpu, VX_RAX, 1, al);
    flags |= (old ^ al) & (old ^ (old - al)) & 0x80 ? VX_FL_OF : 0;
    set_arith(&cpu->eflags, flags | flags_szp(al & 0xFF, 1));
    return true;
}

/* AAA adds 106h to AX, AAS subtracts it: 286 and later. */
static void ascii_adjust(struct vx_vcpu *cpu, alu_fn *adjust)
{
    uint32_t ax = get_reg(cpu, VX_RAX, 2), flags = cpu->eflags;
    if ((ax & 15) > 9 || flags & VX_FL_AF) {
        ax = adjust(&flags, ax, 0x106, 2);
        flags |= VX_FL_AF | VX_FL_CF;
    } else {
        ax = adjust(&flags, ax, 0, 2);
    }
    set_reg(cpu, VX_RAX, 2, ax & 0xFF0F);
    cpu->eflags = flags;
}

bool interp_aaa(struct insn *in)
{
    ascii_adjust(in->cpu, alu_add);
    return true;
}

bool interp_aas(struct insn *in)
{
    ascii_adjust(in->cpu, alu_sub);
    return true;
}
