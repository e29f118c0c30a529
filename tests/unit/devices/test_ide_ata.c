/* Commands of a disk, by PIO unless the command is about DMA; what the host is told, and what reaches the back end. */
#include "ide_rig.h"

static uint16_t word(const uint8_t *id, unsigned index)
{
    return (uint16_t)(id[2 * index] | id[2 * index + 1] << 8);
}

static void identify(struct rig *rig, uint8_t *id)
{
    put(rig, COMMAND, 0xEC);
    settle(rig);
    cr_assert_eq(get(rig, STATUS), READY | DRQ);
    pio_in(rig, id, 512);
    cr_assert_eq(get(rig, STATUS), READY);
}

static void expect_string(const uint8_t *id, unsigned first, const char *expect)
{
    char text[41] = { 0 };
    size_t length = strlen(expect);
    for (size_t i = 0; i < length; i++)
        text[i] = (char)id[2 * first + (i ^ 1)];
    cr_expect_str_eq(text, expect);
}

Test(ide_ata, identify)
{
    static const struct {
        unsigned index;
        uint16_t value;
    } rows[] = {
        { 0, 0x0040 },
        { 1, 4 },
        { 3, 16 },
        { 6, 63 },
        { 47, 0x8010 },
        { 49, 0x0F00 },
        { 53, 0x0007 },
        { 54, 4 },
        { 55, 16 },
        { 56, 63 },
        { 57, 4 * 16 * 63 },
        { 58, 0 },
        { 59, 0 },
        { 60, DISK_SECTORS },
        { 61, 0 },
        { 63, 0x0007 },
        { 64, 3 },
        { 80, 0x00FE },
        { 82, 0x0068 },
        { 83, 0x7400 },
        { 84, 0x4040 },
        { 85, 0x0068 },
        { 86, 0x3400 },
        { 87, 0x4040 },
        { 88, 0x003F },
        { 93, 0x600B },
        { 100, DISK_SECTORS },
        { 101, 0 },
    };
    struct rig *rig = rig_create("dd--");
    uint8_t id[512], other[512], sum = 0;
    identify(rig, id);
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++)
        cr_expect_eq(word(id, rows[i].index), rows[i].value, "word %u is %04x", rows[i].index, word(id, rows[i].index));
    for (unsigned i = 0; i < 512; i++)
        sum += id[i];
    cr_expect_eq(sum, 0);
    cr_expect_eq(id[510], 0xA5);
    expect_string(id, 27, "VX86 HARDDISK                           ");
    expect_string(id, 23, "1.0     ");
    expect_string(id, 10, "VX0-");
    select_drive(rig, 1);
    identify(rig, other);
    expect_string(other, 10, "VX1-");
    cr_expect_eq(word(other, 93), 0x6B00);
    rig_destroy(rig);
}

/* Settings show in the identification. */
Test(ide_ata, settings)
{
    struct rig *rig = rig_create("d---");
    uint8_t id[512];
    set_features(rig, 0x03, 0x22);
    identify(rig, id);
    cr_expect_eq(word(id, 63), 0x0407);
    set_features(rig, 0x03, 0x42);
    identify(rig, id);
    cr_expect_eq(word(id, 63), 0x0007);
    cr_expect_eq(word(id, 88), 0x043F);
    set_features(rig, 0x82, 0);
    set_features(rig, 0x55, 0);
    identify(rig, id);
    cr_expect_eq(word(id, 85), 0x0008);
    out(rig, rig->control, 1, 0x04);
    out(rig, rig->control, 1, 0x00);
    identify(rig, id);
    cr_expect_eq(word(id, 85), 0x0008, "SRST keeps them");
    ide_type.reset(rig->ide, VX_RESET_HOLD);
    ide_type.reset(rig->ide, VX_RESET_RELEASE);
    identify(rig, id);
    cr_expect_eq(word(id, 85), 0x0068, "a power-on reset does not");
    cr_expect_eq(word(id, 88), 0x003F);
    command28(rig, 0xC6, 0, 8);
    put(rig, COUNT, 32);
    put(rig, DEVICE, 0xA7);
    put(rig, COMMAND, 0x91);
    identify(rig, id);
    cr_expect_eq(word(id, 59), 0x0108);
    cr_expect_eq(word(id, 54), 16);
    cr_expect_eq(word(id, 55), 8);
    cr_expect_eq(word(id, 56), 32);
    cr_expect_eq(word(id, 1), 4, "the default translation stays");
    rig_destroy(rig);
}

