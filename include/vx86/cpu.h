/* cpu.h - the virtual CPU's operations: reset, the reference interpreter, events, and the pieces of privileged
 * semantics that the translator calls instead of restating them.
 *
 * Every function that can fault returns true on success and false with vcpu->mmu->fault set and no architectural
 * change (commit last); the caller delivers it with vx_cpu_deliver_fault(). Source: SDM volumes 2 and 3A.
 * Thread rule: machine thread only. */
#ifndef VX86_CPU_H
#define VX86_CPU_H

#include <stdio.h>

#include "vx86/vcpu.h"

/* What BSF and BSR do with CF PF AF SF OF, which the manual leaves undefined: bits of VX_FL_ARITH without ZF. A flag in
 * none of the three is cleared. */
struct vx_scan_flags {
    uint32_t kept, set;
    uint32_t parity; /* 1 where the index of the bit found has even parity */
};
enum vx_bit_scan { VX_BSF, VX_BSR, VX_BIT_SCANS };

/* What a vCPU does where the manual leaves flags undefined and host processors are known to differ; all other such
 * cases are the same on all that were measured (tests/host/README.md). */
struct vx_cpu_undefined {
    struct vx_scan_rule {
        struct vx_scan_flags zero, found; /* of a zero source, of others */
    } bit_scan[VX_BIT_SCANS];
};
/* As AMD's Zen 4 does: what hosts that are not x86-64 give. Static storage. */
const struct vx_cpu_undefined *vx_cpu_undefined_fixed(void);

struct vx_cpu_config {
    struct vx_log *log;
    struct vx_stats *stats;
    struct vx_pmap *pmap;
    uint32_t number; /* of this CPU in its machine, from 0: whom its accesses to memory come from */
    const struct vx_vcpu_ops *ops;
    void *ops_opaque;                 /* this CPU's own: tells the machine who asks */
    const struct vx_cpu_model *model; /* copied */
    const struct vx_cpu_undefined
        *undefined; /* copied; NULL: as this host's processor, which is tried out: what translated code gives */
};

/* A CPU: CPUID contents and legal instructions. Static tables in cpu/. */
struct vx_cpu_model;
/* By name alone, "default" or another of vx_cpu_model_print_list(); NULL when unknown. Static storage. */
const struct vx_cpu_model *vx_cpu_model_find(const char *name);

/* NAME[,+FEATURE|,-FEATURE]...: a model of the caller's, free with vx_cpu_model_destroy(). On failure `problem` (of
 * `room` bytes) has one line that says what to do; nothing is logged. */
VX_MUST_USE vx_err vx_cpu_model_create(const char *spec, char *problem, size_t room, struct vx_cpu_model **out);
void vx_cpu_model_destroy(struct vx_cpu_model *model);
/* For an engine that runs the guest's instructions as they are: takes away what the host CPU lacks. `dropped` gets the
 * names, "" when there are none. */
void vx_cpu_model_fit_host(struct vx_cpu_model *model, char *dropped, size_t room);
/* Models and features, for the user. */
void vx_cpu_model_print_list(FILE *out);

/* Do the x87 instruction and operand pointers follow every instruction (true up to Core 2), or only FIP, the others
 * with unmasked exceptions alone (CPUID.7.EBX "FDP_EXCPTN_ONLY", "Deprecates FPU CS and FPU DS")? */
bool vx_cpu_fp_pointers_always(const struct vx_cpu_model *model);

/* Allocates the vCPU (64-byte aligned) with its mmu and resets it. */
VX_MUST_USE vx_err vx_cpu_create(const struct vx_cpu_config *config, struct vx_vcpu **out);
void vx_cpu_destroy(struct vx_vcpu *vcpu);

/* RESET#: state of SDM 3A "Processor State After Reset", CS:EIP = F000:FFF0 with base FFFF0000h. `init` keeps FPU, MSRs
 * and caches as INIT# does. */
void vx_cpu_reset(struct vx_vcpu *vcpu, bool init);

/* Why an engine came back. */
enum vx_stop {
    VX_STOP_ATTENTION, /* the attention word is non-zero */
    VX_STOP_HALT,      /* vcpu->halted */
    VX_STOP_SHUTDOWN,  /* vcpu->shutdown: triple fault */
    VX_STOP_BUDGET,    /* the requested number of instructions is done, or vcpu->retired is at vcpu->retire_limit */
    VX_STOP_DEBUG,     /* vcpu->debug has a stop at CS:EIP */
};

/* Executes one instruction at CS:EIP completely, delivering any fault it raises (one iteration at least, and up to 4096
 * or to the page's end, of a REP string instruction). Clears the interrupt shadow that was in force and sets the one
 * that the instruction casts; traps (#DB by TF, data breakpoints) are delivered after it. Pending interrupts are not
 * looked at. */
enum vx_stop vx_interp_step(struct vx_vcpu *vcpu);

/* The interpreter engine: runs until attention, halt, shutdown, vcpu->retire_limit, a stop of vcpu->debug or
 * `max_insns`. */
enum vx_stop vx_interp_run(struct vx_vcpu *vcpu, uint64_t max_insns);

/* The same, but back already behind the first transfer of control, and where a page ends. Counts nothing. */
enum vx_stop vx_interp_block(struct vx_vcpu *vcpu, uint64_t max_insns);

