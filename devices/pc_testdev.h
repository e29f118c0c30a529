/* pc_testdev.h - the device by which test kernels for virtual PCs work on interrupt lines, ports and mappings.
 *
 * Source: QEMU, device "pc-testdev" as kvm-unit-tests uses it. Clock: none.
 * Ports:
 *   E0h-E3h      32 bits of storage, in accesses of 1, 2 and 4 bytes
 *   E8h-EBh      the same storage, which only takes bytes: larger accesses are split
 *   E4h          write of 4 bytes: the mapping of the page at that physical address is dropped and made again
 *   2000h-2017h  write: level (0 or not) of interrupt line 0-23; 16 and up are pins of the I/O APIC only
 * Memory: FF000000h, 64 KiB of storage that is a device's: every access comes here.
 * Modelled: all of it. Storage survives reset, as in QEMU; the interrupt lines fall.
 * State to save: both storages (the lines' levels are at their other ends). */
#ifndef VX86_DEVICES_PC_TESTDEV_H
#define VX86_DEVICES_PC_TESTDEV_H

#include "device.h"
#include "vx86/pmap.h"

#define PC_TESTDEV_LINES 24

struct pc_testdev;

struct pc_testdev_config {
    struct vx_bus *bus;
    struct vx_pmap *pmap; /* whose mappings port E4h drops */
    struct vx_irq line[PC_TESTDEV_LINES];
};

VX_MUST_USE vx_err pc_testdev_create(const struct pc_testdev_config *config, struct pc_testdev **out);
extern const struct device_type pc_testdev_type;

#endif
