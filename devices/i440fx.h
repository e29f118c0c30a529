/* i440fx.h - the PCI host bridge (82441FX PMC): which of RAM and ROM answers between C0000h and FFFFFh.
 *
 * Source: Intel 440FX PCIset data sheet (290549), "PAM - Programmable Attribute Map Registers", "SMRAM". PCI 8086:1237
 * at 00:00.0. Modelled: PAM0-PAM6, the SMRAM register with its lock, register 57h with the RAM size in 8 MiB units as
 * virtual PCs have it, reset values; SMRAM at A0000h-BFFFFh, shown while D_OPEN is set or the CPU is in SMM. Not
 * modelled: DRAM timing, error reporting, D_CLS (code and data of an SMI handler in two memories). State to save:
 * configuration space, SMIACT#. */
#ifndef VX86_DEVICES_I440FX_H
#define VX86_DEVICES_I440FX_H

#include "pci.h"

struct i440fx;

struct i440fx_config {
    struct pci *pci;
    struct vx_pmap *pmap; /* RAM from address 0, not yet covered by anything between C0000h and FFFFFh */
    uint32_t bios_page;   /* backing pages of what PCI shows at E0000h-FFFFFh: the last 128 KiB of the BIOS ROM */
};

VX_MUST_USE vx_err i440fx_create(const struct i440fx_config *config, struct i440fx **out);
extern const struct device_type i440fx_type;

/* SMIACT#: the CPU enters or leaves system management mode. */
void i440fx_set_smiact(struct i440fx *bridge, bool active);

#endif
