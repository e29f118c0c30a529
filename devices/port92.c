/* port92.c - alternate A20 gate and fast reset. See port92.h. */
#include "port92.h"

#define FAST_RESET 0x01
#define A20        0x02

struct port92 {
    struct one_region chip;
    struct vx_irq a20, cpu_reset;
    uint8_t value;
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

static void port92_reset(void *instance, enum reset phase)
{
    struct port92 *port = instance;
    if (phase == VX_RESET_HOLD)
        port->value = 0;
    else
        vx_irq_lower(&port->a20);
}

vx_err port92_create(const struct port92_config *config, struct port92 **out)
{
    static const struct vx_region region = {
        .name = "port 92h", .space = VX_SPACE_IO, .base = 0x92, .size = 1, .read = port92_read, .write = port92_write
    };
    struct one_region *chip;
    VX_TRY(one_region_create(sizeof **out, config->bus, &region, &chip));
    *out = (struct port92 *)chip;
    (*out)->a20 = config->a20;
    (*out)->cpu_reset = config->cpu_reset;
    return VX_ERR_OK;
}

static const struct state_field fields[] = {
    REGISTER(struct port92, value),
    WIRES(struct port92, chip, a20, cpu_reset),
};
static const struct state_table state = STATE_TABLE(struct port92, fields, NULL);

const struct device_type port92_type = {
    .name = "port 92h",
    .version = 1,
    .state = &state,
    .reset = port92_reset,
    .destroy = one_region_destroy,
};
