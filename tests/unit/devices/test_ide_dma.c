/* Bus master: PRD tables as drivers make them, and as they must not hurt us. */
#include "ide_rig.h"

#define TABLE  0x1000u
#define BUFFER 0x10000u

enum { ACTIVE = 1, INTERRUPT = 4 };

static uint8_t bm_status(struct rig *rig)
{
    return (uint8_t)in(rig, BM_ST, 1);
}

Test(ide_dma, registers)
{
    struct rig *rig = rig_create("d---");
    out(rig, BM_PRDT, 4, 0x12345677);
    cr_expect_eq(in(rig, BM_PRDT, 4), 0x12345674, "dword aligned");
    out(rig, BM_PRDT + 1, 1, 0xAB);
    cr_expect_eq(in(rig, BM_PRDT, 4), 0x1234AB74);
    out(rig, BM_PRDT + 8, 2, 0x5678);
    cr_expect_eq(in(rig, BM_PRDT + 8, 4), 0x5678, "the secondary channel's own");
    out(rig, BM_ST, 1, 0xFF);
    cr_expect_eq(bm_status(rig), 0x60, "drive DMA capable bits stay, simplex and active do not");
    out(rig, BM_CMD, 1, 0xF8);
    cr_expect_eq(in(rig, BM_CMD, 1), 0x08);
    cr_expect_eq(in(rig, BM_CMD + 1, 1), 0);
    cr_expect_eq(in(rig, BM_CMD + 3, 1), 0);
    rig_destroy(rig);
}

/* Two sectors against tables of different lengths: SFF-8038i's three outcomes. */
Test(ide_dma, status_outcomes)
{
    static const struct {
        uint32_t bytes[3]; /* of each PRD; 0 ends the list */
        uint8_t expect;
        bool ends;
    } rows[] = {
        { { 1024 }, INTERRUPT, true },
        { { 512, 512 }, INTERRUPT, true },
        { { 2, 1020, 2 }, INTERRUPT, true },
        { { 2048 }, ACTIVE | INTERRUPT, true },
        { { 1024, 512 }, ACTIVE | INTERRUPT, true },
        { { 512 }, 0, false },
        { { 1000 }, 0, false },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct rig *rig = rig_create("d---");
        uint32_t phys = BUFFER;
        for (unsigned n = 0; n < 3 && rows[i].bytes[n] != 0; n++) {
            prd(rig, TABLE, n, phys, rows[i].bytes[n], n == 2 || rows[i].bytes[n + 1] == 0);
            phys += rows[i].bytes[n];
        }
        command28(rig, 0xC8, 5, 2);
        bm_start(rig, TABLE, true);
        cr_expect_eq(bm_status(rig), ACTIVE, "row %zu: before the data has come", i);
        settle(rig);
        cr_expect_eq(bm_status(rig), rows[i].expect, "row %zu: %02x", i, bm_status(rig));
        cr_expect_eq(alt_status(rig), rows[i].ends ? READY : READY | DRQ, "row %zu: %02x", i, alt_status(rig));
        cr_expect_eq(rig->level[0], rows[i].ends, "row %zu", i);
        cr_expect(memory_matches(rig, BUFFER, rows[i].ends ? 1024 : rows[i].bytes[0], 5 * 512), "row %zu", i);
        out(rig, BM_CMD, 1, 0);
        cr_expect_eq(bm_status(rig) & ACTIVE, 0, "row %zu: stopping clears ACTIVE", i);
        rig_destroy(rig);
    }
}

/* A transfer whose table was too short goes on with the next table. */
Test(ide_dma, restart_after_short_table)
{
    struct rig *rig = rig_create("d---");
    prd(rig, TABLE, 0, BUFFER, 512, true);
    command28(rig, 0xC8, 0, 2);
    bm_start(rig, TABLE, true);
    settle(rig);
    prd(rig, TABLE, 0, BUFFER + 512, 512, true);
    bm_start(rig, TABLE, true);
    settle(rig);
    cr_assert_eq(bm_status(rig), INTERRUPT);
    cr_assert(memory_matches(rig, BUFFER, 1024, 0));
    rig_destroy(rig);
}

