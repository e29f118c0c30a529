/* pic8259.h - the cascaded pair of 8259A interrupt controllers of a PC, with the edge/level control registers of the
 * PIIX3.
 *
 * Source: Intel 8259A data sheet (231468-003); 82371SB (PIIX3) data sheet "Interrupt Controller", "ELCR".
 * Ports: 20h-21h master, A0h-A1h slave, 4D0h-4D1h ELCR. Clock: none.
 * Modelled: ICW1-4, OCW1-3, priority rotation, specific and automatic EOI, special mask, special fully nested mode,
 * poll, spurious IRQ7, edge and level inputs: a request needs its line up until INTA, by edge too. The two INTA cycles
 * are one moment, so the slave never has a spurious IRQ15. Not modelled: MCS-80 mode, buffered mode pins; ICW1.LTIM is
 * ignored, as the PIIX3 does in favour of ELCR. State to save: both chips' registers and line levels. */
#ifndef VX86_DEVICES_PIC8259_H
#define VX86_DEVICES_PIC8259_H

#include "device.h"

struct pic;

struct pic_config {
    struct vx_log *log;
    struct vx_bus *bus;
    struct vx_irq intr; /* INT pin of the master */
};

VX_MUST_USE vx_err pic_create(const struct pic_config *config, struct pic **out);
extern const struct device_type pic_type;

/* Input IR0-IR7 of the master (0 to 7) or the slave (8 to 15); 2 is the cascade and ignored. */
struct vx_irq pic_input(struct pic *pic, unsigned irq);

/* INTA cycle: the vector; the spurious one when no request is left. */
uint8_t pic_ack(struct pic *pic);

#endif
