/* bench_html.c - results as one page that needs nothing else: style, inline SVG, a table; light and dark as the
 * reader's system is. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "bench_svg.h"

static const char style[] =
    /* Okabe and Ito's colours, for those who do not see all of them, in an order in which neighbours differ in grey. */
    ":root{color-scheme:light dark;--bg:#fdfdfc;--ink:#20242a;--soft:#667080;--line:#dfe3e8;"
    "--c0:#0072b2;--c1:#e69f00;--c2:#009e73;--c3:#f0e442;--c4:#d55e00;--c5:#56b4e9;--c6:#5b3a8e;--c7:#cc79a7;"
    "--c8:#20242a;--c9:#b0b6be}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#14171b;--ink:#e4e7eb;--soft:#98a2b0;--line:#2c323a;"
    "--c6:#8f6fd0;--c8:#e4e7eb;--c9:#6b7480}}\n"
    "body{background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,sans-serif;max-width:1320px;margin:2em "
    "auto;padding:0 1em}\n"
    "h1{font-size:1.5em;margin-bottom:0}h2{font-size:1.15em;margin:2em 0 .2em}p{color:var(--soft);margin:.2em 0 .8em}\n"
    "svg{width:100%;height:auto;display:block}svg text{font:13px system-ui,sans-serif;fill:var(--soft)}\n"
    "svg rect{stroke:var(--bg);stroke-width:1}.error{stroke:var(--ink);stroke-width:1.2}\n"
    "svg .end{text-anchor:end}svg .mid{text-anchor:middle}svg .title{font-weight:600;fill:var(--ink)}\n"
    ".pairs{display:grid;grid-template-columns:repeat(auto-fit,minmax(500px,1fr));gap:0 "
    "3em}section{min-width:0}.single{max-width:744px}\n"
    ".plots svg "
    "text{font-size:11px}.axis,.grid{stroke:var(--line)}.plots{display:grid;grid-template-columns:repeat(auto-fill,"
    "minmax(230px,1fr));gap:"
    "12px}\n"
    ".s0{fill:var(--c0);background:var(--c0)}.s1{fill:var(--c1);background:var(--c1)}"
    ".s2{fill:var(--c2);background:var(--c2)}.s3{fill:var(--c3);background:var(--c3)}"
    ".s4{fill:var(--c4);background:var(--c4)}.s5{fill:var(--c5);background:var(--c5)}"
    ".s6{fill:var(--c6);background:var(--c6)}.s7{fill:var(--c7);background:var(--c7)}"
    ".s8{fill:var(--c8);background:var(--c8)}.s9{fill:var(--c9);background:var(--c9)}\n"
    ".l0,.l1,.l2,.l3,.l4{fill:none;stroke-width:1.5}.l0{stroke:var(--ink);stroke-width:2.2}.l1{stroke:var(--c0)}"
    ".l2{stroke:var(--c1);stroke-dasharray:6 2}.l3{stroke:var(--c2);stroke-dasharray:2 2}"
    ".l4{stroke:var(--c4);stroke-dasharray:8 2 2 2}\n"
    ".sweep .s0{fill:var(--ink);background:var(--ink)}.sweep .s1{fill:var(--c0);background:var(--c0)}"
    ".sweep .s2{fill:var(--c1);background:var(--c1)}.sweep .s3{fill:var(--c2);background:var(--c2)}"
    ".sweep .s4{fill:var(--c4);background:var(--c4)}\n"
    ".legend span{margin-right:1.4em}.legend "
    "i{display:inline-block;width:.8em;height:.8em;margin-right:.4em;border-radius:2px}\n"
    "div.wide{overflow-x:auto}table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}\n"
    "td,th{padding:2px 8px;border-bottom:1px solid "
    "var(--line);text-align:right;white-space:nowrap}th{color:var(--soft);font-weight:500}th[colspan]{text-align:"
    "center}tbody tr:hover{background:var(--line)}"
    "td:first-child,th:first-child{text-align:left}\n"
    "@media print{:root{--bg:#fff;--ink:#000;--soft:#333;--line:#bbb}body{max-width:none;margin:0;font-size:10pt}"
    "section,.plots>div{break-inside:avoid}i,rect{print-color-adjust:exact;-webkit-print-color-adjust:exact}"
    "table{font-size:7pt}td,th{padding:1px 3px}}\n";

enum { SETTINGS_MOST = 32 };

/* ---- bars of one run of each workload ---------------------------------------------------------------------------- */

static const char *const entry_names[] = { "chained exit", "jump cache", "hash", "miss" };
static const char *const ratio_names[] = { "vx86" };

