/* uart16550.h - the 16550A serial port (COM1..COM4).
 *
 * Source: National Semiconductor PC16550D data sheet.
 * Interface: 8 ports from `base`, one interrupt line gated by the OUT2 pin as PC boards wire it, one character back
 *   end. In loopback the pins of the modem outputs are inactive, so nothing interrupts; IIR goes on as ever.
 * Modelled: both FIFOs' control, receive trigger levels and the character timeout, interrupt priorities, the modem
 *   loopback with its deltas, break in loopback, scratch and divisor.
 * Not modelled: the time a transmitted character takes (it leaves at once, so THRE and TEMT are always up), line errors
 *   from outside. The modem inputs of an attached back end are all up, without one all down.
 * Host input is never lost to an overrun: it waits in the back end until the FIFO has room, and until the guest is
 *   ready for it (see receiver_ready() in the source).
 * Saved state: all of struct uart16550 but the wiring. Thread rule: machine thread only. */
#ifndef VX86_DEVICES_UART16550_H
#define VX86_DEVICES_UART16550_H

#include "device.h"
#include "vx86/backend.h"

struct uart16550;

struct uart16550_config {
    struct vx_bus *bus;
    struct vx_clock *clock;
    const char *name; /* of the bus region, static: "uart16550 COM1" */
    uint16_t base;    /* 3F8h, 2F8h, 3E8h, 2E8h */
    struct vx_irq irq;
    struct vx_char *chr; /* NULL: nothing attached. Its device's side is ours until destroy */
    bool ungated;        /* interrupts come without OUT2, as on boards that leave the gate out */
};

VX_MUST_USE vx_err uart16550_create(const struct uart16550_config *config, struct uart16550 **out);
extern const struct device_type uart16550_type;

#endif
