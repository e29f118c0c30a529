/* device.h - what every chip looks like to the machine that owns it.
 *
 * A chip is one .c/.h pair. Its header opens with a block (data sheet, ports, IRQs, clock, modelled, not modelled) and
 * declares:
 *
 *     struct debugcon;                              opaque, unless a test or neighbour needs fields
 *     struct debugcon_config { ... };               bus, clock, lines, back end: everything the chip is wired to
 *     vx_err debugcon_create(const struct debugcon_config *config, struct debugcon **out);
 *     extern const struct device_type debugcon_type;
 *     ... and functions for its further pins, if it has any
 *
 * create() allocates the chip, puts its regions on the bus and leaves it as after reset; on an error it leaves nothing
 * behind. The config struct is only read during create(); what its pointers point to is borrowed for the chip's life.
 * The machine keeps the chip as a struct device and from then on resets and destroys it through its type.
 *
 * Reset has two phases, so that no chip sees a neighbour's half-reset outputs. In VX_RESET_HOLD a chip puts its
 * registers to their reset values, cancels its timers and touches nobody; in VX_RESET_RELEASE it drives its output
 * lines, maps and callbacks to match. All chips see HOLD before any sees RELEASE.
 *
 * debugcon.c is the worked example. Thread rule: machine thread only. */
#ifndef VX86_DEVICES_CORE_DEVICE_H
#define VX86_DEVICES_CORE_DEVICE_H

#include "vx86/bus.h"
#include "vx86/clock.h"
#include "vx86/err.h"
#include "vx86/log.h"

enum reset { VX_RESET_HOLD, VX_RESET_RELEASE };

/* A register of a chip as a debugger names it: `count` elements of `bytes` (1, 2, 4, 8), `stride` apart. */
struct device_field {
    const char *name;
    uint32_t off, stride;
    uint16_t count;
    uint8_t bytes;
};
/* VX_FIELD(struct pic, imr), VX_FIELD_ARRAY(struct pci, config), VX_FIELD_EACH(struct pit, counter, latch): the
 * latch of every counter. */
#define VX_FIELD(type, member)                                             \
    {                                                                      \
#member, offsetof(type, member), 0, 1, sizeof(((type *)0)->member) \
    }
#define VX_FIELD_ARRAY(type, member)                                                                        \
    {                                                                                                       \
#member, offsetof(type, member), sizeof(((type *)0)->member[0]), VX_ARRAY_LEN(((type *)0)->member), \
            sizeof(((type *)0)->member[0])                                                                  \
    }
#define VX_FIELD_EACH(type, array, member)                                                  \
    {                                                                                       \
#array "." #member, offsetof(type, array[0].member), sizeof(((type *)0)->array[0]), \
            VX_ARRAY_LEN(((type *)0)->array), sizeof(((type *)0)->array[0].member)          \
    }

struct device_type {
    const char *name;
    void (*reset)(void *instance, enum reset phase); /* NULL: nothing to reset */
    void (*destroy)(void *instance);                 /* takes the chip off the bus and frees it; NULL is allowed */
    const struct device_field *fields;               /* what a debugger shows; NULL: nothing */
    unsigned field_count;
};

struct device {
    const struct device_type *type;
    void *instance;
};

/* Takes several regions off the bus / puts them on it. add_all removes what it added when one fails. */
VX_MUST_USE vx_err bus_add_all(struct vx_bus *bus, struct vx_region *regions, size_t count);
void bus_remove_all(struct vx_bus *bus, struct vx_region *regions, size_t count);

/* A wire that several outputs share (wired OR): input n drives bit n. */
struct irq_or {
    uint32_t inputs; /* levels of the inputs, bit n for input n */
    struct vx_irq out;
};

void irq_or_init(struct irq_or *wire, struct vx_irq out);
/* The end of input n (0 to 31) to hand to a chip. */
struct vx_irq irq_or_input(struct irq_or *wire, unsigned n);

#endif
