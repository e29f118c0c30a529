/* test_floppy.c - the floppy controller on the DMA controller it is wired to, with disks in memory, under a fake clock:
 * each format is formatted, written and read; then commands, modes and mishaps one by one. */
#include "floppy_rig.h"

static const struct floppy_format formats[] = {
#define VX_FLOPPY(name, disk, sectors, cylinders, heads) { name, FLOPPY_##disk, sectors, cylinders, heads },
#include "vx86/floppies.def"
};

static unsigned a_rate(const struct floppy_format *format)
{
    unsigned rate = 0;
    while (!(floppy_rates(format->disk) >> rate & 1))
        rate++;
    return rate;
}

/* A track is formatted, written backwards sector by sector, and read at once. */
static void check_track(struct rig *rig, const struct floppy_format *format, unsigned cylinder, unsigned head)
{
    uint8_t ids[64 * 4], sector[512];
    unsigned count = format->sectors;
    size_t off = ((size_t)(cylinder * format->heads + head) * count) * 512;
    seek(rig, cylinder);
    for (unsigned i = 0; i < count; i++)
        memcpy(ids + 4 * i, (const uint8_t[]){ (uint8_t)cylinder, (uint8_t)head, (uint8_t)(i + 1), 2 }, 4);
    put_ram(rig, ids, 4u * count);
    dma(rig, false, 4 * count);
    COMMAND(rig, 0x4D, (uint8_t)(head << 2), 2, (uint8_t)count, 0x50, 0xF6);
    cr_assert(wait_irq(rig), "%s is formatted", format->name);
    uint8_t status[7];
    result(rig, status, 7);
    cr_assert_eq(status[0] & 0xC0, 0, "%s: format: %02x %02x %02x", format->name, status[0], status[1], status[2]);
    for (unsigned i = 0; i < count * 512; i++)
        cr_assert_eq(rig->disk.bytes[off + i], 0xF6, "%s: the filler at %u", format->name, i);
    for (unsigned r = count; r > 0; r--) {
        memset(sector, (int)(r * 3 + cylinder + head), sizeof sector);
        put_ram(rig, sector, sizeof sector);
        dma(rig, false, 512);
        sectors(rig, 0x45, head, cylinder, r, count);
        result(rig, status, 7);
        cr_assert_eq(status[0] & 0xC0, 0, "%s: write: %02x %02x %02x", format->name, status[0], status[1], status[2]);
    }
    dma(rig, true, 512 * count);
    sectors(rig, 0x46, head, cylinder, 1, count);
    EXPECT(rig, "read", (uint8_t)(head << 2), 0, 0, (uint8_t)(cylinder + 1), (uint8_t)head, 1, 2);
    cr_assert_arr_eq(ram(rig), rig->disk.bytes + off, 512 * count);
    cr_assert_eq(ram(rig)[0], (uint8_t)(3 + cylinder + head));
}

Test(floppy, every_format_is_formatted_written_and_read)
{
    static struct rig rig;
    for (size_t i = 0; i < VX_ARRAY_LEN(formats); i++) {
        const struct floppy_format *format = &formats[i];
        uint64_t bytes = (uint64_t)format->sectors * format->cylinders * format->heads * 512;
        start(&rig, bytes, a_rate(format));
        cr_assert_str_eq(floppy_disk_name(bytes), format->name);
        for (unsigned head = 0; head < format->heads; head++) {
            check_track(&rig, format, 0, head);
            check_track(&rig, format, format->cylinders - 1u, head);
        }
        end(&rig);
    }
}

Test(floppy, formats_of_other_sizes)
{
    cr_assert_str_eq(floppy_disk_name(512), "1.44M");
    cr_assert_str_eq(floppy_disk_name(1474560 - 512), "1.44M");
    cr_assert_str_eq(floppy_disk_name(2000 * 1024), "2.88M");
    cr_assert_null(floppy_disk_name(1000));
    cr_assert_null(floppy_disk_name(0));
    cr_assert_null(floppy_disk_name(5 << 20));
}

/* ---- commands ---------------------------------------------------------------------------------------------------- */