/* Command and start may come in either order; without master enable nothing moves until it comes. */
Test(ide_dma, order_of_start)
{
    for (unsigned order = 0; order < 3; order++) {
        struct rig *rig = rig_create("d---");
        prd(rig, TABLE, 0, BUFFER, 512, true);
        if (order == 2)
            rig_config(rig, PCI_COMMAND, 2, PCI_COMMAND_IO);
        if (order == 0)
            bm_start(rig, TABLE, true);
        command28(rig, 0xC8, 1, 1);
        settle(rig);
        if (order != 0) {
            cr_expect_eq(alt_status(rig), READY | DRQ, "order %u: the drive waits", order);
            bm_start(rig, TABLE, true);
        }
        if (order == 2) {
            cr_expect_eq(alt_status(rig), READY | DRQ, "order %u: no master", order);
            rig_config(rig, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
        }
        cr_expect_eq(bm_status(rig), INTERRUPT, "order %u", order);
        cr_expect(memory_matches(rig, BUFFER, 512, 512), "order %u", order);
        rig_destroy(rig);
    }
}

Test(ide_dma, count_zero_is_64k)
{
    struct rig *rig = rig_create("d---");
    prd(rig, TABLE, 0, BUFFER, 0, true);
    command28(rig, 0xC8, 0, 128);
    bm_start(rig, TABLE, true);
    settle(rig);
    cr_assert_eq(bm_status(rig), INTERRUPT);
    cr_assert(memory_matches(rig, BUFFER, 65536, 0));
    rig_destroy(rig);
}

/* More than the drive's buffer, by 48-bit command, out of order in memory. */
Test(ide_dma, large_transfer)
{
    enum { SECTORS = 1200 };
    struct rig *rig = rig_create("d---");
    for (unsigned i = 0; i < SECTORS; i++)
        prd(rig, TABLE, i, BUFFER + (SECTORS - 1 - i) * 512, 512, i == SECTORS - 1);
    command48(rig, 0x25, 100, SECTORS);
    bm_start(rig, TABLE, true);
    settle(rig);
    cr_assert_eq(bm_status(rig), INTERRUPT);
    for (unsigned i = 0; i < SECTORS; i++)
        cr_assert(memory_matches(rig, BUFFER + (SECTORS - 1 - i) * 512, 512, (100 + i) * 512), "sector %u", i);
    rig_destroy(rig);
}

Test(ide_dma, write)
{
    struct rig *rig = rig_create("d---");
    uint8_t bytes[1024];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 13 + 5);
    vx_pmap_write(rig->pmap, BUFFER, bytes, 700);
    vx_pmap_write(rig->pmap, BUFFER + 0x8000, bytes + 700, 324);
    prd(rig, TABLE, 0, BUFFER, 700, false);
    prd(rig, TABLE, 1, BUFFER + 0x8000, 324, true);
    command28(rig, 0xCA, 20, 2);
    bm_start(rig, TABLE, false);
    cr_assert_eq(alt_status(rig), BSY);
    settle(rig);
    cr_assert_eq(bm_status(rig), INTERRUPT);
    cr_assert_arr_eq(rig->media[0].bytes + 20 * 512, bytes, 1024);
    rig_destroy(rig);
}

/* Tables no driver would make. The drive's transfer bounds them all; whatever is written outside RAM is dropped. */
Test(ide_dma, hostile_tables)
{
    static const struct {
        const char *what;
        uint32_t table, phys, bytes;
        unsigned entries;
    } rows[] = {
        { "no end mark, smallest entries", TABLE, BUFFER, 2, 0x8000 },
        { "odd address and count", TABLE, BUFFER + 1, 513, 512 },
        { "data outside RAM", TABLE, 0xF0000000, 0, 4 },
        { "data over the end of the address space", TABLE, 0xFFFFFF00, 0, 4 },
        { "data over the end of RAM", TABLE, RAM_BYTES - 256, 0, 4 },
        { "table outside RAM", 0xF0000000, 0, 0, 0 },
        { "table at the end of the address space", 0xFFFFFFFC, 0, 0, 0 },
        { "table overwritten by its own data", TABLE, TABLE, 0, 4 },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++)
        for (unsigned write = 0; write < 2; write++) {
            struct rig *rig = rig_create("d---");
            for (unsigned n = 0; n < rows[i].entries; n++)
                prd(rig, rows[i].table, n, rows[i].phys, rows[i].bytes, false);
            command48(rig, write ? 0x35 : 0x25, 0, 2048);
            bm_start(rig, rows[i].table, !write);
            settle(rig);
            out(rig, BM_CMD, 1, 0);
            out(rig, rig->control, 1, 0x04);
            out(rig, rig->control, 1, 0x00);
            settle(rig);
            cr_expect_eq(alt_status(rig), READY, "%s", rows[i].what);
            command28(rig, 0x20, 1, 1);
            settle(rig);
            cr_expect_eq(alt_status(rig), READY | DRQ, "%s: still works", rows[i].what);
            rig_destroy(rig);
        }
}

