/* The tables as the BIOS would see them: the loader's script is carried out, then ACPI and SMBIOS are walked from their
 * roots by the specifications' rules. */
#include "collect.h"

enum { NAME_BYTES = 56, COMMAND_BYTES = 128, TABLES_PHYS = 0x0FFF0000 };

struct guest {
    uint8_t *tables, *rsdp;
    size_t tables_bytes, rsdp_bytes;
};

static uint8_t sum(const uint8_t *at, size_t bytes)
{
    uint8_t total = 0;
    for (size_t i = 0; i < bytes; i++)
        total = (uint8_t)(total + at[i]);
    return total;
}

static uint64_t get_le(const uint8_t *at, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static uint8_t *file_of(struct guest *guest, const uint8_t *name, size_t *bytes)
{
    bool rsdp = strcmp((const char *)name, "etc/acpi/rsdp") == 0;
    cr_assert(rsdp || strcmp((const char *)name, "etc/acpi/tables") == 0, "script names %s", (const char *)name);
    *bytes = rsdp ? guest->rsdp_bytes : guest->tables_bytes;
    return rsdp ? guest->rsdp : guest->tables;
}

/* QEMU "BIOS linker/loader": 1 allocate, 2 add pointer, 3 add checksum. */
static void carry_out(struct guest *guest, const uint8_t *script, size_t bytes)
{
    unsigned allocated = 0;
    cr_assert_eq(bytes % COMMAND_BYTES, 0);
    for (const uint8_t *cmd = script; cmd < script + bytes; cmd += COMMAND_BYTES) {
        size_t file_bytes;
        uint8_t *file = file_of(guest, cmd + 4, &file_bytes);
        const uint8_t *arg = cmd + 4 + NAME_BYTES;
        switch (vx_get_le32(cmd)) {
        case 1: allocated++; break;
        case 2: {
            uint32_t off = vx_get_le32(arg + NAME_BYTES);
            unsigned size = arg[NAME_BYTES + 4];
            cr_assert(allocated == 2 && off + size <= file_bytes && (size == 4 || size == 8));
            cr_assert_str_eq((const char *)arg, "etc/acpi/tables");
            uint64_t value = get_le(file + off, size);
            cr_assert_lt(value, guest->tables_bytes, "pointer at %u before relocation", off);
            value += TABLES_PHYS;
            memcpy(file + off, &value, size); /* hosts of the tests are little-endian */
            break;
        }
        case 3: {
            uint32_t off = vx_get_le32(arg), start = vx_get_le32(arg + 4), length = vx_get_le32(arg + 8);
            cr_assert(start + length <= file_bytes && off >= start && off < start + length);
            cr_assert_eq(file[off], 0, "checksum field at %u is zero before", off);
            file[off] = (uint8_t)-sum(file + start, length);
            break;
        }
        default: cr_assert_fail("command %u", vx_get_le32(cmd));
        }
    }
}

static const uint8_t *at_phys(const struct guest *guest, uint64_t phys)
{
    cr_assert(phys >= TABLES_PHYS && phys < TABLES_PHYS + guest->tables_bytes, "pointer to %llx",
              (unsigned long long)phys);
    return guest->tables + (phys - TABLES_PHYS);
}

/* Checks a table's length and sum and returns it. */
static const uint8_t *table(const struct guest *guest, uint64_t phys, const char *signature)
{
    const uint8_t *at = at_phys(guest, phys);
    cr_assert_arr_eq(at, signature, 4, "%s", signature);
    uint32_t bytes = vx_get_le32(at + 4);
    cr_assert(at + bytes <= guest->tables + guest->tables_bytes, "%s", signature);
    cr_assert_eq(sum(at, bytes), 0, "sum of %s", signature);
    return at;
}

static void load(struct collect *collect, uint64_t ram_bytes, struct guest *guest)
{
    collect_init(collect);
    struct vx_fw_config config = { .log = collect->log, .ram_bytes = ram_bytes, .cpus = 1 };
    cr_assert_eq(vx_fw_build(&config, &collect->sink), VX_ERR_OK);
    const struct collected *tables = find_file(collect, "etc/acpi/tables"), *rsdp = find_file(collect, "etc/acpi/rsdp");
    const struct collected *script = find_file(collect, "etc/table-loader");
    cr_assert(tables != NULL && rsdp != NULL && script != NULL);
    *guest = (struct guest){ tables->data, rsdp->data, tables->bytes, rsdp->bytes };
    carry_out(guest, script->data, script->bytes);
}

Test(tables, acpi)
{
    struct collect collect;
    struct guest guest;
    load(&collect, 256 << 20, &guest);
    cr_assert_arr_eq(guest.rsdp, "RSD PTR ", 8);
    cr_assert_eq(sum(guest.rsdp, 20), 0);
    cr_assert_eq(sum(guest.rsdp, 36), 0);

    const uint8_t *rsdt = table(&guest, vx_get_le32(guest.rsdp + 16), "RSDT");
    const uint8_t *xsdt = table(&guest, get_le(guest.rsdp + 24, 8), "XSDT");
    cr_assert_eq(vx_get_le32(rsdt + 4), 36 + 3 * 4);
    cr_assert_eq(vx_get_le32(xsdt + 4), 36 + 3 * 8);
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(vx_get_le32(rsdt + 36 + 4 * i), get_le(xsdt + 36 + 8 * i, 8), "both roots name the same tables");

    const uint8_t *fadt = table(&guest, vx_get_le32(rsdt + 36), "FACP");
    cr_assert_eq(vx_get_le32(fadt + 4), 244);
    cr_assert_arr_eq(at_phys(&guest, vx_get_le32(fadt + 36)), "FACS", 4);
    cr_assert_eq(vx_get_le32(fadt + 36) % 64, 0, "the FACS is 64-byte aligned");
    table(&guest, vx_get_le32(fadt + 40), "DSDT");
    cr_assert_eq(vx_get_le32(fadt + 40), get_le(fadt + 140, 8));
    /* every fixed register block: the 32-bit field, its length, and its extended address agree */
    static const struct {
        unsigned field, length, extended, port;
    } blocks[] = {
        { 56, 88, 148, 0x600 },
        { 64, 89, 172, 0x604 },
        { 76, 91, 208, 0x608 },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(blocks); i++) {
        cr_assert_eq(vx_get_le32(fadt + blocks[i].field), blocks[i].port);
        cr_assert_eq(fadt[blocks[i].extended + 1], fadt[blocks[i].length] * 8);
        cr_assert_eq(get_le(fadt + blocks[i].extended + 4, 8), blocks[i].port);
    }
    collect_fini(&collect);
}

Test(tables, madt)
{
    struct collect collect;
    struct guest guest;
    unsigned seen[5] = { 0 };
    load(&collect, 256 << 20, &guest);
    const uint8_t *rsdt = at_phys(&guest, vx_get_le32(guest.rsdp + 16));
    const uint8_t *madt = table(&guest, vx_get_le32(rsdt + 40), "APIC");
    const uint8_t *end = madt + vx_get_le32(madt + 4);
    const uint8_t *at = madt + 44;
    for (; at < end; at += at[1]) {
        cr_assert(at[1] >= 2 && at + at[1] <= end && at[0] < VX_ARRAY_LEN(seen));
        seen[at[0]]++;
    }
    cr_assert_eq(at, end, "the records fill the table");
    cr_assert(seen[0] == 1 && seen[1] == 1 && seen[2] == 5 && seen[4] == 1);
    collect_fini(&collect);
}

Test(tables, hpet)
{
    struct collect collect;
    struct guest guest;
    load(&collect, 256 << 20, &guest);
    const uint8_t *rsdt = at_phys(&guest, vx_get_le32(guest.rsdp + 16));
    const uint8_t *hpet = table(&guest, vx_get_le32(rsdt + 44), "HPET");
    cr_assert_eq(vx_get_le32(hpet + 4), 56);
    cr_assert_eq(vx_get_le32(hpet + 36), 0x8086A201, "as the chip's own capabilities say");
    cr_assert(hpet[40] == 0 && get_le(hpet + 44, 8) == 0xFED00000 && hpet[52] == 0);
    collect_fini(&collect);
}

/* The PCI hole in the DSDT: after the name PMIN and a DWordPrefix. */
Test(tables, pci_hole)
{
    static const struct {
        uint64_t ram_bytes;
        uint32_t hole;
    } rows[] = {
        { 1ull << 20, 0x80000000 },
        { 2048ull << 20, 0x80000000 },
        { 2049ull << 20, 0xC0000000 },
        { 3072ull << 20, 0xC0000000 },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct collect collect;
        struct guest guest;
        load(&collect, rows[i].ram_bytes, &guest);
        const uint8_t *name = memmem(guest.tables, guest.tables_bytes, "PMIN\x0C", 5);
        cr_assert_not_null(name);
        cr_assert_eq(vx_get_le32(name + 5), rows[i].hole, "%llu MiB", (unsigned long long)(rows[i].ram_bytes >> 20));
        const struct collected *e820 = find_file(&collect, "etc/e820");
        cr_assert(e820->bytes == 20 && get_le(e820->data, 8) == 0 && get_le(e820->data + 8, 8) == rows[i].ram_bytes);
        collect_fini(&collect);
    }
}

Test(tables, smbios)
{
    struct collect collect;
    struct guest guest;
    load(&collect, 96 << 20, &guest);
    const struct collected *anchor = find_file(&collect, "etc/smbios/smbios-anchor");
    const struct collected *tables = find_file(&collect, "etc/smbios/smbios-tables");
    cr_assert_eq(anchor->bytes, 31);
    cr_assert_eq(sum(anchor->data, 31), 0);
    cr_assert_eq(sum(anchor->data + 16, 15), 0);
    cr_assert_eq(vx_get_le16(anchor->data + 22), tables->bytes);

    unsigned count = 0, largest = 0;
    uint8_t last = 0;
    const uint8_t *at = tables->data, *end = tables->data + tables->bytes;
    while (at < end) {
        const uint8_t *text = at + at[1];
        unsigned strings = 0, highest = 0;
        static const struct {
            uint8_t type, first, count;
        } references[] = { { 0, 4, 2 }, { 1, 4, 3 }, { 3, 4, 1 } };
        for (; *text != 0; text += strlen((const char *)text) + 1)
            strings++;
        text += strings != 0 ? 1 : 2;
        cr_assert_leq(text, end);
        for (size_t i = 0; i < VX_ARRAY_LEN(references); i++)
            for (unsigned j = 0; at[0] == references[i].type && j < references[i].count; j++)
                highest = at[references[i].first + j] > highest ? at[references[i].first + j] : highest;
        cr_assert_leq(highest, strings, "type %u names string %u of %u", at[0], highest, strings);
        if (at[0] == 16)
            cr_assert_eq(vx_get_le32(at + 7), 96 << 10, "memory array in KiB");
        largest = (unsigned)(text - at) > largest ? (unsigned)(text - at) : largest;
        last = at[0];
        count++;
        at = text;
    }
    cr_assert_eq(last, 127);
    cr_assert_eq(vx_get_le16(anchor->data + 28), count);
    cr_assert_eq(vx_get_le16(anchor->data + 8), largest);
    collect_fini(&collect);
}

Test(tables, boot_policy)
{
    static const struct {
        const char *order, *expected;
    } rows[] = {
        { NULL, "HALT\n" },
        { "/pci@i0cf8/ide@1,1/drive@0/disk@0\n", "/pci@i0cf8/ide@1,1/drive@0/disk@0\nHALT\n" },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct collect collect;
        collect_init(&collect);
        struct vx_fw_config config = {
            .log = collect.log, .ram_bytes = 64 << 20, .cpus = 1, .boot_order = rows[i].order
        };
        cr_assert_eq(vx_fw_build(&config, &collect.sink), VX_ERR_OK);
        const struct collected *order = find_file(&collect, "bootorder");
        cr_assert_str_eq((const char *)order->data, rows[i].expected);
        cr_assert_arr_eq(find_file(&collect, "etc/boot-fail-wait")->data, "\xFF\xFF\xFF\xFF", 4);
        cr_assert_eq(find_item(&collect, FW_KEY_BOOT_MENU)->data[0], 0);
        collect_fini(&collect);
    }
}
