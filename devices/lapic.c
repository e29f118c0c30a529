/* lapic.c - local APIC: priorities, local vector table, inter-processor interrupts to self. See lapic.h.
 *
 *   I1  After every change update() has driven INTR: it is up while vx_lapic_ack() would give a vector.
 *   I2  The timer is armed only while its interrupt can be seen: LVT unmasked, initial count not 0. */
#include <stdlib.h>
#include <string.h>

#include "lapic.h"

#define TIMER_HZ 1000000000ull /* one tick a nanosecond: conversions below are the identity */
_Static_assert(TIMER_HZ == VX_NS_PER_SEC, "timer ticks are nanoseconds");

#define VERSION      0x00050014u /* integrated APIC, six LVT entries */
#define WINDOW_BYTES 4096

enum {
    REG_ID = 0x020,
    REG_VERSION = 0x030,
    REG_TPR = 0x080,
    REG_APR = 0x090,
    REG_PPR = 0x0A0,
    REG_EOI = 0x0B0,
    REG_LDR = 0x0D0,
    REG_DFR = 0x0E0,
    REG_SVR = 0x0F0,
    REG_ISR = 0x100,
    REG_TMR = 0x180,
    REG_IRR = 0x200,
    REG_ESR = 0x280,
    REG_ICR_LOW = 0x300,
    REG_ICR_HIGH = 0x310,
    REG_LVT = 0x320,
    REG_LVT_END = 0x380,
    REG_INITIAL = 0x380,
    REG_CURRENT = 0x390,
    REG_DIVIDE = 0x3E0,
};
enum lvt { LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVT_COUNT };
enum { LVT_MASKED = 1u << 16, LVT_PERIODIC = 1u << 17, LVT_LEVEL = 1u << 15 };
#define LVT_MODE(lvt) ((lvt) >> 8 & 7)
enum { SVR_ENABLE = 1u << 8, SVR_WRITABLE = 0x3FF };
enum { ESR_SEND_ILLEGAL = 1u << 5, ESR_RECEIVE_ILLEGAL = 1u << 6, ESR_ILLEGAL_REGISTER = 1u << 7 };
enum { ICR_LOGICAL = 1u << 11, ICR_ASSERT = 1u << 14, ICR_LEVEL = 1u << 15, ICR_WRITABLE = 0x000CCFFF };
#define FIRST_VECTOR 16 /* 0 to 15 are illegal */

static const uint32_t lvt_writable[LVT_COUNT] = { 0x300FF, 0x107FF, 0x107FF, 0x1A7FF, 0x1A7FF, 0x100FF };

struct vx_lapic {
    struct vx_log *log;
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct vx_irq intr, nmi, init;
    int (*extint_ack)(void *opaque);
    void (*eoi)(void *opaque, uint8_t vector);
    void *opaque;
    bool on_bus, hardware_enabled;
    bool intr_level;
    bool lint[2]; /* input levels */
    uint8_t id, tpr;
    uint32_t ldr, dfr, svr, esr, esr_pending, icr_low, icr_high, divide, initial;
    uint32_t lvt[LVT_COUNT];
    uint32_t isr[8], tmr[8], irr[8];
    uint64_t timer_start_ns; /* when the current count held `initial` */
    bool timer_done;         /* one-shot: has reached 0 */
    struct vx_timer timer;
    struct vx_region region;
};

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

static bool software_enabled(const struct vx_lapic *lapic)
{
    return lapic->hardware_enabled && (lapic->svr & SVR_ENABLE);
}

/* SDM "Task and Processor Priorities". */
static uint8_t processor_priority(const struct vx_lapic *lapic)
{
    int serving = highest(lapic->isr);
    uint8_t class = serving < 0 ? 0 : (uint8_t)(serving & 0xF0);
    return (lapic->tpr & 0xF0) >= class ? lapic->tpr : class;
}

/* The vector that may be dispensed now, -1 when none. */
static int dispensable(const struct vx_lapic *lapic)
{
    int vector = software_enabled(lapic) ? highest(lapic->irr) : -1;
    return vector >= 0 && (vector & 0xF0) > (processor_priority(lapic) & 0xF0) ? vector : -1;
}

