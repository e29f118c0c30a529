/* port92.h - system control port A of the PS/2: alternate A20 gate and fast CPU reset.
 *
 * Source: 82371SB (PIIX3) data sheet "Port 92 Register". Port: 92h. Bit 1 A20 on, bit 0 rising resets the processor.
 * Modelled: both bits. Bit 1 is one of two sources of A20M#, which the chip set ORs: the other is the keyboard
 * controller, and address bit 20 passes while either wants it. State to save: bits 1 and 0. */
#ifndef VX86_DEVICES_PORT92_H
#define VX86_DEVICES_PORT92_H

#include "device.h"

struct port92;

struct port92_config {
    struct vx_bus *bus;
    struct vx_irq a20;       /* level of bit 1 */
    struct vx_irq cpu_reset; /* pulse */
};

VX_MUST_USE vx_err port92_create(const struct port92_config *config, struct port92 **out);
extern const struct device_type port92_type;

#endif
