/* The parts of a thread's time. */
#include <criterion/criterion.h>

#include "vx86/host.h"
#include "vx86/stats.h"

static void spend(uint64_t ns)
{
    uint64_t begin = vx_host_now_ns();
    while (vx_host_now_ns() - begin < ns)
        continue;
}

Test(split, off_costs_and_counts_nothing)
{
    struct vx_stats stats = { 0 };
    cr_assert_eq(vx_split_to(&stats.split, VX_PART_DEVICES), VX_PART_GUEST);
    vx_stats_take_times(&stats);
    cr_assert_eq(stats.time_devices_ns + stats.time_guest_ns + stats.time_clock_ns, 0);
    cr_assert_eq(stats.split.stays[VX_PART_GUEST], 0);
}

Test(split, parts_nest_and_add_up)
{
    struct vx_stats stats = { 0 };
    vx_split_start(&stats.split);
    enum vx_part outer = vx_split_to(&stats.split, VX_PART_DEVICES);
    cr_assert_eq(outer, VX_PART_DISPATCHER);
    spend(3000000);
    enum vx_part was = vx_split_to(&stats.split, VX_PART_IDLE);
    cr_assert_eq(was, VX_PART_DEVICES);
    spend(6000000);
    vx_split_to(&stats.split, was);
    vx_split_to(&stats.split, outer);
    uint64_t wall_ns = vx_host_now_ns() - stats.split.begin_ns;
    vx_stats_take_times(&stats);
    cr_expect_geq(stats.time_devices_ns, 2900000u);
    cr_expect_geq(stats.time_idle_ns, 5900000u);
    uint64_t sum_ns = stats.time_devices_ns + stats.time_idle_ns + stats.time_dispatcher_ns + stats.time_clock_ns;
    cr_expect(sum_ns > wall_ns * 98 / 100 && sum_ns < wall_ns * 102 / 100 + 100000, "%llu of %llu ns",
              (unsigned long long)sum_ns, (unsigned long long)wall_ns);
}

/* What is told from a number is taken from the part, but never more than is there. */
Test(split, looks_and_signals_are_taken_out)
{
    struct vx_split split = { .on = 1, .part = VX_PART_IDLE, .look_ticks = 10, .signal_ticks = 1000 };
    uint64_t ns[VX_PARTS];
    split.begin_ticks = vx_split_ticks();
    split.begin_ns = vx_host_now_ns();
    split.ticks[VX_PART_GUEST] = 1u << 30;
    split.stays[VX_PART_GUEST] = 1u << 20;
    split.signals = 1u << 18;
    split.ticks[VX_PART_DEVICES] = 100;
    split.stays[VX_PART_DEVICES] = 1000;
    spend(1000000);
    split.since = vx_split_ticks();
    vx_split_read(&split, ns);
    double guest = (double)((1u << 30) - 10 * (1u << 20) - 1000 * (1u << 18)), clock = 10.0 * (1u << 20) + 100;
    cr_expect_float_eq((double)ns[VX_PART_GUEST] / (double)ns[VX_PART_SIGNALS], guest / (1000.0 * (1u << 18)), 0.001);
    cr_expect_float_eq((double)ns[VX_PART_CLOCK] / (double)ns[VX_PART_SIGNALS], clock / (1000.0 * (1u << 18)), 0.001);
    cr_expect_eq(ns[VX_PART_DEVICES], 0);
}
