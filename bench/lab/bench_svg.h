/* bench_svg.h - the plots of the laboratory's page, as inline SVG. Colours are classes: s0 to s5 are series, the page's
 * style says what they look like by day and by night. */
#ifndef VX86_FRONTEND_BENCH_SVG_H
#define VX86_FRONTEND_BENCH_SVG_H

#include <stdio.h>

#include "vx86/compiler.h"

enum { VX_SVG_SERIES_MAX = 12 };

/* Rows of one bar each, made of parts one behind the other. */
struct svg_bars {
    size_t rows;
    unsigned series;
    const char *const *names; /* of the series */
    const char *unit;         /* behind a value: "%" */
    double full;              /* the value at the right edge; 0: the largest row's */
    /* A row's label and its parts; false: the row is left out. */
    bool (*row)(void *opaque, size_t index, const char **label, double parts[VX_SVG_SERIES_MAX]);
    void *opaque;
};
void svg_bars(FILE *out, const struct svg_bars *bars);

/* As svg_bars with one series, on a logarithmic scale: bars begin at 1 and lead to the right above it, to the left
 * below. */
void svg_ratios(FILE *out, const struct svg_bars *bars);

/* values[i] over i + first, as columns. */
void svg_histogram(FILE *out, const uint64_t *values, size_t count, unsigned first, const char *what);

/* A small plot of values from 0 to 1 over named places; series[i] has `count` values. */
struct svg_lines {
    const char *title;
    size_t count;
    const char *const *labels;
    unsigned series;
    const double *values[VX_SVG_SERIES_MAX];
    const char *const *names;
};
void svg_lines(FILE *out, const struct svg_lines *lines);

/* The names of series beside their colours. */
void svg_legend(FILE *out, const char *const *names, unsigned count);

#endif
