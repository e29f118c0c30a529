/* pci.c - PCI bus 0: configuration space, BAR mapping, interrupt pins. See pci.h.
 *
 *   I1  What a BAR decodes is always derived from config[] by bar_target(); apply_bars() makes the bus and the pmap
 *       follow.
 *   I2  BARs lie below every fixed region (priority < 0) and each has a priority of its own, so that a guest may lay
 *       them over each other or over motherboard devices without an error: lower slots win.
 *   I3  A memory BAR outside [memory_first, memory_end) decodes nothing. */
#include <stdlib.h>
#include <string.h>

#include "pci.h"

#define CONFADD        0xCF8
#define CONFADD_ENABLE 0x80000000u
#define BAR_IO_SPACE   0x1u
#define BAR_PREFETCH   0x8u
#define ROM_ENABLE     0x1u

struct pci {
    struct vx_log *log;
    struct vx_bus *bus;
    struct vx_pmap *pmap;
    uint64_t memory_first, memory_end;
    struct irq_or pirq[PCI_PIRQS];            /* input n: slot n */
    uint8_t pin_levels[PCI_SLOTS][PCI_PIRQS]; /* functions of the slot that hold INTA#..INTD# up, one bit each */
    struct pci_function *function[PCI_SLOTS][PCI_FUNCTIONS];
    struct pci_cf9 cf9;
    uint32_t address; /* CONFADD */
    struct vx_region regions[2];
};

/* ---- little-endian bytes of config[] ---------------------------------------------------------------------------- */

static uint32_t get_bytes(const uint8_t *at, unsigned size)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)at[i] << (8 * i);
    return value;
}

