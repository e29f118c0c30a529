/* stats_derive.c - rates and orders that the printers of counters share. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vx86/stats.h"

/* Shares of the whole in hundredths of a percent, rounded so that they add up: what rounding down leaves goes to the
 * largest remainders. */
static void share_out(struct vx_stats_entry entries[VX_STATS_ENTRIES], unsigned __int128 total)
{
    unsigned __int128 remainder[VX_STATS_ENTRIES];
    unsigned left = 10000;
    for (unsigned i = 0; i < VX_STATS_ENTRIES; i++) {
        unsigned __int128 product = (unsigned __int128)entries[i].count * 10000;
        entries[i].hundredths = (unsigned)(product / total);
        remainder[i] = product % total;
        left -= entries[i].hundredths;
    }
    for (; left > 0; left--) {
        unsigned largest = 0;
        for (unsigned i = 1; i < VX_STATS_ENTRIES; i++)
            if (remainder[i] > remainder[largest])
                largest = i;
        entries[largest].hundredths++;
        remainder[largest] = 0;
    }
}

void vx_stats_entries(const struct vx_stats *stats, struct vx_stats_entry entries[VX_STATS_ENTRIES])
{
    const struct vx_stats_entry counted[VX_STATS_ENTRIES] = {
        { "chain", stats->entry_chain, 0 },
        { "jump cache", stats->entry_jump_cache, 0 },
        { "hash", stats->entry_hash, 0 },
        { "miss", stats->entry_miss, 0 },
    };
    unsigned __int128 total = 0;
    memcpy(entries, counted, sizeof counted);
    for (unsigned i = 0; i < VX_STATS_ENTRIES; i++)
        total += counted[i].count;
    if (total != 0)
        share_out(entries, total);
}

double vx_stats_ratio(uint64_t a, uint64_t b)
{
    return b != 0 ? (double)a / (double)b : 0.0;
}

static int by_count(const void *left, const void *right)
{
    const struct vx_stats_opcode *a = left, *b = right;
    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    return (a->map << 8 | a->opcode) - (b->map << 8 | b->opcode);
}

size_t vx_stats_opcodes(const struct vx_stats *stats, struct vx_stats_opcode opcodes[VX_STATS_OPCODES])
{
    size_t count = 0;
    for (unsigned map = 0; map < 4; map++)
        for (unsigned opcode = 0; opcode < 256; opcode++)
            if (stats->interp_by_opcode[map][opcode] != 0)
                opcodes[count++] =
                    (struct vx_stats_opcode){ (uint8_t)map, (uint8_t)opcode, stats->interp_by_opcode[map][opcode] };
    qsort(opcodes, count, sizeof *opcodes, by_count);
    return count;
}

void vx_stats_format_opcode(const struct vx_stats_opcode *opcode, char *text, size_t room)
{
    static const char *const maps[4] = { "", "0F ", "0F 38 ", "0F 3A " };
    VX_ASSERT(opcode->map < 4);
    snprintf(text, room, "%s%02X", maps[opcode->map], opcode->opcode);
}
