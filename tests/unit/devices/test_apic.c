/* test_apic.c - local APIC and I/O APIC, wired as on the board, by scripts of 32-bit accesses. */
#include <criterion/criterion.h>

#include "ioapic.h"
#include "lapic.h"
#include "peeked.h"
#include "vx86/stats.h"

enum { L = 0xFEE00000 };
enum {
    ID = L + 0x20,
    VER = L + 0x30,
    TPR = L + 0x80,
    PPR = L + 0xA0,
    EOI = L + 0xB0,
    LDR = L + 0xD0,
    DFR = L + 0xE0,
    SVR = L + 0xF0,
    ISR0 = L + 0x100,
    ISR1 = L + 0x110,
    ISR2 = L + 0x120,
    TMR1 = L + 0x190,
    IRR1 = L + 0x210,
    IRR2 = L + 0x220,
    ESR = L + 0x280,
    ICRL = L + 0x300,
    ICRH = L + 0x310,
    LVTT = L + 0x320,
    LINT0 = L + 0x350,
    LINT1 = L + 0x360,
    LVTE = L + 0x370,
    TICR = L + 0x380,
    TCCR = L + 0x390,
    TDCR = L + 0x3E0
};
enum { SEL = 0xFEC00000, WIN = 0xFEC00010 };

enum op { WR, RD, ACK, INTR, NMIS, INITS, SMIS, PIN_UP, PIN_DOWN, PIC, WAIT_NS, BASE, EXT, DEADLINE, ARM };
struct step {
    enum op op;
    uint32_t at, value;
};

struct rig {
    struct vx_log *log;
    struct vx_stats stats;
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct lapic *lapic;
    struct ioapic *ioapic;
    bool intr;
    unsigned nmis, inits, smis, ext;
};

enum { LINE_INTR, LINE_NMI, LINE_INIT, LINE_SMI };

static void line(void *opaque, unsigned which, bool level)
{
    struct rig *rig = opaque;
    if (which == LINE_INTR)
        rig->intr = level;
    else if (level)
        *(which == LINE_NMI ? &rig->nmis : which == LINE_INIT ? &rig->inits : &rig->smis) += 1;
}

static int ext_ack(void *opaque)
{
    ((struct rig *)opaque)->ext++;
    return 0x77;
}

static void eoi(void *opaque, uint8_t vector)
{
    ioapic_eoi(((struct rig *)opaque)->ioapic, vector);
}

static void send(void *opaque, const struct apic_message *m)
{
    lapic_message(((struct rig *)opaque)->lapic, m->destination, m->logical, (enum lapic_delivery)m->mode, m->vector,
                  m->level_triggered);
}

static void rig_init(struct rig *rig, bool tsc_deadline)
{
    *rig = (struct rig){ .log = vx_log_create(stderr) };
    cr_assert_eq(vx_bus_create(rig->log, &rig->stats, &rig->bus), VX_ERR_OK);
    cr_assert_eq(vx_clock_create_fake(&rig->clock), VX_ERR_OK);
    struct lapic_config lapic = { .log = rig->log,
                                  .bus = rig->bus,
                                  .clock = rig->clock,
                                  .intr = { line, rig, LINE_INTR },
                                  .nmi = { line, rig, LINE_NMI },
                                  .init = { line, rig, LINE_INIT },
                                  .smi = { line, rig, LINE_SMI },
                                  .tsc_deadline = tsc_deadline,
                                  .extint_ack = ext_ack,
                                  .eoi = eoi,
                                  .opaque = rig };
    cr_assert_eq(lapic_create(&lapic, &rig->lapic), VX_ERR_OK);
    struct ioapic_config ioapic = { .log = rig->log, .bus = rig->bus, .send = send, .opaque = rig };
    cr_assert_eq(ioapic_create(&ioapic, &rig->ioapic), VX_ERR_OK);
}

static void rig_fini(struct rig *rig)
{
    ioapic_type.destroy(rig->ioapic);
    lapic_type.destroy(rig->lapic);
    vx_bus_destroy(rig->bus);
    vx_clock_destroy(rig->clock);
    vx_log_destroy(rig->log);
}

