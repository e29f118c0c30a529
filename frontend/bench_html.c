/* bench_html.c - results as one page that needs nothing else: style, inline SVG, a table; light and dark as the reader's system is. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "bench_svg.h"
#include "stats_report.h"

static const char style[] =
    ":root{color-scheme:light dark;--bg:#fdfdfc;--ink:#20242a;--soft:#667080;--line:#dfe3e8;"
    "--c0:#2f6fc4;--c1:#2f9e77;--c2:#c98a14;--c3:#c8455a;--c4:#9aa3af}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#14171b;--ink:#e4e7eb;--soft:#98a2b0;--line:#2c323a;"
    "--c0:#6aa5f0;--c1:#4fc39a;--c2:#e3b04b;--c3:#ec7688;--c4:#6b7480}}\n"
    "body{background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,sans-serif;max-width:960px;margin:2em "
    "auto;padding:0 1em}\n"
    "h1{font-size:1.5em;margin-bottom:0}h2{font-size:1.15em;margin:2em 0 .2em}p{color:var(--soft);margin:.2em 0 .8em}\n"
    "svg{width:100%;height:auto;display:block}svg text{font:11px system-ui,sans-serif;fill:var(--soft)}\n"
    "svg .end{text-anchor:end}svg .mid{text-anchor:middle}svg .title{font-weight:600;fill:var(--ink)}\n"
    ".axis,.grid{stroke:var(--line)}.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(230px,1fr));gap:"
    "12px}\n"
    ".s0{fill:var(--c0);background:var(--c0)}.s1{fill:var(--c1);background:var(--c1)}.s2{fill:var(--c2);background:var("
    "--c2)}"
    ".s3{fill:var(--c3);background:var(--c3)}.s4{fill:var(--c4);background:var(--c4)}\n"
    ".l0,.l1{fill:none;stroke-width:1.8}.l0{stroke:var(--c0)}.l1{stroke:var(--c2)}.plots .s1{fill:var(--c2)}\n"
    ".legend span{margin-right:1.4em}.legend "
    "i{display:inline-block;width:.8em;height:.8em;margin-right:.4em;border-radius:2px}\n"
    ".plain .s1{background:var(--c2)}\n"
    "div.wide{overflow-x:auto}table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}\n"
    "td,th{padding:2px 8px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}"
    "td:first-child,th:first-child{text-align:left}\n";

/* ---- bars of one run of each workload ------------------------------------------------------------------------------ */

static const char *const entry_names[] = { "chained exit", "jump cache", "hash", "miss" };
static const char *const time_names[] = { "translated code", "translator", "call-outs", "devices", "idle" };
static const char *const ratio_names[] = { "vx86" };

static const struct vx_bench_result *good_result(void *opaque, size_t index, const char **label)
{
    const struct vx_bench_report *report = opaque;
    const struct vx_bench_result *result = &report->results[index];
    *label = result->workload->name;
    return result->error[0] == '\0' ? result : NULL;
}

static bool ratio_row(void *opaque, size_t index, const char **label, double *parts)
{
    const struct vx_bench_result *result = good_result(opaque, index, label);
    parts[0] = result != NULL ? vx_bench_ratio(result, VX_BENCH_TCG) : 0;
    return parts[0] > 0;
}

static bool entry_row(void *opaque, size_t index, const char **label, double *parts)
{
    struct vx_stats_entry entries[VX_STATS_ENTRIES];
    const struct vx_bench_result *result = good_result(opaque, index, label);
    if (result == NULL)
        return false;
    vx_stats_entries(&result->stats, entries);
    for (unsigned i = 0; i < VX_STATS_ENTRIES; i++)
        parts[i] = entries[i].hundredths / 100.0;
    return true;
}

static bool time_row(void *opaque, size_t index, const char **label, double *parts)
{
    const struct vx_bench_result *result = good_result(opaque, index, label);
    if (result == NULL)
        return false;
    const struct vx_stats *stats = &result->stats;
    uint64_t ns[] = { stats->time_translated_ns, stats->time_translator_ns, stats->time_callouts_ns,
                      stats->time_devices_ns, stats->time_idle_ns },
             total = 0;
    for (unsigned i = 0; i < VX_ARRAY_LEN(ns); i++)
        total += ns[i];
    for (unsigned i = 0; i < VX_ARRAY_LEN(ns); i++)
        parts[i] = 100 * vx_stats_ratio(ns[i], total);
    return true;
}

static void put_bars(FILE *out, const struct vx_bench_report *report)
{
    struct vx_svg_bars bars = { .rows = report->count, .opaque = (void *)(uintptr_t)report };
    fputs("<h2>Speed beside QEMU</h2>\n<p>TCG's time divided by vx86's: above 1, vx86 is faster. Medians, on a "
          "logarithmic scale.</p>\n",
          out);
    bars.names = ratio_names, bars.series = 1, bars.unit = "", bars.row = ratio_row;
    vx_svg_ratios(out, &bars);
    fputs("<h2>Ways into a unit</h2>\n<p>Share of all entries into translation units.</p>\n", out);
    bars.names = entry_names, bars.series = VX_ARRAY_LEN(entry_names), bars.unit = " %", bars.full = 100,
    bars.row = entry_row;
    vx_svg_legend(out, entry_names, VX_ARRAY_LEN(entry_names));
    vx_svg_bars(out, &bars);
    fputs("<h2>Where time goes</h2>\n<p>Share of the run.</p>\n", out);
    bars.names = time_names, bars.series = VX_ARRAY_LEN(time_names), bars.row = time_row;
    vx_svg_legend(out, time_names, VX_ARRAY_LEN(time_names));
    vx_svg_bars(out, &bars);
}

/* ---- all runs together ----------------------------------------------------------------------------------------------- */

