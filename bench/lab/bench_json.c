/* bench_json.c - results for programs: one JSON object (RFC 8259). Names are our own and need no escapes; what
 * went wrong may be in others' words. */
#include <inttypes.h>
#include <string.h>

#include "bench.h"

void bench_put_json_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\')
            fprintf(out, "\\%c", byte);
        else if (byte < 0x20 || byte >= 0x7F)
            fprintf(out, "\\u%04x", byte);
        else
            fputc(byte, out);
    }
    fputc('"', out);
}

static void put_times(FILE *out, const char *name, const struct bench_times *times)
{
    fprintf(out, ", \"%s\": {\"median_ns\": %" PRIu64 ", \"spread\": %.4f, \"rounds_ns\": [", name, bench_median(times),
            bench_spread(times));
    for (unsigned i = 0; i < times->count; i++)
        fprintf(out, "%s%" PRIu64, i == 0 ? "" : ", ", times->ns[i]);
    fputs("]}", out);
}

static void put_counters(FILE *out, const struct vx_stats *stats)
{
    size_t rows;
    const struct vx_stat_desc *table = vx_stats_table(&rows);
    fputs(",\n   \"counters\": {", out);
    for (size_t i = 0; i < rows; i++) {
        uint64_t value;
        memcpy(&value, (const char *)stats + table[i].offset, sizeof value);
        fprintf(out, "%s\"%s\": %" PRIu64, i == 0 ? "" : ", ", table[i].name, value);
    }
    fputs("},\n   \"units_by_insns\": [", out);
    for (size_t i = 0; i < VX_ARRAY_LEN(stats->tu_by_insns); i++)
        fprintf(out, "%s%" PRIu64, i == 0 ? "" : ", ", stats->tu_by_insns[i]);
    fputs("]", out);
}

static void put_parts(FILE *out, const struct bench_result *result)
{
    static const char *const names[VX_PARTS] = {
#define VX_PART(name, counter) #counter,
        VX_PART_LIST(VX_PART)
#undef VX_PART
    };
    fputs(",\n   \"time\": {", out);
    for (enum vx_part part = 0; part < VX_PARTS; part++)
        fprintf(out, "%s\"%s\": %" PRIu64, part == 0 ? "" : ", ", names[part], bench_median(&result->part[part]));
    fputs("}", out);
}

static void put_result(FILE *out, const struct bench_result *result)
{
    const struct bench_setting *setting = result->setting;
    fprintf(out, "  {\"workload\": \"%s\", \"group\": \"%s\", \"setting\": \"%s\", \"units\": %u",
            result->workload->name, result->workload->group, setting->label, (unsigned)result->units);
    fprintf(out, ", \"ok\": %s, \"checksum\": %u, \"instructions\": %" PRIu64,
            result->error[0] == '\0' ? "true" : "false", (unsigned)result->sum, result->insns);
    if (result->error[0] != '\0') {
        fputs(", \"error\": ", out);
        bench_put_json_text(out, result->error);
    }
    put_times(out, "vx86", &result->times);
    for (enum bench_rival rival = 0; rival < VX_BENCH_RIVALS; rival++) {
        if (result->rival[rival].count != 0) {
            put_times(out, bench_rival_name(rival), &result->rival[rival]);
        } else if (result->rival_error[rival][0] != '\0') {
            fprintf(out, ", \"%s\": {\"error\": ", bench_rival_name(rival));
            bench_put_json_text(out, result->rival_error[rival]);
            fputs("}", out);
        }
    }
    put_counters(out, &result->stats);
    put_parts(out, result);
    fputs("}", out);
}

void bench_print_json(FILE *out, const struct bench_report *report)
{
    fprintf(out, "{\"version\": \"%s\", \"sweep\": \"%s\", \"rounds\": %u, \"complete\": %s, \"results\": [\n",
            VX_VERSION, report->swept != NULL ? report->swept : "", report->rounds,
            report->incomplete ? "false" : "true");
    for (size_t i = 0; i < report->count; i++) {
        put_result(out, &report->results[i]);
        fputs(i + 1 < report->count ? ",\n" : "\n", out);
    }
    fputs("]}\n", out);
}
