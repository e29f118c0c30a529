/* test_vga_planar.c - the window at A0000h against a model that works bit by bit, from the IBM VGA Technical Reference.
 *  */
#include <criterion/criterion.h>

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
    *address = chain4 ? off / 4 : odd_even ? off / 2 : off;
    for (unsigned p = 0; p < 4; p++)
        selected[p] = chain4 ? off % 4 == p : !odd_even || off % 2 == p % 2;
    return *address < 65536;
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

/* One register gets a random value on both sides. Addresses that differ in packed order (128 KiB maps unchained) stay
 * out. */
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

/* The window is mapped straight to memory in plain chain-4 states; reads then leave the latches alone. Reading one byte
 * through the handlers, in a state that is not plain, brings both sides together again. */
static void align_latches(struct vga_rig *rig, struct model *m)
{
    uint8_t mask = m->mask;
    vga_set(rig, 0x3CE, 8, 0x55);
    m->mask = 0x55;
    uint32_t phys = 0xA0000 + ((m->misc >> 2 & 3) == 2 ? 0x10000u : (m->misc >> 2 & 3) == 3 ? 0x18000u : 0);
    (void)model_read(m, phys);
    (void)vx_pmap_load(rig->pmap, phys, 1);
    vga_set(rig, 0x3CE, 8, mask);
    m->mask = mask;
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
            uint32_t address;
            bool selected[4];
            if (!model_locate(m, phys, false, &address, selected) && (m->misc >> 2 & 3) == 0)
                break; /* past 64 KiB of a plane: the board has more memory than the model */
            if (vx_pmap_read_page(rig.pmap, phys) != VX_PMAP_BUS)
                align_latches(&rig, m);
            uint8_t want = model_read(m, phys), got = (uint8_t)vx_pmap_load(rig.pmap, phys, 1);
            if (vx_pmap_read_page(rig.pmap, phys) != VX_PMAP_BUS)
                align_latches(&rig, m);
            cr_assert(got == want, "operation %u: read %05x gives %02x, want %02x (mode %02x misc %02x memory %02x)", i,
                      phys, got, want, m->mode, m->misc, m->memory_mode);
            compared++;
            break;
        }
        default: {
            uint32_t address;
            bool selected[4];
            if (!model_locate(m, phys, true, &address, selected) && (m->misc >> 2 & 3) == 0)
                break;
            dropped += !model_write(m, phys, value);
            vx_pmap_store(rig.pmap, phys, 1, value);
            break;
        }
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
