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
    uint32_t next_eip;
};

static bool real_transfer(struct vx_vcpu *cpu, uint16_t sel, uint32_t off, const struct link *link)
{
    struct vx_stack stack;
    uint32_t limit = vx_vm86(cpu) ? 0xFFFFu : cpu->seg[VX_CS].limit;
    if (link != NULL) {
        struct vx_frame frame;
        vx_frame_init(&frame, link->op_size);
        vx_frame_add(&frame, cpu->seg[VX_CS].sel);
        vx_frame_add(&frame, link->next_eip);
        vx_stack_open(cpu, &stack);
        if (!vx_stack_room(cpu, &stack, frame.count * frame.size))
            return false;
        if (off > limit)
            return vx_fault_code(cpu, VX_GP, 0);
        if (!vx_stack_push(cpu, &stack, &frame))
            return false;
        vx_stack_commit(cpu, &stack);
    } else if (off > limit) {
        return vx_fault_code(cpu, VX_GP, 0);
    }
    if (vx_vm86(cpu))
        vx_seg_set_vm86(&cpu->seg[VX_CS], sel);
    else
        vx_seg_set_real(&cpu->seg[VX_CS], sel);
    cpu->rip = off;
    return true;
}

/* To code at the current privilege, found to be allowed: pushes the link, enters. */
static bool enter_same(struct vx_vcpu *cpu, uint16_t sel, struct vx_desc *code, uint32_t off, const struct link *link)
{
    struct vx_stack stack;
    struct vx_frame frame;
    if (!vx_desc_present(code))
        return vx_fault_sel(cpu, VX_NP, sel, 0);
    vx_stack_open(cpu, &stack);
    if (link != NULL) {
        vx_frame_init(&frame, link->op_size);
        vx_frame_add(&frame, cpu->seg[VX_CS].sel);
        vx_frame_add(&frame, link->next_eip);
        if (!vx_stack_room(cpu, &stack, frame.count * frame.size))
            return false;
    }
    if (off > vx_desc_limit(code))
        return vx_fault_code(cpu, VX_GP, 0);
    if (!vx_seg_mark_accessed(cpu, code) || (link != NULL && !vx_stack_push(cpu, &stack, &frame)))
        return false;
    if (link != NULL)
        vx_stack_commit(cpu, &stack);
    vx_seg_enter_code(cpu, sel, code, cpu->cpl, off);
    return true;
}

static bool direct(struct vx_vcpu *cpu, uint16_t sel, struct vx_desc *code, uint32_t off, const struct link *link)
{
    unsigned dpl = vx_desc_dpl(code);
    bool allowed = vx_desc_is_conforming_code(code) ? dpl <= cpu->cpl : dpl == cpu->cpl && vx_sel_rpl(sel) <= cpu->cpl;
    if (!vx_desc_is_code(code) || !allowed)
        return vx_fault_sel(cpu, VX_GP, sel, 0);
    return enter_same(cpu, sel, code, off, link);
}

/* A call gate, decoded. */
struct call_gate {
    uint16_t sel;
    uint32_t off;
    unsigned size;
    unsigned params;
};

/* Copies the gate's parameters from the caller's stack, so that they keep their order on the new one. */
static bool add_params(struct vx_vcpu *cpu, const struct call_gate *gate, struct vx_frame *frame)
{
    uint32_t param[32];
    struct vx_stack from;
    vx_stack_open(cpu, &from);
    for (unsigned i = 0; i < gate->params; i++)
        if (!vx_stack_pop(cpu, &from, gate->size, &param[i]))
            return false;
    for (unsigned i = gate->params; i > 0; i--)
        vx_frame_add(frame, param[i - 1]);
    return true;
}

static bool call_inner(struct vx_vcpu *cpu, const struct call_gate *gate, struct vx_desc *code, uint32_t next_eip)
{
    struct vx_frame frame;
    struct vx_stack stack;
    struct vx_desc ss_desc;
    struct vx_seg ss;
    uint16_t ss_sel;
    uint32_t esp;
    unsigned level = vx_desc_dpl(code);
    if (!vx_task_inner_stack(cpu, level, 0, &ss_sel, &esp))
        return false;
    if (vx_sel_null(ss_sel))
        return vx_fault_code(cpu, VX_TS, 0);
    if (!vx_seg_check_ss(cpu, ss_sel, level, VX_TS, 0, &ss_desc))
        return false;
    vx_seg_from_desc(&ss, ss_sel, &ss_desc);
    vx_stack_open_at(&ss, esp, level, ss_sel & 0xFFFCu, &stack);
    if (!vx_stack_room(cpu, &stack, (4 + gate->params) * gate->size))
        return false;
    if (gate->off > vx_desc_limit(code))
        return vx_fault_code(cpu, VX_GP, 0);
    vx_frame_init(&frame, gate->size);
    vx_frame_add(&frame, cpu->seg[VX_SS].sel);
    vx_frame_add(&frame, (uint32_t)cpu->gpr[VX_RSP]);
    if (!add_params(cpu, gate, &frame))
        return false;
    vx_frame_add(&frame, cpu->seg[VX_CS].sel);
    vx_frame_add(&frame, next_eip);
    if (!vx_seg_mark_accessed(cpu, code) || !vx_seg_mark_accessed(cpu, &ss_desc) || !vx_stack_push(cpu, &stack, &frame))
        return false;
    vx_stack_commit(cpu, &stack);
    vx_seg_from_desc(&cpu->seg[VX_SS], ss_sel, &ss_desc);
    vx_seg_enter_code(cpu, gate->sel, code, level, gate->off);
    return true;
}

