/* bench_text.c - results for people: a line each as they come, a second one with details in the end. */
#include <inttypes.h>

#include "bench.h"
#include "vx86/text.h"

void bench_print_head(FILE *out, const struct bench_report *report)
{
    fprintf(out, "%-12s %-8s", "workload", report->swept != NULL ? report->swept : "group");
    fprintf(out, " %8s %4s %7s", "seconds", "+-%", "Minsn/s");
    if (report->swept == NULL)
        for (enum bench_rival rival = 0; rival < VX_BENCH_RIVALS; rival++)
            fprintf(out, " %8s", bench_rival_name(rival));
    fprintf(out, " | %6s %6s %6s %6s\n", "chain%", "jump-c", "hash%", "miss%");
}

static void print_ratio(FILE *out, double ratio, bool failed)
{
    if (failed)
        fprintf(out, " %8s", "failed");
    else if (ratio > 0)
        fprintf(out, " %7.2fx", ratio);
    else
        fprintf(out, " %8s", "-");
}

static void print_entries(FILE *out, const struct vx_stats *stats)
{
    struct vx_stats_entry entries[VX_STATS_ENTRIES];
    vx_stats_entries(stats, entries);
    fputs(" |", out);
    for (unsigned i = 0; i < VX_STATS_ENTRIES; i++)
        fprintf(out, " %3u.%02u", entries[i].hundredths / 100, entries[i].hundredths % 100);
}

void bench_print_row(FILE *out, const struct bench_report *report, const struct bench_result *result)
{
    fprintf(out, "%-12s %-8s", result->workload->name,
            report->swept != NULL ? result->setting->label : result->workload->group);
    if (result->error[0] != '\0') {
        vx_text_print(out, " failed: %s\n", result->error);
        return;
    }
    fprintf(out, " %8.3f %4.0f %7.0f", (double)bench_median(&result->times) / 1e9, 100 * bench_spread(&result->times),
            bench_mips(result));
    for (enum bench_rival rival = 0; rival < VX_BENCH_RIVALS && report->swept == NULL; rival++)
        print_ratio(out, bench_ratio(result, rival), result->rival_error[rival][0] != '\0');
    print_entries(out, &result->stats);
    fputs("\n", out);
    for (enum bench_rival rival = 0; rival < VX_BENCH_RIVALS; rival++)
        if (result->rival_error[rival][0] != '\0')
            vx_text_print(out, "  %s: %s\n", bench_rival_name(rival), result->rival_error[rival]);
}

/* ---- details ----------------------------------------------------------------------------------------------------- */

static void print_details_head(FILE *out, const struct bench_report *report)
{
    struct bench_part again[VX_BENCH_CAUSES], times[VX_BENCH_TIMES];
    static const struct vx_stats none;
    bench_again_parts(&none, again);
    bench_time_parts(&none, times);
    fprintf(out, "\n%-21s | %7s %5s %5s | made again because of:%*s | %9s %8s | %16s | %% of time in:\n", "", "",
            "guest", "host", 9 * VX_BENCH_CAUSES - 23, "", "call-outs", "interp.", "page faults");
    fprintf(out, "%-12s %-8s | %7s %5s %5s |", "workload", report->swept != NULL ? report->swept : "group", "units",
            "insns", "times");
    for (unsigned i = 0; i < VX_BENCH_CAUSES; i++)
        fprintf(out, " %8s", again[i].name);
    fprintf(out, " | %9s %8s | %8s %7s |", "/k insns", "/k insns", "true", "shadow");
    for (unsigned i = 0; i < VX_BENCH_TIMES; i++)
        fprintf(out, " %10.10s", times[i].name);
    fputs("\n", out);
}

static void print_details_row(FILE *out, const struct bench_report *report, const struct bench_result *result)
{
    const struct vx_stats *stats = &result->stats;
    struct bench_part again[VX_BENCH_CAUSES], times[VX_BENCH_TIMES];
    bench_again_parts(stats, again);
    bench_time_parts(stats, times);
    fprintf(out, "%-12s %-8s | %7" PRIu64 " %5.1f %5.2f |", result->workload->name,
            report->swept != NULL ? result->setting->label : result->workload->group, stats->tu_translated,
            vx_stats_ratio(stats->tu_guest_insns, stats->tu_translated), result->growth);
    for (unsigned i = 0; i < VX_BENCH_CAUSES; i++)
        fprintf(out, " %8" PRIu64, again[i].value);
    fprintf(out, " | %9.3f %8.3f | %8" PRIu64 " %7" PRIu64 " |",
            1000 * vx_stats_ratio(bench_callouts(stats), result->insns),
            1000 * vx_stats_ratio(stats->interp_steps, result->insns), stats->true_faults, stats->shadow_faults);
    for (unsigned i = 0; i < VX_BENCH_TIMES; i++)
        fprintf(out, " %10.1f", bench_percent(times, VX_BENCH_TIMES, i));
    fputs("\n", out);
}

void bench_print_details(FILE *out, const struct bench_report *report)
{
    print_details_head(out, report);
    for (size_t i = 0; i < report->count; i++)
        if (report->results[i].error[0] == '\0')
            print_details_row(out, report, &report->results[i]);
}
