/* pit8254.h - the 8254 programmable interval timer: three 16-bit counters.
 *
 * Source: Intel 8254 data sheet (231164-005). Ports: 40h-43h. Clock: 1.193182 MHz, derived from the machine's clock
 * object. Outputs: OUT0 to IRQ0; OUT2 is read by port 61h; OUT1 (refresh) goes nowhere. Gates: GATE0 and GATE1 are tied
 * high. Modelled: all six modes, BCD, LSB/MSB/both, counter latch, read-back, null count, gates; counts read back are
 * exact to the tick of the clock object; OUT0's line has all its edges. When the host is late, rises that have passed
 * are one rise, and the line stays up until the next (status read-back shows the true OUT). State to save: the three
 * counters, OUT0's line, the timer. */
#ifndef VX86_DEVICES_PIT8254_H
#define VX86_DEVICES_PIT8254_H

#include "device.h"

#define PIT_HZ 1193182u

struct pit;
struct pit_counter;

struct pit_config {
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct vx_irq out0;
};

VX_MUST_USE vx_err pit_create(const struct pit_config *config, struct pit **out);
extern const struct device_type pit_type;

/* GATE2 (port 61h bit 0) and OUT2 (bit 5). */
void pit_set_gate2(struct pit *pit, bool level);
bool pit_out2(struct pit *pit);

/* Who follows OUT2: told after each change of counter 2 by the guest, not by its counting or a reset. NULL: nobody. */
void pit_listen2(struct pit *pit, void (*changed)(void *opaque, const struct pit_counter *counter), void *opaque);

#endif
