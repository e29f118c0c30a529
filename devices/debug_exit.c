/* debug_exit.c - a few ports end the machine. See debug_exit.h. */
#include "debug_exit.h"

struct debug_exit {
    struct one_region chip;
    void (*exit)(void *opaque, uint32_t value);
    void *opaque;
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

vx_err debug_exit_create(const struct debug_exit_config *config, struct debug_exit **out)
{
    const struct vx_region region = { .name = "debug exit",
                                      .space = VX_SPACE_IO,
                                      .base = config->ports.base,
                                      .size = config->ports.count,
                                      .max_size = 4,
                                      .read = exit_read,
                                      .write = exit_write };
    struct one_region *chip;
    VX_TRY(one_region_create(sizeof **out, config->bus, &region, &chip));
    *out = (struct debug_exit *)chip;
    (*out)->exit = config->exit;
    (*out)->opaque = config->opaque;
    return VX_ERR_OK;
}

static const struct state_field fields[] = {
    WIRES(struct debug_exit, chip, exit, opaque),
};
static const struct state_table state = STATE_TABLE(struct debug_exit, fields, NULL);

const struct device_type debug_exit_type = {
    .name = "debug exit",
    .version = 1,
    .state = &state,
    .destroy = one_region_destroy,
};
