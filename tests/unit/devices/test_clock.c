/* test_clock.c - timers in order, re-arming, cancelling, bounded runs, conversions. */
#include <criterion/criterion.h>
#include <string.h>

#include "vx86/clock.h"
#include "vx86/loop.h"

struct log {
    struct vx_clock *clock;
    struct vx_timer timer[3];
    char text[64];
    uint64_t at[64];
    unsigned count;
};

static void note(struct log *log, char name)
{
    log->at[log->count] = vx_clock_now_ns(log->clock);
    log->text[log->count++] = name;
}
static void fire_a(void *opaque)
{
    note(opaque, 'a');
}
static void fire_b(void *opaque)
{
    struct log *log = opaque;
    note(log, 'b');
    vx_timer_set(log->clock, &log->timer[1], vx_clock_now_ns(log->clock) + 10);
}
static void fire_c(void *opaque)
{
    struct log *log = opaque;
    note(log, 'c');
    vx_timer_set(log->clock, &log->timer[0], VX_NEVER);
}

static void start(struct log *log)
{
    memset(log, 0, sizeof *log);
    cr_assert_eq(vx_clock_create_fake(&log->clock), VX_ERR_OK);
    vx_timer_init(log->clock, &log->timer[0], fire_a, log);
    vx_timer_init(log->clock, &log->timer[1], fire_b, log);
    vx_timer_init(log->clock, &log->timer[2], fire_c, log);
}

Test(clock, fires_in_order_each_at_its_deadline)
{
    struct log log;
    start(&log);
    vx_timer_set(log.clock, &log.timer[0], 35);
    vx_timer_set(log.clock, &log.timer[1], 20);
    cr_assert_eq(vx_clock_next_ns(log.clock), 20);
    vx_clock_advance(log.clock, 45);
    cr_assert_str_eq(log.text, "bbab");
    cr_assert(log.at[0] == 20 && log.at[1] == 30 && log.at[2] == 35 && log.at[3] == 40);
    cr_assert_eq(vx_clock_now_ns(log.clock), 45);
    vx_clock_destroy(log.clock);
}

Test(clock, cancels_and_rearms)
{
    struct log log;
    start(&log);
    vx_timer_set(log.clock, &log.timer[0], 20);
    vx_timer_set(log.clock, &log.timer[2], 10); /* c cancels a */
    vx_clock_advance(log.clock, 100);
    cr_assert_str_eq(log.text, "c");
    vx_timer_set(log.clock, &log.timer[0], 50); /* in the past: at the next run */
    cr_assert_eq(vx_clock_run(log.clock), 1);
    cr_assert_str_eq(log.text, "ca");
    cr_assert_eq(vx_clock_next_ns(log.clock), VX_NEVER);
    vx_clock_destroy(log.clock);
}

static void fire_for_ever(void *opaque)
{
    struct log *log = opaque;
    log->count++;
    vx_timer_set(log->clock, &log->timer[0], 0);
}

Test(clock, a_run_is_bounded)
{
    struct log log;
    start(&log);
    vx_timer_init(log.clock, &log.timer[0], fire_for_ever, &log);
    vx_timer_set(log.clock, &log.timer[0], 0);
    unsigned fired = vx_clock_run(log.clock);
    cr_assert(fired == log.count && fired >= 1 && fired <= 1000);
    vx_clock_destroy(log.clock);
}

static void fire_ordered(void *opaque)
{
    struct log *log = opaque;
    log->count++;
}

/* Random arming and cancelling against the smallest deadline of a plain array. */
Test(clock, heap_keeps_the_first_deadline)
{
    enum { TIMERS = 40, STEPS = 20000 };
    struct log log;
    start(&log);
    static struct vx_timer timers[TIMERS];
    for (unsigned i = 0; i < TIMERS; i++)
        vx_timer_init(log.clock, &timers[i], fire_ordered, &log);
    uint32_t rng = 7, wrong = 0;
    for (unsigned step = 0; step < STEPS; step++) {
        rng = rng * 1664525 + 1013904223;
        vx_timer_set(log.clock, &timers[rng >> 8 & 31], (rng & 7) == 0 ? VX_NEVER : 1000 + (rng >> 16));
        uint64_t first = VX_NEVER;
        for (unsigned i = 0; i < TIMERS; i++)
            first = timers[i].deadline_ns < first ? timers[i].deadline_ns : first;
        wrong += first != vx_clock_next_ns(log.clock);
    }
    cr_assert_eq(wrong, 0);
    vx_clock_destroy(log.clock);
}

