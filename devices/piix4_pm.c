/* piix4_pm.c - PM1 events, PM timer, sleep control, SMI command port, SMBus host. See piix4_pm.h.
 *
 *   I1  After every change update_sci() has driven SCI and armed the timer for the next PM-timer overflow if that
 *       could raise SCI.
 *   I2  The PM and SMBus regions are on the bus exactly where configuration space says (map_blocks()). */
#include <stdlib.h>

#include "piix3.h"
#include "piix4_pm.h"

enum { REG_PMBA = 0x40, REG_DEVACTB = 0x58, REG_PMREGMISC = 0x80, REG_SMBBA = 0x90, REG_SMBHSTCFG = 0xD2 };
#define PMREGMISC_PMIOSE 0x01
#define SMBHSTCFG_ENABLE 0x01
#define DEVACTB_APMC_EN  0x02000000u /* a write to port B2h is an SMI */

/* PM block. */
enum { PM1_STS = 0x00, PM1_EN = 0x02, PM1_CNT = 0x04, PM_TMR = 0x08, GLBCTL = 0x28, PM_BLOCK_BYTES = 0x40 };
enum { GLBCTL_SMI_EN = 1u << 0 };
enum { PM1_TMR = 1u << 0, PM1_GBL = 1u << 5, PM1_PWRBTN = 1u << 8, PM1_RTC = 1u << 10, PM1_WAK = 1u << 15 };
#define PM1_SCI_SOURCES (PM1_TMR | PM1_GBL | PM1_PWRBTN | PM1_RTC)
enum { CNT_SCI_EN = 1u << 0, CNT_SLP_EN = 1u << 13 };
#define CNT_WRITABLE     0x1C07u /* SLP_TYP, GBL_RLS, BM_RLD, SCI_EN; SLP_EN reads as 0 */
#define SLP_TYP(cnt)     ((cnt) >> 10 & 7)
#define SLP_TYP_SOFT_OFF 0
#define TIMER_MASK       0xFFFFFFu
#define TIMER_HALF       0x800000           /* TMR_STS is set whenever bit 23 changes */
#define HALVES_MAX       (INT64_C(1) << 31) /* 150 years */

/* SMBus block. */
enum { SMB_STS = 0x0, SMB_CNT = 0x2, SMB_BLOCK_BYTES = 0x10 };
#define SMB_CNT_START        0x40
#define SMB_STS_DEVICE_ERROR 0x04
#define SMB_STS_CLEARABLE    0x1E

struct piix4_pm {
    struct vx_log *log;
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct vx_irq sci, power_off, smi;
    bool sci_level;
    uint16_t sts, en, cnt;
    uint8_t glbctl;
    int64_t collected_half; /* half periods of the PM timer that are already in TMR_STS */
    struct vx_timer timer;
    uint8_t gpe[4]; /* GPE0: status 0-1, enable 2-3 */
    uint8_t apm[2]; /* APMC, APMS */
    uint8_t smb[SMB_BLOCK_BYTES];
    bool pm_on_bus, smb_on_bus;
    struct vx_region pm_region, smb_region, fixed[2];
    struct pci_function fn;
};

/* ---- timer and SCI ---------------------------------------------------------------------------------------------- */

static int64_t timer_ticks(const struct piix4_pm *pm)
{
    return (int64_t)vx_muldiv(vx_clock_now_ns(pm->clock), PM_TIMER_HZ, VX_NS_PER_SEC);
}

static void collect_overflow(struct piix4_pm *pm)
{
    int64_t half = timer_ticks(pm) / TIMER_HALF;
    if (half != pm->collected_half)
        pm->sts |= PM1_TMR;
    pm->collected_half = half;
}

static void update_sci(struct piix4_pm *pm) /* I1 */
{
    bool pm1 = pm->sts & pm->en & PM1_SCI_SOURCES;
    bool gpe = (pm->gpe[0] & pm->gpe[2]) | (pm->gpe[1] & pm->gpe[3]);
    bool level = (pm1 || gpe) && (pm->cnt & CNT_SCI_EN); /* without SCI_EN they are SMIs, which no one takes */
    uint64_t deadline = VX_NEVER;
    if ((pm->en & PM1_TMR) && !(pm->sts & PM1_TMR))
        deadline = vx_muldiv((uint64_t)(pm->collected_half + 1) * TIMER_HALF, VX_NS_PER_SEC, PM_TIMER_HZ) + 1;
    vx_timer_set(pm->clock, &pm->timer, deadline);
    if (level != pm->sci_level) {
        pm->sci_level = level;
        vx_irq_set(&pm->sci, level);
    }
}

