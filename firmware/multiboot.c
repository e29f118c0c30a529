/* multiboot.c - direct multiboot boot: finds the header, decides where everything goes, writes the information that the
 * kernel gets.
 *
 * Guest memory as the option ROM (multiboot.asm) leaves it: the kernel where it wants to be; its modules, page-aligned,
 * behind it and not below 1 MiB; in what the kernel leaves free of the first 576 KiB the block that multiboot.asm
 * draws: stack, information structure, memory map, load script, module list, strings.
 *
 * Source: Multiboot Specification 0.6.96. What a loader may choose is chosen as QEMU does: boot device 8000FFFFh, the
 * kernel's name before its arguments. A kernel that asks for a video mode (flag 2) gets the text mode that is there,
 * and is told so.
 *
 *   I1  Every number from the file is checked against the file, the other pieces and the memory before it is used. */
#include "multiboot.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "images.h"
#include "parts.h"

#define HEADER_MAGIC 0x1BADB002u

enum { SEARCH_BYTES = 8192 };
enum { FLAG_VIDEO = 1u << 2, FLAGS_KNOWN = 0x7, FLAGS_REQUIRED = 0xFFFF, FLAG_ADDRESSES = 1u << 16 };
enum { HDR_FLAGS = 4, HDR_CHECKSUM = 8, HDR_HEADER_ADDR = 12, HDR_LOAD_ADDR = 16, HDR_LOAD_END_ADDR = 20 };
enum { HDR_BSS_END_ADDR = 24, HDR_ENTRY_ADDR = 28, HDR_BYTES = 12, HDR_ADDRESSES_BYTES = 32 };

/* Fields of the information structure, and which of them are valid. */
enum {
    MBI_FLAGS = 0,
    MBI_BOOT_DEVICE = 12,
    MBI_CMDLINE = 16,
    MBI_MODS_COUNT = 20,
    MBI_MODS_ADDR = 24,
    MBI_MMAP_ADDR = 48,
    MBI_BOOT_LOADER_NAME = 64,
    MBI_FRAMEBUFFER_ADDR = 88,
    MBI_FRAMEBUFFER_PITCH = 96,
    MBI_FRAMEBUFFER_WIDTH = 100,
    MBI_FRAMEBUFFER_HEIGHT = 104,
    MBI_FRAMEBUFFER_BPP = 108,
    MBI_FRAMEBUFFER_TYPE = 109,
};
enum { HAS_MEMORY = 1 << 0, HAS_BOOT_DEVICE = 1 << 1, HAS_CMDLINE = 1 << 2, HAS_MODULES = 1 << 3, HAS_MAP = 1 << 6 };
enum { HAS_LOADER_NAME = 1 << 9, HAS_FRAMEBUFFER = 1 << 12 };
enum { MODULE_START = 0, MODULE_END = 4, MODULE_STRING = 8, MODULE_ENTRY_BYTES = 16 };
enum { FRAMEBUFFER_TEXT = 2, TEXT_PHYS = 0xB8000, TEXT_COLUMNS = 80, TEXT_ROWS = 25 };
#define BOOT_DEVICE 0x8000FFFFu /* first hard disk, first partition */
#define LOADER_NAME "vx86"

/* The block: multiboot.asm has the same numbers. */
enum { INFO = 0x1000, MAP = 0x1080, SCRIPT = 0x1C80, SCRIPT_ENTRY_BYTES = 16, BLOCK_MAX_BYTES = 0x10000 };
enum { NO_ITEM = 0 }; /* the signature: behind its 4 bytes an item reads as zeros */

/* Where a kernel may be loaded, and where the block may go. */
enum { LOW_FIRST = 0x1000, LOW_END = 0x9F000, BLOCK_FIRST = 0x10000, BLOCK_END = 0x90000, HIGH_FIRST = 0x100000 };
enum { PAGE_BYTES = 4096 };

struct header {
    uint32_t off; /* in the file */
    uint32_t flags;
};

struct block {
    uint8_t *data; /* BLOCK_MAX_BYTES, from offset 0 of the block */
    uint32_t phys;
    uint32_t used; /* bytes */
};

