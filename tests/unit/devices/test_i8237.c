/* test_i8237.c - the DMA controllers: registers by script, transfers with a device that counts and a real memory. */
#include <criterion/criterion.h>
#include <string.h>

#include "i8237.h"
#include "port_script.h"

enum { RAM_BYTES = 1 << 20 };
enum { SOURCE_BYTES = 0x20000 };

/* A device that has `left` bytes to give or takes as many; it lowers DREQ when they have gone. */
struct peer {
    struct dma_channel channel;
    size_t left, moved;
    unsigned tcs;
    size_t stop_after; /* gives fewer than asked once so many have gone, with DREQ up; 0: never */
    bool drops_dreq_at_tc;
    enum dma_direction last;
    uint8_t data[SOURCE_BYTES];
};

struct rig {
    struct port_rig ports;
    struct vx_pmap *pmap;
    struct i8237 *chip;
    struct peer device;
};

static size_t dack(void *opaque, enum dma_direction direction, void *buf, size_t bytes)
{
    struct peer *device = opaque;
    size_t can = device->left < bytes ? device->left : bytes;
    if (device->stop_after != 0 && can > device->stop_after)
        can = device->stop_after;
    device->last = direction;
    if (direction == DMA_FROM_MEMORY)
        memcpy(device->data + device->moved, buf, can);
    else
        memcpy(buf, device->data + device->moved, can);
    device->moved += can;
    device->left -= can;
    if (device->left == 0)
        dma_set_dreq(&device->channel, false);
    return can;
}

static void tc(void *opaque)
{
    struct peer *device = opaque;
    device->tcs++;
    if (device->drops_dreq_at_tc)
        dma_set_dreq(&device->channel, false);
}

static void out(struct rig *rig, unsigned port, unsigned value)
{
    vx_bus_write(rig->ports.bus, VX_SPACE_IO, port, 1, value);
}

static unsigned in(struct rig *rig, unsigned port)
{
    return (unsigned)vx_bus_read(rig->ports.bus, VX_SPACE_IO, port, 1);
}

static void start(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    port_rig_init(&rig->ports);
    struct vx_pmap_config memory = { .log = rig->ports.log, .stats = &rig->ports.stats, .ram_bytes = RAM_BYTES };
    cr_assert_eq(vx_pmap_create(&memory, &rig->pmap), VX_ERR_OK);
    struct i8237_config config = { .log = rig->ports.log, .bus = rig->ports.bus, .pmap = rig->pmap };
    cr_assert_eq(i8237_create(&config, &rig->chip), VX_ERR_OK);
    for (size_t i = 0; i < SOURCE_BYTES; i++)
        rig->device.data[i] = (uint8_t)(i * 7 + (i >> 8) + 1);
}

/* The BIOS's set-up: channel 4 is an open cascade. */
static void start_cascaded(struct rig *rig)
{
    start(rig);
    out(rig, 0xD6, 0xC0);
    out(rig, 0xD4, 0x00);
}

static void end(struct rig *rig)
{
    i8237_type.destroy(rig->chip);
    vx_pmap_destroy(rig->pmap);
    port_rig_fini(&rig->ports);
}

static void attach(struct rig *rig, unsigned number, size_t bytes)
{
    struct peer *device = &rig->device;
    device->channel = i8237_channel(rig->chip, number);
    device->left = bytes;
    device->moved = 0;
    dma_attach(&device->channel, &(struct dma_device){ .dack = dack, .tc = tc, .opaque = device });
}

/* Mode (without the channel), address in the units of the channel, count - 1, page; then the mask is opened. */
static void program(struct rig *rig, unsigned number, unsigned mode, unsigned page, unsigned address, unsigned count)
{
    static const uint8_t pages[] = { 0x87, 0x83, 0x81, 0x82, 0, 0x8B, 0x89, 0x8A };
    bool words = number >= 4;
    unsigned n = number & 3, base = words ? 0xC0 : 0, scale = words ? 2 : 1;
    out(rig, base + 0xC * scale, 0);
    out(rig, base + 0xB * scale, mode | n);
    out(rig, base + 2 * n * scale, address & 0xFF);
    out(rig, base + 2 * n * scale, address >> 8);
    out(rig, base + (2 * n + 1) * scale, count & 0xFF);
    out(rig, base + (2 * n + 1) * scale, count >> 8);
    out(rig, pages[number], page);
    out(rig, base + 0xA * scale, n);
}

