/* bus.h - the port and memory buses that chips are wired to.
 *
 * A region is a range of ports or of guest physical addresses with one read and one write handler. The bus splits
 * accesses to what the region accepts; overlap inside one priority is an error (logged, VX_ERR_BAD_ARGUMENT). Unclaimed
 * reads give all-ones, unclaimed writes are dropped; both are traced and counted. Thread rule: machine thread only. */
#ifndef VX86_BUS_H
#define VX86_BUS_H

#include "vx86/err.h"
#include "vx86/log.h"
#include "vx86/stats.h"

enum vx_space { VX_SPACE_IO, VX_SPACE_MEMORY };

struct vx_bus;

struct vx_region {
    const char *name; /* chip and part: "pic8259 master"; static storage */
    enum vx_space space;
    uint64_t base, size; /* ports or bytes */
    unsigned min_size; /* smallest access the handlers take, 1 by default: smaller ones are widened (read) or dropped */
    unsigned max_size; /* largest, 1 by default; larger ones are split, lowest address first */
    int priority;      /* higher wins where regions are layered on purpose; default 0 */
    /* off is relative to base. Value zero-extended. A NULL handler: reads all-ones / writes ignored. */
    uint64_t (*read)(void *opaque, uint64_t off, unsigned size);
    void (*write)(void *opaque, uint64_t off, unsigned size, uint64_t value);
    /* Optional block transfer for string I/O (INS/OUTS) on ports: moves `count` items of `size` bytes; returns how many
     * it did
     * (0: not now, the caller goes item by item). */
    size_t (*read_block)(void *opaque, uint64_t off, unsigned size, void *buf, size_t count);
    size_t (*write_block)(void *opaque, uint64_t off, unsigned size, const void *buf, size_t count);
    /* For debuggers: what read() would give, without anything that it would do. NULL: nobody can look. */
    uint64_t (*peek)(const void *opaque, uint64_t off, unsigned size);
    /* A region that guests take for memory (a window to video memory): its bytes are shown and changed as memory.
     * poke() puts a byte where peek() finds it; false: there is no such place now. */
    bool is_memory;
    bool (*poke)(void *opaque, uint64_t off, uint8_t value);
    void *opaque;
    uint64_t reads, writes; /* counted by the bus */
    struct vx_region *next; /* private to the bus */
};

VX_MUST_USE vx_err vx_bus_create(struct vx_log *log, struct vx_stats *stats, struct vx_bus **out);
/* A view of `bus` (no view itself), which it outlives: what one processor sees. Regions added to a view answer accesses
 * by way of that view alone and hide the bus's; everything else is the bus's. At most VX_BUS_MAX_VIEWS. */
#define VX_BUS_MAX_VIEWS 32u
VX_MUST_USE vx_err vx_bus_create_view(struct vx_bus *bus, struct vx_bus **out);
void vx_bus_destroy(struct vx_bus *bus);

/* The region struct is the caller's and stays in place while it is on the bus. */
VX_MUST_USE vx_err vx_bus_add(struct vx_bus *bus, struct vx_region *region);
void vx_bus_remove(struct vx_bus *bus, struct vx_region *region);

/* size 1, 2, 4 (8 for memory). */
uint64_t vx_bus_read(struct vx_bus *bus, enum vx_space space, uint64_t at, unsigned size);
void vx_bus_write(struct vx_bus *bus, enum vx_space space, uint64_t at, unsigned size, uint64_t value);

/* ---- for debuggers: nothing is counted, traced or changed */

/* Who answers at `at`; NULL: nobody. Good until a region is added or removed. */
const struct vx_region *vx_bus_region_at(struct vx_bus *bus, enum vx_space space, uint64_t at);
/* As vx_bus_read(), by the regions' peek(); false when one of them has none, or nobody answers. */
bool vx_bus_peek(struct vx_bus *bus, enum vx_space space, uint64_t at, unsigned size, uint64_t *value);
/* Changes a byte of a region that is memory; false: it is none, or the byte cannot be changed. */
bool vx_bus_poke(struct vx_bus *bus, uint64_t phys, uint8_t value);

size_t vx_bus_read_block(struct vx_bus *bus, uint16_t port, unsigned size, void *buf, size_t count);
size_t vx_bus_write_block(struct vx_bus *bus, uint16_t port, unsigned size, const void *buf, size_t count);

/* Calls fn for every region, of all views too, in address order (statistics, monitor). */
void vx_bus_each(struct vx_bus *bus, void (*fn)(void *opaque, const struct vx_region *region), void *opaque);

/* An interrupt (or other signal) wire: whoever drives it does not know what is at the other end. */
struct vx_irq {
    void (*set)(void *opaque, unsigned line, bool level);
    void *opaque;
    unsigned line;
};

static inline void vx_irq_set(const struct vx_irq *irq, bool level)
{
    if (irq->set != NULL)
        irq->set(irq->opaque, irq->line, level);
}
static inline void vx_irq_raise(const struct vx_irq *irq)
{
    vx_irq_set(irq, true);
}
static inline void vx_irq_lower(const struct vx_irq *irq)
{
    vx_irq_set(irq, false);
}
static inline void vx_irq_pulse(const struct vx_irq *irq)
{
    vx_irq_set(irq, true);
    vx_irq_set(irq, false);
}

#endif
