/* acpi.c - the ACPI tables of the machine and the script by which the BIOS places them.
 *
 * The tables go to the guest in one file whose pointers are offsets into it; "etc/table-loader" tells the BIOS to
 * allocate the file, to add its address to every pointer and to sum each table when its pointers are final.
 * Sources: ACPI Specification 2.0 and 1.0b "ACPI Software Programming Model"; QEMU "BIOS linker/loader".
 *
 *   I1  A table's checksum field is zero in the file, and its checksum command comes after its pointer commands. */
#include <string.h>

#include "images.h"
#include "parts.h"

/* What devices/machine wires: PIIX4 power management at 600h, SCI on ISA interrupt 9. */
enum {
    PM_BASE = 0x600,
    SCI_IRQ = 9,
    APM_PORT = 0xB2,
    APM_ACPI_ENABLE = 0xF1,
    APM_ACPI_DISABLE = 0xF0,
    RESET_PORT = 0xCF9,
    RESET_VALUE = 0x06,
    CMOS_CENTURY = 0x32,
};
#define LAPIC_PHYS 0xFEE00000u
#define HPET_PHYS  0xFED00000u
#define HPET_ID \
    0x8086A201u /* low half of its capabilities: vendor, legacy replacement, 64 bits, 3 timers, revision 1 */
#define IOAPIC_PHYS  0xFEC00000u
#define PCI_HOLE_END 0xFEC00000u

#define RSDP_FILE   "etc/acpi/rsdp"
#define TABLES_FILE "etc/acpi/tables"

enum {
    TABLES_BYTES = 16384,
    COMMAND_BYTES = 128,
    COMMANDS = 32,
    HEADER_BYTES = 36,
    RSDP_BYTES = 36,
    LOADER_NAME_BYTES = 56
};

struct builder {
    uint8_t tables[TABLES_BYTES];
    size_t used;
    uint8_t script[COMMANDS * COMMAND_BYTES];
    unsigned commands;
};

/* ---- the loader's script ----------------------------------------------------------------------------------------- */

/* A new, zeroed command; its arguments begin at the returned address. */
static uint8_t *command(struct builder *builder, uint32_t code)
{
    VX_ASSERT(builder->commands < COMMANDS);
    uint8_t *at = builder->script + builder->commands++ * COMMAND_BYTES;
    vx_put_le32(at, code);
    return at + 4;
}

static void put_name(uint8_t *at, const char *name)
{
    VX_ASSERT(strlen(name) < LOADER_NAME_BYTES);
    memcpy(at, name, strlen(name));
}

enum zone { ZONE_HIGH = 1, ZONE_FSEG = 2 };

static void cmd_allocate(struct builder *builder, const char *file, uint32_t align, enum zone zone)
{
    uint8_t *at = command(builder, 1);
    put_name(at, file);
    vx_put_le32(at + LOADER_NAME_BYTES, align);
    at[LOADER_NAME_BYTES + 4] = (uint8_t)zone;
}

/* The `size` bytes at `off` of `file` hold an offset into the tables: add the tables' address. */
static void cmd_add_pointer(struct builder *builder, const char *file, size_t off, uint8_t size)
{
    uint8_t *at = command(builder, 2);
    put_name(at, file);
    put_name(at + LOADER_NAME_BYTES, TABLES_FILE);
    vx_put_le32(at + 2 * LOADER_NAME_BYTES, (uint32_t)off);
    at[2 * LOADER_NAME_BYTES + 4] = size;
}

