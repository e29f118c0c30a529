/* i8042.h - the keyboard controller of an AT, with PS/2 keyboard and mouse at its ports.
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference "Keyboard and Auxiliary Device Controller"; Intel 8042 data
 *   sheet.
 * Ports: 60h data, 64h status and command. Lines: IRQ 1 (keyboard), IRQ 12 (aux), A20 gate, CPU reset.
 * Modelled: commands 20h-3Fh 60h-7Fh A4h A7h-ABh ADh AEh C0h D0h-D4h DDh DFh E0h F0h-FFh, set 2 to set 1 translation,
 *   the gap between two bytes of a device (BYTE_GAP_NS), during which port 60h still gives the last byte.
 * Not modelled: passwords, serial clock and data lines, parity and timeout errors.
 * Timers: the gap, and the keyboard's typematic repeat while a key is held.
 * Saved state: all but the wiring. Thread rule: machine thread only. */
#ifndef VX86_DEVICES_I8042_H
#define VX86_DEVICES_I8042_H

#include "device.h"
#include "vx86/backend.h"

struct i8042;

struct i8042_config {
    struct vx_log *log;
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct vx_irq irq_keyboard; /* IRQ 1 */
    struct vx_irq irq_aux;      /* IRQ 12 */
    struct vx_irq a20;          /* level of P21, high after reset: one of two that can release A20M# */
    struct vx_irq reset;        /* raised, and lowered again, when the guest pulses P20 */
    struct vx_input *input;     /* NULL: nobody types. Its keyboard and relative pointer are ours until destroy */
};

VX_MUST_USE vx_err i8042_create(const struct i8042_config *config, struct i8042 **out);
extern const struct device_type i8042_type;

/* An interrupt of the mouse without news, see ps2_mouse_nudge(). */
void i8042_nudge_mouse(struct i8042 *i8042);

#endif
