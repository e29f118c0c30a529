/* stats_report.h - the counters of a machine that has stopped, as text for people or as JSON for programs.
 *
 * JSON: one object; "counters" holds every row of stats.def by group and name, "rates" what is computed from them,
 * "opcodes", "exceptions" and "regions" hold what is not zero. Thread rule: while the machine does not run. */
#ifndef VX86_FRONTEND_STATS_REPORT_H
#define VX86_FRONTEND_STATS_REPORT_H

#include <stdio.h>

#include "vx86/bus.h"
#include "vx86/stats.h"

struct stats_report {
    const struct vx_stats *stats;
    struct vx_bus *bus; /* NULL: no devices */
    const char *engine; /* "bt" */
    uint64_t wall_ns;   /* how long the machine ran */
    int exit_status;
};

void stats_print_text(FILE *out, const struct stats_report *report);
void stats_print_json(FILE *out, const struct stats_report *report);

#endif