Test(floppy, registers_and_small_commands)
{
    static struct rig rig;
    start_with(&rig, 1474560, false);
    cr_assert_eq(in(&rig, MSR), 0, "in reset");
    out(&rig, FIFO, 0x10);
    cr_assert_eq(in(&rig, MSR), 0);
    bring_up(&rig, 0);
    COMMAND(&rig, 0x10);
    EXPECT(&rig, "version", 0x90);
    COMMAND(&rig, 0x1E);
    EXPECT(&rig, "no command", 0x80);
    COMMAND(&rig, 0x08);
    EXPECT(&rig, "no interrupt", 0x80);
    COMMAND(&rig, 0x04, 0x04);
    EXPECT(&rig, "sense drive: track 0", 0x3C);
    COMMAND(&rig, 0x13, 0, 0x57, 9);
    COMMAND(&rig, 0x12, 0x84);
    COMMAND(&rig, 0x94);
    EXPECT(&rig, "lock", 0x10);
    COMMAND(&rig, 0x0E);
    EXPECT(&rig, "dumpreg", 0, 0, 0, 0, 0xDF, 0x02, 0, 0x84, 0x57, 9);
    out(&rig, MSR, 0x80); /* DSR: reset; what is locked stays, and CONFIGURE has switched polling off */
    vx_clock_advance(rig.ports.clock, 1000000);
    cr_assert_not(rig.ports.level[IRQ]);
    COMMAND(&rig, 0x0E);
    EXPECT(&rig, "after a reset", 0, 0, 0, 0, 0xDF, 0x02, 0, 0x84, 0x57, 9);
    COMMAND(&rig, 0x14);
    EXPECT(&rig, "unlock", 0);
    out(&rig, MSR, 0x80);
    cr_assert(wait_irq(&rig));
    COMMAND(&rig, 0x0E);
    EXPECT(&rig, "unlocked", 0, 0, 0, 0, 0xDF, 0x02, 0, 0x04, 0x20, 0);
    COMMAND(&rig, 0x8E, 0x81);
    EXPECT(&rig, "drive specification", 0, 0, 0, 0);
    COMMAND(&rig, 0x8E, 1, 2, 0xC0);
    cr_assert_eq(in(&rig, MSR), 0x80, "... without a result");
    end(&rig);
}

Test(floppy, seeks_of_all_kinds)
{
    static struct rig rig;
    start(&rig, 1474560, 0);
    seek(&rig, 10);
    COMMAND(&rig, 0xCF, 0, 5);
    cr_assert_eq(in(&rig, MSR) & 0x0F, 1, "drive 0 is seeking");
    cr_assert(wait_irq(&rig));
    COMMAND(&rig, 0x08);
    EXPECT(&rig, "inwards", 0x20, 15);
    COMMAND(&rig, 0x8F, 0, 3);
    cr_assert(wait_irq(&rig));
    COMMAND(&rig, 0x08);
    EXPECT(&rig, "outwards", 0x20, 12);
    COMMAND(&rig, 0x4A, 0x04);
    cr_assert(wait_irq(&rig));
    uint8_t id[7];
    result(&rig, id, 7);
    cr_assert(id[0] == 4 && id[3] == 12 && id[4] == 1 && id[5] >= 1 && id[5] <= 18 && id[6] == 2);
    COMMAND(&rig, 0x07, 1);
    cr_assert(wait_irq(&rig));
    COMMAND(&rig, 0x08);
    EXPECT(&rig, "there is no drive B", 0x71, 0);
    COMMAND(&rig, 0x13, 0, 0x40, 0); /* implied seek */
    dma(&rig, true, 512);
    sectors(&rig, 0x46, 0, 33, 7, 18);
    EXPECT(&rig, "implied seek", 0, 0, 0, 33, 0, 8, 2);
    cr_assert_arr_eq(ram(&rig), rig.disk.bytes + (33 * 36 + 6) * 512, 512);
    end(&rig);
}

Test(floppy, many_tracks_and_the_end_of_a_cylinder)
{
    static struct rig rig;
    start(&rig, 1474560, 0);
    dma(&rig, true, 36 * 512);
    sectors(&rig, 0xC6, 0, 0, 1, 18);
    EXPECT(&rig, "both heads", 4, 0, 0, 1, 0, 1, 2);
    cr_assert_arr_eq(ram(&rig), rig.disk.bytes, 36 * 512);
    dma(&rig, true, 40 * 512);
    sectors(&rig, 0x46, 0, 0, 17, 18);
    EXPECT(&rig, "no TC before the end", 0x40, 0x80, 0, 1, 0, 1, 2);
    dma(&rig, true, 700); /* TC in a sector */
    sectors(&rig, 0x46, 0, 0, 1, 18);
    EXPECT(&rig, "TC early", 0, 0, 0, 0, 0, 3, 2);
    uint8_t nines[100];
    memset(nines, 9, sizeof nines);
    put_ram(&rig, nines, sizeof nines);
    dma(&rig, false, 100);
    sectors(&rig, 0x45, 0, 0, 5, 18);
    EXPECT(&rig, "the rest is zeros", 0, 0, 0, 0, 0, 6, 2);
    cr_assert(rig.disk.bytes[4 * 512 + 99] == 9 && rig.disk.bytes[4 * 512 + 100] == 0 &&
              rig.disk.bytes[4 * 512 + 511] == 0);
    end(&rig);
}