/* Stop in the middle: nothing moves any more, whatever the back end brings. */
Test(ide_dma, stop)
{
    struct rig *rig = rig_create("d---");
    uint8_t before[512] = { 0 };
    prd(rig, TABLE, 0, BUFFER, 512, true);
    vx_pmap_write(rig->pmap, BUFFER, before, sizeof before);
    command28(rig, 0xC8, 1, 1);
    bm_start(rig, TABLE, true);
    out(rig, BM_CMD, 1, 0);
    settle(rig);
    uint8_t after[512];
    vx_pmap_read(rig->pmap, BUFFER, after, sizeof after);
    cr_assert_arr_eq(before, after, 512);
    cr_assert_eq(bm_status(rig), 0);
    rig_destroy(rig);
}

static void saw_code_write(void *opaque, uint32_t page, uint32_t off, uint32_t bytes)
{
    (void)page, (void)off;
    *(uint32_t *)opaque += bytes;
}

/* DMA goes through the door that tells of writes to translated code. */
Test(ide_dma, code_pages_are_told)
{
    struct rig *rig = rig_create("d---");
    uint32_t told = 0;
    vx_pmap_on_code_write(rig->pmap, saw_code_write, &told);
    vx_pmap_mark_code(rig->pmap, vx_pmap_read_page(rig->pmap, BUFFER), true);
    prd(rig, TABLE, 0, BUFFER, 512, true);
    command28(rig, 0xC8, 1, 1);
    bm_start(rig, TABLE, true);
    settle(rig);
    cr_assert_eq(told, 512);
    rig_destroy(rig);
}

struct dma_seen {
    unsigned writes, reads;
    uint64_t written_at, bytes_written, bytes_read;
    bool before; /* memory had its old contents when the write was told */
    struct rig *rig;
};

static void saw_dma(void *opaque, uint64_t phys, size_t bytes, const void *value)
{
    struct dma_seen *seen = opaque;
    uint8_t now;
    if (value == NULL) {
        seen->reads++;
        seen->bytes_read += bytes;
        return;
    }
    vx_pmap_read(seen->rig->pmap, phys, &now, 1);
    seen->before = now == 0xEE && *(const uint8_t *)value != 0xEE;
    seen->writes++;
    seen->written_at = phys;
    seen->bytes_written += bytes;
}

/* ... and through the one where a debugger listens, before memory changes. */
Test(ide_dma, a_debugger_is_told)
{
    struct rig *rig = rig_create("d---");
    struct dma_seen seen = { .rig = rig };
    vx_pmap_write(rig->pmap, BUFFER, "\xEE", 1);
    vx_pmap_on_dma(rig->pmap, saw_dma, &seen);
    prd(rig, TABLE, 0, BUFFER, 512, true);
    command28(rig, 0xC8, 1, 1);
    bm_start(rig, TABLE, true);
    settle(rig);
    cr_assert(seen.writes == 1 && seen.written_at == BUFFER && seen.bytes_written == 512 && seen.before);
    cr_assert(seen.reads == 1 && seen.bytes_read == 8, "the descriptor");
    vx_pmap_on_dma(rig->pmap, NULL, NULL);
    command28(rig, 0xC8, 1, 1);
    bm_start(rig, TABLE, true);
    settle(rig);
    cr_assert_eq(seen.writes, 1);
    rig_destroy(rig);
}
