/* peeked.h - reads that a debugger has looked at before: what the bus peeks at is what the read then gives, twice. */
#ifndef VX86_TEST_PEEKED_H
#define VX86_TEST_PEEKED_H

#include <criterion/criterion.h>

#include "vx86/bus.h"

static inline uint64_t peeked_read(struct vx_bus *bus, uint64_t phys, unsigned size)
{
    uint64_t once, twice;
    if (vx_bus_region_at(bus, VX_SPACE_MEMORY, phys) == NULL)
        return vx_bus_read(bus, VX_SPACE_MEMORY, phys, size);
    bool there =
        vx_bus_peek(bus, VX_SPACE_MEMORY, phys, size, &once) && vx_bus_peek(bus, VX_SPACE_MEMORY, phys, size, &twice);
    uint64_t read = vx_bus_read(bus, VX_SPACE_MEMORY, phys, size);
    cr_assert(there && once == read && twice == read, "%llx: %llx peeked, then %llx, %llx read",
              (unsigned long long)phys, (unsigned long long)once, (unsigned long long)twice, (unsigned long long)read);
    return read;
}

#endif
