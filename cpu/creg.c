/* creg.c - control and debug registers (SDM 3A "Control Registers", SDM 3B "Debug Registers", SDM 2 "MOV").
 *
 *   I1  The mmu's paging state equals cr0, cr3, cr4, efer, pdpte here at every instruction boundary; AC matters to it
 *       only under SMAP and is not told otherwise. */
#include "creg.h"

#include "cpu_model.h"
#include "fault.h"
#include "vx86/cpu.h"

enum {
    DR6_BD = 1u << 13,
    DR6_WRITABLE = 0x0000E00Fu,
    DR6_ONES = 0xFFFF0FF0u,
    DR7_GD = 1u << 13,
    DR7_WRITABLE = 0xFFFF23FFu,
    DR7_ONES = 0x00000400u,
};

struct creg_change creg_current(const struct vx_vcpu *cpu)
{
    return (struct creg_change){ .cr0 = cpu->cr0, .cr3 = cpu->cr3, .cr4 = cpu->cr4, .efer = cpu->efer };
}

static struct vx_paging paging_of(const struct vx_vcpu *cpu, const struct creg_change *change)
{
    struct vx_paging paging = {
        .cr0 = change->cr0,
        .cr3 = change->cr3,
        .cr4 = change->cr4,
        .efer = change->efer,
        .ac = (change->cr4 & VX_CR4_SMAP) && (cpu->eflags & VX_FL_AC),
        .phys_bits = cpu->model->phys_bits,
    };
    memcpy(paging.pdpte, cpu->pdpte, sizeof paging.pdpte);
    return paging;
}

static bool tell_mmu(struct vx_vcpu *cpu, const struct creg_change *change)
{
    struct vx_paging paging = paging_of(cpu, change);
    if (!vx_mmu_set_paging(cpu->mmu, &paging, change->cr3_written))
        return false;
    memcpy(cpu->pdpte, vx_mmu_paging(cpu->mmu)->pdpte, sizeof cpu->pdpte); /* keeps I1 */
    return true;
}

void creg_restored(struct vx_vcpu *cpu)
{
    struct creg_change same = creg_current(cpu);
    struct vx_paging paging = paging_of(cpu, &same);
    vx_mmu_restore_paging(cpu->mmu, &paging);
}

bool creg_apply(struct vx_vcpu *cpu, const struct creg_change *change)
{
    if (!tell_mmu(cpu, change))
        return false;
    if ((cpu->cr0 ^ change->cr0) & (VX_CR0_PE | (uint32_t)VX_CR0_PG))
        vx_vcpu_tell(cpu, VX_DEBUG_EVENT_MODE, vx_mode_bits(change->cr0, cpu->eflags), 0);
    if (change->cr3_written)
        vx_vcpu_tell(cpu, VX_DEBUG_EVENT_CR3, change->cr3, 0);
    bool mode = cpu->cr0 != change->cr0 || cpu->cr4 != change->cr4 || cpu->efer != change->efer;
    cpu->cr0 = change->cr0;
    cpu->cr3 = change->cr3;
    cpu->cr4 = change->cr4;
    cpu->efer = change->efer;
    if (mode)
        vx_trace(cpu->log, cpu_mode, cpu->cr0, cpu->cr4, cpu->efer);
    return true;
}

void creg_sync_ac(struct vx_vcpu *cpu)
{
    if (!(cpu->cr4 & VX_CR4_SMAP))
        return;
    struct creg_change same = creg_current(cpu);
    bool ok = tell_mmu(cpu, &same);
    VX_ASSERT(ok); /* the PDPTEs are not read again when only AC changes */
}

static bool write_cr0(struct vx_vcpu *cpu, uint32_t value)
{
    struct creg_change change = creg_current(cpu);
    value = (value & cpu_cr0_mask(cpu->model)) | VX_CR0_ET;
    if ((value & VX_CR0_PG) && !(value & VX_CR0_PE))
        return fault_code(cpu, VX_GP, 0);
    if ((value & VX_CR0_NW) && !(value & VX_CR0_CD))
        return fault_code(cpu, VX_GP, 0);
    change.cr0 = value;
    return creg_apply(cpu, &change);
}

static bool write_cr4(struct vx_vcpu *cpu, uint64_t value)
{
    struct creg_change change = creg_current(cpu);
    if (value & ~(uint64_t)cpu_cr4_mask(cpu->model))
        return fault_code(cpu, VX_GP, 0);
    change.cr4 = value;
    return creg_apply(cpu, &change);
}

bool vx_cpu_write_cr(struct vx_vcpu *cpu, unsigned n, uint64_t value)
{
    if (n != 0 && n != 2 && n != 3 && n != 4)
        return fault_plain(cpu, VX_UD);
    if (cpu->cpl != 0)
        return fault_code(cpu, VX_GP, 0);
    switch (n) {
    case 0: return write_cr0(cpu, (uint32_t)value);
    case 3: {
        struct creg_change change = creg_current(cpu);
        change.cr3 = (uint32_t)value;
        change.cr3_written = true;
        return creg_apply(cpu, &change);
    }
    case 4: return write_cr4(cpu, value);
    default: cpu->cr2 = (uint32_t)value; return true;
    }
}

bool vx_cpu_read_cr(struct vx_vcpu *cpu, unsigned n, uint64_t *value)
{
    const uint64_t *const regs[] = { &cpu->cr0, NULL, &cpu->cr2, &cpu->cr3, &cpu->cr4 };
    if (n >= VX_ARRAY_LEN(regs) || regs[n] == NULL)
        return fault_plain(cpu, VX_UD);
    if (cpu->cpl != 0)
        return fault_code(cpu, VX_GP, 0);
    *value = *regs[n];
    return true;
}

/* The register that `*n` names after the DR4/DR5 aliases, when the access is allowed. */
static bool dr_access(struct vx_vcpu *cpu, unsigned *n)
{
    if (*n > 7 || ((*n == 4 || *n == 5) && (cpu->cr4 & VX_CR4_DE)))
        return fault_plain(cpu, VX_UD);
    if (cpu->cpl != 0)
        return fault_code(cpu, VX_GP, 0);
    if (cpu->dr[7] & DR7_GD) {
        cpu->dr[6] |= DR6_BD;    /* a fault, but DR6 is part of raising it; GD falls when the handler is entered */
        cpu->eflags |= VX_FL_RF; /* in the frame: of all #DB faults only the instruction breakpoint leaves it clear */
        return fault_plain(cpu, VX_DB);
    }
    if (*n == 4 || *n == 5)
        *n += 2;
    return true;
}

bool vx_cpu_write_dr(struct vx_vcpu *cpu, unsigned n, uint64_t value)
{
    if (!dr_access(cpu, &n))
        return false;
    if (n == 6)
        value = (value & DR6_WRITABLE) | DR6_ONES;
    else if (n == 7)
        value = (value & DR7_WRITABLE) | DR7_ONES;
    cpu->dr[n] = (uint32_t)value;
    return true;
}

bool vx_cpu_read_dr(struct vx_vcpu *cpu, unsigned n, uint64_t *value)
{
    if (!dr_access(cpu, &n))
        return false;
    *value = cpu->dr[n];
    return true;
}