static void cmd_add_checksum(struct builder *builder, const char *file, size_t off, size_t start, size_t bytes)
{
    uint8_t *at = command(builder, 3);
    put_name(at, file);
    vx_put_le32(at + LOADER_NAME_BYTES, (uint32_t)off);
    vx_put_le32(at + LOADER_NAME_BYTES + 4, (uint32_t)start);
    vx_put_le32(at + LOADER_NAME_BYTES + 8, (uint32_t)bytes);
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

/* Takes zeroed, 8-byte aligned room (64 for the FACS) and returns its offset. */
static size_t take(struct builder *builder, size_t bytes, size_t align)
{
    size_t at = (builder->used + align - 1) & ~(align - 1);
    VX_ASSERT(at + bytes <= TABLES_BYTES);
    builder->used = at + bytes;
    return at;
}

/* Takes a table with its standard header; the checksum is left to finish_table(). */
static size_t begin_table(struct builder *builder, const char signature[4], uint8_t revision, size_t bytes)
{
    size_t off = take(builder, bytes, 8);
    uint8_t *at = builder->tables + off;
    memcpy(at, signature, 4);
    vx_put_le32(at + 4, (uint32_t)bytes);
    at[8] = revision;
    memcpy(at + 10, "VX86  ", 6);
    memcpy(at + 16, "VX86PC  ", 8);
    vx_put_le32(at + 24, 1);
    memcpy(at + 28, "VX86", 4);
    vx_put_le32(at + 32, 1);
    return off;
}

static void finish_table(struct builder *builder, size_t off)
{
    cmd_add_checksum(builder, TABLES_FILE, off + 9, off, vx_get_le32(builder->tables + off + 4)); /* keeps I1 */
}

static void put_pointer32(struct builder *builder, size_t at, size_t target)
{
    vx_put_le32(builder->tables + at, (uint32_t)target);
    cmd_add_pointer(builder, TABLES_FILE, at, 4);
}

static void put_pointer64(struct builder *builder, size_t at, size_t target)
{
    vx_put_le64(builder->tables + at, target);
    cmd_add_pointer(builder, TABLES_FILE, at, 8);
}

/* Gives the Name (PMIN, ...) of dsdt.asl its value: NameOp, the name, DWordPrefix, then 32 bits. */
static void patch_pci_hole(uint8_t *dsdt, size_t bytes, uint32_t hole)
{
    static const uint8_t pattern[] = { 0x08, 'P', 'M', 'I', 'N', 0x0C };
    uint8_t *at = memmem(dsdt, bytes, pattern, sizeof pattern);
    VX_ASSERT(at != NULL && at + sizeof pattern + 4 <= dsdt + bytes);
    vx_put_le32(at + sizeof pattern, hole);
}

static size_t build_dsdt(struct builder *builder, uint64_t ram_bytes)
{
    size_t bytes;
    const uint8_t *dsdt = firmware_dsdt(&bytes);
    size_t off = take(builder, bytes, 8);
    uint8_t *at = builder->tables + off;
    memcpy(at, dsdt, bytes);
    at[9] = 0; /* keeps I1 */
    patch_pci_hole(at, bytes, fw_pci_hole(ram_bytes));
    finish_table(builder, off);
    return off;
}

static size_t build_facs(struct builder *builder)
{
    enum { FACS_BYTES = 64 };
    size_t off = take(builder, FACS_BYTES, 64);
    memcpy(builder->tables + off, "FACS", 4);
    vx_put_le32(builder->tables + off + 4, FACS_BYTES);
    return off;
}

/* A Generic Address Structure for ports. */
static void put_gas_io(uint8_t *at, uint8_t bits, uint8_t access, uint64_t port)
{
    at[0] = 1; /* system I/O space */
    at[1] = bits;
    at[3] = access;
    vx_put_le64(at + 4, port);
}

enum { FADT_WBINVD = 1u << 0, FADT_PROC_C1 = 1u << 2, FADT_SLP_BUTTON = 1u << 5, FADT_RESET_REG_SUP = 1u << 10 };

static size_t build_fadt(struct builder *builder, size_t facs, size_t dsdt)
{
    enum { FADT_BYTES = 244, LATENCY_NO_C2 = 101, LATENCY_NO_C3 = 1001, ARCH_LEGACY_DEVICES = 1, ARCH_8042 = 2 };
    size_t off = begin_table(builder, "FACP", 3, FADT_BYTES);
    uint8_t *at = builder->tables + off;
    put_pointer32(builder, off + 36, facs);
    put_pointer32(builder, off + 40, dsdt);
    at[45] = 1; /* preferred profile: desktop */
    vx_put_le16(at + 46, SCI_IRQ);
    vx_put_le32(at + 48, APM_PORT);
    at[52] = APM_ACPI_ENABLE;
    at[53] = APM_ACPI_DISABLE;
    vx_put_le32(at + 56, PM_BASE);     /* PM1a event block */
    vx_put_le32(at + 64, PM_BASE + 4); /* PM1a control block */
    vx_put_le32(at + 76, PM_BASE + 8); /* PM timer */
    at[88] = 4;
    at[89] = 2;
    at[91] = 4;
    vx_put_le16(at + 96, LATENCY_NO_C2);
    vx_put_le16(at + 98, LATENCY_NO_C3);
    at[108] = CMOS_CENTURY;
    vx_put_le16(at + 109, ARCH_LEGACY_DEVICES | ARCH_8042);
    vx_put_le32(at + 112, FADT_WBINVD | FADT_PROC_C1 | FADT_SLP_BUTTON | FADT_RESET_REG_SUP);
    put_gas_io(at + 116, 8, 1, RESET_PORT);
    at[128] = RESET_VALUE;
    put_pointer64(builder, off + 140,
                  dsdt); /* the FACS has its 32-bit pointer only: systems take a second one for a second FACS */
    put_gas_io(at + 148, 32, 2, PM_BASE);
    put_gas_io(at + 172, 16, 2, PM_BASE + 4);
    put_gas_io(at + 208, 32, 3, PM_BASE + 8);
    finish_table(builder, off);
    return off;
}

/* One record of the MADT: type, length, then up to 10 bytes. */
static size_t put_madt(uint8_t *at, uint8_t type, uint8_t length, const uint8_t *rest)
{
    at[0] = type;
    at[1] = length;
    memcpy(at + 2, rest, length - 2u);
    return length;
}

static size_t build_madt(struct builder *builder, unsigned cpus)
{
    enum { LAPIC = 0, IOAPIC = 1, OVERRIDE = 2, LAPIC_NMI = 4 };
    enum { LAPIC_BYTES = 8, IOAPIC_BYTES = 12, OVERRIDE_BYTES = 10, NMI_BYTES = 6, PCAT_COMPAT = 1 };
    /* Bus ISA, interrupt, pin (32 bits), flags: 0Dh is level-triggered, active high. The PIIX3 routes PCI to these. */
    static const uint8_t overrides[][8] = {
        { 0, 0, 2, 0, 0, 0, 0x00, 0 },   { 0, 5, 5, 0, 0, 0, 0x0D, 0 },   { 0, 9, 9, 0, 0, 0, 0x0D, 0 },
        { 0, 10, 10, 0, 0, 0, 0x0D, 0 }, { 0, 11, 11, 0, 0, 0, 0x0D, 0 },
    };
    size_t bytes =
        HEADER_BYTES + 8 + cpus * LAPIC_BYTES + IOAPIC_BYTES + VX_ARRAY_LEN(overrides) * OVERRIDE_BYTES + NMI_BYTES;
    size_t off = begin_table(builder, "APIC", 1, bytes);
    uint8_t *at = builder->tables + off + HEADER_BYTES;
    vx_put_le32(at, LAPIC_PHYS);
    vx_put_le32(at + 4, PCAT_COMPAT);
    at += 8;
    for (unsigned i = 0; i < cpus; i++)
        at += put_madt(at, LAPIC, LAPIC_BYTES, (const uint8_t[6]){ (uint8_t)i, (uint8_t)i, 1 });
    uint8_t ioapic[10] = { 0 }; /* id, reserved, address, first interrupt */
    vx_put_le32(ioapic + 2, IOAPIC_PHYS);
    at += put_madt(at, IOAPIC, IOAPIC_BYTES, ioapic);
    for (size_t i = 0; i < VX_ARRAY_LEN(overrides); i++)
        at += put_madt(at, OVERRIDE, OVERRIDE_BYTES, overrides[i]);
    put_madt(at, LAPIC_NMI, NMI_BYTES, (const uint8_t[4]){ 0xFF, 0, 0, 1 }); /* all CPUs, LINT1 */
    finish_table(builder, off);
    return off;
}

static size_t build_hpet(struct builder *builder)
{
    enum { HPET_BYTES = 56, MIN_PERIOD_TICKS = 100 };
    size_t off = begin_table(builder, "HPET", 1, HPET_BYTES);
    uint8_t *at = builder->tables + off;
    vx_put_le32(at + 36, HPET_ID);
    at[41] = 64; /* register width; system memory is 0 */
    vx_put_le64(at + 44, HPET_PHYS);
    vx_put_le16(at + 53, MIN_PERIOD_TICKS);
    finish_table(builder, off);
    return off;
}

/* RSDT (4-byte pointers) or XSDT (8-byte pointers) over the same tables. */
static size_t build_root(struct builder *builder, const char signature[4], uint8_t pointer_bytes, const size_t *tables,
                         size_t count)
{
    size_t off = begin_table(builder, signature, 1, HEADER_BYTES + count * pointer_bytes);
    for (size_t i = 0; i < count; i++) {
        size_t at = off + HEADER_BYTES + i * pointer_bytes;
        if (pointer_bytes == 4)
            put_pointer32(builder, at, tables[i]);
        else
            put_pointer64(builder, at, tables[i]);
    }
    finish_table(builder, off);
    return off;
}

static void add_rsdp(struct builder *builder, size_t rsdt, size_t xsdt, const struct vx_fw_sink *sink)
{
    enum { RSDP_V1_BYTES = 20 };
    uint8_t rsdp[RSDP_BYTES] = { 0 };
    memcpy(rsdp, "RSD PTR ", 8);
    memcpy(rsdp + 9, "VX86  ", 6);
    rsdp[15] = 2;
    vx_put_le32(rsdp + 16, (uint32_t)rsdt);
    vx_put_le32(rsdp + 20, RSDP_BYTES);
    vx_put_le64(rsdp + 24, xsdt);
    cmd_add_pointer(builder, RSDP_FILE, 16, 4);
    cmd_add_pointer(builder, RSDP_FILE, 24, 8);
    cmd_add_checksum(builder, RSDP_FILE, 8, 0, RSDP_V1_BYTES);
    cmd_add_checksum(builder, RSDP_FILE, 32, 0, RSDP_BYTES);
    sink->add_file(sink->opaque, RSDP_FILE, rsdp, sizeof rsdp);
}

void fw_add_acpi(const struct vx_fw_config *config, const struct vx_fw_sink *sink)
{
    struct builder builder = { .used = 0 };
    cmd_allocate(&builder, RSDP_FILE, 16, ZONE_FSEG);
    cmd_allocate(&builder, TABLES_FILE, 64, ZONE_HIGH);
    size_t facs = build_facs(&builder);
    size_t dsdt = build_dsdt(&builder, config->ram_bytes);
    const size_t tables[] = { build_fadt(&builder, facs, dsdt), build_madt(&builder, config->cpus),
                              build_hpet(&builder) };
    size_t rsdt = build_root(&builder, "RSDT", 4, tables, VX_ARRAY_LEN(tables));
    size_t xsdt = build_root(&builder, "XSDT", 8, tables, VX_ARRAY_LEN(tables));
    add_rsdp(&builder, rsdt, xsdt, sink);
    sink->add_file(sink->opaque, TABLES_FILE, builder.tables, builder.used);
    sink->add_file(sink->opaque, "etc/table-loader", builder.script, builder.commands * COMMAND_BYTES);
}
