/* fpu_error.h - the AT's way of reporting x87 errors: FERR# to IRQ 13, and the port that takes it back.
 *
 * Source: IBM PC AT Technical Reference "Coprocessor"; 82371SB (PIIX3) data sheet "Coprocessor Error Register". Port:
 * F0h. Modelled: IRQ 13 rises with FERR#. A write to F0h while FERR# is active lowers it and asserts IGNNE#, so that
 * the handler can use the coprocessor; both end with FERR#. State to save: FERR#, IGNNE#. */
#ifndef VX86_DEVICES_FPU_ERROR_H
#define VX86_DEVICES_FPU_ERROR_H

#include "device.h"

struct fpu_error;

struct fpu_error_config {
    struct vx_bus *bus;
    struct vx_irq irq13;
};

VX_MUST_USE vx_err fpu_error_create(const struct fpu_error_config *config, struct fpu_error **out);
extern const struct device_type fpu_error_type;

/* FERR# of the processor. */
void fpu_error_set_ferr(struct fpu_error *chip, bool level);
/* IGNNE#, to the processor: it asks when it has an error. */
bool fpu_error_ignne(const struct fpu_error *chip);

#endif
