/* lapic_timer.c - the local APIC's timer: one-shot or periodic, as a function of the clock. */
#include "lapic_state.h"

#define TIMER_HZ 1000000000ull /* one tick a nanosecond: conversions below are the identity */
_Static_assert(TIMER_HZ == VX_NS_PER_SEC, "timer ticks are nanoseconds");

/* Divide configuration: bits 3, 1, 0 as a number n stand for 2^(n + 1), 7 for 1. */
static uint64_t divisor(const struct lapic *lapic)
{
    unsigned n = (lapic->divide & 3) | (lapic->divide >> 1 & 4);
    return 1u << ((n + 1) & 7);
}

uint32_t lapic_timer_count(struct lapic *lapic)
{
    if (lapic->initial == 0 || lapic->timer_done)
        return 0;
    uint64_t ticks = (vx_clock_now_ns(lapic->clock) - lapic->timer_start_ns) / divisor(lapic);
    if (lapic->lvt[LVT_TIMER] & LVT_PERIODIC)
        return lapic->initial - (uint32_t)(ticks % lapic->initial);
    return ticks >= lapic->initial ? 0 : lapic->initial - (uint32_t)ticks;
}

void lapic_timer_arm(struct lapic *lapic) /* keeps I2 */
{
    uint64_t deadline = VX_NEVER;
    if (lapic->initial != 0 && !(lapic->lvt[LVT_TIMER] & LVT_MASKED) && !lapic->timer_done) {
        uint64_t period = lapic->initial * divisor(lapic), periods = 1;
        if (lapic->lvt[LVT_TIMER] & LVT_PERIODIC) /* periods that the host was too late for are one */
            periods = (vx_clock_now_ns(lapic->clock) - lapic->timer_start_ns) / period + 1;
        deadline = lapic->timer_start_ns + periods * period;
    }
    vx_timer_set(lapic->clock, &lapic->timer, deadline);
}

void lapic_timer_expires(void *opaque)
{
    struct lapic *lapic = opaque;
    if (!(lapic->lvt[LVT_TIMER] & LVT_PERIODIC))
        lapic->timer_done = true;
    lapic_timer_arm(lapic);
    lapic_deliver_local(lapic, LVT_TIMER);
}

void lapic_timer_start(struct lapic *lapic, uint32_t initial)
{
    lapic->initial = initial;
    lapic->timer_start_ns = vx_clock_now_ns(lapic->clock);
    lapic->timer_done = false;
    lapic_timer_arm(lapic);
}

/* The count goes on from where it is when mode or divisor change. */
void lapic_timer_change(struct lapic *lapic, uint32_t *reg, uint32_t value)
{
    uint32_t count = lapic_timer_count(lapic);
    bool was_running = lapic->initial != 0 && count != 0;
    *reg = value;
    if (was_running) {
        uint64_t gone = (uint64_t)(lapic->initial - count) * divisor(lapic);
        uint64_t now = vx_clock_now_ns(lapic->clock);
        lapic->timer_start_ns = now - (gone < now ? gone : now);
    } else if (!(lapic->lvt[LVT_TIMER] & LVT_PERIODIC)) {
        lapic->timer_done = true; /* it ran out while nobody looked */
    }
    lapic_timer_arm(lapic);
}