static uint32_t do_step(struct rig *rig, const struct step *step)
{
    struct vx_irq pin = ioapic_input(rig->ioapic, step->op == PIN_UP || step->op == PIN_DOWN ? step->at : 0);
    struct vx_irq lint = lapic_lint(rig->lapic, step->op == PIC ? step->at : 0);
    switch (step->op) {
    case WR: vx_bus_write(rig->bus, VX_SPACE_MEMORY, step->at, 4, step->value); break;
    case RD: return (uint32_t)peeked_read(rig->bus, step->at, 4);
    case ACK: return (uint32_t)lapic_ack(rig->lapic);
    case INTR: return rig->intr;
    case NMIS: return rig->nmis;
    case INITS: return rig->inits;
    case SMIS: return rig->smis;
    case PIN_UP: vx_irq_raise(&pin); break;
    case PIN_DOWN: vx_irq_lower(&pin); break;
    case PIC: vx_irq_set(&lint, step->value); break;
    case WAIT_NS: vx_clock_advance(rig->clock, step->value); break;
    case BASE: lapic_set_base(rig->lapic, step->value); break;
    case EXT: return rig->ext;
    case DEADLINE: return (uint32_t)lapic_tsc_deadline(rig->lapic);
    case ARM: lapic_set_tsc_deadline(rig->lapic, step->value, step->at); break; /* `at`: offset of the TSC */
    }
    return step->value;
}

static void run(const char *name, bool tsc_deadline, const struct step *steps, size_t count)
{
    struct rig rig;
    rig_init(&rig, tsc_deadline);
    for (size_t i = 0; i < count; i++) {
        uint32_t got = do_step(&rig, &steps[i]);
        cr_assert(got == steps[i].value, "%s step %zu (op %d at %x): got %x, want %x", name, i, steps[i].op,
                  steps[i].at, got, steps[i].value);
    }
    rig_fini(&rig);
}
#define RUN(steps)               run(#steps, false, steps, VX_ARRAY_LEN(steps))
#define RUN_WITH_DEADLINE(steps) run(#steps, true, steps, VX_ARRAY_LEN(steps))
/* clang-format off */
#define ENABLE { WR, SVR, 0x1FF }
#define NO_VECTOR 0xFFFFFFFF

static const struct step reset_values[] = {
    { RD, ID, 0 }, { RD, VER, 0x00050014 }, { RD, TPR, 0 }, { RD, PPR, 0 }, { RD, LDR, 0 }, { RD, DFR, 0xFFFFFFFF }, { RD, SVR, 0xFF },
    { RD, ISR0, 0 }, { RD, LVTT, 0x10000 }, { RD, LINT0, 0x700 }, { RD, LINT1, 0x400 }, { RD, LVTE, 0x10000 }, { RD, TCCR, 0 },
    { WR, TPR, 0x1FF }, { RD, TPR, 0xFF }, { RD, PPR, 0xFF }, { WR, DFR, 0 }, { RD, DFR, 0x0FFFFFFF },
    { WR, LDR, 0xFFFFFFFF }, { RD, LDR, 0xFF000000 }, { WR, LVTE, 0xFFFFFFFF }, { RD, LVTE, 0x100FF },
    ENABLE, { WR, LVTE, 0x33 }, { RD, LVTE, 0x33 }, { WR, SVR, 0xFF }, { RD, LVTE, 0x10033 }, { RD, LINT0, 0x10700 },
};

static const struct step self_ipi_and_priorities[] = {
    ENABLE, { WR, ICRL, 0x40045 }, { INTR, 0, 1 }, { RD, IRR2, 1u << 5 }, { WR, TPR, 0x40 }, { INTR, 0, 0 }, { WR, TPR, 0x3F },
    { INTR, 0, 1 }, { ACK, 0, 0x45 }, { RD, ISR2, 1u << 5 }, { RD, PPR, 0x40 }, { INTR, 0, 0 },
    { WR, ICRL, 0x4004F }, { INTR, 0, 0 }, /* same class waits */ { WR, ICRL, 0x80051 }, { INTR, 0, 1 }, { ACK, 0, 0x51 },
    { WR, EOI, 0 }, { RD, PPR, 0x40 }, { INTR, 0, 0 }, { WR, EOI, 0 }, { INTR, 0, 1 }, { ACK, 0, 0x4F }, { ACK, 0, NO_VECTOR },
    { WR, EOI, 0 }, { WR, EOI, 0 }, { RD, PPR, 0x3F },
    { WR, ICRL, 0xC0061 }, { INTR, 0, 0 }, /* all but self: nobody */
};

