/* split.c - the parts of a thread's time, in nanoseconds. See vx86/split.h. */
#include "vx86/split.h"

#include <string.h>

#include "vx86/host.h"

#if !defined(__x86_64__)
uint64_t vx_split_ticks(void)
{
    return vx_host_now_ns();
}
#endif

/* The least of many: what the host does in between is not the look's. */
static uint64_t measure_look(struct vx_split *split)
{
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t before = split->since;
        vx_split_to(split, VX_PART_CLOCK);
        uint64_t took = split->since - before;
        least = took < least && i > 0 ? took : least;
    }
    return least;
}

void vx_split_start(struct vx_split *split)
{
    uint64_t signal_ticks = split->signal_ticks;
    *split = (struct vx_split){ .on = 1, .since = vx_split_ticks() };
    uint64_t look_ticks = measure_look(split);
    *split = (struct vx_split){ .on = 1,
                                .part = VX_PART_DISPATCHER,
                                .look_ticks = look_ticks,
                                .signal_ticks = signal_ticks,
                                .begin_ticks = vx_split_ticks(),
                                .begin_ns = vx_host_now_ns() };
    split->since = split->begin_ticks;
}

/* Moves what is told from a number, but never more than there is. */
static void move(uint64_t ticks[VX_PARTS], enum vx_part from, enum vx_part to, uint64_t count)
{
    uint64_t moved = count < ticks[from] ? count : ticks[from];
    ticks[from] -= moved;
    ticks[to] += moved;
}

void vx_split_read(const struct vx_split *split, uint64_t ns[VX_PARTS])
{
    uint64_t ticks[VX_PARTS], now_ticks = vx_split_ticks(), now_ns = vx_host_now_ns();
    memset(ns, 0, VX_PARTS * sizeof *ns);
    if (!split->on || now_ticks <= split->begin_ticks)
        return;
    memcpy(ticks, split->ticks, sizeof ticks);
    ticks[split->part] += now_ticks - split->since;
    for (enum vx_part part = 0; part < VX_PARTS; part++)
        if (part != VX_PART_CLOCK)
            move(ticks, part, VX_PART_CLOCK, split->stays[part] * split->look_ticks);
    move(ticks, VX_PART_GUEST, VX_PART_SIGNALS, split->signals * split->signal_ticks);
    double tick_ns = (double)(now_ns - split->begin_ns) / (double)(now_ticks - split->begin_ticks);
    for (enum vx_part part = 0; part < VX_PARTS; part++)
        ns[part] = (uint64_t)((double)ticks[part] * tick_ns);
}