/* Command, feature, count -> status and error. */
Test(ide_ata, plain_commands)
{
    static const struct {
        uint8_t command, feature, count, status, error;
    } rows[] = {
        { 0x00, 0, 0, READY | ERR, 0x04 },
        { 0x08, 0, 0, READY | ERR, 0x04 },
        { 0x10, 0, 0, READY, 0 },
        { 0x1F, 0, 0, READY, 0 },
        { 0x70, 0, 0, READY, 0 },
        { 0x91, 0, 63, READY, 0 },
        { 0x91, 0, 0, READY | ERR, 0x04 },
        { 0xA0, 0, 0, READY | ERR, 0x04 },
        { 0xA1, 0, 0, READY | ERR, 0x04 },
        { 0xB0, 0xD8, 0, READY | ERR, 0x04 },
        { 0xC6, 0, 16, READY, 0 },
        { 0xC6, 0, 0, READY, 0 },
        { 0xC6, 0, 3, READY | ERR, 0x04 },
        { 0xC6, 0, 32, READY | ERR, 0x04 },
        { 0xE0, 0, 0, READY, 0 },
        { 0xE1, 0, 0, READY, 0 },
        { 0xE2, 0, 0, READY, 0 },
        { 0xE3, 0, 0, READY, 0 },
        { 0x94, 0, 0, READY, 0 },
        { 0x97, 0, 0, READY, 0 },
        { 0xE5, 0, 0, READY, 0 },
        { 0xE7, 0, 0, READY, 0 },
        { 0xEA, 0, 0, READY, 0 },
        { 0xEF, 0x02, 0, READY, 0 },
        { 0xEF, 0x03, 0x0C, READY, 0 },
        { 0xEF, 0x03, 0x45, READY, 0 },
        { 0xEF, 0x03, 0x46, READY | ERR, 0x04 },
        { 0xEF, 0x03, 0x10, READY | ERR, 0x04 },
        { 0xEF, 0x05, 0xFE, READY | ERR, 0x04 },
        { 0xEF, 0x82, 0, READY, 0 },
        { 0xF9, 0, 0, READY | ERR, 0x04 },
        { 0xFF, 0, 0, READY | ERR, 0x04 },
        { 0xC4, 0, 1, READY | ERR, 0x04 },
        { 0xC5, 0, 1, READY | ERR, 0x04 },
    };
    struct rig *rig = rig_create("d---");
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        put(rig, FEATURE, rows[i].feature);
        command28(rig, rows[i].command, 0, rows[i].count);
        settle(rig);
        cr_expect(rig->level[0], "%02x interrupts", rows[i].command);
        uint8_t status = get(rig, STATUS), error = get(rig, ERROR_REG);
        cr_expect_eq(status, rows[i].status, "command %02x feature %02x: status %02x", rows[i].command, rows[i].feature,
                     status);
        cr_expect_eq(error, rows[i].error, "command %02x feature %02x: error %02x", rows[i].command, rows[i].feature,
                     error);
    }
    rig_destroy(rig);
}

Test(ide_ata, power_modes)
{
    struct rig *rig = rig_create("d---");
    command28(rig, 0xE5, 0, 0);
    cr_expect_eq(get(rig, COUNT), 0xFF);
    command28(rig, 0xE0, 0, 0);
    settle(rig);
    cr_expect_eq(rig->media[0].trace[0].op, VX_BLOCK_FLUSH, "standby flushes");
    command28(rig, 0xE5, 0, 0);
    cr_expect_eq(get(rig, COUNT), 0x00);
    command28(rig, 0x40, 0, 1);
    settle(rig);
    command28(rig, 0xE5, 0, 0);
    cr_expect_eq(get(rig, COUNT), 0xFF, "an access wakes it");
    command28(rig, 0xE6, 0, 0);
    settle(rig);
    get(rig, STATUS);
    command28(rig, 0xE5, 0, 0x42);
    cr_expect_eq(get(rig, COUNT), 0x42, "asleep");
    out(rig, rig->control, 1, 0x04);
    out(rig, rig->control, 1, 0x00);
    command28(rig, 0xE5, 0, 0x42);
    cr_expect_eq(get(rig, COUNT), 0xFF);
    rig_destroy(rig);
}