/* The 8259s' request gets through: virtual wire by LINT0, or straight when the APIC is switched off. */
static bool extint_asks(const struct vx_lapic *lapic)
{
    if (!lapic->lint[0])
        return false;
    uint32_t lvt = lapic->lvt[LVT_LINT0];
    return !lapic->hardware_enabled || (!(lvt & LVT_MASKED) && LVT_MODE(lvt) == LAPIC_EXTINT);
}

static void update(struct vx_lapic *lapic) /* I1 */
{
    bool level = extint_asks(lapic) || dispensable(lapic) >= 0;
    if (level == lapic->intr_level)
        return;
    lapic->intr_level = level;
    vx_irq_set(&lapic->intr, level);
}

int vx_lapic_ack(struct vx_lapic *lapic)
{
    int vector = dispensable(lapic);
    if (vector >= 0) {
        set_bit(lapic->irr, (unsigned)vector, false);
        set_bit(lapic->isr, (unsigned)vector, true);
    } else if (extint_asks(lapic)) {
        vector = lapic->extint_ack(lapic->opaque);
    }
    update(lapic);
    return vector;
}

static void raise_error(struct vx_lapic *lapic, uint32_t error);

static void accept_vector(struct vx_lapic *lapic, uint8_t vector, bool level_triggered)
{
    if (!software_enabled(lapic))
        return;
    if (vector < FIRST_VECTOR) {
        raise_error(lapic, ESR_RECEIVE_ILLEGAL);
        return;
    }
    vx_trace(lapic->log, irq_lapic, vector);
    set_bit(lapic->irr, vector, true);
    set_bit(lapic->tmr, vector, level_triggered);
    update(lapic);
}

static void deliver(struct vx_lapic *lapic, enum lapic_delivery mode, uint8_t vector, bool level_triggered)
{
    switch (mode) {
    case LAPIC_FIXED:
    case LAPIC_LOWEST: accept_vector(lapic, vector, level_triggered); break;
    case LAPIC_NMI: vx_irq_pulse(&lapic->nmi); break;
    case LAPIC_INIT: vx_irq_pulse(&lapic->init); break;
    default: break; /* SIPI: the boot processor never waits for one; SMI, ExtINT messages: not modelled */
    }
}

/* Local interrupt; a masked entry drops it. */
static void deliver_local(struct vx_lapic *lapic, enum lvt entry)
{
    uint32_t lvt = lapic->lvt[entry];
    if (lvt & LVT_MASKED)
        return;
    bool only_fixed = entry == LVT_TIMER || entry == LVT_ERROR;
    bool level = entry == LVT_LINT0 && (lvt & LVT_LEVEL);
    deliver(lapic, only_fixed ? LAPIC_FIXED : LVT_MODE(lvt), (uint8_t)lvt, level);
}

static void raise_error(struct vx_lapic *lapic, uint32_t error)
{
    bool is_new = !(lapic->esr_pending & error);
    lapic->esr_pending |= error;
    /* An illegal vector in the error entry itself must not report itself for ever. */
    if (is_new && (lapic->lvt[LVT_ERROR] & 0xFF) >= FIRST_VECTOR)
        deliver_local(lapic, LVT_ERROR);
}

static void lint_set(void *opaque, unsigned line, bool level)
{
    struct vx_lapic *lapic = opaque;
    bool rises = level && !lapic->lint[line];
    lapic->lint[line] = level;
    unsigned entry = line == 0 ? LVT_LINT0 : LVT_LINT1;
    bool extint = LVT_MODE(lapic->lvt[entry]) == LAPIC_EXTINT;
    if (line == 1 && rises && !lapic->hardware_enabled)
        vx_irq_pulse(&lapic->nmi);
    else if (rises && lapic->hardware_enabled && !extint)
        deliver_local(lapic, entry);
    update(lapic);
}

struct vx_irq vx_lapic_lint(struct vx_lapic *lapic, unsigned lint)
{
    VX_ASSERT(lint < 2);
    return (struct vx_irq){ .set = lint_set, .opaque = lapic, .line = lint };
}

/* ---- messages and IPIs ------------------------------------------------------------------------------------------ */

/* SDM "Determining IPI Destination". */
static bool is_addressed(const struct vx_lapic *lapic, uint8_t destination, bool logical)
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

