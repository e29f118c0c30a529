/* hpet.c - the counter as a function of the clock, comparators, interrupts. See hpet.h.
 *
 *   I1  While the counter runs it is count + ticks since start_tick; while it is halted it is count.
 *   I2  A timer's comparator is right at counter value `since`: sync() brings it forward, and interrupts if it matched
 *       after `since`. A comparator that was just set may match at once: `since` is then one before the counter.
 *   I3  A timer is armed only while a match would be seen: the counter runs, and it may interrupt or has a status bit.
 *   I4  After every change drive() has driven the outputs. */
#include "hpet.h"

#define TICK_NS       10u
#define PERIOD_FS     (TICK_NS * 1000000ull)
#define REVISION      0x01u
#define VENDOR        0x8086u
#define ROUTABLE      0x00F00000u
#define FAR_TICKS     (UINT64_C(1) << 58) /* 91 years: never */
#define CLOSEST_TICKS 100u

enum { TIMERS = 3, WINDOW_BYTES = 0x400 };
enum { REG_CAPABILITIES = 0x000, REG_CONFIG = 0x010, REG_STATUS = 0x020, REG_COUNTER = 0x0F0, REG_TIMERS = 0x100 };
enum { TIMER_CONFIG = 0x00, TIMER_COMPARATOR = 0x08, TIMER_STRIDE = 0x20 };
enum { CONFIG_ENABLE = 1u << 0, CONFIG_LEGACY = 1u << 1 };
enum {
    TIMER_LEVEL = 1u << 1,
    TIMER_INT = 1u << 2,
    TIMER_PERIODIC = 1u << 3,
    TIMER_CAN_BE_PERIODIC = 1u << 4,
    TIMER_HAS_64_BITS = 1u << 5,
    TIMER_VAL_SET = 1u << 6,
    TIMER_32_BITS = 1u << 8,
    TIMER_ROUTE = 31u << 9,
};
#define TIMER_WRITABLE   (TIMER_LEVEL | TIMER_INT | TIMER_PERIODIC | TIMER_VAL_SET | TIMER_32_BITS | TIMER_ROUTE)
#define ROUTE_OF(config) ((config) >> 9 & 31)
#define CAPABILITIES     (PERIOD_FS << 32 | VENDOR << 16 | 1u << 15 | 1u << 13 | (unsigned)(TIMERS - 1) << 8 | REVISION)

struct hpet_timer {
    struct hpet *hpet;
    struct vx_clock *clock;
    unsigned number;
    uint32_t config; /* TIMER_WRITABLE bits */
    uint64_t comparator, period;
    uint64_t since; /* I2 */
    bool edge;      /* level of its output in edge mode */
    struct vx_timer timer;
};

struct hpet {
    struct one_region chip;
    struct vx_clock *clock;
    struct vx_irq legacy[HPET_LEGACY_IRQS], pin[HPET_PINS];
    uint32_t config, status;
    uint64_t count, start_tick;           /* I1 */
    bool legacy_in[HPET_LEGACY_IRQS];     /* levels of OUT0 and the RTC */
    bool legacy_driven[HPET_LEGACY_IRQS]; /* levels driven */
    uint8_t pins_driven;
    struct hpet_timer timer[TIMERS];
};

static bool is_running(const struct hpet *hpet)
{
    return hpet->config & CONFIG_ENABLE;
}

static uint64_t now_tick(const struct hpet *hpet)
{
    return vx_clock_now_ns(hpet->clock) / TICK_NS;
}

static uint64_t counter(const struct hpet *hpet)
{
    return is_running(hpet) ? hpet->count + (now_tick(hpet) - hpet->start_tick) : hpet->count;
}

/* ---- outputs ----------------------------------------------------------------------------------------------------- */

static bool output(const struct hpet *hpet, unsigned n)
{
    const struct hpet_timer *timer = &hpet->timer[n];
    if (!is_running(hpet) || !(timer->config & TIMER_INT))
        return false;
    return timer->config & TIMER_LEVEL ? hpet->status >> n & 1 : timer->edge;
}

