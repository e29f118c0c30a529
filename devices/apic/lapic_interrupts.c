/* lapic_interrupts.c - from a request to a vector for the core: priorities, local vector table, messages, IPIs to self.
 */
#include "lapic_state.h"

/* ---- 256-bit vectors -------------------------------------------------------------------------------------------- */

static bool test_bit(const uint32_t bits[8], unsigned n)
{
    return bits[n / 32] >> (n % 32) & 1;
}

static void set_bit(uint32_t bits[8], unsigned n, bool value)
{
    uint32_t bit = 1u << (n % 32);
    bits[n / 32] = value ? bits[n / 32] | bit : bits[n / 32] & ~bit;
}

/* The highest bit set, -1 when none. */
static int highest(const uint32_t bits[8])
{
    for (int i = 7; i >= 0; i--)
        if (bits[i] != 0)
            return i * 32 + 31 - __builtin_clz(bits[i]);
    return -1;
}

/* ---- priorities and INTR ---------------------------------------------------------------------------------------- */

static bool software_enabled(const struct lapic *lapic)
{
    return lapic->hardware_enabled && (lapic->svr & SVR_ENABLE);
}

/* SDM "Task and Processor Priorities". */
uint8_t lapic_processor_priority(const struct lapic *lapic)
{
    int serving = highest(lapic->isr);
    uint8_t class = serving < 0 ? 0 : (uint8_t)(serving & 0xF0);
    return (lapic->tpr & 0xF0) >= class ? lapic->tpr : class;
}

/* The vector that may be dispensed now, -1 when none. */
static int dispensable(const struct lapic *lapic)
{
    int vector = software_enabled(lapic) ? highest(lapic->irr) : -1;
    return vector >= 0 && (vector & 0xF0) > (lapic_processor_priority(lapic) & 0xF0) ? vector : -1;
}

/* The 8259s' request gets through: virtual wire by LINT0, or straight when the APIC is switched off. */
static bool extint_asks(const struct lapic *lapic)
{
    if (!lapic->lint[0])
        return false;
    uint32_t lvt = lapic->lvt[LVT_LINT0];
    return !lapic->hardware_enabled || (!(lvt & LVT_MASKED) && LVT_MODE(lvt) == LAPIC_EXTINT);
}

void lapic_update(struct lapic *lapic) /* I1 */
{
    bool level = extint_asks(lapic) || dispensable(lapic) >= 0;
    if (level == lapic->intr_level)
        return;
    lapic->intr_level = level;
    vx_irq_set(&lapic->intr, level);
}

int lapic_ack(struct lapic *lapic)
{
    int vector = dispensable(lapic);
    if (vector >= 0) {
        set_bit(lapic->irr, (unsigned)vector, false);
        set_bit(lapic->isr, (unsigned)vector, true);
    } else if (extint_asks(lapic)) {
        vector = lapic->extint_ack(lapic->opaque);
    }
    lapic_update(lapic);
    return vector;
}

static void accept_vector(struct lapic *lapic, uint8_t vector, bool level_triggered)
{
    if (!software_enabled(lapic))
        return;
    if (vector < FIRST_VECTOR) {
        lapic_raise_error(lapic, ESR_RECEIVE_ILLEGAL);
        return;
    }
    vx_trace(lapic->log, irq_lapic, vector);
    set_bit(lapic->irr, vector, true);
    set_bit(lapic->tmr, vector, level_triggered);
    lapic_update(lapic);
}

static void deliver(struct lapic *lapic, enum lapic_delivery mode, uint8_t vector, bool level_triggered)
{
    switch (mode) {
    case LAPIC_FIXED:
    case LAPIC_LOWEST: accept_vector(lapic, vector, level_triggered); break;
    case LAPIC_SMI: vx_irq_pulse(&lapic->smi); break;
    case LAPIC_NMI: vx_irq_pulse(&lapic->nmi); break;
    case LAPIC_INIT: vx_irq_pulse(&lapic->init); break;
    default: break; /* SIPI: the boot processor never waits for one; ExtINT messages: nothing here sends them */
    }
}

/* Local interrupt; a masked entry drops it. */
void lapic_deliver_local(struct lapic *lapic, enum lvt entry)
{
    uint32_t lvt = lapic->lvt[entry];
    if (lvt & LVT_MASKED)
        return;
    bool only_fixed = entry == LVT_TIMER || entry == LVT_ERROR;
    bool level = entry == LVT_LINT0 && (lvt & LVT_LEVEL);
    deliver(lapic, only_fixed ? LAPIC_FIXED : LVT_MODE(lvt), (uint8_t)lvt, level);
}

