/* bench.h - `vx86 bench`, the translation-cache laboratory: guest workloads of our own, what they cost and how the
 * cache did.
 *
 * A run is a child process: a machine with the laboratory's kernel (bench/lab), a workload, a setting of the engine.
 * Counters are what was counted between the workload's two markers. Thread rule: main thread; no other thread may exist
 * when a run begins
 * (fork). */
#ifndef VX86_BENCH_BENCH_H
#define VX86_BENCH_BENCH_H

#include <stdio.h>

#include "vx86/lab.h"
#include "vx86/machine.h"
#include "vx86/stats.h"
#include "workloads.h"

/* ---- one run (bench_run.c, bench_rival.c) ------------------------------------------------------------------------ */

struct bench_setting {
    char label[24];
    double x; /* the swept value */
    enum vx_engine engine;
    unsigned tu_max; /* 0: default */
    unsigned interpret_first;
    uint64_t cache_bytes; /* 0: default */
    enum vx_lowering lowering;
    bool no_chain, no_jump_cache;
};

enum { VX_BENCH_ERROR_CHARS = 200 };

struct bench_patience;

struct bench_run {
    const struct bench_patience *patience; /* bench_child.h; NULL: the usual one */
    const struct lab_workload *workload;
    const struct bench_setting *setting;
    const struct vx_lab_host *host;
    const char *image; /* the disk of a workload that is a system */
    uint32_t units;
    bool split;       /* where the time goes, which makes it slower */
    bool count;       /* entries of units, which makes it slower */
    bool count_insns; /* exact instruction count, which makes the translator's code larger */
};

struct bench_sample {
    bool done, too_long;
    char error[VX_BENCH_ERROR_CHARS]; /* what went wrong, when not done; in part others' words */
    uint64_t wall_ns;
    uint32_t sum; /* of what the workload computed: the same on every correct machine */
    uint64_t insns;
    struct vx_stats stats;
};

/* *sample is filled in any case. */
void bench_run(const struct bench_run *run, struct bench_sample *sample);

enum bench_rival { VX_BENCH_TCG, VX_BENCH_BOCHS, VX_BENCH_NATIVE, VX_BENCH_RIVALS };
const char *bench_rival_name(enum bench_rival rival);
/* Is it installed, and has it this workload? */
bool bench_rival_has(enum bench_rival rival, const struct lab_workload *workload);
/* How many of the run's units it does; the time of all of them is told from that. */
uint32_t bench_rival_units(enum bench_rival rival, const struct bench_run *run);
void bench_rival_run(enum bench_rival rival, const struct bench_run *run, struct bench_sample *sample);

/* What a workload's kernel or program writes, byte by byte, to markers. */
enum bench_marker { VX_BENCH_NOTHING, VX_BENCH_BEGIN, VX_BENCH_END, VX_BENCH_FAIL };
struct bench_line {
    char text[100];
    size_t used;
};
/* After a byte that completes a line with a marker: which; *sum with END. line->text holds the line until the next
 * byte. */
enum bench_marker bench_take(struct bench_line *line, char byte, uint32_t *sum);
/* After a byte of a system's console: is it the last one of a root shell's prompt ("/# ")? */
bool bench_prompt(struct bench_line *line, char byte);

/* ---- results (bench_result.c) ------------------------------------------------------------------------------------ */

enum { VX_BENCH_ROUNDS_MAX = 25 };

struct bench_times {
    unsigned count;
    uint64_t ns[VX_BENCH_ROUNDS_MAX];
};

struct bench_result {
    const struct lab_workload *workload;
    const struct bench_setting *setting;
    uint32_t units;
    char error[VX_BENCH_ERROR_CHARS]; /* empty: all of vx86's runs came to an end, with one checksum */
    struct bench_times times, rival[VX_BENCH_RIVALS];
    struct bench_times part[VX_PARTS]; /* of runs that find out where their time goes, one a round */
    char rival_error[VX_BENCH_RIVALS]
                    [VX_BENCH_ERROR_CHARS]; /* why a rival has no times; empty: it has, or was not run */
    uint32_t sum;
    uint32_t part_units, part_sum; /* ... of a rival's share of the units, where that is less */
    uint64_t insns;
    struct vx_stats stats; /* with `insns`, of a run of its own */
    double growth;         /* host bytes to a guest byte, of a run that counts nothing */
};

uint64_t bench_median(const struct bench_times *times);
/* From the fastest to the slowest, as part of the median. */
double bench_spread(const struct bench_times *times);
/* rival's time / ours; 0 when there is none. */
double bench_ratio(const struct bench_result *result, enum bench_rival rival);
/* Millions of guest instructions a second. */
double bench_mips(const struct bench_result *result);
/* Call-outs of all kinds. */
uint64_t bench_callouts(const struct vx_stats *stats);

/* Parts of a whole, in the order in which they are shown. */
struct bench_part {
    const char *name;
    uint64_t value;
};
enum { VX_BENCH_TIMES = VX_PART_CLOCK, VX_BENCH_CAUSES = 6 };
/* Where the time went, in nanoseconds: medians over the rounds; without VX_PART_CLOCK, the finding out. */
void bench_time_parts(const struct bench_result *result, struct bench_part parts[VX_BENCH_TIMES]);
/* ... of one run, all parts. */
void bench_part_ns(const struct vx_stats *stats, uint64_t ns[VX_PARTS]);
/* Units made again, by cause: together stats->tu_retranslated. */
void bench_again_parts(const struct vx_stats *stats, struct bench_part parts[VX_BENCH_CAUSES]);
/* 100 * parts[i] / total; 0 of nothing. */
double bench_percent(const struct bench_part *parts, unsigned count, unsigned i);

struct bench_report {
    const char *swept; /* the name of the swept setting, NULL: none */
    size_t settings;   /* results are ordered by workload, then by setting */
    struct bench_result *results;
    size_t count;
    unsigned rounds;
    bool incomplete; /* interrupted, or not yet at its end */
};

void bench_print_head(FILE *out, const struct bench_report *report);
void bench_print_row(FILE *out, const struct bench_report *report, const struct bench_result *result);
/* What the rows have no room for: units and why they were made again, call-outs, faults, where the time went. */
void bench_print_details(FILE *out, const struct bench_report *report);
void bench_put_json_text(FILE *out, const char *text); /* with its quotes */
void bench_print_json(FILE *out, const struct bench_report *report);
void bench_print_html(FILE *out, const struct bench_report *report);

#endif
