/* control.c - far JMP and CALL, with call gates, task gates and TSS descriptors (SDM 2 "JMP", "CALL").
 *
 * Checks follow the order of the manual's Operation sections. control_return.c has the ways back.
 *
 *   I1  Stack first, registers last: the frame is written whole before CS, EIP, SS or ESP change. */
#include "segment.h"
#include "stack.h"
#include "task.h"
#include "vx86/cpu.h"

/* What CALL pushes; NULL stands for JMP. */
struct link {
    unsigned op_size;
    uint64_t next_eip;
};

static bool real_transfer(struct vx_vcpu *cpu, uint16_t sel, uint64_t off, const struct link *link)
{
    struct stack stack;
    uint32_t limit = vx_vm86(cpu) ? 0xFFFFu : cpu->seg[VX_CS].limit;
    if (link != NULL) {
        struct frame frame;
        frame_init(&frame, link->op_size);
        frame_add(&frame, cpu->seg[VX_CS].sel);
        frame_add(&frame, (uint32_t)link->next_eip);
        stack_open(cpu, &stack);
        if (!stack_room(cpu, &stack, frame.count * frame.size))
            return false;
        if (off > limit)
            return fault_code(cpu, VX_GP, 0);
        if (!stack_push(cpu, &stack, &frame))
            return false;
        stack_commit(cpu, &stack);
    } else if (off > limit) {
        return fault_code(cpu, VX_GP, 0);
    }
    if (vx_vm86(cpu))
        seg_set_vm86(&cpu->seg[VX_CS], sel);
    else
        seg_set_real(&cpu->seg[VX_CS], sel);
    cpu->rip = off;
    return true;
}

/* To code at the current privilege, found to be allowed: pushes the link, enters. */
static bool enter_same(struct vx_vcpu *cpu, uint16_t sel, struct desc *code, uint64_t off, const struct link *link)
{
    struct stack stack;
    struct frame frame;
    if (!desc_present(code))
        return fault_sel(cpu, VX_NP, sel, 0);
    stack_open(cpu, &stack);
    if (link != NULL) {
        frame_init(&frame, link->op_size);
        frame_add(&frame, cpu->seg[VX_CS].sel);
        frame_add(&frame, (uint32_t)link->next_eip);
        if (!stack_room(cpu, &stack, frame.count * frame.size))
            return false;
    }
    if (off > desc_limit(code))
        return fault_code(cpu, VX_GP, 0);
    if (!seg_mark_accessed(cpu, code) || (link != NULL && !stack_push(cpu, &stack, &frame)))
        return false;
    if (link != NULL)
        stack_commit(cpu, &stack);
    seg_enter_code(cpu, sel, code, cpu->cpl, off);
    return true;
}

static bool direct(struct vx_vcpu *cpu, uint16_t sel, struct desc *code, uint64_t off, const struct link *link)
{
    unsigned dpl = desc_dpl(code);
    bool allowed = desc_is_conforming_code(code) ? dpl <= cpu->cpl : dpl == cpu->cpl && sel_rpl(sel) <= cpu->cpl;
    if (!desc_is_code(code) || !allowed)
        return fault_sel(cpu, VX_GP, sel, 0);
    return enter_same(cpu, sel, code, off, link);
}

/* A call gate, decoded. */
struct call_gate {
    uint16_t sel;
    uint64_t off;
    unsigned size;
    unsigned params;
};

/* Copies the gate's parameters from the caller's stack, so that they keep their order on the new one. */
static bool add_params(struct vx_vcpu *cpu, const struct call_gate *gate, struct frame *frame)
{
    uint32_t param[32];
    struct stack from;
    stack_open(cpu, &from);
    for (unsigned i = 0; i < gate->params; i++)
        if (!stack_pop(cpu, &from, gate->size, &param[i]))
            return false;
    for (unsigned i = gate->params; i > 0; i--)
        frame_add(frame, param[i - 1]);
    return true;
}

static bool call_inner(struct vx_vcpu *cpu, const struct call_gate *gate, struct desc *code, uint64_t next_eip)
{
    struct frame frame;
    struct stack stack;
    struct desc ss_desc;
    struct vx_seg ss;
    uint16_t ss_sel;
    uint32_t esp;
    unsigned level = desc_dpl(code);
    if (!task_inner_stack(cpu, level, 0, &ss_sel, &esp))
        return false;
    if (sel_null(ss_sel))
        return fault_code(cpu, VX_TS, 0);
    if (!seg_check_ss(cpu, ss_sel, level, VX_TS, 0, &ss_desc))
        return false;
    seg_from_desc(&ss, ss_sel, &ss_desc);
    stack_open_at(&ss, esp, level, ss_sel & 0xFFFCu, &stack);
    if (!stack_room(cpu, &stack, (4 + gate->params) * gate->size))
        return false;
    if (gate->off > desc_limit(code))
        return fault_code(cpu, VX_GP, 0);
    frame_init(&frame, gate->size);
    frame_add(&frame, cpu->seg[VX_SS].sel);
    frame_add(&frame, (uint32_t)cpu->gpr[VX_RSP]);
    if (!add_params(cpu, gate, &frame))
        return false;
    frame_add(&frame, cpu->seg[VX_CS].sel);
    frame_add(&frame, (uint32_t)next_eip);
    if (!seg_mark_accessed(cpu, code) || !seg_mark_accessed(cpu, &ss_desc) || !stack_push(cpu, &stack, &frame))
        return false;
    stack_commit(cpu, &stack);
    seg_from_desc(&cpu->seg[VX_SS], ss_sel, &ss_desc);
    seg_enter_code(cpu, gate->sel, code, level, gate->off);
    return true;
}

