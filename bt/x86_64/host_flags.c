/* host_flags.c - arithmetic flags as LAHF and SETO deliver them.
 *
 * Compiled for general registers only, as callout.c is. */
#include "host.h"

/* Packs EFLAGS' arithmetic bits as LAHF and SETO deliver them, and back. */
void bt_host_flags_to_vcpu(struct vx_vcpu *vcpu)
{
    const struct bt_area *area = bt_area(vcpu);
    uint32_t flags = (uint32_t)area->flags16 >> 8 & (VX_FL_CF | VX_FL_PF | VX_FL_AF | VX_FL_ZF | VX_FL_SF);
    flags |= (uint32_t)(area->flags16 & 1) << 11;
    vcpu->eflags = (vcpu->eflags & ~(uint32_t)VX_FL_ARITH) | flags;
}

void bt_host_flags_from_vcpu(struct vx_vcpu *vcpu)
{
    struct bt_area *area = bt_area(vcpu);
    uint32_t low = vcpu->eflags & (VX_FL_CF | VX_FL_PF | VX_FL_AF | VX_FL_ZF | VX_FL_SF);
    area->flags16 = (uint16_t)((low | VX_FL_1) << 8 | (vcpu->eflags >> 11 & 1));
    area->sysflags = vcpu->eflags & ~(uint32_t)(VX_FL_ARITH | VX_FL_1);
}
