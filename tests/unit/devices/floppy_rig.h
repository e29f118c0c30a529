/* floppy_rig.h - a floppy controller on the real 8237, with a simulated disk, as a program drives it: ports, commands,
 * results, DMA. */
#ifndef VX86_TESTS_FLOPPY_RIG_H
#define VX86_TESTS_FLOPPY_RIG_H
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "floppy.h"
#include "floppy_format.h"
#include "i8237.h"
#include "port_script.h"

enum { RAM_BYTES = 1 << 20, BUFFER = 0x20000, MAX_BYTES = 4 << 20, IRQ = 0 };
enum { DOR = 0x3F2, MSR = 0x3F4, FIFO = 0x3F5, DIR = 0x3F7, CCR = 0x3F7 };

struct disk {
    struct vx_block block;
    struct vx_loop *loop;
    uint8_t *bytes;
    bool broken;
};

struct rig {
    struct port_rig ports;
    struct vx_pmap *pmap;
    struct vx_loop *loop;
    struct i8237 *dma;
    struct floppy *chip;
    struct disk disk;
};

static void come_home(struct vx_work *work)
{
    struct vx_block_request *request =
        (struct vx_block_request *)((char *)work - offsetof(struct vx_block_request, work));
    request->done(request);
}

static void submit(void *opaque, struct vx_block_request *request)
{
    struct disk *disk = opaque;
    cr_assert(request->off_bytes + request->bytes <= disk->block.bytes, "outside of the disk");
    request->result = disk->broken ? VX_ERR_IO : VX_ERR_OK;
    if (request->op == VX_BLOCK_READ)
        memcpy(request->buf, disk->bytes + request->off_bytes, request->bytes);
    else if (!disk->broken)
        memcpy(disk->bytes + request->off_bytes, request->buf, request->bytes);
    request->work.fn = come_home;
    vx_loop_post(disk->loop, &request->work);
}

static const struct vx_block_ops disk_ops = { .submit = submit };

static void out(struct rig *rig, unsigned port, unsigned value)
{
    vx_bus_write(rig->ports.bus, VX_SPACE_IO, port, 1, value);
}

static unsigned in(struct rig *rig, unsigned port)
{
    return (unsigned)vx_bus_read(rig->ports.bus, VX_SPACE_IO, port, 1);
}

/* Time passes until the interrupt has come, or for a second; all that the host has to do is done. */
static bool wait_irq(struct rig *rig)
{
    for (unsigned i = 0; i < 10000 && !rig->ports.level[IRQ]; i++) {
        vx_loop_run_posted(rig->loop);
        if (!rig->ports.level[IRQ])
            vx_clock_advance(rig->ports.clock, 100000);
    }
    return rig->ports.level[IRQ];
}

static void command(struct rig *rig, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(in(rig, MSR) & 0xC0, 0x80, "byte %zu of command %02x is wanted", i, bytes[0]);
        out(rig, FIFO, bytes[i]);
    }
}
#define COMMAND(rig, ...) command(rig, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void result(struct rig *rig, uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(in(rig, MSR) & 0xD0, 0xD0, "byte %zu of the result is there", i);
        bytes[i] = (uint8_t)in(rig, FIFO);
    }
    cr_assert_eq(in(rig, MSR) & 0xD0, 0x80, "no more bytes");
}

