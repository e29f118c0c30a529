/* test_mc146818.c - the clock chip by register scripts; the fake clock starts on Saturday 2000-01-01 00:00:00. */
#include <criterion/criterion.h>
#include <string.h>

#include "mc146818.h"
#include "port_script.h"
#include "rtc_calendar.h"

enum { INDEX = 0x70, DATA = 0x71 };
enum { IRQ8 = 0 };
enum { RESET = 0 }; /* HOST */

struct rig {
    struct port_rig ports;
    struct rtc *rtc;
};

static void host(void *opaque, unsigned at, unsigned value)
{
    (void)at, (void)value;
    struct rig *rig = opaque;
    rtc_type.reset(rig->rtc, VX_RESET_HOLD);
    rtc_type.reset(rig->rtc, VX_RESET_RELEASE);
}

static void run(const char *name, const struct port_step *steps, size_t count)
{
    struct rig rig;
    char what[128] = "";
    port_rig_init(&rig.ports);
    rig.ports.host = host;
    rig.ports.opaque = &rig;
    struct rtc_config config = { .bus = rig.ports.bus,
                                 .clock = rig.ports.clock,
                                 .irq = port_rig_irq(&rig.ports, IRQ8) };
    cr_assert_eq(rtc_create(&config, &rig.rtc), VX_ERR_OK);
    bool held = port_script_run(&rig.ports, steps, count, what);
    rtc_type.destroy(rig.rtc);
    cr_assert_eq(vx_clock_next_ns(rig.ports.clock), VX_NEVER);
    port_rig_fini(&rig.ports);
    cr_assert(held, "%s: %s", name, what);
}
#define RUN(steps) run(#steps, steps, VX_ARRAY_LEN(steps))

/* clang-format off */
#define GET(reg, value) { OUT, INDEX, reg }, { IN, DATA, value }
#define SET(reg, value) { OUT, INDEX, reg }, { OUT, DATA, value }
#define SECOND 1000000

static const struct port_step at_power_on[] = {
    GET(0x00, 0x00), GET(0x02, 0x00), GET(0x04, 0x00), GET(0x06, 0x07), GET(0x07, 0x01), GET(0x08, 0x01), GET(0x09, 0x00),
    GET(0x32, 0x20), GET(0x0A, 0x26), GET(0x0B, 0x02), GET(0x0C, 0x00), GET(0x0D, 0x80), { IN, INDEX, 0xFF },
    SET(0x7F, 0x5A), GET(0x7F, 0x5A), GET(0xFF, 0x5A), /* bit 7 of the index is not the chip's */
    SET(0x0C, 0xFF), SET(0x0D, 0x00), GET(0x0C, 0x00), GET(0x0D, 0x80),
};

static const struct port_step time_goes_on[] = {
    { WAIT, 0, 59 * SECOND }, GET(0x00, 0x59), { WAIT, 0, SECOND }, GET(0x00, 0x00), GET(0x02, 0x01),
    SET(0x0B, 0x82), /* SET: frozen */
    SET(0x00, 0x58), SET(0x02, 0x59), SET(0x04, 0x23), SET(0x07, 0x28), SET(0x08, 0x02), SET(0x09, 0x99), SET(0x32, 0x19),
    { WAIT, 0, 5 * SECOND }, GET(0x00, 0x58), SET(0x0B, 0x02), { WAIT, 0, 2 * SECOND },
    GET(0x00, 0x00), GET(0x04, 0x00), GET(0x07, 0x01), GET(0x08, 0x03), GET(0x09, 0x99), GET(0x32, 0x19),
};

static const struct port_step formats[] = {
    SET(0x0B, 0x82), SET(0x04, 0x13), SET(0x0B, 0x02), GET(0x04, 0x13), { WAIT, 0, 3600u * (SECOND / 2) }, { WAIT, 0, 3600u * (SECOND / 2) },
    GET(0x04, 0x14), SET(0x0B, 0x80), SET(0x04, 0x81), SET(0x0B, 0x00), GET(0x04, 0x81), /* 1 PM, BCD */
    { WAIT, 0, 3600u * (SECOND / 2) }, { WAIT, 0, 3600u * (SECOND / 2) }, GET(0x04, 0x82),
    SET(0x0B, 0x86), SET(0x04, 0x0D), SET(0x32, 20), SET(0x0B, 0x06), GET(0x04, 0x0D), GET(0x32, 20), /* binary */
    SET(0x0B, 0x84), SET(0x04, 0x8C), SET(0x0B, 0x04), GET(0x04, 0x8C), { WAIT, 0, 3600u * (SECOND / 2) },
    { WAIT, 0, 3600u * (SECOND / 2) }, GET(0x04, 0x81), /* 12 PM is noon, 1 PM follows */
    SET(0x0B, 0x84), SET(0x04, 0x0C), SET(0x0B, 0x04), { WAIT, 0, 3600u * (SECOND / 2) }, { WAIT, 0, 3600u * (SECOND / 2) },
    GET(0x04, 0x01), /* 12 AM is midnight */
};

