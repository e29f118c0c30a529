/* split.h - where the time of a machine's thread goes: in exactly one part at any time, so that they are the whole.
 *
 * Whoever begins a part says so, and says again what was before when it ends. Each change looks at the processor's
 * counter (the host's clock where there is none), so it costs some nanoseconds, and nothing but a look at `on` where
 * nobody wants to know. What the looks themselves take is a part too: it is told from their number, so that parts with
 * many short stays are not made larger by being measured. So is the way of a host signal from the faulting instruction
 * to the handler, which belongs to VX_PART_SIGNALS and not to the guest code before it.
 * Thread rule: the machine thread; read after its end, or on it. */
#ifndef VX86_SPLIT_H
#define VX86_SPLIT_H

#include "vx86/compiler.h"

/* In the order in which they are shown: VX_PART(NAME, counter of stats.def). */
#define VX_PART_LIST(VX_PART)                 \
    VX_PART(GUEST, time_guest_ns)             \
    VX_PART(DISPATCHER, time_dispatcher_ns)   \
    VX_PART(LOOKUPS, time_lookups_ns)         \
    VX_PART(TRANSLATOR, time_translator_ns)   \
    VX_PART(INTERPRETER, time_interpreter_ns) \
    VX_PART(CALLOUTS, time_callouts_ns)       \
    VX_PART(FLUSHES, time_flushes_ns)         \
    VX_PART(SIGNALS, time_signals_ns)         \
    VX_PART(DEVICES, time_devices_ns)         \
    VX_PART(IDLE, time_idle_ns)               \
    VX_PART(CLOCK, time_clock_ns)

enum vx_part {
#define VX_PART(name, counter) VX_PART_##name,
    VX_PART_LIST(VX_PART)
#undef VX_PART
        VX_PARTS
};

/* 64-bit counts throughout, as in struct vx_stats, which has one. */
struct vx_split {
    uint64_t on, part, since;
    uint64_t ticks[VX_PARTS], stays[VX_PARTS];
    uint64_t signals;      /* host signals in translated code */
    uint64_t look_ticks;   /* what one look takes */
    uint64_t signal_ticks; /* what a host signal takes before its handler runs */
    uint64_t begin_ticks, begin_ns;
};

#if defined(__x86_64__)
static inline uint64_t vx_split_ticks(void)
{
    return __builtin_ia32_rdtsc();
}
#else
uint64_t vx_split_ticks(void);
#endif

/* The part that begins now. Returns the one that has ended. */
static inline enum vx_part vx_split_to(struct vx_split *split, enum vx_part part)
{
    enum vx_part was = (enum vx_part)split->part;
    if (VX_LIKELY(!split->on))
        return was;
    uint64_t now = vx_split_ticks();
    split->ticks[was] += now - split->since;
    split->stays[was]++;
    split->since = now;
    split->part = part;
    return was;
}

/* From now on, in VX_PART_DISPATCHER. */
void vx_split_start(struct vx_split *split);
/* Nanoseconds in each part since the start. */
void vx_split_read(const struct vx_split *split, uint64_t ns[VX_PARTS]);

#endif
