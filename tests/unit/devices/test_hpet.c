/* test_hpet.c - register values, matches under a fake clock, legacy routing, 32-bit mode, counter writes, state. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "hpet.h"
#include "peeked.h"

enum { IRQ0, IRQ8, PIN20, PIN21, PIN22, PIN23, LINES };
enum { CAPABILITIES = 0x000, CONFIG = 0x010, STATUS = 0x020, COUNTER = 0x0F0 };
#define CONF(n)       (0x100u + 0x20u * (n))
#define COMPARATOR(n) (CONF(n) + 8)
enum { ENABLE = 1, LEGACY = 2 };
enum { LEVEL = 1 << 1, INT = 1 << 2, PERIODIC = 1 << 3, VAL_SET = 1 << 6, BITS_32 = 1 << 8 };
#define ROUTE(pin) ((pin) << 9)
#define TICK_NS    10u
#define CAN        0x00F0000000000030ull /* what a timer is capable of */

struct rig {
    struct vx_log *log;
    struct vx_stats stats;
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct hpet *hpet;
    bool level[LINES];
    unsigned rises[LINES];
};

static void line(void *opaque, unsigned n, bool level)
{
    struct rig *rig = opaque;
    rig->rises[n] += level && !rig->level[n];
    rig->level[n] = level;
}

static void start(struct rig *rig)
{
    *rig = (struct rig){ .log = vx_log_create(stderr) };
    cr_assert_eq(vx_bus_create(rig->log, &rig->stats, &rig->bus), VX_ERR_OK);
    cr_assert_eq(vx_clock_create_fake(&rig->clock), VX_ERR_OK);
    struct hpet_config config = { .bus = rig->bus, .clock = rig->clock };
    for (unsigned i = 0; i < LINES; i++)
        *(i < PIN20 ? &config.legacy[i] : &config.pin[i - PIN20]) = (struct vx_irq){ line, rig, i };
    cr_assert_eq(hpet_create(&config, &rig->hpet), VX_ERR_OK);
}

static void finish(struct rig *rig)
{
    hpet_type.destroy(rig->hpet);
    vx_bus_destroy(rig->bus);
    vx_clock_destroy(rig->clock);
    vx_log_destroy(rig->log);
}

static uint64_t in(struct rig *rig, unsigned reg)
{
    return peeked_read(rig->bus, HPET_BASE + reg, 8);
}

static void out(struct rig *rig, unsigned reg, uint64_t value)
{
    vx_bus_write(rig->bus, VX_SPACE_MEMORY, HPET_BASE + reg, 8, value);
}

static uint32_t in32(struct rig *rig, unsigned reg)
{
    return (uint32_t)peeked_read(rig->bus, HPET_BASE + reg, 4);
}

static void out32(struct rig *rig, unsigned reg, uint32_t value)
{
    vx_bus_write(rig->bus, VX_SPACE_MEMORY, HPET_BASE + reg, 4, value);
}

static void ticks(struct rig *rig, uint64_t count)
{
    vx_clock_advance(rig->clock, count * TICK_NS);
}

/* Rises of a line since the last look. */
static unsigned rises(struct rig *rig, unsigned n)
{
    unsigned count = rig->rises[n];
    rig->rises[n] = 0;
    return count;
}

/* ---- registers --------------------------------------------------------------------------------------------------- */

static const struct {
    unsigned reg;
    uint64_t after_reset, written, reads;
} registers[] = {
    { CAPABILITIES, 0x009896808086A201, 0, 0x009896808086A201 },
    { CONFIG, 0, 0xFFFFFFFFFFFFFFFE, LEGACY },
    { STATUS, 0, UINT64_MAX, 0 },
    { COUNTER, 0, 0x1122334455667788, 0x1122334455667788 },
    { CONF(0), CAN, LEVEL | INT | PERIODIC | VAL_SET | BITS_32 | ROUTE(21) | 0xC001, CAN | 0x2B4E },
    { CONF(1), CAN, 0xFFFFFFFF00000000 | ROUTE(3), CAN }, /* pin 3 it has not got */
    { COMPARATOR(1), UINT64_MAX, 0x8877665544332211, 0x8877665544332211 },
    { CONF(2), CAN, ROUTE(23), CAN | ROUTE(23) },
    { CONF(2) + 0x10, 0, UINT64_MAX, 0 },
    { 0x160, 0, UINT64_MAX, 0 },
    { 0x3F8, 0, UINT64_MAX, 0 },
};