static bool through_call_gate(struct vx_vcpu *cpu, uint16_t gate_sel, const struct desc *entry, const struct link *link)
{
    struct desc code;
    bool wide = desc_type(entry) == VX_SYS_CALL32;
    struct call_gate gate = {
        .sel = (uint16_t)(entry->lo >> 16),
        .off = (entry->lo & 0xFFFFu) | (wide ? entry->hi & 0xFFFF0000u : 0),
        .size = wide ? 4 : 2,
        .params = entry->hi & 31u,
    };
    if (!desc_present(entry))
        return fault_sel(cpu, VX_NP, gate_sel, 0);
    if (sel_null(gate.sel))
        return fault_code(cpu, VX_GP, 0);
    if (!seg_fetch_desc(cpu, gate.sel, VX_GP, 0, &code))
        return false;
    unsigned dpl = desc_dpl(&code);
    bool conforming = desc_is_conforming_code(&code);
    if (!desc_is_code(&code) || dpl > cpu->cpl || (link == NULL && !conforming && dpl != cpu->cpl))
        return fault_sel(cpu, VX_GP, gate.sel, 0);
    if (link == NULL)
        return enter_same(cpu, gate.sel, &code, gate.off, NULL);
    if (conforming || dpl == cpu->cpl) {
        struct link wider = { .op_size = gate.size, .next_eip = link->next_eip };
        return enter_same(cpu, gate.sel, &code, gate.off, &wider);
    }
    if (!desc_present(&code))
        return fault_sel(cpu, VX_NP, gate.sel, 0);
    return call_inner(cpu, &gate, &code, link->next_eip);
}

static bool to_task(struct vx_vcpu *cpu, uint16_t sel, const struct desc *entry, uint64_t next_eip, bool call)
{
    struct task_switch how = {
        .cause = call ? VX_TASK_CALL : VX_TASK_JUMP,
        .sel = sel,
        .next_eip = next_eip,
        .eflags = vx_eflags(cpu),
    };
    if (desc_is_system_type(entry, VX_SYS_TASK_GATE)) {
        if (!desc_present(entry))
            return fault_sel(cpu, VX_NP, sel, 0);
        how.sel = (uint16_t)(entry->lo >> 16);
    }
    if (!task_check_tss(cpu, how.sel, VX_GP, 0, &how.desc))
        return false;
    return task_switch(cpu, &how);
}

static bool transfer(struct vx_vcpu *cpu, uint16_t sel, uint64_t off, uint64_t next_eip, const struct link *link)
{
    struct desc entry;
    if (vx_real_mode(cpu) || vx_vm86(cpu))
        return real_transfer(cpu, sel, off, link);
    if (sel_null(sel))
        return fault_code(cpu, VX_GP, 0);
    if (!seg_fetch_desc(cpu, sel, VX_GP, 0, &entry))
        return false;
    if (!desc_is_system(&entry))
        return direct(cpu, sel, &entry, off, link);
    if (desc_dpl(&entry) < cpu->cpl || desc_dpl(&entry) < sel_rpl(sel))
        return fault_sel(cpu, VX_GP, sel, 0);
    switch (desc_type(&entry)) {
    case VX_SYS_CALL16:
    case VX_SYS_CALL32: return through_call_gate(cpu, sel, &entry, link);
    case VX_SYS_TASK_GATE:
    case VX_SYS_TSS16:
    case VX_SYS_TSS32: return to_task(cpu, sel, &entry, next_eip, link != NULL);
    default: return fault_sel(cpu, VX_GP, sel, 0);
    }
}

bool vx_cpu_far_jump(struct vx_vcpu *cpu, uint16_t sel, uint64_t off, uint64_t next_eip)
{
    return transfer(cpu, sel, off, next_eip, NULL);
}

bool vx_cpu_far_call(struct vx_vcpu *cpu, uint16_t sel, uint64_t off, unsigned op_size, uint64_t next_eip)
{
    struct link link = { .op_size = op_size, .next_eip = next_eip };
    return transfer(cpu, sel, off, next_eip, &link);
}
