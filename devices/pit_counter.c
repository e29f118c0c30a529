/* pit_counter.c - one 8254 counter as a function of time. See pit_counter.h.
 *
 *   I1  sync() is called with the current tick before anything else is looked at: it makes a waiting count the one
 *       in force when its moment has passed.
 *   I2  While running in modes 2 and 3, value and output are periodic from `start` with period n. */
#include "pit_counter.h"

static uint32_t modulus(const struct pit_counter *c)
{
    return c->bcd ? 10000 : 65536;
}

static bool is_periodic(const struct pit_counter *c)
{
    return c->mode == 2 || c->mode == 3;
}

static bool is_triggered(const struct pit_counter *c)
{
    return c->mode == 1 || c->mode == 5;
}

/* Mode 3 is high for the first (n + 1) / 2 ticks of its period. */
static int64_t high_half(uint32_t n)
{
    return (n + 1) / 2;
}

/* I1. A new count in mode 2 waits for the end of the period, in mode 3 for the end of the half period. */
static void sync(struct pit_counter *c, int64_t t)
{
    if (!c->running || !is_periodic(c) || c->next_n == 0)
        return;
    int64_t period_start = c->start; /* of the period in which the count was written: sync() has run then */
    int64_t middle = period_start + high_half(c->n), end = period_start + c->n;
    if (c->next_at_middle && t >= middle) {
        c->n = c->next_n;
        c->start = middle - high_half(c->n); /* the low half of the new count follows */
    } else if (t >= end) {
        c->n = c->next_n;
        c->start = end;
    } else {
        return;
    }
    c->next_n = 0;
}

/* Brings `start` to the beginning of the period that holds t. */
static void normalise(struct pit_counter *c, int64_t t)
{
    if (c->running && is_periodic(c) && t > c->start)
        c->start = t - (t - c->start) % c->n;
}

static uint32_t value_at(const struct pit_counter *c, int64_t t)
{
    if (!c->running || t < c->start)
        return c->held;
    int64_t d = t - c->start;
    if (c->mode == 2)
        return (uint32_t)(c->n - d % c->n) % modulus(c);
    if (c->mode == 3) {
        int64_t phase = d % c->n, half = high_half(c->n);
        int64_t step = phase < half ? phase : phase - half;
        return (uint32_t)((c->n & ~1u) - 2 * step) % modulus(c);
    }
    int64_t left = ((int64_t)c->n - d) % (int64_t)modulus(c);
    return (uint32_t)(left < 0 ? left + modulus(c) : left);
}

static bool reached_end(const struct pit_counter *c, int64_t t)
{
    return c->done || (c->running && t >= c->start + (int64_t)c->n);
}

bool pit_counter_out(struct pit_counter *c, int64_t t)
{
    sync(c, t);
    switch (c->mode) {
    case 0: return reached_end(c, t);
    case 1: return !c->running || t < c->start || reached_end(c, t);
    case 2: return !c->gate || !c->running || t < c->start || (t - c->start) % c->n != (int64_t)c->n - 1;
    case 3: return !c->gate || !c->running || t < c->start || (t - c->start) % c->n < high_half(c->n);
    default: return !c->running || c->done || t != c->start + (int64_t)c->n; /* one tick low */
    }
}

int64_t pit_counter_next_rise(struct pit_counter *c, int64_t t)
{
    sync(c, t);
    if (!c->running)
        return PIT_NO_TICK;
    if (is_periodic(c)) {
        if (!c->gate)
            return PIT_NO_TICK;
        int64_t periods = t < c->start ? 1 : (t - c->start) / c->n + 1;
        int64_t rise = c->start + periods * (int64_t)c->n;
        bool moves_at_middle = c->next_n != 0 && c->next_at_middle;
        return moves_at_middle ? c->start + high_half(c->n) + c->next_n / 2 : rise;
    }
    int64_t rise = c->start + (int64_t)c->n + (c->mode >= 4 ? 1 : 0);
    return c->done || rise <= t ? PIT_NO_TICK : rise;
}

