/* i440fx.c - PAM registers to the memory map. See i440fx.h.
 *
 * Each PAM nibble governs one segment: bit 0 reads go to RAM, bit 1 writes go to RAM; otherwise they go to PCI, where
 * E0000h-FFFFFh is the BIOS ROM (writes are lost) and the rest is the bus.
 *
 *     59h [ F0000-FFFFF |   -   ]   high nibble | low nibble
 *     5Ah [ C4000       | C0000 ]   5Bh [ CC000 | C8000 ]   5Ch [ D4000 | D0000 ]
 *     5Dh [ DC000       | D8000 ]   5Eh [ E4000 | E0000 ]   5Fh [ EC000 | E8000 ]
 *
 *   I1  The pmap always shows what `applied` says; apply() touches only segments whose attribute changed. */
#include <stdlib.h>

#include "i440fx.h"

#define REG_RAM_SIZE     0x57
#define REG_PAM0         0x59
#define REG_PAM_LAST     0x5F
#define REG_SMRAM        0x72
#define SMRAM_D_OPEN     0x40
#define SMRAM_D_LCK      0x10
#define SMRAM_G_SMRAME   0x08
#define SMRAM_BASE_A0000 0x02
#define PAM_READ         1
#define PAM_WRITE        2
#define PAM_WRITABLE     0x33
#define SMRAM_FIRST      0xA0000u /* "compatible SMRAM", 128 KiB over the VGA window */
#define SMRAM_BYTES      0x20000u
#define FIRST            0xC0000u
#define ROM_FIRST        0xE0000u
#define SEGMENTS         13
#define UNKNOWN          0xFF

struct i440fx {
    struct vx_pmap *pmap;
    uint32_t ram_page; /* RAM behind C0000h */
    uint32_t bios_page;
    uint8_t applied[SEGMENTS];
    uint32_t smram_page; /* RAM behind A0000h */
    bool smiact, smram_shows;
    uint8_t smram; /* the SMRAM register as it stands: what a write to it is measured by */
    struct pci_function fn;
};

/* Segments 0-11 are 16 KiB from C0000h on, 12 is F0000h-FFFFFh. */
static uint32_t segment_base(unsigned segment)
{
    return FIRST + segment * 0x4000;
}

static uint32_t segment_bytes(unsigned segment)
{
    return segment == SEGMENTS - 1 ? 0x10000 : 0x4000;
}

static uint8_t segment_attribute(const struct i440fx *bridge, unsigned segment)
{
    if (segment == SEGMENTS - 1)
        return bridge->fn.config[REG_PAM0] >> 4 & (PAM_READ | PAM_WRITE);
    return bridge->fn.config[REG_PAM0 + 1 + segment / 2] >> (segment % 2 ? 4 : 0) & (PAM_READ | PAM_WRITE);
}

static void apply(struct i440fx *bridge) /* keeps I1 */
{
    for (unsigned i = 0; i < SEGMENTS; i++) {
        uint8_t attribute = segment_attribute(bridge, i);
        if (attribute == bridge->applied[i])
            continue;
        bridge->applied[i] = attribute;
        uint32_t base = segment_base(i);
        uint32_t ram = bridge->ram_page + ((base - FIRST) >> VX_PAGE_SHIFT);
        uint32_t pci_read = VX_PMAP_BUS, pci_write = VX_PMAP_BUS;
        if (base >= ROM_FIRST) {
            pci_read = bridge->bios_page + ((base - ROM_FIRST) >> VX_PAGE_SHIFT);
            pci_write = VX_PMAP_DISCARD;
        }
        vx_pmap_map(bridge->pmap, base, segment_bytes(i), attribute & PAM_READ ? ram : pci_read,
                    attribute & PAM_WRITE ? ram : pci_write);
    }
}

static void apply_smram(struct i440fx *bridge)
{
    uint8_t smram = bridge->fn.config[REG_SMRAM];
    bool shows = (smram & SMRAM_G_SMRAME) && (bridge->smiact || (smram & SMRAM_D_OPEN));
    if (shows == bridge->smram_shows)
        return;
    bridge->smram_shows = shows;
    if (shows)
        vx_pmap_cover(bridge->pmap, SMRAM_FIRST, SMRAM_BYTES, bridge->smram_page);
    else
        vx_pmap_uncover(bridge->pmap);
}

