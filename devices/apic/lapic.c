/* lapic.c - local APIC: registers, reset, its place on the bus. See lapic.h; invariants in lapic_state.h. */
#include <stdlib.h>
#include <string.h>

#include "lapic_state.h"

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

static const uint32_t lvt_writable[LVT_COUNT] = { 0x700FF, 0x107FF, 0x107FF, 0x1A7FF, 0x1A7FF, 0x100FF };

/* ---- registers -------------------------------------------------------------------------------------------------- */

/* False: there is no such register to be read. */
static bool look_at_register(const struct lapic *lapic, unsigned reg, uint32_t *value)
{
    *value = 0;
    switch (reg) {
    case REG_ID: *value = (uint32_t)lapic->id << 24; break;
    case REG_VERSION: *value = VERSION; break;
    case REG_TPR: *value = lapic->tpr; break;
    case REG_APR: /* one processor: nothing to arbitrate with */
    case REG_PPR: *value = lapic_processor_priority(lapic); break;
    case REG_LDR: *value = lapic->ldr; break;
    case REG_DFR: *value = lapic->dfr; break;
    case REG_SVR: *value = lapic->svr; break;
    case REG_ESR: *value = lapic->esr; break;
    case REG_ICR_LOW: *value = lapic->icr_low; break;
    case REG_ICR_HIGH: *value = lapic->icr_high; break;
    case REG_INITIAL: *value = lapic->initial; break;
    case REG_CURRENT: *value = lapic_timer_count(lapic); break;
    case REG_DIVIDE: *value = lapic->divide; break;
    case REG_EOI: break;
    default:
        if (reg >= REG_ISR && reg < REG_TMR)
            *value = lapic->isr[(reg - REG_ISR) / 16];
        else if (reg >= REG_TMR && reg < REG_IRR)
            *value = lapic->tmr[(reg - REG_TMR) / 16];
        else if (reg >= REG_IRR && reg < REG_ESR)
            *value = lapic->irr[(reg - REG_IRR) / 16];
        else if (reg >= REG_LVT && reg < REG_LVT_END)
            *value = lapic->lvt[(reg - REG_LVT) / 16];
        else
            return false;
    }
    return true;
}

static void write_lvt(struct lapic *lapic, enum lvt entry, uint32_t value)
{
    value &= lvt_writable[entry];
    if (!(lapic->svr & SVR_ENABLE))
        value |= LVT_MASKED;
    if (entry == LVT_TIMER) {
        if (!lapic->has_tsc_deadline)
            value &= ~(uint32_t)LVT_TSC_DEADLINE;
        lapic_timer_change(lapic, &lapic->lvt[LVT_TIMER], value);
        return;
    }
    if (entry == LVT_LINT0 && LVT_MODE(value) == LAPIC_FIXED && (value & LVT_LEVEL))
        value |= lapic->lvt[LVT_LINT0] & LVT_REMOTE_IRR; /* not software's to write */
    lapic->lvt[entry] = value;
    lapic_serve_lint0(lapic);
    lapic_update(lapic);
}

static void write_svr(struct lapic *lapic, uint32_t value)
{
    lapic->svr = value & SVR_WRITABLE;
    if (!(value & SVR_ENABLE)) /* SDM "Local APIC State After It Has Been Software Disabled" */
        for (unsigned i = 0; i < LVT_COUNT; i++)
            lapic->lvt[i] |= LVT_MASKED;
    lapic_timer_arm(lapic);
    lapic_update(lapic);
}

