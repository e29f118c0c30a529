/* fw_cfg.c - the firmware configuration device: from the tables that firmware/ builds to the BIOS in the guest.
 *
 * Data flow: vx_fw_build() -> sink -> items[]; guest selects a key at 510h, then reads bytes at 511h or by DMA.
 *
 * Invariants
 *   I1  files[] is sorted by name, and the file at index i has key FW_CFG_FILE_FIRST + i; the directory item is rebuilt
 *       after every change, so that what the guest reads always agrees with the keys.
 *   I2  offset <= bytes of the selected item: reads past its end give zeros and move nothing.
 *   I3  A DMA transfer touches guest memory only through vx_pmap_*, page by page, and ends at the first page that
 *       cannot be written.
 *   I4  It goes in portions: the first in the port write that starts it, the others from portion_timer, which is armed
 *       while some are left. So no port write takes longer than a portion, and timers, interrupts and a stop come in
 *       between. The descriptor's control field is written once, when all is done. */
#include "fw_cfg.h"

#include <stdlib.h>
#include <string.h>

#include "vx86/bytes.h"

enum { PORT_SELECTOR = 0x510, PORT_DATA = 0x511, PORT_DMA = 0x514 };
enum { ID_TRADITIONAL = 1, ID_DMA = 2 };
enum { DMA_ERROR = 1u << 0, DMA_READ = 1u << 1, DMA_SKIP = 1u << 2, DMA_SELECT = 1u << 3, DMA_WRITE = 1u << 4 };

/* Flags that may accompany an item number in the selector: 14 for "write", gone since QEMU 2.4, and 15 for items
 * private to the architecture, which have a table of their own. */
enum { KEY_WRITE = 0x4000, KEY_ARCH = 0x8000, KEY_MASK = 0x3FFF };

/* A portion takes some 0.2 ms, or 1 ms in memory that the host has not given yet; as much is left to the guest. */
enum { PORTION_BYTES = 2 << 20, PORTION_GAP_NS = 200000 };

enum { GENERIC_ITEMS = FW_CFG_FILE_FIRST, ARCH_ITEMS = 8 };

struct item {
    uint8_t *data; /* owned */
    size_t bytes;
};

struct file {
    char name[VX_FW_CFG_NAME_BYTES];
    struct item item;
};

/* What is left of a DMA read, and where its answer goes. */
struct transfer {
    uint64_t descriptor_phys, to_phys;
    uint32_t left;
};

struct fw_cfg {
    struct vx_log *log;
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct vx_pmap *pmap;
    struct vx_region region, dma_region;
    vx_err status;

    struct item generic[GENERIC_ITEMS];
    struct item arch[ARCH_ITEMS];
    struct file files[VX_FW_CFG_FILES];
    unsigned file_count;

    uint16_t key;
    size_t offset; /* I2 */
    uint64_t dma_phys;
    struct transfer transfer;
    struct vx_timer portion_timer; /* I4 */
};

/* ---- items ------------------------------------------------------------------------------------------------------- */

static struct item *find_item(struct fw_cfg *fw_cfg, uint16_t key)
{
    unsigned number = key & KEY_MASK;
    if (key & KEY_ARCH)
        return number < ARCH_ITEMS ? &fw_cfg->arch[number] : NULL;
    if (number < GENERIC_ITEMS)
        return &fw_cfg->generic[number];
    number -= FW_CFG_FILE_FIRST;
    return number < fw_cfg->file_count ? &fw_cfg->files[number].item : NULL;
}

/* Remembers the first failure for fw_cfg_status(). */
static void fail(struct fw_cfg *fw_cfg, vx_err err)
{
    if (fw_cfg->status == VX_ERR_OK)
        fw_cfg->status = err;
}