static const struct bench_result *good_result(void *opaque, size_t index, const char **label)
{
    const struct bench_report *report = opaque;
    const struct bench_result *result = &report->results[index];
    *label = result->workload->name;
    return result->error[0] == '\0' ? result : NULL;
}

static bool ratio_of(void *opaque, size_t index, const char **label, double *parts, enum bench_rival rival)
{
    const struct bench_result *result = good_result(opaque, index, label);
    parts[0] = result != NULL ? bench_ratio(result, rival) : 0;
    return parts[0] > 0;
}

static bool tcg_row(void *opaque, size_t index, const char **label, double *parts)
{
    return ratio_of(opaque, index, label, parts, VX_BENCH_TCG);
}

static bool bochs_row(void *opaque, size_t index, const char **label, double *parts)
{
    return ratio_of(opaque, index, label, parts, VX_BENCH_BOCHS);
}

static bool native_row(void *opaque, size_t index, const char **label, double *parts)
{
    return ratio_of(opaque, index, label, parts, VX_BENCH_NATIVE);
}

static bool entry_row(void *opaque, size_t index, const char **label, double *parts)
{
    struct vx_stats_entry entries[VX_STATS_ENTRIES];
    const struct bench_result *result = good_result(opaque, index, label);
    if (result == NULL)
        return false;
    vx_stats_entries(&result->stats, entries);
    for (unsigned i = 0; i < VX_STATS_ENTRIES; i++)
        parts[i] = entries[i].hundredths / 100.0;
    return true;
}

static bool time_row(void *opaque, size_t index, const char **label, double *parts)
{
    const struct bench_result *result = good_result(opaque, index, label);
    if (result == NULL)
        return false;
    struct bench_part times[VX_BENCH_TIMES];
    bench_time_parts(result, times);
    for (unsigned i = 0; i < VX_BENCH_TIMES; i++)
        parts[i] = bench_percent(times, VX_BENCH_TIMES, i);
    return true;
}

static bool again_row(void *opaque, size_t index, const char **label, double *parts)
{
    const struct bench_result *result = good_result(opaque, index, label);
    if (result == NULL || result->stats.tu_retranslated == 0)
        return false;
    struct bench_part again[VX_BENCH_CAUSES];
    bench_again_parts(&result->stats, again);
    for (unsigned i = 0; i < VX_BENCH_CAUSES; i++)
        parts[i] = 100 * vx_stats_ratio(again[i].value, result->stats.tu_translated);
    return true;
}

typedef bool row_function(void *opaque, size_t index, const char **label, double *parts);

static bool any_row(const struct bench_report *report, row_function *row)
{
    double parts[VX_SVG_SERIES_MAX];
    const char *label;
    for (size_t i = 0; i < report->count; i++)
        if (row((void *)(uintptr_t)report, i, &label, parts))
            return true;
    return false;
}

static void put_ratios(FILE *out, const struct bench_report *report, const char *title, const char *whose,
                       row_function *row)
{
    struct svg_bars bars = { .rows = report->count,
                             .opaque = (void *)(uintptr_t)report,
                             .names = ratio_names,
                             .series = 1,
                             .unit = "",
                             .row = row };
    if (!any_row(report, row))
        return;
    fprintf(
        out,
        "<section><h2>%s</h2>\n<p>%s time divided by vx86&rsquo;s: above 1, vx86 is faster. Medians, on a logarithmic "
        "scale.</p>\n",
        title, whose);
    svg_ratios(out, &bars);
    fputs("</section>\n", out);
}

static void put_parts(FILE *out, const struct bench_report *report, const char *head, const char *const *names,
                      unsigned series, row_function *row)
{
    struct svg_bars bars = { .rows = report->count,
                             .opaque = (void *)(uintptr_t)report,
                             .names = names,
                             .series = series,
                             .unit = " %",
                             .full = 100,
                             .row = row };
    if (!any_row(report, row))
        return;
    fprintf(out, "<section>%s\n", head);
    svg_legend(out, names, series);
    svg_bars(out, &bars);
    fputs("</section>\n", out);
}

