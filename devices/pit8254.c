/* pit8254.c - ports and interrupt output of the three counters. See pit8254.h.
 *
 *   I1  The timer is armed at the next edge of OUT0, or idle when there is none.
 *   I2  The line is OUT0, but for a rise that the host was late for: no rise may be lost, so the line is then up until
 *       the next one, even through a low phase that has begun. */
#include <stdlib.h>

#include "pit8254.h"
#include "pit_counter.h"

#define COUNTERS     3
#define CONTROL_PORT 3
#define READ_BACK    3 /* counter select value of the read-back command */

enum { READ_BACK_NOT_COUNT = 0x20, READ_BACK_NOT_STATUS = 0x10 };

struct pit {
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct vx_irq out0;
    void (*changed2)(void *opaque, const struct pit_counter *counter); /* NULL: nobody follows counter 2 */
    void *listener2;
    struct vx_timer timer;
    bool level;   /* of the line */
    int64_t rise; /* tick of the next rise of OUT0, PIT_NO_TICK: none */
    struct pit_counter counter[COUNTERS];
    struct vx_region region;
};

static int64_t now_ticks(const struct pit *pit)
{
    return (int64_t)vx_muldiv(vx_clock_now_ns(pit->clock), PIT_HZ, VX_NS_PER_SEC);
}

/* First moment at which now_ticks() gives `tick`. */
static uint64_t tick_to_ns(int64_t tick)
{
    return vx_muldiv((uint64_t)tick, VX_NS_PER_SEC, PIT_HZ) + 1;
}

static void set_out0(struct pit *pit, bool level)
{
    if (level == pit->level)
        return;
    pit->level = level;
    vx_irq_set(&pit->out0, level);
}

/* Arms the timer for what comes after tick t: the line's fall, or the next rise (I1, I2). */
static void arm(struct pit *pit, int64_t t)
{
    struct pit_counter *c = &pit->counter[0];
    pit->rise = pit_counter_next_rise(c, t);
    int64_t edge = pit->level && pit_counter_out(c, t) ? pit_counter_next_fall(c, t) : pit->rise;
    vx_timer_set(pit->clock, &pit->timer, edge == PIT_NO_TICK ? VX_NEVER : tick_to_ns(edge));
}

/* After counter 0 was written: its level out, its next edge on the clock. */
static void follow_out0(struct pit *pit)
{
    int64_t t = now_ticks(pit);
    set_out0(pit, pit_counter_out(&pit->counter[0], t));
    arm(pit, t);
}

static void out0_edge(void *opaque)
{
    struct pit *pit = opaque;
    int64_t t = now_ticks(pit);
    if (pit->rise != PIT_NO_TICK && t >= pit->rise) {
        set_out0(pit, false); /* if the low phase was slept through, it shows at least */
        set_out0(pit, true);
    } else {
        set_out0(pit, pit_counter_out(&pit->counter[0], t));
    }
    arm(pit, t);
}

static void tell_listener2(const struct pit *pit)
{
    if (pit->changed2 != NULL)
        pit->changed2(pit->listener2, &pit->counter[2]);
}

static void write_control(struct pit *pit, uint8_t word, int64_t t)
{
    unsigned select = word >> 6;
    if (select == READ_BACK) {
        for (unsigned i = 0; i < COUNTERS; i++) {
            if (!(word >> (i + 1) & 1))
                continue;
            if (!(word & READ_BACK_NOT_COUNT))
                pit_counter_latch_count(&pit->counter[i], t);
            if (!(word & READ_BACK_NOT_STATUS))
                pit_counter_latch_status(&pit->counter[i], t);
        }
    } else if ((word >> 4 & 3) == PIT_RW_LATCH) {
        pit_counter_latch_count(&pit->counter[select], t);
    } else {
        pit_counter_control(&pit->counter[select], word, t);
        if (select == 0)
            follow_out0(pit);
        if (select == 2)
            tell_listener2(pit);
    }
}

static uint64_t pit_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    struct pit *pit = opaque;
    return off == CONTROL_PORT ? UINT64_MAX : pit_counter_read(&pit->counter[off], now_ticks(pit));
}

static void pit_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)size;
    struct pit *pit = opaque;
    int64_t t = now_ticks(pit);
    if (off == CONTROL_PORT) {
        write_control(pit, (uint8_t)value, t);
        return;
    }
    pit_counter_write(&pit->counter[off], (uint8_t)value, t);
    if (off == 0)
        follow_out0(pit);
    if (off == 2)
        tell_listener2(pit);
}

void pit_set_gate2(struct pit *pit, bool level)
{
    pit_counter_set_gate(&pit->counter[2], level, now_ticks(pit));
    tell_listener2(pit);
}

void pit_listen2(struct pit *pit, void (*changed)(void *opaque, const struct pit_counter *counter), void *opaque)
{
    pit->changed2 = changed;
    pit->listener2 = opaque;
}

bool pit_out2(struct pit *pit)
{
    return pit_counter_out(&pit->counter[2], now_ticks(pit));
}

/* The 8254 has no reset pin: its state is undefined at power-on; here all counters stand still. */
static void pit_reset(void *instance, enum reset phase)
{
    struct pit *pit = instance;
    if (phase == VX_RESET_RELEASE) {
        vx_irq_lower(&pit->out0);
        return;
    }
    pit->level = false;
    pit->rise = PIT_NO_TICK;
    vx_timer_set(pit->clock, &pit->timer, VX_NEVER);
    for (unsigned i = 0; i < COUNTERS; i++)
        pit_counter_reset(&pit->counter[i], i != 2);
}

static void pit_destroy(void *instance)
{
    struct pit *pit = instance;
    if (pit == NULL)
        return;
    vx_timer_set(pit->clock, &pit->timer, VX_NEVER);
    vx_bus_remove(pit->bus, &pit->region);
    free(pit);
}

vx_err pit_create(const struct pit_config *config, struct pit **out)
{
    struct pit *pit = calloc(1, sizeof *pit);
    if (pit == NULL)
        return VX_ERR_NO_MEMORY;
    pit->bus = config->bus;
    pit->clock = config->clock;
    pit->out0 = config->out0;
    vx_timer_init(pit->clock, &pit->timer, out0_edge, pit);
    pit_reset(pit, VX_RESET_HOLD);
    pit->region = (struct vx_region){ .name = "pit8254",
                                      .space = VX_SPACE_IO,
                                      .base = 0x40,
                                      .size = 4,
                                      .read = pit_read,
                                      .write = pit_write,
                                      .opaque = pit };
    vx_err err = vx_bus_add(pit->bus, &pit->region);
    if (err != VX_ERR_OK) {
        free(pit);
        return err;
    }
    *out = pit;
    return VX_ERR_OK;
}

static const struct state_field fields[] = {
    REGISTER(struct pit, level),
    FIELD_IN(struct pit, rise, 0, PIT_NO_TICK),
    FIELD_STRUCT(struct pit, counter, &pit_counter_state),
    FIELD_TIMER(struct pit, timer, clock),
    WIRES(struct pit, bus, clock, out0, region, changed2, listener2),
};
static const struct state_table state = STATE_TABLE(struct pit, fields, NULL);

const struct device_type pit_type = {
    .name = "pit8254",
    .version = 1,
    .state = &state,
    .reset = pit_reset,
    .destroy = pit_destroy,
};
