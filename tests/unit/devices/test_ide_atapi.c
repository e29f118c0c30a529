/* The CD-ROM drive: packet protocol, replies, sense data, tray. The drive is the primary master of each rig. */
#include "ide_rig.h"

#define TABLE  0x1000u
#define BUFFER 0x10000u

enum { REASON = COUNT, TO_HOST = 2, DONE = 3, LIMIT = 0xFFFE };

static void send_packet(struct rig *rig, const uint8_t packet[12], unsigned limit, bool dma)
{
    put(rig, FEATURE, dma);
    put(rig, MID, (uint8_t)limit);
    put(rig, HIGH, (uint8_t)(limit >> 8));
    put(rig, COMMAND, 0xA0);
    cr_assert_eq(alt_status(rig) & (BSY | DRQ), DRQ);
    cr_assert_eq(get(rig, REASON), 1, "command packet expected");
    pio_out(rig, packet, 12);
    settle(rig);
}

/* Takes all data the drive offers; returns how many bytes. */
static size_t take_data(struct rig *rig, uint8_t *out, size_t room)
{
    size_t got = 0;
    while (alt_status(rig) & DRQ) {
        size_t bytes = get(rig, MID) | (size_t)get(rig, HIGH) << 8;
        cr_assert_eq(get(rig, REASON), TO_HOST);
        cr_assert(rig->level[0], "each block interrupts");
        get(rig, STATUS);
        cr_assert(bytes > 0 && got + bytes <= room);
        pio_in(rig, out + got, bytes);
        settle(rig);
        got += bytes;
    }
    return got;
}

static size_t packet_data(struct rig *rig, const uint8_t packet[12], uint8_t *out, size_t room)
{
    send_packet(rig, packet, LIMIT, false);
    size_t got = take_data(rig, out, room);
    cr_assert_eq(get(rig, STATUS), READY, "packet %02x: status %02x error %02x", packet[0], alt_status(rig),
                 get(rig, ERROR_REG));
    cr_assert_eq(get(rig, REASON), DONE);
    return got;
}

/* Carries out a packet that should fail; returns sense key, ASC, ASCQ as one number, 0 when it does not. */
static uint32_t packet_sense(struct rig *rig, const uint8_t packet[12])
{
    static const uint8_t request_sense[12] = { 0x03, 0, 0, 0, 18 };
    uint8_t scrap[4096], sense[18];
    send_packet(rig, packet, LIMIT, false);
    take_data(rig, scrap, sizeof scrap);
    uint8_t status = get(rig, STATUS), error = get(rig, ERROR_REG);
    cr_assert_eq(get(rig, REASON), DONE);
    cr_assert_eq(packet_data(rig, request_sense, sense, sizeof sense), 18);
    cr_assert_eq(sense[0], 0x70);
    cr_assert_eq(status, sense[2] != 0 ? READY | ERR : READY);
    cr_assert_eq(error >> 4, sense[2]);
    return (uint32_t)sense[2] << 16 | (uint32_t)sense[12] << 8 | sense[13];
}

static const uint8_t test_unit_ready[12] = { 0x00 };

static struct rig *ready_rig(const char *kinds)
{
    struct rig *rig = rig_create(kinds);
    cr_assert_eq(packet_sense(rig, test_unit_ready), 0x062900, "power-on attention");
    return rig;
}

Test(ide_atapi, ata_commands)
{
    static const struct {
        uint8_t command, feature, count, status, error;
        bool signature;
    } rows[] = {
        { 0xEC, 0, 0, READY | ERR, 4, true },  { 0x20, 0, 1, READY | ERR, 4, true },
        { 0xC8, 0, 1, READY | ERR, 4, false }, { 0xEF, 3, 0x22, READY, 0, false },
        { 0xEF, 2, 0, READY | ERR, 4, false }, { 0xE5, 0, 0, READY, 0, false },
        { 0xE0, 0, 0, READY, 0, false },       { 0x00, 0, 0, READY | ERR, 4, false },
    };
    struct rig *rig = rig_create("c---");
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        put(rig, FEATURE, rows[i].feature);
        command28(rig, rows[i].command, 0, rows[i].count);
        cr_expect_eq(get(rig, STATUS), rows[i].status, "command %02x", rows[i].command);
        cr_expect_eq(get(rig, ERROR_REG), rows[i].error, "command %02x", rows[i].command);
        if (rows[i].signature)
            cr_expect_eq(get(rig, MID) | get(rig, HIGH) << 8, 0xEB14, "command %02x", rows[i].command);
    }
    uint8_t id[512];
    put(rig, COMMAND, 0xA1);
    pio_in(rig, id, 512);
    cr_expect_eq(id[0] | id[1] << 8, 0x85C0);
    cr_expect_eq(memcmp(id + 54, "XV68C -DOR M", 12), 0);
    rig_destroy(rig);
}

