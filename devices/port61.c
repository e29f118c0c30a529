/* port61.c - speaker gate, refresh toggle. See port61.h. */
#include "port61.h"

#define REFRESH_NS     15085
#define WRITABLE       0x0F
#define GATE2          0x01
#define SPEAKER_DATA   0x02
#define REFRESH_TOGGLE 0x10
#define OUT2           0x20

struct port61 {
    struct one_region chip;
    struct vx_clock *clock;
    struct pit *pit;
    struct vx_irq speaker;
    uint8_t control; /* bits 3..0 */
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
    vx_irq_set(&port->speaker, port->control & SPEAKER_DATA);
}

static void port61_reset(void *instance, enum reset phase)
{
    struct port61 *port = instance;
    if (phase == VX_RESET_HOLD) {
        port->control = 0;
    } else {
        pit_set_gate2(port->pit, false);
        vx_irq_lower(&port->speaker);
    }
}

vx_err port61_create(const struct port61_config *config, struct port61 **out)
{
    static const struct vx_region region = {
        .name = "port 61h", .space = VX_SPACE_IO, .base = 0x61, .size = 1, .read = port61_read, .write = port61_write
    };
    struct one_region *chip;
    VX_TRY(one_region_create(sizeof **out, config->bus, &region, &chip));
    *out = (struct port61 *)chip;
    (*out)->clock = config->clock;
    (*out)->pit = config->pit;
    (*out)->speaker = config->speaker;
    return VX_ERR_OK;
}

static const struct state_field fields[] = {
    REGISTER(struct port61, control),
    WIRES(struct port61, chip, clock, pit, speaker),
};
static const struct state_table state = STATE_TABLE(struct port61, fields, NULL);

const struct device_type port61_type = {
    .name = "port 61h",
    .version = 1,
    .state = &state,
    .reset = port61_reset,
    .destroy = one_region_destroy,
};
