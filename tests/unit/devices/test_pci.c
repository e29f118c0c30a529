/* test_pci.c - configuration mechanism #1, BARs, interrupt pins, and the chips of the two bridges. */
#include <criterion/criterion.h>
#include <string.h>

#include "i440fx.h"
#include "pci.h"
#include "piix3.h"
#include "piix4_pm.h"
#include "vx86/stats.h"

#define RAM_BYTES  (16u << 20)
#define MEMORY_END 0xFEC00000u

struct rig {
    struct vx_log *log;
    struct vx_stats stats;
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct vx_pmap *pmap;
    struct pci *pci;
    struct piix3 *piix3;
    bool pirq[4], isa[16];
    unsigned resets, inits, power_offs, smis;
    bool sci, page_alias;
    uint32_t rom_page;
};

enum { LINE_PIRQ = 0, LINE_ISA = 4, LINE_RESET = 32, LINE_INIT, LINE_POWER_OFF, LINE_SCI, LINE_SMI, LINE_ALIAS };

static void line(void *opaque, unsigned which, bool level)
{
    struct rig *rig = opaque;
    if (which < LINE_ISA) {
        rig->pirq[which] = level;
        if (rig->piix3 != NULL)
            piix3_set_pirq(rig->piix3, which, level);
    } else if (which < LINE_RESET) {
        rig->isa[which - LINE_ISA] = level;
    } else if (which == LINE_SCI) {
        rig->sci = level;
    } else if (which == LINE_SMI) {
        rig->smis += level;
    } else if (which == LINE_ALIAS) {
        rig->page_alias = level;
    } else if (level) {
        *(which == LINE_RESET ? &rig->resets : which == LINE_INIT ? &rig->inits : &rig->power_offs) += 1;
    }
}

static uint64_t mem_read(void *opaque, uint32_t from, uint64_t phys, unsigned size)
{
    (void)from;
    return vx_bus_read(((struct rig *)opaque)->bus, VX_SPACE_MEMORY, phys, size);
}
static void mem_write(void *opaque, uint32_t from, uint64_t phys, unsigned size, uint64_t value)
{
    (void)from;
    vx_bus_write(((struct rig *)opaque)->bus, VX_SPACE_MEMORY, phys, size, value);
}

static void rig_init(struct rig *rig)
{
    *rig = (struct rig){ .log = vx_log_create(stderr) };
    cr_assert_eq(vx_bus_create(rig->log, &rig->stats, &rig->bus), VX_ERR_OK);
    cr_assert_eq(vx_clock_create_fake(&rig->clock), VX_ERR_OK);
    struct vx_pmap_config pmap = { .log = rig->log,
                                   .stats = &rig->stats,
                                   .ram_bytes = RAM_BYTES,
                                   .extra_bytes = 1 << 20,
                                   .bus = { mem_read, mem_write },
                                   .bus_opaque = rig };
    cr_assert_eq(vx_pmap_create(&pmap, &rig->pmap), VX_ERR_OK);
    rig->rom_page = vx_pmap_alloc(rig->pmap, 0x20000);
    memset(vx_pmap_page_hva(rig->pmap, rig->rom_page), 0xB1, 0x20000);
    struct pci_config pci = {
        .log = rig->log, .bus = rig->bus, .pmap = rig->pmap, .memory_first = RAM_BYTES, .memory_end = MEMORY_END
    };
    for (unsigned i = 0; i < 4; i++)
        pci.pirq[i] = (struct vx_irq){ line, rig, LINE_PIRQ + i };
    cr_assert_eq(pci_create(&pci, &rig->pci), VX_ERR_OK);
}

static void rig_fini(struct rig *rig)
{
    pci_type.destroy(rig->pci);
    vx_pmap_destroy(rig->pmap);
    vx_bus_destroy(rig->bus);
    vx_clock_destroy(rig->clock);
    vx_log_destroy(rig->log);
}

static uint32_t in(struct rig *rig, uint16_t port, unsigned size)
{
    return (uint32_t)vx_bus_read(rig->bus, VX_SPACE_IO, port, size);
}
static void out(struct rig *rig, uint16_t port, unsigned size, uint32_t v)
{
    vx_bus_write(rig->bus, VX_SPACE_IO, port, size, v);
}

