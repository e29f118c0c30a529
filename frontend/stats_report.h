/* stats_report.h - the counters of a machine that has stopped, as text for people or as JSON for programs.
 *
 * JSON: one object; "counters" holds every row of stats.def by group and name, "rates" what is computed from them,
 * "opcodes", "exceptions" and "regions" hold what is not zero. Thread rule: while the machine does not run. */
#ifndef VX86_FRONTEND_STATS_REPORT_H
#define VX86_FRONTEND_STATS_REPORT_H

#include <stdio.h>

#include "vx86/bus.h"
#include "vx86/stats.h"

struct vx_stats_report {
    const struct vx_stats *stats;
    struct vx_bus *bus; /* NULL: no devices */
    const char *engine; /* "bt" */
    uint64_t wall_ns;   /* how long the machine ran */
    int exit_status;
};

void vx_stats_print_text(FILE *out, const struct vx_stats_report *report);
void vx_stats_print_json(FILE *out, const struct vx_stats_report *report);

/* ---- what both derive from the counters -------------------------------------------------------------------------- */

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
/* "CPUID": its name in the opcode map, empty beyond the one-byte and 0F maps. */
void vx_stats_opcode_name(const struct vx_stats_opcode *opcode, char *text, size_t room);

/* Of this process. */
struct vx_stats_host {
    uint64_t peak_bytes, user_ns, system_ns;
};
struct vx_stats_host vx_stats_host(void);

#endif