static const struct step destinations[] = {
    ENABLE, { WR, ICRH, 0x01000000 }, { WR, ICRL, 0x41 }, { INTR, 0, 0 }, { WR, ICRH, 0 }, { WR, ICRL, 0x41 }, { ACK, 0, 0x41 }, { WR, EOI, 0 },
    { WR, ICRH, 0xFF000000 }, { WR, ICRL, 0x42 }, { ACK, 0, 0x42 }, { WR, EOI, 0 },
    { WR, LDR, 0x02000000 }, { WR, ICRH, 0x01000000 }, { WR, ICRL, 0x843 }, { INTR, 0, 0 }, { WR, ICRH, 0x03000000 },
    { WR, ICRL, 0x843 }, { ACK, 0, 0x43 }, { WR, EOI, 0 },
    { WR, DFR, 0 }, { WR, LDR, 0x21000000 }, { WR, ICRH, 0x31000000 }, { WR, ICRL, 0x844 }, { INTR, 0, 0 },
    { WR, ICRH, 0x23000000 }, { WR, ICRL, 0x844 }, { ACK, 0, 0x44 },
};

static const struct step nmi_init_and_errors[] = {
    ENABLE, { WR, ICRL, 0x40400 }, { NMIS, 0, 1 }, { WR, ICRL, 0x44500 }, { INITS, 0, 1 }, { WR, ICRL, 0x48500 }, { INITS, 0, 1 },
    { WR, LVTE, 0x35 }, { WR, ICRL, 0x40003 }, { ACK, 0, 0x35 }, { RD, ESR, 0 }, { WR, ESR, 0 }, { RD, ESR, 0x20 }, { WR, ESR, 0 },
    /* its own illegal vector */
    { RD, ESR, 0 }, { WR, EOI, 0 }, { WR, LVTE, 0x05 }, { WR, ICRL, 0x40003 }, { INTR, 0, 0 },
    { WR, ESR, 0 }, { RD, ESR, 0x20 }, { WR, ESR, 0 }, { RD, L + 0x3F0, 0 }, { WR, ESR, 0 }, { RD, ESR, 0x80 },
};

static const struct step virtual_wire[] = {
    { PIC, 0, 1 }, { INTR, 0, 1 }, { ACK, 0, 0x77 }, { EXT, 0, 1 }, { PIC, 0, 0 }, { INTR, 0, 0 }, { ACK, 0, NO_VECTOR },
    { WR, LINT0, 0x10700 }, { PIC, 0, 1 }, { INTR, 0, 0 }, ENABLE, { WR, LINT0, 0x700 }, { INTR, 0, 1 },
    { WR, ICRL, 0x40051 }, { ACK, 0, 0x51 }, { ACK, 0, 0x77 }, /* its own vectors first */
    { WR, LINT0, 0x400 }, { INTR, 0, 0 }, { PIC, 0, 0 }, { NMIS, 0, 0 }, { PIC, 0, 1 }, { NMIS, 0, 1 },
    { PIC, 1, 1 }, { NMIS, 0, 2 },
};

static const struct step switched_off[] = {
    ENABLE, { WR, LINT0, 0x10700 }, { PIC, 0, 1 }, { INTR, 0, 0 }, { BASE, 0, 0xFEE00000 }, { INTR, 0, 1 }, { ACK, 0, 0x77 },
    { RD, VER, 0xFFFFFFFF }, { BASE, 0, 0xFEE00800 }, { RD, VER, 0x00050014 }, { RD, SVR, 0xFF },
    { BASE, 0, 0xFED00800 }, { RD, VER, 0xFFFFFFFF }, { RD, 0xFED00030, 0x00050014 },
};

