/* piix3.c - PIRQ routing and reset control. See piix3.h.
 *
 *   I1  routed[irq] has bit n set while PIRQ n is asserted and routed to irq; isa[irq] is up while routed[irq] != 0. */
#include <stdlib.h>
#include <string.h>

#include "piix3.h"

#define REG_IORT   0x4C
#define IORT_DMAAC 0x80 /* no alias of the DMA page registers */
#define REG_PIRQ_A 0x60
#define PIRQ_OFF   0x80
#define RCR_SRST   0x02
#define RCR_RCPU   0x04
/* 3-7, 9-12, 14, 15: the others are reserved and route nowhere. */
#define ROUTABLE   0xDEF8u

struct piix3 {
    struct pci *pci;
    struct vx_irq isa[16];
    struct vx_irq reset, init, page_alias;
    uint8_t pirq_levels; /* bit n: PIRQ n */
    uint8_t routed[16];
    uint8_t rcr;
    struct pci_function fn;
};

/* Registers that are more than zero after reset, and what of them a guest may change. */
static const struct {
    uint8_t reg, value, writable;
} reset_values[] = {
    { 0x4C, 0x4D, 0xFF },                                                                   /* IORT */
    { 0x4E, 0x03, 0xFF }, { 0x4F, 0x00, 0x01 },                                             /* XBCS */
    { 0x60, 0x80, 0x8F }, { 0x61, 0x80, 0x8F }, { 0x62, 0x80, 0x8F }, { 0x63, 0x80, 0x8F }, /* PIRQRC */
    { 0x69, 0x02, 0xFE },                                                                   /* TOM */
    { 0x6A, 0x00, 0xFF }, { 0x6B, 0x00, 0x80 },                                             /* MSTAT */
    { 0x70, 0x80, 0xEF }, { 0x71, 0x80, 0xEF },                                             /* MBIRQ */
    { 0x76, 0x0C, 0x8F }, { 0x77, 0x0C, 0x8F },                                             /* MBDMA */
    { 0x78, 0x02, 0xFF }, { 0x79, 0x00, 0x03 },                                             /* PCSC */
    { 0x80, 0x00, 0x7F },                                                                   /* APICBASE */
    { 0x82, 0x00, 0x01 },                                                                   /* DLC */
    { 0xA0, 0x08, 0x1F }, { 0xA2, 0x00, 0xFF }, { 0xA3, 0x00, 0xFF }, { 0xA4, 0x00, 0xFF },
    { 0xA5, 0x00, 0xFF }, { 0xA6, 0x00, 0xFF }, { 0xA7, 0x00, 0xE0 }, { 0xA8, 0x0F, 0xFF },
    { 0xAA, 0x00, 0xFF }, { 0xAB, 0x00, 0xFF }, { 0xAC, 0x00, 0xFF }, { 0xAE, 0x00, 0xFF }, /* SMI and clock control */
};

static void route(struct piix3 *piix) /* keeps I1 */
{
    uint8_t routed[16] = { 0 };
    for (unsigned n = 0; n < PCI_PIRQS; n++) {
        uint8_t reg = piix->fn.config[REG_PIRQ_A + n];
        unsigned irq = reg & 15;
        if (!(reg & PIRQ_OFF) && (ROUTABLE >> irq & 1) && (piix->pirq_levels >> n & 1))
            routed[irq] |= (uint8_t)(1u << n);
    }
    for (unsigned irq = 0; irq < 16; irq++) {
        bool was = piix->routed[irq] != 0, is = routed[irq] != 0;
        piix->routed[irq] = routed[irq];
        if (was != is)
            vx_irq_set(&piix->isa[irq], is);
    }
}

void piix3_set_pirq(struct piix3 *piix, unsigned pirq, bool level)
{
    VX_ASSERT(pirq < PCI_PIRQS);
    uint8_t bit = (uint8_t)(1u << pirq);
    piix->pirq_levels = level ? piix->pirq_levels | bit : piix->pirq_levels & (uint8_t)~bit;
    route(piix);
}

