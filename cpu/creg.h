/* creg.h - control registers inside cpu/: keeping the mmu's copy of the paging state right. */
#ifndef VX86_CPU_CREG_H
#define VX86_CPU_CREG_H

#include "vx86/vcpu.h"

/* Gives the mmu a control state that differs from the vCPU's in the registers named; commits both or, on a bad PDPTE,
 * neither (#GP(0)). */
struct creg_change {
    uint64_t cr0, cr3, cr4, efer;
    bool cr3_written;
};
bool creg_apply(struct vx_vcpu *cpu, const struct creg_change *change);

/* The present values, to be modified and applied. */
struct creg_change creg_current(const struct vx_vcpu *cpu);

/* All state has been loaded: the mmu is given the vCPU's. */
void creg_restored(struct vx_vcpu *cpu);

/* EFLAGS.AC has changed. */
void creg_sync_ac(struct vx_vcpu *cpu);

#endif
