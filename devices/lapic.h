/* lapic.h - the local APIC of the one processor.
 *
 * Source: SDM 3A "Advanced Programmable Interrupt Controller (APIC)". Memory: FEE00000h, moved and disabled by
 * IA32_APIC_BASE (RAM at the new place hides it). Clock: timer input 1 GHz from the machine's clock object. Modelled:
 * ID, version, TPR/APR/PPR, logical and flat/cluster destinations, SVR, ISR/TMR/IRR, ESR, ICR to self (fixed, lowest
 * priority, NMI, INIT, SIPI), LVT timer (one-shot, periodic), LINT0/LINT1 (fixed, NMI, ExtINT: virtual wire), error
 * LVT; thermal and performance LVTs as storage. Not modelled: x2APIC, TSC deadline, other processors, EOI-broadcast
 * suppression, SMI. Deviation: LINT0 is ExtINT, LINT1 NMI, unmasked after reset, as PC firmware expects of the boot
 * processor. State to save: all registers, timer start. */
#ifndef VX86_DEVICES_LAPIC_H
#define VX86_DEVICES_LAPIC_H

#include "device.h"

#define LAPIC_DEFAULT_BASE 0xFEE00000u
#define LAPIC_BASE_ENABLE  (1u << 11) /* IA32_APIC_BASE */

/* Delivery modes of ICR, LVT and I/O APIC messages. */
enum lapic_delivery {
    LAPIC_FIXED = 0,
    LAPIC_LOWEST = 1,
    LAPIC_SMI = 2,
    LAPIC_NMI = 4,
    LAPIC_INIT = 5,
    LAPIC_SIPI = 6,
    LAPIC_EXTINT = 7,
};

struct vx_lapic;

struct vx_lapic_config {
    struct vx_log *log;
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct vx_irq intr;                        /* INTR of the processor core: level */
    struct vx_irq nmi;                         /* pulse */
    struct vx_irq init;                        /* pulse: INIT */
    int (*extint_ack)(void *opaque);           /* INTA to the 8259s: vector */
    void (*eoi)(void *opaque, uint8_t vector); /* EOI of a level-triggered vector, to the I/O APIC */
    void *opaque;                              /* for both */
};

VX_MUST_USE vx_err vx_lapic_create(const struct vx_lapic_config *config, struct vx_lapic **out);
extern const struct vx_device_type vx_lapic_type;

/* LINT0 (line 0, from the 8259s) and LINT1 (line 1). */
struct vx_irq vx_lapic_lint(struct vx_lapic *lapic, unsigned lint);

/* A message on the APIC bus: destination as in an I/O APIC redirection entry. */
void vx_lapic_message(struct vx_lapic *lapic, uint8_t destination, bool logical, enum lapic_delivery mode,
                      uint8_t vector, bool level_triggered);

/* INTA from the core: the vector to take, -1 when nothing asks any more. */
int vx_lapic_ack(struct vx_lapic *lapic);

/* IA32_APIC_BASE was written. */
void vx_lapic_set_base(struct vx_lapic *lapic, uint64_t value);

/* True while LINT0 is programmed to deliver NMIs: a halted processor with interrupts off could still wake. */
bool vx_lapic_can_nmi(const struct vx_lapic *lapic);

/* INIT#: reset but for the APIC ID and the base. */
void vx_lapic_init(struct vx_lapic *lapic);

#endif
