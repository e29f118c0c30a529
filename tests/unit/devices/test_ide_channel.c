/* The task file's ports: device selection, absent devices, interrupts, resets, widths of the data port. */
#include "ide_rig.h"

/* Selected device, drives present -> status, and what the count register reads after 55h was written to it. */
Test(ide_channel, absent_devices)
{
    static const struct {
        const char *kinds;
        uint8_t device, status, count;
    } rows[] = {
        { "d---", 0xE0, READY, 0x55 }, { "d---", 0xF0, 0x00, 0x55 }, { "dd--", 0xF0, READY, 0x55 },
        { "-d--", 0xF0, READY, 0x55 }, { "-d--", 0xE0, 0x7F, 0x7F }, { "----", 0xE0, 0x7F, 0x7F },
        { "----", 0xF0, 0x7F, 0x7F },  { "c---", 0xE0, 0x00, 0x55 },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct rig *rig = rig_create(rows[i].kinds);
        put(rig, DEVICE, rows[i].device);
        put(rig, COUNT, 0x55);
        cr_expect_eq(get(rig, STATUS), rows[i].status, "row %zu: status %02x", i, get(rig, STATUS));
        cr_expect_eq(alt_status(rig), rows[i].status, "row %zu", i);
        cr_expect_eq(get(rig, COUNT), rows[i].count, "row %zu: count %02x", i, get(rig, COUNT));
        rig_destroy(rig);
    }
}

/* A command for a device that is not there is taken by nobody. */
Test(ide_channel, absent_slave_ignores_commands)
{
    struct rig *rig = rig_create("d---");
    select_drive(rig, 1);
    put(rig, COMMAND, 0xEC);
    settle(rig);
    cr_assert_eq(get(rig, STATUS), 0);
    cr_assert_eq(rig->edges[0], 0);
    select_drive(rig, 0);
    cr_assert_eq(get(rig, STATUS), READY);
    rig_destroy(rig);
}

Test(ide_channel, decode_follows_pci)
{
    struct rig *rig = rig_create("d-d-");
    static const struct {
        uint16_t command;
        uint32_t idetim;
        bool primary, secondary;
    } rows[] = {
        { PCI_COMMAND_IO, 0x80008000, true, true },  { PCI_COMMAND_IO, 0x00008000, true, false },
        { PCI_COMMAND_IO, 0x80000000, false, true }, { 0, 0x80008000, false, false },
        { PCI_COMMAND_IO, 0, false, false },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        rig_config(rig, PCI_COMMAND, 2, rows[i].command);
        rig_config(rig, 0x40, 4, rows[i].idetim);
        cr_expect_eq(in(rig, 0x1F7, 1), rows[i].primary ? READY : 0xFFu, "row %zu", i);
        cr_expect_eq(in(rig, 0x177, 1), rows[i].secondary ? READY : 0xFFu, "row %zu", i);
        cr_expect_eq(in(rig, 0x3F6, 1), rows[i].primary ? READY : 0xFFu, "row %zu", i);
    }
    rig_destroy(rig);
}

Test(ide_channel, config_registers)
{
    struct rig *rig = rig_create("d---");
    static const struct {
        unsigned reg, size;
        uint32_t write, expect;
    } rows[] = {
        { 0x00, 4, 0, 0x70108086 },          { 0x08, 4, 0, 0x01018000 }, { 0x40, 2, 0xFFFF, 0xF3FF },
        { 0x42, 2, 0xFFFF, 0xF3FF },         { 0x44, 1, 0xFF, 0xFF },    { 0x48, 4, 0xFFFFFFFF, 0 },
        { 0x20, 4, 0xFFFFFFFF, 0xFFFFFFF1 }, { 0x10, 4, 0xFFFFFFFF, 0 }, { 0x3C, 1, 0x0E, 0x0E },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        rig_config(rig, rows[i].reg, rows[i].size, rows[i].write);
        uint32_t value = pci_read_config(rig->pci, 1, 1, rows[i].reg, rows[i].size);
        cr_expect_eq(value, rows[i].expect, "register %02x: %08x", rows[i].reg, value);
    }
    rig_destroy(rig);
}

