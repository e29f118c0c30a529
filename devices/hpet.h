/* hpet.h - the high precision event timer: one counter, three comparators.
 *
 * Source: IA-PC HPET Specification 1.0a, "Register Overview", "Theory of Operation", "Mapping Option #1
 * (LegacyReplacement Option)"; Intel ICH9 data sheet "High Precision Event Timer Registers". Memory: FED00000h, 1 KiB;
 * accesses of 4 and 8 bytes. Clock: 100 MHz from the machine's clock object. Lines: IRQ 0 and 8, which the 8254's OUT0
 * and the RTC's IRQ pass through on their way (hpet_legacy_input()) until LEG_RT_CNF gives them to timers 0 and 1; pins
 * 20 to 23 of the I/O APIC.
 *
 *     000h [ 63..32 period in fs | 31..16 vendor | 15 LEG_RT | 13 64 bits | 12..8 timers - 1 | 7..0 revision ]
 *     010h [ 1 LEG_RT_CNF | 0 ENABLE_CNF ]     020h status, a bit a timer     0F0h main counter
 *     100h + 20h n    [ 63..32 pins | 13..9 pin | 8 32 bits | 6 VAL_SET | 3 periodic | 2 interrupts | 1 level ]
 *     108h + 20h n    comparator
 *
 * Modelled: 64-bit counter, writable at any time; three timers of 64 bits with 32-bit mode, one-shot and periodic with
 * VAL_SET (which sets accumulator and period), edge and level interrupts. Not modelled: FSB interrupts (no capability).
 * In edge mode the line stays up until the timer's next interrupt, or until the timer is configured anew. Matches that
 * the host was late for are one; a periodic timer interrupts at most once a microsecond. State to save: all registers,
 * counter, the levels of inputs and outputs. */
#ifndef VX86_DEVICES_HPET_H
#define VX86_DEVICES_HPET_H

#include "device.h"

#define HPET_BASE      0xFED00000u
#define HPET_FIRST_PIN 20
#define HPET_PINS      4

struct hpet;

/* The interrupts that legacy replacement takes over. */
enum hpet_legacy { HPET_IRQ0, HPET_IRQ8, HPET_LEGACY_IRQS };

struct hpet_config {
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct vx_irq legacy[HPET_LEGACY_IRQS];
    struct vx_irq pin[HPET_PINS]; /* of the I/O APIC, from HPET_FIRST_PIN on */
};

VX_MUST_USE vx_err hpet_create(const struct hpet_config *config, struct hpet **out);
extern const struct device_type hpet_type;

/* Where the 8254 or the RTC ends instead of at its interrupt. */
struct vx_irq hpet_legacy_input(struct hpet *hpet, enum hpet_legacy irq);

#endif
