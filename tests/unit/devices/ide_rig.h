/* ide_rig.h - an IDE chip on its buses, with media in memory, for the tests of devices/ide*, ata*, atapi*.
 *
 * The back end carries a request out at once but answers through the loop, so that a test sees the drive BSY until it
 * calls settle(). Requests are recorded; a range of sectors can be made bad. */
#ifndef VX86_TEST_IDE_RIG_H
#define VX86_TEST_IDE_RIG_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ide.h"

#define RAM_BYTES    (4u << 20)
#define DISK_SECTORS 4096u
#define CD_BLOCKS    600u
#define BM_BASE      0xC000u
#define TRACE_MAX    64

enum { ERR = 0x01, DRQ = 0x08, DSC = 0x10, DF = 0x20, DRDY = 0x40, BSY = 0x80 };
enum { DATA, ERROR_REG, COUNT, LOW, MID, HIGH, DEVICE, STATUS, FEATURE = ERROR_REG, COMMAND = STATUS };
#define READY (DRDY | DSC)

struct fake_block {
    struct vx_block block;
    struct vx_loop *loop;
    uint8_t *bytes;
    uint64_t bad_first, bad_count; /* sectors */
    unsigned requests;
    struct {
        enum vx_block_op op;
        uint64_t off_bytes;
        size_t bytes;
    } trace[TRACE_MAX];
};

struct rig {
    struct vx_log *log;
    struct vx_stats stats;
    struct vx_bus *bus;
    struct vx_pmap *pmap;
    struct pci *pci;
    struct vx_loop *loop;
    struct ide *ide;
    struct fake_block media[IDE_DRIVES];
    bool level[IDE_CHANNELS];
    unsigned edges[IDE_CHANNELS]; /* rising */
    unsigned base, control;       /* ports of the channel in use */
};

static inline void fake_done(struct vx_work *work)
{
    struct vx_block_request *request =
        (struct vx_block_request *)((char *)work - offsetof(struct vx_block_request, work));
    request->done(request);
}

static inline bool is_bad(const struct fake_block *fake, const struct vx_block_request *request)
{
    uint64_t first = request->off_bytes / 512, end = first + request->bytes / 512;
    return request->op != VX_BLOCK_FLUSH && first < fake->bad_first + fake->bad_count && fake->bad_first < end;
}

static inline void fake_submit(void *opaque, struct vx_block_request *request)
{
    struct fake_block *fake = opaque;
    cr_assert(request->off_bytes + request->bytes <= fake->block.bytes, "request outside the medium");
    if (fake->requests < TRACE_MAX) {
        fake->trace[fake->requests].op = request->op;
        fake->trace[fake->requests].off_bytes = request->off_bytes;
        fake->trace[fake->requests].bytes = request->bytes;
    }
    fake->requests++;
    request->result = is_bad(fake, request) ? VX_ERR_IO : VX_ERR_OK;
    if (request->result == VX_ERR_OK && request->op == VX_BLOCK_READ)
        memcpy(request->buf, fake->bytes + request->off_bytes, request->bytes);
    if (request->result == VX_ERR_OK && request->op == VX_BLOCK_WRITE)
        memcpy(fake->bytes + request->off_bytes, request->buf, request->bytes);
    request->work.fn = fake_done;
    vx_loop_post(fake->loop, &request->work);
}

static inline void fake_destroy(void *opaque)
{
    (void)opaque;
}

static const struct vx_block_ops fake_ops = { .submit = fake_submit, .destroy = fake_destroy };

/* Every byte of a medium follows from its position. */
static inline uint8_t pattern(uint64_t off_bytes)
{
    return (uint8_t)(off_bytes ^ off_bytes >> 9 ^ off_bytes >> 17);
}

static inline void fake_init(struct fake_block *fake, struct vx_loop *loop, uint64_t bytes, const char *name)
{
    *fake = (struct fake_block){
        .block = { .ops = &fake_ops, .opaque = fake, .bytes = bytes },
        .loop = loop,
        .bytes = malloc(bytes),
    };
    snprintf(fake->block.name, sizeof(fake->block.name), "%s", name);
    for (uint64_t i = 0; i < bytes; i++)
        fake->bytes[i] = pattern(i);
}