static bool set_item(struct fw_cfg *fw_cfg, struct item *item, const void *data, size_t bytes)
{
    uint8_t *copy = malloc(bytes != 0 ? bytes : 1);
    if (copy == NULL || bytes > UINT32_MAX) {
        free(copy);
        fail(fw_cfg, VX_ERR_NO_MEMORY);
        return false;
    }
    if (bytes != 0)
        memcpy(copy, data, bytes);
    free(item->data);
    *item = (struct item){ .data = copy, .bytes = bytes };
    return true;
}

/* Directory: count, then per file { size, key, reserved (16 bits), name }, all big-endian. */
static void rebuild_directory(struct fw_cfg *fw_cfg)
{
    enum { HEAD_BYTES = 4, ENTRY_BYTES = 8 + VX_FW_CFG_NAME_BYTES };
    uint8_t directory[HEAD_BYTES + VX_FW_CFG_FILES * ENTRY_BYTES] = { 0 };
    vx_put_be32(directory, fw_cfg->file_count);
    for (unsigned i = 0; i < fw_cfg->file_count; i++) {
        uint8_t *entry = directory + HEAD_BYTES + i * ENTRY_BYTES;
        vx_put_be32(entry, (uint32_t)fw_cfg->files[i].item.bytes);
        vx_put_be16(entry + 4, (uint16_t)(FW_CFG_FILE_FIRST + i));
        memcpy(entry + 8, fw_cfg->files[i].name, VX_FW_CFG_NAME_BYTES);
    }
    set_item(fw_cfg, &fw_cfg->generic[FW_CFG_FILE_DIR], directory, HEAD_BYTES + fw_cfg->file_count * ENTRY_BYTES);
}

static void add_item(void *opaque, uint16_t key, const void *data, size_t bytes)
{
    struct fw_cfg *fw_cfg = opaque;
    struct item *item = find_item(fw_cfg, key);
    if (item == NULL || (key & ~(KEY_ARCH | KEY_MASK)) != 0)
        fail(fw_cfg, VX_ERR_BAD_ARGUMENT);
    else
        set_item(fw_cfg, item, data, bytes);
}

static void add_file(void *opaque, const char *name, const void *data, size_t bytes)
{
    struct fw_cfg *fw_cfg = opaque;
    if (strlen(name) >= VX_FW_CFG_NAME_BYTES) {
        fail(fw_cfg, VX_ERR_BAD_ARGUMENT);
        return;
    }
    unsigned at = 0;
    while (at < fw_cfg->file_count && strcmp(fw_cfg->files[at].name, name) < 0)
        at++;
    bool replaces = at < fw_cfg->file_count && strcmp(fw_cfg->files[at].name, name) == 0;
    struct file file = { 0 };
    if (!replaces && fw_cfg->file_count == VX_FW_CFG_FILES) {
        fail(fw_cfg, VX_ERR_RANGE);
        return;
    }
    if (!set_item(fw_cfg, &file.item, data, bytes))
        return;
    strcpy(file.name, name); /* fits: checked above */
    if (replaces) {
        free(fw_cfg->files[at].item.data);
    } else {
        memmove(&fw_cfg->files[at + 1], &fw_cfg->files[at], (fw_cfg->file_count - at) * sizeof fw_cfg->files[0]);
        fw_cfg->file_count++;
    }
    fw_cfg->files[at] = file;
    rebuild_directory(fw_cfg); /* keeps I1 */
}

struct vx_fw_sink fw_cfg_sink(struct fw_cfg *fw_cfg)
{
    return (struct vx_fw_sink){ .add_item = add_item, .add_file = add_file, .opaque = fw_cfg };
}

vx_err fw_cfg_status(const struct fw_cfg *fw_cfg)
{
    return fw_cfg->status;
}

/* ---- selector and data port -------------------------------------------------------------------------------------- */

static void select_key(struct fw_cfg *fw_cfg, uint16_t key)
{
    fw_cfg->key = key & (uint16_t)~KEY_WRITE;
    fw_cfg->offset = 0;
}

