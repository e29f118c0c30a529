/* Random port traffic: whatever the guest does, the chip stays in its bounds (the sanitizers and asserts look on), and
 * after a reset it works. */
#include "ide_rig.h"

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* Mostly commands that do something, with small addresses and counts, so that data phases are reached. */
static void random_step(struct rig *rig, uint64_t *seed)
{
    static const uint8_t favourites[] = { 0x20, 0x24, 0x25, 0x29, 0x30, 0x35, 0x39, 0x40, 0xA0, 0xA0, 0xA1,
                                          0xC4, 0xC5, 0xC6, 0xC8, 0xCA, 0xE7, 0xEC, 0xEF, 0x08, 0x90, 0x91 };
    uint32_t what = next_random(seed) % 100, value = next_random(seed);
    uint8_t block[512];
    if (what < 25)
        out(rig, rig->base + 1 + value % 6, 1, value >> 8 & (value & 0x10000 ? 0xFF : 0x03));
    else if (what < 40)
        put(rig, COMMAND, favourites[value % sizeof favourites]);
    else if (what < 42)
        put(rig, COMMAND, (uint8_t)value);
    else if (what < 60)
        out(rig, rig->base, 1u << (value & 1) << 1, value >> 3 & 0xFF);
    else if (what < 70)
        in(rig, rig->base + (value & 7), 1u << (value >> 8) % 3);
    else if (what < 78)
        vx_bus_read_block(rig->bus, (uint16_t)rig->base, 1u << value % 3, block, 1 + (value >> 8) % 128);
    else if (what < 84)
        vx_bus_write_block(rig->bus, (uint16_t)rig->base, 1u << value % 3, memset(block, (int)value, 512), 128);
    else if (what < 92)
        out(rig, BM_BASE + value % 16, 1u << (value >> 8) % 3, next_random(seed) & 0x003FFFFF);
    else if (what < 98)
        settle(rig);
    else if (what == 98)
        out(rig, rig->control, 1, value & 0xFF);
    else
        rig_use(rig, value & 1);
}

Test(ide_fuzz, random_traffic, .timeout = 60)
{
    struct rig *rig = rig_create("dcc-");
    uint64_t seed = 86;
    /* PRD tables are whatever RAM holds: make it random too, and the media writable by chance. */
    for (uint32_t at = 0; at < RAM_BYTES; at += 4) {
        uint32_t value = next_random(&seed);
        vx_pmap_write(rig->pmap, at, &value, 4);
    }
    for (unsigned i = 0; i < 300000; i++)
        random_step(rig, &seed);
    for (unsigned channel = 0; channel < 2; channel++) {
        rig_use(rig, channel);
        out(rig, rig->control, 1, 0x04);
        out(rig, rig->control, 1, 0x00);
        settle(rig);
        cr_expect_eq(alt_status(rig) & (BSY | DRQ), 0, "channel %u: %02x", channel, alt_status(rig));
    }
    rig_use(rig, 0);
    command28(rig, 0x20, 2, 1);
    settle(rig);
    cr_assert_eq(get(rig, STATUS), READY | DRQ);
    cr_assert_eq(in(rig, 0x1F0, 2), (uint32_t)(rig->media[0].bytes[1024] | rig->media[0].bytes[1025] << 8));
    rig_destroy(rig);
}
