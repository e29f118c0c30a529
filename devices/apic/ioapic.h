/* ioapic.h - the I/O APIC: 24 interrupt inputs to messages for the local APIC.
 *
 * Source: Intel 82093AA data sheet (290566). Memory: FEC00000h: IOREGSEL at 0, IOWIN at 10h. Clock: none.
 * Modelled: ID, version 11h, arbitration ID, 24 redirection entries, edge and level with remote IRR, masking. Inputs
 * are logical
 * ("asserted"): the polarity bit is stored and has no effect. Edges on a masked pin are lost, as the data sheet says.
 * Not modelled: delivery status (a message is never pending), relocation by the PIIX3 APICBASE register.
 * State to save: select register, ID, entries, line levels. */
#ifndef VX86_DEVICES_IOAPIC_H
#define VX86_DEVICES_IOAPIC_H

#include "device.h"

#define IOAPIC_BASE 0xFEC00000u
#define IOAPIC_PINS 24

struct ioapic;

/* What a redirection entry asks for, on its way to the local APICs. */
struct apic_message {
    uint8_t destination, vector;
    uint8_t mode; /* enum lapic_delivery */
    bool logical, level_triggered;
};

struct ioapic_config {
    struct vx_log *log;
    struct vx_bus *bus;
    void (*send)(void *opaque, const struct apic_message *message);
    void *opaque;
};

VX_MUST_USE vx_err ioapic_create(const struct ioapic_config *config, struct ioapic **out);
extern const struct device_type ioapic_type;

struct vx_irq ioapic_input(struct ioapic *ioapic, unsigned pin);

/* True while an unmasked pin is programmed to deliver NMIs. */
bool ioapic_can_nmi(const struct ioapic *ioapic);

/* EOI broadcast of a level-triggered vector. */
void ioapic_eoi(struct ioapic *ioapic, uint8_t vector);

#endif
