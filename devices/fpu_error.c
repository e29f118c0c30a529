/* fpu_error.c - FERR# to IRQ 13. See fpu_error.h. */
#include <stdlib.h>

#include "fpu_error.h"

struct fpu_error {
    struct vx_bus *bus;
    struct vx_irq irq13;
    struct vx_region region;
};

void fpu_error_set_ferr(struct fpu_error *chip, bool level)
{
    vx_irq_set(&chip->irq13, level);
}

static void error_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)off, (void)size, (void)value;
    vx_irq_lower(&((struct fpu_error *)opaque)->irq13);
}

static void error_reset(void *instance, enum reset phase)
{
    if (phase == VX_RESET_RELEASE)
        vx_irq_lower(&((struct fpu_error *)instance)->irq13);
}

static void error_destroy(void *instance)
{
    struct fpu_error *chip = instance;
    if (chip == NULL)
        return;
    vx_bus_remove(chip->bus, &chip->region);
    free(chip);
}

vx_err fpu_error_create(const struct fpu_error_config *config, struct fpu_error **out)
{
    struct fpu_error *chip = calloc(1, sizeof *chip);
    if (chip == NULL)
        return VX_ERR_NO_MEMORY;
    chip->bus = config->bus;
    chip->irq13 = config->irq13;
    chip->region = (struct vx_region){
        .name = "fpu error", .space = VX_SPACE_IO, .base = 0xF0, .size = 1, .write = error_write, .opaque = chip
    };
    vx_err err = vx_bus_add(chip->bus, &chip->region);
    if (err != VX_ERR_OK) {
        free(chip);
        return err;
    }
    *out = chip;
    return VX_ERR_OK;
}

const struct device_type fpu_error_type = {
    .name = "fpu error",
    .reset = error_reset,
    .destroy = error_destroy,
};