/* What a command says that finds nothing. */
Test(floppy, what_is_not_there)
{
    static struct rig rig;
    start(&rig, 1474560, 0);
    dma(&rig, true, 512);
    sectors(&rig, 0x46, 0, 0, 19, 19);
    EXPECT(&rig, "sector 19", 0x40, 0x04, 0, 0, 0, 19, 2);
    sectors(&rig, 0x46, 0, 5, 1, 18);
    EXPECT(&rig, "another cylinder", 0x40, 0x04, 0x10, 5, 0, 1, 2);
    out(&rig, CCR, 2);
    sectors(&rig, 0x46, 0, 0, 1, 18);
    EXPECT(&rig, "another rate", 0x40, 0x01, 0, 0, 0, 1, 2);
    out(&rig, CCR, 0);
    rig.disk.broken = true;
    sectors(&rig, 0x46, 0, 0, 1, 18);
    EXPECT(&rig, "the host cannot read", 0x40, 0x20, 0x20, 0, 0, 1, 2);
    rig.disk.broken = false;
    sectors(&rig, 0x4C, 0, 0, 1, 18);
    EXPECT(&rig, "a normal mark", 0, 0, 0x40, 0, 0, 2, 2);
    rig.disk.block.read_only = true;
    dma(&rig, false, 512);
    sectors(&rig, 0x45, 0, 0, 1, 18);
    EXPECT(&rig, "write-protected", 0x40, 0x02, 0, 0, 0, 1, 2);
    COMMAND(&rig, 0x04, 0);
    EXPECT(&rig, "... as ST3 says", 0x78);
    end(&rig);
}

Test(floppy, change_line)
{
    static struct rig rig;
    start(&rig, 1474560, 0);
    cr_assert_eq(in(&rig, DIR) & 0x80, 0x80, "since power-on");
    seek(&rig, 1);
    cr_assert_eq(in(&rig, DIR) & 0x80, 0);
    floppy_change(rig.chip, 0, NULL);
    seek(&rig, 2);
    cr_assert_eq(in(&rig, DIR) & 0x80, 0x80, "a step does not clear it without a disk");
    dma(&rig, true, 512);
    sectors(&rig, 0x46, 0, 2, 1, 18);
    EXPECT(&rig, "no disk", 0x40, 0x01, 0, 2, 0, 1, 2);
    insert(&rig, 737280);
    floppy_change(rig.chip, 0, &rig.disk.block);
    seek(&rig, 2);
    cr_assert_eq(in(&rig, DIR) & 0x80, 0x80, "this seek gives no step");
    seek(&rig, 0);
    cr_assert_eq(in(&rig, DIR) & 0x80, 0);
    out(&rig, CCR, 2);
    dma(&rig, true, 512);
    sectors(&rig, 0x46, 0, 0, 9, 9);
    EXPECT(&rig, "the new disk", 0, 0, 0, 1, 0, 1, 2);
    end(&rig);
}

/* A disk that goes while its sector is read. */
Test(floppy, disk_goes_in_the_middle)
{
    static struct rig rig;
    start(&rig, 1474560, 0);
    dma(&rig, true, 512);
    COMMAND(&rig, 0x46, 0, 0, 0, 1, 2, 18, 0x1B, 0xFF);
    vx_clock_advance(rig.ports.clock, 0);
    cr_assert(floppy_is_busy(rig.chip));
    floppy_change(rig.chip, 0, NULL);
    cr_assert(rig.ports.level[IRQ]);
    EXPECT(&rig, "gone", 0x40, 0x01, 0, 0, 0, 1, 2);
    insert(&rig, 1474560);
    floppy_change(rig.chip, 0, &rig.disk.block);
    sectors(&rig, 0x46, 0, 0, 2, 18); /* waits for the old request */
    EXPECT(&rig, "the next", 0, 0, 0, 0, 0, 3, 2);
    cr_assert_arr_eq(ram(&rig), rig.disk.bytes + 512, 512);
    end(&rig);
}

