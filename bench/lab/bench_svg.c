/* bench_svg.c - bars, columns and lines. Labels are the program's own and need no escapes. */
#include "bench_svg.h"

#include <inttypes.h>
#include <math.h>

/* ---- bars */

enum { LABEL_WIDTH = 96, BAR_WIDTH = 560, VALUE_WIDTH = 84, ROW_HEIGHT = 18, BAR_HEIGHT = 12 };

void svg_legend(FILE *out, const char *const *names, unsigned count)
{
    fputs("<p class=\"legend\">", out);
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "<span><i class=\"s%u\"></i>%s</span>", i, names[i]);
    fputs("</p>\n", out);
}

static double sum(const double *parts, unsigned count)
{
    double total = 0;
    for (unsigned i = 0; i < count; i++)
        total += parts[i];
    return total;
}

static void put_bar(FILE *out, const struct svg_bars *bars, unsigned y, const char *label, const double *parts,
                    double full)
{
    double x = LABEL_WIDTH;
    fprintf(out, "<text x=\"%d\" y=\"%u\" class=\"end\">%s</text>", LABEL_WIDTH - 8, y + BAR_HEIGHT - 2, label);
    for (unsigned i = 0; i < bars->series; i++) {
        double width = full > 0 ? BAR_WIDTH * parts[i] / full : 0;
        if (width <= 0)
            continue;
        fprintf(
            out,
            "<rect class=\"s%u\" x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%d\"><title>%s, %s: %.4g%s</title></rect>",
            i, x, y, width, BAR_HEIGHT, label, bars->names[i], parts[i], bars->unit);
        x += width;
    }
    if (bars->series == 1)
        fprintf(out, "<text x=\"%.1f\" y=\"%u\">%.3g%s</text>", x + 6, y + BAR_HEIGHT - 2, parts[0], bars->unit);
    fputs("\n", out);
}

void svg_bars(FILE *out, const struct svg_bars *bars)
{
    double parts[VX_SVG_SERIES_MAX], full = bars->full;
    const char *label;
    unsigned shown = 0;
    for (size_t i = 0; i < bars->rows; i++) {
        if (!bars->row(bars->opaque, i, &label, parts))
            continue;
        double total = sum(parts, bars->series);
        shown++;
        if (bars->full <= 0 && total > full)
            full = total;
    }
    fprintf(out, "<svg viewBox=\"0 0 %d %u\" role=\"img\">\n", LABEL_WIDTH + BAR_WIDTH + VALUE_WIDTH,
            shown * ROW_HEIGHT + 4);
    shown = 0;
    for (size_t i = 0; i < bars->rows; i++)
        if (bars->row(bars->opaque, i, &label, parts))
            put_bar(out, bars, 2 + ROW_HEIGHT * shown++, label, parts, full);
    fputs("</svg>\n", out);
}

/* ---- ratios */

enum { RATIO_LEFT = 200, RATIO_ROOM = 48 }; /* of BAR_WIDTH, for ratios below 1, and of that for their figures */

/* From the line at 1 to the ratio; `octave` is the width of a factor of 2. */
static double ratio_width(double ratio, double octave)
{
    double width = octave * log2(ratio);
    return width < RATIO_ROOM - RATIO_LEFT ? RATIO_ROOM - RATIO_LEFT : width;
}

static const double RATIO_LEAST = 1.0 / 16; /* bars of what is below end there */

static void format_ratio(char text[16], double ratio)
{
    if (ratio < 0.01)
        snprintf(text, 16, "&lt;0.01");
    else
        snprintf(text, 16, ratio < 1 ? "%.2f" : ratio < 100 ? "%.3g" : "%.0f", ratio);
}

static void put_ratio(FILE *out, unsigned y, const char *label, double ratio, double octave)
{
    double one = LABEL_WIDTH + RATIO_LEFT, width = ratio_width(ratio, octave);
    bool above = width >= 0;
    char figure[16];
    format_ratio(figure, ratio);
    fprintf(out, "<text x=\"%d\" y=\"%u\" class=\"end\">%s</text>", LABEL_WIDTH - 8, y + BAR_HEIGHT - 2, label);
    fprintf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%d\"/>", above ? "s0" : "s3",
            above ? one : one + width, y, fabs(width), BAR_HEIGHT);
    fprintf(out, "<text x=\"%.1f\" y=\"%u\"%s>%s</text>\n", above ? one + width + 6 : one + width - 6,
            y + BAR_HEIGHT - 2, above ? "" : " class=\"end\"", figure);
}

