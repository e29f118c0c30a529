/* app_stats.h - --stats and --stats-file: the counters of a run, written to memory while the machine is there and shown
 * when the terminal is the user's again. Thread rule: main thread, while the machine does not run. */
#ifndef VX86_FRONTEND_APP_STATS_H
#define VX86_FRONTEND_APP_STATS_H

#include "options.h"
#include "stats_report.h"
#include "vx86/blocking.h"
#include "vx86/files.h"
#include "vx86/log.h"

struct app_stats {
    FILE *file; /* NULL: standard error */
    char *text;
    size_t bytes;
};

bool app_stats_wanted(const struct options *options);

/* Opens the file of --stats-file. ACCESS, logged. */
VX_MUST_USE vx_err app_stats_open(struct app_stats *stats, const struct options *options, struct vx_log *log,
                                  struct vx_files *files);
void app_stats_collect(struct app_stats *stats, const struct options *options, const struct stats_report *report);
/* Writes and closes. False, logged: the file could not be written. */
VX_MUST_USE bool app_stats_show(struct app_stats *stats, const struct options *options, struct vx_log *log,
                                struct vx_blocking *blocking);

#endif
