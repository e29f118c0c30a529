/* test_vga_planar.c - the window at A0000h against a model that works bit by bit, from the IBM VGA Technical Reference.
 *  */
#include <criterion/criterion.h>

#include "peeked.h"
#include "vga_rig.h"

struct model {
    uint8_t plane[4][65536];
    uint8_t latch[4];
    uint8_t map_mask, memory_mode;                                                /* sequencer 2, 4 */
    uint8_t set_reset, enable, compare, rotate, read_map, mode, misc, care, mask; /* graphics controller 0 to 8 */
};

static bool bit(unsigned value, unsigned n)
{
    return (value >> n & 1) != 0;
}

/* Where an access goes: false when the window does not decode there. */
static bool model_locate(const struct model *m, uint32_t phys, bool write, uint32_t *address, bool selected[4])
{
    static const uint32_t first[4] = { 0xA0000, 0xA0000, 0xB0000, 0xB8000 };
    static const uint32_t bytes[4] = { 0x20000, 0x10000, 0x8000, 0x8000 };
    unsigned map = m->misc >> 2 & 3;
    uint32_t off = phys - first[map];
    if (phys < first[map] || off >= bytes[map])
        return false;
    bool odd_even = write ? !bit(m->memory_mode, 2) : bit(m->mode, 4);
    bool chain4 = bit(m->memory_mode, 3);
    *address = (chain4 ? off & ~3u : odd_even ? off & ~1u : off) & 0xFFFF;
    for (unsigned p = 0; p < 4; p++)
        selected[p] = chain4 ? off % 4 == p : !odd_even || off % 2 == p % 2;
    return true;
}

static bool model_write(struct model *m, uint32_t phys, uint8_t value)
{
    uint32_t address;
    bool selected[4];
    if (!model_locate(m, phys, true, &address, selected))
        return false;
    for (unsigned p = 0; p < 4; p++) {
        uint8_t result = 0;
        if (!selected[p] || !bit(m->map_mask, p))
            continue;
        for (unsigned b = 0; b < 8; b++) {
            bool cpu = bit(value, (b + (m->rotate & 7)) % 8), latch = bit(m->latch[p], b);
            bool in, through = bit(m->mask, b);
            unsigned mode = m->mode & 3;
            if (mode == 0)
                in = bit(m->enable, p) ? bit(m->set_reset, p) : cpu;
            else if (mode == 2)
                in = bit(value, p);
            else
                in = bit(m->set_reset, p);
            if (mode == 3)
                through = through && cpu;
            switch (m->rotate >> 3) {
            case 1: in = in && latch; break;
            case 2: in = in || latch; break;
            case 3: in = in != latch; break;
            }
            if (mode == 1 || !through)
                in = latch;
            result |= (uint8_t)(in << b);
        }
        m->plane[p][address] = result;
    }
    return true;
}

static uint8_t model_read(struct model *m, uint32_t phys)
{
    uint32_t address;
    bool selected[4];
    uint8_t result = 0;
    if (!model_locate(m, phys, false, &address, selected))
        return 0xFF;
    for (unsigned p = 0; p < 4; p++)
        m->latch[p] = m->plane[p][address];
    if (bit(m->mode, 3)) {
        for (unsigned b = 0; b < 8; b++) {
            bool same = true;
            for (unsigned p = 0; p < 4; p++)
                same = same && (!bit(m->care, p) || bit(m->latch[p], b) == bit(m->compare, p));
            result |= (uint8_t)(same << b);
        }
        return result;
    }
    if (bit(m->memory_mode, 3))
        return m->latch[phys & 3];
    if (bit(m->mode, 4))
        return m->latch[(m->read_map & 2) | (phys & 1)];
    return m->latch[m->read_map & 3];
}

static unsigned random_next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* One register gets a random value on both sides. */
static void random_register(struct vga_rig *rig, struct model *m, uint32_t *seed)
{
    static const uint8_t gc_masks[9] = { 0x0F, 0x0F, 0x0F, 0x1F, 0x03, 0x1B, 0x0C, 0x0F, 0xFF };
    uint8_t *gc[9] = { &m->set_reset, &m->enable, &m->compare, &m->rotate, &m->read_map,
                       &m->mode,      &m->misc,   &m->care,    &m->mask };
    unsigned n = random_next(seed) % 11;
    uint8_t value = (uint8_t)random_next(seed);
    if (n < 9) {
        if (n == 8 && random_next(seed) % 2)
            value = 0xFF;
        value &= gc_masks[n];
        *gc[n] = value;
        vga_set(rig, 0x3CE, n, value);
    } else if (n == 9) {
        m->map_mask = value & 0x0F;
        vga_set(rig, 0x3C4, 2, m->map_mask);
    } else {
        m->memory_mode = (value & 0x0C) | 2;
        vga_set(rig, 0x3C4, 4, m->memory_mode);
    }
}

