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

struct vx_ioapic;

/* What a redirection entry asks for, on its way to the local APICs. */
struct vx_apic_message {
    uint8_t destination, vector;
    uint8_t mode; /* enum lapic_delivery */
    bool logical, level_triggered;
};

struct vx_ioapic_config {
    struct vx_log *log;
    struct vx_bus *bus;
    void (*send)(void *opaque, const struct vx_apic_message *message);
    void *opaque;
};

VX_MUST_USE vx_err vx_ioapic_create(const struct vx_ioapic_config *config, struct vx_ioapic **out);
extern const struct vx_device_type vx_ioapic_type;

struct vx_irq vx_ioapic_input(struct vx_ioapic *ioapic, unsigned pin);

/* True while an unmasked pin is programmed to deliver NMIs. */
bool vx_ioapic_can_nmi(const struct vx_ioapic *ioapic);

/* EOI broadcast of a level-triggered vector. */
void vx_ioapic_eoi(struct vx_ioapic *ioapic, uint8_t vector);

#endif