/* Whatever the order in which they were armed: a machine that was loaded goes on like the one that was saved. */
Test(clock, timers_of_one_deadline_fire_in_order_of_their_making)
{
    static const unsigned orders[][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 1, 2, 0 }, { 2, 0, 1 } };
    for (unsigned i = 0; i < VX_ARRAY_LEN(orders); i++) {
        struct log log;
        start(&log);
        for (unsigned n = 0; n < 3; n++)
            vx_timer_set(log.clock, &log.timer[orders[i][n]], 100);
        vx_clock_advance(log.clock, 105);
        cr_assert_str_eq(log.text, "abc", "order %u: %s", i, log.text);
        vx_clock_destroy(log.clock);
    }
}

Test(clock, conversions)
{
    struct vx_clock *fake, *real;
    cr_assert_eq(vx_clock_create_fake(&fake), VX_ERR_OK);
    cr_assert_eq(vx_clock_create_real(&real), VX_ERR_OK);
    cr_assert_eq(vx_clock_wall_s(fake), 946684800);
    vx_clock_advance(fake, 61 * VX_NS_PER_SEC);
    cr_assert_eq(vx_clock_wall_s(fake), 946684861);
    cr_assert_eq(vx_clock_to_host_ns(real, VX_NEVER), VX_NEVER);
    cr_assert_eq(vx_clock_to_host_ns(real, VX_NEVER - 1), VX_NEVER);
    uint64_t now = vx_clock_now_ns(real), host = vx_host_now_ns();
    uint64_t back = vx_clock_to_host_ns(real, now);
    cr_assert(back <= host && host - back < VX_NS_PER_SEC);
    cr_assert_eq(vx_muldiv(UINT64_MAX, 1193182, 1193182), UINT64_MAX);
    vx_clock_destroy(fake);
    vx_clock_destroy(real);
}

/* I4 of clock.c, at rates that divide nanoseconds and at such that do not. */
Test(clock, counted_time_is_exact)
{
    static const uint64_t rates[] = { 1, 3, 7, 100, 999, 1000, 1001, 3333, 1000000 };
    static const uint64_t times[] = { 0, 1, 2, 9, 10, 999, 1000, 12345, 1000000007, 1ull << 40, 1ull << 52 };
    for (size_t r = 0; r < VX_ARRAY_LEN(rates); r++)
        for (size_t t = 0; t < VX_ARRAY_LEN(times); t++) {
            struct vx_clock *clock;
            uint64_t count = 5;
            cr_assert_eq(vx_clock_create_counted(rates[r], 0, &clock), VX_ERR_OK);
            cr_assert_eq(vx_clock_now_ns(clock), 0);
            vx_clock_follow(clock, &count);
            cr_assert_eq(vx_clock_now_ns(clock), 0);
            vx_clock_skip_to(clock, 1000);
            uint64_t at = vx_clock_count_at(clock, 1000 + times[t]);
            count = at;
            cr_assert(vx_clock_now_ns(clock) >= 1000 + times[t], "%zu %zu", r, t);
            if (at != 5) {
                count = at - 1;
                cr_assert(vx_clock_now_ns(clock) < 1000 + times[t], "%zu %zu", r, t);
            }
            vx_clock_destroy(clock);
        }
}

