/* event.c - interrupts and exceptions (SDM 3A "Interrupt and Exception Handling", SDM 2 "INT n/INTO/INT3/INT1").
 *
 * One event enters at event_deliver(); faults on the way come back to deliver_chain(), which knows the double-fault
 * table. Checks follow the order of the manual's Operation section.
 *
 *   I1  The stack frame is written before any register changes, and as a whole (stack.h).
 *   I2  EXT is set in every error code that arises while something else than INT n, INT3 or INTO is delivered. */
#include "event.h"

#include "cpu_private.h"
#include "flags.h"
#include "smm.h"
#include "stack.h"
#include "task.h"
#include "virtual_if.h"
#include "vx86/cpu.h"

enum { ERROR_IDT = 2, DR7_GD = 1 << 13, CHAIN_MAX = 64 };

/* An interrupt or trap gate, decoded. */
struct gate {
    uint16_t sel;
    uint64_t off;
    unsigned size; /* 2 or 4: width of the frame */
    bool trap;     /* leaves IF alone */
};

static uint32_t ext_of(const struct event *event)
{
    return event->software ? 0 : 1;
}

static void clear_flags(struct vx_vcpu *cpu, bool trap, uint32_t also)
{
    uint32_t mask = VX_FL_TF | VX_FL_RF | also | (trap ? 0 : VX_FL_IF);
    flags_write(cpu, 0, mask);
    cpu->inhibit = VX_INHIBIT_NONE;
}

static bool deliver_real(struct vx_vcpu *cpu, const struct event *event)
{
    struct frame frame;
    struct stack stack;
    uint64_t entry;
    uint64_t off = event->vector * 4u;
    if (off + 3 > cpu->idtr.limit)
        return fault_code(cpu, VX_GP, event->vector * 8u + ERROR_IDT + ext_of(event));
    if (!vx_mmu_read(cpu->mmu, (uint32_t)(cpu->idtr.base + off), 4, VX_VIEW_SYSTEM, &entry))
        return false;
    frame_init(&frame, 2);
    frame_add(&frame, event->eflags);
    frame_add(&frame, cpu->seg[VX_CS].sel);
    frame_add(&frame, (uint32_t)event->eip);
    stack_open(cpu, &stack);
    if (!stack_push(cpu, &stack, &frame))
        return false;
    stack_commit(cpu, &stack);
    clear_flags(cpu, false, VX_FL_AC);
    seg_set_real(&cpu->seg[VX_CS], (uint16_t)(entry >> 16));
    cpu->rip = (uint16_t)entry;
    return true;
}

static void add_return(struct frame *frame, const struct vx_vcpu *cpu, const struct event *event)
{
    frame_add(frame, event->eflags);
    frame_add(frame, cpu->seg[VX_CS].sel);
    frame_add(frame, (uint32_t)event->eip);
    if (event->has_error)
        frame_add(frame, event->error);
}

static bool deliver_same(struct vx_vcpu *cpu, const struct event *event, const struct gate *gate, struct desc *code)
{
    struct frame frame;
    struct stack stack;
    uint32_t ext = ext_of(event);
    frame_init(&frame, gate->size);
    add_return(&frame, cpu, event);
    stack_open(cpu, &stack);
    stack.error = ext;
    if (!stack_room(cpu, &stack, frame.count * frame.size))
        return false;
    if (gate->off > desc_limit(code))
        return fault_code(cpu, VX_GP, ext);
    if (!seg_mark_accessed(cpu, code) || !stack_push(cpu, &stack, &frame))
        return false;
    stack_commit(cpu, &stack);
    seg_enter_code(cpu, gate->sel, code, cpu->cpl, gate->off);
    clear_flags(cpu, gate->trap, VX_FL_VM | VX_FL_NT);
    return true;
}