Test(hpet, registers)
{
    struct rig rig;
    start(&rig);
    for (size_t i = 0; i < VX_ARRAY_LEN(registers); i++)
        cr_assert_eq(in(&rig, registers[i].reg), registers[i].after_reset, "%03x after reset", registers[i].reg);
    for (size_t i = 0; i < VX_ARRAY_LEN(registers); i++) {
        out(&rig, registers[i].reg, registers[i].written);
        cr_assert_eq(in(&rig, registers[i].reg), registers[i].reads, "%03x: %llx", registers[i].reg,
                     (unsigned long long)in(&rig, registers[i].reg));
    }
    cr_assert_eq(in32(&rig, CAPABILITIES + 4), 10000000);
    cr_assert_eq(vx_bus_read(rig.bus, VX_SPACE_MEMORY, HPET_BASE + 1, 1), 0xA2);
    out32(&rig, COUNTER + 4, 5); /* halves */
    cr_assert_eq(in(&rig, COUNTER), 0x0000000555667788);
    vx_bus_write(rig.bus, VX_SPACE_MEMORY, HPET_BASE + COUNTER, 2, 7); /* too narrow */
    cr_assert_eq(in(&rig, COUNTER), 0x0000000555667788);
    hpet_type.reset(rig.hpet, VX_RESET_HOLD);
    hpet_type.reset(rig.hpet, VX_RESET_RELEASE);
    for (size_t i = 0; i < VX_ARRAY_LEN(registers); i++)
        cr_assert_eq(in(&rig, registers[i].reg), registers[i].after_reset, "%03x after reset", registers[i].reg);
    finish(&rig);
}

Test(hpet, counter_runs_and_halts)
{
    struct rig rig;
    start(&rig);
    ticks(&rig, 1000);
    cr_assert_eq(in(&rig, COUNTER), 0);
    out(&rig, COUNTER, 0xFFFFFFF0);
    out(&rig, CONFIG, ENABLE);
    ticks(&rig, 0x20);
    cr_assert_eq(in(&rig, COUNTER), 0x100000010);
    vx_clock_advance(rig.clock, TICK_NS - 1);
    cr_assert_eq(in32(&rig, COUNTER), 0x10);
    vx_clock_advance(rig.clock, 1);
    cr_assert_eq(in32(&rig, COUNTER), 0x11);
    out(&rig, CONFIG, 0);
    ticks(&rig, 1000);
    cr_assert_eq(in(&rig, COUNTER), 0x100000011);
    out(&rig, COUNTER, 5);
    out(&rig, CONFIG, ENABLE);
    ticks(&rig, 3);
    cr_assert_eq(in(&rig, COUNTER), 8);
    out32(&rig, COUNTER, 100); /* while it runs, too */
    ticks(&rig, 1);
    cr_assert_eq(in(&rig, COUNTER), 101);
    finish(&rig);
}

/* ---- matches ----------------------------------------------------------------------------------------------------- */

