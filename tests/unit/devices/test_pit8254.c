/* test_pit8254.c - the counters against the data sheet's timing diagrams, and the chip's ports and IRQ 0. */
#include <criterion/criterion.h>

#include "pit_counter.h"
#include "port61.h"
#include "port_script.h"

/* ---- one counter, tick by tick ---- */

/* Control word and count are written at tick 0; from there on OUT and the value read back at each tick. The diagrams of
 * the data sheet ("Mode 0" ... "Mode 5", first diagram each), the count being loaded by the clock after the write. */
/* clang-format off */
static const struct {
    uint8_t mode;
    bool bcd;
    uint16_t count;
    int gate_rises_at;       /* -1: high from the start */
    const char *out;         /* L or H, from tick 1 */
    int value[12];           /* from tick 1; -1: not checked */
} diagrams[] = {
    { 0, false, 4, -1, "LLLLHHHH", { 4, 3, 2, 1, 0, 0xFFFF, 0xFFFE, 0xFFFD } },
    { 0, true, 3, -1, "LLLHHHHH", { 3, 2, 1, 0, 0x9999, 0x9998, 0x9997, 0x9996 } },
    { 1, false, 3, 2, "HHLLLHHH", { -1, -1, 3, 2, 1, 0, 0xFFFF, 0xFFFE } },
    { 2, false, 3, -1, "HHLHHLHH", { 3, 2, 1, 3, 2, 1, 3, 2 } },
    { 3, false, 4, -1, "HHLLHHLL", { 4, 2, 4, 2, 4, 2, 4, 2 } },
    { 3, false, 5, -1, "HHHLLHHHLL", { 4, 2, 0, 4, 2, 4, 2, 0, 4, 2 } },
    { 4, false, 3, -1, "HHHLHHHH", { 3, 2, 1, 0, 0xFFFF, 0xFFFE, 0xFFFD, 0xFFFC } },
    { 5, false, 3, 2, "HHHHHLHH", { -1, -1, 3, 2, 1, 0, 0xFFFF, 0xFFFE } },
};
/* clang-format on */

static unsigned read_value(struct pit_counter *c, int64_t t)
{
    pit_counter_latch_count(c, t);
    unsigned low = pit_counter_read(c, t);
    return pit_counter_read(c, t) << 8 | low;
}

Test(pit8254, data_sheet_diagrams)
{
    char bad[96] = "";
    for (size_t i = 0; i < VX_ARRAY_LEN(diagrams) && bad[0] == '\0'; i++) {
        struct pit_counter c;
        pit_counter_reset(&c, diagrams[i].gate_rises_at < 0);
        pit_counter_control(&c, (uint8_t)(0x30 | diagrams[i].mode << 1 | diagrams[i].bcd), 0);
        pit_counter_write(&c, (uint8_t)diagrams[i].count, 0);
        pit_counter_write(&c, (uint8_t)(diagrams[i].count >> 8), 0);
        for (int t = 1; diagrams[i].out[t - 1] != '\0' && bad[0] == '\0'; t++) {
            bool out = pit_counter_out(&c, t);
            int value = (int)read_value(&c, t), want = diagrams[i].value[t - 1];
            if (out != (diagrams[i].out[t - 1] == 'H') || (want >= 0 && value != want))
                snprintf(bad, sizeof bad, "row %zu (mode %u) tick %d: out %d value %x", i, diagrams[i].mode, t, out,
                         value);
            if (diagrams[i].gate_rises_at == t)
                pit_counter_set_gate(&c, true, t);
        }
    }
    cr_assert(bad[0] == '\0', "%s", bad);
}

/* Next_rise and next_fall, asked as the chip does, must name exactly the ticks at which OUT goes up and down. */
static int64_t next_edge(struct pit_counter *c, int64_t t)
{
    return pit_counter_out(c, t) ? pit_counter_next_fall(c, t) : pit_counter_next_rise(c, t);
}

