/* fault.h - how the files of cpu/ raise a guest fault: fill mmu->fault, return false.
 *
 * To be used as `return fault_code(cpu, VX_GP, 0);`. Nothing is delivered here; see event.c. */
#ifndef VX86_CPU_FAULT_H
#define VX86_CPU_FAULT_H

#include "vx86/vcpu.h"

/* An exception without an error code. */
static inline bool fault_plain(struct vx_vcpu *cpu, uint8_t vector)
{
    cpu->mmu->fault = (struct vx_fault){ .vector = vector };
    return false;
}

static inline bool fault_code(struct vx_vcpu *cpu, uint8_t vector, uint32_t error)
{
    cpu->mmu->fault = (struct vx_fault){ .vector = vector, .has_error = true, .error = error };
    return false;
}

/* Error codes that name a selector: index and TI, bit 1 (IDT) clear, bit 0 is EXT (SDM 3A "Error Code"). */
static inline bool fault_sel(struct vx_vcpu *cpu, uint8_t vector, uint16_t sel, uint32_t ext)
{
    return fault_code(cpu, vector, (sel & 0xFFFCu) | ext);
}

#endif