/* To an inner level, from VM86 too. */
static bool deliver_inner(struct vx_vcpu *cpu, const struct event *event, const struct gate *gate, struct desc *code)
{
    static const enum vx_segment vm86_saved[] = { VX_GS, VX_FS, VX_DS, VX_ES };
    struct frame frame;
    struct stack stack;
    struct desc ss_desc;
    struct vx_seg ss;
    uint32_t ext = ext_of(event), esp;
    uint16_t ss_sel;
    bool vm86 = vx_vm86(cpu);
    unsigned level = desc_dpl(code);
    if (!task_inner_stack(cpu, level, ext, &ss_sel, &esp))
        return false;
    if (sel_null(ss_sel))
        return fault_code(cpu, VX_TS, ext);
    if (!seg_check_ss(cpu, ss_sel, level, VX_TS, ext, &ss_desc))
        return false;
    seg_from_desc(&ss, ss_sel, &ss_desc);
    stack_open_at(&ss, esp, level, (ss_sel & 0xFFFCu) | ext, &stack);
    frame_init(&frame, gate->size);
    for (unsigned i = 0; vm86 && i < VX_ARRAY_LEN(vm86_saved); i++)
        frame_add(&frame, cpu->seg[vm86_saved[i]].sel);
    frame_add(&frame, cpu->seg[VX_SS].sel);
    frame_add(&frame, (uint32_t)cpu->gpr[VX_RSP]);
    add_return(&frame, cpu, event);
    if (!stack_room(cpu, &stack, frame.count * frame.size))
        return false;
    if (gate->off > desc_limit(code))
        return fault_code(cpu, VX_GP, ext);
    if (!seg_mark_accessed(cpu, code) || !seg_mark_accessed(cpu, &ss_desc) || !stack_push(cpu, &stack, &frame))
        return false;
    stack_commit(cpu, &stack);
    seg_from_desc(&cpu->seg[VX_SS], ss_sel, &ss_desc);
    seg_enter_code(cpu, gate->sel, code, level, gate->off);
    for (unsigned i = 0; vm86 && i < VX_ARRAY_LEN(vm86_saved); i++)
        seg_set_null(&cpu->seg[vm86_saved[i]], 0);
    clear_flags(cpu, gate->trap, VX_FL_VM | VX_FL_NT);
    return true;
}

static bool deliver_gate(struct vx_vcpu *cpu, const struct event *event, const struct gate *gate)
{
    struct desc code;
    uint32_t ext = ext_of(event);
    if (sel_null(gate->sel))
        return fault_code(cpu, VX_GP, ext);
    if (!seg_fetch_desc(cpu, gate->sel, VX_GP, ext, &code))
        return false;
    if (!desc_is_code(&code) || desc_dpl(&code) > cpu->cpl)
        return fault_sel(cpu, VX_GP, gate->sel, ext);
    if (!desc_present(&code))
        return fault_sel(cpu, VX_NP, gate->sel, ext);
    bool inner = !desc_is_conforming_code(&code) && desc_dpl(&code) < cpu->cpl;
    if (vx_vm86(cpu) && (!inner || desc_dpl(&code) != 0))
        return fault_sel(cpu, VX_GP, gate->sel, ext);
    return inner ? deliver_inner(cpu, event, gate, &code) : deliver_same(cpu, event, gate, &code);
}

static bool deliver_task(struct vx_vcpu *cpu, const struct event *event, uint16_t tss_sel)
{
    struct task_switch how = {
        .cause = VX_TASK_EVENT,
        .sel = tss_sel,
        .next_eip = event->eip,
        .eflags = event->eflags,
        .ext = ext_of(event),
        .has_error = event->has_error,
        .error = event->error,
    };
    if (!task_check_tss(cpu, tss_sel, VX_GP, how.ext, &how.desc))
        return false;
    return task_switch(cpu, &how);
}

static bool deliver_protected(struct vx_vcpu *cpu, const struct event *event)
{
    struct desc entry = { .lin = (uint32_t)(cpu->idtr.base + event->vector * 8u) };
    uint32_t error = event->vector * 8u + ERROR_IDT + ext_of(event);
    uint64_t raw;
    if (event->vector * 8u + 7 > cpu->idtr.limit)
        return fault_code(cpu, VX_GP, error);
    if (!vx_mmu_read(cpu->mmu, entry.lin, 8, VX_VIEW_SYSTEM, &raw))
        return false;
    entry.lo = (uint32_t)raw;
    entry.hi = (uint32_t)(raw >> 32);
    unsigned type = desc_is_system(&entry) ? desc_type(&entry) : 0;
    bool known = type == VX_SYS_TASK_GATE || type == VX_SYS_INT16 || type == VX_SYS_TRAP16 || type == VX_SYS_INT32 ||
                 type == VX_SYS_TRAP32;
    if (!known || (event->software && desc_dpl(&entry) < cpu->cpl))
        return fault_code(cpu, VX_GP, error);
    if (!desc_present(&entry))
        return fault_code(cpu, VX_NP, error);
    uint16_t sel = (uint16_t)(entry.lo >> 16);
    if (type == VX_SYS_TASK_GATE)
        return deliver_task(cpu, event, sel);
    bool wide = type >= VX_SYS_INT32;
    struct gate gate = {
        .sel = sel,
        .off = (entry.lo & 0xFFFFu) | (wide ? entry.hi & 0xFFFF0000u : 0),
        .size = wide ? 4 : 2,
        .trap = type == VX_SYS_TRAP16 || type == VX_SYS_TRAP32,
    };
    return deliver_gate(cpu, event, &gate);
}

