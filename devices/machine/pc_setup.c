/* pc_setup.c - what the firmware is told: CMOS bytes as SeaBIOS and older BIOSes keep them, fw_cfg items, boot order.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "pc.h"

/* CMOS bytes of the AT and their common extensions (IBM AT Technical Reference "CMOS RAM"; SeaBIOS, QEMU for 34h on).
 */
enum {
    CMOS_FLOPPY_TYPES = 0x10,
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
enum { EQUIPMENT_FLOPPY = 0x01, EQUIPMENT_FPU = 0x02, EQUIPMENT_MOUSE = 0x04, EQUIPMENT_TWO_FLOPPIES = 0x40 };
enum { BOOT_FLOPPY = 1, BOOT_DISK = 2, BOOT_CDROM = 3, BOOT_NO_FLOPPY_CHECK = 1 };
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

/* Their kinds, A: above B:, and the equipment byte. */
static void set_floppies(struct vx_machine *pc)
{
    uint8_t types = 0, equipment = EQUIPMENT_FPU | EQUIPMENT_MOUSE;
    for (unsigned i = 0; i < VX_MAX_FLOPPIES && pc->floppy != NULL; i++)
        types |= (uint8_t)(floppy_drive_kind(pc->floppy, i) << (i == 0 ? 4 : 0));
    if (types != 0)
        equipment |= EQUIPMENT_FLOPPY;
    if ((types & 0x0F) != 0)
        equipment |= EQUIPMENT_TWO_FLOPPIES;
    rtc_set_cmos(pc->rtc, CMOS_FLOPPY_TYPES, types);
    rtc_set_cmos(pc->rtc, CMOS_EQUIPMENT, equipment);
}

enum { DRIVE_GROUPS = 3 };

/* What is booted from first, second and third. */
static const enum vx_boot *boot_groups(const struct vx_machine_config *config)
{
    static const enum vx_boot orders[][DRIVE_GROUPS] = {
        { VX_BOOT_DISK, VX_BOOT_CDROM, VX_BOOT_FLOPPY },
        { VX_BOOT_CDROM, VX_BOOT_DISK, VX_BOOT_FLOPPY },
        { VX_BOOT_FLOPPY, VX_BOOT_DISK, VX_BOOT_CDROM },
    };
    return orders[config->boot == VX_BOOT_CDROM ? 1 : config->boot == VX_BOOT_FLOPPY ? 2 : 0];
}

static void set_cmos(struct vx_machine *pc, const struct vx_machine_config *config)
{
    static const uint8_t codes[] = {
        [VX_BOOT_FLOPPY] = BOOT_FLOPPY, [VX_BOOT_DISK] = BOOT_DISK, [VX_BOOT_CDROM] = BOOT_CDROM
    };
    const enum vx_boot *order = boot_groups(config);
    set_memory(pc->rtc, config->ram_bytes);
    set_disks(pc->rtc, config);
    set_floppies(pc);
    rtc_set_cmos(pc->rtc, CMOS_BOOT_1_2, (uint8_t)(codes[order[1]] << 4 | codes[order[0]]));
    rtc_set_cmos(pc->rtc, CMOS_BOOT_3, (uint8_t)(codes[order[2]] << 4 | BOOT_NO_FLOPPY_CHECK));
    rtc_set_cmos(pc->rtc, CMOS_OTHER_CPUS, (uint8_t)(pc->cpu_count - 1));
}

struct order_text {
    char *text;
    size_t bytes, used;
};

/* A line, or nothing where there is no room for all of it. */
static void add_path(struct order_text *order, const char *controller, unsigned bus, const char *disk, unsigned number)
{
    char line[96];
    int length = bus == UINT_MAX ? snprintf(line, sizeof line, "%s/%s@%u\n", controller, disk, number)
                                 : snprintf(line, sizeof line, "%s/drive@%u/%s@%u\n", controller, bus, disk, number);
    if (length < 0 || (size_t)length >= order->bytes - order->used)
        return;
    memcpy(order->text + order->used, line, (size_t)length + 1);
    order->used += (size_t)length;
}

static void add_group(struct order_text *order, const struct vx_machine_config *config, enum vx_boot group)
{
    struct vx_block *const *drives = group == VX_BOOT_CDROM ? config->cdrom : config->disk;
    for (unsigned i = 0; i < VX_MAX_IDE && group != VX_BOOT_FLOPPY; i++)
        if (drives[i] != NULL)
            add_path(order, "/pci@i0cf8/ide@1,1", i / 2, "disk", i % 2);
    for (unsigned i = 0; i < VX_MAX_FLOPPIES && group == VX_BOOT_FLOPPY; i++)
        if (config->floppy[i].present)
            add_path(order, "/pci@i0cf8/isa@1/fdc@03f0", UINT_MAX, "floppy", i);
}

void pc_setup_boot_order(const struct vx_machine_config *config, char *text, size_t bytes)
{
    struct order_text order = { .text = text, .bytes = bytes };
    text[0] = '\0';
    for (unsigned i = 0; i < DRIVE_GROUPS; i++)
        add_group(&order, config, boot_groups(config)[i]);
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