Test(pit8254, edges_are_where_out_moves)
{
    char bad[96] = "";
    for (unsigned mode = 0; mode < 6; mode++)
        for (unsigned count = 2; count < 9 && bad[0] == '\0'; count++) {
            struct pit_counter c;
            pit_counter_reset(&c, mode != 1 && mode != 5);
            pit_counter_control(&c, (uint8_t)(0x10 | mode << 1), 0);
            pit_counter_write(&c, (uint8_t)count, 0);
            pit_counter_set_gate(&c, true, 1);
            int64_t next = next_edge(&c, 1);
            bool was = pit_counter_out(&c, 1);
            for (int64_t t = 2; t < 40 && bad[0] == '\0'; t++) {
                if (t == 17) { /* a new count in the middle */
                    pit_counter_write(&c, (uint8_t)(count + 3), t);
                    next = next_edge(&c, t);
                    was = pit_counter_out(&c, t);
                    continue;
                }
                bool out = pit_counter_out(&c, t);
                if ((out != was) != (t == next))
                    snprintf(bad, sizeof bad, "mode %u count %u: tick %lld", mode, count, (long long)t);
                was = out;
                if (t == next)
                    next = next_edge(&c, t);
            }
        }
    cr_assert(bad[0] == '\0', "%s", bad);
}

Test(pit8254, gate_stops_and_goes_on)
{
    struct pit_counter c;
    pit_counter_reset(&c, true);
    pit_counter_control(&c, 0x30, 0); /* mode 0 */
    pit_counter_write(&c, 10, 0);
    pit_counter_write(&c, 0, 0);
    pit_counter_set_gate(&c, false, 4); /* loaded at 1, so 7 at tick 4 */
    cr_assert_eq(read_value(&c, 9), 7);
    cr_assert_eq(pit_counter_next_rise(&c, 9), PIT_NO_TICK);
    pit_counter_set_gate(&c, true, 10);
    cr_assert_eq(read_value(&c, 12), 5);
    cr_assert_eq(pit_counter_next_rise(&c, 12), 17);
    pit_counter_set_gate(&c, false, 20); /* long past the end: 65533 */
    cr_assert(pit_counter_out(&c, 30));
    pit_counter_set_gate(&c, true, 30);
    cr_assert_eq(read_value(&c, 31), 0xFFFC);
    cr_assert(pit_counter_out(&c, 31));
}

Test(pit8254, new_count_waits_for_the_period_or_half_period)
{
    struct pit_counter c;
    pit_counter_reset(&c, true);
    pit_counter_control(&c, 0x14, 0); /* mode 2, LSB */
    pit_counter_write(&c, 10, 0);
    pit_counter_write(&c, 4, 5);
    cr_assert_eq(pit_counter_read(&c, 10), 1);
    cr_assert_eq(pit_counter_read(&c, 11), 4);
    cr_assert_eq(pit_counter_next_rise(&c, 11), 15);

    pit_counter_reset(&c, true);
    pit_counter_control(&c, 0x16, 0); /* mode 3: high 1-5, low 6-10 */
    pit_counter_write(&c, 10, 0);
    pit_counter_write(&c, 4, 3); /* in the high half: low half of the new count from 6 on */
    cr_assert(!pit_counter_out(&c, 6) && !pit_counter_out(&c, 7) && pit_counter_out(&c, 8) && pit_counter_out(&c, 9));
    cr_assert(!pit_counter_out(&c, 10));
}

/* ---- the chip ---- */

enum { CH0 = 0x40, CH2 = 0x42, CW = 0x43, PORT61 = 0x61 };
enum { OUT0 = 0 };

static void run(const char *name, const struct port_step *steps, size_t count)
{
    struct port_rig rig;
    char what[128] = "";
    struct pit *pit;
    struct port61 *port61;
    port_rig_init(&rig);
    cr_assert_eq(
        pit_create(&(struct pit_config){ .bus = rig.bus, .clock = rig.clock, .out0 = port_rig_irq(&rig, OUT0) }, &pit),
        VX_ERR_OK);
    cr_assert_eq(port61_create(&(struct port61_config){ .bus = rig.bus, .clock = rig.clock, .pit = pit }, &port61),
                 VX_ERR_OK);
    bool held = port_script_run(&rig, steps, count, what);
    port61_type.destroy(port61);
    pit_type.destroy(pit);
    port_rig_fini(&rig);
    cr_assert(held, "%s: %s", name, what);
}
#define RUN(steps) run(#steps, steps, VX_ARRAY_LEN(steps))

