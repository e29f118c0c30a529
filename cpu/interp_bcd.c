/* interp_bcd.c - DAA DAS AAA AAS (SDM 2, their operation sections). Undefined flags: DAA and DAS clear OF; AAA and AAS
 * give SF, ZF, PF by the new AL and clear OF, as current silicon does. */
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
    set_arith(&cpu->eflags, flags | flags_szp(al & 0xFF, 1));
    return true;
}

static void ascii_adjust(struct vx_vcpu *cpu, uint32_t delta)
{
    uint32_t ax = get_reg(cpu, VX_RAX, 2), flags = 0;
    if ((ax & 15) > 9 || cpu->eflags & VX_FL_AF) {
        ax += delta;
        flags = VX_FL_AF | VX_FL_CF;
    }
    ax &= 0xFF0F;
    set_reg(cpu, VX_RAX, 2, ax);
    set_arith(&cpu->eflags, flags | flags_szp(ax & 0xFF, 1));
}

/* AAA adds 106h to AX, AAS subtracts it: 286 and later. */
bool interp_aaa(struct insn *in)
{
    ascii_adjust(in->cpu, 0x106);
    return true;
}

bool interp_aas(struct insn *in)
{
    ascii_adjust(in->cpu, 0u - 0x106u);
    return true;
}