void lapic_serve_lint0(struct lapic *lapic) /* keeps I3 */
{
    uint32_t *lvt = &lapic->lvt[LVT_LINT0];
    bool by_level = LVT_MODE(*lvt) == LAPIC_FIXED && (*lvt & LVT_LEVEL);
    if (!by_level || (*lvt & (LVT_MASKED | LVT_REMOTE_IRR)) || !lapic->lint[0])
        return;
    *lvt |= LVT_REMOTE_IRR;
    lapic_deliver_local(lapic, LVT_LINT0);
}

void lapic_raise_error(struct lapic *lapic, uint32_t error)
{
    bool is_new = !(lapic->esr_pending & error);
    lapic->esr_pending |= error;
    /* An illegal vector in the error entry itself must not report itself for ever. */
    if (is_new && (lapic->lvt[LVT_ERROR] & 0xFF) >= FIRST_VECTOR)
        lapic_deliver_local(lapic, LVT_ERROR);
}

static void lint_set(void *opaque, unsigned line, bool level)
{
    struct lapic *lapic = opaque;
    bool rises = level && !lapic->lint[line];
    lapic->lint[line] = level;
    unsigned entry = line == 0 ? LVT_LINT0 : LVT_LINT1;
    uint32_t mode = LVT_MODE(lapic->lvt[entry]);
    bool by_level = line == 0 && mode == LAPIC_FIXED && (lapic->lvt[entry] & LVT_LEVEL);
    if (line == 1 && rises && !lapic->hardware_enabled)
        vx_irq_pulse(&lapic->nmi);
    else if (rises && lapic->hardware_enabled && mode != LAPIC_EXTINT && !by_level)
        lapic_deliver_local(lapic, entry);
    lapic_serve_lint0(lapic);
    lapic_update(lapic);
}

struct vx_irq lapic_lint(struct lapic *lapic, unsigned lint)
{
    VX_ASSERT(lint < 2);
    return (struct vx_irq){ .set = lint_set, .opaque = lapic, .line = lint };
}

/* ---- messages and IPIs ------------------------------------------------------------------------------------------ */

/* SDM "Determining IPI Destination". */
static bool is_addressed(const struct lapic *lapic, uint8_t destination, bool logical)
{
    if (!logical)
        return destination == 0xFF || destination == lapic->id;
    if (destination == 0xFF)
        return true;
    uint8_t mine = (uint8_t)(lapic->ldr >> 24);
    if (lapic->dfr >> 28 == 0xF) /* flat */
        return destination & mine;
    return destination >> 4 == mine >> 4 && (destination & mine & 0xF);
}

void lapic_message(struct lapic *lapic, uint8_t destination, bool logical, enum lapic_delivery mode, uint8_t vector,
                   bool level_triggered)
{
    if (lapic->hardware_enabled && is_addressed(lapic, destination, logical))
        deliver(lapic, mode, vector, level_triggered);
}

void lapic_send_ipi(struct lapic *lapic)
{
    enum { TO_DESTINATION, TO_SELF, TO_ALL, TO_OTHERS };
    uint32_t icr = lapic->icr_low;
    enum lapic_delivery mode = icr >> 8 & 7;
    uint8_t vector = (uint8_t)icr;
    unsigned shorthand = icr >> 18 & 3;
    bool is_vector = mode == LAPIC_FIXED || mode == LAPIC_LOWEST;
    if (is_vector && vector < FIRST_VECTOR) {
        lapic_raise_error(lapic, ESR_SEND_ILLEGAL);
        return;
    }
    if (mode == LAPIC_INIT && (icr & ICR_LEVEL) && !(icr & ICR_ASSERT))
        return; /* INIT level de-assert only synchronises arbitration IDs */
    bool self =
        shorthand == TO_SELF || shorthand == TO_ALL ||
        (shorthand == TO_DESTINATION && is_addressed(lapic, (uint8_t)(lapic->icr_high >> 24), icr & ICR_LOGICAL));
    if (self)
        deliver(lapic, mode, vector, false);
}

void lapic_end_of_interrupt(struct lapic *lapic)
{
    int vector = highest(lapic->isr);
    if (vector < 0)
        return;
    set_bit(lapic->isr, (unsigned)vector, false);
    if (test_bit(lapic->tmr, (unsigned)vector)) {
        lapic->eoi(lapic->opaque, (uint8_t)vector);
        if ((lapic->lvt[LVT_LINT0] & 0xFF) == (unsigned)vector)
            lapic->lvt[LVT_LINT0] &= ~LVT_REMOTE_IRR;
        lapic_serve_lint0(lapic);
    }
    lapic_update(lapic);
}

bool lapic_can_nmi(const struct lapic *lapic)
{
    uint32_t lvt = lapic->lvt[LVT_LINT0];
    return lapic->hardware_enabled && !(lvt & LVT_MASKED) && LVT_MODE(lvt) == LAPIC_NMI;
}