/* 100 Hz: 11932 ticks are 10000.15 us. */
/* clang-format off */
static const struct port_step periodic[] = {
    { LINE, OUT0, 0 }, { OUT, CW, 0x34 }, { OUT, CH0, 0x9C }, { OUT, CH0, 0x2E }, { LINE, OUT0, 1 }, { EDGES, OUT0, 1 },
    { WAIT, 0, 9999 }, { EDGES, OUT0, 0 }, { WAIT, 0, 3 }, { EDGES, OUT0, 1 }, { WAIT, 0, 1000000 }, { EDGES, OUT0, 99 },
};

/* Mode 3: half a period up, half a period down; 11932 ticks, 5000 us each. */
static const struct port_step square_wave[] = {
    { OUT, CW, 0x36 }, { OUT, CH0, 0x9C }, { OUT, CH0, 0x2E }, { LINE, OUT0, 1 }, { WAIT, 0, 4999 }, { LINE, OUT0, 1 },
    { WAIT, 0, 3 }, { LINE, OUT0, 0 }, { WAIT, 0, 4997 }, { LINE, OUT0, 0 }, { EDGES, OUT0, 1 }, { WAIT, 0, 3 }, { LINE, OUT0, 1 },
    { WAIT, 0, 1000000 }, { EDGES, OUT0, 100 }, { WAIT, 0, 5020 }, { LINE, OUT0, 0 }, { EDGES, OUT0, 1 },
    { OUT, CW, 0x30 }, { LINE, OUT0, 0 }, { WAIT, 0, 100000 }, { EDGES, OUT0, 0 },
};

/* Modes 2 and 4: down for one tick. 65536 ticks, the last of them from 54925.4 to 54926.2 us. */
static const struct port_step low_for_a_tick[] = {
    { OUT, CW, 0x34 }, { OUT, CH0, 0 }, { OUT, CH0, 0 }, { LINE, OUT0, 1 }, { WAIT, 0, 54925 }, { LINE, OUT0, 1 },
    { WAIT, 0, 1 }, { LINE, OUT0, 0 }, { WAIT, 0, 1 }, { LINE, OUT0, 1 }, { EDGES, OUT0, 2 },
    { OUT, CW, 0x38 }, { OUT, CH0, 0 }, { OUT, CH0, 0 }, { LINE, OUT0, 1 }, { WAIT, 0, 54925 }, { LINE, OUT0, 1 },
    { WAIT, 0, 1 }, { LINE, OUT0, 0 }, { WAIT, 0, 1 }, { LINE, OUT0, 1 }, { WAIT, 0, 1000000 }, { EDGES, OUT0, 1 },
};

static const struct port_step one_shot[] = {
    { OUT, CW, 0x30 }, { OUT, CH0, 0xA9 }, { LINE, OUT0, 0 }, { OUT, CH0, 0x04 }, /* 1193 ticks: 999.8 us */
    { WAIT, 0, 999 }, { LINE, OUT0, 0 }, { WAIT, 0, 3 }, { LINE, OUT0, 1 }, { WAIT, 0, 500000 }, { EDGES, OUT0, 1 },
    { OUT, CH0, 0xA9 }, { LINE, OUT0, 0 }, { OUT, CH0, 0x04 }, { WAIT, 0, 1100 }, { EDGES, OUT0, 1 },
};

static const struct port_step read_back[] = {
    { OUT, CW, 0xB6 }, { OUT, CW, 0xE8 }, { IN, CH2, 0xF6 }, /* OUT high, null count, both bytes, mode 3 */
    /* status and count */
    { OUT, CH2, 0x00 }, { OUT, CH2, 0x10 }, { OUT, PORT61, 0x01 }, { WAIT, 0, 100 }, { OUT, CW, 0xC8 },
    { IN, CH2, 0xB6 }, { IN, CH2, 0x14 }, { IN, CH2, 0x0F }, /* 118 ticks by twos */
    { OUT, CW, 0x80 }, { WAIT, 0, 50 }, { IN, CH2, 0x14 }, { IN, CH2, 0x0F },  /* latched before the wait */
};