Test(ide_atapi, unit_attention)
{
    static const uint8_t inquiry[12] = { 0x12, 0, 0, 0, 36 };
    struct rig *rig = rig_create("c---");
    uint8_t reply[64];
    cr_expect_eq(packet_data(rig, inquiry, reply, sizeof reply), 36, "INQUIRY passes it");
    cr_expect_eq(packet_sense(rig, test_unit_ready), 0x062900);
    cr_expect_eq(packet_sense(rig, test_unit_ready), 0, "reported once");
    out(rig, rig->control, 1, 0x04);
    out(rig, rig->control, 1, 0x00);
    static const uint8_t request_sense[12] = { 0x03, 0, 0, 0, 18 };
    packet_data(rig, request_sense, reply, sizeof reply);
    cr_expect_eq(reply[2], 0x06, "REQUEST SENSE takes it itself");
    cr_expect_eq(packet_sense(rig, test_unit_ready), 0);
    rig_destroy(rig);
}

/* Packet -> length and first bytes of the reply. */
Test(ide_atapi, replies)
{
    static const struct {
        const char *what;
        uint8_t packet[12];
        size_t bytes;
        uint8_t count, expect[32];
    } rows[] = {
        { "inquiry",
          { 0x12, 0, 0, 0, 96 },
          36,
          16,
          { 5, 0x80, 0, 0x21, 31, 0, 0, 0, 'V', 'X', '8', '6', ' ', ' ', ' ', ' ' } },
        { "inquiry 5", { 0x12, 0, 0, 0, 5 }, 5, 5, { 5, 0x80, 0, 0x21, 31 } },
        { "capacity", { 0x25 }, 8, 8, { 0, 0, 2, 0x57, 0, 0, 8, 0 } },
        { "toc", { 0x43, 0, 0, 0, 0, 0, 0, 1, 0 }, 20, 20, { 0, 18, 1, 1,    0,    0x14, 1, 0, 0, 0,
                                                             0, 0,  0, 0x14, 0xAA, 0,    0, 0, 2, 0x58 } },
        { "toc msf", { 0x43, 2, 0, 0, 0, 0, 0, 1, 0 }, 20, 20, { 0, 18, 1, 1,    0,    0x14, 1, 0, 0,  0,
                                                                 2, 0,  0, 0x14, 0xAA, 0,    0, 0, 10, 0 } },
        { "toc lead-out",
          { 0x43, 0, 0, 0, 0, 0, 0xAA, 1, 0 },
          12,
          12,
          { 0, 10, 1, 1, 0, 0x14, 0xAA, 0, 0, 0, 2, 0x58 } },
        { "toc header", { 0x43, 0, 0, 0, 0, 0, 0, 0, 4 }, 4, 4, { 0, 18, 1, 1 } },
        { "sessions", { 0x43, 0, 1, 0, 0, 0, 0, 1, 0 }, 12, 12, { 0, 10, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0 } },
        { "sessions, old form", { 0x43, 0, 0, 0, 0, 0, 0, 1, 0, 0x40 }, 12, 4, { 0, 10, 1, 1 } },
        { "full toc",
          { 0x43, 0, 2, 0, 0, 0, 0, 1, 0 },
          48,
          15,
          { 0, 46, 1, 1, 1, 0x14, 0, 0xA0, 0, 0, 0, 0, 1, 0, 0 } },
        { "subchannel", { 0x42, 0, 0x40, 1, 0, 0, 0, 0, 16 }, 16, 8, { 0, 0x15, 0, 12, 1, 0x14, 1, 1 } },
        { "subchannel header", { 0x42, 0, 0, 1, 0, 0, 0, 0, 16 }, 4, 4, { 0, 0x15, 0, 0 } },
        { "disc information", { 0x51, 0, 0, 0, 0, 0, 0, 0, 34 }, 34, 8, { 0, 32, 0x0E, 1, 1, 1, 1, 0x20 } },
        { "mechanism", { 0xBD, 0, 0, 0, 0, 0, 0, 0, 0, 8 }, 8, 8, { 0, 0, 0, 0, 0, 0, 0, 0 } },
        { "event", { 0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8 }, 8, 8, { 0, 6, 4, 0x10, 0, 2, 0, 0 } },
        { "no event class", { 0x4A, 1, 0, 0, 0x02, 0, 0, 0, 8 }, 4, 4, { 0, 2, 0x80, 0x10 } },
        { "mode 2A",
          { 0x5A, 0, 0x2A, 0, 0, 0, 0, 0, 64 },
          30,
          15,
          { 0, 28, 0, 0, 0, 0, 0, 0, 0x2A, 20, 0x0B, 0, 0x70, 0, 0x29 } },
        { "mode 2A (6)", { 0x1A, 0, 0x2A, 0, 64 }, 26, 6, { 25, 0, 0, 0, 0x2A, 20 } },
        { "mode all", { 0x5A, 0, 0x3F, 0, 0, 0, 0, 0, 64 }, 38, 10, { 0, 36, 0, 0, 0, 0, 0, 0, 1, 6 } },
        { "mode changeable",
          { 0x5A, 0, 0x6A, 0, 0, 0, 0, 0, 64 },
          30,
          14,
          { 0, 28, 0, 0, 0, 0, 0, 0, 0x2A, 20, 0, 0, 0, 0 } },
        { "configuration header", { 0x46, 0, 0, 0, 0, 0, 0, 0, 8 }, 8, 8, { 0, 0, 0, 60, 0, 0, 0, 8 } },
        { "one feature", { 0x46, 2, 0, 0x10, 0, 0, 0, 1, 0 }, 20, 20, { 0, 0, 0, 16, 0, 0, 0, 8, 0, 0x10,
                                                                        1, 8, 0, 0,  8, 0, 0, 1, 1, 0 } },
        { "a feature it lacks", { 0x46, 2, 0, 0x21, 0, 0, 0, 1, 0 }, 8, 8, { 0, 0, 0, 4, 0, 0, 0, 8 } },
        { "nothing allocated", { 0x12, 0, 0, 0, 0 }, 0, 0, { 0 } },
    };
    struct rig *rig = ready_rig("c---");
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        uint8_t reply[512] = { 0 };
        size_t got = packet_data(rig, rows[i].packet, reply, sizeof reply);
        cr_expect_eq(got, rows[i].bytes, "%s: %zu bytes", rows[i].what, got);
        cr_expect_eq(memcmp(reply, rows[i].expect, rows[i].count), 0, "%s", rows[i].what);
    }
    rig_destroy(rig);
}