static const struct step timer_one_shot[] = {
    ENABLE, { WR, TDCR, 0x0B }, { WR, LVTT, 0x60 }, { WR, TICR, 1000 }, { WAIT_NS, 0, 400 }, { RD, TCCR, 600 }, { WAIT_NS, 0, 599 },
    { INTR, 0, 0 }, { WAIT_NS, 0, 1 }, { INTR, 0, 1 }, { ACK, 0, 0x60 }, { WR, EOI, 0 }, { RD, TCCR, 0 }, { WAIT_NS, 0, 5000 },
    { INTR, 0, 0 }, { WR, TDCR, 0x03 }, { WR, TICR, 10 }, { WAIT_NS, 0, 159 }, { RD, TCCR, 1 }, { WAIT_NS, 0, 1 }, { INTR, 0, 1 },
    { ACK, 0, 0x60 }, { WR, EOI, 0 }, { WR, TICR, 100 }, { WR, TICR, 0 }, { WAIT_NS, 0, 10000 }, { INTR, 0, 0 },
};

static const struct step timer_periodic[] = {
    ENABLE, { WR, TDCR, 0x0B }, { WR, LVTT, 0x20061 }, { WR, TICR, 1000 }, { WAIT_NS, 0, 1000 }, { ACK, 0, 0x61 }, { WR, EOI, 0 },
    { RD, TCCR, 1000 }, { WAIT_NS, 0, 250 }, { RD, TCCR, 750 }, { WAIT_NS, 0, 750 }, { ACK, 0, 0x61 }, { WR, EOI, 0 },
    { WR, LVTT, 0x30061 }, { WAIT_NS, 0, 5500 }, { INTR, 0, 0 }, { RD, TCCR, 500 }, /* masked, it runs on */
    { WR, LVTT, 0x20061 }, { INTR, 0, 0 }, { WAIT_NS, 0, 500 }, { ACK, 0, 0x61 },
};

/* A one-shot that ran out while it was masked stays at 0, whatever its mode becomes; a new count starts it. */
static const struct step timer_masked_one_shot[] = {
    ENABLE, { WR, TDCR, 0x0B }, { WR, LVTT, 0x10030 }, { WR, TICR, 1000 }, { WAIT_NS, 0, 999 }, { RD, TCCR, 1 }, { WAIT_NS, 0, 1 },
    { RD, TCCR, 0 }, { WR, LVTT, 0x30030 }, { RD, TCCR, 0 }, { WAIT_NS, 0, 500 }, { RD, TCCR, 0 }, { WR, LVTT, 0x20030 }, { WAIT_NS, 0, 5000 },
    { RD, TCCR, 0 }, { INTR, 0, 0 }, { WR, TDCR, 0x00 }, { RD, TCCR, 0 }, { WR, TDCR, 0x0B },
    { WR, TICR, 1000 }, { WAIT_NS, 0, 1250 }, { RD, TCCR, 750 }, { ACK, 0, 0x30 }, { WR, EOI, 0 },
    /* one that has not run out goes on in the other mode */
    { WR, LVTT, 0x00030 }, { RD, TCCR, 750 }, { WAIT_NS, 0, 750 }, { ACK, 0, 0x30 }, { WR, EOI, 0 }, { RD, TCCR, 0 },
};

static const struct step tsc_deadline[] = {
    ENABLE, { RD, LVTT, 0x10000 }, { ARM, 0, 1000 }, { DEADLINE, 0, 0 }, /* not in this mode */
    { WR, LVTT, 0x40033 }, { RD, LVTT, 0x40033 }, { WR, TICR, 500 }, { RD, TICR, 0 }, { RD, TCCR, 0 },
    { ARM, 0, 1000 }, { DEADLINE, 0, 1000 }, { WAIT_NS, 0, 999 }, { INTR, 0, 0 }, { WAIT_NS, 0, 1 }, { DEADLINE, 0, 0 }, { ACK, 0, 0x33 },
    { WR, EOI, 0 }, { WAIT_NS, 0, 10000 }, { INTR, 0, 0 },
    /* time is 11000: one in the past comes at once, 0 disarms, the offset moves it */
    { ARM, 0, 7 }, { WAIT_NS, 0, 1 }, { ACK, 0, 0x33 }, { WR, EOI, 0 }, { ARM, 0, 12000 }, { ARM, 0, 0 }, { WAIT_NS, 0, 2000 }, { INTR, 0, 0 },
    { ARM, 0, 14000 }, { ARM, 500, 14000 }, { WAIT_NS, 0, 498 }, { INTR, 0, 0 }, { WAIT_NS, 0, 1 }, { ACK, 0, 0x33 }, { WR, EOI, 0 },
    { ARM, 20000, 14000 }, { DEADLINE, 0, 0 }, { ACK, 0, 0x33 }, { WR, EOI, 0 },
    /* masked, it passes unheard; another mode disarms it */
    { WR, LVTT, 0x50033 }, { ARM, 0, 14000 }, { DEADLINE, 0, 14000 }, { WAIT_NS, 0, 1000 }, { DEADLINE, 0, 0 }, { INTR, 0, 0 },
    { WR, LVTT, 0x40033 }, { ARM, 0, 20000 }, { WR, LVTT, 0x20033 }, { DEADLINE, 0, 0 }, { WAIT_NS, 0, 10000 }, { INTR, 0, 0 },
    { WR, TDCR, 0x0B }, { WR, TICR, 100 }, { WR, LVTT, 0x40033 }, { RD, TICR, 0 }, { WAIT_NS, 0, 1000 }, { INTR, 0, 0 },
    { ARM, 0, 0xFFFFFFFF }, { WR, SVR, 0xFF }, { RD, LVTT, 0x50033 },
};