static uint8_t *ram(struct rig *rig, uint64_t phys)
{
    return vx_pmap_read_ptr(rig->pmap, phys);
}

/* A current register of controller 1, by the byte pointer. */
static unsigned current(struct rig *rig, unsigned port)
{
    out(rig, 0x0C, 0);
    unsigned low = in(rig, port);
    return low | in(rig, port) << 8;
}

/* ---- registers -------------------------------------------------------------------------------------------------- */

/* clang-format off */
static const struct port_step registers[] = {
    { IN, 0x08, 0 }, { IN, 0x0F, 0x0F }, { IN, 0xDE, 0x0F }, { IN, 0x0D, 0 }, { IN, 0xDA, 0 },
    /* low byte first; base and current are written together, reads move the pointer too */
    { OUT, 0x02, 0x34 }, { OUT, 0x02, 0x12 }, { IN, 0x02, 0x34 }, { IN, 0x02, 0x12 }, { IN, 0x02, 0x34 },
    { OUT, 0x0C, 0 }, { IN, 0x02, 0x34 }, { OUT, 0x03, 0xAB }, { IN, 0x03, 0x00 }, { IN, 0x03, 0xAB },
    /* controller 2 has a pointer of its own; odd ports are the even ones again */
    { OUT, 0xC4, 0x78 }, { OUT, 0xC5, 0x56 }, { IN, 0xC5, 0x78 }, { IN, 0xC4, 0x56 }, { OUT, 0xD9, 0 }, { IN, 0xC4, 0x78 },
    { OUT, 0xD8, 0 }, { IN, 0xC4, 0x78 },
    /* and 10h-1Fh are 00h-0Fh */
    { OUT, 0x1C, 0 }, { IN, 0x12, 0x34 }, { OUT, 0x1D, 0 },
    /* masks: one, all, none, master clear */
    { OUT, 0x0A, 0x02 }, { IN, 0x0F, 0x0B }, { OUT, 0x0A, 0x06 }, { IN, 0x0F, 0x0F }, { OUT, 0x0F, 0xF5 }, { IN, 0x0F, 0x05 },
    { OUT, 0x0E, 0 }, { IN, 0x0F, 0 }, { OUT, 0x0D, 0 }, { IN, 0x0F, 0x0F },
    { OUT, 0xD4, 0x01 }, { IN, 0xDE, 0x0D }, { OUT, 0xDC, 0 }, { IN, 0xDE, 0 }, { OUT, 0xDA, 0 }, { IN, 0xDE, 0x0F },
    /* what is only written */
    { IN, 0x09, 0xFF }, { IN, 0x0A, 0xFF }, { IN, 0x0B, 0xFF }, { IN, 0x0C, 0xFF }, { IN, 0x0E, 0xFF },
};

static const struct port_step pages[] = {
    { IN, 0x80, 0 }, { IN, 0x8F, 0 },
    { OUT, 0x80, 0x11 }, { OUT, 0x84, 0x41 }, { OUT, 0x87, 0x5A }, { OUT, 0x8E, 0x22 }, { OUT, 0x8F, 0x99 },
    { IN, 0x80, 0x11 }, { IN, 0x84, 0x41 }, { IN, 0x87, 0x5A }, { IN, 0x8E, 0x22 }, { IN, 0x8F, 0x99 }, { IN, 0x85, 0 },
    { IN, 0x90, 0x11 }, { IN, 0x97, 0x5A }, { OUT, 0x93, 0x33 }, { IN, 0x83, 0x33 }, { IN, 0x9F, 0x99 },
};
/* clang-format on */

static void run_script(const char *name, const struct port_step *steps, size_t count)
{
    static struct rig rig;
    char what[128] = "";
    start(&rig);
    bool held = port_script_run(&rig.ports, steps, count, what);
    end(&rig);
    cr_assert(held, "%s: %s", name, what);
}

Test(i8237, scripts)
{
    run_script("registers", registers, VX_ARRAY_LEN(registers));
    run_script("pages", pages, VX_ARRAY_LEN(pages));
}