/* Packet -> sense, with a medium and with an empty drive. */
Test(ide_atapi, errors)
{
    static const struct {
        uint8_t packet[12];
        uint32_t with_medium, empty;
    } rows[] = {
        { { 0x00 }, 0, 0x023A01 },
        { { 0x25 }, 0, 0x023A01 },
        { { 0x28, 0, 0, 0, 0, 0, 0, 0, 1 }, 0, 0x023A01 },
        { { 0x28, 0, 0, 0, 2, 0x58, 0, 0, 1 }, 0x052100, 0x023A01 },
        { { 0x28, 0, 0, 0, 2, 0x57, 0, 0, 2 }, 0x052100, 0x023A01 },
        { { 0x28, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0xFF, 0xFF }, 0x052100, 0x023A01 },
        { { 0x28, 0, 0, 0, 0, 0, 0, 0, 0 }, 0, 0x023A01 },
        { { 0xA8, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF }, 0x052100, 0x023A01 },
        { { 0x2B, 0, 0, 0, 2, 0x57 }, 0, 0x023A01 },
        { { 0x2B, 0, 0, 0, 2, 0x58 }, 0x052100, 0x023A01 },
        { { 0x43, 0, 0, 0, 0, 0, 2, 1, 0 }, 0x052400, 0x023A01 },
        { { 0x43, 0, 5, 0, 0, 0, 0, 1, 0 }, 0x052400, 0x023A01 },
        { { 0x42, 0, 0x40, 7, 0, 0, 0, 0, 16 }, 0x052400, 0x023A01 },
        { { 0xBE, 0, 0, 0, 0, 0, 0, 0, 1, 0xF8 }, 0x052400, 0x023A01 },
        { { 0xBE, 0, 0, 0, 0, 0, 0, 0, 1, 0x10 }, 0, 0x023A01 },
        { { 0xBE, 0, 0, 0, 0, 0, 0, 0, 1, 0x00 }, 0, 0x023A01 },
        { { 0xB9, 0, 0, 0, 2, 0, 0, 2, 1, 0x10 }, 0, 0x023A01 },
        { { 0xB9, 0, 0, 0, 1, 0, 0, 2, 1, 0x10 }, 0x052400, 0x023A01 },
        { { 0xB9, 0, 0, 0, 9, 0, 0, 2, 1, 0x10 }, 0x052400, 0x023A01 },
        { { 0x12, 1, 0, 0, 36 }, 0x052400, 0x052400 },
        { { 0x5A, 0, 0x0E, 0, 0, 0, 0, 0, 64 }, 0x052400, 0x052400 },
        { { 0x5A, 0, 0xEA, 0, 0, 0, 0, 0, 64 }, 0x053900, 0x053900 },
        { { 0x4A, 0, 0, 0, 0x10, 0, 0, 0, 8 }, 0x052400, 0x052400 },
        { { 0x46, 3, 0, 0, 0, 0, 0, 1, 0 }, 0x052400, 0x052400 },
        { { 0x2A }, 0x052000, 0x052000 },
        { { 0xFF }, 0x052000, 0x052000 },
    };
    struct rig *rigs[2] = { ready_rig("c---"), ready_rig("e---") };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++)
        for (unsigned empty = 0; empty < 2; empty++) {
            uint32_t sense = packet_sense(rigs[empty], rows[i].packet),
                     expect = empty ? rows[i].empty : rows[i].with_medium;
            cr_expect_eq(sense, expect, "row %zu, empty %u: sense %06x", i, empty, sense);
        }
    rigs[0]->media[0].bad_first = 40;
    rigs[0]->media[0].bad_count = 1;
    static const uint8_t read_bad[12] = { 0x28, 0, 0, 0, 0, 10, 0, 0, 1 };
    cr_expect_eq(packet_sense(rigs[0], read_bad), 0x031100);
    rig_destroy(rigs[0]);
    rig_destroy(rigs[1]);
}

