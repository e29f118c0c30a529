/* debugcon.h - the one-port debug console of virtual PCs: what the BIOS prints there goes to a character back end.
 *
 * Source: QEMU documentation, device "isa-debugcon". Port: 402h by custom. IRQ, clock: none.
 * Modelled: a write sends the byte; a read gives E9h, by which software finds out that the port is there.
 * State to save: none. */
#ifndef VX86_DEVICES_DEBUGCON_H
#define VX86_DEVICES_DEBUGCON_H

#include "device.h"
#include "vx86/backend.h"

#define DEBUGCON_PORT     0x402
#define DEBUGCON_READBACK 0xE9

struct debugcon;

struct debugcon_config {
    struct vx_bus *bus;
    uint16_t port;
    struct vx_char *out; /* NULL: bytes are dropped */
};

VX_MUST_USE vx_err debugcon_create(const struct debugcon_config *config, struct debugcon **out);
extern const struct device_type debugcon_type;

#endif