static uint32_t cfg(struct rig *rig, unsigned slot, unsigned fn, unsigned reg, unsigned size)
{
    out(rig, 0xCF8, 4, 0x80000000u | slot << 11 | fn << 8 | (reg & 0xFC));
    return in(rig, (uint16_t)(0xCFC + (reg & 3)), size);
}
static void set_cfg(struct rig *rig, unsigned slot, unsigned fn, unsigned reg, unsigned size, uint32_t value)
{
    out(rig, 0xCF8, 4, 0x80000000u | slot << 11 | fn << 8 | (reg & 0xFC));
    out(rig, (uint16_t)(0xCFC + (reg & 3)), size, value);
}

static uint64_t answer(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    return *(uint8_t *)opaque + off;
}

struct card {
    struct pci_function fn;
    struct vx_region io, mem;
    uint8_t tag;
    unsigned moves;
    uint64_t moved_to;
};

static void moved(void *opaque, unsigned bar, uint64_t base)
{
    (void)bar;
    struct card *card = opaque;
    card->moves++;
    card->moved_to = base;
}

static void plug(struct rig *rig, struct card *card, unsigned slot, uint8_t tag, uint8_t pin)
{
    memset(card, 0, sizeof *card);
    card->tag = tag;
    pci_function_init(&card->fn, &(struct pci_ident){ .name = "card",
                                                      .vendor = 0x1AF4,
                                                      .device = 0x1000 + tag,
                                                      .class_code = 0x020000,
                                                      .interrupt_pin = pin,
                                                      .subsystem_vendor = 0xABCD,
                                                      .subsystem = 0x1234 });
    card->io = (struct vx_region){ .name = "card io", .max_size = 4, .read = answer, .opaque = &card->tag };
    card->mem = (struct vx_region){ .name = "card mem", .max_size = 4, .read = answer, .opaque = &card->tag };
    card->fn.opaque = card;
    card->fn.bar_moved = moved;
    card->fn.bar[0] = (struct pci_bar){ .size = 32, .io = true, .region = &card->io };
    card->fn.bar[1] = (struct pci_bar){ .size = 4096, .region = &card->mem };
    card->fn.bar[2] = (struct pci_bar){
        .size = 65536, .prefetchable = true, .backed = true, .page = vx_pmap_alloc(rig->pmap, 65536)
    };
    card->fn.bar[PCI_BAR_ROM] =
        (struct pci_bar){ .size = 65536, .backed = true, .read_only = true, .page = rig->rom_page };
    cr_assert_eq(pci_add(rig->pci, slot, 0, &card->fn), VX_ERR_OK);
}

Test(pci, mechanism_1)
{
    struct rig rig;
    struct card card;
    rig_init(&rig);
    plug(&rig, &card, 3, 1, 1);
    cr_assert_eq(in(&rig, 0xCFC, 4), 0xFFFFFFFF); /* not enabled */
    cr_assert_eq(cfg(&rig, 3, 0, 0, 4), 0x10011AF4);
    cr_assert_eq(in(&rig, 0xCF8, 4), 0x80001800);
    cr_assert_eq(cfg(&rig, 3, 0, 2, 2), 0x1001);
    cr_assert_eq(cfg(&rig, 3, 0, 0x2C, 4), 0x1234ABCD);
    cr_assert_eq(cfg(&rig, 3, 1, 0, 4), 0xFFFFFFFF);
    cr_assert_eq(cfg(&rig, 4, 0, 0, 2), 0xFFFF);
    out(&rig, 0xCF8, 4, 0x80011800); /* bus 1 */
    cr_assert_eq(in(&rig, 0xCFC, 4), 0xFFFFFFFF);
    out(&rig, 0xCF8, 1, 0x00); /* not a dword: the address stays */
    out(&rig, 0xCF8, 2, 0x0000);
    cr_assert_eq(in(&rig, 0xCF8, 4), 0x80011800);
    struct pci_function other;
    pci_function_init(&other, &(struct pci_ident){ .name = "other" });
    cr_assert_eq(pci_add(rig.pci, 3, 0, &other), VX_ERR_BAD_ARGUMENT);
    pci_remove(&card.fn);
    cr_assert_eq(cfg(&rig, 3, 0, 0, 4), 0xFFFFFFFF);
    rig_fini(&rig);
}