static void put_lengths(FILE *out, const struct vx_bench_report *report)
{
    uint64_t total[VX_ARRAY_LEN(report->results->stats.tu_by_insns)] = { 0 };
    size_t longest = 1;
    for (size_t r = 0; r < report->count; r++)
        for (size_t i = 1; i < VX_ARRAY_LEN(total); i++) {
            total[i] += report->results[r].stats.tu_by_insns[i];
            longest = total[i] != 0 && i > longest ? i : longest;
        }
    fputs("<h2>Lengths of units</h2>\n<p>Units made, by their number of guest instructions; all runs together.</p>\n",
          out);
    vx_svg_histogram(out, total + 1, longest, 1, "units");
}

/* ---- sweeps ---------------------------------------------------------------------------------------------------------- */

static const char *const sweep_names[] = { "speed, of the fastest setting", "entries without leaving translated code" };

/* The results of one workload, a setting each. */
static void put_sweep_plot(FILE *out, const struct vx_bench_result *results, size_t count, const char *const *labels)
{
    double speed[32] = { 0 }, hits[32] = { 0 };
    uint64_t best = UINT64_MAX;
    VX_ASSERT(count <= VX_ARRAY_LEN(speed));
    for (size_t i = 0; i < count; i++) {
        uint64_t median = vx_bench_median(&results[i].times);
        best = median != 0 && median < best ? median : best;
    }
    for (size_t i = 0; i < count; i++) {
        const struct vx_stats *stats = &results[i].stats;
        uint64_t inside = stats->entry_chain + stats->entry_jump_cache;
        speed[i] = vx_stats_ratio(best, vx_bench_median(&results[i].times));
        hits[i] = vx_stats_ratio(inside, inside + stats->entry_hash + stats->entry_miss);
        speed[i] = speed[i] > 1 ? 0 : speed[i]; /* a setting that failed has no time */
    }
    vx_svg_lines(out, &(struct vx_svg_lines){ .title = results->workload->name,
                                              .count = count,
                                              .labels = labels,
                                              .series = 2,
                                              .values = { speed, hits },
                                              .names = sweep_names });
}

static void put_sweep(FILE *out, const struct vx_bench_report *report)
{
    const char *labels[32];
    VX_ASSERT(report->settings <= VX_ARRAY_LEN(labels));
    for (size_t i = 0; i < report->settings && i < report->count; i++)
        labels[i] = report->results[i].setting->label;
    fprintf(out, "<h2>Sweep: %s</h2>\n<div class=\"plain\">", report->swept);
    vx_svg_legend(out, sweep_names, VX_ARRAY_LEN(sweep_names));
    fputs("</div>\n<p>Percent, over the values of the setting.</p>\n<div class=\"plots\">\n", out);
    for (size_t i = 0; i + report->settings <= report->count; i += report->settings) {
        fputs("<div>", out);
        put_sweep_plot(out, &report->results[i], report->settings, labels);
        fputs("</div>\n", out);
    }
    fputs("</div>\n", out);
}

/* ---- the table ------------------------------------------------------------------------------------------------------- */

static void put_cells(FILE *out, const struct vx_bench_result *result)
{
    struct vx_stats_entry entries[VX_STATS_ENTRIES];
    const struct vx_stats *stats = &result->stats;
    vx_stats_entries(stats, entries);
    fprintf(out, "<td>%.3f<td>%.0f<td>%.0f<td>%.2f<td>%.2f", (double)vx_bench_median(&result->times) / 1e9,
            100 * vx_bench_spread(&result->times), vx_bench_mips(result), vx_bench_ratio(result, VX_BENCH_TCG),
            vx_bench_ratio(result, VX_BENCH_NATIVE));
    for (unsigned i = 0; i < VX_STATS_ENTRIES; i++)
        fprintf(out, "<td>%u.%02u", entries[i].hundredths / 100, entries[i].hundredths % 100);
    fprintf(out, "<td>%" PRIu64 "<td>%.1f<td>%.2f<td>%" PRIu64 "<td>%.3f<td>%.3f<td>%" PRIu64 "<td>%" PRIu64,
            stats->tu_translated, vx_stats_ratio(stats->tu_guest_insns, stats->tu_translated),
            vx_stats_ratio(stats->tu_host_bytes, stats->tu_guest_bytes), stats->tu_retranslated,
            1000 * vx_stats_ratio(vx_bench_callouts(stats), result->insns),
            1000 * vx_stats_ratio(stats->interp_steps, result->insns), stats->true_faults, stats->shadow_faults);
}

static void put_table(FILE *out, const struct vx_bench_report *report)
{
    fputs("<h2>All figures</h2>\n<div "
          "class=\"wide\"><table><tr><th>workload<th>setting<th>seconds<th>&plusmn;%<th>Minsn/s<th>TCG"
          "&times;<th>native&times;<th>chain %<th>jump cache %<th>hash %<th>miss "
          "%<th>units<th>insns<th>expansion<th>again"
          "<th>call-outs/k<th>interpreted/k<th>true faults<th>shadow faults\n",
          out);
    for (size_t i = 0; i < report->count; i++) {
        const struct vx_bench_result *result = &report->results[i];
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

void vx_bench_print_html(FILE *out, const struct vx_bench_report *report)
{
    fprintf(out,
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
            "content=\"width=device-width\">\n"
            "<title>vx86 bench</title>\n<style>\n%s</style>\n<h1>vx86: the translation cache</h1>\n"
            "<p>vx86 %s, %zu runs, rounds: %u</p>\n",
            style, VX_VERSION, report->count, report->rounds);
    if (report->swept != NULL)
        put_sweep(out, report);
    else
        put_bars(out, report);
    put_lengths(out, report);
    put_table(out, report);
    fputs("</html>\n", out);
}