/* Both drives hear a register write, each HOB half is kept, and any write switches back to the newer half. */
Test(ide_channel, task_file_halves)
{
    struct rig *rig = rig_create("dd--");
    put(rig, COUNT, 0x12);
    put(rig, COUNT, 0x34);
    for (unsigned device = 0; device < 2; device++) {
        select_drive(rig, device);
        out(rig, rig->control, 1, 0x00);
        cr_expect_eq(get(rig, COUNT), 0x34);
        out(rig, rig->control, 1, 0x80);
        cr_expect_eq(get(rig, COUNT), 0x12);
    }
    put(rig, LOW, 0);
    cr_expect_eq(get(rig, COUNT), 0x34);
    rig_destroy(rig);
}

/* 16- and 32-bit accesses besides the data port come apart into bytes. */
Test(ide_channel, wide_register_access)
{
    struct rig *rig = rig_create("d---");
    out(rig, 0x1F2, 2, 0x3412);
    cr_expect_eq(get(rig, COUNT), 0x12);
    cr_expect_eq(get(rig, LOW), 0x34);
    cr_expect_eq(in(rig, 0x1F2, 2), 0x3412);
    cr_expect_eq(in(rig, 0x1F6, 2), (uint32_t)(READY << 8 | get(rig, DEVICE)));
    rig_destroy(rig);
}

Test(ide_channel, interrupt_line)
{
    struct rig *rig = rig_create("dd--");
    put(rig, COMMAND, 0xE5); /* CHECK POWER MODE */
    cr_assert(rig->level[0]);
    cr_assert_eq(in(rig, BM_ST, 1) & 0x04, 0x04);
    alt_status(rig);
    cr_assert(rig->level[0], "alternate status leaves INTRQ");
    get(rig, STATUS);
    cr_assert_not(rig->level[0], "status clears INTRQ");
    cr_assert_eq(in(rig, BM_ST, 1) & 0x04, 0x04, "the bus master's bit stays");
    out(rig, BM_ST, 1, 0x04);
    cr_assert_eq(in(rig, BM_ST, 1) & 0x04, 0);

    out(rig, rig->control, 1, 0x02); /* nIEN */
    put(rig, COMMAND, 0xE5);
    cr_assert_not(rig->level[0]);
    out(rig, rig->control, 1, 0x00);
    cr_assert(rig->level[0], "pending under nIEN");

    select_drive(rig, 1);
    cr_assert_not(rig->level[0], "only the selected drive drives INTRQ");
    select_drive(rig, 0);
    cr_assert(rig->level[0]);
    put(rig, COMMAND, 0xE5);
    cr_assert(rig->level[0]);
    cr_assert_eq(rig->edges[0], 4, "a command lowers the line first: %u", rig->edges[0]);
    rig_destroy(rig);
}

static void expect_registers(struct rig *rig, const char *what, const uint8_t expect[7])
{
    for (unsigned reg = ERROR_REG; reg <= STATUS; reg++)
        cr_expect_eq(get(rig, reg), expect[reg - 1], "%s: register %u is %02x", what, reg, get(rig, reg));
}

Test(ide_channel, signatures)
{
    static const uint8_t disk[] = { 0x01, 0x01, 0x01, 0x00, 0x00, 0xA0, READY };
    static const uint8_t cdrom[] = { 0x01, 0x01, 0x01, 0x14, 0xEB, 0xA0, 0x00 };
    static const uint8_t cdrom_1[] = { 0x01, 0x01, 0x01, 0x14, 0xEB, 0xB0, 0x00 };
    struct rig *rig = rig_create("d-cc");
    expect_registers(rig, "power-on", disk);
    put(rig, MID, 0x77);
    put(rig, COMMAND, 0x90);
    expect_registers(rig, "diagnostic", disk);
    cr_expect_eq(rig->edges[0], 1, "diagnostic interrupts");

    rig_use(rig, 1);
    expect_registers(rig, "power-on", cdrom);
    select_drive(rig, 3);
    out(rig, rig->control, 1, 0x04);
    cr_expect_eq(get(rig, STATUS), BSY);
    out(rig, rig->control, 1, 0x00);
    expect_registers(rig, "srst selects device 0", cdrom);
    select_drive(rig, 3);
    put(rig, COMMAND, 0x08);
    expect_registers(rig, "device reset keeps the selection", cdrom_1);
    cr_expect_eq(rig->edges[1], 0, "resets do not interrupt");
    rig_destroy(rig);
}