/* clang-format off */
static const struct { unsigned reg; uint32_t write, want; } masks[] = {
    { 0x00, 0xFFFFFFFF, 0x10011AF4 }, { 0x04, 0x0000FFFF, 0x00000547 }, { 0x08, 0xFFFFFFFF, 0x02000000 }, { 0x0C, 0xFFFFFFFF, 0x0000FFFF },
    { 0x10, 0xFFFFFFFF, 0xFFFFFFE1 }, { 0x14, 0xFFFFFFFF, 0xFFFFF000 }, { 0x18, 0xFFFFFFFF, 0xFFFF0008 }, { 0x1C, 0xFFFFFFFF, 0 },
    { 0x30, 0xFFFFFFFF, 0xFFFF0001 }, { 0x34, 0xFFFFFFFF, 0 }, { 0x3C, 0xFFFFFFFF, 0x000001FF }, { 0x40, 0xFFFFFFFF, 0 }, { 0xFC, 0xFFFFFFFF, 0 },
};
/* clang-format on */

Test(pci, registers_keep_what_is_not_writable)
{
    struct rig rig;
    struct card card;
    rig_init(&rig);
    plug(&rig, &card, 3, 1, 1);
    int bad = -1;
    for (int i = 0; i < (int)VX_ARRAY_LEN(masks); i++) {
        set_cfg(&rig, 3, 0, masks[i].reg, 4, masks[i].write);
        if (cfg(&rig, 3, 0, masks[i].reg, 4) != masks[i].want)
            bad = i;
    }
    cr_assert_eq(bad, -1, "row %d", bad);
    pci_remove(&card.fn);
    rig_fini(&rig);
}

Test(pci, bars_follow_command_and_base)
{
    struct rig rig;
    struct card card;
    rig_init(&rig);
    plug(&rig, &card, 3, 0x40, 1);
    set_cfg(&rig, 3, 0, 0x10, 4, 0xC000);
    set_cfg(&rig, 3, 0, 0x14, 4, 0xE0000000);
    set_cfg(&rig, 3, 0, 0x18, 4, 0xE1000000);
    cr_assert_eq(in(&rig, 0xC001, 1), 0xFF);
    set_cfg(&rig, 3, 0, 4, 2, 3);
    cr_assert_eq(in(&rig, 0xC001, 1), 0x41);
    cr_assert_eq(vx_pmap_load(rig.pmap, 0xE0000002, 1), 0x42);
    vx_pmap_store(rig.pmap, 0xE1000010, 4, 0x12345678);
    cr_assert_eq(vx_pmap_load(rig.pmap, 0xE1000010, 4), 0x12345678);
    set_cfg(&rig, 3, 0, 0x10, 4, 0xC100);
    cr_assert(in(&rig, 0xC001, 1) == 0xFF && in(&rig, 0xC101, 1) == 0x41 && pci_bar_base(&card.fn, 0) == 0xC100);
    set_cfg(&rig, 3, 0, 0x30, 4, 0xE2000001);
    cr_assert_eq(vx_pmap_load(rig.pmap, 0xE2000000, 1), 0xB1);
    vx_pmap_store(rig.pmap, 0xE2000000, 1, 0);
    cr_assert_eq(vx_pmap_load(rig.pmap, 0xE2000000, 1), 0xB1);
    set_cfg(&rig, 3, 0, 4, 2, 0);
    cr_assert(in(&rig, 0xC101, 1) == 0xFF && vx_pmap_load(rig.pmap, 0xE1000010, 4) == 0xFFFFFFFF);
    cr_assert(pci_bar_base(&card.fn, 0) == PCI_UNMAPPED && card.moved_to == PCI_UNMAPPED);
    cr_assert_eq(card.moves, 9, "%u moves", card.moves);
    pci_type.reset(rig.pci, VX_RESET_HOLD);
    pci_type.reset(rig.pci, VX_RESET_RELEASE);
    cr_assert(cfg(&rig, 3, 0, 0x10, 4) == 1 && cfg(&rig, 3, 0, 0x18, 4) == 8);
    pci_remove(&card.fn);
    rig_fini(&rig);
}