static const struct step no_tsc_deadline[] = { ENABLE, { WR, LVTT, 0x70033 }, { RD, LVTT, 0x30033 }, { ARM, 0, 100 }, { DEADLINE, 0, 0 } };

/* LINT0, fixed and by level: once until EOI, again while the line is up; by edge: once a rise. */
static const struct step lint0_by_level[] = {
    ENABLE, { WR, LINT0, 0x8035 }, { PIC, 0, 1 }, { RD, LINT0, 0xC035 }, { RD, TMR1, 1u << 21 }, { ACK, 0, 0x35 }, { INTR, 0, 0 },
    { WR, EOI, 0 }, { INTR, 0, 1 }, { ACK, 0, 0x35 }, { PIC, 0, 0 }, { RD, LINT0, 0xC035 }, { WR, EOI, 0 }, { RD, LINT0, 0x8035 }, { INTR, 0, 0 },
    { WR, LINT0, 0x18035 }, { PIC, 0, 1 }, { INTR, 0, 0 }, { WR, LINT0, 0x8035 }, { ACK, 0, 0x35 }, /* up when it was unmasked */
    { WR, LINT0, 0xC035 }, { RD, LINT0, 0xC035 }, { WR, LINT0, 0x0035 }, { RD, LINT0, 0x0035 }, { WR, EOI, 0 }, { INTR, 0, 0 },
    { PIC, 0, 0 }, { PIC, 0, 1 }, { RD, TMR1, 0 }, { ACK, 0, 0x35 }, { WR, EOI, 0 }, { INTR, 0, 0 },
};

static const struct step smi[] = { ENABLE, { WR, ICRL, 0x40200 }, { SMIS, 0, 1 }, { WR, LINT0, 0x200 }, { PIC, 0, 1 }, { SMIS, 0, 2 } };

/* Pin 4: entry at 18h. */
static const struct step ioapic_registers[] = {
    { WR, SEL, 1 }, { RD, WIN, 0x00170011 }, { WR, SEL, 0 }, { WR, WIN, 0xFFFFFFFF }, { RD, WIN, 0x0F000000 }, { WR, SEL, 0x18 },
    { RD, WIN, 0x10000 }, { WR, WIN, 0xFFFFFFFF }, { RD, WIN, 0x1AFFF }, { WR, SEL, 0x19 }, { WR, WIN, 0xFFFFFFFF }, { RD, WIN, 0xFF000000 },
    { WR, SEL, 0x40 }, { RD, WIN, 0 }, { RD, SEL, 0x40 },
};

static const struct step ioapic_edge[] = {
    /* lost while masked */
    ENABLE, { PIN_UP, 4, 0 }, { PIN_DOWN, 4, 0 }, { WR, SEL, 0x18 }, { WR, WIN, 0x31 }, { INTR, 0, 0 },
    { PIN_UP, 4, 0 }, { ACK, 0, 0x31 }, { RD, TMR1, 0 }, { WR, EOI, 0 }, { INTR, 0, 0 }, { PIN_DOWN, 4, 0 }, { PIN_UP, 4, 0 }, { INTR, 0, 1 },
};

