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
 * All that a chip knows is in its table of state (device_state.h), one row for each member of its struct. After a
 * machine was loaded, restored() makes the rest of it: mappings as the registers ask for them, caches. It drives no
 * line but those whose other end keeps no level (A20).
 *
 * debugcon.c is the worked example. Thread rule: machine thread only. */
#ifndef VX86_DEVICES_CORE_DEVICE_H
#define VX86_DEVICES_CORE_DEVICE_H

#include "device_state.h"
#include "vx86/bus.h"
#include "vx86/clock.h"
#include "vx86/err.h"
#include "vx86/log.h"

enum reset { VX_RESET_HOLD, VX_RESET_RELEASE };

struct device_type {
    const char *name;
    uint16_t version;                /* of its state: another one when a row means something else than before */
    const struct state_table *state; /* all of it, see device_state.h */
    void (*reset)(void *instance, enum reset phase); /* NULL: nothing to reset */
    void (*restored)(void *instance);                /* all chips have been loaded; NULL: nothing is derived */
    void (*destroy)(void *instance);                 /* takes the chip off the bus and frees it; NULL is allowed */
};

struct device {
    const struct device_type *type;
    void *instance;
};

/* Takes several regions off the bus / puts them on it. add_all removes what it added when one fails. */
VX_MUST_USE vx_err bus_add_all(struct vx_bus *bus, struct vx_region *regions, size_t count);
void bus_remove_all(struct vx_bus *bus, struct vx_region *regions, size_t count);

/* What a chip that is one region begins with. */
struct one_region {
    struct vx_bus *bus;
    struct vx_region region;
};

/* Allocates a chip of `bytes`, zeroed, whose struct begins with a struct one_region, and puts `region` on the bus with
 * the chip as its opaque. On an error there is nothing. */
VX_MUST_USE vx_err one_region_create(size_t bytes, struct vx_bus *bus, const struct vx_region *region,
                                     struct one_region **out);
/* Off the bus and freed: destroy of struct device_type. */
void one_region_destroy(void *instance);

/* A wire that several outputs share (wired OR): input n drives bit n. */
struct irq_or {
    uint32_t inputs; /* levels of the inputs, bit n for input n */
    struct vx_irq out;
};

extern const struct state_table irq_or_state;

void irq_or_init(struct irq_or *wire, struct vx_irq out);
/* The end of input n (0 to 31) to hand to a chip. */
struct vx_irq irq_or_input(struct irq_or *wire, unsigned n);

#endif