void svg_ratios(FILE *out, const struct svg_bars *bars)
{
    double parts[VX_SVG_SERIES_MAX], most = 2, least = 0.5;
    const char *label;
    unsigned shown = 0;
    for (size_t i = 0; i < bars->rows; i++) {
        if (!bars->row(bars->opaque, i, &label, parts))
            continue;
        shown++;
        most = parts[0] > most ? parts[0] : most;
        least = parts[0] < least ? parts[0] : least;
    }
    least = least < RATIO_LEAST ? RATIO_LEAST : least;
    double octave = fmin((BAR_WIDTH - RATIO_LEFT) / log2(most), (RATIO_LEFT - RATIO_ROOM) / -log2(least));
    fprintf(out, "<svg viewBox=\"0 0 %d %u\" role=\"img\">\n", LABEL_WIDTH + BAR_WIDTH + VALUE_WIDTH,
            shown * ROW_HEIGHT + 4);
    fprintf(out, "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"0\" y2=\"%u\"/>\n", LABEL_WIDTH + RATIO_LEFT,
            LABEL_WIDTH + RATIO_LEFT, shown * ROW_HEIGHT + 4);
    shown = 0;
    for (size_t i = 0; i < bars->rows; i++)
        if (bars->row(bars->opaque, i, &label, parts))
            put_ratio(out, 2 + ROW_HEIGHT * shown++, label, parts[0], octave);
    fputs("</svg>\n", out);
}

/* ---- histogram */

enum { HISTOGRAM_WIDTH = 720, HISTOGRAM_HEIGHT = 180, AXIS_HEIGHT = 20, LABEL_EVERY = 4 };

void svg_histogram(FILE *out, const uint64_t *values, size_t count, unsigned first, const char *what)
{
    uint64_t most = 1;
    for (size_t i = 0; i < count; i++)
        most = values[i] > most ? values[i] : most;
    double step = (double)HISTOGRAM_WIDTH / (double)(count != 0 ? count : 1);
    fprintf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\">\n", HISTOGRAM_WIDTH + 24,
            HISTOGRAM_HEIGHT + AXIS_HEIGHT + 16);
    for (size_t i = 0; i < count; i++) {
        unsigned n = (unsigned)i + first;
        double height = HISTOGRAM_HEIGHT * (double)values[i] / (double)most, x = 12 + step * (double)i;
        fprintf(out,
                "<rect class=\"s0\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>%u: %" PRIu64
                " %s</title></rect>\n",
                x + 1, 12 + HISTOGRAM_HEIGHT - height, step > 4 ? step - 2 : step, height, n, values[i], what);
        if (n == 1 || n % LABEL_EVERY == 0)
            fprintf(out, "<text x=\"%.1f\" y=\"%d\" class=\"mid\">%u</text>\n", x + step / 2,
                    12 + HISTOGRAM_HEIGHT + AXIS_HEIGHT - 4, n);
    }
    fprintf(out, "<line class=\"axis\" x1=\"12\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/></svg>\n", 12 + HISTOGRAM_WIDTH,
            12 + HISTOGRAM_HEIGHT, 12 + HISTOGRAM_HEIGHT);
}

/* ---- lines */

enum { PLOT_WIDTH = 190, PLOT_HEIGHT = 90, PLOT_LEFT = 30, PLOT_TOP = 20 };

static double place_x(const struct svg_lines *lines, size_t i)
{
    return PLOT_LEFT + (lines->count > 1 ? (double)PLOT_WIDTH * (double)i / (double)(lines->count - 1) : 0);
}

static double place_y(double value)
{
    return PLOT_TOP + PLOT_HEIGHT * (1 - value);
}

static void put_series(FILE *out, const struct svg_lines *lines, unsigned series)
{
    const double *values = lines->values[series];
    fprintf(out, "<polyline class=\"l%u\" points=\"", series);
    for (size_t i = 0; i < lines->count; i++)
        fprintf(out, "%.1f,%.1f ", place_x(lines, i), place_y(values[i]));
    fputs("\"/>", out);
    for (size_t i = 0; i < lines->count; i++)
        fprintf(out,
                "<circle class=\"s%u\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\"><title>%s at %s: %.2f %%</title></circle>",
                series, place_x(lines, i), place_y(values[i]), lines->names[series], lines->labels[i], 100 * values[i]);
    fputs("\n", out);
}

void svg_lines(FILE *out, const struct svg_lines *lines)
{
    fprintf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\"><text x=\"%d\" y=\"12\" class=\"title\">%s</text>\n",
            PLOT_LEFT + PLOT_WIDTH + 16, PLOT_TOP + PLOT_HEIGHT + 20, PLOT_LEFT, lines->title);
    for (unsigned i = 0; i <= 2; i++) {
        double y = place_y(0.5 * i);
        fprintf(out, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", PLOT_LEFT,
                PLOT_LEFT + PLOT_WIDTH, y, y);
        fprintf(out, "<text x=\"%d\" y=\"%.1f\" class=\"end\">%u</text>\n", PLOT_LEFT - 5, y + 4, 50 * i);
    }
    size_t every = lines->count > 6 ? 2 : 1;
    for (size_t i = 0; i < lines->count; i += every)
        fprintf(out, "<text x=\"%.1f\" y=\"%d\" class=\"mid\">%s</text>", place_x(lines, i),
                PLOT_TOP + PLOT_HEIGHT + 15, lines->labels[i]);
    for (unsigned s = 0; s < lines->series; s++)
        put_series(out, lines, s);
    fputs("</svg>\n", out);
}