static void drive(struct hpet *hpet) /* keeps I4 */
{
    bool replaces = hpet->config & CONFIG_LEGACY;
    uint8_t pins = 0;
    for (unsigned n = 0; n < TIMERS; n++) {
        unsigned route = ROUTE_OF(hpet->timer[n].config);
        if ((ROUTABLE >> route & 1) && !(replaces && n < HPET_LEGACY_IRQS) && output(hpet, n))
            pins |= (uint8_t)(1u << (route - HPET_FIRST_PIN));
    }
    for (unsigned i = 0; i < HPET_LEGACY_IRQS; i++) {
        bool level = replaces ? output(hpet, i) : hpet->legacy_in[i];
        if (level == hpet->legacy_driven[i])
            continue;
        hpet->legacy_driven[i] = level;
        vx_irq_set(&hpet->legacy[i], level);
    }
    uint8_t changed = pins ^ hpet->pins_driven;
    hpet->pins_driven = pins;
    for (unsigned i = 0; i < HPET_PINS; i++)
        if (changed >> i & 1)
            vx_irq_set(&hpet->pin[i], pins >> i & 1);
}

static void legacy_set(void *opaque, unsigned line, bool level)
{
    struct hpet *hpet = opaque;
    hpet->legacy_in[line] = level;
    drive(hpet);
}

struct vx_irq hpet_legacy_input(struct hpet *hpet, enum hpet_legacy irq)
{
    return (struct vx_irq){ .set = legacy_set, .opaque = hpet, .line = irq };
}

/* ---- matches ----------------------------------------------------------------------------------------------------- */

static uint64_t width_mask(const struct hpet_timer *timer)
{
    return timer->config & TIMER_32_BITS ? UINT32_MAX : UINT64_MAX;
}

/* Counts from `since` to the next match, 1 to 2^32; in 64 bits 0 stands for 2^64. */
static uint64_t to_match(const struct hpet_timer *timer)
{
    return ((timer->comparator - timer->since - 1) & width_mask(timer)) + 1;
}

static void interrupt(struct hpet_timer *timer)
{
    struct hpet *hpet = timer->hpet;
    if (timer->config & TIMER_LEVEL) {
        hpet->status |= 1u << timer->number;
    } else if (timer->config & TIMER_INT) {
        timer->edge = false;
        drive(hpet);
        timer->edge = true;
    }
    drive(hpet);
}

/* Has there been a match between `since` and `now`? *comparator: where it is then. */
static bool has_matched(const struct hpet_timer *timer, uint64_t now, uint64_t *comparator)
{
    uint64_t passed = now - timer->since, distance = to_match(timer);
    *comparator = timer->comparator;
    if (!is_running(timer->hpet) || distance == 0 || passed < distance)
        return false;
    if ((timer->config & TIMER_PERIODIC) && timer->period != 0) {
        uint64_t periods = (passed - distance) / timer->period + 1;
        *comparator = (timer->comparator + periods * timer->period) & width_mask(timer);
    }
    return true;
}

static void sync(struct hpet_timer *timer) /* keeps I2 */
{
    uint64_t now = counter(timer->hpet);
    bool matched = has_matched(timer, now, &timer->comparator);
    if (is_running(timer->hpet))
        timer->since = now;
    if (matched)
        interrupt(timer);
}

static void arm(struct hpet_timer *timer) /* keeps I3 */
{
    const struct hpet *hpet = timer->hpet;
    uint64_t deadline_ns = VX_NEVER;
    if (is_running(hpet) && (timer->config & (TIMER_INT | TIMER_LEVEL))) {
        uint64_t distance = to_match(timer), gone = counter(hpet) - timer->since;
        uint64_t ticks = distance > gone ? distance - gone : 0;
        if ((timer->config & TIMER_PERIODIC) && gone == 0 && ticks < CLOSEST_TICKS)
            ticks = CLOSEST_TICKS;
        if (distance != 0 && ticks < FAR_TICKS)
            deadline_ns = (now_tick(hpet) + ticks) * TICK_NS;
    }
    vx_timer_set(hpet->clock, &timer->timer, deadline_ns);
}

static void match(void *opaque)
{
    sync(opaque);
    arm(opaque);
}

/* Counter or comparator have been set: the very next count may match. */
static void begin(struct hpet_timer *timer)
{
    timer->since = counter(timer->hpet) - 1;
    arm(timer);
}

/* ---- registers --------------------------------------------------------------------------------------------------- */

static uint64_t look_at_timer(const struct hpet_timer *timer, unsigned reg)
{
    uint64_t comparator;
    switch (reg) {
    case TIMER_CONFIG: return (uint64_t)ROUTABLE << 32 | timer->config | TIMER_CAN_BE_PERIODIC | TIMER_HAS_64_BITS;
    case TIMER_COMPARATOR: (void)has_matched(timer, counter(timer->hpet), &comparator); return comparator;
    default: return 0;
    }
}

