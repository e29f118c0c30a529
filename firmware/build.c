/* build.c - everything that the BIOS is told through fw_cfg, from one configuration. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

uint32_t fw_pci_hole(uint64_t ram_bytes)
{
    return ram_bytes <= 0x80000000u ? 0x80000000u : 0xC0000000u;
}

/* SeaBIOS takes the size of memory from the RAM entry and adds what it reserves itself. */
static void add_e820(const struct vx_fw_config *config, const struct vx_fw_sink *sink)
{
    enum { E820_RAM = 1, ENTRY_BYTES = 20 };
    uint8_t entry[ENTRY_BYTES];
    vx_put_le64(entry, 0);
    vx_put_le64(entry + 8, config->ram_bytes);
    vx_put_le32(entry + 16, E820_RAM);
    sink->add_file(sink->opaque, "etc/e820", entry, sizeof entry);
}

/* One byte a sleep state S0..S5: bit 7 set where the machine has it, SUS_TYP below. Only running and power-off. */
static void add_system_states(const struct vx_fw_sink *sink)
{
    static const uint8_t states[6] = { 0x80, 0, 0, 0, 0, 0x80 };
    sink->add_file(sink->opaque, "etc/system-states", states, sizeof states);
}

/* No boot menu, and no reset when nothing can be booted: the BIOS says so on port 402h, once, and stops. */
static void add_boot_policy(const struct vx_fw_sink *sink)
{
    static const uint8_t never[4] = { 0xFF, 0xFF, 0xFF, 0xFF };
    add_u16(sink, FW_KEY_BOOT_MENU, 0);
    sink->add_file(sink->opaque, "etc/boot-fail-wait", never, sizeof never);
}

/* A direct boot comes before every device, and after the last named one the BIOS gives up instead of trying the rest.
 * */
static vx_err add_boot_order(const struct vx_fw_config *config, enum vx_kernel_kind kind, const struct vx_fw_sink *sink)
{
    static const char *const orders[] = {
        [VX_KERNEL_NONE] = "",
        [VX_KERNEL_LINUX] = "/rom@" FW_LINUXBOOT_FILE "\n",
        [VX_KERNEL_MULTIBOOT] = "/rom@" FW_MULTIBOOT_FILE "\n",
    };
    const char *direct = orders[kind];
    const char *devices = config->boot_order != NULL ? config->boot_order : "";
    static const char halt[] = "HALT\n";
    size_t bytes = strlen(direct) + strlen(devices) + sizeof halt;
    char *order = malloc(bytes);
    if (order == NULL)
        return VX_ERR_NO_MEMORY;
    snprintf(order, bytes, "%s%s%s", direct, devices, halt);
    sink->add_file(sink->opaque, "bootorder", order, bytes);
    free(order);
    return VX_ERR_OK;
}

static void add_machine(const struct vx_fw_config *config, const struct vx_fw_sink *sink)
{
    static const uint8_t uuid[16];
    uint8_t ram[8];
    vx_put_le64(ram, config->ram_bytes);
    sink->add_item(sink->opaque, FW_KEY_UUID, uuid, sizeof uuid);
    sink->add_item(sink->opaque, FW_KEY_RAM_SIZE, ram, sizeof ram);
    add_u16(sink, FW_KEY_NOGRAPHIC, 0);
    add_u16(sink, FW_KEY_NB_CPUS, (uint16_t)config->cpus);
    add_u16(sink, FW_KEY_MAX_CPUS, (uint16_t)config->cpus);
    add_u32(sink, FW_KEY_IRQ0_OVERRIDE, 1); /* the timer is on pin 2 of the I/O APIC */
}

enum vx_kernel_kind vx_fw_kernel_kind(const uint8_t *kernel, size_t bytes)
{
    if (fw_is_linux(kernel, bytes))
        return VX_KERNEL_LINUX;
    return fw_is_multiboot(kernel, bytes) ? VX_KERNEL_MULTIBOOT : VX_KERNEL_NONE;
}

void fw_log_too_little(const struct vx_fw_config *config, const char *what, uint64_t needed_bytes)
{
    unsigned needed_mib = (unsigned)((needed_bytes + 0xFFFFF) >> 20), have_mib = (unsigned)(config->ram_bytes >> 20);
    if (needed_mib > FW_RAM_MAX_MIB)
        vx_log_error(config->log, VX_LOG_FIRMWARE, "%s %u MiB of memory; no machine has more than %u", what, needed_mib,
                     FW_RAM_MAX_MIB);
    else
        vx_log_error(config->log, VX_LOG_FIRMWARE, "%s %u MiB of memory, the machine has %u: use -m %uM", what,
                     needed_mib, have_mib, needed_mib);
}

vx_err vx_fw_build(const struct vx_fw_config *config, const struct vx_fw_sink *sink)
{
    enum vx_kernel_kind kind = VX_KERNEL_NONE;
    if (config->kernel != NULL)
        kind = vx_fw_kernel_kind(config->kernel, config->kernel_bytes);
    add_machine(config, sink);
    add_e820(config, sink);
    add_system_states(sink);
    add_boot_policy(sink);
    fw_add_acpi(config, sink);
    fw_add_smbios(config, sink);
    VX_TRY(add_boot_order(config, kind, sink));
    if (config->kernel == NULL)
        return VX_ERR_OK;
    /* what is neither, fw_add_linux() refuses with the reason */
    return kind == VX_KERNEL_MULTIBOOT ? fw_add_multiboot(config, sink) : fw_add_linux(config, sink);
}
