/* mc146818.c - time of day, alarms and CMOS memory. See mc146818.h.
 *
 * The divider chain has run since `chain_ns`: whole seconds of it are updates, 1/32768 s its ticks. Nothing runs
 * between accesses: collect() makes up for all that happened since it was last called.
 *
 *   I1  The time registers in cmos[] are the counters themselves, right at collected_ns. They are brought forward by
 *       the updates that have passed (update()) and by nothing else, so they keep what a guest writes, sense or
 *       nonsense.
 *   I2  After every access rearm() has driven the line to IRQF and armed the timer for the first enabled event,
 *       unless the line is up: then nothing more can happen to it until register C is read. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "mc146818.h"
#include "rtc_calendar.h"

#define TICK_HZ        32768u
#define UIP_NS         244000u
#define HALF_SECOND_NS 500000000
#define DAY_S          86400
#define DV_RUN         0x20 /* 32.768 kHz */
#define INDEX_MASK     0x7F
#define ENABLES        (RTC_B_PIE | RTC_B_AIE | RTC_B_UIE)

struct rtc {
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct vx_irq irq;
    struct vx_timer timer;
    uint8_t index;
    uint8_t cmos[RTC_CMOS_BYTES];
    int64_t chain_ns;     /* clock time at which the divider chain was at 0 */
    int64_t collected_ns; /* flags and time registers are complete up to here */
    struct vx_region region;
};

static int64_t now_ns(const struct rtc *rtc)
{
    return (int64_t)vx_clock_now_ns(rtc->clock);
}

static bool divider_runs(const struct rtc *rtc)
{
    return (rtc->cmos[RTC_REG_A] & RTC_A_DV) == DV_RUN;
}

static bool time_runs(const struct rtc *rtc)
{
    return divider_runs(rtc) && !(rtc->cmos[RTC_REG_B] & RTC_B_SET);
}

/* Whole seconds and ticks of the divider chain at ns. */
static int64_t chain_seconds(const struct rtc *rtc, int64_t ns)
{
    return (ns - rtc->chain_ns) / (int64_t)VX_NS_PER_SEC;
}

static int64_t chain_ticks(const struct rtc *rtc, int64_t ns)
{
    return (int64_t)vx_muldiv((uint64_t)(ns - rtc->chain_ns), TICK_HZ, VX_NS_PER_SEC);
}

/* ---- time registers --------------------------------------------------------------------------------------------- */

static bool is_binary(const struct rtc *rtc)
{
    return rtc->cmos[RTC_REG_B] & RTC_B_DM;
}

static bool is_24h(const struct rtc *rtc)
{
    return rtc->cmos[RTC_REG_B] & RTC_B_24H;
}

static void read_date(const struct rtc *rtc, struct rtc_date *date)
{
    const uint8_t *cmos = rtc->cmos;
    bool binary = is_binary(rtc);
    *date = (struct rtc_date){
        .second = rtc_decode(cmos[RTC_SECONDS], binary),
        .minute = rtc_decode(cmos[RTC_MINUTES], binary),
        .hour = rtc_decode_hour(cmos[RTC_HOURS], binary, is_24h(rtc)),
        .weekday = rtc_decode(cmos[RTC_DAY_OF_WEEK], binary),
        .day = rtc_decode(cmos[RTC_DAY], binary),
        .month = rtc_decode(cmos[RTC_MONTH], binary),
        .year = rtc_decode(cmos[RTC_YEAR], binary),
        .century = rtc_decode(cmos[RTC_CENTURY], binary),
    };
}

/* Counters that have not moved keep their byte (I1). */
static void write_date(struct rtc *rtc, const struct rtc_date *old, const struct rtc_date *date)
{
    const struct {
        uint8_t index;
        unsigned was, is;
    } fields[] = {
        { RTC_SECONDS, old->second, date->second },       { RTC_MINUTES, old->minute, date->minute },
        { RTC_DAY_OF_WEEK, old->weekday, date->weekday }, { RTC_DAY, old->day, date->day },
        { RTC_MONTH, old->month, date->month },           { RTC_YEAR, old->year, date->year },
        { RTC_CENTURY, old->century, date->century },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(fields); i++)
        if (fields[i].was != fields[i].is)
            rtc->cmos[fields[i].index] = rtc_encode(fields[i].is, is_binary(rtc));
    if (old->hour != date->hour)
        rtc->cmos[RTC_HOURS] = rtc_encode_hour(date->hour, is_binary(rtc), is_24h(rtc));
}

