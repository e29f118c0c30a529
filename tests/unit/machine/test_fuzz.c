/* test_fuzz.c - a guest that writes anything anywhere: ports, MMIO, PCI configuration, at every size, while time
 * passes. Nothing may crash (the sanitizer build runs this too), and after a reset the machine is whole again. */
#include <criterion/criterion.h>

#include "pc.h"
#include "rom.h"

#define STEPS 200000
#define MARK  0x5EED5EEDu

struct targets {
    const struct vx_region *region[256];
    unsigned count;
};

static void collect(void *opaque, const struct vx_region *region)
{
    struct targets *targets = opaque;
    if (targets->count < VX_ARRAY_LEN(targets->region) && region->size != 0)
        targets->region[targets->count++] = region;
}

static uint64_t next(uint64_t *rng)
{
    *rng ^= *rng << 13;
    *rng ^= *rng >> 7;
    *rng ^= *rng << 17;
    return *rng;
}

/* Values that mean something somewhere are likelier than noise. */
static uint64_t value_from(uint64_t r)
{
    static const uint32_t likely[] = { 0,          1,          0xFF, 0xFFFFFFFF, 0x80000000, 0xFEE00000,
                                       0xE0000000, 0x00000600, 0x11, 0x34,       0x36,       0xB6 };
    return r & 3 ? r >> 8 : likely[(r >> 8) % VX_ARRAY_LEN(likely)];
}

static void one_access(struct vx_machine *pc, uint64_t *rng)
{
    struct targets targets = { .count = 0 };
    vx_bus_each(pc->bus, collect, &targets); /* regions come and go */
    uint64_t r = next(rng);
    const struct vx_region *region = targets.region[r % targets.count];
    enum vx_space space = region->space;
    uint64_t at = region->base + next(rng) % region->size, value = value_from(next(rng));
    unsigned size = 1u << (r >> 32) % (space == VX_SPACE_IO ? 3 : 4);
    if (r >> 40 & 1)
        vx_bus_write(pc->cpu[0].bus, space, at, size, value);
    else
        vx_bus_read(pc->cpu[0].bus, space, at, size);
}

static void one_config_write(struct vx_machine *pc, uint64_t *rng)
{
    uint64_t r = next(rng);
    static const uint32_t places[] = { 0x0000, 0x0800, 0x0900, 0x0B00, 0x1000 }; /* 00.0, 01.0, 01.1, 01.3, 02.0 */
    uint32_t reg = (r & 1 ? (r >> 8 & 0x3C) : (r >> 8 & 0xFC));
    vx_bus_write(pc->cpu[0].bus, VX_SPACE_IO, 0xCF8, 4, 0x80000000u | places[(r >> 16) % VX_ARRAY_LEN(places)] | reg);
    vx_bus_write(pc->cpu[0].bus, VX_SPACE_IO, 0xCFC, 4, value_from(next(rng)));
}

static void memory_access(struct vx_machine *pc, uint64_t *rng)
{
    uint64_t at = next(rng) & 0xFFFFFFF8u;
    if (at >= 0xC0000 && at < 0x100000)
        vx_pmap_cpu_store(pc->pmap, 0, at, 8, next(rng));
    else if (at >= ROM_RAM_BYTES)
        vx_pmap_cpu_load(pc->pmap, 0, at, 8);
}

static void fuzz(uint64_t seed)
{
    static struct rom rom;
    struct vx_clock *clock;
    struct vx_loop *loop;
    struct vx_machine *pc;
    rom_make(&rom, (const uint8_t[]){ 0xF4 }, 1, NULL, 0);
    cr_assert_eq(vx_clock_create_fake(&clock), VX_ERR_OK);
    struct vx_log *log = vx_log_create(stderr);
    cr_assert_eq(vx_loop_create(log, &loop), VX_ERR_OK);
    struct vx_machine_config config = { .log = log,
                                        .loop = loop,
                                        .clock = clock,
                                        .ram_bytes = ROM_RAM_BYTES,
                                        .engine = VX_ENGINE_INTERP,
                                        .bios = rom.bytes,
                                        .bios_bytes = ROM_BYTES,
                                        .vga_bios = rom.bytes,
                                        .vga_bios_bytes = 32768,
                                        .debug_exit = { { 0xF4, 4 } } };
    cr_assert_eq(vx_machine_create(&config, &pc), VX_ERR_OK);
    uint64_t rng = seed;
    for (unsigned i = 0; i < STEPS; i++) {
        uint64_t r = next(&rng);
        if (r % 16 == 0)
            one_config_write(pc, &rng);
        else if (r % 16 == 1)
            memory_access(pc, &rng);
        else
            one_access(pc, &rng);
        if (r % 64 == 2)
            vx_clock_advance(clock, r >> 44);
        if (r % 128 == 3)
            lapic_ack(pc->cpu[0].lapic);
    }
    vx_machine_reset(pc); /* what stood in RAM may have been written over by DMA */
    vx_pmap_store(pc->pmap, 0x1000, 4, MARK);
    vx_pmap_store(pc->pmap, 0x1FF000, 4, MARK);
    cr_assert(vx_pmap_load(pc->pmap, 0x1000, 4) == MARK && vx_pmap_load(pc->pmap, 0x1FF000, 4) == MARK, "RAM is gone");
    cr_assert(vx_pmap_load(pc->pmap, 0xFFFFFFF0, 1) == 0xE9 && vx_pmap_load(pc->pmap, 0xFFFF0, 1) == 0xE9,
              "the ROM is gone");
    cr_assert_eq(vx_bus_read(pc->cpu[0].bus, VX_SPACE_MEMORY, 0xFEE00030, 4), 0x00050014);
    vx_machine_destroy(pc);
    vx_loop_destroy(loop);
    vx_clock_destroy(clock);
}

Test(fuzz, anything_anywhere, .timeout = 120)
{
    for (uint64_t seed = 1; seed <= 3; seed++)
        fuzz(seed * 0x9E3779B97F4A7C15);
}
