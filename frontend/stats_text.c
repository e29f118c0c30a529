/* stats_text.c - the counters for people: by group, zeros left out, with what follows from them at each group's end. */
#include <inttypes.h>
#include <string.h>

#include "stats_report.h"
#include "vx86/host.h"
#include "vx86/isa.h"

#define TOP_OPCODES 20
#define NS_PER_SEC  1e9

/* 1234567 as "1,234,567". */
static void format_count(uint64_t value, char text[32])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, value), used = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = '\0';
}

static void print_count(FILE *out, uint64_t value, const char *text)
{
    char count[32];
    format_count(value, count);
    fprintf(out, "%18s  %s\n", count, text);
}

static uint64_t counter(const struct vx_stats *stats, const struct vx_stat_desc *desc)
{
    uint64_t value;
    memcpy(&value, (const char *)stats + desc->offset, sizeof value);
    return value;
}

static void print_time(FILE *out, const struct stats_report *report, uint64_t ns, const char *text)
{
    fprintf(out, "%16.3f s  %s (%.1f %%)\n", (double)ns / NS_PER_SEC, text, 100 * vx_stats_ratio(ns, report->wall_ns));
}

static void print_group(FILE *out, const struct stats_report *report, const char *group)
{
    size_t rows;
    const struct vx_stat_desc *table = vx_stats_table(&rows);
    bool titled = false;
    for (size_t i = 0; i < rows; i++) {
        uint64_t value = counter(report->stats, &table[i]);
        if (strcmp(table[i].group, group) != 0 || value == 0)
            continue;
        if (!titled)
            fprintf(out, "%s\n", group);
        titled = true;
        if (strcmp(group, "time") == 0)
            print_time(out, report, value, table[i].text);
        else
            print_count(out, value, table[i].text);
    }
}

static void print_unit_averages(FILE *out, const struct vx_stats *stats)
{
    if (stats->tu_translated != 0)
        fprintf(out, "%18s  average unit: %.1f instructions, %.1f guest bytes, %.1f host bytes; expansion %.2f\n", "",
                vx_stats_ratio(stats->tu_guest_insns, stats->tu_translated),
                vx_stats_ratio(stats->tu_guest_bytes, stats->tu_translated),
                vx_stats_ratio(stats->tu_host_bytes, stats->tu_translated),
                vx_stats_ratio(stats->tu_host_bytes, stats->tu_guest_bytes));
}

static void print_hit_rates(FILE *out, const struct vx_stats *stats)
{
    struct vx_stats_entry entries[VX_STATS_ENTRIES];
    unsigned total = 0;
    vx_stats_entries(stats, entries);
    for (unsigned i = 0; i < VX_STATS_ENTRIES; i++)
        total += entries[i].hundredths;
    if (total == 0)
        return;
    fprintf(out, "%18s  hit rates:", "");
    for (unsigned i = 0; i < VX_STATS_ENTRIES; i++)
        fprintf(out, "%s %s %u.%02u %%", i == 0 ? "" : ",", entries[i].name, entries[i].hundredths / 100,
                entries[i].hundredths % 100);
    fputc('\n', out);
}

static void print_opcodes(FILE *out, const struct vx_stats *stats)
{
    struct vx_stats_opcode opcodes[VX_STATS_OPCODES];
    size_t count = vx_stats_opcodes(stats, opcodes);
    size_t shown = count < TOP_OPCODES ? count : TOP_OPCODES;
    if (count != 0)
        fprintf(out, "interpreted from translated code, by opcode (%zu of %zu)\n", shown, count);
    for (size_t i = 0; i < shown; i++) {
        char bytes[16], text[40];
        vx_stats_format_opcode(&opcodes[i], bytes, sizeof bytes);
        snprintf(text, sizeof text, "%-9s%s", bytes, vx_isa_name(opcodes[i].map, opcodes[i].opcode));
        print_count(out, opcodes[i].count, text);
    }
}

static void print_exceptions(FILE *out, const struct vx_stats *stats)
{
    static const char *const names[32] = {
        "#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "9",  "#TS", "#NP", "#SS", "#GP", "#PF", "15",
        "#MF", "#AC", "#MC", "#XM", "#VE", "#CP", "22",  "23",  "24",  "25", "26",  "27",  "28",  "29",  "30",  "31",
    };
    bool titled = false;
    for (unsigned vector = 0; vector < 32; vector++) {
        if (stats->exceptions_by_vector[vector] == 0)
            continue;
        if (!titled)
            fputs("exceptions by vector\n", out);
        titled = true;
        print_count(out, stats->exceptions_by_vector[vector], names[vector]);
    }
}

struct region_printer {
    FILE *out;
    bool titled;
};

static void print_region(void *opaque, const struct vx_region *region)
{
    struct region_printer *printer = opaque;
    char reads[32], writes[32];
    if (region->reads == 0 && region->writes == 0)
        return;
    if (!printer->titled)
        fprintf(printer->out, "devices\n%18s %15s\n", "reads", "writes");
    printer->titled = true;
    format_count(region->reads, reads);
    format_count(region->writes, writes);
    fprintf(printer->out, "%18s %15s  %s (%s %" PRIX64 "h)\n", reads, writes, region->name,
            region->space == VX_SPACE_IO ? "port" : "memory", region->base);
}

static void print_host(FILE *out)
{
    struct vx_host_usage host = vx_host_usage();
    fprintf(out, "host\n%14.1f MiB  peak memory of vx86\n", (double)host.peak_bytes / (1 << 20));
    fprintf(out, "%16.3f s  processor time of vx86, %.3f s of it in the kernel\n",
            (double)(host.user_ns + host.system_ns) / NS_PER_SEC, (double)host.system_ns / NS_PER_SEC);
}

/* Every group of stats.def, in its order. */
static void print_groups(FILE *out, const struct stats_report *report)
{
    size_t rows;
    const struct vx_stat_desc *table = vx_stats_table(&rows);
    for (size_t i = 0; i < rows; i++) {
        if (i != 0 && strcmp(table[i].group, table[i - 1].group) == 0)
            continue;
        print_group(out, report, table[i].group);
        if (strcmp(table[i].group, "translation") == 0)
            print_unit_averages(out, report->stats);
        if (strcmp(table[i].group, "entry") == 0)
            print_hit_rates(out, report->stats);
    }
}

void stats_print_text(FILE *out, const struct stats_report *report)
{
    struct region_printer printer = { .out = out };
    fprintf(out, "statistics: engine %s, %.3f s, exit status %d\n", report->engine,
            (double)report->wall_ns / NS_PER_SEC, report->exit_status);
    print_groups(out, report);
    print_opcodes(out, report->stats);
    print_exceptions(out, report->stats);
    if (report->bus != NULL)
        vx_bus_each(report->bus, print_region, &printer);
    print_host(out);
}