static void timer_overflows(void *opaque)
{
    collect_overflow(opaque);
    update_sci(opaque);
}

void piix4_pm_press_power_button(struct piix4_pm *pm)
{
    vx_trace(pm->log, pm_event, "power button");
    pm->sts |= PM1_PWRBTN;
    update_sci(pm);
}

/* ---- PM block --------------------------------------------------------------------------------------------------- */

static void write_control(struct piix4_pm *pm, uint16_t value)
{
    pm->cnt = value & CNT_WRITABLE;
    if (!(value & CNT_SLP_EN))
        return;
    if (SLP_TYP(value) == SLP_TYP_SOFT_OFF) {
        vx_trace(pm->log, pm_event, "soft off");
        vx_irq_pulse(&pm->power_off);
    } else {
        vx_log_guest(pm->log, "sleep type %u asked for, which this machine does not offer", SLP_TYP(value));
    }
}

/* The block as the bytes that the guest sees. */
static uint64_t pm_bits(struct piix4_pm *pm, uint64_t off)
{
    switch (off & ~3u) {
    case PM1_STS: return pm->sts | (uint32_t)pm->en << 16;
    case PM1_CNT: return pm->cnt;
    case PM_TMR: return (uint64_t)timer_ticks(pm) & TIMER_MASK;
    case GLBCTL: return pm->glbctl;
    default: return 0;
    }
}

static uint64_t pm_read(void *opaque, uint64_t off, unsigned size)
{
    struct piix4_pm *pm = opaque;
    collect_overflow(pm);
    uint64_t value = pm_bits(pm, off) >> (8 * (off & 3));
    if ((off & 3) + size > 4)
        value |= pm_bits(pm, off + 4) << (8 * (4 - (off & 3)));
    return value;
}

static void pm_write_byte(struct piix4_pm *pm, unsigned off, uint8_t byte)
{
    if (off == GLBCTL)
        pm->glbctl = byte & GLBCTL_SMI_EN;
    unsigned shift = 8 * (off & 1);
    uint16_t mask = (uint16_t)(0xFF << shift), bits = (uint16_t)(byte << shift);
    switch (off & ~1u) {
    case PM1_STS: pm->sts &= (uint16_t)~bits; break; /* write 1 to clear */
    case PM1_EN: pm->en = (uint16_t)((pm->en & ~mask) | bits) & PM1_SCI_SOURCES; break;
    case PM1_CNT: write_control(pm, (uint16_t)((pm->cnt & ~mask) | bits)); break;
    default: break;
    }
}

static void pm_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    struct piix4_pm *pm = opaque;
    collect_overflow(pm);
    for (unsigned i = 0; i < size; i++)
        pm_write_byte(pm, (unsigned)off + i, (uint8_t)(value >> (8 * i)));
    update_sci(pm);
}

/* ---- GPE0, APM, SMBus ------------------------------------------------------------------------------------------- */

static uint64_t gpe_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    return ((struct piix4_pm *)opaque)->gpe[off];
}

static void gpe_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)size;
    struct piix4_pm *pm = opaque;
    if (off < 2)
        pm->gpe[off] &= (uint8_t)~value;
    else
        pm->gpe[off] = (uint8_t)value;
    update_sci(pm);
}

static uint64_t apm_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    return ((struct piix4_pm *)opaque)->apm[off];
}

/* On a real board the BIOS's SMI handler does what ACPI_ENABLE asks for; SeaBIOS's leaves it to the chip. */
static void apm_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)size;
    struct piix4_pm *pm = opaque;
    pm->apm[off] = (uint8_t)value;
    if (off != 0)
        return;
    if (value == PM_ACPI_ENABLE)
        pm->cnt |= CNT_SCI_EN;
    else if (value == PM_ACPI_DISABLE)
        pm->cnt &= (uint16_t)~CNT_SCI_EN;
    else if ((pci_get32(&pm->fn, REG_DEVACTB) & DEVACTB_APMC_EN) && (pm->glbctl & GLBCTL_SMI_EN))
        vx_irq_pulse(&pm->smi);
    update_sci(pm);
}

