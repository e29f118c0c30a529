/* fpu_error.c - FERR# to IRQ 13 and IGNNE#. See fpu_error.h.
 *
 *   I1  IRQ 13 is up exactly while ferr && !ignne; ignne only while ferr. */
#include "fpu_error.h"

struct fpu_error {
    struct one_region chip;
    struct vx_irq irq13;
    bool ferr, ignne;
};

static void update(struct fpu_error *chip)
{
    chip->ignne = chip->ignne && chip->ferr;
    vx_irq_set(&chip->irq13, chip->ferr && !chip->ignne); /* keeps I1 */
}

void fpu_error_set_ferr(struct fpu_error *chip, bool level)
{
    chip->ferr = level;
    update(chip);
}

bool fpu_error_ignne(const struct fpu_error *chip)
{
    return chip->ignne;
}

static void error_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)off, (void)size, (void)value;
    struct fpu_error *chip = opaque;
    chip->ignne = true;
    update(chip);
}

static void error_reset(void *instance, enum reset phase)
{
    struct fpu_error *chip = instance;
    chip->ferr = chip->ignne = false;
    if (phase == VX_RESET_RELEASE)
        update(chip);
}

vx_err fpu_error_create(const struct fpu_error_config *config, struct fpu_error **out)
{
    static const struct vx_region region = {
        .name = "fpu error", .space = VX_SPACE_IO, .base = 0xF0, .size = 1, .write = error_write
    };
    struct one_region *chip;
    VX_TRY(one_region_create(sizeof **out, config->bus, &region, &chip));
    *out = (struct fpu_error *)chip;
    (*out)->irq13 = config->irq13;
    return VX_ERR_OK;
}

static const struct state_field fields[] = {
    REGISTER(struct fpu_error, ferr),
    REGISTER(struct fpu_error, ignne),
    WIRES(struct fpu_error, chip, irq13),
};
static const struct state_table state = STATE_TABLE(struct fpu_error, fields, NULL);

const struct device_type fpu_error_type = {
    .name = "fpu error",
    .version = 2,
    .state = &state,
    .reset = error_reset,
    .destroy = one_region_destroy,
};