static void put_bars(FILE *out, const struct bench_report *report)
{
    static const struct vx_stats none;
    static const struct bench_result empty;
    const char *time_names[VX_BENCH_TIMES], *again_names[VX_BENCH_CAUSES];
    struct bench_part times[VX_BENCH_TIMES], again[VX_BENCH_CAUSES];
    bench_time_parts(&empty, times);
    bench_again_parts(&none, again);
    for (unsigned i = 0; i < VX_BENCH_TIMES; i++)
        time_names[i] = times[i].name;
    for (unsigned i = 0; i < VX_BENCH_CAUSES; i++)
        again_names[i] = again[i].name;
    fputs("<div class=\"pairs\">\n", out);
    put_ratios(out, report, "Speed beside QEMU", "TCG&rsquo;s", tcg_row);
    put_parts(out, report, "<h2>Ways into a unit</h2>\n<p>Share of all entries into translation units.</p>",
              entry_names, VX_ARRAY_LEN(entry_names), entry_row);
    put_ratios(out, report, "Speed beside Bochs", "Bochs&rsquo;s", bochs_row);
    put_parts(out, report, "<h2>Where time goes</h2>\n<p>Share of the run.</p>", time_names, VX_BENCH_TIMES, time_row);
    put_ratios(out, report, "Speed beside the host itself", "The native program&rsquo;s", native_row);
    put_parts(out, report,
              "<h2>Units made again, and why</h2>\n<p>Share of the units made; workloads that made none again are left "
              "out.</p>",
              again_names, VX_BENCH_CAUSES, again_row);
    fputs("</div>\n", out);
}

/* ---- all runs together ------------------------------------------------------------------------------------------- */

static void put_lengths(FILE *out, const struct bench_report *report)
{
    uint64_t total[VX_ARRAY_LEN(report->results->stats.tu_by_insns)] = { 0 };
    size_t longest = 1;
    for (size_t r = 0; r < report->count; r++)
        for (size_t i = 1; i < VX_ARRAY_LEN(total); i++) {
            total[i] += report->results[r].stats.tu_by_insns[i];
            longest = total[i] != 0 && i > longest ? i : longest;
        }
    fputs(
        "<h2>Lengths of units</h2>\n<p>Units made, by their number of guest instructions; all runs together.</p>\n<div "
        "class=\"single\">",
        out);
    svg_histogram(out, total + 1, longest, 1, "units");
    fputs("</div>\n", out);
}

/* ---- sweeps ------------------------------------------------------------------------------------------------------ */

enum { SPEED, LEVELS, SWEPT = LEVELS + VX_STATS_ENTRIES };
static const char *const sweep_names[SWEPT] = { "speed, of the fastest setting", "chained exit", "jump cache", "hash",
                                                "miss" };

/* The results of one workload, a setting each. */
static void put_sweep_plot(FILE *out, const struct bench_result *results, size_t count, const char *const *labels)
{
    double values[SWEPT][SETTINGS_MOST] = { { 0 } };
    struct svg_lines lines = {
        .title = results->workload->name, .count = count, .labels = labels, .series = SWEPT, .names = sweep_names
    };
    uint64_t best = UINT64_MAX;
    VX_ASSERT(count <= SETTINGS_MOST);
    for (size_t i = 0; i < count; i++) {
        uint64_t median = bench_median(&results[i].times);
        best = median != 0 && median < best ? median : best;
    }
    for (size_t i = 0; i < count; i++) {
        struct vx_stats_entry entries[VX_STATS_ENTRIES];
        uint64_t median = bench_median(&results[i].times);
        vx_stats_entries(&results[i].stats, entries);
        values[SPEED][i] = median != 0 ? vx_stats_ratio(best, median) : 0; /* a setting that failed has no time */
        for (unsigned k = 0; k < VX_STATS_ENTRIES; k++)
            values[LEVELS + k][i] = entries[k].hundredths / 10000.0;
    }
    for (unsigned k = 0; k < SWEPT; k++)
        lines.values[k] = values[k];
    svg_lines(out, &lines);
}