Test(hpet, one_shot)
{
    struct rig rig;
    start(&rig);
    out(&rig, CONF(0), INT | ROUTE(20));
    out(&rig, COMPARATOR(0), 500);
    ticks(&rig, 1000);
    cr_assert_eq(rises(&rig, PIN20), 0, "the counter is halted");
    out(&rig, CONFIG, ENABLE);
    ticks(&rig, 499);
    cr_assert_eq(rises(&rig, PIN20), 0);
    ticks(&rig, 1);
    cr_assert_eq(rises(&rig, PIN20), 1);
    cr_assert(rig.level[PIN20], "an edge stays up for who samples lines");
    cr_assert_eq(in(&rig, STATUS), 0, "no status in edge mode");
    ticks(&rig, 1u << 31);
    cr_assert_eq(rises(&rig, PIN20), 0);
    out(&rig, COMPARATOR(0), in(&rig, COUNTER) + 7);
    ticks(&rig, 7);
    cr_assert_eq(rises(&rig, PIN20), 1, "the next edge");
    out(&rig, COMPARATOR(0), in(&rig, COUNTER)); /* now */
    vx_clock_run(rig.clock);
    cr_assert_eq(rises(&rig, PIN20), 1);
    out(&rig, COMPARATOR(0), in(&rig, COUNTER) - 1); /* just missed: 64 bits do not come round */
    ticks(&rig, 1ull << 33);
    cr_assert_eq(rises(&rig, PIN20), 0);
    out(&rig, CONF(0), ROUTE(20));
    cr_assert(!rig.level[PIN20]);
    out(&rig, COMPARATOR(0), in(&rig, COUNTER) + 7);
    cr_assert_eq(vx_clock_next_ns(rig.clock), VX_NEVER, "who may not interrupt wakes nobody");
    ticks(&rig, 20);
    cr_assert_eq(rises(&rig, PIN20), 0);
    finish(&rig);
}

Test(hpet, one_shot_of_32_bits_comes_round)
{
    struct rig rig;
    start(&rig);
    out(&rig, COUNTER, 0x7FFFFFFF0);
    out(&rig, COMPARATOR(2), 0x1122334400000010);
    out(&rig, CONF(2), INT | BITS_32 | ROUTE(23));
    cr_assert_eq(in(&rig, COMPARATOR(2)), 0x10, "what is above 32 bits is gone");
    out32(&rig, COMPARATOR(2) + 4, 9);
    cr_assert_eq(in(&rig, COMPARATOR(2)), 0x10);
    out(&rig, CONFIG, ENABLE);
    ticks(&rig, 0x1F);
    cr_assert_eq(rises(&rig, PIN23), 0);
    ticks(&rig, 1);
    cr_assert_eq(rises(&rig, PIN23), 1);
    ticks(&rig, 0xFFFFFFFF);
    cr_assert_eq(rises(&rig, PIN23), 0);
    ticks(&rig, 1);
    cr_assert_eq(rises(&rig, PIN23), 1);
    finish(&rig);
}

/* As the specification has it (VAL_SET, one write), and as drivers do for chips that need two. */
Test(hpet, periodic)
{
    struct rig rig;
    start(&rig);
    out(&rig, CONF(1), INT | PERIODIC | VAL_SET | ROUTE(22));
    out(&rig, COMPARATOR(1), 1000);
    cr_assert_eq(in(&rig, CONF(1)), CAN | INT | PERIODIC | ROUTE(22), "VAL_SET goes");
    out(&rig, CONFIG, ENABLE);
    ticks(&rig, 1000);
    cr_assert_eq(rises(&rig, PIN22), 1);
    cr_assert_eq(in(&rig, COMPARATOR(1)), 2000);
    ticks(&rig, 10000);
    cr_assert_eq(rises(&rig, PIN22), 10);
    out(&rig, COMPARATOR(1), 300); /* without VAL_SET: the period, from the next match on */
    cr_assert_eq(in(&rig, COMPARATOR(1)), 12000);
    ticks(&rig, 1000);
    cr_assert_eq(rises(&rig, PIN22), 1);
    ticks(&rig, 600);
    cr_assert_eq(rises(&rig, PIN22), 2);
    cr_assert_eq(in(&rig, COMPARATOR(1)), 12900);

    out32(&rig, CONF(1), INT | PERIODIC | VAL_SET | BITS_32 | ROUTE(22));
    out32(&rig, COMPARATOR(1), in32(&rig, COUNTER) + 50);
    out32(&rig, COMPARATOR(1), 200);
    ticks(&rig, 50);
    cr_assert_eq(rises(&rig, PIN22), 1);
    ticks(&rig, 400);
    cr_assert_eq(rises(&rig, PIN22), 2);

    /* interrupts off and on again: the comparator has gone on meanwhile, and nobody was woken */
    uint32_t next = in32(&rig, COMPARATOR(1));
    out32(&rig, CONF(1), PERIODIC | BITS_32 | ROUTE(22));
    cr_assert_eq(vx_clock_next_ns(rig.clock), VX_NEVER);
    ticks(&rig, 2000);
    cr_assert_eq(in32(&rig, COMPARATOR(1)), next + 2000);
    out32(&rig, CONF(1), INT | PERIODIC | BITS_32 | ROUTE(22));
    ticks(&rig, 200);
    cr_assert_eq(rises(&rig, PIN22), 1);
    finish(&rig);
}