/* Phase of its period at which OUT falls in modes 2 and 3. */
static int64_t fall_phase(const struct pit_counter *c)
{
    return c->mode == 2 ? (int64_t)c->n - 1 : high_half(c->n);
}

int64_t pit_counter_next_fall(struct pit_counter *c, int64_t t)
{
    sync(c, t);
    if (!c->running)
        return PIT_NO_TICK;
    if (is_periodic(c)) {
        int64_t fall = c->start + fall_phase(c);
        if (!c->gate || fall_phase(c) == 0 || fall_phase(c) == (int64_t)c->n)
            return PIT_NO_TICK;
        return fall > t ? fall : fall + ((t - fall) / c->n + 1) * (int64_t)c->n;
    }
    int64_t fall = c->mode == 1 ? c->start : c->start + (int64_t)c->n;
    return c->mode == 0 || c->done || fall <= t ? PIT_NO_TICK : fall;
}

/* ---- loading and gating ----------------------------------------------------------------------------------------- */

static void stop(struct pit_counter *c, int64_t t)
{
    c->held = value_at(c, t);
    c->done = !is_periodic(c) && reached_end(c, t);
    c->running = false;
}

static void start_at(struct pit_counter *c, uint32_t n, int64_t start)
{
    c->held = value_at(c, start - 1);
    c->n = n;
    c->next_n = 0;
    c->start = start;
    c->done = false;
    c->running = true;
}

static uint32_t decode_count(const struct pit_counter *c, uint16_t raw)
{
    uint32_t n = raw;
    if (c->bcd) /* digits above 9 count as they weigh */
        n = (raw & 15u) + 10u * (raw >> 4 & 15u) + 100u * (raw >> 8 & 15u) + 1000u * (raw >> 12);
    return n == 0 || n > modulus(c) ? modulus(c) : n;
}

static uint16_t encode_count(const struct pit_counter *c, uint32_t value)
{
    if (!c->bcd)
        return (uint16_t)value;
    return (uint16_t)(value % 10 | (value / 10 % 10) << 4 | (value / 100 % 10) << 8 | (value / 1000 % 10) << 12);
}

static void write_count(struct pit_counter *c, uint16_t raw, int64_t t)
{
    uint32_t n = decode_count(c, raw);
    c->loaded = true;
    if (is_triggered(c)) {
        c->next_n = n;
    } else if (is_periodic(c) && c->running) {
        normalise(c, t);
        c->next_n = n;
        c->next_at_middle = c->mode == 3 && t >= c->start && t - c->start < high_half(c->n);
        if (t < c->start) /* the first count has not even been loaded */
            start_at(c, n, t + 1);
    } else {
        start_at(c, n, t + 1);
        if (!c->gate) {
            c->held = n % modulus(c);
            c->running = false;
        }
    }
}

void pit_counter_set_gate(struct pit_counter *c, bool level, int64_t t)
{
    sync(c, t);
    if (c->gate == level)
        return;
    if (!level && !is_triggered(c) && c->running)
        stop(c, t);
    c->gate = level;
    if (!level || !c->loaded)
        return;
    if (is_triggered(c)) {
        start_at(c, c->next_n != 0 ? c->next_n : c->n, t + 1);
    } else if (is_periodic(c)) {
        start_at(c, c->next_n != 0 ? c->next_n : c->n, t + 1);
    } else if (!c->running) {                 /* modes 0 and 4 go on from where they stood */
        bool full = c->held == 0 && !c->done; /* stands at 65536, which reads as 0 */
        c->start = t - (int64_t)c->n + (full ? modulus(c) : c->held);
        if (c->start > t)
            c->start -= modulus(c);
        c->running = true;
    }
}

void pit_counter_reset(struct pit_counter *c, bool gate)
{
    *c = (struct pit_counter){ .rw = PIT_RW_BOTH, .gate = gate, .n = 65536 };
}