/* What is left of the selected item, and moves past at most `wanted` bytes of it (keeps I2). */
static size_t take(struct fw_cfg *fw_cfg, size_t wanted, const uint8_t **from)
{
    const struct item *item = find_item(fw_cfg, fw_cfg->key);
    if (item == NULL || item->data == NULL)
        return 0;
    size_t left = item->bytes - fw_cfg->offset;
    size_t taken = wanted < left ? wanted : left;
    *from = item->data + fw_cfg->offset;
    fw_cfg->offset += taken;
    return taken;
}

static uint64_t port_read(void *opaque, uint64_t off, unsigned size)
{
    const uint8_t *from;
    if (off != PORT_DATA - PORT_SELECTOR || size != 1)
        return 0; /* the selector is write-only */
    return take(opaque, 1, &from) == 1 ? *from : 0;
}

static void port_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    struct fw_cfg *fw_cfg = opaque;
    if (off == 0 && size == 2)
        select_key(fw_cfg, (uint16_t)value);
    else
        vx_log_guest(fw_cfg->log, "fw_cfg: write of %u byte at port %03xh ignored", size,
                     (unsigned)(PORT_SELECTOR + off));
}

static size_t port_read_block(void *opaque, uint64_t off, unsigned size, void *buf, size_t count)
{
    const uint8_t *from;
    if (off != PORT_DATA - PORT_SELECTOR || size != 1)
        return 0;
    size_t taken = take(opaque, count, &from);
    if (taken != 0)
        memcpy(buf, from, taken);
    memset((uint8_t *)buf + taken, 0, count - taken);
    return count;
}

/* ---- DMA --------------------------------------------------------------------------------------------------------- */

/* Writes one run inside a page; false when the page is not memory. */
static bool write_in_page(struct vx_pmap *pmap, uint64_t phys, const uint8_t *from, size_t bytes)
{
    static const uint8_t zeros[VX_PAGE_BYTES];
    if (vx_pmap_write_ptr(pmap, phys) == NULL)
        return false;
    vx_pmap_dma_write(pmap, phys, from != NULL ? from : zeros, bytes);
    return true;
}

/* One portion: the item's bytes, then zeros. False: a page that is not memory (keeps I3). */
static bool move_portion(struct fw_cfg *fw_cfg)
{
    struct transfer *transfer = &fw_cfg->transfer;
    uint32_t bytes = transfer->left < PORTION_BYTES ? transfer->left : PORTION_BYTES;
    transfer->left -= bytes;
    while (bytes != 0) {
        uint32_t run = VX_PAGE_BYTES - (uint32_t)(transfer->to_phys & VX_PAGE_MASK);
        if (run > bytes)
            run = bytes;
        const uint8_t *from = NULL;
        size_t taken = take(fw_cfg, run, &from);
        if (taken != 0)
            run = (uint32_t)taken;
        if (!write_in_page(fw_cfg->pmap, transfer->to_phys, taken != 0 ? from : NULL, run))
            return false;
        transfer->to_phys += run;
        bytes -= run;
    }
    return true;
}

static void answer(struct fw_cfg *fw_cfg, uint64_t descriptor_phys, uint32_t control)
{
    uint8_t bytes[4];
    vx_put_be32(bytes, control);
    vx_pmap_dma_write(fw_cfg->pmap, descriptor_phys, bytes, sizeof bytes);
}

static void refuse(struct fw_cfg *fw_cfg, uint64_t descriptor_phys, const char *why)
{
    vx_log_guest(fw_cfg->log, "fw_cfg: DMA with its descriptor at %09llxh refused: %s",
                 (unsigned long long)descriptor_phys, why);
    answer(fw_cfg, descriptor_phys, DMA_ERROR);
}

static void go_on(void *opaque)
{
    struct fw_cfg *fw_cfg = opaque;
    struct transfer *transfer = &fw_cfg->transfer;
    if (!move_portion(fw_cfg))
        refuse(fw_cfg, transfer->descriptor_phys, "it leads out of memory");
    else if (transfer->left == 0)
        answer(fw_cfg, transfer->descriptor_phys, 0);
    else /* keeps I4 */
        vx_timer_set(fw_cfg->clock, &fw_cfg->portion_timer, vx_clock_now_ns(fw_cfg->clock) + PORTION_GAP_NS);
}

