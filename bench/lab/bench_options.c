/* bench_options.c - the command line of `vx86 bench`: one table for the parser and the help. */
#include "bench_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vx86/suggest.h"

enum kind { FLAG, TEXT, NUMBER };

static const struct row {
    const char *name, *argument, *help;
    enum kind kind;
    size_t at;
    double low, high;
} rows[] = {
#define AT(field) offsetof(struct bench_options, field)
    { "--list", NULL, "the workloads, each with what it does", FLAG, AT(list), 0, 0 },
    { "--sweep", "SETTING",
      "run each workload with many values of a setting: tu-max, tc-size, chain, jump-cache, engine, lowering or "
      "interpret-first",
      TEXT, AT(sweep), 0, 0 },
    { "--rounds", "N", "how often everything is timed, by turns (default: 3)", NUMBER, AT(rounds), 1,
      VX_BENCH_ROUNDS_MAX },
    { "--scale", "X", "share of each workload's amount of work (default: 1)", NUMBER, AT(scale), 0.0001, 100 },
    { "--image", "FILE",
      "disk of the workload linux: its console is COM1, its root shell's prompt ends in '/# ' (default: the default "
      "system)",
      TEXT, AT(image), 0, 0 },
    { "--alone", NULL, "vx86 only: neither QEMU nor the host", FLAG, AT(alone), 0, 0 },
    { "--timeout", "SECONDS", "a run that takes longer has failed (default: 120; a system: 600; a rival: 300)", NUMBER,
      AT(timeout_s), 0.1, 86400 },
    { "--json", "FILE", "write everything that was measured as JSON", TEXT, AT(json), 0, 0 },
    { "--html", "FILE", "write a page with plots, which needs no network", TEXT, AT(html), 0, 0 },
    { "--help", NULL, "print this help", FLAG, AT(help), 0, 0 },
#undef AT
};

static bool fail(struct bench_options *options, const char *format, const char *a, const char *b)
{
    snprintf(options->error, sizeof options->error, format, a, b);
    return false;
}

static const struct row *find(const char *name, size_t length)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++)
        if (strlen(rows[i].name) == length && strncmp(rows[i].name, name, length) == 0)
            return &rows[i];
    return NULL;
}

static bool wrong_option(struct bench_options *options, const char *name)
{
    const char *words[VX_ARRAY_LEN(rows)];
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++)
        words[i] = rows[i].name;
    const char *near = vx_suggest(name, words, VX_ARRAY_LEN(words));
    if (near != NULL)
        return fail(options, "bench: unknown option '%.40s'; did you mean '%s'?", name, near);
    return fail(options, "bench: unknown option '%.40s'; vx86 bench --help lists them%s", name, "");
}

static bool set_number(struct bench_options *options, const struct row *row, const char *text)
{
    char *end, range[64];
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || errno != 0 || !(value >= row->low && value <= row->high)) {
        snprintf(range, sizeof range, "%g to %g", row->low, row->high);
        return fail(options, "bench: %s: choose %s", row->name, range);
    }
    *(double *)((char *)options + row->at) = value;
    return true;
}

/* `value` stands behind = or is the next argument; NULL: there is none. */
static bool set(struct bench_options *options, const struct row *row, const char *value)
{
    if (row->kind == FLAG) {
        *(bool *)((char *)options + row->at) = true;
        return true;
    }
    if (value == NULL || *value == '\0')
        return fail(options, "bench: %s needs a %s", row->name, row->argument);
    if (row->kind == NUMBER)
        return set_number(options, row, value);
    *(const char **)((char *)options + row->at) = value;
    return true;
}

static bool add_workload(struct bench_options *options, const char *name)
{
    if (lab_find(name) == NULL) {
        const char *words[VX_BENCH_NAMES_MAX];
        size_t count;
        const struct lab_workload *workloads = lab_workloads(&count);
        for (size_t i = 0; i < count && i < VX_ARRAY_LEN(words); i++)
            words[i] = workloads[i].name;
        const char *near = vx_suggest(name, words, count);
        if (near != NULL)
            return fail(options, "bench: there is no workload '%.40s'; did you mean '%s'?", name, near);
        return fail(options, "bench: there is no workload '%.40s'; vx86 bench --list names them%s", name, "");
    }
    if (options->count == VX_BENCH_NAMES_MAX)
        return fail(options, "bench: too many workloads%s%s; leave all names away for every workload", "", "");
    options->names[options->count++] = name;
    return true;
}

bool bench_parse(int argc, char **argv, struct bench_options *options)
{
    *options = (struct bench_options){ .scale = 1 };
    for (int i = 1; i < argc; i++) {
        size_t length = strcspn(argv[i], "=");
        if (argv[i][0] != '-') {
            if (!add_workload(options, argv[i]))
                return false;
            continue;
        }
        const struct row *row = find(argv[i], length);
        if (row == NULL)
            return wrong_option(options, argv[i]);
        bool behind = argv[i][length] == '=';
        if (behind && row->kind == FLAG)
            return fail(options, "bench: %s takes no value%s", row->name, "");
        const char *value = behind ? argv[i] + length + 1 : NULL;
        if (!behind && row->kind != FLAG && i + 1 < argc)
            value = argv[++i];
        if (!set(options, row, value))
            return false;
    }
    return true;
}

bool vx_lab_option_at(size_t n, char *usage, size_t room, const char **help)
{
    if (n >= VX_ARRAY_LEN(rows))
        return false;
    bool argument = rows[n].argument != NULL;
    snprintf(usage, room, "%s%s%s", rows[n].name, argument ? " " : "", argument ? rows[n].argument : "");
    *help = rows[n].help;
    return true;
}

void bench_print_help(FILE *out)
{
    fputs("Usage: vx86 bench [OPTION]... [WORKLOAD]...\n\n"
          "Guest workloads of vx86's own, how fast they are, and what the translation cache did.\n\n",
          out);
    char usage[40];
    const char *help;
    for (size_t i = 0; vx_lab_option_at(i, usage, sizeof usage, &help); i++)
        fprintf(out, "  %-18s %s\n", usage, help);
}
