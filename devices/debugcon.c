/* debugcon.c - port 402h to a character back end. The worked example of the device pattern in device.h. */
#include "debugcon.h"

struct debugcon {
    struct one_region chip;
    struct vx_char *out;
};

static uint64_t debugcon_read(void *opaque, uint64_t off, unsigned size)
{
    (void)opaque, (void)off, (void)size;
    return DEBUGCON_READBACK;
}

static void debugcon_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)off, (void)size;
    struct debugcon *con = opaque;
    uint8_t byte = (uint8_t)value;
    if (con->out != NULL)
        con->out->ops->write(con->out->opaque, &byte, 1);
}

/* OUTSB: the whole string at once. */
static size_t debugcon_write_block(void *opaque, uint64_t off, unsigned size, const void *buf, size_t count)
{
    (void)off;
    struct debugcon *con = opaque;
    if (size != 1)
        return 0;
    if (con->out != NULL)
        con->out->ops->write(con->out->opaque, buf, count);
    return count;
}

vx_err debugcon_create(const struct debugcon_config *config, struct debugcon **out)
{
    const struct vx_region region = {
        .name = "debugcon",
        .space = VX_SPACE_IO,
        .base = config->port,
        .size = 1,
        .read = debugcon_read,
        .write = debugcon_write,
        .write_block = debugcon_write_block,
    };
    struct one_region *chip;
    VX_TRY(one_region_create(sizeof **out, config->bus, &region, &chip));
    *out = (struct debugcon *)chip;
    (*out)->out = config->out;
    return VX_ERR_OK;
}

static const struct state_field fields[] = {
    WIRES(struct debugcon, chip, out),
};
static const struct state_table state = STATE_TABLE(struct debugcon, fields, NULL);

const struct device_type debugcon_type = {
    .name = "debugcon",
    .version = 1,
    .state = &state,
    .destroy = one_region_destroy,
};