void vx_lapic_message(struct vx_lapic *lapic, uint8_t destination, bool logical, enum lapic_delivery mode,
                      uint8_t vector, bool level_triggered)
{
    if (lapic->hardware_enabled && is_addressed(lapic, destination, logical))
        deliver(lapic, mode, vector, level_triggered);
}

static void send_ipi(struct vx_lapic *lapic)
{
    enum { TO_DESTINATION, TO_SELF, TO_ALL, TO_OTHERS };
    uint32_t icr = lapic->icr_low;
    enum lapic_delivery mode = icr >> 8 & 7;
    uint8_t vector = (uint8_t)icr;
    unsigned shorthand = icr >> 18 & 3;
    bool is_vector = mode == LAPIC_FIXED || mode == LAPIC_LOWEST;
    if (is_vector && vector < FIRST_VECTOR) {
        raise_error(lapic, ESR_SEND_ILLEGAL);
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

static void end_of_interrupt(struct vx_lapic *lapic)
{
    int vector = highest(lapic->isr);
    if (vector < 0)
        return;
    set_bit(lapic->isr, (unsigned)vector, false);
    if (test_bit(lapic->tmr, (unsigned)vector))
        lapic->eoi(lapic->opaque, (uint8_t)vector);
    update(lapic);
}

/* ---- timer ------------------------------------------------------------------------------------------------------ */

/* Divide configuration: bits 3, 1, 0 as a number n stand for 2^(n + 1), 7 for 1. */
static uint64_t divisor(const struct vx_lapic *lapic)
{
    unsigned n = (lapic->divide & 3) | (lapic->divide >> 1 & 4);
    return 1u << ((n + 1) & 7);
}

static uint32_t current_count(struct vx_lapic *lapic)
{
    if (lapic->initial == 0 || lapic->timer_done)
        return 0;
    uint64_t ticks = (vx_clock_now_ns(lapic->clock) - lapic->timer_start_ns) / divisor(lapic);
    if (lapic->lvt[LVT_TIMER] & LVT_PERIODIC)
        return lapic->initial - (uint32_t)(ticks % lapic->initial);
    return ticks >= lapic->initial ? 0 : lapic->initial - (uint32_t)ticks;
}

static void arm_timer(struct vx_lapic *lapic) /* keeps I2 */
{
    uint64_t deadline = VX_NEVER;
    if (lapic->initial != 0 && !(lapic->lvt[LVT_TIMER] & LVT_MASKED) && !lapic->timer_done) {
        uint64_t period = lapic->initial * divisor(lapic), periods = 1;
        if (lapic->lvt[LVT_TIMER] & LVT_PERIODIC) /* periods that the host was too late for are one */
            periods = (vx_clock_now_ns(lapic->clock) - lapic->timer_start_ns) / period + 1;
        deadline = lapic->timer_start_ns + periods * period;
    }
    vx_timer_set(lapic->clock, &lapic->timer, deadline);
}

static void timer_expires(void *opaque)
{
    struct vx_lapic *lapic = opaque;
    if (!(lapic->lvt[LVT_TIMER] & LVT_PERIODIC))
        lapic->timer_done = true;
    arm_timer(lapic);
    deliver_local(lapic, LVT_TIMER);
}

static void start_timer(struct vx_lapic *lapic, uint32_t initial)
{
    lapic->initial = initial;
    lapic->timer_start_ns = vx_clock_now_ns(lapic->clock);
    lapic->timer_done = false;
    arm_timer(lapic);
}

/* The count goes on from where it is when mode or divisor change. */
static void change_timer(struct vx_lapic *lapic, uint32_t *reg, uint32_t value)
{
    uint32_t count = current_count(lapic);
    bool was_running = lapic->initial != 0 && count != 0;
    *reg = value;
    if (was_running) {
        uint64_t gone = (uint64_t)(lapic->initial - count) * divisor(lapic);
        uint64_t now = vx_clock_now_ns(lapic->clock);
        lapic->timer_start_ns = now - (gone < now ? gone : now);
    } else if (!(lapic->lvt[LVT_TIMER] & LVT_PERIODIC)) {
        lapic->timer_done = true; /* it ran out while nobody looked */
    }
    arm_timer(lapic);
}

/* ---- registers -------------------------------------------------------------------------------------------------- */

static uint32_t read_register(struct vx_lapic *lapic, unsigned reg)
{
    if (reg >= REG_ISR && reg < REG_TMR)
        return lapic->isr[(reg - REG_ISR) / 16];
    if (reg >= REG_TMR && reg < REG_IRR)
        return lapic->tmr[(reg - REG_TMR) / 16];
    if (reg >= REG_IRR && reg < REG_ESR)
        return lapic->irr[(reg - REG_IRR) / 16];
    if (reg >= REG_LVT && reg < REG_LVT_END)
        return lapic->lvt[(reg - REG_LVT) / 16];
    switch (reg) {
    case REG_ID: return (uint32_t)lapic->id << 24;
    case REG_VERSION: return VERSION;
    case REG_TPR: return lapic->tpr;
    case REG_APR: return processor_priority(lapic); /* one processor: nothing to arbitrate with */
    case REG_PPR: return processor_priority(lapic);
    case REG_LDR: return lapic->ldr;
    case REG_DFR: return lapic->dfr;
    case REG_SVR: return lapic->svr;
    case REG_ESR: return lapic->esr;
    case REG_ICR_LOW: return lapic->icr_low;
    case REG_ICR_HIGH: return lapic->icr_high;
    case REG_INITIAL: return lapic->initial;
    case REG_CURRENT: return current_count(lapic);
    case REG_DIVIDE: return lapic->divide;
    case REG_EOI: return 0;
    default: raise_error(lapic, ESR_ILLEGAL_REGISTER); return 0;
    }
}

static void write_lvt(struct vx_lapic *lapic, enum lvt entry, uint32_t value)
{
    value &= lvt_writable[entry];
    if (!(lapic->svr & SVR_ENABLE))
        value |= LVT_MASKED;
    if (entry == LVT_TIMER) {
        change_timer(lapic, &lapic->lvt[LVT_TIMER], value);
        return;
    }
    lapic->lvt[entry] = value;
    update(lapic);
}

static void write_svr(struct vx_lapic *lapic, uint32_t value)
{
    lapic->svr = value & SVR_WRITABLE;
    if (!(value & SVR_ENABLE)) /* SDM "Local APIC State After It Has Been Software Disabled" */
        for (unsigned i = 0; i < LVT_COUNT; i++)
            lapic->lvt[i] |= LVT_MASKED;
    arm_timer(lapic);
    update(lapic);
}

static void write_register(struct vx_lapic *lapic, unsigned reg, uint32_t value)
{
    if (reg >= REG_LVT && reg < REG_LVT_END) {
        write_lvt(lapic, (enum lvt)((reg - REG_LVT) / 16), value);
        return;
    }
    switch (reg) {
    case REG_ID: lapic->id = (uint8_t)(value >> 24); break;
    case REG_TPR:
        lapic->tpr = (uint8_t)value;
        update(lapic);
        break;
    case REG_EOI: end_of_interrupt(lapic); break;
    case REG_LDR: lapic->ldr = value & 0xFF000000u; break;
    case REG_DFR: lapic->dfr = value | 0x0FFFFFFFu; break;
    case REG_SVR: write_svr(lapic, value); break;
    case REG_ESR: /* a write shows what was collected since the last one */
        lapic->esr = lapic->esr_pending;
        lapic->esr_pending = 0;
        break;
    case REG_ICR_LOW:
        lapic->icr_low = value & ICR_WRITABLE;
        send_ipi(lapic);
        break;
    case REG_ICR_HIGH: lapic->icr_high = value & 0xFF000000u; break;
    case REG_INITIAL: start_timer(lapic, value); break;
    case REG_DIVIDE: change_timer(lapic, &lapic->divide, value & 0xB); break;
    case REG_VERSION:
    case REG_APR:
    case REG_PPR:
    case REG_CURRENT: break; /* read-only */
    default:
        if (reg < REG_ISR || reg >= REG_ESR)
            raise_error(lapic, ESR_ILLEGAL_REGISTER);
    }
}

/* Registers are dwords at multiples of 16; what lies between them reads as 0. */
static uint64_t lapic_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    return off % 16 == 0 ? read_register(opaque, (unsigned)off) : 0;
}

static void lapic_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)size;
    if (off % 16 == 0)
        write_register(opaque, (unsigned)off, (uint32_t)value);
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

