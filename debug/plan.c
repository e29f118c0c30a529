/* plan.c - how the guest goes on after a stop.
 *
 * Every plan is a sequence of parts. A part is one instruction, or, for an instruction that starts others (CALL, INT,
 * HLT, REP), a run to the address behind it: the gate, an internal point that is looked at only while ESP is not below
 * what it was, so that a recursive call does not end the part too early. */
#include "debug_private.h"

static void remove_gate(struct vx_debug *debug)
{
    unsigned gate = debug->plan.gate;
    debug->plan.gate = 0;
    debug->plan.gate_reached = false;
    if (gate != 0)
        vx_debug_remove_point(debug, gate);
}

void plan_cancel(struct vx_debug *debug)
{
    remove_gate(debug);
    debug->plan = (struct plan){ 0 };
}

static bool insn_here(const struct vx_debug *debug, struct vx_insn *insn)
{
    struct vx_disassembler how = { .code32 = vx_code32(debug->vcpu) };
    return vx_debug_disassemble(debug, &how, vx_cs_lin(debug->vcpu), debug->vcpu->rip, insn);
}

/* A part that ends behind the instruction at CS:EIP. Without memory for the gate it is a single step. */
static void open_gate(struct vx_debug *debug, const struct vx_insn *insn, bool check_esp)
{
    const struct vx_vcpu *vcpu = debug->vcpu;
    struct vx_debug_point gate = { .kind = VX_POINT_EXEC,
                                   .enabled = true,
                                   .first = vx_lin_wrap(vx_cs_lin(vcpu) + insn->length),
                                   .esp_checked = check_esp,
                                   .esp_from = vcpu->gpr[VX_RSP] };
    gate.last = gate.first;
    debug->plan.gate = point_add_internal(debug, &gate);
}

static bool goes_back(const struct vx_debug *debug, const struct vx_insn *insn)
{
    return insn->kind == VX_INSN_BRANCH && insn->has_target && insn->target <= debug->vcpu->rip;
}

/* STEP, RANGE: may the instruction be one that is run with what it starts? Its first byte tells, so that steps stay
 * cheap. */
static bool may_start_others(const struct vx_debug *debug)
{
    uint8_t first;
    if (debug->plan.kind != PLAN_STEP && debug->plan.kind != PLAN_RANGE)
        return true;
    if (!(debug->hold_interrupts || debug->step_over_int) ||
        vx_debug_read(debug, vx_cs_lin(debug->vcpu), &first, 1) != 1)
        return false;
    bool traps = first == 0xCC || first == 0xCD || first == 0xCE || first == 0xF1;
    return (traps && debug->step_over_int) || (first == 0xF4 && debug->hold_interrupts);
}

static bool starts_others(const struct vx_insn *insn)
{
    return insn->kind == VX_INSN_CALL || insn->kind == VX_INSN_INT || insn->kind == VX_INSN_HALT ||
           insn->kind == VX_INSN_REPEAT;
}

/* Begins the part at CS:EIP. */
static void begin_part(struct vx_debug *debug)
{
    struct vx_insn insn;
    remove_gate(debug);
    debug->plan.stepped = false;
    if (!may_start_others(debug) || !insn_here(debug, &insn))
        return; /* a single step, be it into the fault */
    debug->plan.returning = debug->plan.kind == PLAN_FINISH && insn.kind == VX_INSN_RETURN;
    if (starts_others(&insn))
        open_gate(debug, &insn, true);
    else if (debug->plan.kind == PLAN_UNTIL && goes_back(debug, &insn))
        open_gate(debug, &insn, false);
}

