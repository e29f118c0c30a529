/* The laboratory: counters against instruction streams that are known, the command line, what it prints. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "bench_options.h"
#include "bench_sweep.h"
#include "block.h"
#include "json_check.h"

/* ---- counters ---------------------------------------------------------------------------------------------------- */

/* Units of work differ by this between the two runs whose counters are subtracted: set-up and end cancel out. */
#define MORE     2000
#define ATTEMPTS 8

#define COUNTS(counter, a_unit)                                \
    {                                                          \
#counter, offsetof(struct vx_stats, counter), (a_unit) \
    }

struct counted {
    const char *name;
    size_t off;
    unsigned a_unit;
};

static const struct {
    const char *workload;
    unsigned insns; /* a unit; 0: not told */
    struct counted counted[9];
} rows[] = {
    { "loop",
      2,
      { COUNTS(entry_chain, 1), COUNTS(entry_jump_cache, 0), COUNTS(entry_hash, 0), COUNTS(entry_miss, 0) } },
    { "jump",
      4,
      { COUNTS(entry_chain, 1), COUNTS(entry_jump_cache, 1), COUNTS(entry_hash, 0), COUNTS(entry_miss, 0) } },
    { "call",
      4,
      { COUNTS(entry_chain, 2), COUNTS(entry_jump_cache, 1), COUNTS(entry_hash, 0), COUNTS(entry_miss, 0) } },
    { "int",
      4,
      { COUNTS(callout_transfer, 2), COUNTS(interp_steps, 0), COUNTS(true_faults, 0), COUNTS(exceptions, 0) } },
    { "sysenter", 4, { COUNTS(callout_transfer, 2), COUNTS(tu_translated, 0) } },
    { "page-fault",
      0,
      { COUNTS(true_faults, 1), COUNTS(exceptions, 1), COUNTS(tlb_invlpg, 1), COUNTS(tu_translated, 0) } },
    { "page-churn", 0, { COUNTS(true_faults, 0), COUNTS(exceptions, 0), COUNTS(tlb_invlpg, 1) } },
    { "cr3", 0, { COUNTS(true_faults, 0), COUNTS(tlb_flushes, 1), COUNTS(tlb_invlpg, 0) } },
    { "port", 0, { COUNTS(callout_io, 2), COUNTS(pio, 2), COUNTS(mmio, 0) } },
    { "mmio", 0, { COUNTS(mmio, 2), COUNTS(slow_mmio, 2), COUNTS(pio, 0) } },
    { "patch",
      0,
      { COUNTS(smc_invalidations, 1), COUNTS(tu_translated, 1), COUNTS(tu_retranslated, 1), COUNTS(again_store, 1),
        COUNTS(entry_miss, 1), COUNTS(tu_guest_insns, 2), COUNTS(tu_guest_bytes, 6) } },
    { "real", 15, { COUNTS(tu_translated, 0), COUNTS(true_faults, 0) } },
};

static uint64_t counter(const struct vx_stats *stats, size_t off)
{
    uint64_t value;
    memcpy(&value, (const char *)stats + off, sizeof value);
    return value;
}

static const struct bench_setting plain;

static vx_err open_disk(const char *path, bool snapshot, struct vx_log *log, struct vx_loop *loop,
                        struct vx_block **out)
{
    const struct block_config config = {
        .log = log, .loop = loop, .path = path, .kind = VX_BLOCK_DISK, .snapshot = snapshot
    };
    return block_open(&config, out);
}

/* The test's own process goes on with other runs. */
static void confine(struct vx_log *log)
{
    (void)log;
}

static const struct vx_lab_host host = { .open_disk = open_disk, .close_disk = block_close, .confine = confine };

static struct bench_sample sample_of(const char *workload, uint32_t units, const struct bench_setting *setting,
                                     bool count_insns)
{
    struct bench_run run = { .workload = lab_find(workload),
                             .setting = setting,
                             .host = &host,
                             .units = units,
                             .count = true,
                             .count_insns = count_insns };
    struct bench_sample sample;
    cr_assert_not_null(run.workload, "%s", workload);
    bench_run(&run, &sample);
    cr_assert(sample.done, "%s: %s", workload, sample.error);
    return sample;
}

