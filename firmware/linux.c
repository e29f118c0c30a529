/* linux.c - direct Linux boot: checks the kernel, decides where everything goes, fills in the boot loader's header
 * fields.
 *
 * Guest memory as the option ROM (linuxboot.asm) leaves it:
 *
 *      10000h  real-mode setup code (segment 1000h), heap and stack up to 1E000h
 *      20000h  command line
 *     100000h  protected-mode kernel
 *        high  initrd, page-aligned, below what the kernel and the BIOS's tables allow
 *
 * Source: Linux "The Linux/x86 Boot Protocol"; field offsets below are into the first sector.
 *
 *   I1  Every size taken from the kernel's header is checked against the file before it is used. */
#include <stdlib.h>
#include <string.h>

#include "images.h"
#include "parts.h"

enum {
    HDR_SETUP_SECTS = 0x1F1,
    HDR_VID_MODE = 0x1FA,
    HDR_BOOT_FLAG = 0x1FE,
    HDR_MAGIC = 0x202,
    HDR_VERSION = 0x206,
    HDR_TYPE_OF_LOADER = 0x210,
    HDR_LOADFLAGS = 0x211,
    HDR_RAMDISK_IMAGE = 0x218,
    HDR_RAMDISK_SIZE = 0x21C,
    HDR_HEAP_END_PTR = 0x224,
    HDR_CMD_LINE_PTR = 0x228,
    HDR_INITRD_ADDR_MAX = 0x22C,
    HDR_XLOADFLAGS = 0x236,
    HDR_CMDLINE_SIZE = 0x238,
    HDR_PREF_ADDRESS = 0x258,
    HDR_INIT_SIZE = 0x260,
    HDR_BYTES = 0x264,
};
enum {
    SECTOR_BYTES = 512,
    LOADED_HIGH = 0x01,
    CAN_USE_HEAP = 0x80,
    HAS_64_BIT_ENTRY = 0x01,
    LOADER_UNREGISTERED = 0xFF
};
enum {
    SETUP_PHYS = 0x10000,
    LINUX_STACK_TOP = 0xE000, /* linuxboot.asm: STACK_TOP */
    STACK_BYTES = 0x200,
    CMDLINE_PHYS = 0x20000,
    CMDLINE_ROOM = 0x10000,
    KERNEL_PHYS = 0x100000,
};

#define MAGIC_HDRS 0x53726448u /* "HdrS" */

/* What the header says, with the defaults of the versions that lack a field. */
struct kernel {
    size_t setup_bytes;
    uint32_t initrd_addr_max; /* last byte that an initrd may occupy */
    uint32_t cmdline_max;     /* characters */
    uint32_t run_end;         /* first address past the memory that the kernel uses before it reads its memory map */
};

