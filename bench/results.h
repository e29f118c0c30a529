/* results.h - what the rounds measured, and the table, the JSON and the verdict made of it. */
#ifndef VX86_BENCH_RESULTS_H
#define VX86_BENCH_RESULTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The rival: QEMU's TCG, or another build of vx86. */
enum subject { SUBJECT_VX86, SUBJECT_RIVAL, SUBJECT_NATIVE, SUBJECTS };
enum group {
    GROUP_INTEGER,
    GROUP_BRANCH,
    GROUP_CALL,
    GROUP_MEMORY,
    GROUP_X87,
    GROUP_SSE,
    GROUP_SYSTEM,
    GROUP_CODE,
    GROUPS
};
enum row {
#define ROW(id, name, group, native, units, text) ROW_##id,
#include "guest/rows.def"
#undef ROW
    ROWS
};
enum { ROUNDS_MAX = 32, RESULTS_SLOWER_PERCENT = 3 };

struct row_desc {
    const char *name;
    enum group group;
    bool native;
    uint32_t units;
    const char *text;
};
extern const struct row_desc row_table[ROWS];

/* One quantity over the rounds; a round that failed has no value. */
struct series {
    double value[ROUNDS_MAX];
    unsigned count;
};

struct timing {
    struct series wall_s, cpu_s;
    double guest_s; /* by the guest's own clock, last round */
};

struct results {
    bool other_build; /* the rival is one of vx86 */
    unsigned rounds;
    uint32_t units[ROWS]; /* 0: row not asked for */
    struct timing row[ROWS][SUBJECTS];
    uint32_t checksum[ROWS];
    bool has_checksum[ROWS];
    struct timing boot[SUBJECTS];
    struct series peak_mib[SUBJECTS], now_mib[SUBJECTS], idle_percent[SUBJECTS];
    unsigned failures;
    double load_begin, load_end;
};

/* "TCG" or "other" */
const char *results_rival(const struct results *results);

void series_add(struct series *series, double value);
/* 0 when there is no value. */
double series_median(const struct series *series);

/* One run of a row: by three clocks, and what it computed. */
struct row_run {
    double wall_s, cpu_s, guest_s;
    uint32_t checksum;
};
/* Adds it. False, with a complaint, when its checksum is not that of the others. */
bool results_add(struct results *results, enum row row, enum subject subject, const struct row_run *run);

/* Which clock the targets are judged by: the wall's, or the processor time of the emulators' processes. */
enum measure { MEASURE_WALL, MEASURE_CPU };

void results_print_table(const struct results *results, FILE *out);
void results_print_json(const struct results *results, FILE *out);
/* The project's targets, one line each with what was measured. False when one is missed; those that were not measured
 * are said to be so and do not count. Against another build: the rows that are slower than with that one by more than
 * RESULTS_SLOWER_PERCENT; false when there is one. */
bool results_print_verdict(const struct results *results, enum measure measure, FILE *out);

#endif