/* BARs over RAM, over the firmware, over fixed ports, over each other: nothing breaks and the others still answer. */
Test(pci, hostile_bars)
{
    struct rig rig;
    struct card a, b;
    rig_init(&rig);
    uint8_t fixed_tag = 0x80;
    struct vx_region fixed = {
        .name = "fixed", .space = VX_SPACE_IO, .base = 0x60, .size = 1, .read = answer, .opaque = &fixed_tag
    };
    cr_assert_eq(vx_bus_add(rig.bus, &fixed), VX_ERR_OK);
    plug(&rig, &a, 3, 0x20, 1);
    plug(&rig, &b, 4, 0x40, 1);
    vx_pmap_store(rig.pmap, 0x10000, 4, 0xCAFE);
    static const uint32_t bases[] = { 0x00010000, 0xFFFF0000, 0xFEC00000, RAM_BYTES - 65536, 0 };
    for (size_t i = 0; i < VX_ARRAY_LEN(bases); i++) {
        set_cfg(&rig, 3, 0, 0x18, 4, bases[i]);
        set_cfg(&rig, 3, 0, 4, 2, 3);
        cr_assert(pci_bar_base(&a.fn, 2) == PCI_UNMAPPED && vx_pmap_load(rig.pmap, 0x10000, 4) == 0xCAFE, "base %x",
                  bases[i]);
    }
    set_cfg(&rig, 3, 0, 0x10, 4, 0x60);
    cr_assert(in(&rig, 0x60, 1) == 0x80 && in(&rig, 0x61, 1) == 0x21);
    set_cfg(&rig, 4, 0, 0x10, 4, 0x60);
    set_cfg(&rig, 4, 0, 4, 2, 3);
    cr_assert_eq(in(&rig, 0x61, 1), 0x21); /* the lower slot wins */
    set_cfg(&rig, 3, 0, 4, 2, 2);
    cr_assert_eq(in(&rig, 0x61, 1), 0x41);
    set_cfg(&rig, 3, 0, 0x18, 4, 0xE0000000);
    set_cfg(&rig, 4, 0, 0x18, 4, 0xE0000000);
    vx_pmap_store(rig.pmap, 0xE0000000, 1, 0x99);
    set_cfg(&rig, 4, 0, 0x18, 4, 0xE4000000); /* uncovers a's again */
    vx_pmap_store(rig.pmap, 0xE0000001, 1, 0x77);
    cr_assert_eq(vx_pmap_load(rig.pmap, 0xE0000001, 1), 0x77);
    set_cfg(&rig, 4, 0, 0x10, 4, 0xFFFFFFFF);
    cr_assert_eq(pci_bar_base(&b.fn, 0), PCI_UNMAPPED);
    pci_remove(&a.fn);
    pci_remove(&b.fn);
    rig_fini(&rig);
}

Test(pci, interrupt_pins_swizzle_share_and_can_be_disabled)
{
    struct rig rig;
    struct card a, b;
    rig_init(&rig);
    plug(&rig, &a, 2, 1, 1); /* slot 2 INTA -> PIRQB */
    plug(&rig, &b, 6, 2, 1); /* slot 6 INTA -> PIRQB */
    pci_set_intx(&a.fn, true);
    cr_assert(rig.pirq[1] && !rig.pirq[0] && (cfg(&rig, 2, 0, 6, 2) & 8));
    pci_set_intx(&b.fn, true);
    pci_set_intx(&a.fn, false);
    cr_assert(rig.pirq[1]);
    set_cfg(&rig, 6, 0, 4, 2, 0x400);
    cr_assert(!rig.pirq[1] && (cfg(&rig, 6, 0, 6, 2) & 8));
    set_cfg(&rig, 6, 0, 4, 2, 0);
    cr_assert(rig.pirq[1]);
    pci_remove(&b.fn); /* a card that goes takes its interrupt along */
    cr_assert(!rig.pirq[1]);
    pci_remove(&a.fn);
    rig_fini(&rig);
}

/* ---- i440FX ---- */

static uint8_t peek(struct rig *rig, uint32_t phys)
{
    return (uint8_t)vx_pmap_load(rig->pmap, phys, 1);
}