/* What is wrong with one pair of runs; empty: every counter grew exactly as the stream says. */
static void compare_pair(size_t row, bool count_insns, char wrong[200])
{
    struct bench_sample pair[2];
    wrong[0] = '\0';
    for (unsigned i = 0; i < 2; i++)
        pair[i] = sample_of(rows[row].workload, 1000 + i * MORE, &plain, count_insns);
    if (count_insns && pair[1].insns - pair[0].insns != (uint64_t)rows[row].insns * MORE)
        snprintf(wrong, 200, "%s: %lld instructions", rows[row].workload, (long long)(pair[1].insns - pair[0].insns));
    for (const struct counted *c = rows[row].counted; !count_insns && c->name != NULL && wrong[0] == '\0'; c++) {
        uint64_t got = counter(&pair[1].stats, c->off) - counter(&pair[0].stats, c->off);
        if (got != (uint64_t)c->a_unit * MORE)
            snprintf(wrong, 200, "%s: %s grew by %lld, not by %u", rows[row].workload, c->name, (long long)got,
                     c->a_unit * MORE);
    }
}

/* The host's timer may ask for attention in the middle of a run, and what is entered after that is truly entered in
 * another way: so a pair may be repeated. A counter that counts wrongly is wrong each time. */
static void compare_row(size_t row, bool count_insns, char wrong[200])
{
    for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
        compare_pair(row, count_insns, wrong);
        if (wrong[0] == '\0')
            return;
    }
}

Test(bench, counters_of_known_streams_are_exact, .timeout = 600)
{
    char wrong[200] = "";
    for (size_t i = 0; i < VX_ARRAY_LEN(rows) && wrong[0] == '\0'; i++) {
        compare_row(i, false, wrong);
        if (rows[i].insns != 0 && wrong[0] == '\0')
            compare_row(i, true, wrong);
    }
    cr_assert_str_empty(wrong, "%s", wrong);
}

/* ---- where time goes --------------------------------------------------------------------------------------------- */

static void split(const char *workload, double scale, const struct bench_setting *setting, uint64_t ns[VX_PARTS],
                  uint64_t *wall_ns)
{
    const struct lab_workload *found = lab_find(workload);
    struct bench_run run = { .workload = found,
                             .setting = setting,
                             .host = &host,
                             .units = (uint32_t)(found->units * scale) + 1,
                             .split = true };
    struct bench_sample sample;
    bench_run(&run, &sample);
    cr_assert(sample.done, "%s: %s", workload, sample.error);
    bench_part_ns(&sample.stats, ns);
    *wall_ns = sample.wall_ns;
}

/* The parts are the whole; and what a workload is made for is where its time goes, on any machine. */
Test(bench, parts_of_time_are_the_whole, .timeout = 300)
{
    static const struct bench_setting interp = { .engine = VX_ENGINE_INTERP };
    static const struct {
        const char *workload;
        double scale;
        const struct bench_setting *setting;
        enum vx_part largest;
    } runs[] = {
        { "loop", 0.5, &plain, VX_PART_GUEST },       { "loop", 0.05, &interp, VX_PART_INTERPRETER },
        { "patch", 0.2, &plain, VX_PART_TRANSLATOR }, { "cr3", 0.2, &plain, VX_PART_CALLOUTS },
        { "port", 0.5, &plain, VX_PART_DEVICES },     { "mode-switch", 0.5, &plain, VX_PARTS },
        { "page-fault", 0.5, &plain, VX_PARTS },      { "int", 0.5, &plain, VX_PARTS },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(runs); i++) {
        uint64_t ns[VX_PARTS], wall_ns, sum_ns = 0;
        enum vx_part largest = VX_PART_GUEST;
        split(runs[i].workload, runs[i].scale, runs[i].setting, ns, &wall_ns);
        for (enum vx_part part = 0; part < VX_PARTS; part++) {
            sum_ns += ns[part];
            largest = ns[part] > ns[largest] && part != VX_PART_CLOCK ? part : largest;
        }
        double share = (double)sum_ns / (double)wall_ns;
        cr_expect(share > 0.98 && share < 1.02, "%s: the parts are %.3f of the whole", runs[i].workload, share);
        cr_expect(runs[i].largest == VX_PARTS || largest == runs[i].largest, "%s: most is part %d", runs[i].workload,
                  (int)largest);
    }
}

