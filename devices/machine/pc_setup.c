/* pc_setup.c - what the firmware is told: CMOS bytes as SeaBIOS and older BIOSes keep them, fw_cfg items, boot order.
 */
#include <stdio.h>
#include <string.h>

#include "pc.h"

/* CMOS bytes of the AT and their common extensions (IBM AT Technical Reference "CMOS RAM"; SeaBIOS, QEMU for 34h on).
 */
enum {
    CMOS_DISK_TYPES = 0x12,
    CMOS_EQUIPMENT = 0x14,
    CMOS_BASE_KB = 0x15,
    CMOS_EXTENDED_KB = 0x17,
    CMOS_DISK0_TYPE = 0x19,
    CMOS_EXTENDED_KB_2 = 0x30,
    CMOS_ABOVE_16M_64KB = 0x34,
    CMOS_BOOT_3 = 0x38,
    CMOS_DISK_TRANSLATION = 0x39,
    CMOS_BOOT_1_2 = 0x3D,
    CMOS_ABOVE_4G_64KB = 0x5B,
    CMOS_OTHER_CPUS = 0x5F,
};
enum { EQUIPMENT_FPU = 0x02, EQUIPMENT_MOUSE = 0x04 };
enum { BOOT_DISK = 2, BOOT_CDROM = 3, BOOT_NO_FLOPPY_CHECK = 1 };
enum { DISK_TYPE_EXTENDED = 0xF, DISK_TYPE_USER = 47 };
enum { TRANSLATION_NONE = 0, TRANSLATION_LBA = 1 };

#define BASE_KB            640
#define MIB                (1ull << 20)
/* Beyond this, cylinders do not fit in what INT 13h has for them. */
#define UNTRANSLATED_BYTES (1024ull * 16 * 63 * 512)

static void set_word(struct rtc *rtc, unsigned index, uint64_t value)
{
    uint64_t word = value < 0xFFFF ? value : 0xFFFF;
    rtc_set_cmos(rtc, index, (uint8_t)word);
    rtc_set_cmos(rtc, index + 1, (uint8_t)(word >> 8));
}

static void set_memory(struct rtc *rtc, uint64_t ram_bytes)
{
    uint64_t extended_kb = (ram_bytes - MIB) / 1024;
    set_word(rtc, CMOS_BASE_KB, BASE_KB);
    set_word(rtc, CMOS_EXTENDED_KB, extended_kb);
    set_word(rtc, CMOS_EXTENDED_KB_2, extended_kb);
    set_word(rtc, CMOS_ABOVE_16M_64KB, ram_bytes > 16 * MIB ? (ram_bytes - 16 * MIB) / 65536 : 0);
    for (unsigned i = 0; i < 3; i++) /* RAM ends below 4 GiB */
        rtc_set_cmos(rtc, CMOS_ABOVE_4G_64KB + i, 0);
}

static void set_disks(struct rtc *rtc, const struct vx_machine_config *config)
{
    uint8_t types = 0, translations = 0;
    for (unsigned i = 0; i < VX_MAX_IDE; i++) {
        const struct vx_block *disk = config->disk[i];
        if (disk == NULL)
            continue;
        if (i < 2) {
            types |= (uint8_t)(DISK_TYPE_EXTENDED << (i == 0 ? 4 : 0));
            rtc_set_cmos(rtc, CMOS_DISK0_TYPE + i, DISK_TYPE_USER);
        }
        unsigned translation = disk->bytes > UNTRANSLATED_BYTES ? TRANSLATION_LBA : TRANSLATION_NONE;
        translations |= (uint8_t)(translation << (2 * i));
    }
    rtc_set_cmos(rtc, CMOS_DISK_TYPES, types);
    rtc_set_cmos(rtc, CMOS_DISK_TRANSLATION, translations);
}

static void set_cmos(struct vx_machine *pc, const struct vx_machine_config *config)
{
    bool cdrom_first = config->boot == VX_BOOT_CDROM;
    uint8_t first = cdrom_first ? BOOT_CDROM : BOOT_DISK, second = cdrom_first ? BOOT_DISK : BOOT_CDROM;
    set_memory(pc->rtc, config->ram_bytes);
    set_disks(pc->rtc, config);
    rtc_set_cmos(pc->rtc, CMOS_EQUIPMENT, EQUIPMENT_FPU | EQUIPMENT_MOUSE);
    rtc_set_cmos(pc->rtc, CMOS_BOOT_1_2, (uint8_t)(second << 4 | first));
    rtc_set_cmos(pc->rtc, CMOS_BOOT_3, BOOT_NO_FLOPPY_CHECK);
    rtc_set_cmos(pc->rtc, CMOS_OTHER_CPUS, (uint8_t)(pc->cpu_count - 1));
}

static size_t add_drives(struct vx_block *const drives[VX_MAX_IDE], char *text, size_t bytes, size_t used)
{
    for (unsigned i = 0; i < VX_MAX_IDE; i++) {
        if (drives[i] == NULL)
            continue;
        int length = snprintf(text + used, bytes - used, "/pci@i0cf8/ide@1,1/drive@%u/disk@%u\n", i / 2, i % 2);
        if (length < 0 || (size_t)length >= bytes - used) {
            text[used] = '\0';
            return used;
        }
        used += (size_t)length;
    }
    return used;
}

void pc_setup_boot_order(const struct vx_machine_config *config, char *text, size_t bytes)
{
    bool cdrom_first = config->boot == VX_BOOT_CDROM;
    text[0] = '\0';
    size_t used = add_drives(cdrom_first ? config->cdrom : config->disk, text, bytes, 0);
    add_drives(cdrom_first ? config->disk : config->cdrom, text, bytes, used);
}

vx_err pc_setup_firmware(struct vx_machine *pc, const struct vx_machine_config *config)
{
    char boot_order[512];
    set_cmos(pc, config);
    pc_setup_boot_order(config, boot_order, sizeof boot_order);
    struct vx_fw_config firmware = {
        .log = pc->log,
        .ram_bytes = config->ram_bytes,
        .cpus = pc->cpu_count,
        .boot_order = boot_order,
        .kernel = config->kernel,
        .kernel_bytes = config->kernel_bytes,
        .kernel_name = config->kernel_name,
        .initrd = config->initrd,
        .initrd_bytes = config->initrd_bytes,
        .modules = config->modules,
        .module_count = config->module_count,
        .append = config->append != NULL ? config->append : "",
    };
    struct vx_fw_sink sink = fw_cfg_sink(pc->fw_cfg);
    VX_TRY(vx_fw_build(&firmware, &sink));
    return fw_cfg_status(pc->fw_cfg);
}