void i440fx_set_smiact(struct i440fx *bridge, bool active)
{
    bridge->smiact = active;
    apply_smram(bridge);
}

static void config_written(void *opaque, unsigned reg, unsigned size)
{
    struct i440fx *bridge = opaque;
    if (reg <= REG_PAM_LAST && reg + size > REG_PAM0)
        apply(bridge);
    uint8_t *smram = &bridge->fn.config[REG_SMRAM];
    if (bridge->smram & SMRAM_D_LCK) /* D_LCK closes SMRAM and makes the register read-only until reset */
        *smram = bridge->smram;
    else if (*smram & SMRAM_D_LCK)
        *smram &= (uint8_t)~SMRAM_D_OPEN;
    bridge->smram = *smram;
    apply_smram(bridge);
}

static void i440fx_reset(void *instance, enum reset phase)
{
    struct i440fx *bridge = instance;
    if (phase == VX_RESET_RELEASE)
        apply(bridge);
    bridge->smram = bridge->fn.config[REG_SMRAM];
    apply_smram(bridge);
}

static void i440fx_restored(void *instance)
{
    struct i440fx *bridge = instance;
    apply(bridge);
    bridge->smram = bridge->fn.config[REG_SMRAM];
    apply_smram(bridge);
}

static void i440fx_destroy(void *instance)
{
    struct i440fx *bridge = instance;
    if (bridge == NULL)
        return;
    pci_remove(&bridge->fn);
    free(bridge);
}

vx_err i440fx_create(const struct i440fx_config *config, struct i440fx **out)
{
    struct i440fx *bridge = calloc(1, sizeof *bridge);
    if (bridge == NULL)
        return VX_ERR_NO_MEMORY;
    bridge->pmap = config->pmap;
    bridge->bios_page = config->bios_page;
    bridge->ram_page = vx_pmap_read_page(config->pmap, FIRST);
    bridge->smram_page = SMRAM_FIRST >> VX_PAGE_SHIFT; /* RAM is mapped from 0 on (vx_pmap_create()) */
    struct pci_function *fn = &bridge->fn;
    pci_function_init(
        fn, &(struct pci_ident){
                .name = "i440fx", .vendor = 0x8086, .device = 0x1237, .revision = 2, .class_code = 0x060000 });
    fn->opaque = bridge;
    fn->written = config_written;
    pci_set16(fn, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER); /* hardwired in the bridge */
    fn->write_mask[PCI_COMMAND] = PCI_COMMAND_PARITY;
    pci_set16(fn, PCI_STATUS, PCI_STATUS_FAST_BACK | PCI_STATUS_DEVSEL_MEDIUM);
    uint64_t units = vx_pmap_ram_bytes(config->pmap) >> 23;
    fn->config[REG_RAM_SIZE] = (uint8_t)(units < 255 ? units : 255);
    fn->write_mask[REG_PAM0] = 0x30;
    for (unsigned reg = REG_PAM0 + 1; reg <= REG_PAM_LAST; reg++)
        fn->write_mask[reg] = PAM_WRITABLE;
    fn->config[REG_SMRAM] = bridge->smram = SMRAM_BASE_A0000;
    fn->write_mask[REG_SMRAM] = 0x78;
    vx_err err = pci_add(config->pci, 0, 0, fn);
    if (err != VX_ERR_OK) {
        free(bridge);
        return err;
    }
    for (unsigned i = 0; i < SEGMENTS; i++)
        bridge->applied[i] = UNKNOWN;
    apply(bridge);
    *out = bridge;
    return VX_ERR_OK;
}

static const struct state_field fields[] = {
    SHOWN(struct i440fx, applied),
    FIELD(struct i440fx, smiact),
    FIELD_STRUCT(struct i440fx, fn, &pci_function_state),
    WIRES(struct i440fx, pmap, ram_page, bios_page, smram_page),
    DERIVED(struct i440fx, smram_shows, smram),
};
static const struct state_table state = STATE_TABLE(struct i440fx, fields, NULL);

const struct device_type i440fx_type = {
    .name = "i440fx",
    .version = 1,
    .state = &state,
    .reset = i440fx_reset,
    .restored = i440fx_restored,
    .destroy = i440fx_destroy,
};