static void set_bytes(uint8_t *at, unsigned size, uint32_t value)
{
    for (unsigned i = 0; i < size; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

uint16_t pci_get16(const struct pci_function *fn, unsigned reg)
{
    VX_ASSERT(reg + 2 <= PCI_CONFIG_BYTES);
    return (uint16_t)get_bytes(&fn->config[reg], 2);
}

uint32_t pci_get32(const struct pci_function *fn, unsigned reg)
{
    VX_ASSERT(reg + 4 <= PCI_CONFIG_BYTES);
    return get_bytes(&fn->config[reg], 4);
}

void pci_set16(struct pci_function *fn, unsigned reg, uint16_t value)
{
    VX_ASSERT(reg + 2 <= PCI_CONFIG_BYTES);
    set_bytes(&fn->config[reg], 2, value);
}

void pci_set32(struct pci_function *fn, unsigned reg, uint32_t value)
{
    VX_ASSERT(reg + 4 <= PCI_CONFIG_BYTES);
    set_bytes(&fn->config[reg], 4, value);
}

void pci_function_init(struct pci_function *fn, const struct pci_ident *ident)
{
    memset(fn, 0, sizeof *fn);
    fn->name = ident->name;
    pci_set16(fn, PCI_VENDOR_ID, ident->vendor);
    pci_set16(fn, PCI_DEVICE_ID, ident->device);
    fn->config[PCI_REVISION] = ident->revision;
    set_bytes(&fn->config[PCI_CLASS], 3, ident->class_code);
    fn->config[PCI_HEADER_TYPE] = ident->multifunction ? 0x80 : 0x00;
    pci_set16(fn, PCI_SUBSYSTEM_VENDOR, ident->subsystem_vendor);
    pci_set16(fn, PCI_SUBSYSTEM_ID, ident->subsystem);
    fn->config[PCI_INTERRUPT_PIN] = ident->interrupt_pin;

    set_bytes(&fn->write_mask[PCI_COMMAND], 2,
              PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
                  PCI_COMMAND_INTX_DISABLE);
    set_bytes(&fn->clear_mask[PCI_STATUS], 2, PCI_STATUS_ERRORS);
    fn->write_mask[PCI_CACHE_LINE] = 0xFF;
    fn->write_mask[PCI_LATENCY] = 0xFF;
    fn->write_mask[PCI_INTERRUPT_LINE] = 0xFF;
}

/* ---- base address registers ------------------------------------------------------------------------------------- */

static unsigned bar_register(unsigned bar)
{
    return bar == PCI_BAR_ROM ? PCI_ROM_BASE : PCI_BAR0 + 4 * bar;
}

static void bar_init(struct pci_function *fn, unsigned index)
{
    struct pci_bar *bar = &fn->bar[index];
    unsigned reg = bar_register(index);
    VX_ASSERT((bar->size & (bar->size - 1)) == 0 && bar->size >= (bar->io ? 4u : VX_PAGE_BYTES));
    uint32_t flags = bar->io ? BAR_IO_SPACE : bar->prefetchable ? BAR_PREFETCH : 0;
    set_bytes(&fn->config[reg], 4, index == PCI_BAR_ROM ? 0 : flags);
    set_bytes(&fn->write_mask[reg], 4, ~(bar->size - 1) | (index == PCI_BAR_ROM ? ROM_ENABLE : 0));
    if (bar->region == NULL)
        return;
    bar->region->space = bar->io ? VX_SPACE_IO : VX_SPACE_MEMORY;
    bar->region->size = bar->size;
    bar->region->priority = -1 - (int)((fn->slot * PCI_FUNCTIONS + fn->number) * (PCI_BAR_ROM + 1) + index); /* I2 */
}

/* Where config[] says that the BAR decodes (I1, I3). */
static uint64_t bar_target(const struct pci_function *fn, unsigned index)
{
    const struct pci_bar *bar = &fn->bar[index];
    if (bar->size == 0)
        return PCI_UNMAPPED;
    uint16_t command = pci_get16(fn, PCI_COMMAND);
    if (!(command & (bar->io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)))
        return PCI_UNMAPPED;
    uint32_t value = pci_get32(fn, bar_register(index));
    if (index == PCI_BAR_ROM && !(value & ROM_ENABLE))
        return PCI_UNMAPPED;
    uint64_t base = value & ~(bar->size - 1);
    uint64_t first = bar->io ? 1 : fn->pci->memory_first;
    uint64_t end = bar->io ? 0x10000 : fn->pci->memory_end;
    return base >= first && base + bar->size <= end ? base : PCI_UNMAPPED;
}

static void bar_unmap(struct pci_function *fn, struct pci_bar *bar)
{
    if (bar->backed)
        vx_pmap_map(fn->pci->pmap, bar->mapped_at, bar->size, VX_PMAP_BUS, VX_PMAP_BUS);
    else if (bar->region != NULL)
        vx_bus_remove(fn->pci->bus, bar->region);
    bar->mapped_at = PCI_UNMAPPED;
}

static void bar_map(struct pci_function *fn, struct pci_bar *bar, uint64_t base)
{
    bar->mapped_at = base;
    if (bar->backed) {
        vx_pmap_map(fn->pci->pmap, base, bar->size, bar->page, bar->read_only ? VX_PMAP_DISCARD : bar->page);
    } else if (bar->region != NULL) {
        bar->region->base = base;
        if (vx_bus_add(fn->pci->bus, bar->region) != VX_ERR_OK) /* out of memory: logged, does not decode */
            bar->mapped_at = PCI_UNMAPPED;
    }
}

/* Backed BARs that the guest has laid over each other: what shows follows from where they lie, not from the order in
 * which they came there. */
static void remap_backed(struct pci *pci)
{
    for (unsigned i = 0; i < PCI_SLOTS * PCI_FUNCTIONS; i++) {
        struct pci_function *fn = pci->function[i / PCI_FUNCTIONS][i % PCI_FUNCTIONS];
        for (unsigned b = 0; fn != NULL && b <= PCI_BAR_ROM; b++)
            if (fn->bar[b].backed && fn->bar[b].mapped_at != PCI_UNMAPPED)
                bar_map(fn, &fn->bar[b], fn->bar[b].mapped_at);
    }
}

static void apply_bars(struct pci_function *fn)
{
    bool backed_moved = false;
    for (unsigned i = 0; i <= PCI_BAR_ROM; i++) {
        struct pci_bar *bar = &fn->bar[i];
        uint64_t target = bar_target(fn, i);
        if (target == bar->mapped_at)
            continue;
        backed_moved |= bar->backed;
        if (bar->mapped_at != PCI_UNMAPPED)
            bar_unmap(fn, bar);
        if (target != PCI_UNMAPPED)
            bar_map(fn, bar, target);
        if (fn->bar_moved != NULL)
            fn->bar_moved(fn->opaque, i, bar->mapped_at);
    }
    if (backed_moved)
        remap_backed(fn->pci);
}

uint64_t pci_bar_base(const struct pci_function *fn, unsigned bar)
{
    VX_ASSERT(bar <= PCI_BAR_ROM);
    return fn->bar[bar].mapped_at;
}

/* ---- interrupt pins --------------------------------------------------------------------------------------------- */

static void update_intx(struct pci_function *fn)
{
    uint16_t status = pci_get16(fn, PCI_STATUS);
    pci_set16(fn, PCI_STATUS, fn->intx ? status | PCI_STATUS_INTX : status & (uint16_t)~PCI_STATUS_INTX);
    bool out = fn->intx && !(pci_get16(fn, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE);
    if (out == fn->intx_out)
        return;
    fn->intx_out = out;
    unsigned pin = fn->config[PCI_INTERRUPT_PIN];
    if (pin < 1 || pin > 4)
        return;
    struct pci *pci = fn->pci;
    uint8_t *levels = &pci->pin_levels[fn->slot][pin - 1];
    *levels = out ? *levels | (uint8_t)(1u << fn->number) : *levels & (uint8_t) ~(1u << fn->number);
    unsigned pirq = (fn->slot + PCI_PIRQS - 1 + pin - 1) % PCI_PIRQS;
    struct vx_irq input = irq_or_input(&pci->pirq[pirq], fn->slot);
    vx_irq_set(&input, *levels != 0);
}

void pci_set_intx(struct pci_function *fn, bool level)
{
    if (fn->pci == NULL || fn->intx == level)
        return;
    fn->intx = level;
    update_intx(fn);
}

bool pci_is_master(const struct pci_function *fn)
{
    return (pci_get16(fn, PCI_COMMAND) & PCI_COMMAND_MASTER) != 0;
}

/* ---- configuration space ---------------------------------------------------------------------------------------- */

uint32_t pci_read_config(struct pci *pci, unsigned slot, unsigned number, unsigned reg, unsigned size)
{
    VX_ASSERT(slot < PCI_SLOTS && number < PCI_FUNCTIONS && reg + size <= PCI_CONFIG_BYTES);
    const struct pci_function *fn = pci->function[slot][number];
    return fn != NULL ? get_bytes(&fn->config[reg], size) : UINT32_MAX >> (32 - 8 * size);
}

static bool touches(unsigned reg, unsigned size, unsigned first, unsigned bytes)
{
    return reg < first + bytes && first < reg + size;
}

void pci_write_config(struct pci *pci, unsigned slot, unsigned number, unsigned reg, unsigned size, uint32_t value)
{
    VX_ASSERT(slot < PCI_SLOTS && number < PCI_FUNCTIONS && reg + size <= PCI_CONFIG_BYTES);
    vx_trace(pci->log, pci_config_write, slot << 3 | number, reg, size, value);
    struct pci_function *fn = pci->function[slot][number];
    if (fn == NULL)
        return;
    for (unsigned i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(value >> (8 * i)), mask = fn->write_mask[reg + i];
        uint8_t kept = fn->config[reg + i] & (uint8_t) ~(mask | (byte & fn->clear_mask[reg + i]));
        fn->config[reg + i] = kept | (byte & mask);
    }
    if (touches(reg, size, PCI_COMMAND, 2)) {
        update_intx(fn);
        apply_bars(fn);
    } else if (touches(reg, size, PCI_BAR0, 4 * PCI_BARS) || touches(reg, size, PCI_ROM_BASE, 4)) {
        apply_bars(fn);
    }
    if (fn->written != NULL)
        fn->written(fn->opaque, reg, size);
}

/* CONFADD: 31 enable | 23..16 bus | 15..11 slot | 10..8 function | 7..2 register. */
static uint64_t confadd_read(void *opaque, uint64_t off, unsigned size)
{
    struct pci *pci = opaque;
    if (off == 0 && size == 4)
        return pci->address;
    if (off == 1 && size == 1 && pci->cf9.read != NULL)
        return pci->cf9.read(pci->cf9.opaque);
    return UINT64_MAX;
}

static void confadd_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    struct pci *pci = opaque;
    if (off == 0 && size == 4)
        pci->address = (uint32_t)value & 0x80FFFFFCu;
    else if (off == 1 && size == 1 && pci->cf9.write != NULL)
        pci->cf9.write(pci->cf9.opaque, (uint8_t)value);
}

static bool confdata_selects(const struct pci *pci)
{
    return (pci->address & CONFADD_ENABLE) && (pci->address & 0x00FF0000u) == 0;
}

static uint64_t confdata_read(void *opaque, uint64_t off, unsigned size)
{
    struct pci *pci = opaque;
    if (!confdata_selects(pci))
        return UINT64_MAX;
    return pci_read_config(pci, pci->address >> 11 & 31, pci->address >> 8 & 7, (pci->address & 0xFC) + (unsigned)off,
                           size);
}

static void confdata_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    struct pci *pci = opaque;
    if (confdata_selects(pci))
        pci_write_config(pci, pci->address >> 11 & 31, pci->address >> 8 & 7, (pci->address & 0xFC) + (unsigned)off,
                         size, (uint32_t)value);
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

void pci_set_cf9(struct pci *pci, struct pci_cf9 cf9)
{
    pci->cf9 = cf9;
}

vx_err pci_add(struct pci *pci, unsigned slot, unsigned number, struct pci_function *fn)
{
    VX_ASSERT(slot < PCI_SLOTS && number < PCI_FUNCTIONS);
    if (pci->function[slot][number] != NULL) {
        vx_log_error(pci->log, VX_LOG_DEVICE, "PCI slot %02x.%u is taken by %s", slot, number,
                     pci->function[slot][number]->name);
        return VX_ERR_BAD_ARGUMENT;
    }
    fn->pci = pci;
    fn->slot = (uint8_t)slot;
    fn->number = (uint8_t)number;
    for (unsigned i = 0; i <= PCI_BAR_ROM; i++) {
        fn->bar[i].mapped_at = PCI_UNMAPPED;
        if (fn->bar[i].size != 0)
            bar_init(fn, i);
    }
    memcpy(fn->reset_config, fn->config, sizeof fn->reset_config);
    pci->function[slot][number] = fn;
    return VX_ERR_OK;
}

void pci_remove(struct pci_function *fn)
{
    if (fn->pci == NULL)
        return;
    pci_set_intx(fn, false);
    for (unsigned i = 0; i <= PCI_BAR_ROM; i++)
        if (fn->bar[i].mapped_at != PCI_UNMAPPED)
            bar_unmap(fn, &fn->bar[i]);
    fn->pci->function[fn->slot][fn->number] = NULL;
    fn->pci = NULL;
}

/* Registers and BARs in HOLD; INTx levels belong to the functions, which lower them themselves. */
static void pci_reset(void *instance, enum reset phase)
{
    struct pci *pci = instance;
    if (phase == VX_RESET_HOLD)
        pci->address = 0;
    for (unsigned i = 0; i < PCI_SLOTS * PCI_FUNCTIONS; i++) {
        struct pci_function *fn = pci->function[i / PCI_FUNCTIONS][i % PCI_FUNCTIONS];
        if (fn == NULL)
            continue;
        if (phase == VX_RESET_HOLD)
            memcpy(fn->config, fn->reset_config, sizeof fn->config);
        else
            update_intx(fn);
        apply_bars(fn);
    }
}

static void pci_restored(void *instance)
{
    struct pci *pci = instance;
    for (unsigned i = 0; i < PCI_SLOTS * PCI_FUNCTIONS; i++) {
        struct pci_function *fn = pci->function[i / PCI_FUNCTIONS][i % PCI_FUNCTIONS];
        if (fn != NULL)
            apply_bars(fn);
    }
}

static void pci_destroy(void *instance)
{
    struct pci *pci = instance;
    if (pci == NULL)
        return;
    bus_remove_all(pci->bus, pci->regions, VX_ARRAY_LEN(pci->regions));
    free(pci);
}

vx_err pci_create(const struct pci_config *config, struct pci **out)
{
    struct pci *pci = calloc(1, sizeof *pci);
    if (pci == NULL)
        return VX_ERR_NO_MEMORY;
    pci->log = config->log;
    pci->bus = config->bus;
    pci->pmap = config->pmap;
    pci->memory_first = config->memory_first;
    pci->memory_end = config->memory_end;
    for (unsigned i = 0; i < PCI_PIRQS; i++)
        irq_or_init(&pci->pirq[i], config->pirq[i]);
    pci->regions[0] = (struct vx_region){ .name = "pci address",
                                          .space = VX_SPACE_IO,
                                          .base = CONFADD,
                                          .size = 4,
                                          .max_size = 4,
                                          .read = confadd_read,
                                          .write = confadd_write,
                                          .opaque = pci };
    pci->regions[1] = (struct vx_region){ .name = "pci data",
                                          .space = VX_SPACE_IO,
                                          .base = CONFADD + 4,
                                          .size = 4,
                                          .max_size = 4,
                                          .read = confdata_read,
                                          .write = confdata_write,
                                          .opaque = pci };
    vx_err err = bus_add_all(pci->bus, pci->regions, VX_ARRAY_LEN(pci->regions));
    if (err != VX_ERR_OK) {
        free(pci);
        return err;
    }
    *out = pci;
    return VX_ERR_OK;
}

/* ---- state ------------------------------------------------------------------------------------------------------ */

/* What the guest cannot write in configuration space is what it is; but for the interrupt status. */
static const char *check_function(const void *loaded)
{
    const struct pci_function *fn = loaded;
    for (unsigned i = 0; i < PCI_CONFIG_BYTES; i++) {
        uint8_t free_bits = fn->write_mask[i] | fn->clear_mask[i] | (i == PCI_STATUS ? PCI_STATUS_INTX : 0);
        if ((fn->config[i] ^ fn->reset_config[i]) & (uint8_t)~free_bits)
            return "config";
    }
    return NULL;
}

static const struct state_field function_fields[] = {
    REGISTER(struct pci_function, config),
    FIELD(struct pci_function, intx),
    FIELD(struct pci_function, intx_out),
    WIRES(struct pci_function, name, opaque, written, bar_moved, write_mask, clear_mask, pci, slot, number),
    WIRES(struct pci_function, bar, reset_config), /* in bar[]: mapped_at, derived */
};
const struct state_table pci_function_state = STATE_TABLE(struct pci_function, function_fields, check_function);

static const struct state_field fields[] = {
    FIELD(struct pci, address),
    FIELD_BYTES(struct pci, pin_levels),
    FIELD_STRUCT(struct pci, pirq, &irq_or_state),
    WIRES(struct pci, log, bus, pmap, memory_first, memory_end, function, cf9, regions),
};
static const struct state_table state = STATE_TABLE(struct pci, fields, NULL);

const struct device_type pci_type = {
    .name = "pci",
    .version = 1,
    .state = &state,
    .reset = pci_reset,
    .restored = pci_restored,
    .destroy = pci_destroy,
};
