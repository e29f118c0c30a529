/* card.c - a PCI card for device programs, since no chip of the board has an interrupt pin: BAR 0 are 16 ports, BAR 1 a
 * page of memory, both over the same 16 bytes; bit 0 of the first byte is INTA#. See rig.h. */
#include <stdlib.h>

#include "rig.h"

enum { CARD_BYTES = 16 };

struct card {
    struct pci_function fn;
    struct vx_region ports, memory;
    uint8_t bytes[CARD_BYTES];
};

static uint64_t card_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    return ((struct card *)opaque)->bytes[off % CARD_BYTES];
}

static void card_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    struct card *card = opaque;
    (void)size;
    card->bytes[off % CARD_BYTES] = (uint8_t)value;
    pci_set_intx(&card->fn, card->bytes[0] & 1);
}

static void card_reset(void *instance, enum reset phase)
{
    struct card *card = instance;
    card->bytes[0] = 0;
    if (phase == VX_RESET_RELEASE)
        pci_set_intx(&card->fn, false);
}

static void card_destroy(void *instance)
{
    struct card *card = instance;
    pci_remove(&card->fn);
    free(card);
}

static const struct state_field fields[] = {
    FIELD(struct card, bytes),
    FIELD_STRUCT(struct card, fn, &pci_function_state),
    WIRES(struct card, ports, memory),
};
static const struct state_table state = STATE_TABLE(struct card, fields, NULL);

static const struct device_type card_type = {
    .name = "card", .version = 1, .state = &state, .reset = card_reset, .destroy = card_destroy
};

static struct vx_region region(struct card *card, uint64_t size)
{
    return (struct vx_region){ .name = "card", .size = size, .read = card_read, .write = card_write, .opaque = card };
}

void card_add(struct vx_machine *pc, unsigned slot)
{
    struct card *card = calloc(1, sizeof *card);
    if (card == NULL || pc->device_count == PC_MAX_DEVICES)
        abort();
    pci_function_init(
        &card->fn,
        &(struct pci_ident){
            .name = "card", .vendor = 0x1234, .device = 0x0005, .class_code = 0xFF0000, .interrupt_pin = 1 });
    card->ports = region(card, CARD_BYTES);
    card->memory = region(card, VX_PAGE_BYTES);
    card->fn.bar[0] = (struct pci_bar){ .size = CARD_BYTES, .io = true, .region = &card->ports };
    card->fn.bar[1] = (struct pci_bar){ .size = VX_PAGE_BYTES, .region = &card->memory };
    if (pci_add(pc->pci, slot, 0, &card->fn) != VX_ERR_OK)
        abort();
    pc->devices[pc->device_count++] = (struct device){ .type = &card_type, .instance = card };
}