/* The matches that nobody has looked for yet count too. */
static uint64_t status_now(const struct hpet *hpet)
{
    uint64_t status = hpet->status, comparator;
    for (unsigned n = 0; n < TIMERS; n++)
        if ((hpet->timer[n].config & TIMER_LEVEL) && has_matched(&hpet->timer[n], counter(hpet), &comparator))
            status |= 1u << n;
    return status;
}

static uint64_t look_at_register(const struct hpet *hpet, unsigned reg)
{
    if (reg >= REG_TIMERS && reg < REG_TIMERS + TIMERS * TIMER_STRIDE)
        return look_at_timer(&hpet->timer[(reg - REG_TIMERS) / TIMER_STRIDE], (reg - REG_TIMERS) % TIMER_STRIDE);
    switch (reg) {
    case REG_CAPABILITIES: return CAPABILITIES;
    case REG_CONFIG: return hpet->config;
    case REG_STATUS: return status_now(hpet);
    case REG_COUNTER: return counter(hpet);
    default: return 0;
    }
}

static uint64_t read_register(struct hpet *hpet, unsigned reg)
{
    if (reg >= REG_TIMERS && reg < REG_TIMERS + TIMERS * TIMER_STRIDE)
        match(&hpet->timer[(reg - REG_TIMERS) / TIMER_STRIDE]);
    else if (reg == REG_STATUS)
        for (unsigned n = 0; n < TIMERS; n++)
            match(&hpet->timer[n]);
    return look_at_register(hpet, reg);
}

/* A pin that the timer has not got is not taken. */
static void write_timer_config(struct hpet_timer *timer, uint32_t value)
{
    struct hpet *hpet = timer->hpet;
    if (!(ROUTABLE >> ROUTE_OF(value) & 1))
        value = (value & ~(uint32_t)TIMER_ROUTE) | (timer->config & TIMER_ROUTE);
    uint32_t changed = timer->config ^ value;
    timer->config = value & TIMER_WRITABLE;
    if (changed & (TIMER_LEVEL | TIMER_INT | TIMER_PERIODIC | TIMER_ROUTE))
        timer->edge = false;
    if (!(value & TIMER_LEVEL))
        hpet->status &= ~(1u << timer->number);
    timer->comparator &= width_mask(timer);
    timer->period &= width_mask(timer);
    arm(timer);
    drive(hpet);
}

/* `bits` of the register are written. */
static void write_comparator(struct hpet_timer *timer, uint64_t value, uint64_t bits)
{
    bool periodic = timer->config & TIMER_PERIODIC;
    bits &= width_mask(timer);
    if (periodic)
        timer->period = (timer->period & ~bits) | (value & bits);
    if (periodic && !(timer->config & TIMER_VAL_SET))
        return;
    timer->config &= ~(uint32_t)TIMER_VAL_SET;
    timer->comparator = (timer->comparator & ~bits) | (value & bits);
    begin(timer);
}

static void write_timer(struct hpet_timer *timer, unsigned reg, uint64_t value, uint64_t bits)
{
    sync(timer);
    if (reg == TIMER_CONFIG && (uint32_t)bits != 0)
        write_timer_config(timer, (uint32_t)value);
    else if (reg == TIMER_COMPARATOR)
        write_comparator(timer, value, bits);
}

static void write_config(struct hpet *hpet, uint32_t value)
{
    for (unsigned n = 0; n < TIMERS; n++)
        sync(&hpet->timer[n]);
    uint32_t changed = hpet->config ^ value;
    hpet->count = counter(hpet);
    hpet->start_tick = now_tick(hpet);
    hpet->config = value & (CONFIG_ENABLE | CONFIG_LEGACY);
    for (unsigned n = 0; n < TIMERS; n++) {
        struct hpet_timer *timer = &hpet->timer[n];
        if (changed & (n < HPET_LEGACY_IRQS ? CONFIG_ENABLE | CONFIG_LEGACY : CONFIG_ENABLE))
            timer->edge = false;
        arm(timer);
    }
    drive(hpet);
}

static void write_counter(struct hpet *hpet, uint64_t value, uint64_t bits)
{
    for (unsigned n = 0; n < TIMERS; n++)
        sync(&hpet->timer[n]);
    hpet->count = (counter(hpet) & ~bits) | (value & bits);
    hpet->start_tick = now_tick(hpet);
    for (unsigned n = 0; n < TIMERS; n++)
        begin(&hpet->timer[n]);
}