Test(ide_ata, native_max)
{
    struct rig *rig = rig_create("d---");
    command28(rig, 0xF8, 0, 0);
    cr_expect_eq(get(rig, LOW) | get(rig, MID) << 8 | get(rig, HIGH) << 16, DISK_SECTORS - 1);
    command48(rig, 0x27, 0, 0);
    cr_expect_eq(get(rig, LOW) | get(rig, MID) << 8 | get(rig, HIGH) << 16, DISK_SECTORS - 1);
    out(rig, rig->control, 1, 0x80);
    cr_expect_eq(get(rig, LOW) | get(rig, MID) << 8 | get(rig, HIGH) << 16, 0);
    rig_destroy(rig);
}

/* All ways to read sectors by PIO: interrupts are one for each DRQ block, none at the end. */
Test(ide_ata, pio_reads)
{
    static const struct {
        uint8_t command;
        uint8_t multiple;
        uint16_t count;
        unsigned interrupts;
    } rows[] = {
        { 0x20, 0, 1, 1 }, { 0x21, 0, 3, 3 },  { 0x24, 0, 600, 600 },  { 0xC4, 4, 4, 1 },
        { 0xC4, 4, 6, 2 }, { 0xC4, 16, 1, 1 }, { 0x29, 16, 1040, 65 }, { 0x20, 0, 0, 256 },
    };
    uint8_t *bytes = malloc(65536 * 512);
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct rig *rig = rig_create("d---");
        unsigned sectors = rows[i].count != 0 ? rows[i].count : 256;
        bool ext = rows[i].command == 0x24 || rows[i].command == 0x29;
        put(rig, COUNT, rows[i].multiple);
        put(rig, COMMAND, 0xC6);
        get(rig, STATUS);
        rig->edges[0] = 0;
        if (ext)
            command48(rig, rows[i].command, 11, (uint16_t)sectors);
        else
            command28(rig, rows[i].command, 11, (uint8_t)rows[i].count);
        for (unsigned at = 0; at < sectors;) {
            unsigned block = rows[i].multiple != 0 ? rows[i].multiple : 1;
            if (block > sectors - at)
                block = sectors - at;
            settle(rig);
            cr_assert_eq(get(rig, STATUS), READY | DRQ, "row %zu sector %u", i, at);
            pio_in(rig, bytes + at * 512, block * 512);
            at += block;
        }
        cr_expect_eq(get(rig, STATUS), READY, "row %zu", i);
        cr_expect_eq(rig->edges[0], rows[i].interrupts, "row %zu: %u interrupts", i, rig->edges[0]);
        cr_expect(matches(bytes, sectors * 512, 11 * 512), "row %zu", i);
        cr_expect_eq(get(rig, COUNT), 0, "row %zu", i);
        cr_expect_eq(get(rig, LOW) | get(rig, MID) << 8, (int)(11 + sectors - 1), "row %zu: last sector", i);
        rig_destroy(rig);
    }
    free(bytes);
}

/* ... and to write: no interrupt for the first DRQ block, one for each further and one at the end. */
Test(ide_ata, pio_writes)
{
    static const struct {
        uint8_t command, multiple;
        unsigned sectors, interrupts, writes;
    } rows[] = {
        { 0x30, 0, 1, 1, 1 },       { 0x31, 0, 3, 3, 1 },      { 0xC5, 4, 6, 2, 1 },
        { 0x34, 0, 1000, 1000, 2 }, { 0x39, 8, 1024, 128, 2 },
    };
    uint8_t *bytes = malloc(1024 * 512);
    for (unsigned i = 0; i < 1024 * 512; i++)
        bytes[i] = (uint8_t)(i * 31 >> 3);
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct rig *rig = rig_create("d---");
        unsigned block = rows[i].multiple != 0 ? rows[i].multiple : 1, sectors = rows[i].sectors;
        put(rig, COUNT, rows[i].multiple);
        put(rig, COMMAND, 0xC6);
        get(rig, STATUS);
        rig->edges[0] = 0;
        if (rows[i].command == 0x34 || rows[i].command == 0x39)
            command48(rig, rows[i].command, 77, (uint16_t)sectors);
        else
            command28(rig, rows[i].command, 77, (uint8_t)sectors);
        for (unsigned at = 0; at < sectors; at += block) {
            settle(rig);
            cr_assert_eq(get(rig, STATUS), READY | DRQ, "row %zu sector %u", i, at);
            pio_out(rig, bytes + at * 512, (at + block > sectors ? sectors - at : block) * 512);
        }
        cr_expect_eq(alt_status(rig), BSY, "row %zu: not complete before the back end has it", i);
        settle(rig);
        cr_expect_eq(get(rig, STATUS), READY, "row %zu", i);
        cr_expect_eq(rig->edges[0], rows[i].interrupts, "row %zu: %u interrupts", i, rig->edges[0]);
        cr_expect_eq(rig->media[0].requests, rows[i].writes, "row %zu: %u requests", i, rig->media[0].requests);
        cr_expect_eq(memcmp(rig->media[0].bytes + 77 * 512, bytes, sectors * 512), 0, "row %zu", i);
        rig_destroy(rig);
    }
    free(bytes);
}

