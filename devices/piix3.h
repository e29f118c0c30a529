/* piix3.h - the PCI-to-ISA bridge (82371SB): PIRQ routing and the reset control register.
 *
 * Source: Intel 82371FB/82371SB data sheet (290550). PCI 8086:7000 at 00:01.0, with the IDE (.1) and power management
 * (.3) functions beside it. Port CF9h, inside the PCI address dword. Modelled: PIRQRC[A:D] (60h-63h), RCR,
 * configuration registers with their reset values as storage, the page registers' alias (IORT bit 7). Not modelled: ISA
 * timing, X-bus chip selects, APICBASE relocation, MBIRQ. State to save: configuration space, RCR, PIRQ levels,
 * what it drives. */
#ifndef VX86_DEVICES_PIIX3_H
#define VX86_DEVICES_PIIX3_H

#include "pci.h"

#define PIIX3_SLOT 1

struct piix3;

struct piix3_config {
    struct pci *pci;
    struct vx_irq isa[16];    /* the ISA interrupts that a PIRQ can be routed to (shared with ISA devices: wired OR) */
    struct vx_irq reset;      /* pulse: hard reset, of the whole machine */
    struct vx_irq init;       /* pulse: soft reset, INIT to the processor alone */
    struct vx_irq page_alias; /* ports 90h-9Fh show the DMA page registers */
};

VX_MUST_USE vx_err piix3_create(const struct piix3_config *config, struct piix3 **out);
extern const struct device_type piix3_type;

/* PIRQA# to PIRQD# (0 to 3), asserted = true. */
void piix3_set_pirq(struct piix3 *piix, unsigned pirq, bool level);

#endif