bool mb_refuse(struct mb_image *image, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(image->why, sizeof image->why, fmt, args);
    va_end(args);
    return false;
}

/* ---- the image --------------------------------------------------------------------------------------------------- */

/* Within the first 8192 bytes, on a 32-bit boundary, as a whole. */
static bool find_header(const uint8_t *kernel, size_t bytes, struct header *out)
{
    size_t end = bytes < SEARCH_BYTES ? bytes : SEARCH_BYTES;
    for (uint32_t off = 0; off + HDR_BYTES <= end; off += 4) {
        if (vx_get_le32(kernel + off) != HEADER_MAGIC)
            continue;
        uint32_t flags = vx_get_le32(kernel + off + HDR_FLAGS);
        if (HEADER_MAGIC + flags + vx_get_le32(kernel + off + HDR_CHECKSUM) != 0)
            continue;
        if ((flags & FLAG_ADDRESSES) && off + HDR_ADDRESSES_BYTES > end)
            continue;
        *out = (struct header){ off, flags };
        return true;
    }
    return false;
}

bool fw_is_multiboot(const uint8_t *kernel, size_t bytes)
{
    struct header header;
    return find_header(kernel, bytes, &header);
}

bool mb_add_piece(struct mb_image *image, size_t kernel_bytes, uint64_t off, uint64_t file_bytes, uint64_t phys,
                  uint64_t memory_bytes)
{
    if (memory_bytes == 0 && file_bytes == 0)
        return true;
    if (file_bytes > memory_bytes)
        return mb_refuse(image, "a segment has more bytes in the file than in memory");
    if (off > kernel_bytes || file_bytes > kernel_bytes - off)
        return mb_refuse(image, "truncated: the file has %zu bytes, a segment goes from %" PRIu64 " to %" PRIu64,
                         kernel_bytes, off, off + file_bytes);
    if (phys > UINT32_MAX || memory_bytes > (1ull << 32) - phys)
        return mb_refuse(image, "a segment goes beyond 4 GiB (at %" PRIx64 "h)", phys);
    if (image->count == MB_MAX_PIECES)
        return mb_refuse(image, "it has more than %d segments", MB_MAX_PIECES);
    image->piece[image->count++] =
        (struct mb_piece){ (uint32_t)off, (uint32_t)file_bytes, (uint32_t)phys, (uint32_t)memory_bytes };
    return true;
}

/* "a.out kludge": the header says itself what goes where. */
static bool read_addresses(const uint8_t *kernel, size_t bytes, uint32_t header_off, struct mb_image *image)
{
    const uint8_t *header = kernel + header_off;
    uint32_t load = vx_get_le32(header + HDR_LOAD_ADDR), load_end = vx_get_le32(header + HDR_LOAD_END_ADDR);
    uint32_t before = vx_get_le32(header + HDR_HEADER_ADDR) - load, bss_end = vx_get_le32(header + HDR_BSS_END_ADDR);
    if (vx_get_le32(header + HDR_HEADER_ADDR) < load || before > header_off)
        return mb_refuse(image, "its header gives a load address of %xh, which lies before the file's beginning", load);
    uint32_t off = header_off - before;
    if (load_end != 0 && load_end < load)
        return mb_refuse(image, "its header gives a load end before the load address (%xh, %xh)", load_end, load);
    uint64_t file_bytes = load_end != 0 ? load_end - load : bytes - off;
    if (bss_end != 0 && bss_end < load + file_bytes)
        return mb_refuse(image, "its header gives a bss end before the load end (%xh)", bss_end);
    image->entry = vx_get_le32(header + HDR_ENTRY_ADDR);
    return mb_add_piece(image, bytes, off, file_bytes, load, bss_end != 0 ? bss_end - load : file_bytes);
}

static uint64_t piece_end(const struct mb_piece *piece)
{
    return (uint64_t)piece->phys + piece->memory_bytes;
}

static bool overlap(const struct mb_piece *piece, uint64_t first, uint64_t end)
{
    return piece->phys < end && first < piece_end(piece);
}

