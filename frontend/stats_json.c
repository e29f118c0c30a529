/* stats_json.c - the counters for programs, as one JSON object (RFC 8259). */
#include <inttypes.h>
#include <string.h>

#include "stats_report.h"
#include "vx86/host.h"
#include "vx86/isa.h"

static void put_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < ' ')
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

/* Every group of stats.def as an object of its counters. */
static void put_counters(FILE *out, const struct vx_stats *stats)
{
    size_t rows;
    const struct vx_stat_desc *table = vx_stats_table(&rows);
    fputs(",\n \"counters\": {", out);
    for (size_t i = 0; i < rows; i++) {
        bool first = i == 0 || strcmp(table[i].group, table[i - 1].group) != 0;
        uint64_t value;
        memcpy(&value, (const char *)stats + table[i].offset, sizeof value);
        if (first)
            fprintf(out, "%s\n  \"%s\": {", i == 0 ? "" : "},", table[i].group);
        fprintf(out, "%s\"%s\": %" PRIu64, first ? "" : ", ", table[i].name, value);
    }
    fputs("}\n }", out);
}

static void put_rates(FILE *out, const struct vx_stats *stats)
{
    struct vx_stats_entry entries[VX_STATS_ENTRIES];
    uint64_t total = 0;
    vx_stats_entries(stats, entries);
    for (unsigned i = 0; i < VX_STATS_ENTRIES; i++)
        total += entries[i].count;
    fprintf(out,
            ",\n \"rates\": {\"unit_insns\": %.4f, \"unit_guest_bytes\": %.4f, \"unit_host_bytes\": %.4f, "
            "\"expansion\": %.4f",
            vx_stats_ratio(stats->tu_guest_insns, stats->tu_translated),
            vx_stats_ratio(stats->tu_guest_bytes, stats->tu_translated),
            vx_stats_ratio(stats->tu_host_bytes, stats->tu_translated),
            vx_stats_ratio(stats->tu_host_bytes, stats->tu_guest_bytes));
    fprintf(out, ", \"entry_chain\": %.6f, \"entry_jump_cache\": %.6f, \"entry_hash\": %.6f, \"entry_miss\": %.6f}",
            vx_stats_ratio(entries[0].count, total), vx_stats_ratio(entries[1].count, total),
            vx_stats_ratio(entries[2].count, total), vx_stats_ratio(entries[3].count, total));
}

static void put_opcodes(FILE *out, const struct vx_stats *stats)
{
    struct vx_stats_opcode opcodes[VX_STATS_OPCODES];
    size_t count = vx_stats_opcodes(stats, opcodes);
    fputs(",\n \"opcodes\": [", out);
    for (size_t i = 0; i < count; i++) {
        char text[16];
        vx_stats_format_opcode(&opcodes[i], text, sizeof text);
        fprintf(out, "%s\n  {\"opcode\": \"%s\", \"name\": \"%s\", \"count\": %" PRIu64 "}", i == 0 ? "" : ",", text,
                vx_isa_name(opcodes[i].map, opcodes[i].opcode), opcodes[i].count);
    }
    fputs("]", out);
}

static void put_exceptions(FILE *out, const struct vx_stats *stats)
{
    bool first = true;
    fputs(",\n \"exceptions\": [", out);
    for (unsigned vector = 0; vector < 32; vector++) {
        if (stats->exceptions_by_vector[vector] == 0)
            continue;
        fprintf(out, "%s{\"vector\": %u, \"count\": %" PRIu64 "}", first ? "" : ", ", vector,
                stats->exceptions_by_vector[vector]);
        first = false;
    }
    fputs("]", out);
}

struct region_writer {
    FILE *out;
    bool later;
};

static void put_region(void *opaque, const struct vx_region *region)
{
    struct region_writer *writer = opaque;
    if (region->reads == 0 && region->writes == 0)
        return;
    fprintf(writer->out, "%s\n  {\"name\": ", writer->later ? "," : "");
    writer->later = true;
    put_string(writer->out, region->name);
    fprintf(writer->out, ", \"space\": \"%s\", \"base\": %" PRIu64 ", \"reads\": %" PRIu64 ", \"writes\": %" PRIu64 "}",
            region->space == VX_SPACE_IO ? "io" : "memory", region->base, region->reads, region->writes);
}

void stats_print_json(FILE *out, const struct stats_report *report)
{
    struct vx_host_usage host = vx_host_usage();
    struct region_writer writer = { .out = out };
    fputs("{\"version\": ", out);
    put_string(out, VX_VERSION);
    fputs(", \"engine\": ", out);
    put_string(out, report->engine);
    fprintf(out, ", \"exit_status\": %d, \"wall_ns\": %" PRIu64, report->exit_status, report->wall_ns);
    put_counters(out, report->stats);
    put_rates(out, report->stats);
    put_opcodes(out, report->stats);
    put_exceptions(out, report->stats);
    fputs(",\n \"regions\": [", out);
    if (report->bus != NULL)
        vx_bus_each(report->bus, put_region, &writer);
    fprintf(out,
            "],\n \"host\": {\"peak_bytes\": %" PRIu64 ", \"user_ns\": %" PRIu64 ", \"system_ns\": %" PRIu64 "}}\n",
            host.peak_bytes, host.user_ns, host.system_ns);
}