static void write_register(struct hpet *hpet, unsigned reg, uint64_t value, uint64_t bits)
{
    if (reg >= REG_TIMERS && reg < REG_TIMERS + TIMERS * TIMER_STRIDE) {
        write_timer(&hpet->timer[(reg - REG_TIMERS) / TIMER_STRIDE], (reg - REG_TIMERS) % TIMER_STRIDE, value, bits);
        return;
    }
    switch (reg) {
    case REG_CONFIG:
        if ((uint32_t)bits != 0)
            write_config(hpet, (uint32_t)value);
        break;
    case REG_STATUS:
        hpet->status &= ~(uint32_t)value;
        drive(hpet);
        break;
    case REG_COUNTER: write_counter(hpet, value, bits); break;
    default: break;
    }
}

/* Registers are 64 bits wide; halves of them are shifted into place. */
static uint64_t hpet_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    return read_register(opaque, (unsigned)off & ~7u) >> (8 * (off & 4));
}

static uint64_t hpet_peek(const void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    return look_at_register(opaque, (unsigned)off & ~7u) >> (8 * (off & 4));
}

static void hpet_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    unsigned shift = 8 * (off & 4);
    write_register(opaque, (unsigned)off & ~7u, value << shift, (size == 8 ? UINT64_MAX : UINT32_MAX) << shift);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void hpet_reset(void *instance, enum reset phase)
{
    struct hpet *hpet = instance;
    if (phase == VX_RESET_RELEASE) {
        drive(hpet);
        return;
    }
    hpet->config = hpet->status = 0;
    hpet->count = hpet->start_tick = 0;
    for (unsigned n = 0; n < TIMERS; n++) {
        struct hpet_timer *timer = &hpet->timer[n];
        timer->config = 0;
        timer->comparator = UINT64_MAX;
        timer->period = timer->since = 0;
        timer->edge = false;
        vx_timer_set(hpet->clock, &timer->timer, VX_NEVER);
    }
}

static void hpet_destroy(void *instance)
{
    struct hpet *hpet = instance;
    for (unsigned n = 0; hpet != NULL && n < TIMERS; n++)
        vx_timer_set(hpet->clock, &hpet->timer[n].timer, VX_NEVER);
    one_region_destroy(instance);
}

vx_err hpet_create(const struct hpet_config *config, struct hpet **out)
{
    static const struct vx_region region = {
        .name = "hpet",
        .space = VX_SPACE_MEMORY,
        .base = HPET_BASE,
        .size = WINDOW_BYTES,
        .min_size = 4,
        .max_size = 8,
        .read = hpet_read,
        .write = hpet_write,
        .peek = hpet_peek,
    };
    struct one_region *chip;
    VX_TRY(one_region_create(sizeof **out, config->bus, &region, &chip));
    struct hpet *hpet = (struct hpet *)chip;
    hpet->clock = config->clock;
    for (unsigned i = 0; i < HPET_LEGACY_IRQS; i++)
        hpet->legacy[i] = config->legacy[i];
    for (unsigned i = 0; i < HPET_PINS; i++)
        hpet->pin[i] = config->pin[i];
    for (unsigned n = 0; n < TIMERS; n++) {
        struct hpet_timer *timer = &hpet->timer[n];
        timer->hpet = hpet;
        timer->clock = config->clock;
        timer->number = n;
        vx_timer_init(timer->clock, &timer->timer, match, timer);
    }
    hpet_reset(hpet, VX_RESET_HOLD);
    *out = hpet;
    return VX_ERR_OK;
}

static const struct state_field timer_fields[] = {
    REGISTER(struct hpet_timer, config),
    REGISTER(struct hpet_timer, comparator),
    REGISTER(struct hpet_timer, period),
    FIELD(struct hpet_timer, since),
    FIELD(struct hpet_timer, edge),
    FIELD_TIMER(struct hpet_timer, timer, clock),
    WIRES(struct hpet_timer, hpet, clock, number),
};
static const struct state_table timer_state = STATE_TABLE(struct hpet_timer, timer_fields, NULL);

static const struct state_field fields[] = {
    REGISTER(struct hpet, config),
    REGISTER(struct hpet, status),
    REGISTER(struct hpet, count),
    FIELD_MAX(struct hpet, start_tick, STATE_NS_MAX / TICK_NS),
    FIELD(struct hpet, legacy_in),
    FIELD(struct hpet, legacy_driven),
    FIELD(struct hpet, pins_driven),
    FIELD_STRUCT(struct hpet, timer, &timer_state),
    WIRES(struct hpet, chip, clock, legacy, pin),
};
static const struct state_table state = STATE_TABLE(struct hpet, fields, NULL);

const struct device_type hpet_type = {
    .name = "hpet",
    .version = 1,
    .state = &state,
    .reset = hpet_reset,
    .destroy = hpet_destroy,
};