/* Carries out the descriptor at dma_phys: control, length (32 bits each), address (64 bits), big-endian; the answer
 * goes to the control field. */
static void dma_transfer(struct fw_cfg *fw_cfg)
{
    uint8_t descriptor[16];
    uint64_t at = fw_cfg->dma_phys;
    fw_cfg->dma_phys = 0;
    if (fw_cfg->portion_timer.deadline_ns != VX_NEVER) {
        refuse(fw_cfg, at, "another is under way");
        return;
    }
    vx_pmap_dma_read(fw_cfg->pmap, at, descriptor, sizeof descriptor);
    uint32_t control = vx_get_be32(descriptor);
    uint32_t bytes = vx_get_be32(descriptor + 4);
    uint64_t phys = (uint64_t)vx_get_be32(descriptor + 8) << 32 | vx_get_be32(descriptor + 12);
    const uint8_t *skipped;

    if (control & DMA_SELECT)
        select_key(fw_cfg, (uint16_t)(control >> 16));
    if (control & DMA_READ) {
        fw_cfg->transfer = (struct transfer){ .descriptor_phys = at, .to_phys = phys, .left = bytes };
        go_on(fw_cfg);
        return;
    }
    if (control & DMA_WRITE) {
        refuse(fw_cfg, at, "items are read-only");
        return;
    }
    if (control & DMA_SKIP)
        take(fw_cfg, bytes, &skipped);
    answer(fw_cfg, at, 0);
}

static uint64_t dma_port_read(void *opaque, uint64_t off, unsigned size)
{
    static const uint8_t signature[8] = { 'Q', 'E', 'M', 'U', ' ', 'C', 'F', 'G' };
    (void)opaque;
    uint64_t value = 0;
    for (unsigned i = 0; i < size && off + i < sizeof signature; i++)
        value |= (uint64_t)signature[off + i] << (8 * i);
    return value;
}

static void dma_port_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    struct fw_cfg *fw_cfg = opaque;
    if (size != 4 || (off & 3) != 0) {
        vx_log_guest(fw_cfg->log, "fw_cfg: DMA address written with %u bytes", size);
        return;
    }
    uint64_t half = __builtin_bswap32((uint32_t)value);
    if (off == 0) {
        fw_cfg->dma_phys = half << 32;
    } else {
        fw_cfg->dma_phys |= half;
        dma_transfer(fw_cfg);
    }
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void fw_cfg_reset(void *instance, enum reset phase)
{
    struct fw_cfg *fw_cfg = instance;
    if (phase != VX_RESET_HOLD)
        return;
    select_key(fw_cfg, FW_CFG_SIGNATURE);
    fw_cfg->dma_phys = 0;
    fw_cfg->transfer = (struct transfer){ 0 };
    vx_timer_set(fw_cfg->clock, &fw_cfg->portion_timer, VX_NEVER);
}

static vx_err add_regions(struct fw_cfg *fw_cfg)
{
    fw_cfg->region = (struct vx_region){ .name = "fw_cfg",
                                         .space = VX_SPACE_IO,
                                         .base = PORT_SELECTOR,
                                         .size = 2,
                                         .max_size = 2,
                                         .read = port_read,
                                         .write = port_write,
                                         .read_block = port_read_block,
                                         .opaque = fw_cfg };
    fw_cfg->dma_region = (struct vx_region){ .name = "fw_cfg dma",
                                             .space = VX_SPACE_IO,
                                             .base = PORT_DMA,
                                             .size = 8,
                                             .max_size = 4,
                                             .read = dma_port_read,
                                             .write = dma_port_write,
                                             .opaque = fw_cfg };
    VX_TRY(vx_bus_add(fw_cfg->bus, &fw_cfg->region));
    vx_err err = vx_bus_add(fw_cfg->bus, &fw_cfg->dma_region);
    if (err != VX_ERR_OK)
        vx_bus_remove(fw_cfg->bus, &fw_cfg->region);
    return err;
}

