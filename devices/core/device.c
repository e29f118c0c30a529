/* device.c - the small parts that chips and machine share: groups of regions, chips of one region, wired-OR lines. */
#include "device.h"

#include <stdlib.h>

vx_err bus_add_all(struct vx_bus *bus, struct vx_region *regions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        vx_err err = vx_bus_add(bus, &regions[i]);
        if (err != VX_ERR_OK) {
            bus_remove_all(bus, regions, i);
            return err;
        }
    }
    return VX_ERR_OK;
}

void bus_remove_all(struct vx_bus *bus, struct vx_region *regions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        vx_bus_remove(bus, &regions[i]);
}

vx_err one_region_create(size_t bytes, struct vx_bus *bus, const struct vx_region *region, struct one_region **out)
{
    struct one_region *chip = calloc(1, bytes);
    if (chip == NULL)
        return VX_ERR_NO_MEMORY;
    chip->bus = bus;
    chip->region = *region;
    chip->region.opaque = chip;
    vx_err err = vx_bus_add(bus, &chip->region);
    if (err != VX_ERR_OK) {
        free(chip);
        return err;
    }
    *out = chip;
    return VX_ERR_OK;
}

void one_region_destroy(void *instance)
{
    struct one_region *chip = instance;
    if (chip == NULL)
        return;
    vx_bus_remove(chip->bus, &chip->region);
    free(chip);
}

static void irq_or_set(void *opaque, unsigned line, bool level)
{
    struct irq_or *wire = opaque;
    uint32_t bit = 1u << line;
    uint32_t inputs = level ? wire->inputs | bit : wire->inputs & ~bit;
    bool was = wire->inputs != 0;
    wire->inputs = inputs;
    if (was != (inputs != 0))
        vx_irq_set(&wire->out, inputs != 0);
}

void irq_or_init(struct irq_or *wire, struct vx_irq out)
{
    wire->inputs = 0;
    wire->out = out;
}

struct vx_irq irq_or_input(struct irq_or *wire, unsigned n)
{
    VX_ASSERT(n < 32);
    return (struct vx_irq){ .set = irq_or_set, .opaque = wire, .line = n };
}

static const struct state_field fields[] = {
    FIELD(struct irq_or, inputs),
    WIRES(struct irq_or, out),
};
const struct state_table irq_or_state = STATE_TABLE(struct irq_or, fields, NULL);