/* A reset with a request at the back end: BSY until it has come home, its data goes nowhere. */
Test(ide_channel, reset_in_flight)
{
    struct rig *rig = rig_create("d---");
    command28(rig, 0x20, 0, 1);
    cr_assert_eq(alt_status(rig), BSY);
    cr_assert(ide_is_busy(rig->ide));
    put(rig, COUNT, 0x99);
    cr_assert_neq(get(rig, COUNT), 0x99, "registers are closed while BSY");
    out(rig, rig->control, 1, 0x04);
    out(rig, rig->control, 1, 0x00);
    cr_assert_eq(alt_status(rig), BSY);
    settle(rig);
    cr_assert_eq(alt_status(rig), READY);
    cr_assert_eq(rig->edges[0], 0);
    cr_assert_eq(in(rig, 0x1F0, 2), 0xFFFF, "no data");

    command28(rig, 0x20, 0, 1);
    out(rig, rig->control, 1, 0x04);
    settle(rig);
    cr_assert_eq(alt_status(rig), BSY, "SRST still set");
    out(rig, rig->control, 1, 0x00);
    cr_assert_eq(alt_status(rig), READY);

    command28(rig, 0x30, 0, 1); /* the machine's reset, in a data phase */
    ide_type.reset(rig->ide, VX_RESET_HOLD);
    pci_type.reset(rig->pci, VX_RESET_HOLD);
    ide_type.reset(rig->ide, VX_RESET_RELEASE);
    rig_enable(rig);
    cr_assert_eq(alt_status(rig), READY);
    rig_destroy(rig);
}

Test(ide_channel, drain)
{
    struct rig *rig = rig_create("d---");
    command28(rig, 0x20, 0, 1);
    ide_drain(rig->ide);
    cr_assert_not(ide_is_busy(rig->ide));
    cr_assert_eq(alt_status(rig), READY | DRQ);
    command28(rig, 0xC8, 0, 1);
    rig_destroy(rig); /* destroy drains too */
}

/* One sector read by accesses of 2, 4 and 1 bytes and in blocks, and mixtures: always the same bytes. */
Test(ide_channel, data_port_widths)
{
    static const unsigned widths[][4] = { { 2, 2, 2, 2 }, { 4, 4, 4, 4 }, { 2, 4, 2, 4 }, { 4, 2, 2, 4 } };
    struct rig *rig = rig_create("d---");
    for (size_t i = 0; i < VX_ARRAY_LEN(widths); i++) {
        uint8_t sector[516];
        command28(rig, 0x20, 7, 1);
        settle(rig);
        for (size_t at = 0, n = 0; at < 512; n++) {
            unsigned width = widths[i][n % 4];
            uint32_t value = in(rig, 0x1F0, width);
            memcpy(sector + at, &value, width);
            at += width;
        }
        cr_expect(matches(sector, 512, 7 * 512), "row %zu", i);
        cr_expect_eq(get(rig, STATUS), READY, "row %zu: status %02x", i, get(rig, STATUS));
    }
    rig_destroy(rig);
}

Test(ide_channel, block_transfers)
{
    struct rig *rig = rig_create("d---");
    uint8_t sectors[1024];
    command28(rig, 0x20, 3, 2);
    settle(rig);
    cr_assert_eq(vx_bus_read_block(rig->bus, 0x1F0, 2, sectors, 512), 256, "ends with the DRQ block");
    cr_assert_eq(vx_bus_read_block(rig->bus, 0x1F0, 4, sectors + 512, 100), 100);
    cr_assert_eq(vx_bus_read_block(rig->bus, 0x1F0, 4, sectors + 912, 100), 28);
    cr_assert_eq(vx_bus_read_block(rig->bus, 0x1F0, 2, sectors, 1), 0, "no data phase");
    cr_assert(matches(sectors, 1024, 3 * 512));

    for (unsigned i = 0; i < 1024; i++)
        sectors[i] = (uint8_t)(i * 7);
    command28(rig, 0x30, 9, 2);
    cr_assert_eq(vx_bus_write_block(rig->bus, 0x1F0, 4, sectors, 300), 128);
    cr_assert_eq(vx_bus_write_block(rig->bus, 0x1F0, 2, sectors + 512, 300), 256);
    settle(rig);
    cr_assert_eq(get(rig, STATUS), READY);
    cr_assert_arr_eq(rig->media[0].bytes + 9 * 512, sectors, 1024);
    cr_assert_eq(vx_bus_read_block(rig->bus, 0x1F2, 1, sectors, 1), 0, "only the data port");
    rig_destroy(rig);
}