/* A host signal for each tick: what it takes is not the guest code's. */
Test(bench, host_signals_are_a_part, .timeout = 60)
{
    uint64_t ns[VX_PARTS], wall_ns;
    split("timer", 0.5, &plain, ns, &wall_ns);
    cr_expect_gt(ns[VX_PART_SIGNALS], 2000u * 200, "less than 200 ns each");
    split("loop", 0.5, &plain, ns, &wall_ns);
    cr_expect_lt(ns[VX_PART_SIGNALS], wall_ns / 10);
}

Test(bench, lengths_of_units_add_up, .timeout = 300)
{
    static const unsigned caps[] = { 0, 1, 5, 128 };
    for (size_t i = 0; i < VX_ARRAY_LEN(caps); i++) {
        struct bench_setting setting = { .tu_max = caps[i] };
        struct bench_sample sample = sample_of("boot", 1, &setting, false);
        uint64_t units = 0, insns = 0, longest = 0;
        for (size_t n = 0; n < VX_ARRAY_LEN(sample.stats.tu_by_insns); n++) {
            units += sample.stats.tu_by_insns[n];
            insns += n * sample.stats.tu_by_insns[n];
            longest = sample.stats.tu_by_insns[n] != 0 ? n : longest;
        }
        cr_assert_eq(units, sample.stats.tu_translated, "cap %u", caps[i]);
        cr_assert_eq(insns, sample.stats.tu_guest_insns, "cap %u", caps[i]);
        cr_assert_leq(longest, caps[i] != 0 ? caps[i] : 32, "cap %u", caps[i]);
        cr_assert_gt(units, 100);
        const struct vx_stats *stats = &sample.stats;
        cr_assert_eq(stats->tu_retranslated, stats->again_store + stats->again_evicted + stats->again_mapping +
                                                 stats->again_mode + stats->again_segment + stats->again_debugger);
    }
}

Test(bench, switches_reach_the_translator, .timeout = 300)
{
    struct bench_setting no_chain = { .no_chain = true }, no_jump_cache = { .no_jump_cache = true },
                         small = { .cache_bytes = 64 << 10 }, interp = { .engine = VX_ENGINE_INTERP };
    cr_assert_eq(sample_of("loop", 1000, &no_chain, false).stats.entry_chain, 0);
    cr_assert_eq(sample_of("jump", 1000, &no_jump_cache, false).stats.entry_jump_cache, 0);
    struct bench_sample sample = sample_of("boot", 1, &small, false);
    cr_assert_gt(sample.stats.cache_evicted_units, 0);
    cr_assert_gt(sample.stats.again_evicted, 0);
    cr_assert_eq(sample.stats.again_debugger, 0);
    sample = sample_of("loop", 100000, &interp, false);
    cr_assert_eq(sample.stats.tu_translated, 0);
    cr_assert_geq(sample.stats.interp_insns, 200000);
    cr_assert_eq(sample.sum, sample_of("loop", 100000, &plain, false).sum);
}

/* What needs the machine computes the same under both engines; every run of the command compares the rest with QEMU and
 * the host. */
Test(bench, workloads_agree, .timeout = 600)
{
    static const struct bench_setting interp = { .engine = VX_ENGINE_INTERP };
    size_t count;
    const struct lab_workload *workloads = lab_workloads(&count);
    for (size_t i = 0; i < count; i++) {
        uint32_t units = workloads[i].units / 2000 + 1;
        if (workloads[i].native || workloads[i].system)
            continue;
        uint32_t bt = sample_of(workloads[i].name, units, &plain, false).sum;
        cr_assert_eq(bt, sample_of(workloads[i].name, units, &interp, false).sum, "%s", workloads[i].name);
    }
}

