/* floppy_format.c - the table of formats, and what drives and rates they need. See floppy_format.h. */
#include "floppy_format.h"

enum { RATE_500K, RATE_300K, RATE_250K, RATE_1M };
#define BIT(n) (1u << (n))

static const struct floppy_format formats[] = {
#define VX_FLOPPY(name, disk, sectors, cylinders, heads) { name, FLOPPY_##disk, sectors, cylinders, heads },
#include "vx86/floppies.def"
};

static uint64_t format_bytes(const struct floppy_format *format)
{
    return (uint64_t)format->sectors * format->cylinders * format->heads * FLOPPY_SECTOR_BYTES;
}

static const struct floppy_format *of_size(uint64_t bytes)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(formats); i++)
        if (format_bytes(&formats[i]) == bytes)
            return &formats[i];
    return NULL;
}

const struct floppy_format *floppy_format_of(uint64_t bytes)
{
    static const uint64_t standard[] = { 1474560, 2949120 };
    const struct floppy_format *format = of_size(bytes);
    for (size_t i = 0; i < VX_ARRAY_LEN(standard) && format == NULL; i++)
        if (bytes < standard[i] && bytes != 0 && bytes % FLOPPY_SECTOR_BYTES == 0)
            format = of_size(standard[i]);
    return format;
}

const char *floppy_disk_name(uint64_t bytes)
{
    const struct floppy_format *format = floppy_format_of(bytes);
    return format != NULL ? format->name : NULL;
}

/* A 5.25 inch disk of double density gives 250 kbit/s in a drive of its own kind and 300 in one for 1.2M, which turns
 * faster. Which of them a drive of this machine is, BIOSes do not agree on; so it is either. */
uint8_t floppy_rates(enum floppy_disk disk)
{
    switch (disk) {
    case FLOPPY_DD525:
    case FLOPPY_QD525: return BIT(RATE_250K) | BIT(RATE_300K);
    case FLOPPY_DD35: return BIT(RATE_250K);
    case FLOPPY_ED35: return BIT(RATE_1M);
    default: return BIT(RATE_500K);
    }
}

uint32_t floppy_bit_ns(unsigned rate)
{
    static const uint32_t ns[] = { 2000, 3333, 4000, 1000 };
    return ns[rate & 3];
}

uint64_t floppy_turn_ns(enum floppy_disk disk)
{
    return disk == FLOPPY_HD525 ? VX_NS_PER_SEC / 6 : VX_NS_PER_SEC / 5;
}

/* ---- drives ------------------------------------------------------------------------------------------------------ */

enum floppy_kind floppy_kind_for(const struct vx_block *disk)
{
    static const enum floppy_kind kinds[] = {
        [FLOPPY_DD525] = FLOPPY_360K, [FLOPPY_QD525] = FLOPPY_1200K, [FLOPPY_HD525] = FLOPPY_1200K,
        [FLOPPY_DD35] = FLOPPY_1440K, [FLOPPY_HD35] = FLOPPY_1440K,  [FLOPPY_ED35] = FLOPPY_2880K,
    };
    const struct floppy_format *format = disk != NULL ? floppy_format_of(disk->bytes) : NULL;
    return format != NULL ? kinds[format->disk] : FLOPPY_1440K;
}

bool floppy_kind_takes(enum floppy_kind kind, const struct vx_block *disk)
{
    static const uint8_t takes[] = {
        [FLOPPY_360K] = BIT(FLOPPY_DD525),
        [FLOPPY_1200K] = BIT(FLOPPY_QD525) | BIT(FLOPPY_HD525),
        [FLOPPY_1440K] = BIT(FLOPPY_DD35) | BIT(FLOPPY_HD35),
        [FLOPPY_2880K] = BIT(FLOPPY_DD35) | BIT(FLOPPY_HD35) | BIT(FLOPPY_ED35),
    };
    const struct floppy_format *format = floppy_format_of(disk->bytes);
    return format != NULL && (takes[kind] & BIT(format->disk));
}

const char *floppy_kind_name(enum floppy_kind kind)
{
    static const char *const names[] = {
        [FLOPPY_360K] = "360K", [FLOPPY_1200K] = "1.2M", [FLOPPY_1440K] = "1.44M", [FLOPPY_2880K] = "2.88M"
    };
    return names[kind] != NULL ? names[kind] : "no";
}