static inline uint64_t rig_unbacked(void *opaque, uint32_t from, uint64_t phys, unsigned size)
{
    (void)from;
    (void)opaque, (void)phys, (void)size;
    return UINT64_MAX;
}

static inline void rig_dropped(void *opaque, uint32_t from, uint64_t phys, unsigned size, uint64_t value)
{
    (void)from;
    (void)opaque, (void)phys, (void)size, (void)value;
}

static inline void rig_irq(void *opaque, unsigned line, bool level)
{
    struct rig *rig = opaque;
    rig->edges[line] += level && !rig->level[line];
    rig->level[line] = level;
}

static inline void rig_config(struct rig *rig, unsigned reg, unsigned size, uint32_t value)
{
    pci_write_config(rig->pci, 1, 1, reg, size, value);
}

static inline void rig_use(struct rig *rig, unsigned channel)
{
    rig->base = channel == 0 ? 0x1F0 : 0x170;
    rig->control = channel == 0 ? 0x3F6 : 0x376;
}

/* What the BIOS does. */
static inline void rig_enable(struct rig *rig)
{
    rig_config(rig, 0x20, 4, BM_BASE);
    rig_config(rig, 0x40, 4, 0x80008000);
    rig_config(rig, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
}

/* kinds: one letter a position: 'd' disk, 'c' CD, 'e' CD-ROM drive without a medium, '-' nothing. */
static inline struct rig *rig_create(const char *kinds)
{
    struct rig *rig = calloc(1, sizeof *rig);
    rig->log = vx_log_create(stderr);
    cr_assert_eq(vx_bus_create(rig->log, &rig->stats, &rig->bus), VX_ERR_OK);
    struct vx_pmap_config memory = { .log = rig->log,
                                     .stats = &rig->stats,
                                     .ram_bytes = RAM_BYTES,
                                     .bus = { rig_unbacked, rig_dropped },
                                     .bus_opaque = rig };
    cr_assert_eq(vx_pmap_create(&memory, &rig->pmap), VX_ERR_OK);
    struct pci_config pci = {
        .log = rig->log, .bus = rig->bus, .pmap = rig->pmap, .memory_first = 0xE0000000, .memory_end = 0xFE000000
    };
    cr_assert_eq(pci_create(&pci, &rig->pci), VX_ERR_OK);
    cr_assert_eq(vx_loop_create(rig->log, &rig->loop), VX_ERR_OK);
    struct ide_config config = { .log = rig->log,
                                 .bus = rig->bus,
                                 .pci = rig->pci,
                                 .slot = 1,
                                 .function = 1,
                                 .pmap = rig->pmap,
                                 .loop = rig->loop };
    for (unsigned i = 0; i < IDE_CHANNELS; i++)
        config.irq[i] = (struct vx_irq){ rig_irq, rig, i };
    for (unsigned i = 0; i < IDE_DRIVES; i++) {
        if (kinds[i] == '-')
            continue;
        config.drive[i].kind = kinds[i] == 'd' ? VX_IDE_DISK : VX_IDE_CDROM;
        if (kinds[i] == 'e')
            continue;
        fake_init(&rig->media[i], rig->loop, kinds[i] == 'd' ? DISK_SECTORS * 512 : CD_BLOCKS * 2048, "test.img");
        config.drive[i].block = &rig->media[i].block;
    }
    cr_assert_eq(ide_create(&config, &rig->ide), VX_ERR_OK);
    rig_enable(rig);
    rig_use(rig, 0);
    return rig;
}

static inline void rig_destroy(struct rig *rig)
{
    ide_type.destroy(rig->ide);
    pci_type.destroy(rig->pci);
    vx_pmap_destroy(rig->pmap);
    vx_bus_destroy(rig->bus);
    vx_loop_destroy(rig->loop);
    vx_log_destroy(rig->log);
    for (unsigned i = 0; i < IDE_DRIVES; i++)
        free(rig->media[i].bytes);
    free(rig);
}

static inline void settle(struct rig *rig)
{
    while (vx_loop_run_posted(rig->loop))
        ;
}

/* ---- ports ---- */

static inline uint32_t in(struct rig *rig, unsigned port, unsigned size)
{
    return (uint32_t)vx_bus_read(rig->bus, VX_SPACE_IO, port, size);
}
static inline void out(struct rig *rig, unsigned port, unsigned size, uint32_t value)
{
    vx_bus_write(rig->bus, VX_SPACE_IO, port, size, value);
}
static inline uint8_t get(struct rig *rig, unsigned reg)
{
    return (uint8_t)in(rig, rig->base + reg, 1);
}
static inline void put(struct rig *rig, unsigned reg, uint8_t value)
{
    out(rig, rig->base + reg, 1, value);
}
static inline uint8_t alt_status(struct rig *rig)
{
    return (uint8_t)in(rig, rig->control, 1);
}

/* ---- commands ---- */

static inline void select_drive(struct rig *rig, unsigned position)
{
    rig_use(rig, position / 2);
    put(rig, DEVICE, position % 2 != 0 ? 0xF0 : 0xE0);
}

/* 28-bit command to the selected drive, LBA mode. */
static inline void command28(struct rig *rig, uint8_t command, uint32_t lba, uint8_t count)
{
    put(rig, COUNT, count);
    put(rig, LOW, (uint8_t)lba);
    put(rig, MID, (uint8_t)(lba >> 8));
    put(rig, HIGH, (uint8_t)(lba >> 16));
    put(rig, DEVICE, (uint8_t)((get(rig, DEVICE) & 0x10) | 0xE0 | (lba >> 24 & 0x0F)));
    put(rig, COMMAND, command);
}

static inline void command48(struct rig *rig, uint8_t command, uint64_t lba, uint16_t count)
{
    put(rig, COUNT, (uint8_t)(count >> 8));
    put(rig, COUNT, (uint8_t)count);
    for (unsigned half = 2; half-- > 0;) {
        put(rig, LOW, (uint8_t)(lba >> (24 * half)));
        put(rig, MID, (uint8_t)(lba >> (24 * half + 8)));
        put(rig, HIGH, (uint8_t)(lba >> (24 * half + 16)));
    }
    put(rig, COMMAND, command);
}

static inline void set_features(struct rig *rig, uint8_t feature, uint8_t count)
{
    put(rig, FEATURE, feature);
    put(rig, COUNT, count);
    put(rig, COMMAND, 0xEF);
    settle(rig);
}

static inline void pio_in(struct rig *rig, void *buf, size_t bytes)
{
    uint8_t *at = buf;
    for (size_t i = 0; i < bytes; i += 2) {
        uint32_t word = in(rig, rig->base, 2);
        at[i] = (uint8_t)word;
        if (i + 1 < bytes)
            at[i + 1] = (uint8_t)(word >> 8);
    }
}

static inline void pio_out(struct rig *rig, const void *buf, size_t bytes)
{
    const uint8_t *at = buf;
    for (size_t i = 0; i < bytes; i += 2)
        out(rig, rig->base, 2, at[i] | (i + 1 < bytes ? (uint32_t)at[i + 1] << 8 : 0));
}

/* ---- bus master, primary channel ---- */

enum { BM_CMD = BM_BASE, BM_ST = BM_BASE + 2, BM_PRDT = BM_BASE + 4 };

static inline void prd(struct rig *rig, uint32_t table, unsigned index, uint32_t phys, uint32_t bytes, bool last)
{
    uint32_t entry[2] = { phys, (bytes & 0xFFFF) | (last ? 0x80000000u : 0) };
    vx_pmap_write(rig->pmap, table + 8 * index, entry, sizeof entry);
}

static inline void bm_start(struct rig *rig, uint32_t table, bool to_memory)
{
    out(rig, BM_PRDT, 4, table);
    out(rig, BM_ST, 1, 0x06);
    out(rig, BM_CMD, 1, to_memory ? 0x08 : 0x00);
    out(rig, BM_CMD, 1, to_memory ? 0x09 : 0x01);
}

static inline bool matches(const uint8_t *bytes, size_t count, uint64_t off_bytes)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != pattern(off_bytes + i))
            return false;
    return true;
}

static inline bool memory_matches(struct rig *rig, uint32_t phys, size_t count, uint64_t off_bytes)
{
    uint8_t *copy = malloc(count);
    vx_pmap_read(rig->pmap, phys, copy, count);
    bool same = matches(copy, count, off_bytes);
    free(copy);
    return same;
}

#endif
