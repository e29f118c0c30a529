/* debug_exit.c - a few ports end the machine. See debug_exit.h. */
#include <stdlib.h>

#include "debug_exit.h"

struct debug_exit {
    struct vx_bus *bus;
    void (*exit)(void *opaque, uint32_t value);
    void *opaque;
    struct vx_region region;
};

static uint64_t exit_read(void *opaque, uint64_t off, unsigned size)
{
    (void)opaque, (void)off, (void)size;
    return 0;
}

static void exit_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)off, (void)size;
    struct debug_exit *chip = opaque;
    chip->exit(chip->opaque, (uint32_t)value);
}

static void exit_destroy(void *instance)
{
    struct debug_exit *chip = instance;
    if (chip == NULL)
        return;
    vx_bus_remove(chip->bus, &chip->region);
    free(chip);
}

vx_err debug_exit_create(const struct debug_exit_config *config, struct debug_exit **out)
{
    struct debug_exit *chip = calloc(1, sizeof *chip);
    if (chip == NULL)
        return VX_ERR_NO_MEMORY;
    chip->bus = config->bus;
    chip->exit = config->exit;
    chip->opaque = config->opaque;
    chip->region = (struct vx_region){ .name = "debug exit",
                                       .space = VX_SPACE_IO,
                                       .base = config->ports.base,
                                       .size = config->ports.count,
                                       .max_size = 4,
                                       .read = exit_read,
                                       .write = exit_write,
                                       .opaque = chip };
    vx_err err = vx_bus_add(chip->bus, &chip->region);
    if (err != VX_ERR_OK) {
        free(chip);
        return err;
    }
    *out = chip;
    return VX_ERR_OK;
}

const struct device_type debug_exit_type = {
    .name = "debug exit",
    .destroy = exit_destroy,
};
