/* smm.h - system management mode: entry by SMI, RSM, and the state save area between them.
 *
 * Source: SDM 3C "System Management Mode": "SMRAM State Save Map" (32-bit), "SMM Handler Execution Environment",
 * "Exiting From SMM", "SMBASE Relocation", "Auto HALT Restart". The fields that the manual calls reserved (hidden parts
 * of segments, tables, CR4) lie where QEMU's 32-bit PC has them, so that firmware that knows one finds itself at home
 * in the other.
 *
 * Modelled: SMBASE relocation (revision bit 17), auto HALT restart, SMI and INIT held while in SMM, NMI held until RSM
 * or an IRET of the handler. Not modelled: I/O instruction restart (revision bit 16 is clear), caches, dual-monitor
 * treatment. */
#ifndef VX86_CPU_SMM_H
#define VX86_CPU_SMM_H

#include "vx86/vcpu.h"

/* SMI is taken: saves the state at SMBASE + FE00h and enters the handler at SMBASE + 8000h. Not to be called in SMM. */
void smm_enter(struct vx_vcpu *cpu);

/* RSM: the state comes back from the save area, SMBASE with it; rip too. #UD outside SMM. A state that no MOV could
 * have made (PG without PE, NW without CD, reserved bits of CR4, wrong PDPTEs) shuts the processor down. */
bool smm_resume(struct vx_vcpu *cpu);

/* RESET# and INIT#: out of system management mode; RESET puts SMBASE to 30000h. */
void smm_reset(struct vx_vcpu *cpu, bool init);

#endif