static void expect(struct rig *rig, const char *what, const uint8_t *want, size_t count)
{
    uint8_t got[16];
    result(rig, got, count);
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(got[i], want[i], "%s: byte %zu is %02x, want %02x", what, i, got[i], want[i]);
}
#define EXPECT(rig, what, ...) \
    expect(rig, what, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void insert(struct rig *rig, uint64_t bytes)
{
    rig->disk.block = (struct vx_block){ .ops = &disk_ops, .opaque = &rig->disk, .bytes = bytes, .name = "disk" };
    rig->disk.loop = rig->loop;
    for (uint64_t i = 0; i < bytes; i++)
        rig->disk.bytes[i] = (uint8_t)(i * 5 + (i >> 9) + (i >> 17));
}

static void start_with(struct rig *rig, uint64_t bytes, bool real_speed)
{
    memset(rig, 0, sizeof *rig);
    port_rig_init(&rig->ports);
    cr_assert_eq(vx_loop_create(rig->ports.log, &rig->loop), VX_ERR_OK);
    struct vx_pmap_config memory = { .log = rig->ports.log, .stats = &rig->ports.stats, .ram_bytes = RAM_BYTES };
    cr_assert_eq(vx_pmap_create(&memory, &rig->pmap), VX_ERR_OK);
    struct i8237_config dma = { .log = rig->ports.log, .bus = rig->ports.bus, .pmap = rig->pmap };
    cr_assert_eq(i8237_create(&dma, &rig->dma), VX_ERR_OK);
    rig->disk.bytes = calloc(1, MAX_BYTES);
    insert(rig, bytes);
    struct floppy_config config = { .log = rig->ports.log,
                                    .bus = rig->ports.bus,
                                    .clock = rig->ports.clock,
                                    .loop = rig->loop,
                                    .irq = port_rig_irq(&rig->ports, IRQ),
                                    .dma = i8237_channel(rig->dma, 2),
                                    .real_speed = real_speed,
                                    .drive = { { floppy_kind_for(&rig->disk.block), &rig->disk.block } } };
    cr_assert_eq(floppy_create(&config, &rig->chip), VX_ERR_OK);
    out(rig, 0xD6, 0xC0); /* the cascade */
    out(rig, 0xD4, 0x00);
}

/* What a driver does first. */
static void bring_up(struct rig *rig, unsigned rate)
{
    out(rig, DOR, 0x1C);
    cr_assert(wait_irq(rig));
    for (unsigned i = 0; i < 4; i++) {
        COMMAND(rig, 0x08);
        EXPECT(rig, "polling", (uint8_t)(0xC0 | i), 0);
    }
    out(rig, CCR, rate);
    COMMAND(rig, 0x03, 0xDF, 0x02);
    COMMAND(rig, 0x07, 0);
    cr_assert(wait_irq(rig));
    COMMAND(rig, 0x08);
    EXPECT(rig, "recalibrate", 0x20, 0);
    cr_assert_not(rig->ports.level[IRQ]);
}

static void start(struct rig *rig, uint64_t bytes, unsigned rate)
{
    start_with(rig, bytes, false);
    bring_up(rig, rate);
}

static void end(struct rig *rig)
{
    floppy_type.destroy(rig->chip);
    i8237_type.destroy(rig->dma);
    vx_pmap_destroy(rig->pmap);
    vx_loop_destroy(rig->loop);
    port_rig_fini(&rig->ports);
    free(rig->disk.bytes);
}

/* Channel 2 from or to BUFFER. */
static void dma(struct rig *rig, bool to_memory, unsigned bytes)
{
    out(rig, 0x0C, 0);
    out(rig, 0x0B, to_memory ? 0x46 : 0x4A);
    out(rig, 0x04, BUFFER & 0xFF);
    out(rig, 0x04, BUFFER >> 8 & 0xFF);
    out(rig, 0x05, (bytes - 1) & 0xFF);
    out(rig, 0x05, (bytes - 1) >> 8);
    out(rig, 0x81, BUFFER >> 16);
    out(rig, 0x0A, 0x02);
}

static uint8_t *ram(struct rig *rig)
{
    return vx_pmap_read_ptr(rig->pmap, BUFFER);
}

static void put_ram(struct rig *rig, const void *bytes, size_t count)
{
    vx_pmap_dma_write(rig->pmap, BUFFER, bytes, count);
}

static void seek(struct rig *rig, unsigned cylinder)
{
    COMMAND(rig, 0x0F, 0, (uint8_t)cylinder);
    cr_assert(wait_irq(rig));
    COMMAND(rig, 0x08);
    EXPECT(rig, "seek", 0x20, (uint8_t)cylinder);
}

/* READ, WRITE and their like from sector r to the end of the track or of the DMA's count. */
static void sectors(struct rig *rig, unsigned code, unsigned head, unsigned cylinder, unsigned r, unsigned eot)
{
    COMMAND(rig, (uint8_t)code, (uint8_t)(head << 2), (uint8_t)cylinder, (uint8_t)head, (uint8_t)r, 2, (uint8_t)eot,
            0x1B, 0xFF);
    cr_assert(wait_irq(rig), "command %02x ends", code);
}

/* ---- every format ------------------------------------------------------------------------------------------------ */

#endif
