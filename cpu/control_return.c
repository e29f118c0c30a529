/* control_return.c - far RET and IRET: same level, outer level, VM86, nested task (SDM 2 "RET", "IRET/IRETD").
 *
 *   I1  All of the frame is read and checked before any register changes. */
#include "flags.h"
#include "stack.h"
#include "task.h"
#include "virtual_if.h"
#include "vx86/cpu.h"

/* The code segment that a far return or IRET names; its RPL is the level to return to. */
static bool check_code(struct vx_vcpu *cpu, uint16_t sel, struct desc *code)
{
    unsigned rpl = sel_rpl(sel);
    if (sel_null(sel))
        return fault_code(cpu, VX_GP, 0);
    if (!seg_fetch_desc(cpu, sel, VX_GP, 0, code))
        return false;
    unsigned dpl = desc_dpl(code);
    if (!desc_is_code(code) || rpl < cpu->cpl || (desc_is_conforming_code(code) ? dpl > rpl : dpl != rpl))
        return fault_sel(cpu, VX_GP, sel, 0);
    if (!desc_present(code))
        return fault_sel(cpu, VX_NP, sel, 0);
    return true;
}

/* Where a return goes: CS:EIP, and for an outer level SS:ESP. */
struct target {
    uint32_t eip, esp;
    uint32_t cs, ss; /* as popped: the upper half is not part of the selector */
    struct desc code, stack;
    bool outer;
};

/* Checks CS; for an outer level pops SS:ESP from where the cursor is and checks them; marks what will be loaded. */
static bool check_target(struct vx_vcpu *cpu, struct stack *from, unsigned op_size, struct target *to)
{
    if (!check_code(cpu, (uint16_t)to->cs, &to->code))
        return false;
    unsigned level = sel_rpl((uint16_t)to->cs);
    to->outer = level > cpu->cpl;
    if (to->outer) {
        if (!stack_pop(cpu, from, op_size, &to->esp) || !stack_pop(cpu, from, op_size, &to->ss))
            return false;
        if (sel_null((uint16_t)to->ss))
            return fault_code(cpu, VX_GP, 0);
        if (!seg_check_ss(cpu, (uint16_t)to->ss, level, VX_GP, 0, &to->stack))
            return false;
    }
    if (to->eip > desc_limit(&to->code))
        return fault_code(cpu, VX_GP, 0);
    return seg_mark_accessed(cpu, &to->code) && (!to->outer || seg_mark_accessed(cpu, &to->stack));
}

/* Commits all but EFLAGS. `from` is the old stack after the frame. */
static void enter_target(struct vx_vcpu *cpu, const struct stack *from, const struct target *to)
{
    struct stack stack = *from;
    seg_enter_code(cpu, (uint16_t)to->cs, &to->code, sel_rpl((uint16_t)to->cs), to->eip);
    if (to->outer) {
        seg_from_desc(&cpu->seg[VX_SS], (uint16_t)to->ss, &to->stack);
        stack_open_at(&cpu->seg[VX_SS], to->esp, cpu->cpl, 0, &stack);
    }
    stack_commit(cpu, &stack);
    if (to->outer)
        seg_drop_inner(cpu);
}

static void enter_real_code(struct vx_vcpu *cpu, uint16_t sel, uint64_t eip)
{
    if (vx_vm86(cpu))
        seg_set_vm86(&cpu->seg[VX_CS], sel);
    else
        seg_set_real(&cpu->seg[VX_CS], sel);
    cpu->rip = eip;
}

static bool real_return(struct vx_vcpu *cpu, unsigned op_size, uint16_t release_bytes)
{
    struct stack stack;
    uint32_t eip, cs;
    stack_open(cpu, &stack);
    if (!stack_pop(cpu, &stack, op_size, &eip) || !stack_pop(cpu, &stack, op_size, &cs))
        return false;
    if (eip > cpu->seg[VX_CS].limit)
        return fault_code(cpu, VX_GP, 0);
    stack_skip(&stack, release_bytes);
    stack_commit(cpu, &stack);
    enter_real_code(cpu, (uint16_t)cs, eip);
    return true;
}

bool vx_cpu_far_return(struct vx_vcpu *cpu, unsigned op_size, uint16_t release_bytes)
{
    struct stack stack;
    struct target to = { 0 };
    if (vx_real_mode(cpu) || vx_vm86(cpu))
        return real_return(cpu, op_size, release_bytes);
    stack_open(cpu, &stack);
    if (!stack_pop(cpu, &stack, op_size, &to.eip) || !stack_pop(cpu, &stack, op_size, &to.cs))
        return false;
    stack_skip(&stack, release_bytes);
    if (!check_target(cpu, &stack, op_size, &to))
        return false;
    to.esp += release_bytes; /* parameters lie on both stacks */
    enter_target(cpu, &stack, &to);
    return vif_check_entry(cpu);
}

