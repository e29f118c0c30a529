/* vmmouse.h - an absolute pointer by VMware's backdoor.
 *
 * Source: what guests do, which is what makes the interface: Linux drivers/input/mouse/vmmouse.c, X.Org's vmmouse
 *   driver. VMware publishes no data sheet.
 * Ports: 5658h, by IN EAX, DX with EAX = 564D5868h and the command in CX; arguments and answers are the processor's
 *   other registers. IRQ 12: a packet without news of the PS/2 mouse says that there is something to fetch.
 *
 *     10 GETVERSION            EAX 6, EBX the magic number, ECX 4 (Workstation)
 *     39 ABSPOINTER_DATA       EBX 1 to 6: so many items of the queue, to EAX EBX ECX EDX ESI EDI
 *     40 ABSPOINTER_STATUS     EAX 31..16 FFFFh: not enabled, or the guest asked for more than there was; 15..0 items
 *     41 ABSPOINTER_COMMAND    EBX 45414552h enable, F5h disable, 4C455252h relative, 53424152h absolute
 *
 *     packet: flags (5 left, 4 right, 3 middle, 16 relative) | x | y | wheel; absolute 0 to FFFFh, relative y upwards
 *
 * Modelled: these. Every other command is answered by EAX = FFFFFFFFh, with the other registers as they were.
 * Not modelled: the rest of the backdoor, its high-bandwidth port 5659h, that it ignores the I/O permissions.
 * While it is enabled it has the user's pointer in place of the PS/2 mouse. Saved state: queue and mode. Thread rule:
 * machine thread only. */
#ifndef VX86_DEVICES_VMMOUSE_H
#define VX86_DEVICES_VMMOUSE_H

#include "device.h"
#include "vx86/backend.h"
#include "vx86/vcpu.h"

struct vmmouse;

/* The processor that executes the IN. */
struct vmmouse_cpu {
    uint32_t (*get)(void *opaque, enum vx_gpr reg);
    void (*set)(void *opaque, enum vx_gpr reg, uint32_t value);
    void (*nudge)(void *opaque); /* the PS/2 mouse interrupts, see i8042_nudge_mouse() */
    void *opaque;
};

struct vmmouse_config {
    struct vx_log *log;
    struct vx_bus *bus;
    struct vx_input *input; /* NULL: nobody points. Who has its relative pointer at create() gets it back */
    struct vmmouse_cpu cpu;
};

VX_MUST_USE vx_err vmmouse_create(const struct vmmouse_config *config, struct vmmouse **out);
extern const struct device_type vmmouse_type;

#endif