static const char *parse_kernel(const uint8_t *image, size_t bytes, struct kernel *out)
{
    if (bytes < HDR_BYTES || vx_get_le16(image + HDR_BOOT_FLAG) != 0xAA55 ||
        vx_get_le32(image + HDR_MAGIC) != MAGIC_HDRS)
        return "it is neither a Linux kernel (bzImage) nor a multiboot kernel";
    uint16_t version = vx_get_le16(image + HDR_VERSION);
    if (version < 0x202)
        return "its boot protocol is older than 2.02 (Linux 2.4)";
    if (!(image[HDR_LOADFLAGS] & LOADED_HIGH))
        return "it is a zImage, which loads low; a bzImage is needed";
    if (version >= 0x20C && (image[HDR_XLOADFLAGS] & HAS_64_BIT_ENTRY))
        return "it is a 64-bit kernel, and the guest's CPU has 32 bits; take one for i386 (Debian: linux-image-686)";
    unsigned sectors = image[HDR_SETUP_SECTS] != 0 ? image[HDR_SETUP_SECTS] : 4;
    *out = (struct kernel){ .setup_bytes = (sectors + 1) * SECTOR_BYTES,
                            .initrd_addr_max = 0x37FFFFFF,
                            .cmdline_max = 255 };
    if (out->setup_bytes > LINUX_STACK_TOP - STACK_BYTES)
        return "its setup code is larger than the 55 KiB there is for it";
    if (out->setup_bytes >= bytes)
        return "the file ends inside its setup code";
    if (bytes - out->setup_bytes > 0x40000000)
        return "it is larger than 1 GiB";
    if (version >= 0x203)
        out->initrd_addr_max = vx_get_le32(image + HDR_INITRD_ADDR_MAX);
    if (version >= 0x206)
        out->cmdline_max = vx_get_le32(image + HDR_CMDLINE_SIZE);
    if (out->cmdline_max > CMDLINE_ROOM - 1)
        out->cmdline_max = CMDLINE_ROOM - 1;
    uint64_t end = KERNEL_PHYS + (uint64_t)(bytes - out->setup_bytes);
    if (version >= 0x20A) {
        uint64_t run_end = (uint64_t)vx_get_le32(image + HDR_PREF_ADDRESS) + vx_get_le32(image + HDR_INIT_SIZE);
        end = run_end > end ? run_end : end;
    }
    out->run_end = end > UINT32_MAX ? UINT32_MAX : (uint32_t)end;
    return NULL;
}

bool fw_is_linux(const uint8_t *kernel, size_t bytes)
{
    struct kernel parsed;
    return parse_kernel(kernel, bytes, &parsed) == NULL;
}

/* The boot loader's part in "vga=": the number goes to the header, because setup runs before the kernel reads it. */
static uint16_t video_mode(const char *append)
{
    static const struct {
        const char *name;
        uint16_t mode;
    } named[] = {
        { "normal", 0xFFFF },
        { "ext", 0xFFFE },
        { "ask", 0xFFFD },
    };
    const char *at = strstr(append, "vga=");
    if (at == NULL || (at != append && at[-1] != ' '))
        return 0xFFFF;
    at += strlen("vga=");
    for (size_t i = 0; i < VX_ARRAY_LEN(named); i++)
        if (strncmp(at, named[i].name, strlen(named[i].name)) == 0)
            return named[i].mode;
    return (uint16_t)strtoul(at, NULL, 0);
}

/* As high as kernel and RAM permit; 0 and a logged error where it does not fit. */
static uint32_t place_initrd(const struct vx_fw_config *config, const struct kernel *kernel)
{
    uint64_t end = config->ram_bytes - FW_BIOS_TABLES_BYTES;
    if (end > (uint64_t)kernel->initrd_addr_max + 1)
        end = (uint64_t)kernel->initrd_addr_max + 1;
    if (config->initrd_bytes <= end) {
        uint64_t at = (end - config->initrd_bytes) & ~(uint64_t)4095;
        if (at >= kernel->run_end)
            return (uint32_t)at;
    }
    uint64_t needed = (uint64_t)kernel->run_end + config->initrd_bytes;
    if (needed > (uint64_t)kernel->initrd_addr_max + 1)
        vx_log_error(config->log, VX_LOG_FIRMWARE, "initrd of %zu KiB is too large: this kernel wants it below %u MiB",
                     config->initrd_bytes >> 10, (kernel->initrd_addr_max >> 20) + 1);
    else
        fw_log_too_little(config, "kernel and initrd need", needed + FW_BIOS_TABLES_BYTES);
    return 0;
}

static vx_err check_fits(const struct vx_fw_config *config, const struct kernel *kernel)
{
    size_t append_chars = strlen(config->append);
    if (append_chars > kernel->cmdline_max) {
        vx_log_error(config->log, VX_LOG_FIRMWARE,
                     "command line has %zu characters, this kernel takes at most %u: shorten --append", append_chars,
                     kernel->cmdline_max);
        return VX_ERR_RANGE;
    }
    uint64_t needed = (uint64_t)kernel->run_end + FW_BIOS_TABLES_BYTES;
    if (needed > config->ram_bytes) {
        fw_log_too_little(config, "kernel needs", needed);
        return VX_ERR_RANGE;
    }
    return VX_ERR_OK;
}