/* ---- command line ------------------------------------------------------------------------------------------------ */

Test(bench, command_line)
{
    static const struct {
        const char *arguments[4], *error; /* NULL: it is right */
    } lines[] = {
        { { "loop", "boot" }, NULL },
        { { "--rounds", "5", "loop" }, NULL },
        { { "--rounds=5", "--json=x" }, NULL },
        { { "--rounds", "0" }, "bench: --rounds: choose 1 to 25" },
        { { "--rounds", "x" }, "bench: --rounds: choose 1 to 25" },
        { { "--rounds", "nan" }, "bench: --rounds: choose 1 to 25" },
        { { "--scale=-1" }, "bench: --scale: choose 0.0001 to 100" },
        { { "--rounds" }, "bench: --rounds needs a N" },
        { { "--json=" }, "bench: --json needs a FILE" },
        { { "--image" }, "bench: --image needs a FILE" },
        { { "--image", "x", "linux" }, NULL },
        { { "--list=1" }, "bench: --list takes no value" },
        { { "--sweeep=x" }, "bench: unknown option '--sweeep=x'; did you mean '--sweep'?" },
        { { "--zzzzzzzz" }, "bench: unknown option '--zzzzzzzz'; vx86 bench --help lists them" },
        { { "lop" }, "bench: there is no workload 'lop'; did you mean 'loop'?" },
        { { "zzzzzzzz" }, "bench: there is no workload 'zzzzzzzz'; vx86 bench --list names them" },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(lines); i++) {
        char *argv[6] = { "bench" };
        int argc = 1;
        for (; lines[i].arguments[argc - 1] != NULL; argc++)
            argv[argc] = (char *)lines[i].arguments[argc - 1];
        struct bench_options options;
        bool right = bench_parse(argc, argv, &options);
        cr_assert_eq(right, lines[i].error == NULL, "line %zu: %s", i, options.error);
        cr_assert_str_eq(options.error, right ? "" : lines[i].error);
    }
}

Test(bench, sweeps)
{
    struct bench_setting settings[VX_BENCH_SETTINGS_MAX];
    static const struct {
        const char *name;
        size_t count;
    } sweeps[] = { { NULL, 1 },       { "tu-max", 9 },     { "tc-size", 11 }, { "chain", 2 },
                   { "lowering", 2 }, { "jump-cache", 2 }, { "engine", 2 },   { "no", 0 } };
    for (size_t i = 0; i < VX_ARRAY_LEN(sweeps); i++)
        cr_assert_eq(bench_sweep(sweeps[i].name, settings), sweeps[i].count, "%zu", i);
    cr_assert_eq(bench_sweep("tc-size", settings), 11);
    cr_assert_eq(settings[0].cache_bytes, 64u << 10);
    cr_assert_eq(settings[10].cache_bytes, 64u << 20);
    cr_assert_str_eq(settings[10].label, "64M");
}

/* ---- what is computed and printed -------------------------------------------------------------------------------- */

Test(bench, markers)
{
    static const char text[] = "SeaBIOS\n@begin x\n@end x 5 17\n@fail why\n@end broken\n@endless\n";
    enum bench_marker want[] = { VX_BENCH_NOTHING, VX_BENCH_BEGIN,   VX_BENCH_END,
                                 VX_BENCH_FAIL,    VX_BENCH_NOTHING, VX_BENCH_NOTHING };
    struct bench_line line = { .used = 0 };
    uint32_t sum = 0;
    size_t lines = 0;
    for (const char *at = text; *at != '\0'; at++) {
        enum bench_marker marker = bench_take(&line, *at, &sum);
        if (*at == '\n')
            cr_assert_eq(marker, want[lines++], "line %zu", lines);
        else
            cr_assert_eq(marker, VX_BENCH_NOTHING);
    }
    cr_assert_eq(sum, 17);
    for (unsigned i = 0; i < 1000; i++)
        bench_take(&line, 'x', &sum);
    cr_assert_eq(bench_take(&line, '\n', &sum), VX_BENCH_NOTHING);
}