void pit_counter_control(struct pit_counter *c, uint8_t word, int64_t t)
{
    sync(c, t);
    c->held = value_at(c, t);
    c->running = c->loaded = c->done = false;
    c->next_n = 0;
    c->bcd = word & 1;
    uint8_t mode = word >> 1 & 7;
    c->mode = mode > 5 ? mode & 3 : mode; /* 6 and 7 are 2 and 3 */
    c->rw = word >> 4 & 3;
    c->write_msb_next = c->read_msb_next = false;
    c->latched = 0;
    c->status_latched = false;
}

/* ---- bytes at the port ------------------------------------------------------------------------------------------ */

void pit_counter_write(struct pit_counter *c, uint8_t byte, int64_t t)
{
    sync(c, t);
    switch (c->rw) {
    case PIT_RW_LSB: write_count(c, byte, t); break;
    case PIT_RW_MSB: write_count(c, (uint16_t)(byte << 8), t); break;
    default:
        if (!c->write_msb_next) {
            c->write_lsb = byte;
            if (c->mode == 0) { /* the first byte stops the count and lowers OUT */
                stop(c, t);
                c->done = false;
                c->loaded = false;
            }
        } else {
            write_count(c, (uint16_t)(byte << 8 | c->write_lsb), t);
        }
        c->write_msb_next = !c->write_msb_next;
    }
}

uint8_t pit_counter_read(struct pit_counter *c, int64_t t)
{
    sync(c, t);
    if (c->status_latched) {
        c->status_latched = false;
        return c->status;
    }
    bool msb = c->rw == PIT_RW_MSB || (c->rw == PIT_RW_BOTH && c->read_msb_next);
    if (c->rw == PIT_RW_BOTH)
        c->read_msb_next = !c->read_msb_next;
    uint16_t value = c->latched > 0 ? c->latch : encode_count(c, value_at(c, t));
    if (c->latched > 0)
        c->latched--;
    return (uint8_t)(msb ? value >> 8 : value);
}

void pit_counter_latch_count(struct pit_counter *c, int64_t t)
{
    sync(c, t);
    if (c->latched > 0)
        return;
    c->latch = encode_count(c, value_at(c, t));
    c->latched = c->rw == PIT_RW_BOTH ? 2 : 1;
}

/* Status: 7 OUT | 6 null count | 5..4 RW | 3..1 mode | 0 BCD. */
void pit_counter_latch_status(struct pit_counter *c, int64_t t)
{
    if (c->status_latched)
        return;
    bool out = pit_counter_out(c, t);
    bool null_count = !c->loaded || c->next_n != 0 || (c->running && t < c->start);
    c->status = (uint8_t)(out << 7 | null_count << 6 | c->rw << 4 | c->mode << 1 | c->bcd);
    c->status_latched = true;
}

/* ---- state ------------------------------------------------------------------------------------------------------- */

static const struct state_field fields[] = {
    REGISTER_MAX(struct pit_counter, mode, 5),
    REGISTER(struct pit_counter, bcd),
    REGISTER_MAX(struct pit_counter, rw, PIT_RW_BOTH),
    REGISTER(struct pit_counter, gate),
    REGISTER(struct pit_counter, loaded),
    REGISTER(struct pit_counter, running),
    REGISTER(struct pit_counter, done),
    FIELD_IN(struct pit_counter, start, -STATE_TICKS_MAX, STATE_TICKS_MAX),
    REGISTER_IN(struct pit_counter, n, 1, 65536),
    REGISTER_MAX(struct pit_counter, next_n, 65536),
    FIELD(struct pit_counter, next_at_middle),
    REGISTER_MAX(struct pit_counter, held, 65536),
    FIELD(struct pit_counter, write_msb_next),
    FIELD(struct pit_counter, read_msb_next),
    FIELD(struct pit_counter, write_lsb),
    REGISTER_MAX(struct pit_counter, latched, 2),
    REGISTER(struct pit_counter, latch),
    FIELD(struct pit_counter, status_latched),
    REGISTER(struct pit_counter, status),
};
const struct state_table pit_counter_state = STATE_TABLE(struct pit_counter, fields, NULL);
