/* pit_counter.h - one counter of an 8254 as a function of time: no bus, no timers.
 *
 * All times are in ticks of the counter's clock. Nothing happens between calls: count and output at a tick are
 * computed. Source: 8254 data sheet, "Mode Definitions". A count written at tick t is loaded at t + 1. */
#ifndef VX86_DEVICES_PIT_COUNTER_H
#define VX86_DEVICES_PIT_COUNTER_H

#include "device_state.h"

#define PIT_NO_TICK INT64_MAX

enum pit_rw { PIT_RW_LATCH, PIT_RW_LSB, PIT_RW_MSB, PIT_RW_BOTH };

struct pit_counter {
    uint8_t mode; /* 0 to 5 */
    bool bcd;
    uint8_t rw; /* enum pit_rw */
    bool gate;
    bool loaded;         /* a count was written since the control word */
    bool running;        /* counts down: value(t) follows from start and n; otherwise it stands at `held` */
    bool done;           /* modes 0, 1, 4, 5: terminal count was reached before the counter was stopped */
    int64_t start;       /* tick at which the counting element held n */
    uint32_t n;          /* count in force, 1 to 65536 (BCD: 10000) */
    uint32_t next_n;     /* count written that waits for the end of the cycle or a trigger; 0: none */
    bool next_at_middle; /* mode 3: next_n was written in the high half and applies from its end */
    uint32_t held;       /* value while not running, or before `start` */
    /* Byte sequencing at the port. */
    bool write_msb_next, read_msb_next;
    uint8_t write_lsb;
    uint8_t latched; /* bytes left in `latch` */
    uint16_t latch;
    bool status_latched;
    uint8_t status;
};

extern const struct state_table pit_counter_state;

void pit_counter_reset(struct pit_counter *c, bool gate);
/* Control word with its RW field not zero: bits 5..4 RW, 3..1 mode, 0 BCD. */
void pit_counter_control(struct pit_counter *c, uint8_t word, int64_t t);
void pit_counter_write(struct pit_counter *c, uint8_t byte, int64_t t);
uint8_t pit_counter_read(struct pit_counter *c, int64_t t);
void pit_counter_latch_count(struct pit_counter *c, int64_t t);
void pit_counter_latch_status(struct pit_counter *c, int64_t t);
void pit_counter_set_gate(struct pit_counter *c, bool level, int64_t t);

/* Level of OUT at tick t; t never goes back between calls. */
bool pit_counter_out(struct pit_counter *c, int64_t t);
/* Next tick after t at which OUT rises or falls, PIT_NO_TICK when it will not by itself. */
int64_t pit_counter_next_rise(struct pit_counter *c, int64_t t);
int64_t pit_counter_next_fall(struct pit_counter *c, int64_t t);

#endif