static const struct port_step update_in_progress[] = {
    { WAIT, 0, 999700 }, GET(0x0A, 0x26), { WAIT, 0, 100 }, GET(0x0A, 0xA6), { WAIT, 0, 199 }, GET(0x0A, 0xA6),
    { WAIT, 0, 1 }, GET(0x0A, 0x26), GET(0x00, 0x01), SET(0x0B, 0x82), { WAIT, 0, 999900 }, GET(0x0A, 0x26),
};

static const struct port_step divider_reset[] = {
    SET(0x0A, 0x66), { WAIT, 0, 10 * SECOND }, GET(0x00, 0x00), SET(0x0A, 0x26), { WAIT, 0, 499000 }, GET(0x00, 0x00),
    { WAIT, 0, 2000 }, GET(0x00, 0x01), { WAIT, 0, SECOND }, GET(0x00, 0x02),
};

static const struct port_step periodic[] = {
    /* the flag without the interrupt */
    SET(0x0A, 0x26), { WAIT, 0, 1000 }, GET(0x0C, 0x40), { LINE, IRQ8, 0 }, GET(0x0C, 0x00),
    /* one until C is read */
    SET(0x0B, 0x42), { WAIT, 0, 1000 }, { LINE, IRQ8, 1 }, { WAIT, 0, 5000 }, { EDGES, IRQ8, 1 },
    GET(0x0C, 0xC0), { LINE, IRQ8, 0 }, { WAIT, 0, 977 }, { LINE, IRQ8, 1 }, GET(0x0C, 0xC0),
    SET(0x0A, 0x2F), { WAIT, 0, 498000 }, { LINE, IRQ8, 1 }, GET(0x0C, 0xC0), /* 2 Hz */
    SET(0x0A, 0x20), { WAIT, 0, 900000 }, { LINE, IRQ8, 0 },
};

static const struct port_step update_ended[] = {
    SET(0x0B, 0x12), { WAIT, 0, 999999 }, { LINE, IRQ8, 0 }, { WAIT, 0, 1 }, { LINE, IRQ8, 1 }, GET(0x0C, 0xF0 & ~0x20),
    { LINE, IRQ8, 0 }, SET(0x0B, 0x92), GET(0x0B, 0x82), /* SET clears UIE */
};

static const struct port_step alarm_exact[] = {
    SET(0x01, 0x30), SET(0x03, 0x02), SET(0x05, 0x00), SET(0x0B, 0x22), { WAIT, 0, 149 * SECOND }, { LINE, IRQ8, 0 },
    { WAIT, 0, SECOND }, { LINE, IRQ8, 1 }, { OUT, INDEX, 0x0C }, { IN, DATA, 0xF0 }, { WAIT, 0, 3600u * SECOND / 2 }, { LINE, IRQ8, 0 },
};

static const struct port_step alarm_every_minute[] = {
    SET(0x01, 0x05), SET(0x03, 0xC0), SET(0x05, 0xFF), SET(0x0B, 0x22), { WAIT, 0, 5 * SECOND }, { LINE, IRQ8, 1 }, GET(0x0C, 0xF0),
    { WAIT, 0, 59 * SECOND }, { LINE, IRQ8, 0 }, { WAIT, 0, SECOND }, { LINE, IRQ8, 1 },
};

static const struct port_step alarm_that_never_comes[] = {
    SET(0x01, 0x99), SET(0x0B, 0x22), { WAIT, 0, 120 * SECOND }, { LINE, IRQ8, 0 },
};

static const struct port_step reset[] = {
    SET(0x50, 0x77), SET(0x0B, 0x52), { WAIT, 0, SECOND }, { LINE, IRQ8, 1 }, { HOST, RESET, 0 }, { LINE, IRQ8, 0 },
    GET(0x0B, 0x02), GET(0x0C, 0x00), GET(0x50, 0x77), GET(0x00, 0x01),
};

#define DAY { WAIT, 0, 3600u * SECOND }, { WAIT, 0, 3600u * SECOND }, { WAIT, 0, 3600u * SECOND }, { WAIT, 0, 3600u * SECOND }, \
            { WAIT, 0, 3600u * SECOND }, { WAIT, 0, 3600u * SECOND }

/* The day of the week is a counter: what was written, then one more at each midnight, 1 after 7. */
static const struct port_step day_of_week[] = {
    SET(0x0B, 0x86), SET(0x32, 19), SET(0x09, 99), SET(0x08, 12), SET(0x07, 31), SET(0x04, 12), SET(0x02, 0), SET(0x00, 0),
    SET(0x06, 3), SET(0x0B, 0x06), GET(0x06, 3), { WAIT, 0, 3600u * SECOND }, GET(0x06, 3), GET(0x04, 13),
    SET(0x04, 23), SET(0x02, 59), SET(0x00, 59), { WAIT, 0, SECOND }, GET(0x06, 4), GET(0x07, 1), GET(0x08, 1), GET(0x09, 0), GET(0x32, 20),
    SET(0x06, 7), SET(0x04, 23), SET(0x02, 59), SET(0x00, 59), { WAIT, 0, SECOND }, GET(0x06, 1), GET(0x07, 2),
    /* setting the date leaves it alone */
    SET(0x07, 20), SET(0x08, 6), SET(0x09, 85), GET(0x06, 1),
};

