/* build.c - everything that the BIOS is told through fw_cfg, from one configuration. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

uint32_t vx_fw_pci_hole(uint64_t ram_bytes)
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

/* A direct boot comes before every device, and after the last named one the BIOS gives up instead of trying the rest. */
static vx_err add_boot_order(const struct vx_fw_config *config, const struct vx_fw_sink *sink)
{
    const char *direct = config->kernel != NULL ? "/rom@" FW_LINUXBOOT_FILE "\n" : "";
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

vx_err vx_fw_build(const struct vx_fw_config *config, const struct vx_fw_sink *sink)
{
    add_machine(config, sink);
    add_e820(config, sink);
    add_system_states(sink);
    add_boot_policy(sink);
    vx_fw_add_acpi(config, sink);
    vx_fw_add_smbios(config, sink);
    VX_TRY(add_boot_order(config, sink));
    if (config->kernel != NULL)
        VX_TRY(vx_fw_add_linux(config, sink));
    return VX_ERR_OK;
}
