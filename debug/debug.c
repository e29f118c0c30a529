/* debug.c - the debugger's core: life, fronts, and the boundary at which the machine's loop asks what is to be done.
 *
 * At a boundary, in this order: triple fault, the user's request, what was queued since the last boundary, addresses,
 * counts, the plan (step, next ...). */
#include <stdlib.h>
#include <string.h>

#include "debug_private.h"

vx_err vx_debug_create(const struct vx_debug_config *config, struct vx_debug **out)
{
    struct vx_debug *debug = calloc(1, sizeof *debug);
    if (debug == NULL)
        return VX_ERR_NO_MEMORY;
    debug->config = *config;
    debug->vcpu = config->vcpu;
    debug->hooks = (struct vx_vcpu_debug){
        .opaque = debug, .event = events_hear, .stops_here = points_stop_here, .stops_in = points_stop_in
    };
    vx_timer_init(config->clock, &debug->timer, events_time, debug);
    *out = debug;
    return VX_ERR_OK;
}

void vx_debug_destroy(struct vx_debug *debug)
{
    if (debug == NULL)
        return;
    debug->bt = NULL;
    vx_debug_set_front(debug, NULL, NULL);
    points_fini(debug);
    free(debug);
}

void vx_debug_set_bt(struct vx_debug *debug, struct vx_bt *bt)
{
    debug->bt = bt;
}

void vx_debug_set_front(struct vx_debug *debug, const struct vx_debug_front *front, void *opaque)
{
    debug->has_front = front != NULL;
    debug->front = front != NULL ? *front : (struct vx_debug_front){ 0 };
    debug->front_opaque = opaque;
    if (front == NULL) {
        debug->start = debug->over = debug->counting = false;
        debug->tracing = 0;
        debug->queued = 0;
        debug->plan = (struct plan){ 0 };
        points_clear(debug);
    }
    debug->vcpu->debug = front != NULL ? &debug->hooks : NULL;
}

bool vx_debug_has_front(const struct vx_debug *debug)
{
    return debug->has_front;
}

void vx_debug_stop_at_start(struct vx_debug *debug)
{
    debug->start = true;
}

void vx_debug_request_stop(struct vx_debug *debug)
{
    atomic_store(&debug->requested, true);
    vx_vcpu_raise(debug->vcpu, VX_ATTN_DEBUG);
    if (debug->config.wake != NULL)
        debug->config.wake(debug->config.wake_opaque);
}

void vx_debug_set_hold_interrupts(struct vx_debug *debug, bool hold)
{
    debug->hold_interrupts = hold;
}

bool vx_debug_hold_interrupts(const struct vx_debug *debug)
{
    return debug->hold_interrupts;
}

void vx_debug_set_step_over_int(struct vx_debug *debug, bool over)
{
    debug->step_over_int = over;
}

bool vx_debug_step_over_int(const struct vx_debug *debug)
{
    return debug->step_over_int;
}

void vx_debug_set_counting(struct vx_debug *debug, bool counting)
{
    debug->counting = counting;
}

void vx_debug_set_tracing(struct vx_debug *debug, unsigned what)
{
    debug->tracing = what;
    debug->last_cs = debug->vcpu->seg[VX_CS].sel;
    debug->last_eip = debug->next_eip = debug->vcpu->rip;
    points_rearm(debug);
}

static bool traces_insns(const struct vx_debug *debug)
{
    return (debug->tracing & (VX_DEBUG_TRACE_INSNS | VX_DEBUG_TRACE_BRANCHES)) != 0;
}

/* The instruction at CS:EIP comes next: did the one before lead there by itself? */
static void trace_here(struct vx_debug *debug)
{
    const struct vx_vcpu *vcpu = debug->vcpu;
    uint16_t cs = vcpu->seg[VX_CS].sel;
    uint64_t eip = vcpu->rip;
    struct vx_debug_branch branch = { debug->last_cs, cs, debug->last_eip, eip, vx_cs_lin(vcpu) };
    if (debug->last_cs != cs || (eip != debug->next_eip && eip != debug->last_eip)) /* a REP that goes on is none */
        debug->branch[debug->branches++ % VX_DEBUG_BRANCHES] = branch;
    debug->last_cs = cs;
    debug->last_eip = eip;
    debug->next_eip = vx_off_wrap(eip + insn_length(debug));
    if ((debug->tracing & VX_DEBUG_TRACE_INSNS) && debug->front.trace != NULL)
        debug->front.trace(debug->front_opaque);
}

bool vx_debug_branch(const struct vx_debug *debug, unsigned age, struct vx_debug_branch *branch)
{
    if (age >= VX_DEBUG_BRANCHES || age >= debug->branches)
        return false;
    *branch = debug->branch[(debug->branches - 1 - age) % VX_DEBUG_BRANCHES];
    return true;
}

const struct vx_debug_wants *vx_debug_wants(const struct vx_debug *debug)
{
    return &debug->wants;
}