bool event_deliver(struct vx_vcpu *cpu, const struct event *event)
{
    return vx_real_mode(cpu) ? deliver_real(cpu, event) : deliver_protected(cpu, event);
}

/* SDM 3A "Interrupt 8 - Double Fault Exception (#DF)". */
enum fault_class { BENIGN, CONTRIBUTORY, PAGE_FAULT, DOUBLE_FAULT };

static enum fault_class class_of(unsigned vector)
{
    switch (vector) {
    case VX_DE:
    case VX_TS:
    case VX_NP:
    case VX_SEG_SS:
    case VX_GP: return CONTRIBUTORY;
    case VX_PF: return PAGE_FAULT;
    case VX_DF: return DOUBLE_FAULT;
    default: return BENIGN;
    }
}

static bool makes_double(enum fault_class first, enum fault_class second)
{
    if (first == CONTRIBUTORY)
        return second == CONTRIBUTORY;
    return first == PAGE_FAULT && (second == CONTRIBUTORY || second == PAGE_FAULT);
}

/* Faults restart their instruction with RF set, so that an instruction breakpoint on it does not hit again; #DB decides
 * for itself (SDM 3B "Instruction-Breakpoint Exception Condition"), #DF and #MC are aborts. */
static bool pushes_rf(unsigned vector)
{
    return vector != VX_DB && vector != VX_DF && vector != VX_MC;
}

/* #DB is not for its own handler (SDM 3B "Debug Registers", "Single-Stepping on Branches"). */
static void debug_entered(struct vx_vcpu *cpu)
{
    cpu->dr[7] &= ~(uint64_t)DR7_GD;
    cpu->msr.debugctl &= ~(uint64_t)VX_DEBUGCTL_BTF;
}

static void chain_add(struct cpu_chain *chain, const struct vx_fault *fault)
{
    if (chain->count == CPU_CHAIN_MAX) {
        chain->count--;
        chain->left_out++;
    }
    chain->fault[chain->count++] = *fault;
}

static void chain_begin(const struct vx_vcpu *cpu, struct cpu_chain *chain, const struct vx_fault *fault)
{
    chain->cs = cpu->seg[VX_CS].sel;
    chain->eip = cpu->rip;
    chain->count = 1;
    chain->left_out = 0;
    chain->fault[0] = *fault;
}

/* Delivers a fault and whatever faults its delivery brings, until a handler is entered or the processor shuts down. The
 * fault classes end every chain but one: debug traps of tasks entered through a task gate for #DB, with a GDT whose
 * busy bits do not stick (ROM), go on for ever on silicon; here that is a shutdown too. */
static void deliver_chain(struct vx_vcpu *cpu, struct vx_fault fault)
{
    struct cpu_chain chain;
    chain_begin(cpu, &chain, &fault);
    for (unsigned round = 0; round < CHAIN_MAX; round++) {
        struct event event = {
            .vector = fault.vector,
            .has_error = fault.has_error,
            .error = fault.error,
            .eip = (uint32_t)cpu->rip,
            .eflags = vx_eflags(cpu) | (pushes_rf(fault.vector) ? VX_FL_RF : 0u),
        };
        cpu->stats->exceptions++;
        cpu->stats->exceptions_by_vector[fault.vector & 31]++;
        vx_trace(cpu->log, cpu_exception, (unsigned)fault.vector, (unsigned)fault.error, (unsigned)cpu->seg[VX_CS].sel,
                 cpu->rip);
        if (fault.vector == VX_PF)
            cpu->cr2 = (uint32_t)fault.lin;
        vx_vcpu_tell(cpu, VX_DEBUG_EVENT_EXCEPTION, fault.vector, fault.error);
        if (event_deliver(cpu, &event)) {
            if (fault.vector == VX_DB)
                debug_entered(cpu);
            return;
        }
        enum fault_class first = class_of(fault.vector), second = class_of(cpu->mmu->fault.vector);
        chain_add(&chain, &cpu->mmu->fault);
        if (first == DOUBLE_FAULT && second != BENIGN)
            break;
        if (makes_double(first, second)) {
            if (second == PAGE_FAULT)
                cpu->cr2 = (uint32_t)cpu->mmu->fault.lin;
            fault_code(cpu, VX_DF, 0);
            chain_add(&chain, &cpu->mmu->fault);
        }
        fault = cpu->mmu->fault;
    }
    cpu_box(cpu)->chain = chain;
    cpu->shutdown = true;
}