Test(i8237, page_alias_can_go)
{
    static struct rig rig;
    start(&rig);
    out(&rig, 0x81, 0x77);
    cr_assert_eq(in(&rig, 0x91), 0x77);
    i8237_alias_pages(rig.chip, false);
    out(&rig, 0x91, 0x12);
    cr_assert_eq(in(&rig, 0x91), 0xFF);
    cr_assert_eq(in(&rig, 0x81), 0x77);
    i8237_alias_pages(rig.chip, true);
    cr_assert_eq(in(&rig, 0x91), 0x77);
    end(&rig);
}

/* ---- transfers -------------------------------------------------------------------------------------------------- */

Test(i8237, to_memory)
{
    static struct rig rig;
    start_cascaded(&rig);
    attach(&rig, 2, 0x200);
    program(&rig, 2, 0x44, 0x02, 0x1000, 0x1FF);
    cr_assert_eq(rig.device.moved, 0);
    dma_set_dreq(&rig.device.channel, true);
    cr_assert_eq(rig.device.last, DMA_TO_MEMORY);
    cr_assert_arr_eq(ram(&rig, 0x21000), rig.device.data, 0x200);
    cr_assert_eq(*ram(&rig, 0x21200), 0);
    cr_assert_eq(rig.device.tcs, 1);
    cr_assert_eq(in(&rig, 0x08), 0x04, "terminal count, no request");
    cr_assert_eq(in(&rig, 0x08), 0x00, "reading clears it");
    cr_assert_eq(in(&rig, 0x0F), 0x0F, "masked at the end");
    cr_assert_eq(current(&rig, 0x04), 0x1200);
    cr_assert_eq(current(&rig, 0x05), 0xFFFF);
    end(&rig);
}

Test(i8237, from_memory_in_two_halves)
{
    static struct rig rig;
    start_cascaded(&rig);
    attach(&rig, 1, 0x80);
    memset(rig.device.data, 0, sizeof rig.device.data);
    for (unsigned i = 0; i < 0x100; i++)
        ram(&rig, 0x34500)[i] = (uint8_t)(i ^ 0x5A);
    program(&rig, 1, 0x48, 0x03, 0x4500, 0xFF);
    dma_set_dreq(&rig.device.channel, true);
    cr_assert_eq(rig.device.last, DMA_FROM_MEMORY);
    cr_assert_eq(rig.device.moved, 0x80);
    cr_assert_eq(rig.device.tcs, 0);
    cr_assert_eq(current(&rig, 0x02), 0x4580);
    cr_assert_eq(current(&rig, 0x03), 0x7F);
    rig.device.left = 0x80;
    dma_set_dreq(&rig.device.channel, true);
    cr_assert_arr_eq(rig.device.data, ram(&rig, 0x34500), 0x100);
    cr_assert_eq(rig.device.tcs, 1);
    end(&rig);
}

/* DREQ first, permission later: mask, controller, cascade each hold it back. */
Test(i8237, waits_for_permission)
{
    static struct rig rig;
    start(&rig);
    attach(&rig, 3, 0x10);
    program(&rig, 3, 0x44, 0x00, 0x5000, 0x0F);
    out(&rig, 0x0A, 0x07);
    out(&rig, 0x08, 0x04);
    dma_set_dreq(&rig.device.channel, true);
    cr_assert_eq(in(&rig, 0x08), 0x80, "the request shows");
    out(&rig, 0x0A, 0x03);
    cr_assert_eq(rig.device.moved, 0, "controller disabled");
    out(&rig, 0x08, 0x00);
    cr_assert_eq(rig.device.moved, 0, "channel 4 is masked");
    cr_assert_eq(in(&rig, 0xD0), 0x10, "and shows controller 1's request");
    out(&rig, 0xD6, 0xC0);
    cr_assert_eq(rig.device.moved, 0, "still masked");
    out(&rig, 0xD0, 0x04);
    out(&rig, 0xD4, 0x00);
    cr_assert_eq(rig.device.moved, 0, "controller 2 disabled");
    out(&rig, 0xD0, 0x00);
    cr_assert_eq(rig.device.moved, 0x10);
    end(&rig);
}

Test(i8237, cascade_mode_of_channel_4_is_needed)
{
    static struct rig rig;
    start(&rig);
    attach(&rig, 3, 0x10);
    program(&rig, 3, 0x44, 0x00, 0x5000, 0x0F);
    out(&rig, 0xD4, 0x00);
    dma_set_dreq(&rig.device.channel, true);
    cr_assert_eq(rig.device.moved, 0);
    end(&rig);
}

