/* bench_text.c - results for people, in tables of at most 80 columns: a line each as they come, with speed and the ways
 * into units; in the end what there was no room for. */
#include <inttypes.h>

#include "bench.h"
#include "vx86/text.h"

/* Name and, in a sweep, setting. */
static void print_name(FILE *out, const struct bench_report *report, const char *name, const char *label)
{
    fprintf(out, "%-12s", name);
    if (report->swept != NULL)
        fprintf(out, " %-7.7s", label);
}

static void print_left_head(FILE *out, const struct bench_report *report)
{
    print_name(out, report, "workload", report->swept);
}

static void print_left(FILE *out, const struct bench_report *report, const struct bench_result *result)
{
    print_name(out, report, result->workload->name, result->setting->label);
}

/* ---- speed ------------------------------------------------------------------------------------------------------- */

void bench_print_head(FILE *out, const struct bench_report *report)
{
    print_left_head(out, report);
    fprintf(out, " %7s %3s %7s", "seconds", "+-%", "Minsn/s");
    if (report->swept == NULL)
        for (enum bench_rival rival = 0; rival < VX_BENCH_RIVALS; rival++)
            fprintf(out, " %7s", bench_rival_name(rival));
    fprintf(out, " %5s %5s %5s %5s\n", "chain", "jmp-c", "hash", "miss%");
}

static void print_ratio(FILE *out, double ratio, bool failed)
{
    if (failed)
        fprintf(out, " %7s", "failed");
    else if (ratio > 0)
        fprintf(out, ratio < 1000 ? " %6.2fx" : " %6.0fx", ratio);
    else
        fprintf(out, " %7s", "-");
}

/* What is there but too little to be seen is not nothing. */
static void print_percent(FILE *out, double percent)
{
    if (percent > 0 && percent < 0.05)
        fprintf(out, " %5s", "<0.1");
    else
        fprintf(out, " %5.1f", percent);
}

void bench_print_row(FILE *out, const struct bench_report *report, const struct bench_result *result)
{
    struct vx_stats_entry entries[VX_STATS_ENTRIES];
    print_left(out, report, result);
    if (result->error[0] != '\0') {
        vx_text_print(out, " failed: %s\n", result->error);
        return;
    }
    fprintf(out, " %7.3f %3.0f %7.0f", (double)bench_median(&result->times) / 1e9, 100 * bench_spread(&result->times),
            bench_mips(result));
    for (enum bench_rival rival = 0; rival < VX_BENCH_RIVALS && report->swept == NULL; rival++)
        print_ratio(out, bench_ratio(result, rival), result->rival_error[rival][0] != '\0');
    vx_stats_entries(&result->stats, entries);
    for (unsigned i = 0; i < VX_STATS_ENTRIES; i++)
        print_percent(out, entries[i].hundredths / 100.0);
    fputs("\n", out);
    for (enum bench_rival rival = 0; rival < VX_BENCH_RIVALS; rival++)
        if (result->rival_error[rival][0] != '\0')
            vx_text_print(out, "  %s: %s\n", bench_rival_name(rival), result->rival_error[rival]);
}

/* ---- details ----------------------------------------------------------------------------------------------------- */

static void print_units_head(FILE *out)
{
    fprintf(out, " %8s %5s %5s %9s %9s %8s %8s", "units", "insns", "host", "call-outs", "interp.", "true", "shadow");
}

static void print_units(FILE *out, const struct bench_result *result)
{
    const struct vx_stats *stats = &result->stats;
    fprintf(out, " %8" PRIu64 " %5.1f %5.2f %9.3f %9.3f %8" PRIu64 " %8" PRIu64, stats->tu_translated,
            vx_stats_ratio(stats->tu_guest_insns, stats->tu_translated), result->growth,
            1000 * vx_stats_ratio(bench_callouts(stats), result->insns),
            1000 * vx_stats_ratio(stats->interp_steps, result->insns), stats->true_faults, stats->shadow_faults);
}

static void print_again_head(FILE *out)
{
    struct bench_part again[VX_BENCH_CAUSES];
    static const struct vx_stats none;
    bench_again_parts(&none, again);
    for (unsigned i = 0; i < VX_BENCH_CAUSES; i++)
        fprintf(out, " %8s", again[i].name);
}

static void print_again(FILE *out, const struct bench_result *result)
{
    struct bench_part again[VX_BENCH_CAUSES];
    bench_again_parts(&result->stats, again);
    for (unsigned i = 0; i < VX_BENCH_CAUSES; i++)
        fprintf(out, " %8" PRIu64, again[i].value);
}

static void print_times_head(FILE *out)
{
    struct bench_part times[VX_BENCH_TIMES];
    static const struct bench_result none;
    bench_time_parts(&none, times);
    for (unsigned i = 0; i < VX_BENCH_TIMES; i++)
        fprintf(out, " %5s", times[i].name);
}

static void print_times(FILE *out, const struct bench_result *result)
{
    struct bench_part times[VX_BENCH_TIMES];
    bench_time_parts(result, times);
    for (unsigned i = 0; i < VX_BENCH_TIMES; i++)
        print_percent(out, bench_percent(times, VX_BENCH_TIMES, i));
}

static const struct table {
    const char *title;
    void (*head)(FILE *out);
    void (*row)(FILE *out, const struct bench_result *result);
} tables[] = {
    { "Units made, guest instructions in each, host bytes to a guest byte; call-outs\n"
      "and interpreted instructions of a thousand; page faults",
      print_units_head, print_units },
    { "Units made again because of", print_again_head, print_again },
    { "Where time goes, %: guest code, dispatcher, look-ups, translator, interpreter,\n"
      "other call-outs, flushes, host signals, devices, idle",
      print_times_head, print_times },
};

void bench_print_details(FILE *out, const struct bench_report *report)
{
    for (size_t t = 0; t < VX_ARRAY_LEN(tables); t++) {
        fprintf(out, "\n%s\n", tables[t].title);
        print_left_head(out, report);
        tables[t].head(out);
        fputs("\n", out);
        for (size_t i = 0; i < report->count; i++) {
            const struct bench_result *result = &report->results[i];
            if (result->error[0] != '\0')
                continue;
            print_left(out, report, result);
            tables[t].row(out, result);
            fputs("\n", out);
        }
    }
}
