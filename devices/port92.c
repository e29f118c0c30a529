/* port92.c - alternate A20 gate and fast reset. See port92.h. */
#include <stdlib.h>

#include "port92.h"

#define FAST_RESET 0x01
#define A20        0x02

struct port92 {
    struct vx_bus *bus;
    struct vx_irq a20, cpu_reset;
    uint8_t value;
    struct vx_region region;
};

static uint64_t port92_read(void *opaque, uint64_t off, unsigned size)
{
    (void)off, (void)size;
    return ((struct port92 *)opaque)->value;
}

static void port92_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)off, (void)size;
    struct port92 *port = opaque;
    bool resets = (value & FAST_RESET) && !(port->value & FAST_RESET);
    port->value = (uint8_t)value & (A20 | FAST_RESET);
    vx_irq_set(&port->a20, value & A20);
    if (resets)
        vx_irq_pulse(&port->cpu_reset);
}

/* A20 itself is opened by the machine at reset; here only the register. */
static void port92_reset(void *instance, enum reset phase)
{
    if (phase == VX_RESET_HOLD)
        ((struct port92 *)instance)->value = 0;
}

static void port92_destroy(void *instance)
{
    struct port92 *port = instance;
    if (port == NULL)
        return;
    vx_bus_remove(port->bus, &port->region);
    free(port);
}

vx_err port92_create(const struct port92_config *config, struct port92 **out)
{
    struct port92 *port = calloc(1, sizeof *port);
    if (port == NULL)
        return VX_ERR_NO_MEMORY;
    port->bus = config->bus;
    port->a20 = config->a20;
    port->cpu_reset = config->cpu_reset;
    port->region = (struct vx_region){ .name = "port 92h",
                                       .space = VX_SPACE_IO,
                                       .base = 0x92,
                                       .size = 1,
                                       .read = port92_read,
                                       .write = port92_write,
                                       .opaque = port };
    vx_err err = vx_bus_add(port->bus, &port->region);
    if (err != VX_ERR_OK) {
        free(port);
        return err;
    }
    *out = port;
    return VX_ERR_OK;
}

static const struct device_field fields[] = {
    VX_FIELD(struct port92, value),
};

const struct device_type port92_type = {
    .name = "port 92h",
    .reset = port92_reset,
    .destroy = port92_destroy,
    .fields = fields,
    .field_count = VX_ARRAY_LEN(fields),
};
