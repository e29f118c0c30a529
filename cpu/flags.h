/* flags.h - writing EFLAGS with what hangs on it.
 *
 * vx_set_eflags_raw() only stores; these also keep the mmu's view of AC (SMAP) and ask for attention when IF lets a
 * waiting interrupt in. Every file of cpu/ that changes AC or sets IF goes through here. */
#ifndef VX86_CPU_FLAGS_H
#define VX86_CPU_FLAGS_H

#include "vx86/vcpu.h"

/* Bits of `mask` come from `value`, the others stay. */
void flags_write(struct vx_vcpu *cpu, uint32_t value, uint32_t mask);

/* What IRET may change here and now (SDM 2 "IRET/IRETD", without its return to VM86 mode). op_size 2 or 4. */
uint32_t flags_iret_mask(const struct vx_vcpu *cpu, unsigned op_size);

#endif
