/* sound_pci_rig.h - what a sound card on PCI stands in: buses, RAM, a fake clock, somebody who listens. */
#ifndef VX86_TESTS_SOUND_PCI_RIG_H
#define VX86_TESTS_SOUND_PCI_RIG_H

#include <stdlib.h>

#include "pci.h"
#include "port_script.h"
#include "sound_rig.h"

enum { CARD_SLOT_TESTED = 6, CARD_RAM_BYTES = 4 << 20, CARD_PORTS = 0xD000, CARD_PORTS_2 = 0xD400 };

struct card_rig {
    struct port_rig ports; /* line 0: the card's interrupt */
    struct sound_rig sound;
    struct vx_pmap *pmap;
    struct pci *pci;
};

static inline struct card_rig *card_rig_create(void)
{
    struct card_rig *rig = calloc(1, sizeof *rig);
    port_rig_init(&rig->ports);
    sound_rig_init(&rig->sound);
    struct vx_pmap_config memory = { .log = rig->ports.log, .stats = &rig->ports.stats, .ram_bytes = CARD_RAM_BYTES };
    cr_assert_eq(vx_pmap_create(&memory, &rig->pmap), VX_ERR_OK);
    vx_pmap_map(rig->pmap, 0, CARD_RAM_BYTES, 0, 0);
    struct pci_config pci = { .log = rig->ports.log,
                              .bus = rig->ports.bus,
                              .pmap = rig->pmap,
                              .memory_first = CARD_RAM_BYTES,
                              .memory_end = 0xFEC00000 };
    pci.pirq[(CARD_SLOT_TESTED - 1) % 4] = port_rig_irq(&rig->ports, 0);
    cr_assert_eq(pci_create(&pci, &rig->pci), VX_ERR_OK);
    return rig;
}

/* BARs 0 and 1 at their places, bus master. */
static inline void card_rig_start(struct card_rig *rig)
{
    pci_write_config(rig->pci, CARD_SLOT_TESTED, 0, 0x10, 4, CARD_PORTS);
    pci_write_config(rig->pci, CARD_SLOT_TESTED, 0, 0x14, 4, CARD_PORTS_2);
    pci_write_config(rig->pci, CARD_SLOT_TESTED, 0, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
}

/* Behind the card. */
static inline void card_rig_destroy(struct card_rig *rig)
{
    cr_assert_eq(vx_clock_next_ns(rig->ports.clock), VX_NEVER);
    pci_type.destroy(rig->pci);
    vx_pmap_destroy(rig->pmap);
    port_rig_fini(&rig->ports);
    free(rig);
}

static inline void card_out(struct card_rig *rig, unsigned port, unsigned size, uint32_t value)
{
    vx_bus_write(rig->ports.bus, VX_SPACE_IO, port, size, value);
}
static inline uint32_t card_in(struct card_rig *rig, unsigned port, unsigned size)
{
    return (uint32_t)vx_bus_read(rig->ports.bus, VX_SPACE_IO, port, size);
}
static inline void card_pass(struct card_rig *rig, unsigned us)
{
    vx_clock_advance(rig->ports.clock, us * 1000ull);
}

/* `frames` of a tone, twice as high on the right, at `phys`: 16 bits, or 8 without sign. */
static inline void card_fill(struct card_rig *rig, uint32_t phys, size_t frames, unsigned channels, bool wide,
                             unsigned rate, double hz)
{
    for (size_t i = 0; i < frames; i++)
        for (unsigned c = 0; c < channels; c++) {
            int16_t sample = (int16_t)(12000 * sin(2 * 3.14159265358979 * hz * (c + 1) * (double)i / rate));
            uint8_t bytes[2] = { (uint8_t)(sample / 256 + 128) };
            if (wide)
                vx_put_le16(bytes, (uint16_t)sample);
            vx_pmap_write(rig->pmap, phys + (i * channels + c) * (wide ? 2 : 1), bytes, wide ? 2 : 1);
        }
}

#endif
