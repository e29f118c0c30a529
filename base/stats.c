/* stats.c - the table of counters that printers walk. */
#include "vx86/stats.h"

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
