/* fw_cfg: selector and data port, file directory, DMA, and what hostile descriptors may not do. */
#include "fw_cfg.h"

#include <criterion/criterion.h>
#include <string.h>

#include "vx86/bytes.h"
#include "vx86/pmap.h"

enum { RAM_BYTES = 16 << 20, PORT_SELECTOR = 0x510, PORT_DATA = 0x511, PORT_DMA = 0x514 };
enum { DMA_ERROR = 1, DMA_READ = 2, DMA_SKIP = 4, DMA_SELECT = 8, DMA_WRITE = 16 };

struct rig {
    struct vx_log *log;
    struct vx_stats stats;
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct vx_pmap *pmap;
    struct fw_cfg *fw_cfg;
    struct vx_fw_sink sink;
};

static uint64_t nothing_read(void *opaque, uint32_t from, uint64_t phys, unsigned size)
{
    (void)from;
    (void)opaque, (void)phys, (void)size;
    return UINT64_MAX;
}

static void nothing_write(void *opaque, uint32_t from, uint64_t phys, unsigned size, uint64_t value)
{
    (void)from;
    (void)opaque, (void)phys, (void)size, (void)value;
}

static void set_up(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    rig->log = vx_log_create(stderr);
    cr_assert_eq(vx_bus_create(rig->log, &rig->stats, &rig->bus), VX_ERR_OK);
    cr_assert_eq(vx_clock_create_fake(&rig->clock), VX_ERR_OK);
    struct vx_pmap_config pmap = {
        .log = rig->log, .stats = &rig->stats, .ram_bytes = RAM_BYTES, .bus = { nothing_read, nothing_write }
    };
    cr_assert_eq(vx_pmap_create(&pmap, &rig->pmap), VX_ERR_OK);
    struct fw_cfg_config config = { .log = rig->log, .bus = rig->bus, .clock = rig->clock, .pmap = rig->pmap };
    cr_assert_eq(fw_cfg_create(&config, &rig->fw_cfg), VX_ERR_OK);
    rig->sink = fw_cfg_sink(rig->fw_cfg);
}

static void tear_down(struct rig *rig)
{
    fw_cfg_type.destroy(rig->fw_cfg);
    vx_pmap_destroy(rig->pmap);
    vx_clock_destroy(rig->clock);
    vx_bus_destroy(rig->bus);
    vx_log_destroy(rig->log);
}

static void add_file(struct rig *rig, const char *name, const char *text)
{
    rig->sink.add_file(rig->sink.opaque, name, text, strlen(text));
}

static void select_key(struct rig *rig, uint16_t key)
{
    vx_bus_write(rig->bus, VX_SPACE_IO, PORT_SELECTOR, 2, key);
}

static void read_bytes(struct rig *rig, void *buf, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ((uint8_t *)buf)[i] = (uint8_t)vx_bus_read(rig->bus, VX_SPACE_IO, PORT_DATA, 1);
}

static void put_be32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t control_at(struct rig *rig, uint64_t at)
{
    uint8_t control[4];
    vx_pmap_read(rig->pmap, at, control, sizeof control);
    return vx_get_be32(control);
}

/* Starts a descriptor placed at `at`, and returns the control word as it stands then. */
static uint32_t dma_start(struct rig *rig, uint64_t at, uint32_t control, uint32_t bytes, uint64_t phys)
{
    uint8_t descriptor[16];
    put_be32(descriptor, control);
    put_be32(descriptor + 4, bytes);
    put_be32(descriptor + 8, (uint32_t)(phys >> 32));
    put_be32(descriptor + 12, (uint32_t)phys);
    vx_pmap_write(rig->pmap, at, descriptor, sizeof descriptor);
    vx_bus_write(rig->bus, VX_SPACE_IO, PORT_DMA, 4, __builtin_bswap32((uint32_t)(at >> 32)));
    vx_bus_write(rig->bus, VX_SPACE_IO, PORT_DMA + 4, 4, __builtin_bswap32((uint32_t)at));
    return control_at(rig, at);
}

/* ... and when all the time that it can take has gone. */
static uint32_t dma(struct rig *rig, uint64_t at, uint32_t control, uint32_t bytes, uint64_t phys)
{
    dma_start(rig, at, control, bytes, phys);
    vx_clock_advance(rig->clock, VX_NS_PER_SEC);
    return control_at(rig, at);
}