Test(clock, counted_time_skips_forward_only)
{
    struct vx_clock *clock;
    uint64_t count = 0;
    cr_assert_eq(vx_clock_create_counted(100, 1000000000, &clock), VX_ERR_OK);
    cr_assert(vx_clock_is_counted(clock));
    vx_clock_follow(clock, &count);
    count = 1000;
    cr_assert_eq(vx_clock_now_ns(clock), 10000);
    vx_clock_skip_to(clock, 9999);
    cr_assert_eq(vx_clock_now_ns(clock), 10000);
    vx_clock_skip_to(clock, 2 * VX_NS_PER_SEC);
    cr_assert_eq(vx_clock_now_ns(clock), 2 * VX_NS_PER_SEC);
    cr_assert_eq(vx_clock_wall_s(clock), 1000000002);
    count += 3;
    cr_assert_eq(vx_clock_now_ns(clock), 2 * VX_NS_PER_SEC + 30);
    cr_assert_eq(vx_clock_count_at(clock, VX_NEVER), VX_NEVER);
    cr_assert_eq(vx_clock_count_at(clock, VX_NEVER - 1), 1000 + (VX_NEVER - 1 - 2 * VX_NS_PER_SEC + 9) / 10);
    cr_assert_eq(vx_clock_to_host_ns(clock, VX_NEVER - 1), VX_NEVER); /* no waiting brings it */
    vx_clock_destroy(clock);
}

/* A counted clock that skipped time and whose instructions are no whole nanoseconds goes on to the nanosecond; between
 * kinds the time of day goes over, and deadlines stay. */
Test(clock, state_goes_from_clock_to_clock)
{
    struct vx_clock *counted[2], *fake, *real;
    struct vx_clock_state state;
    struct log log;
    uint64_t count[2] = { 0, 0 };
    start(&log);
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(vx_clock_create_counted(3333, 0, &counted[i]), VX_ERR_OK);
        vx_clock_follow(counted[i], &count[i]);
    }
    count[0] = 1000;
    vx_clock_skip_to(counted[0], 5000000);
    count[0] = 1001;
    vx_clock_get_state(counted[0], &state);
    count[1] = count[0];
    cr_assert_eq(vx_clock_set_state(counted[1], &state), VX_ERR_OK);
    for (unsigned i = 0; i < 5000; i++, count[0] += 7, count[1] += 7)
        cr_assert_eq(vx_clock_now_ns(counted[0]), vx_clock_now_ns(counted[1]));

    cr_assert_eq(vx_clock_create_fake(&fake), VX_ERR_OK);
    cr_assert_eq(vx_clock_create_real(&real), VX_ERR_OK);
    cr_assert_eq(vx_clock_set_state(fake, &state), VX_ERR_OK);
    cr_assert_eq(vx_clock_now_ns(fake), state.now_ns);
    state.now_ns = state.base_ns = 1ull << 60; /* longer than the host has run */
    cr_assert_eq(vx_clock_set_state(real, &state), VX_ERR_OK);
    uint64_t now = vx_clock_now_ns(real), host = vx_host_now_ns(), back = vx_clock_to_host_ns(real, now);
    cr_assert(now >= 1ull << 60 && now < (1ull << 60) + VX_NS_PER_SEC);
    cr_assert(back <= host && host - back < VX_NS_PER_SEC);
    vx_clock_get_state(real, &state);
    cr_assert_eq(vx_clock_set_state(counted[1], &state), VX_ERR_OK);
    cr_assert_eq(vx_clock_now_ns(counted[1]), state.now_ns);

    vx_timer_set(log.clock, &log.timer[0], 100);
    state = (struct vx_clock_state){ .now_ns = 99, .base_ns = 99, .base_count = VX_NEVER };
    cr_assert_eq(vx_clock_set_state(log.clock, &state), VX_ERR_OK);
    vx_clock_advance(log.clock, 1);
    cr_assert_str_eq(log.text, "a");
    state.now_ns = VX_NEVER;
    cr_assert_eq(vx_clock_set_state(log.clock, &state), VX_ERR_BAD_FORMAT);
    cr_assert_eq(vx_clock_now_ns(log.clock), 100);
    vx_clock_destroy(log.clock);
    vx_clock_destroy(fake);
    vx_clock_destroy(real);
    vx_clock_destroy(counted[0]);
    vx_clock_destroy(counted[1]);
}
