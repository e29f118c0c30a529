/* debugcon.c - port 402h to a character back end. The worked example of the device pattern in device.h. */
#include <stdlib.h>

#include "debugcon.h"

struct debugcon {
    struct vx_bus *bus;
    struct vx_char *out;
    struct vx_region region;
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

static void debugcon_destroy(void *instance)
{
    struct debugcon *con = instance;
    if (con == NULL)
        return;
    vx_bus_remove(con->bus, &con->region);
    free(con);
}

vx_err debugcon_create(const struct debugcon_config *config, struct debugcon **out)
{
    struct debugcon *con = calloc(1, sizeof *con);
    if (con == NULL)
        return VX_ERR_NO_MEMORY;
    con->bus = config->bus;
    con->out = config->out;
    con->region = (struct vx_region){
        .name = "debugcon",
        .space = VX_SPACE_IO,
        .base = config->port,
        .size = 1,
        .read = debugcon_read,
        .write = debugcon_write,
        .write_block = debugcon_write_block,
        .opaque = con,
    };
    vx_err err = vx_bus_add(con->bus, &con->region);
    if (err != VX_ERR_OK) {
        free(con);
        return err;
    }
    *out = con;
    return VX_ERR_OK;
}

const struct device_type debugcon_type = {
    .name = "debugcon",
    .destroy = debugcon_destroy,
};