/* CHS addresses in the default and in a set translation: cylinder, head, sector -> LBA, UINT32_MAX for IDNF. */
Test(ide_ata, chs)
{
    static const struct {
        uint8_t heads, sectors; /* 0: default translation */
        unsigned cylinder, head, sector;
        uint32_t lba;
    } rows[] = {
        { 0, 0, 0, 0, 1, 0 },           { 0, 0, 0, 1, 1, 63 },           { 0, 0, 1, 0, 1, 1008 },
        { 0, 0, 2, 5, 63, 2393 },       { 0, 0, 0, 0, 0, UINT32_MAX },   { 0, 0, 0, 0, 64, UINT32_MAX },
        { 0, 0, 4, 1, 1, 4095 },        { 0, 0, 4, 1, 2, UINT32_MAX },   { 8, 32, 1, 0, 1, 256 },
        { 8, 32, 0, 8, 1, UINT32_MAX }, { 8, 32, 0, 0, 33, UINT32_MAX }, { 0, 0, 65535, 15, 63, UINT32_MAX },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct rig *rig = rig_create("d---");
        uint8_t sector[512];
        if (rows[i].heads != 0) {
            put(rig, COUNT, rows[i].sectors);
            put(rig, DEVICE, 0xA0 | (rows[i].heads - 1));
            put(rig, COMMAND, 0x91);
        }
        put(rig, COUNT, 1);
        put(rig, LOW, (uint8_t)rows[i].sector);
        put(rig, MID, (uint8_t)rows[i].cylinder);
        put(rig, HIGH, (uint8_t)(rows[i].cylinder >> 8));
        put(rig, DEVICE, (uint8_t)(0xA0 | rows[i].head));
        put(rig, COMMAND, 0x20);
        settle(rig);
        if (rows[i].lba == UINT32_MAX) {
            cr_expect_eq(get(rig, STATUS), READY | ERR, "row %zu", i);
            cr_expect_eq(get(rig, ERROR_REG), 0x10, "row %zu", i);
        } else {
            pio_in(rig, sector, 512);
            cr_expect(matches(sector, 512, (uint64_t)rows[i].lba * 512), "row %zu", i);
            cr_expect_eq(get(rig, LOW), rows[i].sector, "row %zu: the address stays", i);
            cr_expect_eq(get(rig, MID) | get(rig, HIGH) << 8, (int)rows[i].cylinder, "row %zu", i);
            cr_expect_eq(get(rig, DEVICE), 0xA0 | rows[i].head, "row %zu", i);
        }
        rig_destroy(rig);
    }
}

/* Past the end of the disk: IDNF, and the back end hears nothing. */
Test(ide_ata, range)
{
    static const struct {
        uint8_t command;
        uint64_t lba;
        uint16_t count;
    } rows[] = {
        { 0x20, DISK_SECTORS, 1 },     { 0x20, DISK_SECTORS - 1, 2 },
        { 0x30, 0x0FFFFFFF, 1 },       { 0xC8, DISK_SECTORS - 255, 0 },
        { 0xCA, DISK_SECTORS, 1 },     { 0x24, 0xFFFFFFFFFFFF, 0xFFFF },
        { 0x25, 0x1000000, 1 },        { 0x35, 0, 0 },
        { 0x42, DISK_SECTORS - 1, 2 }, { 0x40, DISK_SECTORS, 1 },
    };
    struct rig *rig = rig_create("d---");
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        bool ext = rows[i].command < 0x40 ? (rows[i].command & 0x04) != 0 : rows[i].command == 0x42;
        if (ext)
            command48(rig, rows[i].command, rows[i].lba, rows[i].count);
        else
            command28(rig, rows[i].command, (uint32_t)rows[i].lba, (uint8_t)rows[i].count);
        settle(rig);
        cr_expect_eq(get(rig, STATUS), READY | ERR, "row %zu", i);
        cr_expect_eq(get(rig, ERROR_REG), 0x10, "row %zu", i);
        put(rig, DEVICE, 0xE0);
    }
    cr_assert_eq(rig->media[0].requests, 0);
    rig_destroy(rig);
}

