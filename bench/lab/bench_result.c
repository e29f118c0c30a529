/* bench_result.c - what follows from the samples of a workload. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static int by_value(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static unsigned sorted(const struct bench_times *times, uint64_t ns[VX_BENCH_ROUNDS_MAX])
{
    memcpy(ns, times->ns, sizeof times->ns);
    qsort(ns, times->count, sizeof *ns, by_value);
    return times->count;
}

uint64_t bench_median(const struct bench_times *times)
{
    uint64_t ns[VX_BENCH_ROUNDS_MAX];
    unsigned count = sorted(times, ns);
    if (count == 0)
        return 0;
    return (ns[(count - 1) / 2] + ns[count / 2]) / 2;
}

double bench_spread(const struct bench_times *times)
{
    uint64_t ns[VX_BENCH_ROUNDS_MAX];
    unsigned count = sorted(times, ns);
    return count == 0 ? 0 : vx_stats_ratio(ns[count - 1] - ns[0], bench_median(times));
}

double bench_ratio(const struct bench_result *result, enum bench_rival rival)
{
    return vx_stats_ratio(bench_median(&result->rival[rival]), bench_median(&result->times));
}

double bench_mips(const struct bench_result *result)
{
    return 1000 * vx_stats_ratio(result->insns, bench_median(&result->times));
}

uint64_t bench_callouts(const struct vx_stats *stats)
{
    size_t rows;
    const struct vx_stat_desc *table = vx_stats_table(&rows);
    uint64_t total = 0, value;
    for (size_t i = 0; i < rows; i++) {
        if (strncmp(table[i].name, "callout_", 8) != 0)
            continue;
        memcpy(&value, (const char *)stats + table[i].offset, sizeof value);
        total += value;
    }
    return total;
}

void bench_time_parts(const struct bench_result *result, struct bench_part parts[VX_BENCH_TIMES])
{
    static const char *const names[VX_BENCH_TIMES] = {
        [VX_PART_GUEST] = "guest",      [VX_PART_DISPATCHER] = "disp.",  [VX_PART_LOOKUPS] = "look",
        [VX_PART_TRANSLATOR] = "trans", [VX_PART_INTERPRETER] = "intrp", [VX_PART_CALLOUTS] = "call",
        [VX_PART_FLUSHES] = "flush",    [VX_PART_SIGNALS] = "signl",     [VX_PART_DEVICES] = "devcs",
        [VX_PART_IDLE] = "idle",
    };
    for (unsigned i = 0; i < VX_BENCH_TIMES; i++)
        parts[i] = (struct bench_part){ names[i], bench_median(&result->part[i]) };
}

void bench_part_ns(const struct vx_stats *stats, uint64_t ns[VX_PARTS])
{
#define VX_PART(name, counter) ns[VX_PART_##name] = stats->counter;
    VX_PART_LIST(VX_PART)
#undef VX_PART
}

void bench_again_parts(const struct vx_stats *stats, struct bench_part parts[VX_BENCH_CAUSES])
{
    const struct bench_part filled[VX_BENCH_CAUSES] = {
        { "store", stats->again_store }, { "eviction", stats->again_evicted }, { "mapping", stats->again_mapping },
        { "mode", stats->again_mode },   { "segment", stats->again_segment },  { "debugger", stats->again_debugger },
    };
    memcpy(parts, filled, sizeof filled);
}

double bench_percent(const struct bench_part *parts, unsigned count, unsigned i)
{
    uint64_t total = 0;
    for (unsigned k = 0; k < count; k++)
        total += parts[k].value;
    return 100 * vx_stats_ratio(parts[i].value, total);
}
