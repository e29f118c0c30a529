/* bench_options.h - what the user asked `vx86 bench` for. */
#ifndef VX86_FRONTEND_BENCH_OPTIONS_H
#define VX86_FRONTEND_BENCH_OPTIONS_H

#include "bench.h"

enum { VX_BENCH_NAMES_MAX = 128 };

struct bench_options {
    const struct vx_lab_host *host;
    bool list, alone, help;
    const char *sweep, *json, *html; /* NULL: not asked for */
    const char *image;               /* NULL: the default system */
    double rounds;                   /* 0: the default */
    double timeout_s;                /* the same */
    double scale;
    const char *names[VX_BENCH_NAMES_MAX]; /* each is a workload */
    size_t count;
    char error[200];
};

/* False: options->error is one line that says what was wrong. */
bool bench_parse(int argc, char **argv, struct bench_options *options);
void bench_print_help(FILE *out);

#endif
