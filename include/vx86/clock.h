/* clock.h - guest time and timers, the only source of time for devices.
 *
 * A clock has a time in nanoseconds since power-on and a heap of timers. The real clock follows the host's monotonic
 * clock; tests use a fake one that moves only by vx_clock_advance(); a counted one follows the instructions that a CPU
 * has executed, so that the same run comes again. Thread rule: machine thread only. */
#ifndef VX86_CLOCK_H
#define VX86_CLOCK_H

#include "vx86/err.h"

#define VX_NS_PER_SEC 1000000000ull
#define VX_NEVER      UINT64_MAX

struct vx_clock;

struct vx_timer {
    void (*fn)(void *opaque);
    void *opaque;
    uint64_t deadline_ns; /* VX_NEVER: not armed */
    /* private to the clock */
    size_t heap_index;
    unsigned order;
};

VX_MUST_USE vx_err vx_clock_create_real(struct vx_clock **out);
VX_MUST_USE vx_err vx_clock_create_fake(struct vx_clock **out);
/* `mips` (1 to 1000000) million instructions are a second; the wall clock starts at `start_s`. */
VX_MUST_USE vx_err vx_clock_create_counted(uint64_t mips, int64_t start_s, struct vx_clock **out);
void vx_clock_destroy(struct vx_clock *clock);

uint64_t vx_clock_now_ns(struct vx_clock *clock);
/* Fake clocks only: moves time, running the timers that fall due in order, each at its own deadline. */
void vx_clock_advance(struct vx_clock *clock, uint64_t ns);

/* A timer of this clock. Of timers with one deadline the one that was made earlier comes first. */
void vx_timer_init(struct vx_clock *clock, struct vx_timer *timer, void (*fn)(void *), void *opaque);
/* Arms or re-arms at an absolute time; one in the past fires at the next run. VX_NEVER cancels. */
void vx_timer_set(struct vx_clock *clock, struct vx_timer *timer, uint64_t deadline_ns);

/* Runs the timers that are due; returns how many. */
unsigned vx_clock_run(struct vx_clock *clock);
/* Deadline of the first timer in clock time, VX_NEVER if none. */
uint64_t vx_clock_next_ns(const struct vx_clock *clock);
/* The host-monotonic time (vx_host_now_ns) at which clock time `ns` comes; VX_NEVER stays. */
uint64_t vx_clock_to_host_ns(const struct vx_clock *clock, uint64_t ns);

/* ---- counted clocks only */
bool vx_clock_is_counted(const struct vx_clock *clock);
/* The counter that it follows, borrowed; until it is set time stands still at 0. */
void vx_clock_follow(struct vx_clock *clock, const uint64_t *count);
/* The count at which `ns` will have come if nothing skips time; VX_NEVER stays. */
uint64_t vx_clock_count_at(const struct vx_clock *clock, uint64_t ns);
/* The CPU sleeps: it is `ns` now, if it was earlier. */
void vx_clock_skip_to(struct vx_clock *clock, uint64_t ns);

/* Stands still / goes on (a debugger has stopped the guest). The others stand still anyway. */
void vx_clock_pause(struct vx_clock *clock);
void vx_clock_resume(struct vx_clock *clock);

/* Wall clock for the RTC: seconds since 1970-01-01 UTC at this moment (fake clocks start at 2000-01-01 00:00:00). */
int64_t vx_clock_wall_s(struct vx_clock *clock);

/* What of a clock is state: saved with a machine, and set before its chips are loaded, whatever kind of clock it then
 * has. A counted clock goes on exactly, if its counter was loaded first. Armed timers keep their deadlines.
 * VX_ERR_BAD_FORMAT: no clock says such a thing; nothing has changed. */
struct vx_clock_state {
    uint64_t now_ns;
    uint64_t base_ns, base_count; /* of a counted clock: its time at a count; else base_count is VX_NEVER */
};
void vx_clock_get_state(struct vx_clock *clock, struct vx_clock_state *state);
VX_MUST_USE vx_err vx_clock_set_state(struct vx_clock *clock, const struct vx_clock_state *state);

/* a * b / c without overflow of the product (c != 0): for counter and frequency conversions. */
static inline uint64_t vx_muldiv(uint64_t a, uint64_t b, uint64_t c)
{
    return (uint64_t)((unsigned __int128)a * b / c);
}

#endif