Test(bench, prompts)
{
    static const struct {
        const char *console;
        bool prompt;
    } consoles[] = {
        { "# ", false },
        { "boot\nvx86:/# ", true },
        { "/#\n ", false },
        { "mounted /# on\n/ # ", false },
        { "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
          "0123456789/# ",
          true },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(consoles); i++) {
        struct bench_line line = { .used = 0 };
        bool prompt = false;
        for (const char *at = consoles[i].console; *at != '\0'; at++)
            prompt = bench_prompt(&line, *at);
        cr_expect_eq(prompt, consoles[i].prompt, "row %zu", i);
    }
}

/* Rivals that do a part of the work, and what they do not have. */
Test(bench, rivals)
{
    struct bench_run run = { .workload = lab_find("loop"), .setting = &plain, .units = 8000 };
    cr_expect_eq(bench_rival_units(VX_BENCH_BOCHS, &run), 1000);
    cr_expect_eq(bench_rival_units(VX_BENCH_TCG, &run), 8000);
    run.units = 3;
    cr_expect_eq(bench_rival_units(VX_BENCH_BOCHS, &run), 3);
    cr_expect_not(bench_rival_has(VX_BENCH_BOCHS, lab_find("timer")), "its time is the guest's clock's");
    cr_expect_not(bench_rival_has(VX_BENCH_NATIVE, lab_find("linux")));
    cr_expect_not(bench_rival_has(VX_BENCH_BOCHS, lab_find("linux")));
    cr_expect_not(bench_rival_has(VX_BENCH_NATIVE, lab_find("loop")));
}

Test(bench, medians)
{
    struct bench_times odd = { 3, { 300, 100, 200 } }, even = { 4, { 400, 100, 200, 300 } }, none = { 0 };
    cr_assert_eq(bench_median(&odd), 200);
    cr_assert_eq(bench_median(&even), 250);
    cr_assert_eq(bench_median(&none), 0);
    cr_assert_float_eq(bench_spread(&odd), 1.0, 1e-9);
    cr_assert_float_eq(bench_spread(&none), 0.0, 1e-9);
}

/* Of what a report prints, all that a page or an object begun must end, and nothing may be no number. */
Test(bench, reports, .timeout = 300)
{
    static struct bench_result results[3];
    struct bench_setting settings[2] = { { .label = "on" }, { .label = "off", .no_chain = true } };
    struct bench_report one = { .settings = 1, .results = results, .count = 2, .rounds = 1 },
                        sweep = { .swept = "chain", .settings = 2, .results = results, .count = 2, .rounds = 1 };
    void (*const printers[])(FILE *, const struct bench_report *) = { bench_print_json, bench_print_html };
    for (size_t i = 0; i < 2; i++) {
        struct bench_sample sample = sample_of("call", 1000, &settings[i], false);
        results[i] = (struct bench_result){ .workload = lab_find("call"), .setting = &settings[i], .units = 1000 };
        results[i].times = (struct bench_times){ 1, { sample.wall_ns } };
        results[i].stats = sample.stats;
    }
    snprintf(results[1].error, sizeof results[1].error, "it \"did\" not\tend");
    snprintf(results[0].rival_error[VX_BENCH_TCG], VX_BENCH_ERROR_CHARS, "\x1b[31m \\ \xff");
    for (size_t i = 0; i < 2 * VX_ARRAY_LEN(printers); i++) {
        char *text;
        size_t bytes;
        FILE *out = open_memstream(&text, &bytes);
        printers[i / 2](out, i % 2 == 0 ? &one : &sweep);
        fclose(out);
        cr_assert_null(strstr(text, "nan"), "%zu", i);
        cr_assert_null(strstr(text, "http"), "%zu: a page that needs the network", i);
        if (i < 2)
            cr_assert(json_is_valid(text), "%zu: %s", i, text);
        else
            cr_assert_str_eq(text + bytes - strlen("</html>\n"), "</html>\n");
        free(text);
    }
}