static const struct step ioapic_level[] = {
    ENABLE, { WR, SEL, 0x18 }, { WR, WIN, 0x8032 }, { PIN_UP, 4, 0 }, { RD, WIN, 0xC032 }, { RD, TMR1, 1u << 18 }, { ACK, 0, 0x32 },
    { INTR, 0, 0 }, { WR, EOI, 0 }, { INTR, 0, 1 }, { ACK, 0, 0x32 }, { PIN_DOWN, 4, 0 }, { WR, EOI, 0 }, { INTR, 0, 0 }, { RD, WIN, 0x8032 },
    /* asserted while masked */
    { WR, WIN, 0x18032 }, { PIN_UP, 4, 0 }, { INTR, 0, 0 }, { WR, WIN, 0x8032 }, { INTR, 0, 1 },
    { ACK, 0, 0x32 }, { WR, WIN, 0x10032 }, { RD, WIN, 0x10032 }, /* edge mode drops remote IRR */
};

static const struct step ioapic_nmi_and_destination[] = {
    /* an NMI and an SMI come by edge whatever the trigger says: nobody sends an EOI for them */
    ENABLE, { WR, SEL, 0x1A }, { WR, WIN, 0x8400 }, { PIN_UP, 5, 0 }, { NMIS, 0, 1 }, { RD, WIN, 0x8400 }, { PIN_DOWN, 5, 0 },
    { PIN_UP, 5, 0 }, { NMIS, 0, 2 }, { WR, WIN, 0x18200 }, { WR, WIN, 0x8200 }, { SMIS, 0, 0 }, { PIN_DOWN, 5, 0 }, { PIN_UP, 5, 0 },
    { SMIS, 0, 1 }, { WR, WIN, 0x10000 }, { PIN_DOWN, 5, 0 },
    ENABLE, { WR, SEL, 0x18 }, { WR, WIN, 0x400 }, { PIN_UP, 4, 0 }, { NMIS, 0, 3 }, { WR, SEL, 0x1B }, { WR, WIN, 0x05000000 },
    { WR, SEL, 0x1A }, { WR, WIN, 0x33 }, { PIN_UP, 5, 0 }, { INTR, 0, 0 }, /* APIC 5 is not there */
};
/* clang-format on */

Test(apic, scripts)
{
    RUN(reset_values);
    RUN(self_ipi_and_priorities);
    RUN(destinations);
    RUN(nmi_init_and_errors);
    RUN(virtual_wire);
    RUN(switched_off);
    RUN(timer_one_shot);
    RUN(timer_periodic);
    RUN(timer_masked_one_shot);
    RUN_WITH_DEADLINE(tsc_deadline);
    RUN_WITH_DEADLINE(timer_masked_one_shot);
    RUN(no_tsc_deadline);
    RUN(lint0_by_level);
    RUN(smi);
    RUN(ioapic_registers);
    RUN(ioapic_edge);
    RUN(ioapic_level);
    RUN(ioapic_nmi_and_destination);
}

Test(apic, narrow_accesses_read_the_dword_and_do_not_write)
{
    struct rig rig;
    rig_init(&rig, false);
    cr_assert_eq(peeked_read(rig.bus, VER, 1), 0x14);
    cr_assert_eq(peeked_read(rig.bus, VER + 2, 1), 0x05);
    cr_assert_eq(peeked_read(rig.bus, VER + 4, 4), 0);
    vx_bus_write(rig.bus, VX_SPACE_MEMORY, TPR, 1, 0x50);
    cr_assert_eq(peeked_read(rig.bus, TPR, 4), 0);
    cr_assert(!lapic_can_nmi(rig.lapic) && !ioapic_can_nmi(rig.ioapic));
    vx_bus_write(rig.bus, VX_SPACE_MEMORY, LINT0, 4, 0x10400);
    cr_assert(!lapic_can_nmi(rig.lapic));
    vx_bus_write(rig.bus, VX_SPACE_MEMORY, SVR, 4, 0x1FF);
    vx_bus_write(rig.bus, VX_SPACE_MEMORY, LINT0, 4, 0x400);
    cr_assert(lapic_can_nmi(rig.lapic));
    rig_fini(&rig);
}
