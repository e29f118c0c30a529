/* results.c - medians, ratios, means.
 *
 * A ratio is always the rival's time divided by vx86's: above 1, vx86 is faster. Medians over the rounds are divided,
 * and geometric means are taken over the ratios of rows. */
#include "results.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY_TARGET_MIB = 256 + 64 + 32 }; /* guest RAM + 64 MiB + translation cache */

const struct row_desc row_table[ROWS] = {
#define ROW(id, name, group, native, units, text) [ROW_##id] = { name, GROUP_##group, native, units, text },
#include "guest/rows.def"
#undef ROW
};

static const char *const group_names[GROUPS] = {
    "integer", "branch", "call", "memory", "x87", "sse", "system", "code"
};

void series_add(struct series *series, double value)
{
    if (series->count < ROUNDS_MAX)
        series->value[series->count++] = value;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct series sorted(const struct series *series)
{
    struct series copy = *series;
    qsort(copy.value, copy.count, sizeof(copy.value[0]), compare_doubles);
    return copy;
}

double series_median(const struct series *series)
{
    struct series s = sorted(series);
    if (s.count == 0)
        return 0;
    return s.count % 2 ? s.value[s.count / 2] : (s.value[s.count / 2 - 1] + s.value[s.count / 2]) / 2;
}

/* From the smallest to the largest value, in percent of the median. */
static double spread_percent(const struct series *series)
{
    struct series s = sorted(series);
    double median = series_median(series);
    return median > 0 ? (s.value[s.count - 1] - s.value[0]) / median * 100 : 0;
}

/* 0 when one of them was not measured. */
const char *results_rival(const struct results *results)
{
    return results->other_build ? "other" : "TCG";
}

static double ratio(const struct series *vx86, const struct series *tcg)
{
    double a = series_median(vx86), b = series_median(tcg);
    return a > 0 && b > 0 ? b / a : 0;
}

bool results_add(struct results *results, enum row row, enum subject subject, const struct row_run *run)
{
    struct timing *timing = &results->row[row][subject];
    if (!results->has_checksum[row]) {
        results->has_checksum[row] = true;
        results->checksum[row] = run->checksum;
    } else if (results->checksum[row] != run->checksum) {
        fprintf(stderr, "bench: %s: checksum %u where another run had %u\n", row_table[row].name, run->checksum,
                results->checksum[row]);
        return false;
    }
    series_add(&timing->wall_s, run->wall_s);
    series_add(&timing->cpu_s, run->cpu_s);
    timing->guest_s = run->guest_s;
    return true;
}

static double timing_ratio(const struct timing *t, enum measure measure)
{
    return measure == MEASURE_WALL ? ratio(&t[SUBJECT_VX86].wall_s, &t[SUBJECT_RIVAL].wall_s)
                                   : ratio(&t[SUBJECT_VX86].cpu_s, &t[SUBJECT_RIVAL].cpu_s);
}

/* Geometric mean of the ratios of the rows in `groups` (bits); 0 without any. */
static double mean_ratio(const struct results *results, unsigned groups, enum measure measure)
{
    double sum = 0;
    unsigned count = 0;
    for (unsigned row = 0; row < ROWS; row++) {
        double r = timing_ratio(results->row[row], measure);
        if ((groups >> row_table[row].group & 1) && r > 0) {
            sum += log(r);
            count++;
        }
    }
    return count > 0 ? exp(sum / count) : 0;
}

enum {
    INTEGER_AND_MEMORY = 1 << GROUP_INTEGER | 1 << GROUP_BRANCH | 1 << GROUP_CALL | 1 << GROUP_MEMORY,
    FLOATING_POINT = 1 << GROUP_X87 | 1 << GROUP_SSE,
    SYSTEM_AND_CODE = 1 << GROUP_SYSTEM | 1 << GROUP_CODE,
};

static const struct {
    const char *name;
    unsigned groups;
} means[] = {
    { "integer and memory (integer, branch, call, memory)", INTEGER_AND_MEMORY },
    { "floating point (x87, sse)", FLOATING_POINT },
    { "system and code", SYSTEM_AND_CODE },
    { "all rows", INTEGER_AND_MEMORY | FLOATING_POINT | SYSTEM_AND_CODE },
};

/* A number, or a dash for what was not measured. */
static void print_number(FILE *out, const char *format, int width, double value)
{
    if (value > 0)
        fprintf(out, format, width, value);
    else
        fprintf(out, " %*s", width, "-");
}

static void print_row(FILE *out, const char *name, const char *group, const struct timing *t)
{
    double vx86_s = series_median(&t[SUBJECT_VX86].wall_s), native_s = series_median(&t[SUBJECT_NATIVE].wall_s);
    fprintf(out, "%-12s %-8s", name, group);
    print_number(out, " %*.3f", 9, vx86_s);
    print_number(out, " %*.3f", 9, series_median(&t[SUBJECT_RIVAL].wall_s));
    print_number(out, " %*.2f", 7, ratio(&t[SUBJECT_VX86].wall_s, &t[SUBJECT_RIVAL].wall_s));
    print_number(out, " %*.2f", 9, ratio(&t[SUBJECT_VX86].cpu_s, &t[SUBJECT_RIVAL].cpu_s));
    fprintf(out, " %5.0f%% %4.0f%%", spread_percent(&t[SUBJECT_VX86].wall_s), spread_percent(&t[SUBJECT_RIVAL].wall_s));
    print_number(out, " %*.3f", 9, native_s);
    print_number(out, " %*.2f", 9, native_s > 0 && vx86_s > 0 ? vx86_s / native_s : 0);
    fputc('\n', out);
}

void results_print_table(const struct results *results, FILE *out)
{
    char rival[16];
    snprintf(rival, sizeof(rival), "%s s", results_rival(results));
    fprintf(out, "%-12s %-8s %9s %9s %7s %9s %6s %5s %9s %9s\n", "row", "group", "vx86 s", rival, "ratio", "cpu ratio",
            "spread", "", "native s", "x native");
    for (unsigned row = 0; row < ROWS; row++) {
        if (results->units[row] != 0)
            print_row(out, row_table[row].name, group_names[row_table[row].group], results->row[row]);
    }
    print_row(out, "boot", "-", results->boot);
    for (unsigned i = 0; i < sizeof(means) / sizeof(means[0]); i++) {
        fprintf(out, "geometric mean, %-52s", means[i].name);
        print_number(out, " %*.2f", 6, mean_ratio(results, means[i].groups, MEASURE_WALL));
        print_number(out, "  by CPU time %*.2f", 5, mean_ratio(results, means[i].groups, MEASURE_CPU));
        fputc('\n', out);
    }
    for (unsigned s = 0; s <= SUBJECT_RIVAL; s++) {
        fprintf(out, "%s: peak resident %.0f MiB (proportional at the end %.0f MiB), idle %.2f %% of a core\n",
                s == SUBJECT_VX86 ? "vx86" : results_rival(results), series_median(&results->peak_mib[s]),
                series_median(&results->now_mib[s]), series_median(&results->idle_percent[s]));
    }
    const char *name = results_rival(results);
    fprintf(out, "ratio: %s's time / vx86's, medians of %u rounds; spread: vx86, %s; load average %.1f to %.1f\n", name,
            results->rounds, name, results->load_begin, results->load_end);
}

static void json_series(FILE *out, const char *key, const struct series *series)
{
    fprintf(out, "\"%s\": [", key);
    for (unsigned i = 0; i < series->count; i++)
        fprintf(out, "%s%.6f", i > 0 ? ", " : "", series->value[i]);
    fprintf(out, "]");
}

/* The rival's key. */
static const char *json_rival(const struct results *results)
{
    return results->other_build ? "other" : "tcg";
}

static void json_timing(FILE *out, const struct results *results, const struct timing *timing)
{
    const char *const names[SUBJECTS] = { "vx86", json_rival(results), "native" };
    for (unsigned s = 0; s < SUBJECTS; s++) {
        fprintf(out, ", \"%s\": {", names[s]);
        json_series(out, "wall_s", &timing[s].wall_s);
        fprintf(out, ", ");
        json_series(out, "cpu_s", &timing[s].cpu_s);
        fprintf(out, ", \"guest_s\": %.6f}", timing[s].guest_s);
    }
    fprintf(out, ", \"ratio\": %.4f, \"cpu_ratio\": %.4f}",
            ratio(&timing[SUBJECT_VX86].wall_s, &timing[SUBJECT_RIVAL].wall_s),
            ratio(&timing[SUBJECT_VX86].cpu_s, &timing[SUBJECT_RIVAL].cpu_s));
}

void results_print_json(const struct results *results, FILE *out)
{
    bool first = true;
    fprintf(out, "{\n  \"rounds\": %u, \"failures\": %u, \"load\": [%.2f, %.2f],\n  \"rows\": [", results->rounds,
            results->failures, results->load_begin, results->load_end);
    for (unsigned row = 0; row < ROWS; row++) {
        if (results->units[row] == 0)
            continue;
        fprintf(out, "%s\n    {\"name\": \"%s\", \"group\": \"%s\", \"units\": %u", first ? "" : ",",
                row_table[row].name, group_names[row_table[row].group], results->units[row]);
        json_timing(out, results, results->row[row]);
        first = false;
    }
    fprintf(out, "\n  ],\n  \"boot\": {\"name\": \"boot\"");
    json_timing(out, results, results->boot);
    for (unsigned s = 0; s <= SUBJECT_RIVAL; s++) {
        fprintf(out, ",\n  \"%s\": {", s == SUBJECT_VX86 ? "vx86" : json_rival(results));
        json_series(out, "peak_mib", &results->peak_mib[s]);
        fprintf(out, ", ");
        json_series(out, "now_mib", &results->now_mib[s]);
        fprintf(out, ", ");
        json_series(out, "idle_percent", &results->idle_percent[s]);
        fprintf(out, "}");
    }
    fprintf(out, ",\n  \"means\": {\"integer_memory\": %.4f, \"floating_point\": %.4f, \"system_code\": %.4f}\n}\n",
            mean_ratio(results, INTEGER_AND_MEMORY, MEASURE_WALL), mean_ratio(results, FLOATING_POINT, MEASURE_WALL),
            mean_ratio(results, SYSTEM_AND_CODE, MEASURE_WALL));
}

/* The rows that the other build does faster: their list, and whether it is empty. */
static bool none_slower(const struct results *results, enum measure measure, FILE *out)
{
    unsigned count = 0;
    for (unsigned row = 0; row < ROWS; row++) {
        double r = timing_ratio(results->row[row], measure);
        if (r <= 0 || r * (100 + RESULTS_SLOWER_PERCENT) >= 100)
            continue;
        if (count++ == 0)
            fprintf(out, "slower than the other build by more than %d %%:\n", RESULTS_SLOWER_PERCENT);
        fprintf(out, "  %-12s by %.0f %%\n", row_table[row].name, 100 / r - 100);
    }
    if (count == 0)
        fprintf(out, "no row is slower than with the other build by more than %d %%\n", RESULTS_SLOWER_PERCENT);
    return count == 0;
}

/* The slowest row against TCG, 0 without any. */
static double slowest(const struct results *results, enum measure measure, const char **name)
{
    double least = 0;
    for (unsigned row = 0; row < ROWS; row++) {
        double r = timing_ratio(results->row[row], measure);
        if (r > 0 && (least <= 0 || r < least)) {
            least = r;
            *name = row_table[row].name;
        }
    }
    return least;
}

static bool target(FILE *out, const char *text, double measured, double at_least, double at_most)
{
    bool held = measured >= at_least && measured <= at_most;
    if (measured <= 0)
        fprintf(out, "not measured  %s\n", text);
    else
        fprintf(out, "%-13s %s: %.2f\n", held ? "held" : "MISSED", text, measured);
    return held || measured <= 0;
}

bool results_print_verdict(const struct results *results, enum measure measure, FILE *out)
{
    char text[80];
    const char *name = "";
    if (results->other_build)
        return none_slower(results, measure, out);
    fprintf(out, "targets, by %s time:\n", measure == MEASURE_WALL ? "wall" : "processor");
    double least = slowest(results, measure, &name);
    bool held = target(out, "integer and memory at least 2 times TCG", mean_ratio(results, INTEGER_AND_MEMORY, measure),
                       2, INFINITY);
    held &=
        target(out, "floating point at least 10 times TCG", mean_ratio(results, FLOATING_POINT, measure), 10, INFINITY);
    snprintf(text, sizeof(text), "no row slower than TCG; the least is %s", name);
    held &= target(out, text, least, 1, INFINITY);
    held &= target(out, "power-on to userland at least twice as fast as TCG", timing_ratio(results->boot, measure), 2,
                   INFINITY);
    snprintf(text, sizeof(text), "peak memory at most %d MiB", MEMORY_TARGET_MIB);
    held &= target(out, text, series_median(&results->peak_mib[SUBJECT_VX86]), 0, MEMORY_TARGET_MIB);
    held &= target(out, "idle below 3 % of a core", series_median(&results->idle_percent[SUBJECT_VX86]), 0, 3);
    return held;
}