/* Reads by PIO with all sorts of byte count limits: the blocks the drive makes of them. */
Test(ide_atapi, byte_count_limits)
{
    static const struct {
        unsigned limit, first;
    } rows[] = { { 0xFFFE, 0xFFFE }, { 0xFFFF, 0xFFFE }, { 2048, 2048 }, { 2047, 2046 },
                 { 512, 512 },       { 2, 2 },           { 3, 2 } };
    struct rig *rig = ready_rig("c---");
    uint8_t packet[12] = { 0xA8, 0, 0, 0, 0, 3, 0, 0, 0, 33 }, *bytes = malloc(40 * 2048);
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        send_packet(rig, packet, rows[i].limit, false);
        cr_expect_eq(get(rig, MID) | (unsigned)get(rig, HIGH) << 8, rows[i].first, "limit %x", rows[i].limit);
        cr_expect_eq(take_data(rig, bytes, 40 * 2048), 33 * 2048, "limit %x", rows[i].limit);
        cr_expect(matches(bytes, 33 * 2048, 3 * 2048), "limit %x", rows[i].limit);
        cr_expect_eq(get(rig, STATUS), READY, "limit %x", rows[i].limit);
    }
    static const unsigned impossible[] = { 0, 1 };
    for (size_t i = 0; i < 2; i++) {
        send_packet(rig, packet, impossible[i], false);
        cr_expect_eq(get(rig, STATUS), READY | ERR, "limit %u", impossible[i]);
        cr_expect_eq(get(rig, ERROR_REG), 0x04, "limit %u: aborted", impossible[i]);
    }
    free(bytes);
    rig_destroy(rig);
}