/* An unreadable sector is named, wherever in the transfer it is. */
Test(ide_ata, uncorrectable)
{
    static const struct {
        uint8_t command;
        uint32_t first, count, bad;
    } rows[] = { { 0x20, 10, 1, 10 }, { 0x20, 10, 200, 150 }, { 0x40, 0, 255, 254 }, { 0xC8, 100, 20, 119 } };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct rig *rig = rig_create("d---");
        rig->media[0].bad_first = rows[i].bad;
        rig->media[0].bad_count = 1;
        command28(rig, rows[i].command, rows[i].first, (uint8_t)rows[i].count);
        settle(rig);
        cr_expect_eq(get(rig, STATUS), READY | ERR, "row %zu", i);
        cr_expect_eq(get(rig, ERROR_REG), 0x40, "row %zu", i);
        cr_expect_eq(get(rig, LOW), rows[i].bad, "row %zu: sector %u", i, get(rig, LOW));
        cr_expect_eq(get(rig, COUNT), rows[i].first + rows[i].count - rows[i].bad, "row %zu", i);
        rig_destroy(rig);
    }
    struct rig *rig = rig_create("d---");
    uint8_t sector[512] = { 0 };
    rig->media[0].bad_first = 3;
    rig->media[0].bad_count = 1;
    command28(rig, 0x30, 3, 1);
    pio_out(rig, sector, 512);
    settle(rig);
    cr_expect_eq(get(rig, STATUS), READY | DF | ERR, "a failed write is a device fault");
    rig_destroy(rig);
}

/* What each write command makes of the write cache: the requests at the back end, in order. */
Test(ide_ata, write_cache)
{
    static const struct {
        uint8_t command, feature;
        bool flush;
    } rows[] = {
        { 0x30, 0x02, false }, { 0x30, 0x82, true },  { 0x34, 0x82, true }, { 0xCE, 0x02, true },
        { 0xC5, 0x82, true },  { 0xC5, 0x02, false }, { 0x39, 0x82, true },
    };
    uint8_t sector[512] = { 1, 2, 3 };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct rig *rig = rig_create("d---");
        struct fake_block *fake = &rig->media[0];
        set_features(rig, rows[i].feature, 0);
        command28(rig, 0xC6, 0, 1);
        unsigned before = fake->requests;
        cr_expect_eq(before, rows[i].feature == 0x82, "row %zu: switching off flushes", i);
        command48(rig, rows[i].command, 8, 1);
        pio_out(rig, sector, 512);
        cr_expect_eq(fake->requests, before + 1, "row %zu", i);
        cr_expect_eq(alt_status(rig), BSY, "row %zu", i);
        settle(rig);
        cr_expect_eq(get(rig, STATUS), READY, "row %zu", i);
        cr_expect_eq(fake->requests, before + 1 + rows[i].flush, "row %zu: %u", i, fake->requests);
        cr_expect_eq(fake->trace[before].op, VX_BLOCK_WRITE, "row %zu", i);
        if (rows[i].flush)
            cr_expect_eq(fake->trace[before + 1].op, VX_BLOCK_FLUSH, "row %zu", i);
        rig_destroy(rig);
    }
}

Test(ide_ata, flush_waits_for_the_back_end)
{
    static const uint8_t commands[] = { 0xE7, 0xEA };
    struct rig *rig = rig_create("d---");
    for (size_t i = 0; i < sizeof commands; i++) {
        put(rig, COMMAND, commands[i]);
        cr_expect_eq(alt_status(rig), BSY);
        cr_expect_not(rig->level[0]);
        settle(rig);
        cr_expect(rig->level[0]);
        cr_expect_eq(get(rig, STATUS), READY);
        cr_expect_eq(rig->media[0].trace[i].op, VX_BLOCK_FLUSH);
    }
    rig_destroy(rig);
}

Test(ide_ata, read_only_medium)
{
    static const uint8_t commands[] = { 0x30, 0x34, 0x35, 0x39, 0x3D, 0xC5, 0xCA, 0xCE };
    struct rig *rig = rig_create("d---");
    rig->media[0].block.read_only = true;
    command28(rig, 0xC6, 0, 2);
    for (size_t i = 0; i < sizeof commands; i++) {
        command48(rig, commands[i], 0, 1);
        cr_expect_eq(get(rig, STATUS), READY | ERR, "command %02x", commands[i]);
        cr_expect_eq(get(rig, ERROR_REG), 0x04);
    }
    cr_assert_eq(rig->media[0].requests, 0);
    rig_destroy(rig);
}