Test(fw_cfg, ports)
{
    struct rig rig;
    char text[9] = "";
    uint8_t bytes[8];
    set_up(&rig);
    select_key(&rig, FW_CFG_SIGNATURE);
    read_bytes(&rig, text, 4);
    cr_assert_str_eq(text, "QEMU");
    read_bytes(&rig, bytes, 4);
    cr_assert_arr_eq(bytes, "\0\0\0\0", 4, "past the end come zeros");
    select_key(&rig, FW_CFG_ID);
    read_bytes(&rig, bytes, 4);
    cr_assert_arr_eq(bytes, "\3\0\0\0", 4, "traditional and DMA interface");
    select_key(&rig, 0x3FFF);
    read_bytes(&rig, bytes, 1);
    cr_assert_eq(bytes[0], 0, "an unknown item is empty");

    /* INSB through the block handler: the same bytes, zeros after them, all items done */
    select_key(&rig, FW_CFG_SIGNATURE);
    memset(bytes, 0xEE, sizeof bytes);
    cr_assert_eq(vx_bus_read_block(rig.bus, PORT_DATA, 1, bytes, 6), 6);
    cr_assert_arr_eq(bytes, "QEMU\0\0\xEE\xEE", 8);

    /* the DMA register reads as a signature */
    for (unsigned i = 0; i < 8; i++)
        text[i] = (char)vx_bus_read(rig.bus, VX_SPACE_IO, PORT_DMA + i, 1);
    cr_assert_str_eq(text, "QEMU CFG");

    /* data port writes change nothing */
    vx_bus_write(rig.bus, VX_SPACE_IO, PORT_DATA, 1, 'X');
    select_key(&rig, FW_CFG_SIGNATURE);
    read_bytes(&rig, bytes, 1);
    cr_assert_eq(bytes[0], 'Q');
    fw_cfg_type.reset(rig.fw_cfg, VX_RESET_HOLD);
    read_bytes(&rig, bytes, 1);
    cr_assert_eq(bytes[0], 'Q', "reset selects the signature from its start");
    tear_down(&rig);
}

Test(fw_cfg, directory)
{
    static const char *const sorted[] = { "bootorder", "etc/e820", "genroms/linuxboot.bin" };
    static const char *const contents[] = { "second", "e", "third one" };
    struct rig rig;
    uint8_t directory[4 + 3 * 64];
    set_up(&rig);
    add_file(&rig, sorted[2], contents[2]);
    add_file(&rig, sorted[0], "first");
    add_file(&rig, sorted[1], contents[1]);
    add_file(&rig, sorted[0], contents[0]); /* replaces */
    select_key(&rig, FW_CFG_FILE_DIR);
    read_bytes(&rig, directory, sizeof directory);
    cr_assert_eq(vx_get_be32(directory), 3);
    for (unsigned i = 0; i < 3; i++) {
        const uint8_t *entry = directory + 4 + 64 * i;
        char text[16] = "";
        cr_assert_str_eq((const char *)entry + 8, sorted[i]);
        cr_assert_eq(vx_get_be32(entry), strlen(contents[i]));
        select_key(&rig, (uint16_t)(entry[4] << 8 | entry[5]));
        read_bytes(&rig, text, strlen(contents[i]) + 1);
        cr_assert_str_eq(text, contents[i]);
    }
    cr_assert_eq(fw_cfg_status(rig.fw_cfg), VX_ERR_OK);
    tear_down(&rig);
}

Test(fw_cfg, too_much)
{
    struct rig rig;
    char name[64];
    set_up(&rig);
    memset(name, 'n', sizeof name);
    name[VX_FW_CFG_NAME_BYTES - 1] = '\0';
    add_file(&rig, name, "fits");
    cr_assert_eq(fw_cfg_status(rig.fw_cfg), VX_ERR_OK);
    name[VX_FW_CFG_NAME_BYTES - 1] = 'n';
    name[VX_FW_CFG_NAME_BYTES] = '\0';
    add_file(&rig, name, "does not");
    cr_assert_eq(fw_cfg_status(rig.fw_cfg), VX_ERR_BAD_ARGUMENT);
    tear_down(&rig);

    set_up(&rig);
    for (unsigned i = 0; i <= VX_FW_CFG_FILES; i++) {
        cr_assert_eq(fw_cfg_status(rig.fw_cfg), VX_ERR_OK, "file %u", i);
        snprintf(name, sizeof name, "file%03u", i);
        add_file(&rig, name, "x");
    }
    cr_assert_eq(fw_cfg_status(rig.fw_cfg), VX_ERR_RANGE);
    tear_down(&rig);
}

Test(fw_cfg, dma)
{
    struct rig rig;
    char text[16];
    set_up(&rig);
    add_file(&rig, "greeting", "hello, firmware");
    uint32_t select_greeting = (uint32_t)FW_CFG_FILE_FIRST << 16 | DMA_SELECT;

    /* across a page boundary */
    cr_assert_eq(dma(&rig, 0x5000, select_greeting | DMA_READ, 15, 0x7FF9), 0);
    vx_pmap_read(rig.pmap, 0x7FF9, text, 15);
    cr_assert_arr_eq(text, "hello, firmware", 15);

    /* skip, then read what is left and zeros after it; the selection stays */
    cr_assert_eq(dma(&rig, 0x5000, select_greeting | DMA_SKIP, 7, 0), 0);
    memset(text, 'x', sizeof text);
    vx_pmap_write(rig.pmap, 0x6000, text, sizeof text);
    cr_assert_eq(dma(&rig, 0x5000, DMA_READ, 10, 0x6000), 0);
    vx_pmap_read(rig.pmap, 0x6000, text, sizeof text);
    cr_assert_arr_eq(text, "firmware\0\0xxxxxx", 16);

    /* nothing to do is done */
    cr_assert_eq(dma(&rig, 0x5000, 0, 100, 0x6000), 0);
    cr_assert_eq(dma(&rig, 0x5000, DMA_SKIP, UINT32_MAX, 0), 0);
    tear_down(&rig);
}

