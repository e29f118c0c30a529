/* control_sysenter.c - SYSENTER and SYSEXIT (SDM 2): flat ring transitions through three MSRs, without descriptors. */
#include "flags.h"
#include "segment.h"
#include "virtual_if.h"
#include "vx86/cpu.h"

enum {
    FLAT_CODE =
        VX_ATTR_G | VX_ATTR_DB | VX_ATTR_P | VX_ATTR_S | VX_ATTR_CODE | VX_ATTR_WRITABLE | VX_ATTR_ACCESSED | 0xF00,
    FLAT_DATA = VX_ATTR_G | VX_ATTR_DB | VX_ATTR_P | VX_ATTR_S | VX_ATTR_WRITABLE | VX_ATTR_ACCESSED | 0xF00,
};

static void set_flat(struct vx_vcpu *cpu, uint16_t cs, uint16_t ss, unsigned cpl)
{
    uint16_t dpl = (uint16_t)(cpl << 5);
    cpu->seg[VX_CS] = (struct vx_seg){ .limit = UINT32_MAX, .sel = cs, .attr = (uint16_t)(FLAT_CODE | dpl) };
    cpu->seg[VX_SS] = (struct vx_seg){ .limit = UINT32_MAX, .sel = ss, .attr = (uint16_t)(FLAT_DATA | dpl) };
    cpu->cpl = (uint8_t)cpl;
}

bool vx_cpu_sysenter(struct vx_vcpu *cpu)
{
    uint16_t sel = (uint16_t)(cpu->msr.sysenter_cs & 0xFFFC);
    if (vx_real_mode(cpu) || sel == 0)
        return fault_code(cpu, VX_GP, 0);
    flags_write(cpu, 0, VX_FL_VM | VX_FL_IF | VX_FL_RF);
    set_flat(cpu, sel, (uint16_t)(sel + 8), 0);
    cpu->gpr[VX_RSP] = (uint32_t)cpu->msr.sysenter_esp;
    cpu->rip = (uint32_t)cpu->msr.sysenter_eip;
    return true;
}

bool vx_cpu_sysexit(struct vx_vcpu *cpu)
{
    uint16_t sel = (uint16_t)(cpu->msr.sysenter_cs & 0xFFFC);
    if (vx_real_mode(cpu) || cpu->cpl != 0 || sel == 0)
        return fault_code(cpu, VX_GP, 0);
    set_flat(cpu, (uint16_t)((sel + 16) | 3), (uint16_t)((sel + 24) | 3), 3);
    cpu->gpr[VX_RSP] = (uint32_t)cpu->gpr[VX_RCX];
    cpu->rip = (uint32_t)cpu->gpr[VX_RDX];
    return vif_check_entry(cpu);
}