/* clang-format off */
static const struct { unsigned reg, shift; uint32_t base; bool rom; } segments[] = {
    { 0x59, 4, 0xF0000, true }, { 0x5A, 0, 0xC0000, false }, { 0x5A, 4, 0xC4000, false }, { 0x5B, 0, 0xC8000, false },
    { 0x5B, 4, 0xCC000, false }, { 0x5C, 0, 0xD0000, false }, { 0x5C, 4, 0xD4000, false }, { 0x5D, 0, 0xD8000, false },
    { 0x5D, 4, 0xDC000, false }, { 0x5E, 0, 0xE0000, true }, { 0x5E, 4, 0xE4000, true }, { 0x5F, 0, 0xE8000, true },
    { 0x5F, 4, 0xEC000, true },
};
/* clang-format on */

Test(pci, i440fx_pam)
{
    struct rig rig;
    struct i440fx *bridge;
    rig_init(&rig);
    cr_assert_eq(
        i440fx_create(&(struct i440fx_config){ .pci = rig.pci, .pmap = rig.pmap, .bios_page = rig.rom_page }, &bridge),
        VX_ERR_OK);
    cr_assert(cfg(&rig, 0, 0, 0, 4) == 0x12378086 && cfg(&rig, 0, 0, 8, 4) == 0x06000002 &&
              cfg(&rig, 0, 0, 0x72, 1) == 2);
    cr_assert_eq(cfg(&rig, 0, 0, 0x57, 1), RAM_BYTES >> 23);
    char bad[64] = "";
    for (size_t i = 0; i < VX_ARRAY_LEN(segments); i++) {
        uint32_t at = segments[i].base + 0x123;
        uint8_t closed = segments[i].rom ? 0xB1 : 0xFF;
        set_cfg(&rig, 0, 0, segments[i].reg, 1, 0);
        bool ok = peek(&rig, at) == closed;
        vx_pmap_store(rig.pmap, at, 1, 0x11);
        ok = ok && peek(&rig, at) == closed;
        set_cfg(&rig, 0, 0, segments[i].reg, 1, 2u << segments[i].shift); /* write only */
        vx_pmap_store(rig.pmap, at, 1, 0x22);
        ok = ok && peek(&rig, at) == closed;
        set_cfg(&rig, 0, 0, segments[i].reg, 1, 1u << segments[i].shift); /* read only */
        ok = ok && peek(&rig, at) == 0x22;
        vx_pmap_store(rig.pmap, at, 1, 0x33);
        ok = ok && peek(&rig, at) == 0x22;
        set_cfg(&rig, 0, 0, segments[i].reg, 1, 3u << segments[i].shift);
        vx_pmap_store(rig.pmap, at, 1, 0x44);
        ok = ok && peek(&rig, at) == 0x44;
        if (!ok)
            snprintf(bad, sizeof bad, "segment %x", segments[i].base);
    }
    cr_assert(bad[0] == '\0', "%s", bad);
    pci_type.reset(rig.pci, VX_RESET_HOLD);
    i440fx_type.reset(bridge, VX_RESET_HOLD);
    i440fx_type.reset(bridge, VX_RESET_RELEASE);
    cr_assert(peek(&rig, 0xF0000) == 0xB1 && peek(&rig, 0xC0123) == 0xFF);
    /* SMRAM over the VGA window: open, locked and closed, and in SMM */
    vx_pmap_map(rig.pmap, 0xA0000, 0x20000, VX_PMAP_BUS, VX_PMAP_BUS);
    set_cfg(&rig, 0, 0, 0x72, 1, 0x42);
    cr_assert_eq(vx_pmap_read_page(rig.pmap, 0xA0000), VX_PMAP_BUS, "not without G_SMRAME");
    set_cfg(&rig, 0, 0, 0x72, 1, 0x4A);
    cr_assert(cfg(&rig, 0, 0, 0x72, 1) == 0x4A && vx_pmap_write_page(rig.pmap, 0xBF000) == 0xBF);
    set_cfg(&rig, 0, 0, 0x72, 1, 0x5A); /* lock closes */
    cr_assert_eq(cfg(&rig, 0, 0, 0x72, 1), 0x1A);
    cr_assert_eq(vx_pmap_read_page(rig.pmap, 0xA0000), VX_PMAP_BUS);
    i440fx_set_smiact(bridge, true);
    cr_assert_eq(vx_pmap_read_page(rig.pmap, 0xA0000), 0xA0);
    i440fx_set_smiact(bridge, false);
    cr_assert_eq(vx_pmap_read_page(rig.pmap, 0xBF000), VX_PMAP_BUS);
    set_cfg(&rig, 0, 0, 0x72, 1, 0x42);
    cr_assert_eq(cfg(&rig, 0, 0, 0x72, 1), 0x1A);
    i440fx_type.destroy(bridge);
    rig_fini(&rig);
}