static uint64_t smb_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    return ((struct piix4_pm *)opaque)->smb[off];
}

static void smb_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)size;
    struct piix4_pm *pm = opaque;
    if (off == SMB_STS) {
        pm->smb[SMB_STS] &= (uint8_t) ~(value & SMB_STS_CLEARABLE);
    } else if (off == SMB_CNT) {
        pm->smb[SMB_CNT] = (uint8_t)value & 0x1F;
        if (value & SMB_CNT_START) /* nobody acknowledges the address */
            pm->smb[SMB_STS] |= SMB_STS_DEVICE_ERROR;
    } else {
        pm->smb[off] = (uint8_t)value;
    }
}

/* ---- configuration ---------------------------------------------------------------------------------------------- */

static void map_block(struct vx_bus *bus, struct vx_region *region, bool *on_bus, bool wanted, uint16_t base)
{
    if (*on_bus && (!wanted || region->base != base)) {
        vx_bus_remove(bus, region);
        *on_bus = false;
    }
    if (wanted && !*on_bus) {
        region->base = base;
        *on_bus = vx_bus_add(bus, region) == VX_ERR_OK;
    }
}

static void map_blocks(struct piix4_pm *pm) /* I2 */
{
    const struct pci_function *fn = &pm->fn;
    uint16_t pm_base = pci_get16(fn, REG_PMBA) & 0xFFC0, smb_base = pci_get16(fn, REG_SMBBA) & 0xFFF0;
    bool pm_on = (fn->config[REG_PMREGMISC] & PMREGMISC_PMIOSE) && pm_base != 0;
    bool smb_on = (fn->config[REG_SMBHSTCFG] & SMBHSTCFG_ENABLE) && smb_base != 0;
    map_block(pm->bus, &pm->pm_region, &pm->pm_on_bus, pm_on, pm_base);
    map_block(pm->bus, &pm->smb_region, &pm->smb_on_bus, smb_on, smb_base);
}

static void config_written(void *opaque, unsigned reg, unsigned size)
{
    (void)reg, (void)size;
    map_blocks(opaque);
}

static void pm_reset(void *instance, enum reset phase)
{
    struct piix4_pm *pm = instance;
    if (phase == VX_RESET_RELEASE) {
        map_blocks(pm);
        update_sci(pm);
        return;
    }
    vx_timer_set(pm->clock, &pm->timer, VX_NEVER);
    pm->sts = pm->en = pm->cnt = 0;
    pm->glbctl = 0;
    pm->collected_half = timer_ticks(pm) / TIMER_HALF;
    for (size_t i = 0; i < sizeof pm->gpe; i++)
        pm->gpe[i] = 0;
    pm->apm[0] = pm->apm[1] = 0;
    for (size_t i = 0; i < sizeof pm->smb; i++)
        pm->smb[i] = 0;
}

static void pm_restored(void *instance)
{
    map_blocks(instance);
}

static void pm_destroy(void *instance)
{
    struct piix4_pm *pm = instance;
    if (pm == NULL)
        return;
    vx_timer_set(pm->clock, &pm->timer, VX_NEVER);
    map_block(pm->bus, &pm->pm_region, &pm->pm_on_bus, false, 0);
    map_block(pm->bus, &pm->smb_region, &pm->smb_on_bus, false, 0);
    bus_remove_all(pm->bus, pm->fixed, VX_ARRAY_LEN(pm->fixed));
    pci_remove(&pm->fn);
    free(pm);
}

static void init_function(struct piix4_pm *pm)
{
    struct pci_function *fn = &pm->fn;
    pci_function_init(fn, &(struct pci_ident){ .name = "piix4 pm",
                                               .vendor = 0x8086,
                                               .device = 0x7113,
                                               .revision = 3,
                                               .class_code = 0x068000,
                                               .interrupt_pin = 1 });
    fn->opaque = pm;
    fn->written = config_written;
    pci_set16(fn, PCI_STATUS, PCI_STATUS_FAST_BACK | PCI_STATUS_DEVSEL_MEDIUM);
    pci_set16(fn, PCI_COMMAND, 0);
    pci_set32(fn, REG_PMBA, 1);
    fn->write_mask[REG_PMBA] = 0xC0;
    fn->write_mask[REG_PMBA + 1] = 0xFF;
    fn->write_mask[REG_DEVACTB + 3] = DEVACTB_APMC_EN >> 24;
    fn->write_mask[REG_PMREGMISC] = PMREGMISC_PMIOSE;
    pci_set32(fn, REG_SMBBA, 1);
    fn->write_mask[REG_SMBBA] = 0xF0;
    fn->write_mask[REG_SMBBA + 1] = 0xFF;
    fn->write_mask[REG_SMBHSTCFG] = 0x0F;
}