/* Set with the clock running, byte by byte: 10 February becomes 31 March by way of "31 February". */
static const struct port_step date_by_bytes[] = {
    SET(0x07, 0x10), SET(0x08, 0x02), SET(0x07, 0x31), GET(0x07, 0x31), GET(0x08, 0x02), SET(0x08, 0x03), GET(0x07, 0x31), GET(0x08, 0x03),
};

/* What a hostile guest may write as time is what it reads back; a counter beyond its end starts again when it is moved. */
static const struct port_step nonsense_time[] = {
    SET(0x0B, 0x86), SET(0x00, 0xFF), SET(0x02, 0xFE), SET(0x04, 0xFD), SET(0x06, 0), SET(0x07, 0xFF), SET(0x08, 0xFF), SET(0x09, 0xFF),
    SET(0x32, 0xFF), SET(0x0B, 0x06), GET(0x00, 0xFF), GET(0x02, 0xFE), GET(0x04, 0xFD), GET(0x06, 0), { WAIT, 0, SECOND },
    GET(0x00, 0), GET(0x02, 0), GET(0x04, 0), GET(0x06, 1), GET(0x07, 1), GET(0x08, 1), GET(0x09, 0), GET(0x32, 0),
    SET(0x02, 200), SET(0x00, 58), { WAIT, 0, SECOND }, GET(0x00, 59), GET(0x02, 200), { WAIT, 0, SECOND }, GET(0x02, 0), GET(0x04, 1),
};

/* Days with nobody looking: time, date and the alarm of each day. */
static const struct port_step slept_for_days[] = {
    SET(0x01, 0x20), SET(0x03, 0x00), SET(0x05, 0x00), SET(0x08, 0x12), SET(0x07, 0x30), SET(0x09, 0x99), SET(0x32, 0x20), SET(0x06, 2),
    DAY, DAY, DAY, DAY, DAY, DAY, DAY, DAY, DAY, DAY, DAY, DAY, { WAIT, 0, 10 * SECOND },
    GET(0x00, 0x10), GET(0x02, 0), GET(0x04, 0), GET(0x06, 5), GET(0x07, 0x02), GET(0x08, 0x01), GET(0x09, 0), GET(0x32, 0x21), GET(0x0C, 0x70),
    { WAIT, 0, 11 * SECOND }, GET(0x0C, 0x70),
};
/* clang-format on */

Test(mc146818, scripts)
{
    RUN(at_power_on);
    RUN(time_goes_on);
    RUN(formats);
    RUN(update_in_progress);
    RUN(divider_reset);
    RUN(periodic);
    RUN(update_ended);
    RUN(alarm_exact);
    RUN(alarm_every_minute);
    RUN(alarm_that_never_comes);
    RUN(reset);
    RUN(day_of_week);
    RUN(date_by_bytes);
    RUN(nonsense_time);
    RUN(slept_for_days);
}

/* clang-format off */
static const struct { int64_t seconds; struct rtc_date date; } dates[] = { /* second to hour, weekday, day to century */
    { 0, { 0, 0, 0, 5, 1, 1, 70, 19 } },
    { 951782399, { 59, 59, 23, 2, 28, 2, 0, 20 } },
    { 951782400, { 0, 0, 0, 3, 29, 2, 0, 20 } },
    { 951868800, { 0, 0, 0, 4, 1, 3, 0, 20 } },
    { 4107542400, { 0, 0, 0, 2, 1, 3, 0, 21 } },
    { -1, { 59, 59, 23, 4, 31, 12, 69, 19 } },
    { -62167219200, { 0, 0, 0, 7, 1, 1, 0, 0 } },
    { 253402300799, { 59, 59, 23, 6, 31, 12, 99, 99 } },
};
/* clang-format on */

Test(mc146818, calendar)
{
    int bad = -1;
    for (int i = 0; i < (int)VX_ARRAY_LEN(dates); i++) {
        struct rtc_date date;
        rtc_date_from_seconds(dates[i].seconds, &date);
        if (memcmp(&date, &dates[i].date, sizeof date) != 0)
            bad = i;
    }
    cr_assert_eq(bad, -1, "row %d", bad);
}

/* Counting gives what the calendar says, day by day from 1800 to 2200, and across each midnight. */
Test(mc146818, counters_follow_the_calendar)
{
    int64_t bad = INT64_MAX;
    struct rtc_date counted;
    rtc_date_from_seconds(-62091 * 86400ll + 86399, &counted);
    for (int64_t day = -62091; day < 84006 && bad == INT64_MAX; day++) {
        struct rtc_date date, ticked = counted;
        rtc_date_from_seconds((day + 1) * 86400, &date);
        rtc_date_tick(&ticked);
        rtc_date_next_day(&counted);
        if (memcmp(&date, &ticked, sizeof date) != 0 || counted.day != date.day || counted.month != date.month ||
            counted.hour != 23)
            bad = day;
    }
    cr_assert_eq(bad, INT64_MAX, "day %lld", (long long)bad);
}
