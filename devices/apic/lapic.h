/* lapic.h - the local APIC of one processor.
 *
 * Source: SDM 3A "Advanced Programmable Interrupt Controller (APIC)". Memory: FEE00000h, moved and disabled by
 * IA32_APIC_BASE (RAM at the new place hides it). Clock: timer input 1 GHz from the machine's clock object. Modelled:
 * ID, version, TPR/APR/PPR, logical and flat/cluster destinations, SVR, ISR/TMR/IRR, ESR, ICR to self (fixed, lowest
 * priority, SMI, NMI, INIT, SIPI), LVT timer (one-shot, periodic, TSC deadline), LINT0/LINT1 (fixed, by edge or level;
 * SMI, NMI, ExtINT: virtual wire), error LVT; thermal and performance LVTs as storage. Not modelled: x2APIC, other
 * processors, EOI-broadcast suppression. Deviation: LINT0 is ExtINT, LINT1 NMI, unmasked after reset, as PC firmware
 * expects of the boot processor. State to save: all registers, where it lies, the levels of LINT0 and LINT1, the
 * timer. */
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

struct lapic;

struct lapic_config {
    struct vx_log *log;
    struct vx_bus *bus; /* the processor's view of it */
    struct vx_clock *clock;
    uint8_t id;                                /* APIC ID after reset */
    struct vx_irq intr;                        /* INTR of the processor core: level */
    struct vx_irq nmi;                         /* pulse */
    struct vx_irq init;                        /* pulse: INIT */
    struct vx_irq smi;                         /* pulse */
    bool tsc_deadline;                         /* the timer has that mode: CPUID.1:ECX[24] */
    int (*extint_ack)(void *opaque);           /* INTA to the 8259s: vector */
    void (*eoi)(void *opaque, uint8_t vector); /* EOI of a level-triggered vector, to the I/O APIC */
    void *opaque;                              /* for both */
};

VX_MUST_USE vx_err lapic_create(const struct lapic_config *config, struct lapic **out);
extern const struct device_type lapic_type;

/* LINT0 (line 0, from the 8259s) and LINT1 (line 1). */
struct vx_irq lapic_lint(struct lapic *lapic, unsigned lint);

/* A message on the APIC bus: destination as in an I/O APIC redirection entry. */
void lapic_message(struct lapic *lapic, uint8_t destination, bool logical, enum lapic_delivery mode, uint8_t vector,
                   bool level_triggered);

/* INTA from the core: the vector to take, -1 when nothing asks any more. */
int lapic_ack(struct lapic *lapic);

/* IA32_TSC_DEADLINE, 0: not armed. The TSC is the clock in nanoseconds plus `offset`; written with the deadline as it
 * is when the offset changes. Ignored unless the timer is in that mode. */
uint64_t lapic_tsc_deadline(struct lapic *lapic);
void lapic_set_tsc_deadline(struct lapic *lapic, uint64_t deadline, uint64_t offset);

/* IA32_APIC_BASE was written. */
void lapic_set_base(struct lapic *lapic, uint64_t value);

/* True while LINT0 is programmed to deliver NMIs: a halted processor with interrupts off could still wake. */
bool lapic_can_nmi(const struct lapic *lapic);

/* INIT#: reset but for the APIC ID and the base. */
void lapic_init(struct lapic *lapic);

#endif