/* More blocks than the drive's buffer holds, by DMA and by PIO. */
Test(ide_atapi, large_reads)
{
    enum { BLOCKS = 300 };
    static const uint8_t packet[12] = { 0x28, 0, 0, 0, 0, 100, 0, BLOCKS >> 8, BLOCKS & 0xFF };
    struct rig *rig = ready_rig("c---");
    uint8_t *bytes = malloc(BLOCKS * 2048);
    for (unsigned i = 0; i < 10; i++)
        prd(rig, TABLE, i, BUFFER + i * 0x10000, 0, i == 9);
    put(rig, STATUS, 0);
    bm_start(rig, TABLE, true);
    send_packet(rig, packet, 0, true);
    cr_expect_eq(get(rig, STATUS), READY);
    cr_expect_eq(in(rig, BM_ST, 1) & 7, 5, "table longer than the transfer");
    cr_expect(memory_matches(rig, BUFFER, BLOCKS * 2048, 100 * 2048));
    cr_expect_eq(packet_data(rig, packet, bytes, BLOCKS * 2048), BLOCKS * 2048);
    cr_expect(matches(bytes, BLOCKS * 2048, 100 * 2048));
    free(bytes);
    rig_destroy(rig);
}

Test(ide_atapi, replies_by_dma)
{
    static const uint8_t inquiry[12] = { 0x12, 0, 0, 0, 36 };
    struct rig *rig = ready_rig("c---");
    uint8_t reply[36];
    prd(rig, TABLE, 0, BUFFER, 36, true);
    bm_start(rig, TABLE, true);
    send_packet(rig, inquiry, 0, true);
    vx_pmap_read(rig->pmap, BUFFER, reply, 36);
    cr_assert_eq(memcmp(reply + 8, "VX86    VX86 CD-ROM", 19), 0);
    cr_assert_eq(get(rig, STATUS), READY);
    rig_destroy(rig);
}

Test(ide_atapi, tray)
{
    static const uint8_t eject[12] = { 0x1B, 0, 0, 0, 2 }, load[12] = { 0x1B, 0, 0, 0, 3 }, stop[12] = { 0x1B };
    static const uint8_t lock[12] = { 0x1E, 0, 0, 0, 1 }, unlock[12] = { 0x1E };
    static const uint8_t event[12] = { 0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8 };
    struct rig *rig = ready_rig("c---");
    uint8_t reply[8];
    cr_expect_eq(packet_sense(rig, lock), 0);
    cr_expect_eq(packet_sense(rig, eject), 0x055302);
    cr_expect_eq(packet_sense(rig, test_unit_ready), 0);
    cr_expect_eq(packet_sense(rig, unlock), 0);
    cr_expect_eq(packet_sense(rig, stop), 0);
    cr_expect_eq(packet_sense(rig, eject), 0);
    packet_data(rig, event, reply, 8);
    cr_expect_eq(reply[4] << 8 | reply[5], 0x0301, "removed, door open");
    packet_data(rig, event, reply, 8);
    cr_expect_eq(reply[4], 0, "told once");
    cr_expect_eq(packet_sense(rig, test_unit_ready), 0x023A02);
    send_packet(rig, load, LIMIT, false);
    cr_expect_eq(get(rig, STATUS), READY);
    packet_data(rig, event, reply, 8);
    cr_expect_eq(reply[4] << 8 | reply[5], 0x0202, "new medium");
    cr_expect_eq(packet_sense(rig, test_unit_ready), 0x062800);
    cr_expect_eq(packet_sense(rig, test_unit_ready), 0);
    rig_destroy(rig);
}
