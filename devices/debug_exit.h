/* debug_exit.h - the test device that ends a virtual PC with a code.
 *
 * Source: QEMU documentation, device "isa-debug-exit". Ports: as configured; by custom F4h-F7h, QEMU's own default is
 * 501h-502h. A write of any size ends the machine with the value written; the frontend makes the exit status
 * (value << 1) | 1 of it. Reads give 0. State to save: none. */
#ifndef VX86_DEVICES_DEBUG_EXIT_H
#define VX86_DEVICES_DEBUG_EXIT_H

#include "device.h"
#include "vx86/machine.h"

struct debug_exit;

struct debug_exit_config {
    struct vx_bus *bus;
    struct vx_ports ports;
    void (*exit)(void *opaque, uint32_t value);
    void *opaque;
};

VX_MUST_USE vx_err debug_exit_create(const struct debug_exit_config *config, struct debug_exit **out);
extern const struct device_type debug_exit_type;

#endif