static void reset_registers(struct vx_lapic *lapic)
{
    vx_timer_set(lapic->clock, &lapic->timer, VX_NEVER);
    lapic->tpr = 0;
    lapic->ldr = 0;
    lapic->dfr = 0xFFFFFFFFu;
    lapic->svr = 0xFF;
    lapic->esr = lapic->esr_pending = lapic->icr_low = lapic->icr_high = lapic->divide = lapic->initial = 0;
    lapic->timer_done = false;
    for (unsigned i = 0; i < LVT_COUNT; i++)
        lapic->lvt[i] = LVT_MASKED;
    lapic->lvt[LVT_LINT0] = LAPIC_EXTINT << 8;
    lapic->lvt[LVT_LINT1] = LAPIC_NMI << 8;
    memset(lapic->isr, 0, sizeof lapic->isr);
    memset(lapic->tmr, 0, sizeof lapic->tmr);
    memset(lapic->irr, 0, sizeof lapic->irr);
}

bool vx_lapic_can_nmi(const struct vx_lapic *lapic)
{
    uint32_t lvt = lapic->lvt[LVT_LINT0];
    return lapic->hardware_enabled && !(lvt & LVT_MASKED) && LVT_MODE(lvt) == LAPIC_NMI;
}

void vx_lapic_init(struct vx_lapic *lapic)
{
    reset_registers(lapic);
    update(lapic);
}

