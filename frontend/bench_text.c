/* bench_text.c - results for people, a line each as they come. */
#include <inttypes.h>

#include "bench.h"
#include "stats_report.h"

void vx_bench_print_head(FILE *out, const struct vx_bench_report *report)
{
    fprintf(out, "%-12s %-8s", "workload", report->swept != NULL ? report->swept : "group");
    fprintf(out, " %8s %4s %7s", "seconds", "+-%", "Minsn/s");
    if (report->swept == NULL)
        fprintf(out, " %6s %6s", "x TCG", "native");
    fprintf(out, " | %6s %6s %6s %6s | %6s %5s %5s %6s | %8s %8s | %s\n", "chain%", "jump-c", "hash%", "miss%", "units",
            "insns", "expan", "again", "callouts", "interp/k", "faults: true, shadow");
}

static void print_ratio(FILE *out, double ratio)
{
    if (ratio > 0)
        fprintf(out, " %6.2f", ratio);
    else
        fprintf(out, " %6s", "-");
}

static void print_entries(FILE *out, const struct vx_stats *stats)
{
    struct vx_stats_entry entries[VX_STATS_ENTRIES];
    vx_stats_entries(stats, entries);
    fputs(" |", out);
    for (unsigned i = 0; i < VX_STATS_ENTRIES; i++)
        fprintf(out, " %3u.%02u", entries[i].hundredths / 100, entries[i].hundredths % 100);
}

static void print_counts(FILE *out, const struct vx_bench_result *result)
{
    const struct vx_stats *stats = &result->stats;
    fprintf(out, " | %6" PRIu64 " %5.1f %5.2f %6" PRIu64, stats->tu_translated,
            vx_stats_ratio(stats->tu_guest_insns, stats->tu_translated),
            vx_stats_ratio(stats->tu_host_bytes, stats->tu_guest_bytes), stats->tu_retranslated);
    fprintf(out, " | %8.3f %8.3f", 1000 * vx_stats_ratio(vx_bench_callouts(stats), result->insns),
            1000 * vx_stats_ratio(stats->interp_steps, result->insns));
    fprintf(out, " | %" PRIu64 ", %" PRIu64 "\n", stats->true_faults, stats->shadow_faults);
}

void vx_bench_print_row(FILE *out, const struct vx_bench_report *report, const struct vx_bench_result *result)
{
    fprintf(out, "%-12s %-8s", result->workload->name,
            report->swept != NULL ? result->setting->label : result->workload->group);
    if (result->error[0] != '\0') {
        fprintf(out, " failed: %s\n", result->error);
        return;
    }
    fprintf(out, " %8.3f %4.0f %7.0f", (double)vx_bench_median(&result->times) / 1e9,
            100 * vx_bench_spread(&result->times), vx_bench_mips(result));
    for (enum vx_bench_rival rival = 0; rival < VX_BENCH_RIVALS && report->swept == NULL; rival++)
        print_ratio(out, vx_bench_ratio(result, rival));
    print_entries(out, &result->stats);
    print_counts(out, result);
}
