/* departures.c - a short history of how translated code was left, for who studies it: written by C
 * alone, on every return to it, while the vCPU has a debugger (always, it would cost a system call of the guest a
 * tenth). */
#include "departures.h"

static const char *const reasons[] = {
    [EXIT_DIRECT] = "a direct branch that is not chained",
    [EXIT_INDIRECT] = "an indirect branch that the jump cache does not know",
    [EXIT_INTERP] = "an instruction that is interpreted",
    [EXIT_FAULT] = "a host fault: the instruction is interpreted",
    [EXIT_POLL] = "attention",
    [EXIT_BOUNDARY] = "the end of a unit that is never chained",
    [EXIT_STATE] = "a call-out that changed what the unit was made for",
    [EXIT_ELSEWHERE] = "a call-out that led elsewhere: fault, event or transfer",
    [EXIT_WANTED] = "a call-out behind which C wants to look: attention, interrupt shadow, changed code or mappings",
    [EXIT_UNSHARED] = "a shared probe that missed",
    [EXIT_BUDGET] = "the instruction limit",
    [EXIT_STALE] = "code that has changed",
};

/* In the loop's way: copies, and looks only where what is copied may not live as long. */
void bt_note_departure(struct vx_bt_cpu *cpu, uint64_t entered)
{
    const struct bt_area *area = cpu->area;
    struct bt_departures *all = &cpu->departures;
    struct bt_departure *to = &all->entry[all->count++ % VX_BT_DEPARTURES];
    to->entered = entered;
    to->kind = (uint32_t)area->exit_kind;
    to->exit_eip = area->exit_value;
    to->callout_eip = all->callout_eip;
    to->eip = cpu->vcpu->rip;
    to->cs = cpu->vcpu->seg[VX_CS].sel;
    if (area->exit_kind == EXIT_DIRECT) {
        const struct bt_exit *exit = (const struct bt_exit *)(uintptr_t)area->exit_value;
        to->exit_eip = exit->from->eip;
        to->eip = exit->target_eip;
    } else if (area->exit_kind == EXIT_STALE) {
        to->exit_eip = ((const struct bt_tu *)(uintptr_t)area->exit_value)->eip;
    }
}

bool vx_bt_departure(const struct vx_bt_cpu *cpu, unsigned age, struct vx_bt_departure *departure)
{
    const struct bt_departures *all = &cpu->departures;
    if (age >= VX_BT_DEPARTURES || age >= all->count)
        return false;
    const struct bt_departure *from = &all->entry[(all->count - 1 - age) % VX_BT_DEPARTURES];
    *departure = (struct vx_bt_departure){ .why = reasons[from->kind],
                                           .entered = from->entered,
                                           .at_known = from->kind != EXIT_INDIRECT,
                                           .at = from->exit_eip,
                                           .to_cs = from->cs,
                                           .to = from->exit_eip };
    switch ((enum bt_exit_kind)from->kind) {
    case EXIT_DIRECT: departure->to = from->eip; break;
    case EXIT_STATE:
    case EXIT_ELSEWHERE:
    case EXIT_WANTED:
        departure->at = from->callout_eip;
        departure->to = from->eip;
        break;
    default: break;
    }
    return true;
}