static void free_items(struct fw_cfg *fw_cfg)
{
    for (unsigned i = 0; i < GENERIC_ITEMS; i++)
        free(fw_cfg->generic[i].data);
    for (unsigned i = 0; i < ARCH_ITEMS; i++)
        free(fw_cfg->arch[i].data);
    for (unsigned i = 0; i < fw_cfg->file_count; i++)
        free(fw_cfg->files[i].item.data);
}

vx_err fw_cfg_create(const struct fw_cfg_config *config, struct fw_cfg **out)
{
    struct fw_cfg *fw_cfg = calloc(1, sizeof *fw_cfg);
    if (fw_cfg == NULL)
        return VX_ERR_NO_MEMORY;
    fw_cfg->log = config->log;
    fw_cfg->bus = config->bus;
    fw_cfg->clock = config->clock;
    fw_cfg->pmap = config->pmap;
    vx_timer_init(fw_cfg->clock, &fw_cfg->portion_timer, go_on, fw_cfg);
    const uint8_t id[4] = { ID_TRADITIONAL | ID_DMA };
    add_item(fw_cfg, FW_CFG_SIGNATURE, "QEMU", 4);
    add_item(fw_cfg, FW_CFG_ID, id, sizeof id);
    rebuild_directory(fw_cfg);
    vx_err err = fw_cfg->status;
    if (err == VX_ERR_OK)
        err = add_regions(fw_cfg);
    if (err != VX_ERR_OK) {
        free_items(fw_cfg);
        free(fw_cfg);
        return err;
    }
    fw_cfg_reset(fw_cfg, VX_RESET_HOLD);
    *out = fw_cfg;
    return VX_ERR_OK;
}

static void fw_cfg_destroy(void *instance)
{
    struct fw_cfg *fw_cfg = instance;
    if (fw_cfg == NULL)
        return;
    vx_timer_set(fw_cfg->clock, &fw_cfg->portion_timer, VX_NEVER);
    vx_bus_remove(fw_cfg->bus, &fw_cfg->region);
    vx_bus_remove(fw_cfg->bus, &fw_cfg->dma_region);
    free_items(fw_cfg);
    free(fw_cfg);
}

/* keeps I2 */
static const char *check(const void *loaded)
{
    struct fw_cfg *fw_cfg = (struct fw_cfg *)loaded; /* find_item() is for writers, too */
    const struct item *item = find_item(fw_cfg, fw_cfg->key);
    return fw_cfg->offset <= (item != NULL ? item->bytes : 0) ? NULL : "offset";
}

static const struct state_field transfer_fields[] = {
    FIELD(struct transfer, descriptor_phys),
    FIELD(struct transfer, to_phys),
    FIELD(struct transfer, left),
};
static const struct state_table transfer_state = STATE_TABLE(struct transfer, transfer_fields, NULL);

static const struct state_field fields[] = {
    REGISTER(struct fw_cfg, key),
    FIELD(struct fw_cfg, offset),
    REGISTER(struct fw_cfg, dma_phys),
    REGISTER_SAME(struct fw_cfg, file_count),
    FIELD_STRUCT(struct fw_cfg, transfer, &transfer_state),
    FIELD_TIMER(struct fw_cfg, portion_timer, clock),
    WIRES(struct fw_cfg, log, bus, clock, pmap, region, dma_region, status, generic, arch, files),
};
static const struct state_table state = STATE_TABLE(struct fw_cfg, fields, check);

const struct device_type fw_cfg_type = {
    .name = "fw_cfg",
    .version = 2,
    .state = &state,
    .reset = fw_cfg_reset,
    .destroy = fw_cfg_destroy,
};