static bool through_call_gate(struct vx_vcpu *cpu, uint16_t gate_sel, const struct vx_desc *entry,
                              const struct link *link)
{
    struct vx_desc code;
    bool wide = vx_desc_type(entry) == VX_SYS_CALL32;
    struct call_gate gate = {
        .sel = (uint16_t)(entry->lo >> 16),
        .off = (entry->lo & 0xFFFFu) | (wide ? entry->hi & 0xFFFF0000u : 0),
        .size = wide ? 4 : 2,
        .params = entry->hi & 31u,
    };
    if (!vx_desc_present(entry))
        return vx_fault_sel(cpu, VX_NP, gate_sel, 0);
    if (vx_sel_null(gate.sel))
        return vx_fault_code(cpu, VX_GP, 0);
    if (!vx_seg_fetch_desc(cpu, gate.sel, VX_GP, 0, &code))
        return false;
    unsigned dpl = vx_desc_dpl(&code);
    bool conforming = vx_desc_is_conforming_code(&code);
    if (!vx_desc_is_code(&code) || dpl > cpu->cpl || (link == NULL && !conforming && dpl != cpu->cpl))
        return vx_fault_sel(cpu, VX_GP, gate.sel, 0);
    if (link == NULL)
        return enter_same(cpu, gate.sel, &code, gate.off, NULL);
    if (conforming || dpl == cpu->cpl) {
        struct link wider = { .op_size = gate.size, .next_eip = link->next_eip };
        return enter_same(cpu, gate.sel, &code, gate.off, &wider);
    }
    if (!vx_desc_present(&code))
        return vx_fault_sel(cpu, VX_NP, gate.sel, 0);
    return call_inner(cpu, &gate, &code, link->next_eip);
}

static bool to_task(struct vx_vcpu *cpu, uint16_t sel, const struct vx_desc *entry, uint32_t next_eip, bool call)
{
    struct vx_task_switch how = {
        .cause = call ? VX_TASK_CALL : VX_TASK_JUMP,
        .sel = sel,
        .next_eip = next_eip,
        .eflags = vx_eflags(cpu),
    };
    if (vx_desc_is_system_type(entry, VX_SYS_TASK_GATE)) {
        if (!vx_desc_present(entry))
            return vx_fault_sel(cpu, VX_NP, sel, 0);
        how.sel = (uint16_t)(entry->lo >> 16);
    }
    if (!vx_task_check_tss(cpu, how.sel, VX_GP, 0, &how.desc))
        return false;
    return vx_task_switch(cpu, &how);
}

static bool transfer(struct vx_vcpu *cpu, uint16_t sel, uint32_t off, uint32_t next_eip, const struct link *link)
{
    struct vx_desc entry;
    if (vx_real_mode(cpu) || vx_vm86(cpu))
        return real_transfer(cpu, sel, off, link);
    if (vx_sel_null(sel))
        return vx_fault_code(cpu, VX_GP, 0);
    if (!vx_seg_fetch_desc(cpu, sel, VX_GP, 0, &entry))
        return false;
    if (!vx_desc_is_system(&entry))
        return direct(cpu, sel, &entry, off, link);
    if (vx_desc_dpl(&entry) < cpu->cpl || vx_desc_dpl(&entry) < vx_sel_rpl(sel))
        return vx_fault_sel(cpu, VX_GP, sel, 0);
    switch (vx_desc_type(&entry)) {
    case VX_SYS_CALL16:
    case VX_SYS_CALL32: return through_call_gate(cpu, sel, &entry, link);
    case VX_SYS_TASK_GATE:
    case VX_SYS_TSS16:
    case VX_SYS_TSS32: return to_task(cpu, sel, &entry, next_eip, link != NULL);
    default: return vx_fault_sel(cpu, VX_GP, sel, 0);
    }
}

bool vx_cpu_far_jump(struct vx_vcpu *cpu, uint16_t sel, uint32_t off, uint32_t next_eip)
{
    return transfer(cpu, sel, off, next_eip, NULL);
}

bool vx_cpu_far_call(struct vx_vcpu *cpu, uint16_t sel, uint32_t off, unsigned op_size, uint32_t next_eip)
{
    struct link link = { .op_size = op_size, .next_eip = next_eip };
    return transfer(cpu, sel, off, next_eip, &link);
}
