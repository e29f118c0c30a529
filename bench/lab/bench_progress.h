/* bench_progress.h - how far the laboratory is: one line on a terminal, written over again and again, with an estimate
 * of what is left.
 *
 * Steps are runs. They differ in kind, and those of one kind take about as long as each other, so what is left is told
 * from the mean of those of the kind, or of all where there has been none yet. */
#ifndef VX86_BENCH_PROGRESS_H
#define VX86_BENCH_PROGRESS_H

#include <stdio.h>

#include "vx86/compiler.h"

enum { VX_BENCH_KINDS = 8 };

struct bench_progress {
    FILE *out; /* NULL: nothing is shown */
    unsigned done[VX_BENCH_KINDS], left[VX_BENCH_KINDS];
    uint64_t spent_ns[VX_BENCH_KINDS];
    char what[64]; /* the step that is under way; empty: none */
    unsigned kind;
    uint64_t since_ns;
    bool shown; /* the line is on the terminal */
};

/* `count` steps more of that kind will come; or, negative, not come. */
void bench_progress_expect(struct bench_progress *progress, unsigned kind, int count);
void bench_progress_begin(struct bench_progress *progress, unsigned kind, const char *what, uint64_t now_ns);
void bench_progress_end(struct bench_progress *progress, uint64_t now_ns);
/* UINT64_MAX: nothing is known yet. */
uint64_t bench_progress_left_ns(const struct bench_progress *progress, uint64_t now_ns);
/* The line as it is shown, of at most 79 characters. */
void bench_progress_text(const struct bench_progress *progress, uint64_t now_ns, char text[80]);
/* Shows it. */
void bench_progress_tick(void *progress);
/* Takes it away, before anything else is written. */
void bench_progress_clear(struct bench_progress *progress);

#endif
