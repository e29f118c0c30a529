/* port61.c - speaker gate, refresh toggle. See port61.h. */
#include <stdlib.h>

#include "port61.h"

#define REFRESH_NS     15085
#define WRITABLE       0x0F
#define GATE2          0x01
#define REFRESH_TOGGLE 0x10
#define OUT2           0x20

struct port61 {
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct pit *pit;
    uint8_t control; /* bits 3..0 */
    struct vx_region region;
};

static uint64_t port61_read(void *opaque, uint64_t off, unsigned size)
{
    (void)off, (void)size;
    struct port61 *port = opaque;
    unsigned toggle = vx_clock_now_ns(port->clock) / REFRESH_NS & 1 ? REFRESH_TOGGLE : 0;
    return port->control | toggle | (pit_out2(port->pit) ? OUT2 : 0u);
}

static void port61_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)off, (void)size;
    struct port61 *port = opaque;
    port->control = (uint8_t)value & WRITABLE;
    pit_set_gate2(port->pit, port->control & GATE2);
}

static void port61_reset(void *instance, enum reset phase)
{
    struct port61 *port = instance;
    if (phase == VX_RESET_HOLD)
        port->control = 0;
    else
        pit_set_gate2(port->pit, false);
}

static void port61_destroy(void *instance)
{
    struct port61 *port = instance;
    if (port == NULL)
        return;
    vx_bus_remove(port->bus, &port->region);
    free(port);
}

vx_err port61_create(const struct port61_config *config, struct port61 **out)
{
    struct port61 *port = calloc(1, sizeof *port);
    if (port == NULL)
        return VX_ERR_NO_MEMORY;
    port->bus = config->bus;
    port->clock = config->clock;
    port->pit = config->pit;
    port->region = (struct vx_region){ .name = "port 61h",
                                       .space = VX_SPACE_IO,
                                       .base = 0x61,
                                       .size = 1,
                                       .read = port61_read,
                                       .write = port61_write,
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
    VX_FIELD(struct port61, control),
};

const struct device_type port61_type = {
    .name = "port 61h",
    .reset = port61_reset,
    .destroy = port61_destroy,
    .fields = fields,
    .field_count = VX_ARRAY_LEN(fields),
};
