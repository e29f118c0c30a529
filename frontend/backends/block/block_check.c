/* block_check.c - notices an image that was cut short before a guest does.
 *
 * A copy that broke off has lost its end, but its beginning still says how long it was: a disk's partition table
 * (MBR at byte 0) names the sectors of each partition, a CD's primary volume descriptor (ECMA-119 8.4, at sector 16)
 * the number of blocks. Anything that does not look exactly like these two says nothing and passes. */
#include "block_medium.h"

#include <inttypes.h>
#include <string.h>

#include "vx86/bytes.h"

#define MBR_TABLE               446
#define MBR_ENTRY_BYTES         16
#define MBR_TYPE_GPT_PROTECTIVE 0xEE
#define ISO_PVD_OFFSET          (16u * 2048)
#define ISO_PVD_BLOCKS          80
#define ISO_PVD_BLOCK_BYTES     128

struct partition {
    uint8_t status, type;
    uint64_t first, count;
};

static struct partition partition_of(const uint8_t *sector, unsigned index)
{
    const uint8_t *entry = sector + MBR_TABLE + index * MBR_ENTRY_BYTES;
    return (struct partition){
        .status = entry[0], .type = entry[4], .first = vx_get_le32(entry + 8), .count = vx_get_le32(entry + 12)
    };
}

/* Boot sectors without a partition table have code where the table would be: all four entries must make sense. */
static bool is_partition_table(const uint8_t *sector)
{
    if (sector[510] != 0x55 || sector[511] != 0xAA)
        return false;
    for (unsigned i = 0; i < 4; i++) {
        struct partition part = partition_of(sector, i);
        if ((part.status & 0x7F) != 0)
            return false;
        if (part.type != 0 && (part.first == 0 || part.count == 0))
            return false;
    }
    return true;
}

bool block_has_partitions(const uint8_t *sector)
{
    bool any = false;
    for (unsigned i = 0; i < 4; i++)
        any |= partition_of(sector, i).type != 0;
    return any && is_partition_table(sector);
}

static vx_err check_mbr(const struct block_config *config, const uint8_t *sector, uint64_t bytes)
{
    if (!is_partition_table(sector))
        return VX_ERR_OK;
    for (unsigned i = 0; i < 4; i++) {
        struct partition part = partition_of(sector, i);
        uint64_t end_bytes = (part.first + part.count) * VX_SECTOR_BYTES;
        if (part.type == 0 || part.type == MBR_TYPE_GPT_PROTECTIVE || end_bytes <= bytes)
            continue;
        vx_log_error(config->log, VX_LOG_GENERAL,
                     "%s: truncated: the file has %" PRIu64 " bytes but its partition %u ends at byte %" PRIu64
                     "; copy it again, or lengthen it with: truncate -s %" PRIu64 " FILE",
                     config->path, bytes, i + 1, end_bytes, end_bytes);
        return VX_ERR_BAD_FORMAT;
    }
    return VX_ERR_OK;
}

static vx_err check_iso(const struct block_config *config, const uint8_t *pvd, uint64_t bytes)
{
    if (pvd[0] != 1 || memcmp(pvd + 1, "CD001", 5) != 0)
        return VX_ERR_OK;
    unsigned block_bytes = pvd[ISO_PVD_BLOCK_BYTES] | (unsigned)pvd[ISO_PVD_BLOCK_BYTES + 1] << 8;
    uint64_t need = (uint64_t)vx_get_le32(pvd + ISO_PVD_BLOCKS) * block_bytes;
    if (need <= bytes)
        return VX_ERR_OK;
    vx_log_error(config->log, VX_LOG_GENERAL,
                 "%s: truncated: the file has %" PRIu64 " bytes but its volume has %" PRIu64 "; copy it again",
                 config->path, bytes, need);
    return VX_ERR_BAD_FORMAT;
}

vx_err block_check_whole(const struct block_config *config, struct medium *medium)
{
    uint64_t bytes = medium->bytes;
    uint8_t sector[2048];
    bool cdrom = config->kind == VX_BLOCK_CDROM;
    uint64_t off_bytes = cdrom ? ISO_PVD_OFFSET : 0;
    size_t count = cdrom ? sizeof(sector) : VX_SECTOR_BYTES;
    if (bytes < off_bytes + count)
        return VX_ERR_OK;
    VX_TRY(medium->ops->read(medium, off_bytes, sector, count));
    return cdrom ? check_iso(config, sector, bytes) : check_mbr(config, sector, bytes);
}
