/* stats.h - the counters of one machine, from one list (stats.def).
 *
 * Plain 64-bit counts, written only on the machine thread (translated code adds to them in place), read by --stats,
 * the monitor and bench/ when the machine has stopped, or approximately while it runs. */
#ifndef VX86_STATS_H
#define VX86_STATS_H

#include "vx86/split.h"

struct vx_stats {
#define VX_STAT(name, group, text) uint64_t name;
#include "vx86/stats.def"
#undef VX_STAT
    /* Interpreter steps taken from translated code, by opcode: one-byte map, then 0F, 0F38, 0F3A. */
    uint64_t interp_by_opcode[4][256];
    uint64_t exceptions_by_vector[32];
    uint64_t tu_by_insns[129]; /* units made, by their number of guest instructions */
    struct vx_split split;     /* from which the times come: vx_stats_take_times() */
};

/* One row of stats.def, for printing. `offset` is into struct vx_stats. */
struct vx_stat_desc {
    const char *name;
    const char *group;
    const char *text;
    size_t offset;
};

/* The table of stats.def in its order; *count receives its length. Static storage. */
const struct vx_stat_desc *vx_stats_table(size_t *count);

/* Brings the counters of group "time" up to date; they are 0 where the split is off. */
void vx_stats_take_times(struct vx_stats *stats);

/* ---- what printers derive from the counters (stats_derive.c) ----------------------------------------------------- */

/* Ways into translated code, in stats.def's order: chain, jump cache, hash, miss. */
#define VX_STATS_ENTRIES 4
struct vx_stats_entry {
    const char *name;
    uint64_t count;
    unsigned hundredths; /* of a percent; the four add up to 10000, or are all 0 */
};
void vx_stats_entries(const struct vx_stats *stats, struct vx_stats_entry entries[VX_STATS_ENTRIES]);

/* a / b, 0 when there is no b. */
double vx_stats_ratio(uint64_t a, uint64_t b);

/* Opcodes that were interpreted from translated code, most frequent first. */
struct vx_stats_opcode {
    uint8_t map, opcode;
    uint64_t count;
};
#define VX_STATS_OPCODES (4 * 256)
size_t vx_stats_opcodes(const struct vx_stats *stats, struct vx_stats_opcode opcodes[VX_STATS_OPCODES]);
/* "0F A2". */
void vx_stats_format_opcode(const struct vx_stats_opcode *opcode, char *text, size_t room);

#endif