/* Periods that have passed unseen are one interrupt, periods of nothing none; absurd ones do not stop the machine. */
Test(hpet, periodic_edges_of_sense)
{
    struct rig rig;
    start(&rig);
    out(&rig, CONF(0), INT | PERIODIC | VAL_SET | ROUTE(20));
    out(&rig, COMPARATOR(0), 0);
    out(&rig, CONFIG, ENABLE);
    ticks(&rig, 1u << 20);
    cr_assert_leq(rises(&rig, PIN20), 1);
    out(&rig, CONF(0), INT | PERIODIC | VAL_SET | ROUTE(20));
    out(&rig, COMPARATOR(0), in(&rig, COUNTER) + 1);
    out(&rig, COMPARATOR(0), 1);
    ticks(&rig, 100000);
    unsigned count = rises(&rig, PIN20);
    cr_assert(count > 900 && count < 1100, "%u", count);
    cr_assert_eq(in(&rig, COMPARATOR(0)), in(&rig, COUNTER) + 1);

    struct vx_clock_state late;
    out(&rig, CONF(0), INT | PERIODIC | VAL_SET | ROUTE(20));
    out(&rig, COMPARATOR(0), in(&rig, COUNTER) + 1000);
    out(&rig, COMPARATOR(0), 1000);
    rises(&rig, PIN20);
    vx_clock_get_state(rig.clock, &late);
    late.now_ns = late.base_ns += 5500 * TICK_NS;
    cr_assert_eq(vx_clock_set_state(rig.clock, &late), VX_ERR_OK);
    vx_clock_run(rig.clock);
    cr_assert_eq(rises(&rig, PIN20), 1);
    ticks(&rig, 500);
    cr_assert_eq(rises(&rig, PIN20), 1, "in step");
    finish(&rig);
}

Test(hpet, level_interrupts_stay_until_their_status_is_cleared)
{
    struct rig rig;
    start(&rig);
    out(&rig, CONF(2), LEVEL | INT | ROUTE(21));
    out(&rig, COMPARATOR(2), 100);
    out(&rig, CONF(1), LEVEL | ROUTE(21)); /* interrupts off: a status all the same */
    out(&rig, COMPARATOR(1), 100);
    out(&rig, CONFIG, ENABLE);
    ticks(&rig, 100);
    cr_assert(rig.level[PIN21]);
    cr_assert_eq(in(&rig, STATUS), 6);
    out(&rig, STATUS, 2);
    cr_assert(rig.level[PIN21]);
    out(&rig, CONFIG, 0); /* masks, and keeps the status */
    cr_assert(!rig.level[PIN21] && in(&rig, STATUS) == 4);
    out(&rig, CONFIG, ENABLE);
    cr_assert(rig.level[PIN21]);
    out(&rig, CONF(2), LEVEL | INT | ROUTE(23)); /* moves */
    cr_assert(!rig.level[PIN21] && rig.level[PIN23]);
    out(&rig, STATUS, 4);
    cr_assert(!rig.level[PIN23] && in(&rig, STATUS) == 0);
    finish(&rig);
}