/* A debugger that looks, and puts what it has seen where it is, changes nothing. */
static uint64_t peeked_load(struct vga_rig *rig, uint32_t phys)
{
    uint64_t value;
    cr_assert(vx_pmap_read_ptr(rig->pmap, phys) == NULL && vx_bus_peek(rig->bus, VX_SPACE_MEMORY, phys, 1, &value));
    (void)vx_bus_poke(rig->bus, phys, (uint8_t)value);
    return peeked_read(rig->bus, phys, 1);
}

Test(vga_planar, random_against_model)
{
    struct vga_rig rig;
    struct model *m = calloc(1, sizeof *m);
    uint32_t seed = 1;
    unsigned compared = 0, dropped = 0;
    vga_rig_init(&rig, false);
    for (unsigned i = 0; i < 400000; i++) {
        uint32_t phys = 0xA0000 + random_next(&seed) % 64 + (random_next(&seed) % 4) * 0x8000;
        uint8_t value = (uint8_t)random_next(&seed);
        switch (random_next(&seed) % 8) {
        case 0: random_register(&rig, m, &seed); break;
        case 1:
        case 2:
        case 3: {
            uint8_t want = model_read(m, phys), got = (uint8_t)peeked_load(&rig, phys);
            cr_assert(got == want, "operation %u: read %05x gives %02x, want %02x (mode %02x misc %02x memory %02x)", i,
                      phys, got, want, m->mode, m->misc, m->memory_mode);
            compared++;
            break;
        }
        default:
            dropped += !model_write(m, phys, value);
            vx_pmap_store(rig.pmap, phys, 1, value);
            break;
        }
    }
    cr_assert(compared > 50000 && dropped > 1000, "%u compared, %u dropped", compared, dropped);
    free(m);
    vga_rig_fini(&rig);
}

/* Wide accesses are bytes, lowest first. */
Test(vga_planar, wide_accesses)
{
    struct vga_rig rig;
    vga_rig_init(&rig, false);
    vga_set_mode(&rig, &vga_mode_text);
    vx_pmap_store(rig.pmap, 0xB8000, 8, 0x0744074307420741);
    cr_assert_eq(vx_pmap_load(rig.pmap, 0xB8000, 4), 0x07420741);
    cr_assert_eq(vx_pmap_load(rig.pmap, 0xB8005, 2), 0x4407);
    cr_assert_eq(vx_pmap_load(rig.pmap, 0xA0000, 4), 0xFFFFFFFF);
    vga_rig_fini(&rig);
}

static void store(struct vga_rig *rig, uint32_t off, unsigned value)
{
    vx_pmap_store(rig->pmap, 0xA0000 + off, 1, value);
}

static unsigned load(struct vga_rig *rig, uint32_t off)
{
    return (unsigned)vx_pmap_load(rig->pmap, 0xA0000 + off, 1);
}

/* What is drawn in one addressing mode and looked at in another. */
Test(vga_planar, address_bits_stay_in_place)
{
    struct vga_rig rig;
    vga_rig_init(&rig, false);
    vga_set_mode(&rig, &vga_mode_13h);
    vx_pmap_store(rig.pmap, 0xA0004, 4, 0x44332211); /* chain-4: pixels 4 to 7 are planes 0 to 3 at 4 */
    store(&rig, 0xFFFD, 0x66);
    vga_set(&rig, 0x3C4, 4, 0x06);
    for (unsigned plane = 0; plane < 4; plane++) {
        vga_set(&rig, 0x3CE, 4, plane);
        cr_assert_eq(load(&rig, 4), 0x11 * (plane + 1));
        cr_assert_eq(load(&rig, 1), 0);
        cr_assert_eq(load(&rig, 0xFFFC), plane == 1 ? 0x66 : 0);
    }
    vga_set(&rig, 0x3C4, 2, 4); /* planar writes seen by chain-4: those at multiples of 4 alone */
    store(&rig, 0x2000, 0x99);
    store(&rig, 0x2001, 0x77);
    vga_set(&rig, 0x3C4, 2, 15);
    vga_set(&rig, 0x3C4, 4, 0x0E);
    cr_assert(load(&rig, 0x2002) == 0x99 && load(&rig, 0x2006) == 0);

    vga_set_mode(&rig, &vga_mode_text); /* odd/even: character and attribute of cell 5 at 10 */
    vx_pmap_store(rig.pmap, 0xB8000 + 10, 2, 0x1F41);
    vga_set(&rig, 0x3C4, 4, 0x06);
    vga_set(&rig, 0x3CE, 5, 0x00);
    vga_set(&rig, 0x3CE, 6, 0x04);
    vga_set(&rig, 0x3CE, 4, 0);
    cr_assert(load(&rig, 10) == 0x41 && load(&rig, 11) == 0 && load(&rig, 5) == 0);
    vga_set(&rig, 0x3CE, 4, 1);
    cr_assert(load(&rig, 10) == 0x1F && load(&rig, 11) == 0);
    vga_rig_fini(&rig);
}