static bool is_time_register(unsigned index)
{
    switch (index) {
    case RTC_SECONDS:
    case RTC_MINUTES:
    case RTC_HOURS:
    case RTC_DAY_OF_WEEK:
    case RTC_DAY:
    case RTC_MONTH:
    case RTC_YEAR:
    case RTC_CENTURY: return true;
    default: return false;
    }
}

/* ---- events ----------------------------------------------------------------------------------------------------- */

/* Period of the rate selection in ticks, 0 for none. Rates 1 and 2 repeat 8 and 9 on the 32.768 kHz base. */
static int64_t period_ticks(const struct rtc *rtc)
{
    unsigned rs = rtc->cmos[RTC_REG_A] & RTC_A_RS;
    if (rs == 0)
        return 0;
    return (int64_t)1 << (rs <= 2 ? rs + 6 : rs - 1);
}

static bool alarm_field_matches(uint8_t alarm, uint8_t time)
{
    return (alarm & 0xC0) == 0xC0 || alarm == time; /* C0h-FFh: don't care */
}

static bool alarm_hour_matches(const struct rtc *rtc, unsigned hour)
{
    return alarm_field_matches(rtc->cmos[RTC_HOURS_ALARM], rtc_encode_hour(hour, is_binary(rtc), is_24h(rtc)));
}

/* Minute or second, with its alarm register. */
static bool alarm_matches(const struct rtc *rtc, unsigned alarm, unsigned value)
{
    return alarm_field_matches(rtc->cmos[alarm], rtc_encode(value, is_binary(rtc)));
}

/* Updates until the alarm matches; INT64_MAX: never. Where the counters hold nonsense it is asked after each. */
static int64_t updates_to_alarm(const struct rtc *rtc)
{
    struct rtc_date date;
    read_date(rtc, &date);
    if (date.second > 59 || date.minute > 59 || date.hour > 23)
        return 1;
    int64_t now = date.hour * 3600 + date.minute * 60 + date.second;
    for (int64_t s = now + 1; s <= now + DAY_S;) {
        unsigned of_day = (unsigned)(s % DAY_S);
        if (!alarm_hour_matches(rtc, of_day / 3600))
            s += 3600 - of_day % 3600;
        else if (!alarm_matches(rtc, RTC_MINUTES_ALARM, of_day / 60 % 60))
            s += 60 - of_day % 60;
        else if (!alarm_matches(rtc, RTC_SECONDS_ALARM, of_day % 60))
            s++;
        else
            return s - now;
    }
    return INT64_MAX;
}

/* So many updates; true when the alarm matched after one of them. After a day of them the time of day is in range, and
 * whatever matches has matched: what is left goes by whole days. */
static bool update(struct rtc *rtc, int64_t seconds)
{
    struct rtc_date old, date;
    bool matched = false;
    read_date(rtc, &old);
    date = old;
    int64_t days = seconds > DAY_S ? (seconds - DAY_S) / DAY_S : 0;
    for (int64_t s = seconds - days * DAY_S; s > 0; s--) {
        rtc_date_tick(&date);
        matched |= alarm_matches(rtc, RTC_SECONDS_ALARM, date.second) &&
                   alarm_matches(rtc, RTC_MINUTES_ALARM, date.minute) && alarm_hour_matches(rtc, date.hour);
    }
    for (; days > 0; days--)
        rtc_date_next_day(&date);
    write_date(rtc, &old, &date);
    return matched;
}

