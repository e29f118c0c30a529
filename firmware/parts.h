/* parts.h - what vx_fw_build() puts together: one function a standard, each adding its items and files to the sink.
 *
 * No function here keeps state; all integers that the guest reads are little-endian as vx_put_le*() writes them, but
 * for those that fw_cfg itself defines as big-endian. */
#ifndef VX86_FIRMWARE_PARTS_H
#define VX86_FIRMWARE_PARTS_H

#include "vx86/bytes.h"
#include "vx86/firmware.h"

/* Items of fw_cfg by number (QEMU "fw_cfg" specification and SeaBIOS). optionrom.inc has those of a direct boot again.
 * */
enum fw_key {
    FW_KEY_UUID = 0x02,
    FW_KEY_RAM_SIZE = 0x03,
    FW_KEY_NOGRAPHIC = 0x04,
    FW_KEY_NB_CPUS = 0x05,
    FW_KEY_KERNEL_ADDR = 0x07,
    FW_KEY_KERNEL_SIZE = 0x08,
    FW_KEY_INITRD_ADDR = 0x0A,
    FW_KEY_INITRD_SIZE = 0x0B,
    FW_KEY_BOOT_MENU = 0x0E,
    FW_KEY_MAX_CPUS = 0x0F,
    FW_KEY_KERNEL_DATA = 0x11,
    FW_KEY_INITRD_DATA = 0x12,
    FW_KEY_CMDLINE_ADDR = 0x13,
    FW_KEY_CMDLINE_SIZE = 0x14,
    FW_KEY_CMDLINE_DATA = 0x15,
    FW_KEY_SETUP_ADDR = 0x16,
    FW_KEY_SETUP_SIZE = 0x17,
    FW_KEY_SETUP_DATA = 0x18,
    FW_KEY_IRQ0_OVERRIDE = 0x8002,
};

/* Names of our option ROMs, in fw_cfg and, behind "/rom@", in "bootorder". */
#define FW_LINUXBOOT_FILE "genroms/linuxboot.bin"
#define FW_MULTIBOOT_FILE "genroms/multiboot.bin"

/* At the end of RAM the BIOS keeps its tables: 256 KiB at most, as much again for what grows. */
enum { FW_BIOS_TABLES_BYTES = 512 * 1024, FW_RAM_MAX_MIB = 3072 };

/* Where the PCI hole begins, as SeaBIOS lays out the i440FX: the first of 2 GiB and 3 GiB that RAM leaves free. */
uint32_t fw_pci_hole(uint64_t ram_bytes);

/* acpi.c: "etc/acpi/rsdp", "etc/acpi/tables", "etc/table-loader". */
void fw_add_acpi(const struct vx_fw_config *config, const struct vx_fw_sink *sink);

/* smbios.c: "etc/smbios/smbios-anchor", "etc/smbios/smbios-tables". */
void fw_add_smbios(const struct vx_fw_config *config, const struct vx_fw_sink *sink);

/* linux.c, multiboot.c: is it such a kernel? */
bool fw_is_linux(const uint8_t *kernel, size_t bytes);
bool fw_is_multiboot(const uint8_t *kernel, size_t bytes);

/* The same: a direct boot's items and option ROM. config->kernel is of that kind. What is wrong has been logged. */
VX_MUST_USE vx_err fw_add_linux(const struct vx_fw_config *config, const struct vx_fw_sink *sink);
VX_MUST_USE vx_err fw_add_multiboot(const struct vx_fw_config *config, const struct vx_fw_sink *sink);

/* Logs that so much memory is needed, and the -m that would do; `what` is the sentence's beginning. */
void fw_log_too_little(const struct vx_fw_config *config, const char *what, uint64_t needed_bytes);

/* option_rom.c: adds a ROM with its checksums put right; `patch`, if any, goes to its last 16 bytes. */
enum { FW_OPTION_ROM_PATCH_BYTES = 16 };
struct fw_option_rom_patch {
    uint8_t bytes[FW_OPTION_ROM_PATCH_BYTES - 1]; /* the last byte is the checksum */
};
VX_MUST_USE vx_err fw_add_option_rom(const struct vx_fw_sink *sink, const char *file, const uint8_t *image,
                                     size_t bytes, const struct fw_option_rom_patch *patch);

/* What to add so that all bytes sum to zero. */
static inline uint8_t checksum(const uint8_t *at, size_t bytes)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < bytes; i++)
        sum = (uint8_t)(sum + at[i]);
    return (uint8_t)-sum;
}

static inline void add_u16(const struct vx_fw_sink *sink, enum fw_key key, uint16_t value)
{
    uint8_t bytes[2];
    vx_put_le16(bytes, value);
    sink->add_item(sink->opaque, (uint16_t)key, bytes, sizeof bytes);
}

static inline void add_u32(const struct vx_fw_sink *sink, enum fw_key key, uint32_t value)
{
    uint8_t bytes[4];
    vx_put_le32(bytes, value);
    sink->add_item(sink->opaque, (uint16_t)key, bytes, sizeof bytes);
}

#endif