void vx_lapic_set_base(struct vx_lapic *lapic, uint64_t value)
{
    uint64_t base = value & ~(uint64_t)(WINDOW_BYTES - 1);
    bool enable = value & LAPIC_BASE_ENABLE;
    if (lapic->on_bus && (!enable || base != lapic->region.base)) {
        vx_bus_remove(lapic->bus, &lapic->region);
        lapic->on_bus = false;
    }
    if (lapic->hardware_enabled && !enable)
        reset_registers(lapic); /* SDM "Enabling or Disabling the Local APIC": state is lost */
    lapic->hardware_enabled = enable;
    if (enable && !lapic->on_bus) {
        lapic->region.base = base;
        lapic->on_bus = vx_bus_add(lapic->bus, &lapic->region) == VX_ERR_OK;
    }
    update(lapic);
}

static void lapic_reset(void *instance, enum vx_reset phase)
{
    struct vx_lapic *lapic = instance;
    if (phase == VX_RESET_HOLD) {
        lapic->id = 0;
        reset_registers(lapic);
    } else {
        vx_lapic_set_base(lapic, LAPIC_DEFAULT_BASE | LAPIC_BASE_ENABLE);
    }
}

static void lapic_destroy(void *instance)
{
    struct vx_lapic *lapic = instance;
    if (lapic == NULL)
        return;
    vx_timer_set(lapic->clock, &lapic->timer, VX_NEVER);
    if (lapic->on_bus)
        vx_bus_remove(lapic->bus, &lapic->region);
    free(lapic);
}

vx_err vx_lapic_create(const struct vx_lapic_config *config, struct vx_lapic **out)
{
    struct vx_lapic *lapic = calloc(1, sizeof *lapic);
    if (lapic == NULL)
        return VX_ERR_NO_MEMORY;
    lapic->log = config->log;
    lapic->bus = config->bus;
    lapic->clock = config->clock;
    lapic->intr = config->intr;
    lapic->nmi = config->nmi;
    lapic->init = config->init;
    lapic->extint_ack = config->extint_ack;
    lapic->eoi = config->eoi;
    lapic->opaque = config->opaque;
    vx_timer_init(&lapic->timer, timer_expires, lapic);
    reset_registers(lapic);
    lapic->region = (struct vx_region){
        .name = "lapic",
        .space = VX_SPACE_MEMORY,
        .size = WINDOW_BYTES,
        .min_size = 4,
        .max_size = 4,
        .priority = 1,
        .read = lapic_read,
        .write = lapic_write,
        .opaque = lapic,
    };
    vx_lapic_set_base(lapic, LAPIC_DEFAULT_BASE | LAPIC_BASE_ENABLE);
    if (!lapic->on_bus) {
        free(lapic);
        return VX_ERR_NO_MEMORY;
    }
    *out = lapic;
    return VX_ERR_OK;
}

const struct vx_device_type vx_lapic_type = {
    .name = "lapic",
    .reset = lapic_reset,
    .destroy = lapic_destroy,
};