/* ---- PIIX3 ---- */

Test(pci, piix3_routes_pirqs_and_resets)
{
    struct rig rig;
    struct card a, b;
    rig_init(&rig);
    struct piix3_config config = { .pci = rig.pci,
                                   .reset = { line, &rig, LINE_RESET },
                                   .init = { line, &rig, LINE_INIT },
                                   .page_alias = { line, &rig, LINE_ALIAS } };
    for (unsigned i = 0; i < 16; i++)
        config.isa[i] = (struct vx_irq){ line, &rig, LINE_ISA + i };
    cr_assert_eq(piix3_create(&config, &rig.piix3), VX_ERR_OK);
    cr_assert(cfg(&rig, 1, 0, 0, 4) == 0x70008086 && cfg(&rig, 1, 0, 0x60, 4) == 0x80808080 &&
              cfg(&rig, 1, 0, 0x0E, 1) == 0x80);
    plug(&rig, &a, 2, 1, 1);
    plug(&rig, &b, 3, 2, 1);
    pci_set_intx(&a.fn, true);
    set_cfg(&rig, 1, 0, 0x61, 1, 0x0B);
    cr_assert(rig.isa[11]);
    set_cfg(&rig, 1, 0, 0x61, 1, 0x0A);
    cr_assert(!rig.isa[11] && rig.isa[10]);
    set_cfg(&rig, 1, 0, 0x62, 1, 0x0A);
    pci_set_intx(&b.fn, true);
    pci_set_intx(&a.fn, false);
    cr_assert(rig.isa[10]);
    set_cfg(&rig, 1, 0, 0x62, 1, 0x0D); /* reserved */
    cr_assert(!rig.isa[10] && !rig.isa[13]);
    out(&rig, 0xCF9, 1, 0x02);
    cr_assert(in(&rig, 0xCF9, 1) == 0x02 && rig.resets == 0);
    out(&rig, 0xCF9, 1, 0x06);
    cr_assert(rig.resets == 1 && rig.inits == 0);
    out(&rig, 0xCF9, 1, 0x00);
    out(&rig, 0xCF9, 1, 0x04); /* SRST clear: INIT */
    cr_assert(in(&rig, 0xCF9, 1) == 0x00 && rig.resets == 1 && rig.inits == 1);
    piix3_type.reset(rig.piix3, VX_RESET_RELEASE);
    cr_assert(rig.page_alias); /* IORT is 4Dh after reset */
    set_cfg(&rig, 1, 0, 0x4C, 1, 0xCD);
    cr_assert(!rig.page_alias);
    set_cfg(&rig, 1, 0, 0x4C, 4, 0x03004D);
    cr_assert(rig.page_alias);
    pci_remove(&a.fn);
    pci_remove(&b.fn);
    piix3_type.destroy(rig.piix3);
    rig.piix3 = NULL;
    rig_fini(&rig);
}

/* ---- PIIX4 PM ---- */