/* Calibration loops do this: count down in mode 0 behind GATE2 and watch OUT2. */
static const struct port_step gate_and_out2[] = {
    { OUT, CW, 0xB6 }, { IN, PORT61, 0x20 }, { OUT, CW, 0xB0 }, { IN, PORT61, 0x00 }, { OUT, CH2, 0xA9 }, { OUT, CH2, 0x04 },
    { WAIT, 0, 2000 }, { IN, PORT61, 0x00 }, { OUT, PORT61, 0x01 }, { WAIT, 0, 990 }, { IN, PORT61, 0x01 },
    { WAIT, 0, 20 }, { IN, PORT61, 0x31 }, { OUT, PORT61, 0xFF }, { IN, PORT61, 0x3F },
};

static const struct port_step bcd[] = {
    { OUT, CW, 0x35 }, { OUT, CH0, 0x00 }, { OUT, CH0, 0x10 }, /* 1000 decimal */ { WAIT, 0, 100 }, { OUT, CW, 0x00 },
    { IN, CH0, 0x82 }, { IN, CH0, 0x08 }, { EDGES, OUT0, 1 }, { WAIT, 0, 740 }, { EDGES, OUT0, 1 },
};
/* clang-format on */

Test(pit8254, scripts)
{
    RUN(periodic);
    RUN(square_wave);
    RUN(low_for_a_tick);
    RUN(one_shot);
    RUN(gate_and_out2);
    RUN(bcd);
    RUN(read_back);
}

/* A clock that jumps: the timer runs late. */
struct late_rig {
    struct port_rig ports;
    struct vx_clock *clock;
    uint64_t ns;
    struct pit *pit;
};

static void late_start(struct late_rig *rig)
{
    *rig = (struct late_rig){ .ns = 0 };
    port_rig_init(&rig->ports);
    cr_assert_eq(vx_clock_create_counted(1000, 0, &rig->clock), VX_ERR_OK); /* an instruction a nanosecond */
    vx_clock_follow(rig->clock, &rig->ns);
    struct pit_config config = { .bus = rig->ports.bus, .clock = rig->clock, .out0 = port_rig_irq(&rig->ports, OUT0) };
    cr_assert_eq(pit_create(&config, &rig->pit), VX_ERR_OK);
    static const struct port_step steps[] = { { OUT, CW, 0x36 }, { OUT, CH0, 0x9C }, { OUT, CH0, 0x2E } };
    char what[128];
    cr_assert(port_script_run(&rig->ports, steps, VX_ARRAY_LEN(steps), what), "%s", what);
    rig->ports.rises[OUT0] = 0;
}

/* At `us` the timers are run: what has risen since, and the level. */
static void late_at(struct late_rig *rig, unsigned us, unsigned rises, bool level)
{
    rig->ns = us * 1000ull;
    vx_clock_run(rig->clock);
    cr_assert(rig->ports.rises[OUT0] == rises && rig->ports.level[OUT0] == level, "at %u us: %u rises, level %d", us,
              rig->ports.rises[OUT0], rig->ports.level[OUT0]);
    rig->ports.rises[OUT0] = 0;
}

/* 10000.15 us, mode 3. No rise is lost, whatever phase the late timer finds; several are one. */
Test(pit8254, late_timer)
{
    struct late_rig rig;
    late_start(&rig);
    late_at(&rig, 12000, 1, true);  /* fall and rise have passed: both show */
    late_at(&rig, 16000, 0, false); /* in time for the fall */
    late_at(&rig, 27000, 1, true);  /* rise and fall have passed: up until the next rise */
    late_at(&rig, 29000, 0, true);
    late_at(&rig, 31000, 1, true);
    late_at(&rig, 36000, 0, false);
    late_at(&rig, 72000, 1, true);
    late_at(&rig, 77000, 0, false);
    pit_type.destroy(rig.pit);
    vx_clock_destroy(rig.clock);
    port_rig_fini(&rig.ports);
}