/* The setup code with the fields that are "write (obligatory)" for a boot loader. */
static vx_err add_setup(const struct vx_fw_config *config, const struct kernel *kernel, uint32_t initrd_phys,
                        const struct vx_fw_sink *sink)
{
    uint8_t *setup = malloc(kernel->setup_bytes);
    if (setup == NULL)
        return VX_ERR_NO_MEMORY;
    memcpy(setup, config->kernel, kernel->setup_bytes);
    vx_put_le16(setup + HDR_VID_MODE, video_mode(config->append));
    setup[HDR_TYPE_OF_LOADER] = LOADER_UNREGISTERED;
    setup[HDR_LOADFLAGS] |= CAN_USE_HEAP;
    vx_put_le16(setup + HDR_HEAP_END_PTR, LINUX_STACK_TOP - STACK_BYTES);
    vx_put_le32(setup + HDR_CMD_LINE_PTR, CMDLINE_PHYS);
    vx_put_le32(setup + HDR_RAMDISK_IMAGE, initrd_phys);
    vx_put_le32(setup + HDR_RAMDISK_SIZE, (uint32_t)config->initrd_bytes);
    sink->add_item(sink->opaque, FW_KEY_SETUP_DATA, setup, kernel->setup_bytes);
    free(setup);
    add_u32(sink, FW_KEY_SETUP_ADDR, SETUP_PHYS);
    add_u32(sink, FW_KEY_SETUP_SIZE, (uint32_t)kernel->setup_bytes);
    return VX_ERR_OK;
}

vx_err fw_add_linux(const struct vx_fw_config *config, const struct vx_fw_sink *sink)
{
    struct kernel kernel;
    const char *problem = parse_kernel(config->kernel, config->kernel_bytes, &kernel);
    if (problem != NULL) {
        vx_log_error(config->log, VX_LOG_FIRMWARE, "cannot boot the file given with --kernel: %s", problem);
        return VX_ERR_BAD_FORMAT;
    }
    VX_TRY(check_fits(config, &kernel));
    uint32_t initrd_phys = 0;
    if (config->initrd_bytes != 0 && (initrd_phys = place_initrd(config, &kernel)) == 0)
        return VX_ERR_RANGE;
    VX_TRY(add_setup(config, &kernel, initrd_phys, sink));

    add_u32(sink, FW_KEY_CMDLINE_ADDR, CMDLINE_PHYS);
    add_u32(sink, FW_KEY_CMDLINE_SIZE, (uint32_t)strlen(config->append) + 1);
    sink->add_item(sink->opaque, FW_KEY_CMDLINE_DATA, config->append, strlen(config->append) + 1);
    size_t code_bytes = config->kernel_bytes - kernel.setup_bytes;
    add_u32(sink, FW_KEY_KERNEL_ADDR, KERNEL_PHYS);
    add_u32(sink, FW_KEY_KERNEL_SIZE, (uint32_t)code_bytes);
    sink->add_item(sink->opaque, FW_KEY_KERNEL_DATA, config->kernel + kernel.setup_bytes, code_bytes);
    add_u32(sink, FW_KEY_INITRD_ADDR, initrd_phys);
    add_u32(sink, FW_KEY_INITRD_SIZE, (uint32_t)config->initrd_bytes);
    if (config->initrd_bytes != 0)
        sink->add_item(sink->opaque, FW_KEY_INITRD_DATA, config->initrd, config->initrd_bytes);
    size_t rom_bytes;
    const uint8_t *rom = firmware_linuxboot(&rom_bytes);
    return fw_add_option_rom(sink, FW_LINUXBOOT_FILE, rom, rom_bytes, NULL);
}