/* ---- stops ------------------------------------------------------------------------------------------------------- */

struct vx_debug_stop stop_here(const struct vx_debug *debug, enum vx_stop_cause cause)
{
    const struct vx_vcpu *vcpu = debug->vcpu;
    return (struct vx_debug_stop){ .cause = cause, .cs = vcpu->seg[VX_CS].sel, .eip = vcpu->rip };
}

/* Hands the guest to the front, which says how it goes on. */
static void serve(struct vx_debug *debug, const struct vx_debug_stop *stop)
{
    struct vx_debug_stop copy = *stop;
    plan_cancel(debug);
    debug->queued = 0;
    debug->start = false;
    debug->over = true; /* keeps I3 */
    atomic_store(&debug->requested, false);
    if (copy.cause == VX_CAUSE_POINT && copy.point.temporary)
        vx_debug_remove_point(debug, copy.point.number);
    vx_clock_pause(debug->config.clock);
    debug->front.stopped(debug->front_opaque, &copy);
    vx_clock_resume(debug->config.clock);
    atomic_store(&debug->requested, false); /* what came while it was stopped has had its answer */
}

static bool queue_stops(struct vx_debug *debug)
{
    for (unsigned i = 0; i < debug->queued; i++) {
        struct vx_debug_stop stop = debug->queue[i];
        struct vx_debug_point *point = point_of(debug, stop.point.number);
        if (point == NULL || !point_qualifies(debug, point, &stop))
            continue;
        serve(debug, &stop);
        return true;
    }
    debug->queued = 0;
    return false;
}

static bool point_stops(struct vx_debug *debug, struct vx_debug_point *point)
{
    if (point == NULL)
        return false;
    struct vx_debug_stop stop = stop_here(debug, VX_CAUSE_POINT);
    stop.point = *point;
    serve(debug, &stop);
    return true;
}

static bool asked_to_stop(struct vx_debug *debug)
{
    const struct vx_vcpu *vcpu = debug->vcpu;
    enum vx_stop_cause cause;
    if (vcpu->shutdown && !debug->shutdown_told)
        cause = VX_CAUSE_SHUTDOWN;
    else if (atomic_load(&debug->requested))
        cause = VX_CAUSE_REQUEST;
    else if (debug->start)
        cause = VX_CAUSE_START;
    else
        return false;
    debug->shutdown_told = vcpu->shutdown;
    struct vx_debug_stop stop = stop_here(debug, cause);
    serve(debug, &stop);
    return true;
}

static bool address_stops(struct vx_debug *debug)
{
    bool any = false;
    if (debug->over || debug->execs == 0)
        return false;
    struct vx_debug_point *point = point_here(debug, &any);
    debug->over = any; /* keeps I3 */
    return point_stops(debug, point);
}

/* True when the front was called. */
static bool stops(struct vx_debug *debug, enum vx_debug_go *go)
{
    if (asked_to_stop(debug) || queue_stops(debug))
        return true;
    if (debug->vcpu->halted || debug->vcpu->shutdown) { /* nothing runs: no address is reached, no step is done */
        *go = VX_GO_RUN;
        return false;
    }
    if (address_stops(debug) || point_stops(debug, point_count(debug)))
        return true;
    if (plan_advance(debug, go)) {
        struct vx_debug_stop stop = stop_here(debug, VX_CAUSE_STEP);
        serve(debug, &stop);
        return true;
    }
    return false;
}

enum vx_debug_go vx_debug_boundary(struct vx_debug *debug)
{
    enum vx_debug_go go = VX_GO_RUN;
    if (VX_LIKELY(!debug->has_front))
        return VX_GO_RUN;
    if (!debug->vcpu->shutdown)
        debug->shutdown_told = false;
    if (stops(debug, &go)) {
        if (!debug->has_front) /* it went away while it was asked */
            return VX_GO_LEAVE;
        if ((atomic_load(&debug->vcpu->attention) & VX_ATTN_STOP) || debug->vcpu->halted || debug->vcpu->shutdown ||
            debug->hold_interrupts) /* those that were held may be delivered now */
            return VX_GO_LEAVE;
        plan_advance(debug, &go);
    }
    if (debug->vcpu->halted || debug->vcpu->shutdown)
        return VX_GO_RUN;
    if (traces_insns(debug))
        trace_here(debug);
    return debug->over || traces_insns(debug) ? VX_GO_STEP : go;
}

void vx_debug_stepped(struct vx_debug *debug)
{
    debug->over = false;
    debug->plan.stepped = true;
    if (debug->plan.gate == 0 && debug->plan.left != 0 && debug->plan.left != UINT64_MAX)
        debug->plan.left--;
}

bool vx_debug_events_held(const struct vx_debug *debug)
{
    return debug->hold_interrupts && debug->has_front && debug->plan.kind != PLAN_RUN && debug->plan.gate == 0 &&
           !debug->vcpu->halted;
}