Test(pci, piix4_power_management)
{
    struct rig rig;
    struct piix4_pm *pm;
    rig_init(&rig);
    struct piix4_pm_config config = { .log = rig.log,
                                      .bus = rig.bus,
                                      .clock = rig.clock,
                                      .pci = rig.pci,
                                      .sci = { line, &rig, LINE_SCI },
                                      .power_off = { line, &rig, LINE_POWER_OFF },
                                      .smi = { line, &rig, LINE_SMI } };
    cr_assert_eq(piix4_pm_create(&config, &pm), VX_ERR_OK);
    cr_assert(cfg(&rig, 1, 3, 0, 4) == 0x71138086 && cfg(&rig, 1, 3, 0x40, 4) == 1 && cfg(&rig, 1, 3, 0x58, 4) == 0);
    set_cfg(&rig, 1, 3, 0x40, 4, 0x601);
    cr_assert_eq(in(&rig, 0x608, 4), 0xFFFFFFFF);
    set_cfg(&rig, 1, 3, 0x80, 1, 1);
    cr_assert_eq(in(&rig, 0x608, 4), 0);
    vx_clock_advance(rig.clock, VX_NS_PER_SEC);
    cr_assert_eq(in(&rig, 0x608, 4), 3579545);
    /* bit 23 changes after 8388608 ticks, 2.3435 s */
    cr_assert_eq(in(&rig, 0x600, 2), 0);
    out(&rig, 0x602, 2, 0xFFFF);
    cr_assert_eq(in(&rig, 0x602, 2), 0x0521);
    out(&rig, 0xB2, 1, PM_ACPI_ENABLE);
    cr_assert(in(&rig, 0x604, 2) == 1 && in(&rig, 0xB2, 1) == PM_ACPI_ENABLE);
    vx_clock_advance(rig.clock, 1343000000);
    cr_assert(!rig.sci);
    vx_clock_advance(rig.clock, 1000000);
    cr_assert(rig.sci && in(&rig, 0x600, 2) == 1);
    out(&rig, 0x600, 2, 1);
    cr_assert(!rig.sci);
    vx_clock_advance(rig.clock, 2343500000);
    cr_assert(rig.sci && in(&rig, 0x608, 4) < 20000); /* 24 bits have wrapped */
    out(&rig, 0x600, 2, 1);
    piix4_pm_press_power_button(pm);
    cr_assert(rig.sci && in(&rig, 0x601, 1) == 1);
    out(&rig, 0xB2, 1, PM_ACPI_DISABLE);
    cr_assert(!rig.sci);
    /* an SMI needs DEVACTB.APMC_EN and GLBCTL.SMI_EN; the ACPI commands are the chip's own */
    out(&rig, 0xB2, 1, 0x55);
    set_cfg(&rig, 1, 3, 0x58, 4, 0xFFFFFFFF);
    cr_assert_eq(cfg(&rig, 1, 3, 0x58, 4), 0x02000000);
    out(&rig, 0xB2, 1, 0x55);
    cr_assert_eq(rig.smis, 0);
    out(&rig, 0x628, 4, 0xFFFFFFFF);
    cr_assert_eq(in(&rig, 0x628, 4), 1);
    out(&rig, 0xB3, 1, 0xAA);
    cr_assert_eq(rig.smis, 0);
    out(&rig, 0xB2, 1, 0x55);
    out(&rig, 0xB2, 1, PM_ACPI_DISABLE);
    cr_assert(rig.smis == 1 && in(&rig, 0xB3, 1) == 0xAA);
    out(&rig, 0x604, 2, 0x2401); /* S1: not offered */
    cr_assert_eq(rig.power_offs, 0);
    out(&rig, 0x604, 2, 0x2001);
    cr_assert(rig.power_offs == 1 && in(&rig, 0x604, 2) == 1);
    out(&rig, 0xAFE2, 1, 0xFF);
    cr_assert(in(&rig, 0xAFE0, 1) == 0 && in(&rig, 0xAFE2, 1) == 0xFF);
    set_cfg(&rig, 1, 3, 0x90, 4, 0x0B100);
    set_cfg(&rig, 1, 3, 0xD2, 1, 9);
    out(&rig, 0xB102, 1, 0x48);
    cr_assert_eq(in(&rig, 0xB100, 1), 0x04); /* nobody there */
    out(&rig, 0xB100, 1, 0xFF);
    cr_assert_eq(in(&rig, 0xB100, 1), 0);
    set_cfg(&rig, 1, 3, 0x40, 4, 0); /* base 0 decodes nothing */
    cr_assert_eq(in(&rig, 0x608, 4), 0xFFFFFFFF);
    pci_type.reset(rig.pci, VX_RESET_HOLD);
    piix4_pm_type.reset(pm, VX_RESET_HOLD);
    piix4_pm_type.reset(pm, VX_RESET_RELEASE);
    cr_assert_eq(cfg(&rig, 1, 3, 0x80, 1), 0);
    piix4_pm_type.destroy(pm);
    rig_fini(&rig);
}