static void collect(struct rtc *rtc)
{
    int64_t now = now_ns(rtc), then = rtc->collected_ns;
    uint8_t *flags = &rtc->cmos[RTC_REG_C];
    rtc->collected_ns = now;
    int64_t period = period_ticks(rtc);
    if (divider_runs(rtc) && period != 0 && chain_ticks(rtc, now) / period != chain_ticks(rtc, then) / period)
        *flags |= RTC_C_PF;
    int64_t second = chain_seconds(rtc, now), last = chain_seconds(rtc, then);
    if (time_runs(rtc) && second != last) {
        *flags |= RTC_C_UF;
        if (update(rtc, second - last))
            *flags |= RTC_C_AF;
    }
    bool irqf = (*flags & rtc->cmos[RTC_REG_B] & ENABLES) != 0;
    *flags = (*flags & (uint8_t)~RTC_C_IRQF) | (irqf ? RTC_C_IRQF : 0);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void rearm(struct rtc *rtc) /* I2 */
{
    bool irqf = rtc->cmos[RTC_REG_C] & RTC_C_IRQF;
    uint8_t b = rtc->cmos[RTC_REG_B];
    int64_t now = rtc->collected_ns, next = INT64_MAX, second = chain_seconds(rtc, now);
    int64_t period = period_ticks(rtc);
    if (!irqf && (b & RTC_B_PIE) && divider_runs(rtc) && period != 0) {
        int64_t tick = (chain_ticks(rtc, now) / period + 1) * period;
        next = rtc->chain_ns + (int64_t)vx_muldiv((uint64_t)tick, VX_NS_PER_SEC, TICK_HZ) + 1;
    }
    if (!irqf && (b & RTC_B_UIE) && time_runs(rtc))
        next = earlier(next, rtc->chain_ns + (second + 1) * (int64_t)VX_NS_PER_SEC);
    if (!irqf && (b & RTC_B_AIE) && time_runs(rtc)) {
        int64_t updates = updates_to_alarm(rtc);
        if (updates != INT64_MAX)
            next = earlier(next, rtc->chain_ns + (second + updates) * (int64_t)VX_NS_PER_SEC);
    }
    vx_timer_set(rtc->clock, &rtc->timer, next == INT64_MAX ? VX_NEVER : (uint64_t)next);
    vx_irq_set(&rtc->irq, irqf);
}

static void rtc_event(void *opaque)
{
    collect(opaque);
    rearm(opaque);
}

/* ---- ports ------------------------------------------------------------------------------------------------------ */

static uint8_t read_a(const struct rtc *rtc)
{
    int64_t now = now_ns(rtc);
    int64_t next_update = rtc->chain_ns + (chain_seconds(rtc, now) + 1) * (int64_t)VX_NS_PER_SEC;
    bool uip = time_runs(rtc) && next_update - now <= (int64_t)UIP_NS;
    return rtc->cmos[RTC_REG_A] | (uip ? RTC_A_UIP : 0);
}

static uint8_t read_register(struct rtc *rtc, unsigned index)
{
    rtc_event(rtc);
    switch (index) {
    case RTC_REG_A: return read_a(rtc);
    case RTC_REG_C: {
        uint8_t flags = rtc->cmos[RTC_REG_C];
        rtc->cmos[RTC_REG_C] = 0;
        rearm(rtc);
        return flags;
    }
    case RTC_REG_D: return RTC_D_VRT;
    default: return rtc->cmos[index];
    }
}

/* Registers A and B and the time: what changes how time goes on. */
static void write_control(struct rtc *rtc, unsigned index, uint8_t value)
{
    collect(rtc);
    bool divided = divider_runs(rtc);
    if (index == RTC_REG_A)
        value &= RTC_A_DV | RTC_A_RS;
    else if (index == RTC_REG_B && (value & RTC_B_SET))
        value &= (uint8_t)~RTC_B_UIE; /* SET clears UIE */
    rtc->cmos[index] = value;
    if (!divided && divider_runs(rtc)) /* the first update comes half a second after the release */
        rtc->chain_ns = rtc->collected_ns - HALF_SECOND_NS;
    rtc_event(rtc);
}

static void write_register(struct rtc *rtc, unsigned index, uint8_t value)
{
    if (is_time_register(index) || index == RTC_REG_A || index == RTC_REG_B) {
        write_control(rtc, index, value);
    } else if (index == RTC_SECONDS_ALARM || index == RTC_MINUTES_ALARM || index == RTC_HOURS_ALARM) {
        collect(rtc);
        rtc->cmos[index] = value;
        rearm(rtc);
    } else if (index != RTC_REG_C && index != RTC_REG_D) {
        rtc->cmos[index] = value;
    }
}

static uint64_t rtc_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    struct rtc *rtc = opaque;
    return off == 0 ? UINT64_MAX : read_register(rtc, rtc->index); /* the index port is write-only */
}