static void drive_page_alias(const struct piix3 *piix)
{
    vx_irq_set(&piix->page_alias, !(piix->fn.config[REG_IORT] & IORT_DMAAC));
}

static void config_written(void *opaque, unsigned reg, unsigned size)
{
    if (reg < REG_PIRQ_A + PCI_PIRQS && reg + size > REG_PIRQ_A)
        route(opaque);
    drive_page_alias(opaque);
}

static uint8_t rcr_read(void *opaque)
{
    return ((struct piix3 *)opaque)->rcr;
}

/* RCPU going from 0 to 1 resets, it reads 0 always; SRST chooses hard or soft. */
static void rcr_write(void *opaque, uint8_t value)
{
    struct piix3 *piix = opaque;
    piix->rcr = value & RCR_SRST;
    if (value & RCR_RCPU)
        vx_irq_pulse(value & RCR_SRST ? &piix->reset : &piix->init);
}

static void piix3_reset(void *instance, enum reset phase)
{
    struct piix3 *piix = instance;
    if (phase == VX_RESET_HOLD) {
        piix->rcr = 0;
        return;
    }
    route(piix);
    drive_page_alias(piix);
}

/* Whose page registers answer where is a matter of the other chip's, which keeps no level. */
static void piix3_restored(void *instance)
{
    drive_page_alias(instance);
}

static void piix3_destroy(void *instance)
{
    struct piix3 *piix = instance;
    if (piix == NULL)
        return;
    pci_set_cf9(piix->pci, (struct pci_cf9){ 0 });
    pci_remove(&piix->fn);
    free(piix);
}

vx_err piix3_create(const struct piix3_config *config, struct piix3 **out)
{
    struct piix3 *piix = calloc(1, sizeof *piix);
    if (piix == NULL)
        return VX_ERR_NO_MEMORY;
    piix->pci = config->pci;
    memcpy(piix->isa, config->isa, sizeof piix->isa);
    piix->reset = config->reset;
    piix->init = config->init;
    piix->page_alias = config->page_alias;
    struct pci_function *fn = &piix->fn;
    pci_function_init(
        fn, &(struct pci_ident){
                .name = "piix3", .vendor = 0x8086, .device = 0x7000, .class_code = 0x060100, .multifunction = true });
    fn->opaque = piix;
    fn->written = config_written;
    pci_set16(fn, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER); /* hardwired */
    pci_set16(fn, PCI_STATUS, PCI_STATUS_DEVSEL_MEDIUM);
    fn->write_mask[PCI_COMMAND] = 0;
    for (size_t i = 0; i < VX_ARRAY_LEN(reset_values); i++) {
        fn->config[reset_values[i].reg] = reset_values[i].value;
        fn->write_mask[reset_values[i].reg] = reset_values[i].writable;
    }
    vx_err err = pci_add(config->pci, PIIX3_SLOT, 0, fn);
    if (err != VX_ERR_OK) {
        free(piix);
        return err;
    }
    pci_set_cf9(config->pci, (struct pci_cf9){ .read = rcr_read, .write = rcr_write, .opaque = piix });
    *out = piix;
    return VX_ERR_OK;
}

static const struct state_field fields[] = {
    REGISTER(struct piix3, pirq_levels),
    FIELD(struct piix3, routed),
    REGISTER(struct piix3, rcr),
    FIELD_STRUCT(struct piix3, fn, &pci_function_state),
    WIRES(struct piix3, pci, isa, reset, init, page_alias),
};
static const struct state_table state = STATE_TABLE(struct piix3, fields, NULL);

const struct device_type piix3_type = {
    .name = "piix3",
    .version = 1,
    .state = &state,
    .reset = piix3_reset,
    .restored = piix3_restored,
    .destroy = piix3_destroy,
};
