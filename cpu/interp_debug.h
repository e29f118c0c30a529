/* interp_debug.h - breakpoints of the debug registers; called only where DR7 enables something. */
#ifndef VX86_CPU_INTERP_DEBUG_H
#define VX86_CPU_INTERP_DEBUG_H

#include "interp.h"

#define DR6_BS      (1u << 14)
#define DR7_ENABLES 0xFFu

/* False: an instruction breakpoint is set at CS:EIP; #DB is in mmu->fault, DR6 tells which. */
bool interp_insn_breakpoint(struct insn *in);
/* True when a data or port breakpoint is enabled. */
bool interp_watches_data(const struct vx_vcpu *cpu);
/* Notes in dr6_hits which breakpoints the access trips: a trap after the instruction. */
void interp_watch_access(struct insn *in, uint32_t lin, unsigned bytes, bool write);
/* The same for frames on the stack, which far transfers push and pop: in vcpu->debug_hits. */
void interp_watch_frame(struct vx_vcpu *cpu, uint32_t lin, unsigned bytes, bool write);
void interp_watch_port(struct insn *in, uint16_t port, unsigned size);

#endif