static void rtc_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)size;
    struct rtc *rtc = opaque;
    if (off == 0)
        rtc->index = (uint8_t)value & INDEX_MASK;
    else
        write_register(rtc, rtc->index, (uint8_t)value);
}

void rtc_set_cmos(struct rtc *rtc, unsigned index, uint8_t value)
{
    VX_ASSERT(index > RTC_REG_D && index < RTC_CMOS_BYTES);
    rtc->cmos[index] = value;
}

uint8_t rtc_get_cmos(const struct rtc *rtc, unsigned index)
{
    VX_ASSERT(index > RTC_REG_D && index < RTC_CMOS_BYTES);
    return rtc->cmos[index];
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

static void rtc_reset(void *instance, enum reset phase)
{
    struct rtc *rtc = instance;
    if (phase == VX_RESET_RELEASE) {
        rearm(rtc);
        return;
    }
    vx_timer_set(rtc->clock, &rtc->timer, VX_NEVER);
    rtc->cmos[RTC_REG_B] &= (uint8_t) ~(ENABLES | RTC_B_SQWE);
    collect(rtc);
    rtc->cmos[RTC_REG_C] = 0;
}

static void rtc_destroy(void *instance)
{
    struct rtc *rtc = instance;
    if (rtc == NULL)
        return;
    vx_timer_set(rtc->clock, &rtc->timer, VX_NEVER);
    vx_bus_remove(rtc->bus, &rtc->region);
    free(rtc);
}

static void set_to_wall_clock(struct rtc *rtc)
{
    static const struct rtc_date nothing = { UINT_MAX, UINT_MAX, UINT_MAX, UINT_MAX,
                                             UINT_MAX, UINT_MAX, UINT_MAX, UINT_MAX };
    struct rtc_date date;
    rtc_date_from_seconds(vx_clock_wall_s(rtc->clock), &date);
    write_date(rtc, &nothing, &date);
}

vx_err rtc_create(const struct rtc_config *config, struct rtc **out)
{
    struct rtc *rtc = calloc(1, sizeof *rtc);
    if (rtc == NULL)
        return VX_ERR_NO_MEMORY;
    rtc->bus = config->bus;
    rtc->clock = config->clock;
    rtc->irq = config->irq;
    rtc->chain_ns = rtc->collected_ns = now_ns(rtc);
    rtc->cmos[RTC_REG_A] = DV_RUN | 6; /* 1024 Hz, as a BIOS leaves it */
    rtc->cmos[RTC_REG_B] = RTC_B_24H;
    set_to_wall_clock(rtc);
    vx_timer_init(rtc->clock, &rtc->timer, rtc_event, rtc);
    rtc->region = (struct vx_region){ .name = "mc146818",
                                      .space = VX_SPACE_IO,
                                      .base = 0x70,
                                      .size = 2,
                                      .read = rtc_read,
                                      .write = rtc_write,
                                      .opaque = rtc };
    vx_err err = vx_bus_add(rtc->bus, &rtc->region);
    if (err != VX_ERR_OK) {
        free(rtc);
        return err;
    }
    *out = rtc;
    return VX_ERR_OK;
}

/* What has been collected is past, and the chain began before it. */
static const char *check(const void *loaded)
{
    const struct rtc *rtc = loaded;
    bool fits = rtc->chain_ns <= rtc->collected_ns && rtc->collected_ns <= now_ns(rtc);
    return fits ? NULL : "collected_ns";
}

static const struct state_field fields[] = {
    REGISTER_MAX(struct rtc, index, INDEX_MASK),
    REGISTER(struct rtc, cmos),
    FIELD_IN(struct rtc, chain_ns, -STATE_NS_MAX, STATE_NS_MAX),
    FIELD_MAX(struct rtc, collected_ns, STATE_NS_MAX),
    FIELD_TIMER(struct rtc, timer, clock),
    WIRES(struct rtc, bus, clock, irq, region),
};
static const struct state_table state = STATE_TABLE(struct rtc, fields, check);

const struct device_type rtc_type = {
    .name = "mc146818",
    .version = 1,
    .state = &state,
    .reset = rtc_reset,
    .destroy = rtc_destroy,
};