static bool free_of_pieces(const struct mb_image *image, uint64_t first, uint64_t end)
{
    for (unsigned i = 0; i < image->count; i++)
        if (overlap(&image->piece[i], first, end))
            return false;
    return true;
}

static bool check_places(struct mb_image *image)
{
    bool entered = false;
    for (unsigned i = 0; i < image->count; i++) {
        const struct mb_piece *piece = &image->piece[i];
        if (overlap(piece, 0, LOW_FIRST) || overlap(piece, LOW_END, HIGH_FIRST))
            return mb_refuse(image, "it wants to be loaded at %xh-%" PRIx64 "h, where BIOS and video memory are",
                             piece->phys, piece_end(piece) - 1);
        for (unsigned j = 0; j < i; j++)
            if (overlap(piece, image->piece[j].phys, piece_end(&image->piece[j])))
                return mb_refuse(image, "two of its segments overlap at %xh", piece->phys);
        entered |= image->entry >= piece->phys && image->entry < piece_end(piece);
    }
    if (image->count == 0)
        return mb_refuse(image, "nothing of it is to be loaded");
    return entered || mb_refuse(image, "its entry point %xh is not in what it loads", image->entry);
}

static bool read_image(const uint8_t *kernel, size_t bytes, const struct header *header, struct mb_image *image)
{
    uint32_t unknown = header->flags & FLAGS_REQUIRED & ~(uint32_t)FLAGS_KNOWN;
    if (unknown != 0)
        return mb_refuse(image, "it requires what Multiboot 1 does not have (flags %xh)", unknown);
    bool ok = header->flags & FLAG_ADDRESSES ? read_addresses(kernel, bytes, header->off, image)
                                             : mb_read_elf(kernel, bytes, image);
    return ok && check_places(image);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static uint64_t page_up(uint64_t bytes)
{
    return (bytes + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
}

/* One page-aligned address for all modules, which follow each other page by page; 0 and a logged error when they or the
 * kernel do not fit. */
static uint32_t place_modules(const struct vx_fw_config *config, const struct mb_image *image)
{
    uint64_t end = HIGH_FIRST, top = config->ram_bytes - FW_BIOS_TABLES_BYTES;
    for (unsigned i = 0; i < image->count; i++)
        end = piece_end(&image->piece[i]) > end ? piece_end(&image->piece[i]) : end;
    uint64_t first = page_up(end), needed = first;
    for (unsigned i = 0; i < config->module_count; i++)
        needed += page_up(config->modules[i].bytes);
    if (needed <= top)
        return (uint32_t)first;
    fw_log_too_little(config, config->module_count != 0 ? "kernel and modules need" : "kernel needs",
                      needed + FW_BIOS_TABLES_BYTES);
    return 0;
}

/* As high as possible, since small kernels are loaded low; 0 if the kernel leaves no room. */
static uint32_t place_block(const struct mb_image *image, uint32_t bytes)
{
    for (uint32_t phys = (BLOCK_END - bytes) & ~(uint32_t)(PAGE_BYTES - 1); phys >= BLOCK_FIRST; phys -= PAGE_BYTES)
        if (free_of_pieces(image, phys, (uint64_t)phys + bytes))
            return phys;
    return 0;
}

/* ---- the block --------------------------------------------------------------------------------------------------- */

static size_t cmdline_bytes(const struct vx_fw_config *config)
{
    size_t name = config->kernel_name != NULL ? strlen(config->kernel_name) + 1 : 0;
    return name + strlen(config->append) + 1;
}

/* The script has at most two entries a piece, one a module, and its end. */
static uint64_t block_bytes(const struct vx_fw_config *config, const struct mb_image *image)
{
    uint64_t bytes = SCRIPT + (2ull * image->count + config->module_count + 1) * SCRIPT_ENTRY_BYTES;
    for (unsigned i = 0; i < config->module_count; i++)
        bytes += MODULE_ENTRY_BYTES + strlen(config->modules[i].command_line) + 1;
    return bytes + cmdline_bytes(config) + sizeof LOADER_NAME;
}

static uint8_t *take(struct block *block, size_t bytes, uint32_t *phys)
{
    uint8_t *at = block->data + block->used;
    *phys = block->phys + block->used;
    block->used += (uint32_t)bytes;
    return at;
}

static void add_load(struct block *block, uint32_t item, uint32_t off, uint32_t bytes, uint32_t phys)
{
    uint32_t ignored;
    uint8_t *entry = take(block, SCRIPT_ENTRY_BYTES, &ignored);
    vx_put_le32(entry, item);
    vx_put_le32(entry + 4, off);
    vx_put_le32(entry + 8, bytes);
    vx_put_le32(entry + 12, phys);
}

static uint32_t add_string(struct block *block, const char *text)
{
    uint32_t phys;
    size_t bytes = strlen(text) + 1;
    memcpy(take(block, bytes, &phys), text, bytes);
    return phys;
}

static uint32_t add_cmdline(struct block *block, const struct vx_fw_config *config)
{
    const char *name = config->kernel_name != NULL ? config->kernel_name : "";
    const char *space = name[0] != '\0' && config->append[0] != '\0' ? " " : "";
    uint32_t phys;
    size_t room = cmdline_bytes(config);
    snprintf((char *)take(block, room, &phys), room, "%s%s%s", name, space, config->append);
    return phys;
}

/* What has to be loaded: kernel, modules. */
static void write_script(struct block *block, const struct vx_fw_config *config, const struct mb_image *image,
                         uint32_t modules_phys)
{
    for (unsigned i = 0; i < image->count; i++) {
        const struct mb_piece *piece = &image->piece[i];
        uint32_t zeros = piece->memory_bytes - piece->file_bytes;
        if (piece->file_bytes != 0)
            add_load(block, FW_KEY_KERNEL_DATA, piece->off, piece->file_bytes, piece->phys);
        if (zeros != 0)
            add_load(block, NO_ITEM, 4, zeros, piece->phys + piece->file_bytes);
    }
    for (unsigned i = 0; i < config->module_count; i++) {
        const struct vx_boot_module *module = &config->modules[i];
        if (module->bytes != 0)
            add_load(block, FW_KEY_INITRD_DATA, (uint32_t)module->off, (uint32_t)module->bytes, modules_phys);
        modules_phys += (uint32_t)page_up(module->bytes);
    }
    add_load(block, 0, 0, 0, 0);
}

static void write_modules(struct block *block, const struct vx_fw_config *config, uint32_t module_phys)
{
    uint32_t list_phys;
    uint8_t *info = block->data + INFO, *list = take(block, config->module_count * MODULE_ENTRY_BYTES, &list_phys);
    for (unsigned i = 0; i < config->module_count; i++) {
        const struct vx_boot_module *module = &config->modules[i];
        uint8_t *entry = list + i * MODULE_ENTRY_BYTES;
        vx_put_le32(entry + MODULE_START, module_phys);
        vx_put_le32(entry + MODULE_END, module_phys + (uint32_t)module->bytes);
        vx_put_le32(entry + MODULE_STRING, add_string(block, module->command_line));
        module_phys += (uint32_t)page_up(module->bytes);
    }
    vx_put_le32(info + MBI_MODS_COUNT, config->module_count);
    vx_put_le32(info + MBI_MODS_ADDR, list_phys);
}

static void write_framebuffer(uint8_t *info)
{
    vx_put_le64(info + MBI_FRAMEBUFFER_ADDR, TEXT_PHYS);
    vx_put_le32(info + MBI_FRAMEBUFFER_PITCH, TEXT_COLUMNS * 2);
    vx_put_le32(info + MBI_FRAMEBUFFER_WIDTH, TEXT_COLUMNS);
    vx_put_le32(info + MBI_FRAMEBUFFER_HEIGHT, TEXT_ROWS);
    info[MBI_FRAMEBUFFER_BPP] = 16;
    info[MBI_FRAMEBUFFER_TYPE] = FRAMEBUFFER_TEXT;
}

/* Memory sizes and map are the option ROM's part: only the BIOS knows what it has kept for itself. */
static void write_block(struct block *block, const struct vx_fw_config *config, const struct mb_image *image,
                        const struct header *header, uint32_t modules_phys)
{
    uint8_t *info = block->data + INFO;
    bool video = (header->flags & FLAG_VIDEO) != 0;
    block->used = SCRIPT;
    write_script(block, config, image, modules_phys);
    write_modules(block, config, modules_phys);
    vx_put_le32(info + MBI_FLAGS, HAS_MEMORY | HAS_BOOT_DEVICE | HAS_CMDLINE | HAS_MODULES | HAS_MAP | HAS_LOADER_NAME |
                                      (video ? HAS_FRAMEBUFFER : 0));
    vx_put_le32(info + MBI_BOOT_DEVICE, BOOT_DEVICE);
    vx_put_le32(info + MBI_CMDLINE, add_cmdline(block, config));
    vx_put_le32(info + MBI_MMAP_ADDR, block->phys + MAP);
    vx_put_le32(info + MBI_BOOT_LOADER_NAME, add_string(block, LOADER_NAME));
    if (video)
        write_framebuffer(info);
}

/* ---- fw_cfg ------------------------------------------------------------------------------------------------------ */

static vx_err add_items(const struct vx_fw_config *config, const struct block *block, uint32_t entry,
                        const struct vx_fw_sink *sink)
{
    struct fw_option_rom_patch patch = { 0 };
    size_t rom_bytes;
    const uint8_t *rom = firmware_multiboot(&rom_bytes);
    sink->add_item(sink->opaque, FW_KEY_SETUP_DATA, block->data + INFO, block->used - INFO);
    sink->add_item(sink->opaque, FW_KEY_KERNEL_DATA, config->kernel, config->kernel_bytes);
    if (config->initrd_bytes != 0)
        sink->add_item(sink->opaque, FW_KEY_INITRD_DATA, config->initrd, config->initrd_bytes);
    vx_put_le32(patch.bytes, block->phys >> 4);
    vx_put_le32(patch.bytes + 4, block->used - INFO);
    vx_put_le32(patch.bytes + 8, entry);
    return fw_add_option_rom(sink, FW_MULTIBOOT_FILE, rom, rom_bytes, &patch);
}

static vx_err add_image(const struct vx_fw_config *config, const struct header *header, const struct mb_image *image,
                        const struct vx_fw_sink *sink)
{
    uint32_t modules_phys = place_modules(config, image);
    if (modules_phys == 0)
        return VX_ERR_RANGE;
    uint64_t bytes = block_bytes(config, image);
    if (bytes > BLOCK_MAX_BYTES) {
        vx_log_error(config->log, VX_LOG_FIRMWARE,
                     "the command lines of kernel and modules are too long by %" PRIu64 " characters: shorten --append",
                     bytes - BLOCK_MAX_BYTES);
        return VX_ERR_RANGE;
    }
    struct block block = { .phys = place_block(image, (uint32_t)bytes) };
    if (block.phys == 0) {
        vx_log_error(config->log, VX_LOG_FIRMWARE,
                     "cannot boot the file given with --kernel: it leaves no room below %u KiB for what it is told",
                     BLOCK_END >> 10);
        return VX_ERR_RANGE;
    }
    block.data = calloc(1, BLOCK_MAX_BYTES);
    if (block.data == NULL)
        return VX_ERR_NO_MEMORY;
    write_block(&block, config, image, header, modules_phys);
    vx_err err = add_items(config, &block, image->entry, sink);
    free(block.data);
    return err;
}

vx_err fw_add_multiboot(const struct vx_fw_config *config, const struct vx_fw_sink *sink)
{
    struct header header;
    struct mb_image image = { .count = 0 };
    if (!find_header(config->kernel, config->kernel_bytes, &header))
        return VX_ERR_BAD_FORMAT;
    if (!read_image(config->kernel, config->kernel_bytes, &header, &image)) {
        vx_log_error(config->log, VX_LOG_FIRMWARE, "cannot boot the multiboot kernel given with --kernel: %s",
                     image.why);
        return VX_ERR_BAD_FORMAT;
    }
    return add_image(config, &header, &image, sink);
}