Test(fw_cfg, hostile_dma)
{
    static const struct {
        const char *what;
        uint64_t at;
        uint32_t control, bytes;
        uint64_t phys;
    } rows[] = {
        { "into the hole above RAM", 0x5000, DMA_READ, 4, RAM_BYTES },
        { "off the end of RAM", 0x5000, DMA_READ, 64, RAM_BYTES - 8 },
        { "4 GiB of zeros", 0x100, DMA_READ, UINT32_MAX, 0x1000 },
        { "above 4 GiB", 0x5000, DMA_READ, 4, 0x100000000 },
        { "address that wraps", 0x5000, DMA_READ, 64, UINT64_MAX - 8 },
        { "write to an item", 0x5000, DMA_WRITE, 4, 0x6000 },
        { "write to a selected item", 0x5000, DMA_SELECT | DMA_WRITE, 4, 0x6000 },
    };
    struct rig rig;
    set_up(&rig);
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++)
        cr_assert_eq(dma(&rig, rows[i].at, rows[i].control, rows[i].bytes, rows[i].phys), DMA_ERROR, "%s",
                     rows[i].what);

    /* descriptors that are not in memory: all-ones is what the bus answers; nothing may happen but that */
    dma(&rig, RAM_BYTES, DMA_READ, 4, 0x6000);
    dma(&rig, UINT64_MAX, DMA_READ, 4, 0x6000);
    dma(&rig, RAM_BYTES - 2, DMA_READ, 4, 0x6000);
    /* odd sizes and offsets at the address register start nothing */
    vx_bus_write(rig.bus, VX_SPACE_IO, PORT_DMA + 6, 2, 0x5000);
    vx_bus_write(rig.bus, VX_SPACE_IO, PORT_DMA + 7, 1, 0x50);
    tear_down(&rig);
}

enum { LONG_BYTES = 10 << 20, LONG_PHYS = 0x100000 };

/* How much of what a long transfer has to fill with zeros still has the EEh that it had before. */
static uint32_t left_over(struct rig *rig)
{
    uint32_t left = 0;
    for (uint32_t off = 0; off < LONG_BYTES; off += VX_PAGE_BYTES)
        left += *vx_pmap_read_ptr(rig->pmap, LONG_PHYS + off) == 0xEE;
    return left * VX_PAGE_BYTES;
}

/* A port write moves a portion, not all that a guest may ask for; the control field tells when all is done. */
Test(fw_cfg, long_dma_goes_in_portions)
{
    static uint8_t ee[VX_PAGE_BYTES];
    struct rig rig;
    set_up(&rig);
    memset(ee, 0xEE, sizeof ee);
    for (uint32_t off = 0; off < LONG_BYTES; off += VX_PAGE_BYTES)
        vx_pmap_write(rig.pmap, LONG_PHYS + off, ee, sizeof ee);
    cr_assert_eq(dma_start(&rig, 0x5000, DMA_READ, LONG_BYTES, LONG_PHYS), DMA_READ, "it is under way");
    uint32_t left = left_over(&rig), rounds = 0;
    cr_assert(left != 0 && left < LONG_BYTES, "a portion went at once: %u left", left);

    cr_assert_eq(dma_start(&rig, 0x6000, DMA_READ, 4, 0x7000), DMA_ERROR, "one at a time");
    cr_assert_eq(control_at(&rig, 0x5000), DMA_READ);
    while (control_at(&rig, 0x5000) == DMA_READ && rounds++ < 1000) {
        uint32_t before = left_over(&rig);
        vx_clock_advance(rig.clock, 100000);
        cr_assert_leq(before - left_over(&rig), left, "each is as small as the first");
    }
    cr_assert_eq(control_at(&rig, 0x5000), 0);
    cr_assert_eq(left_over(&rig), 0);
    cr_assert_eq(dma_start(&rig, 0x6000, DMA_READ, 4, 0x7000), 0, "the next may come");

    /* a reset takes back what is under way; the descriptor is never answered */
    dma_start(&rig, 0x5000, DMA_READ, LONG_BYTES, LONG_PHYS);
    fw_cfg_type.reset(rig.fw_cfg, VX_RESET_HOLD);
    vx_clock_advance(rig.clock, VX_NS_PER_SEC);
    cr_assert_eq(control_at(&rig, 0x5000), DMA_READ);
    cr_assert_eq(dma(&rig, 0x6000, DMA_READ, 4, 0x7000), 0);
    tear_down(&rig);
}
