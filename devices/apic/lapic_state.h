/* lapic_state.h - the inside of the local APIC, shared by its three files:
 *
 *   lapic.c             registers, reset, place on the bus
 *   lapic_interrupts.c  priorities, INTR, local vectors, messages, inter-processor interrupts to self
 *   lapic_timer.c       the timer
 *
 *   I1  After every change lapic_update() has driven INTR: it is up while lapic_ack() would give a vector.
 *   I2  The timer is armed only while its end can be seen: LVT unmasked and initial count not 0, or a TSC deadline.
 *   I3  LINT0, fixed and by level, unmasked, up and without remote IRR does not exist between calls. */
#ifndef VX86_DEVICES_LAPIC_STATE_H
#define VX86_DEVICES_LAPIC_STATE_H

#include "lapic.h"

enum lvt { LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVT_COUNT };
enum {
    LVT_REMOTE_IRR = 1u << 14, /* LINT0, by level: taken and not yet ended */
    LVT_LEVEL = 1u << 15,
    LVT_MASKED = 1u << 16,
    LVT_PERIODIC = 1u << 17,
    LVT_TSC_DEADLINE = 1u << 18,
};
#define LVT_MODE(lvt) ((lvt) >> 8 & 7)
enum { SVR_ENABLE = 1u << 8, SVR_WRITABLE = 0x3FF };
enum { ESR_SEND_ILLEGAL = 1u << 5, ESR_RECEIVE_ILLEGAL = 1u << 6, ESR_ILLEGAL_REGISTER = 1u << 7 };
enum { ICR_LOGICAL = 1u << 11, ICR_ASSERT = 1u << 14, ICR_LEVEL = 1u << 15, ICR_WRITABLE = 0x000CCFFF };
#define FIRST_VECTOR 16 /* 0 to 15 are illegal */

struct lapic {
    struct vx_log *log;
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct vx_irq intr, nmi, init, smi;
    bool has_tsc_deadline;
    int (*extint_ack)(void *opaque);
    void (*eoi)(void *opaque, uint8_t vector);
    void *opaque;
    uint64_t base; /* where its registers lie while hardware_enabled */
    uint8_t reset_id;
    bool on_bus, hardware_enabled;
    bool intr_level;
    bool lint[2]; /* input levels */
    uint8_t id, tpr;
    uint32_t ldr, dfr, svr, esr, esr_pending, icr_low, icr_high, divide, initial;
    uint32_t lvt[LVT_COUNT];
    uint32_t isr[8], tmr[8], irr[8];
    uint64_t timer_start_ns; /* when the current count held `initial` */
    bool timer_done;         /* one-shot: has reached 0 */
    uint64_t tsc_deadline;   /* 0: not armed */
    uint64_t tsc_offset;     /* TSC less clock, when the deadline was written */
    struct vx_timer timer;
    struct vx_region region;
};

/* lapic_interrupts.c */
void lapic_update(struct lapic *lapic);                        /* I1 */
void lapic_deliver_local(struct lapic *lapic, enum lvt entry); /* a masked entry drops it */
void lapic_serve_lint0(struct lapic *lapic);                   /* I3 */
void lapic_raise_error(struct lapic *lapic, uint32_t error);   /* ESR bits */
void lapic_send_ipi(struct lapic *lapic);                      /* as ICR says */
void lapic_end_of_interrupt(struct lapic *lapic);
uint8_t lapic_processor_priority(const struct lapic *lapic);

/* lapic_timer.c */
void lapic_timer_expires(void *opaque);
void lapic_timer_arm(struct lapic *lapic); /* I2 */
void lapic_timer_start(struct lapic *lapic, uint32_t initial);
void lapic_timer_change(struct lapic *lapic, uint32_t *reg, uint32_t value); /* LVT or divide register */
uint32_t lapic_timer_count(const struct lapic *lapic);

#endif