/* ---- legacy replacement ------------------------------------------------------------------------------------------ */

Test(hpet, legacy_replacement)
{
    struct rig rig;
    start(&rig);
    struct vx_irq pit = hpet_legacy_input(rig.hpet, HPET_IRQ0), rtc = hpet_legacy_input(rig.hpet, HPET_IRQ8);
    vx_irq_raise(&pit);
    cr_assert(rig.level[IRQ0] && !rig.level[IRQ8], "passed on");
    vx_irq_raise(&rtc);
    cr_assert(rig.level[IRQ8]);
    for (unsigned n = 0; n < 3; n++) {
        out(&rig, CONF(n), INT | PERIODIC | VAL_SET | ROUTE(20 + n));
        out(&rig, COMPARATOR(n), 1000 * (n + 1));
    }
    out(&rig, CONFIG, ENABLE | LEGACY);
    cr_assert(!rig.level[IRQ0] && !rig.level[IRQ8], "taken over");
    for (unsigned i = 0; i < LINES; i++)
        rises(&rig, i);
    vx_irq_lower(&pit);
    vx_irq_raise(&pit);
    vx_irq_lower(&rtc);
    ticks(&rig, 6000);
    cr_assert(rises(&rig, IRQ0) == 6 && rises(&rig, IRQ8) == 3 && rises(&rig, PIN22) == 2);
    cr_assert(rises(&rig, PIN20) == 0 && rises(&rig, PIN21) == 0, "their pins are out of use");
    out(&rig, CONFIG, ENABLE);
    cr_assert(rig.level[IRQ0] && !rig.level[IRQ8], "as the 8254 and the RTC are now");
    ticks(&rig, 1000);
    cr_assert(rises(&rig, PIN20) == 1);
    hpet_type.reset(rig.hpet, VX_RESET_HOLD);
    hpet_type.reset(rig.hpet, VX_RESET_RELEASE);
    cr_assert(rig.level[IRQ0] && !rig.level[IRQ8] && !rig.level[PIN20] && !rig.level[PIN22]);
    finish(&rig);
}

/* ---- state ------------------------------------------------------------------------------------------------------- */

Test(hpet, goes_on_from_its_state)
{
    struct rig one, other;
    struct state_buffer saved = { 0 };
    struct state_error error;
    struct vx_clock_state time;
    start(&one);
    start(&other);
    out(&one, CONF(0), INT | PERIODIC | VAL_SET);
    out(&one, COMPARATOR(0), 700);
    out(&one, CONF(2), LEVEL | INT | ROUTE(22));
    out(&one, COMPARATOR(2), 1500);
    ticks(&one, 77);
    out(&one, CONFIG, ENABLE | LEGACY);
    ticks(&one, 1234);
    vx_clock_get_state(one.clock, &time);
    cr_assert_eq(vx_clock_set_state(other.clock, &time), VX_ERR_OK);
    cr_assert_eq(state_save(&hpet_type, one.hpet, &saved), VX_ERR_OK);
    cr_assert_eq(state_load(&hpet_type, other.hpet, saved.bytes, saved.count, false, &error), VX_ERR_OK);
    other.level[IRQ0] = one.level[IRQ0]; /* a line's level is its listener's to keep */
    rises(&one, IRQ0);
    for (unsigned i = 0; i < 100; i++) {
        ticks(&one, 33);
        ticks(&other, 33);
        cr_assert(in(&one, COUNTER) == in(&other, COUNTER) && in(&one, COMPARATOR(0)) == in(&other, COMPARATOR(0)));
        cr_assert(rises(&one, IRQ0) == rises(&other, IRQ0) && one.level[PIN22] == other.level[PIN22]);
    }
    cr_assert(one.level[PIN22]);
    free(saved.bytes);
    finish(&one);
    finish(&other);
}
