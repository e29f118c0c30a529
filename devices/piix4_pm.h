/* piix4_pm.h - ACPI power management and SMBus of the 82371AB (PIIX4), as virtual PCs put it beside a PIIX3.
 *
 * Source: Intel 82371AB data sheet (290562), "Power Management"; ACPI specification, "ACPI Hardware Specification"; the
 * SMI command values and GPE0 block follow QEMU's "pc" machine, whose firmware interface this is. PCI 8086:7113 at
 * 00:01.3. Ports: PM block of 64 at PMBA (40h), SMBus block of 16 at SMBBA (90h), B2h-B3h APM control/status,
 * AFE0h-AFE3h GPE0. IRQ: SCI on ISA IRQ 9. Clock: PM timer 3.579545 MHz, 24 bits. Modelled: PM1 status/enable/control,
 * PM timer with overflow event, power button, S5 (SLP_TYP 0), GPE0 status and enable without sources, ACPI
 * enable/disable by the SMI command port (done by the chip, as the firmware's SMI handler leaves it to do), an SMI at
 * every other write to that port while DEVACTB.APMC_EN and GLBCTL.SMI_EN are set, SMBus host controller of an empty bus
 * (every transfer ends in a device error). Not modelled: GLBCTL.EOS (each SMI is an edge), other sources of SMI, S1-S4,
 * global stand-by timers, device traps.
 * State to save: configuration space, registers, the timer. */
#ifndef VX86_DEVICES_PIIX4_PM_H
#define VX86_DEVICES_PIIX4_PM_H

#include "pci.h"

#define PM_TIMER_HZ     3579545u
#define PM_ACPI_ENABLE  0xF1 /* values for port B2h, as the FADT names them */
#define PM_ACPI_DISABLE 0xF0

struct piix4_pm;

struct piix4_pm_config {
    struct vx_log *log;
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct pci *pci;
    struct vx_irq sci;
    struct vx_irq power_off; /* pulse */
    struct vx_irq smi;       /* pulse */
};

VX_MUST_USE vx_err piix4_pm_create(const struct piix4_pm_config *config, struct piix4_pm **out);
extern const struct device_type piix4_pm_type;

void piix4_pm_press_power_button(struct piix4_pm *pm);

#endif
