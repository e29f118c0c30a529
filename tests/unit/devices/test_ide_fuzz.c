/* Random port traffic: whatever the guest does, the chip stays in its bounds (the sanitizers and asserts look on), and
 * after a reset it works. */
#include "ide_rig.h"

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* A command with an address that is often inside the medium. */
static void random_command(struct rig *rig, uint64_t *seed)
{
    static const uint8_t favourites[] = { 0x20, 0x24, 0x25, 0x29, 0x30, 0x34, 0x35, 0x39, 0x40, 0xA1, 0xC4, 0xC5,
                                          0xC6, 0xC8, 0xCA, 0xCE, 0xE7, 0xEC, 0xEF, 0x08, 0x90, 0x91, 0xF8, 0x70 };
    uint32_t value = next_random(seed), lba = next_random(seed) % (DISK_SECTORS + 16);
    if (value >> 30 == 0)
        lba %= 4; /* the bad sectors */
    if (value & 0x100)
        command28(rig, favourites[value % sizeof favourites], lba, (uint8_t)(value >> 9));
    else
        command48(rig, favourites[value % sizeof favourites], lba, (uint16_t)(value >> 9 & 0x7FF));
}

/* A packet command, whether the drive takes packets now or not. */
static void random_packet(struct rig *rig, uint64_t *seed)
{
    static const uint8_t favourites[] = { 0x00, 0x03, 0x12, 0x1A, 0x1B, 0x1E, 0x25, 0x28, 0x28, 0x28, 0x2B, 0x42,
                                          0x43, 0x46, 0x4A, 0x51, 0x5A, 0xA8, 0xA8, 0xB9, 0xBD, 0xBE, 0xFF };
    uint32_t value = next_random(seed);
    uint8_t packet[12] = { favourites[value % sizeof favourites] };
    for (unsigned i = 1; i < sizeof packet; i++)
        packet[i] = next_random(seed) % 4 == 0 ? (uint8_t)(next_random(seed) & 3) : 0;
    if (packet[0] == 0x1B && value >> 28 != 0)
        packet[4] = 3; /* the tray is mostly closed */
    put(rig, FEATURE, value >> 8 & 1);
    put(rig, MID, (uint8_t)(value >> 9));
    put(rig, HIGH, (uint8_t)(value >> 17));
    put(rig, COMMAND, 0xA0);
    pio_out(rig, packet, sizeof packet);
}

static void random_data(struct rig *rig, uint64_t *seed)
{
    uint32_t value = next_random(seed);
    uint8_t block[2048];
    size_t count = 1 + (value >> 8) % 512;
    unsigned size = 1u << (value >> 4) % 3, port = rig->base;
    memset(block, (int)value, sizeof block);
    for (unsigned i = 0; i < (value >> 20) % 64; i++)
        if (value & 1)
            vx_bus_read_block(rig->bus, (uint16_t)port, size, block, count);
        else
            vx_bus_write_block(rig->bus, (uint16_t)port, size, block, count);
    if (value & 2)
        out(rig, port, size, value);
    else
        in(rig, port, size);
}

static void srst(struct rig *rig, uint8_t control)
{
    out(rig, rig->control, 1, 0x04 | control);
    out(rig, rig->control, 1, control);
}

static void random_step(struct rig *rig, uint64_t *seed)
{
    uint32_t what = next_random(seed) % 100, value = next_random(seed);
    if (what < 15)
        random_command(rig, seed);
    else if (what < 30)
        random_packet(rig, seed);
    else if (what < 50)
        random_data(rig, seed);
    else if (what < 65)
        settle(rig);
    else if (what < 75)
        out(rig, BM_BASE + value % 16, 1u << (value >> 8) % 3, next_random(seed) & 0x003FFFFF);
    else if (what < 85)
        out(rig, rig->base + value % 8, 1u << (value >> 8) % 3, next_random(seed));
    else if (what < 93)
        in(rig, rig->base + value % 8, 1u << (value >> 8) % 3);
    else if (what < 95)
        out(rig, rig->control, 1, value & 0xFF);
    else if (what < 98)
        srst(rig, value & 0x02);
    else
        select_drive(rig, value % 4);
}

Test(ide_fuzz, random_traffic, .timeout = 60)
{
    struct rig *rig = rig_create("dcc-");
    uint64_t seed = 86;
    /* PRD tables are whatever RAM holds: make it random too. Some sectors are bad. */
    for (uint32_t at = 0; at < RAM_BYTES; at += 4) {
        uint32_t value = next_random(&seed);
        vx_pmap_write(rig->pmap, at, &value, 4);
    }
    rig->media[0].bad_first = 1;
    rig->media[0].bad_count = 1;
    rig->media[1].bad_first = 4;
    rig->media[1].bad_count = 4;
    for (unsigned i = 0; i < 1500000; i++)
        random_step(rig, &seed);
    cr_expect_gt(rig->media[0].requests, 5000, "%u: the traffic reaches the disk", rig->media[0].requests);
    cr_expect_gt(rig->media[2].requests, 500, "%u: ... and the CD", rig->media[2].requests);
    for (unsigned channel = 0; channel < 2; channel++) {
        rig_use(rig, channel);
        srst(rig, 0);
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