/* In VM86 mode with IOPL 3 as in real mode, but IOPL stays; with a lower IOPL only 16-bit frames under VME. */
static bool iret_real(struct vx_vcpu *cpu, unsigned op_size)
{
    struct stack stack;
    uint32_t eip, cs, eflags;
    bool virtual_flags = vif_stands_in(cpu);
    stack_open(cpu, &stack);
    if (!stack_pop(cpu, &stack, op_size, &eip) || !stack_pop(cpu, &stack, op_size, &cs) ||
        !stack_pop(cpu, &stack, op_size, &eflags))
        return false;
    if (eip > cpu->seg[VX_CS].limit)
        return fault_code(cpu, VX_GP, 0);
    if (virtual_flags && !vif_flags_legal(cpu, (uint16_t)eflags))
        return false;
    stack_commit(cpu, &stack);
    enter_real_code(cpu, (uint16_t)cs, eip);
    if (virtual_flags)
        vif_flags_write(cpu, (uint16_t)eflags);
    else
        flags_write(cpu, eflags, flags_iret_mask(cpu, op_size));
    return true;
}

/* NT: back to the task whose selector is in the current TSS's back link. */
static bool iret_task(struct vx_vcpu *cpu, uint64_t next_eip)
{
    struct task_switch how = { .cause = VX_TASK_IRET, .next_eip = next_eip, .eflags = vx_eflags(cpu) };
    uint64_t link;
    if (!vx_mmu_read(cpu->mmu, cpu->tr.base, 2, VX_VIEW_SYSTEM, &link))
        return false;
    how.sel = (uint16_t)link;
    if (sel_null(how.sel) || sel_local(how.sel))
        return fault_sel(cpu, VX_TS, how.sel, 0);
    if (!seg_fetch_desc(cpu, how.sel, VX_TS, 0, &how.desc))
        return false;
    if (!desc_is_busy_tss(&how.desc))
        return fault_sel(cpu, VX_TS, how.sel, 0);
    if (!desc_present(&how.desc))
        return fault_sel(cpu, VX_NP, how.sel, 0);
    return task_switch(cpu, &how);
}

/* EIP, CS and EFLAGS are popped and given; ESP, SS, ES, DS, FS, GS follow on the stack. */
static bool iret_to_vm86(struct vx_vcpu *cpu, struct stack *stack, uint32_t eip, uint32_t cs, uint32_t eflags)
{
    static const enum vx_segment order[] = { VX_SS, VX_ES, VX_DS, VX_FS, VX_GS };
    uint32_t esp, sel[VX_ARRAY_LEN(order)];
    if (!stack_has(cpu, stack, 24) || !stack_pop(cpu, stack, 4, &esp))
        return false;
    for (size_t i = 0; i < VX_ARRAY_LEN(order); i++)
        if (!stack_pop(cpu, stack, 4, &sel[i]))
            return false;
    if (eip > 0xFFFF)
        return fault_code(cpu, VX_GP, 0);
    flags_write(cpu, eflags, UINT32_MAX);
    cpu->cpl = 3;
    cpu->rip = eip;
    cpu->gpr[VX_RSP] = esp;
    seg_set_vm86(&cpu->seg[VX_CS], (uint16_t)cs);
    for (size_t i = 0; i < VX_ARRAY_LEN(order); i++)
        seg_set_vm86(&cpu->seg[order[i]], (uint16_t)sel[i]);
    return vif_check_entry(cpu);
}

static bool iret_protected(struct vx_vcpu *cpu, unsigned op_size)
{
    struct stack stack;
    struct target to = { 0 };
    uint32_t eflags;
    stack_open(cpu, &stack);
    if (!stack_pop(cpu, &stack, op_size, &to.eip) || !stack_pop(cpu, &stack, op_size, &to.cs) ||
        !stack_pop(cpu, &stack, op_size, &eflags))
        return false;
    if (op_size == 4 && (eflags & VX_FL_VM) && cpu->cpl == 0)
        return iret_to_vm86(cpu, &stack, to.eip, to.cs, eflags);
    if (!check_target(cpu, &stack, op_size, &to))
        return false;
    uint32_t mask = flags_iret_mask(cpu, op_size); /* by the level that executes IRET */
    enter_target(cpu, &stack, &to);
    flags_write(cpu, eflags, mask);
    return vif_check_entry(cpu);
}

static void unblock_nmi(struct vx_vcpu *cpu)
{
    cpu->nmi_blocked = false;
    if (cpu->nmi_pending)
        vx_vcpu_raise(cpu, VX_ATTN_NMI);
}

/* NMIs are let in even by an IRET that faults (SDM 3A "Handling Multiple NMIs"). */
bool vx_cpu_iret(struct vx_vcpu *cpu, unsigned op_size, uint64_t next_eip)
{
    if (vx_vm86(cpu) && vx_iopl(cpu) < 3 && !(op_size == 2 && vif_stands_in(cpu)))
        return fault_code(cpu, VX_GP, 0);
    unblock_nmi(cpu);
    if (vx_real_mode(cpu) || vx_vm86(cpu))
        return iret_real(cpu, op_size);
    if (cpu->eflags & VX_FL_NT)
        return iret_task(cpu, next_eip);
    return iret_protected(cpu, op_size);
}