void vx_cpu_deliver_fault(struct vx_vcpu *cpu)
{
    vx_cpu_note(cpu);
    cpu->halted = false;
    cpu->last_raised = true;
    cpu->inhibit = VX_INHIBIT_NONE; /* the shadow was for the instruction that has faulted */
    deliver_chain(cpu, cpu->mmu->fault);
}

/* Interrupts and NMI: a fault on the way is handled serially, as nothing precedes it that counts as contributory. */
static void deliver_interrupt(struct vx_vcpu *cpu, uint8_t vector)
{
    struct event event = { .vector = vector, .eip = (uint32_t)cpu->rip, .eflags = vx_eflags(cpu) };
    cpu->halted = false;
    vx_trace(cpu->log, cpu_interrupt, (unsigned)vector, (unsigned)cpu->seg[VX_CS].sel, cpu->rip);
    vx_vcpu_tell(cpu, VX_DEBUG_EVENT_INTERRUPT, vector, 0);
    if (!event_deliver(cpu, &event))
        deliver_chain(cpu, cpu->mmu->fault);
}

/* INT n in VM86 mode. *done: the handler of the program itself has been entered. False: #GP(0), or a fault on the way.
 * */
static bool vm86_int(struct vx_vcpu *cpu, uint8_t vector, uint64_t next_eip, bool *done)
{
    *done = false;
    if ((cpu->cr4 & VX_CR4_VME) && !vif_int_redirected(cpu, vector, done))
        return false;
    if (*done) {
        vx_vcpu_tell(cpu, VX_DEBUG_EVENT_INT, vector, 0);
        return vif_int_enter(cpu, vector, (uint16_t)next_eip);
    }
    return vx_iopl(cpu) == 3 || fault_code(cpu, VX_GP, 0);
}

bool vx_cpu_software_int(struct vx_vcpu *cpu, uint8_t vector, enum vx_int_kind kind, uint64_t next_eip)
{
    struct event event = {
        .vector = vector,
        .software = kind != VX_INT1,
        .eip = next_eip,
        .eflags = vx_eflags(cpu) & ~(uint32_t)VX_FL_RF,
    };
    bool done = false;
    if (kind == VX_INT_N && vx_vm86(cpu) && !vm86_int(cpu, vector, next_eip, &done))
        return false;
    if (done)
        return true;
    vx_vcpu_tell(cpu, VX_DEBUG_EVENT_INT, vector, 0);
    if (!event_deliver(cpu, &event))
        return false;
    if (kind == VX_INT1)
        debug_entered(cpu);
    return true;
}

static bool nmi_ready(const struct vx_vcpu *cpu)
{
    return cpu->nmi_pending && !cpu->nmi_blocked;
}
static bool intr_ready(const struct vx_vcpu *cpu)
{
    return cpu->intr_line && cpu->iflag;
}

static bool smi_ready(const struct vx_vcpu *cpu)
{
    return cpu->smi_pending && !cpu->smm;
}

/* Attention bits of the events that could be taken but for a shadow. */
static uint32_t ready(const struct vx_vcpu *cpu)
{
    return (smi_ready(cpu) ? VX_ATTN_SMI : 0u) | (nmi_ready(cpu) ? VX_ATTN_NMI : 0u) |
           (intr_ready(cpu) ? VX_ATTN_INTR : 0u);
}

bool vx_cpu_event_ready(const struct vx_vcpu *cpu)
{
    return cpu->inhibit == VX_INHIBIT_NONE && !cpu->shutdown && ready(cpu) != 0;
}

bool vx_cpu_take_events(struct vx_vcpu *cpu)
{
    uint32_t bits = ready(cpu);
    if (cpu->shutdown || bits == 0)
        return false;
    if (cpu->inhibit != VX_INHIBIT_NONE) {
        vx_vcpu_raise(cpu, bits); /* look again after the one instruction in the shadow */
        return false;
    }
    if (smi_ready(cpu)) { /* SDM 3A "Priority Among Simultaneous Exceptions and Interrupts" */
        smm_enter(cpu);
    } else if (nmi_ready(cpu)) {
        cpu->nmi_pending = false;
        cpu->nmi_blocked = true;
        cpu->stats->nmis++;
        deliver_interrupt(cpu, VX_NMI);
    } else {
        int vector = cpu->ops->ack_interrupt(cpu->ops_opaque);
        if (vector < 0 || vector > 255)
            return false;
        cpu->stats->interrupts++;
        deliver_interrupt(cpu, (uint8_t)vector);
    }
    if (intr_ready(cpu))
        vx_vcpu_raise(cpu, VX_ATTN_INTR);
    return true;
}