/* Opcode that vx_interp_step executed last: (map << 8) | opcode; map 0 one-byte, 1 0F, 2 0F38, 3 0F3A. */
unsigned vx_interp_last_opcode(const struct vx_vcpu *vcpu);
/* Did that instruction raise an exception, fault or trap? CS:EIP is the handler's then, wherever that is. */
bool vx_interp_last_raised(const struct vx_vcpu *vcpu);

/* Looks at SMI, NMI and INTR between two instructions and delivers what may be delivered now; wakes the CPU from HLT if
 * so. Returns true when something was delivered. Honours IF, the interrupt shadow and NMI blocking. */
bool vx_cpu_take_events(struct vx_vcpu *vcpu);

/* True when an event could be taken at this boundary (for HLT: whether to sleep). */
bool vx_cpu_event_ready(const struct vx_vcpu *vcpu);

/* Delivers mmu->fault as an exception raised by the instruction at CS:EIP: contributory and double-fault rules,
 * triple fault sets vcpu->shutdown. */
void vx_cpu_deliver_fault(struct vx_vcpu *vcpu);

/* Software INT n / INT3 / INTO: return address is `next_eip`. On false nothing is changed. */
enum vx_int_kind { VX_INT_N, VX_INT3, VX_INTO, VX_INT1 };
bool vx_cpu_software_int(struct vx_vcpu *vcpu, uint8_t vector, enum vx_int_kind kind, uint64_t next_eip);

/* MOV/POP/Lxx to a segment register (not CS), IRET, far transfers, SYSENTER/SYSEXIT: whole instructions on the vCPU
 * state; rip is advanced by the function where it says so. `next_eip` is where the present code goes on: pushed by
 * calls, saved by task switches (IRET with NT is one). A task switch may return false with the switch done and a fault
 * of the new task (or its debug trap) in mmu->fault, a return to CPL 3 or VM86 mode with the return done and the #GP of
 * VIF with VIP there: deliver as usual, on the state as it is then. */
bool vx_cpu_load_seg(struct vx_vcpu *vcpu, enum vx_segment seg, uint16_t sel);
/* Real and VM86 mode: would a load of `seg` leave limit and attributes as they are? Its base is the selector times 16.
 * */
bool vx_cpu_load_moves_base(const struct vx_vcpu *vcpu, enum vx_segment seg);
bool vx_cpu_iret(struct vx_vcpu *vcpu, unsigned op_size, uint64_t next_eip);               /* sets rip */
bool vx_cpu_far_jump(struct vx_vcpu *vcpu, uint16_t sel, uint64_t off, uint64_t next_eip); /* sets rip */
bool vx_cpu_far_call(struct vx_vcpu *vcpu, uint16_t sel, uint64_t off, unsigned op_size, uint64_t next_eip);
bool vx_cpu_far_return(struct vx_vcpu *vcpu, unsigned op_size, uint16_t release_bytes);
bool vx_cpu_sysenter(struct vx_vcpu *vcpu);
bool vx_cpu_sysexit(struct vx_vcpu *vcpu);

/* Control and debug registers, MSRs, with their privilege checks (#GP(0), #UD) and side effects. */
bool vx_cpu_write_cr(struct vx_vcpu *vcpu, unsigned n, uint64_t value);
bool vx_cpu_read_cr(struct vx_vcpu *vcpu, unsigned n, uint64_t *value);
bool vx_cpu_write_dr(struct vx_vcpu *vcpu, unsigned n, uint64_t value);
bool vx_cpu_read_dr(struct vx_vcpu *vcpu, unsigned n, uint64_t *value);
bool vx_cpu_write_msr(struct vx_vcpu *vcpu, uint32_t index, uint64_t value);
bool vx_cpu_read_msr(struct vx_vcpu *vcpu, uint32_t index, uint64_t *value);
void vx_cpu_cpuid(struct vx_vcpu *vcpu); /* EAX, ECX in; EAX..EDX out */
uint64_t vx_cpu_rdtsc(struct vx_vcpu *vcpu);

/* Port access rights (IOPL, TSS bitmap): false with #GP(0). Then the access itself. */
bool vx_cpu_io_allowed(struct vx_vcpu *vcpu, uint16_t port, unsigned size);

/* POPF/IRET rules: which bits of EFLAGS `value` may change at the current CPL, IOPL and mode. */
void vx_cpu_pop_flags(struct vx_vcpu *vcpu, uint32_t value, unsigned op_size);

/* Prints registers, segments, control registers and the last instructions to the log (triple fault, debugger). */
void vx_cpu_dump(struct vx_vcpu *vcpu);

/* How the processor came to shut down, as "#PF 0e at 0010:c0001234, error 2, cr2 00000008; then #GP 0d, error 1a; then
 * #DF 08; then shutdown". Holds from the moment at which vcpu->shutdown is set to the next. */
#define VX_CPU_SHUTDOWN_TEXT_BYTES 384u
void vx_cpu_shutdown_text(const struct vx_vcpu *vcpu, char text[VX_CPU_SHUTDOWN_TEXT_BYTES]);
/* Two shutdowns with equal numbers came about in the same way at the same place. */
uint64_t vx_cpu_shutdown_key(const struct vx_vcpu *vcpu);

/* Notes CS:EIP among the last instructions. The interpreter and the delivery of faults do so by themselves; an engine
 * with code of its own does it where it enters that. */
void vx_cpu_note(struct vx_vcpu *vcpu);

#endif