Test(i8237, wraps_inside_64_kib)
{
    static struct rig rig;
    start_cascaded(&rig);
    attach(&rig, 1, 0x2000);
    program(&rig, 1, 0x44, 0x04, 0xF000, 0x1FFF);
    dma_set_dreq(&rig.device.channel, true);
    cr_assert_arr_eq(ram(&rig, 0x4F000), rig.device.data, 0x1000);
    cr_assert_arr_eq(ram(&rig, 0x40000), rig.device.data + 0x1000, 0x1000);
    cr_assert_eq(*ram(&rig, 0x50000), 0);
    end(&rig);
}

/* Words: address shifted by one, page bit 0 not used, wraps inside 128 KiB; 64 Ki words at most. */
Test(i8237, words_wrap_inside_128_kib)
{
    static struct rig rig;
    start(&rig);
    attach(&rig, 5, 0x20000);
    program(&rig, 5, 0x44, 0x05, 0x8000, 0xFFFF);
    dma_set_dreq(&rig.device.channel, true);
    cr_assert_eq(rig.device.moved, 0x20000);
    cr_assert_arr_eq(ram(&rig, 0x50000), rig.device.data, 0x10000);
    cr_assert_arr_eq(ram(&rig, 0x40000), rig.device.data + 0x10000, 0x10000);
    cr_assert_eq(*ram(&rig, 0x60000), 0);
    cr_assert_eq(rig.device.tcs, 1);
    cr_assert_eq(in(&rig, 0xD0) & 0x0F, 0x02);
    end(&rig);
}

Test(i8237, downwards)
{
    static struct rig rig;
    start_cascaded(&rig);
    attach(&rig, 0, 4);
    program(&rig, 0, 0x64, 0x01, 0x0001, 0x03);
    dma_set_dreq(&rig.device.channel, true);
    cr_assert_eq(*ram(&rig, 0x10001), rig.device.data[0]);
    cr_assert_eq(*ram(&rig, 0x10000), rig.device.data[1]);
    cr_assert_eq(*ram(&rig, 0x1FFFF), rig.device.data[2]);
    cr_assert_eq(*ram(&rig, 0x1FFFE), rig.device.data[3]);
    end(&rig);
}

Test(i8237, autoinitialise)
{
    static struct rig rig;
    start_cascaded(&rig);
    attach(&rig, 1, 0x25);
    program(&rig, 1, 0x54, 0x00, 0x6000, 0x0F);
    dma_set_dreq(&rig.device.channel, true);
    cr_assert_eq(rig.device.moved, 0x25);
    cr_assert_eq(rig.device.tcs, 2);
    cr_assert_arr_eq(ram(&rig, 0x6000), rig.device.data + 0x20, 5);
    cr_assert_arr_eq(ram(&rig, 0x6005), rig.device.data + 0x15, 11);
    cr_assert_eq(current(&rig, 0x02), 0x6005);
    cr_assert_eq(current(&rig, 0x03), 0x0A);
    cr_assert_eq(in(&rig, 0x0F), 0x0D, "still open");
    end(&rig);
}

Test(i8237, device_stops_at_tc)
{
    static struct rig rig;
    start_cascaded(&rig);
    attach(&rig, 2, 0x1000);
    rig.device.drops_dreq_at_tc = true;
    program(&rig, 2, 0x54, 0x00, 0x6000, 0x0F);
    dma_set_dreq(&rig.device.channel, true);
    cr_assert_eq(rig.device.moved, 0x10);
    end(&rig);
}

Test(i8237, verify_leaves_memory_alone)
{
    static struct rig rig;
    start_cascaded(&rig);
    attach(&rig, 2, 0x10);
    program(&rig, 2, 0x40, 0x00, 0x6000, 0x0F);
    dma_set_dreq(&rig.device.channel, true);
    cr_assert_eq(rig.device.last, DMA_VERIFY);
    cr_assert_eq(rig.device.tcs, 1);
    cr_assert_eq(*ram(&rig, 0x6000), 0);
    end(&rig);
}

