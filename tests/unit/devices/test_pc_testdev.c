/* The test device: storage in every size, interrupt lines, page flush. */
#include "pc_testdev.h"

#include <criterion/criterion.h>

#include "port_script.h"

enum { RAM_BYTES = 2 << 20 };
#define MEMORY 0xFF000000u

struct rig {
    struct port_rig ports;
    struct vx_pmap *pmap;
    struct pc_testdev *chip;
    uint32_t lines;   /* levels */
    unsigned dropped; /* mappings that had to be forgotten */
    uint32_t dropped_page;
};

static void set_line(void *opaque, unsigned line, bool level)
{
    struct rig *rig = opaque;
    rig->lines = (rig->lines & ~(1u << line)) | (uint32_t)level << line;
}

static void on_change(void *opaque, uint32_t page, uint32_t count, bool writes_only)
{
    struct rig *rig = opaque;
    cr_assert_eq(count, 1);
    rig->dropped += !writes_only;
    rig->dropped_page = page;
}

static void start(struct rig *rig)
{
    *rig = (struct rig){ .lines = 0 };
    port_rig_init(&rig->ports);
    struct vx_pmap_config memory = { .log = rig->ports.log, .stats = &rig->ports.stats, .ram_bytes = RAM_BYTES };
    cr_assert_eq(vx_pmap_create(&memory, &rig->pmap), VX_ERR_OK);
    struct pc_testdev_config config = { .bus = rig->ports.bus, .pmap = rig->pmap };
    for (unsigned i = 0; i < PC_TESTDEV_LINES; i++)
        config.line[i] = (struct vx_irq){ .set = set_line, .opaque = rig, .line = i };
    cr_assert_eq(pc_testdev_create(&config, &rig->chip), VX_ERR_OK);
}

static void end(struct rig *rig)
{
    pc_testdev_type.destroy(rig->chip);
    vx_pmap_destroy(rig->pmap);
    port_rig_fini(&rig->ports);
}

Test(pc_testdev, storage)
{
    static const struct {
        enum vx_space space;
        uint64_t at;
        unsigned size;
        uint64_t written; /* 0: a read only */
        uint64_t read;
    } rows[] = {
        { VX_SPACE_IO, 0xE0, 4, 0, 0 },
        { VX_SPACE_IO, 0xE0, 4, 0x12345678, 0x12345678 },
        { VX_SPACE_IO, 0xE1, 1, 0xAB, 0xAB },
        { VX_SPACE_IO, 0xE2, 2, 0xCDEF, 0xCDEF },
        { VX_SPACE_IO, 0xE8, 4, 0, 0xCDEFAB78 },
        { VX_SPACE_IO, 0xE9, 2, 0x1122, 0x1122 },
        { VX_SPACE_IO, 0xE0, 4, 0, 0xCD112278 },
        { VX_SPACE_IO, 0xE4, 4, 0, 0xFFFFFFFF },
        { VX_SPACE_IO, 0x2000, 1, 0, 0xFF },
        { VX_SPACE_MEMORY, MEMORY, 8, 0, 0 },
        { VX_SPACE_MEMORY, MEMORY + 0xFFF8, 8, 0x1122334455667788, 0x1122334455667788 },
        { VX_SPACE_MEMORY, MEMORY + 0xFFFF, 1, 0x99, 0x99 },
        { VX_SPACE_MEMORY, MEMORY + 0xFFFC, 4, 0, 0x99223344 },
        { VX_SPACE_MEMORY, MEMORY + 0xFFFF, 4, 0, 0xFFFFFF99 },
        { VX_SPACE_MEMORY, MEMORY + 3, 4, 0xA1B2C3D4, 0xA1B2C3D4 },
        { VX_SPACE_MEMORY, MEMORY, 8, 0, 0x00A1B2C3D4000000 },
    };
    struct rig rig;
    start(&rig);
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        if (rows[i].written != 0)
            vx_bus_write(rig.ports.bus, rows[i].space, rows[i].at, rows[i].size, rows[i].written);
        uint64_t value = vx_bus_read(rig.ports.bus, rows[i].space, rows[i].at, rows[i].size);
        cr_assert_eq(value, rows[i].read, "row %zu: %llx", i, (unsigned long long)value);
    }
    end(&rig);
}

Test(pc_testdev, lines)
{
    struct rig rig;
    start(&rig);
    for (unsigned line = 0; line < PC_TESTDEV_LINES; line++) {
        vx_bus_write(rig.ports.bus, VX_SPACE_IO, 0x2000 + line, 1, 0x80);
        cr_assert_eq(rig.lines, (2u << line) - 1);
    }
    vx_bus_write(rig.ports.bus, VX_SPACE_IO, 0x2004, 1, 0);
    cr_assert_eq(rig.lines, 0xFFFFEF);
    vx_bus_write(rig.ports.bus, VX_SPACE_IO, 0xE0, 4, 77);
    pc_testdev_type.reset(rig.chip, VX_RESET_HOLD);
    cr_assert_eq(rig.lines, 0xFFFFEF, "outputs move in the second phase");
    pc_testdev_type.reset(rig.chip, VX_RESET_RELEASE);
    cr_assert_eq(rig.lines, 0);
    cr_assert_eq(vx_bus_read(rig.ports.bus, VX_SPACE_IO, 0xE0, 4), 77);
    end(&rig);
}

Test(pc_testdev, flush)
{
    struct rig rig;
    start(&rig);
    vx_pmap_on_change(rig.pmap, on_change, &rig);
    vx_bus_write(rig.ports.bus, VX_SPACE_IO, 0xE4, 4, 0x5678);
    cr_assert(rig.dropped == 1 && rig.dropped_page == 5);
    vx_bus_write(rig.ports.bus, VX_SPACE_IO, 0xE4, 1, 0x56);
    vx_bus_write(rig.ports.bus, VX_SPACE_IO, 0xE5, 1, 0x78);
    cr_assert_eq(rig.dropped, 1, "only 4 bytes at once");
    for (uint64_t phys = 0; phys < 1ull << 32; phys += 0x3C5A000) /* memory or not, everything stays where it is */
        vx_bus_write(rig.ports.bus, VX_SPACE_IO, 0xE4, 4, phys);
    unsigned dropped = rig.dropped;
    vx_pmap_cover(rig.pmap, 0x2000, VX_PAGE_BYTES, 7);
    rig.dropped = 0;
    vx_bus_write(rig.ports.bus, VX_SPACE_IO, 0xE4, 4, 0x2000);
    cr_assert(dropped > 0 && rig.dropped == 1 && rig.dropped_page == 7, "what covers it, and nothing else");
    vx_pmap_uncover(rig.pmap);
    vx_pmap_remove_listeners(rig.pmap, &rig);
    vx_pmap_set_a20(rig.pmap, false);
    vx_bus_write(rig.ports.bus, VX_SPACE_IO, 0xE4, 4, 0x105000);
    vx_pmap_set_a20(rig.pmap, true);
    for (uint32_t page = 0; page < RAM_BYTES / VX_PAGE_BYTES; page++)
        cr_assert(vx_pmap_read_page(rig.pmap, page * VX_PAGE_BYTES) == page &&
                      vx_pmap_write_page(rig.pmap, page * VX_PAGE_BYTES) == page,
                  "page %x", page);
    end(&rig);
}
