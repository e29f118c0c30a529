/* debug_registers.h - breakpoints of the debug registers (SDM 3B "Debug Registers"); asked only where DR7 enables
 * something. */
#ifndef VX86_CPU_DEBUG_REGISTERS_H
#define VX86_CPU_DEBUG_REGISTERS_H

#include "vx86/vcpu.h"

#define DR6_BS      (1u << 14)
#define DR7_ENABLES 0xFFu

/* False: an instruction breakpoint is set at CS:EIP; #DB is in mmu->fault, DR6 tells which. */
bool dr_insn_breakpoint(struct vx_vcpu *cpu);
/* True when a data or port breakpoint is enabled. */
bool dr_watches_data(const struct vx_vcpu *cpu);
/* DR6 bits 0 to 3 of the breakpoints that an access to memory trips: a trap after the instruction. */
uint8_t dr_data_hits(const struct vx_vcpu *cpu, uint64_t lin, unsigned bytes, bool write);
/* The same for an access to a port. */
uint8_t dr_port_hits(const struct vx_vcpu *cpu, uint16_t port, unsigned size);

#endif