/* The guest chooses where the two blocks lie, perhaps over other ports: they lose against fixed regions (negative
 * priority). */
static void init_regions(struct piix4_pm *pm)
{
    pm->pm_region = (struct vx_region){ .name = "piix4 pm",
                                        .space = VX_SPACE_IO,
                                        .size = PM_BLOCK_BYTES,
                                        .max_size = 4,
                                        .priority = -10000,
                                        .read = pm_read,
                                        .write = pm_write,
                                        .opaque = pm };
    pm->smb_region = (struct vx_region){ .name = "piix4 smbus",
                                         .space = VX_SPACE_IO,
                                         .size = SMB_BLOCK_BYTES,
                                         .priority = -10001,
                                         .read = smb_read,
                                         .write = smb_write,
                                         .opaque = pm };
    pm->fixed[0] = (struct vx_region){ .name = "piix4 gpe0",
                                       .space = VX_SPACE_IO,
                                       .base = 0xAFE0,
                                       .size = 4,
                                       .read = gpe_read,
                                       .write = gpe_write,
                                       .opaque = pm };
    pm->fixed[1] = (struct vx_region){ .name = "piix4 apm",
                                       .space = VX_SPACE_IO,
                                       .base = 0xB2,
                                       .size = 2,
                                       .read = apm_read,
                                       .write = apm_write,
                                       .opaque = pm };
}

vx_err piix4_pm_create(const struct piix4_pm_config *config, struct piix4_pm **out)
{
    struct piix4_pm *pm = calloc(1, sizeof *pm);
    if (pm == NULL)
        return VX_ERR_NO_MEMORY;
    pm->log = config->log;
    pm->bus = config->bus;
    pm->clock = config->clock;
    pm->sci = config->sci;
    pm->power_off = config->power_off;
    pm->smi = config->smi;
    vx_timer_init(pm->clock, &pm->timer, timer_overflows, pm);
    init_function(pm);
    init_regions(pm);
    pm_reset(pm, VX_RESET_HOLD);
    vx_err err = pci_add(config->pci, PIIX3_SLOT, 3, &pm->fn);
    if (err == VX_ERR_OK)
        err = bus_add_all(pm->bus, pm->fixed, VX_ARRAY_LEN(pm->fixed));
    if (err != VX_ERR_OK) {
        pci_remove(&pm->fn);
        free(pm);
        return err;
    }
    *out = pm;
    return VX_ERR_OK;
}

static const struct state_field fields[] = {
    REGISTER(struct piix4_pm, sts),
    REGISTER(struct piix4_pm, en),
    REGISTER(struct piix4_pm, cnt),
    REGISTER(struct piix4_pm, glbctl),
    REGISTER(struct piix4_pm, sci_level),
    REGISTER(struct piix4_pm, gpe),
    REGISTER(struct piix4_pm, apm),
    FIELD(struct piix4_pm, smb),
    FIELD_IN(struct piix4_pm, collected_half, 0, HALVES_MAX),
    FIELD_TIMER(struct piix4_pm, timer, clock),
    FIELD_STRUCT(struct piix4_pm, fn, &pci_function_state),
    WIRES(struct piix4_pm, log, bus, clock, sci, power_off, smi, pm_region, smb_region, fixed),
    DERIVED(struct piix4_pm, pm_on_bus, smb_on_bus),
};
static const struct state_table state = STATE_TABLE(struct piix4_pm, fields, NULL);

const struct device_type piix4_pm_type = {
    .name = "piix4 pm",
    .version = 1,
    .state = &state,
    .reset = pm_reset,
    .restored = pm_restored,
    .destroy = pm_destroy,
};
