/* smbios.c - the SMBIOS structures: what dmidecode and the guest's hardware inventory show.
 *
 * The BIOS copies both files to guest memory, puts the tables' address into the anchor and sums it.
 * Source: DMTF "System Management BIOS Reference Specification" 2.8, sections by structure type. */
#include <string.h>

#include "parts.h"

enum { TABLE_BYTES = 1024, SMBIOS_MAJOR = 2, SMBIOS_MINOR = 8 };

struct writer {
    uint8_t bytes[TABLE_BYTES];
    size_t used;
    size_t largest;
    unsigned count;
};

/* Appends one structure: formatted area, then its strings (NULL ends the list). The handle is type << 8 | instance 0,
 * which is what the structures below name each other by. */
static void put(struct writer *writer, uint8_t type, const uint8_t *fields, size_t field_bytes,
                const char *const *strings)
{
    size_t begin = writer->used;
    uint8_t *at = writer->bytes + begin;
    VX_ASSERT(begin + 4 + field_bytes < TABLE_BYTES);
    at[0] = type;
    at[1] = (uint8_t)(4 + field_bytes);
    vx_put_le16(at + 2, (uint16_t)(type << 8));
    memcpy(at + 4, fields, field_bytes);
    size_t used = begin + 4 + field_bytes;
    for (size_t i = 0; strings != NULL && strings[i] != NULL; i++) {
        size_t bytes = strlen(strings[i]) + 1;
        VX_ASSERT(used + bytes + 2 <= TABLE_BYTES);
        memcpy(writer->bytes + used, strings[i], bytes);
        used += bytes;
    }
    if (strings == NULL || strings[0] == NULL)
        used++; /* no strings: two zeros */
    used++;
    VX_ASSERT(used <= TABLE_BYTES);
    writer->used = used;
    writer->count++;
    if (used - begin > writer->largest)
        writer->largest = used - begin;
}

static const char *const maker_strings[] = { "vx86", "Standard PC (i440FX + PIIX)", VX_VERSION, NULL };

static void put_bios(struct writer *writer)
{
    static const char *const strings[] = { "SeaBIOS", "vx86-" VX_VERSION, "04/01/2014", NULL };
    uint8_t fields[20] = { 1, 2, 0, 0xE8, 3, 0 };
    fields[6] = 0x08;  /* characteristics: not supported, so that nothing is promised that is not known */
    fields[15] = 0x14; /* extension 2: targeted content distribution, virtual machine */
    fields[16] = SMBIOS_MAJOR;
    fields[17] = 0;
    fields[18] = fields[19] = 0xFF; /* no embedded controller */
    put(writer, 0, fields, sizeof fields, strings);
}

static void put_system(struct writer *writer)
{
    uint8_t fields[23] = { 1, 2, 3 };
    fields[20] = 6; /* woken by the power switch; the UUID stays zero: not set */
    put(writer, 1, fields, sizeof fields, maker_strings);
}

static void put_chassis(struct writer *writer)
{
    static const char *const strings[] = { "vx86", NULL };
    uint8_t fields[17] = { 1, 1 /* other */ };
    fields[5] = fields[6] = fields[7] = 3; /* boot-up, power supply, thermal: safe */
    fields[8] = 2;                         /* security: unknown */
    put(writer, 3, fields, sizeof fields, strings);
}

static void put_processor(struct writer *writer)
{
    static const char *const strings[] = { "CPU 0", "vx86", NULL };
    uint8_t fields[38] = { 1, 3 /* central processor */, 1 /* other family */, 2 };
    fields[20] = 0x41;                        /* populated, enabled */
    fields[21] = 1;                           /* other upgrade */
    memset(fields + 22, 0xFF, 6);             /* no cache handles */
    fields[31] = fields[32] = fields[33] = 1; /* cores, enabled, threads */
    vx_put_le16(fields + 34, 0x02);           /* characteristics: unknown */
    put(writer, 4, fields, sizeof fields, strings);
}

static void put_memory(struct writer *writer, uint64_t ram_bytes)
{
    static const char *const strings[] = { "DIMM 0", "vx86", NULL };
    uint32_t ram_kb = (uint32_t)(ram_bytes >> 10);
    uint8_t array[11] = { 1 /* other place */, 3 /* system memory */, 6 /* multi-bit ECC */ };
    vx_put_le32(array + 3, ram_kb);
    vx_put_le16(array + 7, 0xFFFE); /* no error information */
    vx_put_le16(array + 9, 1);
    put(writer, 16, array, sizeof array, NULL);

    uint8_t device[23] = { 0 };
    vx_put_le16(device, 16 << 8);
    vx_put_le16(device + 2, 0xFFFE);
    vx_put_le16(device + 4, 64);
    vx_put_le16(device + 6, 64);
    vx_put_le16(device + 8, (uint16_t)(ram_kb >> 10)); /* megabytes; at most 3072 */
    device[10] = 9;                                    /* DIMM */
    device[12] = 1;
    device[14] = 7;              /* RAM */
    vx_put_le16(device + 15, 2); /* type detail: other */
    device[19] = 2;
    put(writer, 17, device, sizeof device, strings);

    uint8_t range[11] = { 0 };
    vx_put_le32(range + 4, ram_kb - 1);
    vx_put_le16(range + 8, 16 << 8);
    range[10] = 1;
    put(writer, 19, range, sizeof range, NULL);
}

/* The 2.1 entry point; address and checksums are the BIOS's to fill, ours are right for address zero. */
static void add_anchor(const struct writer *writer, const struct vx_fw_sink *sink)
{
    enum { ANCHOR_BYTES = 31, INTERMEDIATE = 16 };
    uint8_t anchor[ANCHOR_BYTES] = { 0 };
    memcpy(anchor, "_SM_", 4);
    anchor[5] = ANCHOR_BYTES;
    anchor[6] = SMBIOS_MAJOR;
    anchor[7] = SMBIOS_MINOR;
    vx_put_le16(anchor + 8, (uint16_t)writer->largest);
    memcpy(anchor + INTERMEDIATE, "_DMI_", 5);
    vx_put_le16(anchor + 22, (uint16_t)writer->used);
    vx_put_le16(anchor + 28, (uint16_t)writer->count);
    anchor[30] = SMBIOS_MAJOR << 4 | SMBIOS_MINOR;
    anchor[21] = checksum(anchor + INTERMEDIATE, ANCHOR_BYTES - INTERMEDIATE);
    anchor[4] = checksum(anchor, ANCHOR_BYTES);
    sink->add_file(sink->opaque, "etc/smbios/smbios-anchor", anchor, sizeof anchor);
}

void fw_add_smbios(const struct vx_fw_config *config, const struct vx_fw_sink *sink)
{
    struct writer writer = { .used = 0 };
    static const uint8_t boot_status[16] = { 0 }; /* reserved, then "no errors detected" */
    put_bios(&writer);
    put_system(&writer);
    put_chassis(&writer);
    put_processor(&writer);
    put_memory(&writer, config->ram_bytes);
    put(&writer, 32, boot_status, 7, NULL);
    put(&writer, 127, boot_status, 0, NULL);
    add_anchor(&writer, sink);
    sink->add_file(sink->opaque, "etc/smbios/smbios-tables", writer.bytes, writer.used);
}