/* 128 KiB: a plane has 64, so the upper half is the lower once more, by the handlers and mapped. */
Test(vga_planar, window_of_128_kib)
{
    struct vga_rig rig;
    vga_rig_init(&rig, false);
    vga_set_mode(&rig, &vga_mode_13h);
    vga_set(&rig, 0x3CE, 6, 0x01);
    store(&rig, 0x10003, 0x5A);
    cr_assert_eq(load(&rig, 3), 0x5A);
    for (unsigned i = 0; i < 1100; i++)
        store(&rig, 0x1FFFF - i, i & 0xFF);
    cr_assert_neq(vx_pmap_write_page(rig.pmap, 0xBF000), VX_PMAP_BUS);
    cr_assert(load(&rig, 0xFFFF) == 0 && load(&rig, 0xFFF0) == 15 && load(&rig, 0x1FFF0) == 15);
    cr_assert(load(&rig, 3) == 0x5A && load(&rig, 0x10003) == 0x5A);
    vga_rig_fini(&rig);
}

/* Reads load the latches in chain-4 too; write mode 1 then stores them, here to plane 0 of 40h. */
Test(vga_planar, latches_in_mode_13h)
{
    struct vga_rig rig;
    vga_rig_init(&rig, false);
    vga_set_mode(&rig, &vga_mode_13h);
    store(&rig, 0x20, 0x5A);
    cr_assert_eq(load(&rig, 0x20), 0x5A);
    vga_set(&rig, 0x3CE, 5, 0x41);
    store(&rig, 0x40, 0);
    vga_set(&rig, 0x3CE, 5, 0x40);
    cr_assert_eq(load(&rig, 0x40), 0x5A);

    /* however much was stored before, so that stores go to memory without anybody looking */
    for (unsigned i = 0; i < 5000; i++)
        store(&rig, 0x1000 + i, (uint8_t)i);
    cr_assert_neq(vx_pmap_write_page(rig.pmap, 0xA0000), VX_PMAP_BUS);
    store(&rig, 0x60, 0xA5);
    cr_assert_eq(load(&rig, 0x60), 0xA5);
    vga_set(&rig, 0x3CE, 5, 0x41);
    store(&rig, 0x80, 0);
    vga_set(&rig, 0x3CE, 5, 0x40);
    cr_assert_eq(load(&rig, 0x80), 0xA5);
    vga_rig_fini(&rig);
}

/* Stores go to memory when nothing but plain ones come, and to the handlers when the planar logic may have something to
 * do again; loads always go there. */
Test(vga_planar, mapped_when_plain)
{
    struct vga_rig rig;
    vga_rig_init(&rig, false);
    vga_set_mode(&rig, &vga_mode_13h);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 1023; i++)
            store(&rig, 0x1000 + i, i + round);
        cr_assert_eq(vx_pmap_write_page(rig.pmap, 0xA0000), VX_PMAP_BUS);
        store(&rig, 0x1000 + 1023, 0xC3);
        cr_assert_neq(vx_pmap_write_page(rig.pmap, 0xA0000), VX_PMAP_BUS);
        cr_assert_eq(vx_pmap_write_page(rig.pmap, 0xB0000), VX_PMAP_BUS);
        cr_assert_eq(vx_pmap_read_page(rig.pmap, 0xA0000), VX_PMAP_BUS);
        for (unsigned i = 0; i < 1023; i++)
            cr_assert_eq(load(&rig, 0x1000 + i), ((i + round) & 0xFF));
        cr_assert_eq(load(&rig, 0x13FF), 0xC3);
        vga_set(&rig, 0x3CE, 8, round == 0 ? 0x0F : 0xFF);
        cr_assert_eq(vx_pmap_write_page(rig.pmap, 0xA0000), VX_PMAP_BUS);
        vga_set(&rig, 0x3CE, 8, 0xFF);
    }
    vga_rig_fini(&rig);
}