Test(floppy, without_dma)
{
    static struct rig rig;
    start(&rig, 1474560, 0);
    COMMAND(&rig, 0x03, 0xDF, 0x03);
    COMMAND(&rig, 0x13, 0, 0x07, 0); /* eight bytes an interrupt */
    COMMAND(&rig, 0x46, 0, 0, 0, 3, 2, 3, 0x1B, 0xFF);
    for (unsigned i = 0; i < 512; i++) {
        cr_assert(wait_irq(&rig), "byte %u", i);
        cr_assert_eq(in(&rig, MSR), 0xF0);
        rig.ports.rises[IRQ] = 0;
        cr_assert_eq(in(&rig, FIFO), rig.disk.bytes[1024 + i]);
        cr_assert_eq(rig.ports.rises[IRQ], i % 8 == 7 && i != 511, "byte %u", i);
    }
    cr_assert(wait_irq(&rig));
    EXPECT(&rig, "there is no TC", 0x40, 0x80, 0, 1, 0, 1, 2);
    COMMAND(&rig, 0x45, 0, 0, 0, 3, 2, 3, 0x1B, 0xFF);
    cr_assert(wait_irq(&rig));
    cr_assert_eq(in(&rig, MSR), 0xB0);
    for (unsigned i = 0; i < 512; i++)
        out(&rig, FIFO, i & 0xFF);
    cr_assert(wait_irq(&rig));
    EXPECT(&rig, "written", 0x40, 0x80, 0, 1, 0, 1, 2);
    cr_assert(rig.disk.bytes[1024] == 0 && rig.disk.bytes[1024 + 300] == (300 & 0xFF));
    end(&rig);
}

Test(floppy, verify_scan_and_whole_tracks)
{
    static struct rig rig;
    uint8_t sector[512];
    start(&rig, 1474560, 0);
    sectors(&rig, 0x56, 0, 0, 1, 18);
    EXPECT(&rig, "verify", 0, 0, 0, 1, 0, 1, 2);
    memcpy(sector, rig.disk.bytes + 512, 512);
    sector[7] = 0xFF; /* is anything */
    put_ram(&rig, sector, 512);
    dma(&rig, false, 512);
    COMMAND(&rig, 0x51, 0, 0, 0, 2, 2, 18, 0x1B, 1);
    cr_assert(wait_irq(&rig));
    EXPECT(&rig, "scan equal", 0, 0, 0x08, 0, 0, 3, 2);
    sector[300] = 0;
    rig.disk.bytes[512 + 300] = 1;
    put_ram(&rig, sector, 512);
    dma(&rig, false, 512);
    COMMAND(&rig, 0x59, 0, 0, 0, 2, 2, 2, 0x1B, 1);
    cr_assert(wait_irq(&rig));
    EXPECT(&rig, "not low or equal", 0, 0, 0x04, 1, 0, 1, 2);
    dma(&rig, false, 512);
    COMMAND(&rig, 0x5D, 0, 0, 0, 2, 2, 18, 0x1B, 1);
    cr_assert(wait_irq(&rig));
    EXPECT(&rig, "high or equal", 0, 0, 0, 0, 0, 3, 2);
    dma(&rig, true, 18 * 512);
    sectors(&rig, 0x42, 0, 0, 1, 18);
    EXPECT(&rig, "read track", 0, 0, 0, 1, 0, 1, 2);
    cr_assert_arr_eq(ram(&rig), rig.disk.bytes, 18 * 512);
    end(&rig);
}

/* A reset by DOR ends what is under way and takes the interrupt away. */
Test(floppy, reset_in_the_middle)
{
    static struct rig rig;
    start(&rig, 1474560, 0);
    dma(&rig, true, 512);
    COMMAND(&rig, 0x46, 0, 0, 0, 1, 2, 18, 0x1B, 0xFF);
    vx_clock_advance(rig.ports.clock, 0);
    out(&rig, DOR, 0x18);
    cr_assert_eq(in(&rig, MSR), 0);
    vx_loop_run_posted(rig.loop);
    vx_clock_advance(rig.ports.clock, 1000000);
    cr_assert_not(rig.ports.level[IRQ]);
    out(&rig, DOR, 0x1C);
    cr_assert(wait_irq(&rig));
    out(&rig, DOR, 0x14); /* the gate */
    cr_assert_not(rig.ports.level[IRQ]);
    end(&rig);
}

/* A turn of 200 ms, steps of 3 ms: as long as a drive takes. */
Test(floppy, real_speed)
{
    static struct rig rig;
    start_with(&rig, 1474560, true);
    bring_up(&rig, 0);
    uint64_t before = vx_clock_now_ns(rig.ports.clock);
    seek(&rig, 20);
    uint64_t seek_ms = (vx_clock_now_ns(rig.ports.clock) - before) / 1000000;
    cr_assert(seek_ms >= 60 && seek_ms < 62, "20 steps took %llu ms", (unsigned long long)seek_ms);
    before = vx_clock_now_ns(rig.ports.clock);
    dma(&rig, true, 18 * 512);
    sectors(&rig, 0x46, 0, 20, 1, 18);
    EXPECT(&rig, "a track", 0, 0, 0, 21, 0, 1, 2);
    uint64_t read_ms = (vx_clock_now_ns(rig.ports.clock) - before) / 1000000;
    cr_assert(read_ms >= 200 && read_ms < 420, "a track took %llu ms", (unsigned long long)read_ms);
    end(&rig);
}