/* What one translation unit holds: no further than a transfer, a page's end or as many instructions as it may have. */
static uint64_t unit_length(const struct vx_debug *debug)
{
    enum { MOST = 32 };
    struct vx_disassembler how = { .code32 = vx_code32(debug->vcpu) };
    uint64_t lin = vx_cs_lin(debug->vcpu), off = debug->vcpu->rip;
    uint64_t n = 0;
    struct vx_insn insn;
    do {
        if (!vx_debug_disassemble(debug, &how, lin, off, &insn))
            break;
        n++;
        lin = vx_lin_wrap(lin + insn.length);
        off = vx_off_wrap(off + insn.length);
    } while (n < MOST && (insn.kind == VX_INSN_PLAIN || insn.kind == VX_INSN_REPEAT) && (lin & VX_PAGE_MASK) != 0);
    return n != 0 ? n : 1;
}

void vx_debug_go(struct vx_debug *debug)
{
    plan_cancel(debug);
}

static void set_plan(struct vx_debug *debug, enum plan_kind kind, uint64_t n)
{
    plan_cancel(debug);
    debug->plan.kind = kind;
    debug->plan.left = n;
    if (kind != PLAN_UNIT)
        begin_part(debug);
}

void vx_debug_go_step(struct vx_debug *debug, uint64_t n)
{
    set_plan(debug, PLAN_STEP, n);
}

void vx_debug_go_range(struct vx_debug *debug, uint64_t first, uint64_t last)
{
    set_plan(debug, PLAN_RANGE, UINT64_MAX);
    debug->plan.first = first;
    debug->plan.last = last;
}

void vx_debug_go_next(struct vx_debug *debug, uint64_t n)
{
    set_plan(debug, PLAN_NEXT, n);
}

void vx_debug_go_finish(struct vx_debug *debug)
{
    set_plan(debug, PLAN_FINISH, UINT64_MAX);
}

void vx_debug_go_until(struct vx_debug *debug)
{
    set_plan(debug, PLAN_UNTIL, 1);
}

void vx_debug_go_unit(struct vx_debug *debug)
{
    set_plan(debug, PLAN_UNIT, unit_length(debug));
}

/* Is the part over? Those without a gate are when vx_debug_stepped() has taken one from `left`. */
static bool part_done(struct vx_debug *debug)
{
    if (debug->plan.gate == 0)
        return debug->plan.stepped;
    if (!debug->plan.gate_reached)
        return false;
    if (debug->plan.left != UINT64_MAX)
        debug->plan.left--;
    return true;
}

/* UNIT: did control not go to the next instruction? */
static bool sequence_left(struct vx_debug *debug)
{
    struct plan *plan = &debug->plan;
    struct vx_insn insn;
    bool left = plan->stepped && plan->expect_eip != debug->vcpu->rip;
    plan->stepped = false;
    plan->expect_eip = vx_off_wrap(debug->vcpu->rip + (insn_here(debug, &insn) ? insn.length : 0));
    return left;
}

static bool range_left(const struct vx_debug *debug)
{
    uint64_t lin = vx_cs_lin(debug->vcpu);
    return debug->plan.kind == PLAN_RANGE && (lin < debug->plan.first || lin > debug->plan.last);
}

/* STEP, RANGE, NEXT, FINISH, UNTIL. */
static bool parts_advance(struct vx_debug *debug, enum vx_debug_go *go)
{
    if (part_done(debug)) {
        if (debug->plan.left == 0 || debug->plan.returning || range_left(debug))
            return true;
        debug->over = true; /* the part begins with this instruction; keeps I3 */
        begin_part(debug);
    }
    *go = debug->plan.gate != 0 ? VX_GO_RUN : VX_GO_STEP;
    return false;
}

bool plan_advance(struct vx_debug *debug, enum vx_debug_go *go)
{
    *go = VX_GO_STEP;
    switch (debug->plan.kind) {
    case PLAN_RUN: *go = VX_GO_RUN; return false;
    case PLAN_UNIT: return debug->plan.left == 0 || sequence_left(debug);
    case PLAN_STEP:
    case PLAN_RANGE:
    case PLAN_NEXT:
    case PLAN_FINISH:
    case PLAN_UNTIL: break;
    }
    return parts_advance(debug, go);
}
