/* virtual_if.h - the virtual interrupt flag: VM86 mode with CR4.VME, protected mode at CPL 3 with CR4.PVI.
 *
 * Source: SDM 3A "8086 Emulation", "Virtual-8086 Mode Extensions" (table of software interrupt handling methods),
 * "Protected-Mode Virtual Interrupts"; SDM 2 "CLI", "STI", "PUSHF", "POPF", "INT n"; for IRET, of which SDM 2 leaves
 * the case out, AMD APM 3 "IRET".
 *
 *   IOPL 3                  IF is the program's own flag, as without these modes
 *   IOPL < 3                CLI and STI move VIF; with VIP set STI raises #GP(0), so that the monitor can deliver what
 *   waits IOPL < 3, VM86 only     PUSHF, POPF, IRET of 16 bits show VIF as IF; INT n leads through the redirection
 *   bitmap */
#ifndef VX86_CPU_VIRTUAL_IF_H
#define VX86_CPU_VIRTUAL_IF_H

#include "vx86/vcpu.h"

/* VM86 mode with VME, or CPL 3 of protected mode with PVI; IOPL below 3 in both. */
static inline bool vif_stands_in(const struct vx_vcpu *cpu)
{
    if (cpu->cpl != 3 || vx_iopl(cpu) == 3)
        return false;
    return (cpu->cr4 & (vx_vm86(cpu) ? VX_CR4_VME : VX_CR4_PVI)) != 0;
}

/* CLI and STI where VIF stands in for IF. vif_set: #GP(0) with VIP set. */
void vif_clear(struct vx_vcpu *cpu);
bool vif_set(struct vx_vcpu *cpu);

/* The 16-bit image of FLAGS for a VM86 program whose IOPL is below 3: IF shows VIF, IOPL shows 3. */
uint16_t vif_flags_image(const struct vx_vcpu *cpu);
/* POPF and IRET of such a program. False, with #GP(0): the image sets TF, or IF with VIP pending. */
bool vif_flags_legal(struct vx_vcpu *cpu, uint16_t image);
void vif_flags_write(struct vx_vcpu *cpu, uint16_t image);

/* INT n in VM86 mode with VME: whether the TSS's bitmap sends it to the program's own handler. False: #GP(0) or #PF. */
bool vif_int_redirected(struct vx_vcpu *cpu, uint8_t vector, bool *redirected);
/* Enters that handler through the vector table at linear 0. */
bool vif_int_enter(struct vx_vcpu *cpu, uint8_t vector, uint16_t next_ip);

/* The boundary behind a transfer to VM86 mode or to CPL 3: false, with #GP(0) that belongs to the new context, when VIF
 * and VIP are both set there. */
bool vif_check_entry(struct vx_vcpu *cpu);

#endif