static void write_register(struct lapic *lapic, unsigned reg, uint32_t value)
{
    if (reg >= REG_LVT && reg < REG_LVT_END) {
        write_lvt(lapic, (enum lvt)((reg - REG_LVT) / 16), value);
        return;
    }
    switch (reg) {
    case REG_ID: lapic->id = (uint8_t)(value >> 24); break;
    case REG_TPR:
        lapic->tpr = (uint8_t)value;
        lapic_update(lapic);
        break;
    case REG_EOI: lapic_end_of_interrupt(lapic); break;
    case REG_LDR: lapic->ldr = value & 0xFF000000u; break;
    case REG_DFR: lapic->dfr = value | 0x0FFFFFFFu; break;
    case REG_SVR: write_svr(lapic, value); break;
    case REG_ESR: /* a write shows what was collected since the last one */
        lapic->esr = lapic->esr_pending;
        lapic->esr_pending = 0;
        break;
    case REG_ICR_LOW:
        lapic->icr_low = value & ICR_WRITABLE;
        lapic_send_ipi(lapic);
        break;
    case REG_ICR_HIGH: lapic->icr_high = value & 0xFF000000u; break;
    case REG_INITIAL: lapic_timer_start(lapic, value); break;
    case REG_DIVIDE: lapic_timer_change(lapic, &lapic->divide, value & 0xB); break;
    case REG_VERSION:
    case REG_APR:
    case REG_PPR:
    case REG_CURRENT: break; /* read-only */
    default:
        if (reg < REG_ISR || reg >= REG_ESR)
            lapic_raise_error(lapic, ESR_ILLEGAL_REGISTER);
    }
}

/* Registers are dwords at multiples of 16; what lies between them reads as 0. */
static uint64_t lapic_read(void *opaque, uint64_t off, unsigned size)
{
    uint32_t value = 0;
    (void)size;
    if (off % 16 == 0 && !look_at_register(opaque, (unsigned)off, &value))
        lapic_raise_error(opaque, ESR_ILLEGAL_REGISTER);
    return value;
}

static uint64_t lapic_peek(const void *opaque, uint64_t off, unsigned size)
{
    uint32_t value;
    (void)size;
    return off % 16 == 0 && look_at_register(opaque, (unsigned)off, &value) ? value : 0;
}

static void lapic_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)size;
    if (off % 16 == 0)
        write_register(opaque, (unsigned)off, (uint32_t)value);
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

static void reset_registers(struct lapic *lapic)
{
    vx_timer_set(lapic->clock, &lapic->timer, VX_NEVER);
    lapic->tpr = 0;
    lapic->ldr = 0;
    lapic->dfr = 0xFFFFFFFFu;
    lapic->svr = 0xFF;
    lapic->esr = lapic->esr_pending = lapic->icr_low = lapic->icr_high = lapic->divide = lapic->initial = 0;
    lapic->timer_done = false;
    lapic->tsc_deadline = 0;
    for (unsigned i = 0; i < LVT_COUNT; i++)
        lapic->lvt[i] = LVT_MASKED;
    lapic->lvt[LVT_LINT0] = LAPIC_EXTINT << 8;
    lapic->lvt[LVT_LINT1] = LAPIC_NMI << 8;
    memset(lapic->isr, 0, sizeof lapic->isr);
    memset(lapic->tmr, 0, sizeof lapic->tmr);
    memset(lapic->irr, 0, sizeof lapic->irr);
}

void lapic_init(struct lapic *lapic)
{
    reset_registers(lapic);
    lapic_update(lapic);
}

/* Its region to where base and hardware_enabled say. */
static void place(struct lapic *lapic)
{
    bool wanted = lapic->hardware_enabled;
    if (lapic->on_bus && (!wanted || lapic->base != lapic->region.base)) {
        vx_bus_remove(lapic->bus, &lapic->region);
        lapic->on_bus = false;
    }
    if (wanted && !lapic->on_bus) {
        lapic->region.base = lapic->base;
        lapic->on_bus = vx_bus_add(lapic->bus, &lapic->region) == VX_ERR_OK;
    }
}

