/* port92.h - system control port A of the PS/2: alternate A20 gate and fast CPU reset.
 *
 * Source: 82371SB (PIIX3) data sheet "Port 92 Register". Port: 92h. Bit 1 A20 on, bit 0 rising resets the processor.
 * Modelled: both bits. State to save: bit 1 and 0 (the gate itself is the keyboard
 * controller's, which knows where it stands). */
#ifndef VX86_DEVICES_PORT92_H
#define VX86_DEVICES_PORT92_H

#include "device.h"

struct port92;

struct port92_config {
    struct vx_bus *bus;
    struct vx_irq a20;       /* true: address bit 20 passes */
    struct vx_irq cpu_reset; /* pulse */
};

VX_MUST_USE vx_err port92_create(const struct port92_config *config, struct port92 **out);
extern const struct device_type port92_type;

#endif