static void put_sweep(FILE *out, const struct bench_report *report)
{
    const char *labels[SETTINGS_MOST];
    VX_ASSERT(report->settings <= SETTINGS_MOST);
    for (size_t i = 0; i < report->settings && i < report->count; i++)
        labels[i] = report->results[i].setting->label;
    fprintf(out, "<h2>Sweep: %s</h2>\n<div class=\"sweep\">", report->swept);
    svg_legend(out, sweep_names, SWEPT);
    fputs("</div>\n<p>Speed, and the share of all entries into units that each level took; percent, over the values of "
          "the "
          "setting.</p>\n<div class=\"sweep plots\">\n",
          out);
    for (size_t i = 0; i + report->settings <= report->count; i += report->settings) {
        fputs("<div>", out);
        put_sweep_plot(out, &report->results[i], report->settings, labels);
        fputs("</div>\n", out);
    }
    fputs("</div>\n", out);
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static void put_table_head(FILE *out)
{
    struct bench_part again[VX_BENCH_CAUSES], times[VX_BENCH_TIMES];
    static const struct vx_stats none;
    static const struct bench_result empty;
    bench_again_parts(&none, again);
    bench_time_parts(&empty, times);
    fprintf(
        out,
        "<h2>All figures</h2>\n<div class=\"wide\"><table><thead><tr><th rowspan=2>workload<th rowspan=2>setting<th "
        "colspan=3>vx86<th colspan=%d>others&rsquo; time<th colspan=%d>entries, %%<th colspan=3>units<th "
        "colspan=%d>made "
        "again because of<th colspan=2>per 1000 instructions<th colspan=2>page faults<th colspan=%d>time, %%\n<tr>"
        "<th>seconds<th>&plusmn;%%<th>Minsn/s",
        VX_BENCH_RIVALS, VX_STATS_ENTRIES, VX_BENCH_CAUSES, VX_BENCH_TIMES);
    for (enum bench_rival rival = 0; rival < VX_BENCH_RIVALS; rival++)
        fprintf(out, "<th>%s &times;", bench_rival_name(rival));
    for (unsigned i = 0; i < VX_STATS_ENTRIES; i++)
        fprintf(out, "<th>%s", entry_names[i]);
    fputs("<th>made<th>insns<th>host / guest bytes", out);
    for (unsigned i = 0; i < VX_BENCH_CAUSES; i++)
        fprintf(out, "<th>%s", again[i].name);
    fputs("<th>call-outs<th>interpreted<th>true<th>shadow", out);
    for (unsigned i = 0; i < VX_BENCH_TIMES; i++)
        fprintf(out, "<th>%s", times[i].name);
    fputs("</thead>\n", out);
}

static void put_speed_cells(FILE *out, const struct bench_result *result)
{
    fprintf(out, "<td>%.3f<td>%.0f<td>%.0f", (double)bench_median(&result->times) / 1e9,
            100 * bench_spread(&result->times), bench_mips(result));
    for (enum bench_rival rival = 0; rival < VX_BENCH_RIVALS; rival++) {
        double ratio = bench_ratio(result, rival);
        if (ratio > 0)
            fprintf(out, "<td title=\"&plusmn; %.0f %%\">%.2f", 100 * bench_spread(&result->rival[rival]), ratio);
        else
            fputs("<td>", out);
    }
}

static void put_cells(FILE *out, const struct bench_result *result)
{
    const struct vx_stats *stats = &result->stats;
    struct vx_stats_entry entries[VX_STATS_ENTRIES];
    struct bench_part again[VX_BENCH_CAUSES], times[VX_BENCH_TIMES];
    vx_stats_entries(stats, entries);
    bench_again_parts(stats, again);
    bench_time_parts(result, times);
    put_speed_cells(out, result);
    for (unsigned i = 0; i < VX_STATS_ENTRIES; i++)
        fprintf(out, "<td>%u.%02u", entries[i].hundredths / 100, entries[i].hundredths % 100);
    fprintf(out, "<td>%" PRIu64 "<td>%.1f<td>%.2f", stats->tu_translated,
            vx_stats_ratio(stats->tu_guest_insns, stats->tu_translated), result->growth);
    for (unsigned i = 0; i < VX_BENCH_CAUSES; i++)
        fprintf(out, "<td>%" PRIu64, again[i].value);
    fprintf(out, "<td>%.3f<td>%.3f<td>%" PRIu64 "<td>%" PRIu64,
            1000 * vx_stats_ratio(bench_callouts(stats), result->insns),
            1000 * vx_stats_ratio(stats->interp_steps, result->insns), stats->true_faults, stats->shadow_faults);
    for (unsigned i = 0; i < VX_BENCH_TIMES; i++)
        fprintf(out, "<td>%.1f", bench_percent(times, VX_BENCH_TIMES, i));
}

static void put_table(FILE *out, const struct bench_report *report)
{
    put_table_head(out);
    for (size_t i = 0; i < report->count; i++) {
        const struct bench_result *result = &report->results[i];
        fprintf(out, "<tr><td title=\"%s\">%s<td>%s", result->workload->text, result->workload->name,
                result->setting->label);
        if (result->error[0] == '\0')
            put_cells(out, result);
        else
            fputs("<td>failed", out);
        fputs("\n", out);
    }
    fputs("</table></div>\n", out);
}

void bench_print_html(FILE *out, const struct bench_report *report)
{
    fprintf(out,
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
            "content=\"width=device-width\">\n"
            "<title>vx86 bench</title>\n<style>\n%s</style>\n<h1>vx86: the translation cache</h1>\n"
            "<p>vx86 %s, %zu runs, rounds: %u%s</p>\n",
            style, VX_VERSION, report->count, report->rounds, report->incomplete ? "; not all of them are here" : "");
    if (report->swept != NULL)
        put_sweep(out, report);
    else
        put_bars(out, report);
    put_lengths(out, report);
    put_table(out, report);
    fputs("</html>\n", out);
}