void lapic_set_base(struct lapic *lapic, uint64_t value)
{
    bool enable = value & LAPIC_BASE_ENABLE;
    if (lapic->hardware_enabled && !enable)
        reset_registers(lapic); /* SDM "Enabling or Disabling the Local APIC": state is lost */
    lapic->hardware_enabled = enable;
    lapic->base = value & ~(uint64_t)(WINDOW_BYTES - 1);
    place(lapic);
    lapic_update(lapic);
}

static void lapic_restored(void *instance)
{
    place(instance);
}

static void lapic_reset(void *instance, enum reset phase)
{
    struct lapic *lapic = instance;
    if (phase == VX_RESET_HOLD) {
        lapic->id = lapic->reset_id;
        reset_registers(lapic);
    } else {
        lapic_set_base(lapic, LAPIC_DEFAULT_BASE | LAPIC_BASE_ENABLE);
    }
}

static void lapic_destroy(void *instance)
{
    struct lapic *lapic = instance;
    if (lapic == NULL)
        return;
    vx_timer_set(lapic->clock, &lapic->timer, VX_NEVER);
    if (lapic->on_bus)
        vx_bus_remove(lapic->bus, &lapic->region);
    free(lapic);
}

vx_err lapic_create(const struct lapic_config *config, struct lapic **out)
{
    struct lapic *lapic = calloc(1, sizeof *lapic);
    if (lapic == NULL)
        return VX_ERR_NO_MEMORY;
    lapic->log = config->log;
    lapic->bus = config->bus;
    lapic->clock = config->clock;
    lapic->id = lapic->reset_id = config->id;
    lapic->intr = config->intr;
    lapic->nmi = config->nmi;
    lapic->init = config->init;
    lapic->smi = config->smi;
    lapic->has_tsc_deadline = config->tsc_deadline;
    lapic->extint_ack = config->extint_ack;
    lapic->eoi = config->eoi;
    lapic->opaque = config->opaque;
    vx_timer_init(lapic->clock, &lapic->timer, lapic_timer_expires, lapic);
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
        .peek = lapic_peek,
        .opaque = lapic,
    };
    lapic_set_base(lapic, LAPIC_DEFAULT_BASE | LAPIC_BASE_ENABLE);
    if (!lapic->on_bus) {
        free(lapic);
        return VX_ERR_NO_MEMORY;
    }
    *out = lapic;
    return VX_ERR_OK;
}

static const struct state_field fields[] = {
    SHOWN(struct lapic, on_bus),
    REGISTER(struct lapic, hardware_enabled),
    FIELD(struct lapic, base),
    REGISTER(struct lapic, intr_level),
    FIELD(struct lapic, lint),
    REGISTER(struct lapic, id),
    REGISTER(struct lapic, tpr),
    REGISTER(struct lapic, ldr),
    REGISTER(struct lapic, dfr),
    REGISTER(struct lapic, svr),
    REGISTER(struct lapic, esr),
    FIELD(struct lapic, esr_pending),
    REGISTER(struct lapic, icr_low),
    REGISTER(struct lapic, icr_high),
    REGISTER(struct lapic, divide),
    REGISTER(struct lapic, initial),
    REGISTER(struct lapic, lvt),
    REGISTER(struct lapic, isr),
    REGISTER(struct lapic, tmr),
    REGISTER(struct lapic, irr),
    FIELD_MAX(struct lapic, timer_start_ns, STATE_NS_MAX),
    FIELD(struct lapic, timer_done),
    REGISTER(struct lapic, tsc_deadline),
    FIELD(struct lapic, tsc_offset),
    FIELD_TIMER(struct lapic, timer, clock),
    WIRES(struct lapic, log, bus, clock, intr, nmi, init, smi, extint_ack, eoi, opaque, reset_id, region),
    WIRES(struct lapic, has_tsc_deadline),
};
static const struct state_table state = STATE_TABLE(struct lapic, fields, NULL);

const struct device_type lapic_type = {
    .name = "lapic",
    .version = 2,
    .state = &state,
    .reset = lapic_reset,
    .restored = lapic_restored,
    .destroy = lapic_destroy,
};