/* A device that gives less than it is offered is asked again when it raises DREQ, by block mode on its own account. */
Test(i8237, short_portions)
{
    static struct rig rig;
    start_cascaded(&rig);
    attach(&rig, 1, 0x100);
    rig.device.stop_after = 0x40;
    program(&rig, 1, 0x84, 0x00, 0x6000, 0xFF);
    dma_set_dreq(&rig.device.channel, true);
    cr_assert_eq(rig.device.moved, 0x40);
    dma_set_dreq(&rig.device.channel, false);
    cr_assert_eq(rig.device.moved, 0x80, "block mode goes on without DREQ");
    out(&rig, 0x0A, 0x05);
    dma_set_dreq(&rig.device.channel, true);
    cr_assert_eq(rig.device.moved, 0x80, "not while it is masked");
    end(&rig);
}

/* Nobody there: a floating bus is written, and a request by software ends by TC. */
Test(i8237, software_request)
{
    static struct rig rig;
    start_cascaded(&rig);
    program(&rig, 1, 0x84, 0x00, 0x6000, 0x1FFF);
    out(&rig, 0x0A, 0x05);
    out(&rig, 0x09, 0x05);
    cr_assert_eq(in(&rig, 0x08), 0x02);
    for (unsigned i = 0; i < 0x2000; i++)
        cr_assert_eq(ram(&rig, 0x6000 + (i & ~4095u))[i & 4095], 0xFF);
    cr_assert_eq(*ram(&rig, 0x8000), 0);
    /* held back, and taken away */
    program(&rig, 1, 0x84, 0x00, 0x9000, 0x0F);
    out(&rig, 0x0A, 0x05);
    out(&rig, 0x08, 0x04);
    out(&rig, 0x09, 0x05);
    cr_assert_eq(in(&rig, 0x08), 0x20);
    out(&rig, 0x09, 0x01);
    out(&rig, 0x08, 0x00);
    cr_assert_eq(in(&rig, 0x08), 0x00);
    cr_assert_eq(*ram(&rig, 0x9000), 0);
    end(&rig);
}

/* DREQ active low: an idle line asks. With nobody there a round ends at TC although it initialises itself again. */
Test(i8237, dreq_sense)
{
    static struct rig rig;
    start(&rig);
    program(&rig, 6, 0x54, 0x00, 0x3000, 0x07);
    out(&rig, 0xD0, 0x40);
    cr_assert_eq(in(&rig, 0xD0), 0xF4);
    cr_assert_eq(*ram(&rig, 0x600F), 0xFF);
    cr_assert_eq(*ram(&rig, 0x6010), 0);
    end(&rig);
}

/* Two software requests at once, served when the controller is enabled: the order is that of the priorities. */
Test(i8237, priorities)
{
    static const struct {
        uint8_t command, served_before, first;
    } rows[] = { { 0x00, 0, 1 }, { 0x10, 1, 2 }, { 0x10, 2, 1 }, { 0x00, 1, 1 } };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        static struct rig rig;
        start_cascaded(&rig);
        out(&rig, 0x08, rows[i].command);
        program(&rig, rows[i].served_before, 0x80, 0, 0, 0);
        out(&rig, 0x09, 0x04 | rows[i].served_before);
        out(&rig, 0x08, rows[i].command | 0x04);
        /* Both write to one place: 1 reads from a device, 2 has none. */
        attach(&rig, 1, 1);
        program(&rig, 1, 0x84, 0, 0x7000, 0);
        program(&rig, 2, 0x84, 0, 0x7000, 0);
        out(&rig, 0x09, 0x05);
        out(&rig, 0x09, 0x06);
        out(&rig, 0x08, rows[i].command);
        cr_assert_eq(*ram(&rig, 0x7000), rows[i].first == 1 ? 0xFF : rig.device.data[0], "row %zu", i);
        end(&rig);
    }
}

Test(i8237, reset_and_detach)
{
    static struct rig rig;
    start_cascaded(&rig);
    attach(&rig, 1, 0x10);
    program(&rig, 1, 0x44, 0x07, 0x6000, 0x0F);
    dma_attach(&rig.device.channel, NULL);
    out(&rig, 0x09, 0x05);
    cr_assert_eq(rig.device.moved, 0);
    i8237_type.reset(rig.chip, VX_RESET_HOLD);
    cr_assert_eq(in(&rig, 0x0F), 0x0F);
    cr_assert_eq(in(&rig, 0x08), 0);
    cr_assert_eq(in(&rig, 0x83), 0);
    cr_assert_eq(current(&rig, 0x02), 0);
    struct dma_channel none = { 0 };
    dma_attach(&none, NULL);
    dma_set_dreq(&none, true);
    end(&rig);
}
