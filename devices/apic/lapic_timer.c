/* lapic_timer.c - the local APIC's timer: one-shot or periodic, as a function of the clock, or at a moment of the TSC.
 * */
#include "lapic_state.h"

#define TIMER_HZ 1000000000ull /* one tick a nanosecond: conversions below are the identity */
_Static_assert(TIMER_HZ == VX_NS_PER_SEC, "timer ticks are nanoseconds");

/* Divide configuration: bits 3, 1, 0 as a number n stand for 2^(n + 1), 7 for 1. */
static uint64_t divisor(const struct lapic *lapic)
{
    unsigned n = (lapic->divide & 3) | (lapic->divide >> 1 & 4);
    return 1u << ((n + 1) & 7);
}

static bool by_deadline(const struct lapic *lapic)
{
    return lapic->lvt[LVT_TIMER] & LVT_TSC_DEADLINE;
}

uint32_t lapic_timer_count(const struct lapic *lapic)
{
    if (lapic->initial == 0 || lapic->timer_done)
        return 0;
    uint64_t ticks = (vx_clock_now_ns(lapic->clock) - lapic->timer_start_ns) / divisor(lapic);
    if (lapic->lvt[LVT_TIMER] & LVT_PERIODIC)
        return lapic->initial - (uint32_t)(ticks % lapic->initial);
    return ticks >= lapic->initial ? 0 : lapic->initial - (uint32_t)ticks;
}

static uint64_t count_end_ns(const struct lapic *lapic)
{
    if (lapic->initial == 0 || (lapic->lvt[LVT_TIMER] & LVT_MASKED) || lapic->timer_done)
        return VX_NEVER;
    uint64_t period = lapic->initial * divisor(lapic), periods = 1;
    if (lapic->lvt[LVT_TIMER] & LVT_PERIODIC) /* periods that the host was too late for are one */
        periods = (vx_clock_now_ns(lapic->clock) - lapic->timer_start_ns) / period + 1;
    return lapic->timer_start_ns + periods * period;
}

/* When the TSC gets to the deadline: it has, with an offset that takes it there at once, and it will not in 292 years.
 * */
static uint64_t deadline_ns(const struct lapic *lapic)
{
    int64_t offset = (int64_t)lapic->tsc_offset;
    if (lapic->tsc_deadline == 0)
        return VX_NEVER;
    if (offset >= 0)
        return lapic->tsc_deadline > (uint64_t)offset ? lapic->tsc_deadline - (uint64_t)offset : 0;
    uint64_t ns = lapic->tsc_deadline - (uint64_t)offset;
    return ns < lapic->tsc_deadline ? VX_NEVER : ns;
}

void lapic_timer_arm(struct lapic *lapic) /* keeps I2 */
{
    vx_timer_set(lapic->clock, &lapic->timer, by_deadline(lapic) ? deadline_ns(lapic) : count_end_ns(lapic));
}

void lapic_timer_expires(void *opaque)
{
    struct lapic *lapic = opaque;
    lapic->tsc_deadline = 0;
    if (!(lapic->lvt[LVT_TIMER] & LVT_PERIODIC))
        lapic->timer_done = true;
    lapic_timer_arm(lapic);
    lapic_deliver_local(lapic, LVT_TIMER);
}

/* By TSC deadline the count registers do nothing. */
void lapic_timer_start(struct lapic *lapic, uint32_t initial)
{
    if (by_deadline(lapic))
        return;
    lapic->initial = initial;
    lapic->timer_start_ns = vx_clock_now_ns(lapic->clock);
    lapic->timer_done = false;
    lapic_timer_arm(lapic);
}

/* The count goes on from where it is when mode or divisor change, and stays at 0 where it has run out, though nobody
 * may have looked. Between counting and deadline the timer is disarmed. */
void lapic_timer_change(struct lapic *lapic, uint32_t *reg, uint32_t value)
{
    uint32_t count = lapic_timer_count(lapic);
    bool had_deadline = by_deadline(lapic);
    *reg = value;
    if (had_deadline != by_deadline(lapic)) {
        lapic->tsc_deadline = 0;
        lapic->initial = 0;
    } else if (count != 0) {
        uint64_t gone = (uint64_t)(lapic->initial - count) * divisor(lapic);
        uint64_t now = vx_clock_now_ns(lapic->clock);
        lapic->timer_start_ns = now - (gone < now ? gone : now);
    } else {
        lapic->timer_done = true;
    }
    lapic_timer_arm(lapic);
}

uint64_t lapic_tsc_deadline(struct lapic *lapic)
{
    if (vx_clock_now_ns(lapic->clock) >= deadline_ns(lapic)) /* the timer is late */
        lapic_timer_expires(lapic);
    return lapic->tsc_deadline;
}

void lapic_set_tsc_deadline(struct lapic *lapic, uint64_t deadline, uint64_t offset)
{
    if (!by_deadline(lapic))
        return;
    lapic->tsc_deadline = deadline;
    lapic->tsc_offset = offset;
    lapic_timer_arm(lapic);
}
