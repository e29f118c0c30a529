/* stats.c - the table of counters that printers walk. */
#include "vx86/stats.h"

void vx_stats_take_times(struct vx_stats *stats)
{
    uint64_t ns[VX_PARTS];
    vx_split_read(&stats->split, ns);
#define VX_PART(name, counter) stats->counter = ns[VX_PART_##name];
    VX_PART_LIST(VX_PART)
#undef VX_PART
}

const struct vx_stat_desc *vx_stats_table(size_t *count)
{
    static const struct vx_stat_desc table[] = {
#define VX_STAT(name, group, text) { #name, group, text, offsetof(struct vx_stats, name) },
#include "vx86/stats.def"
#undef VX_STAT
    };
    *count = VX_ARRAY_LEN(table);
    return table;
}
