/* options.h - the command line of vx86, out of the table in options.def.
 *
 * `--name value` and `--name=value`, `-m value` and `-mvalue`; `--` ends the options; what is left is the first hard
 * disk. Options whose argument is optional take it only behind `=`. Where an option is not repeatable, the last one
 * counts. Thread rule: none, no shared state. */
#ifndef VX86_FRONTEND_OPTIONS_H
#define VX86_FRONTEND_OPTIONS_H

#include <stdio.h>

#include "vx86/err.h"

enum option_id {
#define VX_OPTION(id, ...) VX_OPT_##id,
#include "options.def"
#undef VX_OPTION
    VX_OPT_COUNT
};

enum option_group {
    VX_GROUP_MACHINE,
    VX_GROUP_DRIVES,
    VX_GROUP_FRONT,
    VX_GROUP_ENGINE,
    VX_GROUP_DEBUG,
    VX_GROUP_END,
    VX_GROUP_OUTPUT,
    VX_GROUP_HIDDEN, /* in neither help nor manual page */
    VX_GROUP_COUNT
};

enum option_kind {
    VX_KIND_FLAG,
    VX_KIND_TEXT,            /* any, also empty */
    VX_KIND_FILE,            /* a path, not empty */
    VX_KIND_TEXTS,           /* repeatable */
    VX_KIND_FILES,           /* repeatable */
    VX_KIND_NUMBER,          /* decimal, or hexadecimal after 0x */
    VX_KIND_SIZE,            /* bytes, or with suffix K, M or G */
    VX_KIND_CHOICE,          /* one of the words of `argument`; number: its index */
    VX_KIND_OPTIONAL_NUMBER, /* --name[=N]; number: the default when there is no N */
    VX_KIND_OPTIONAL_CHOICE, /* --name[=word]; number: 0 without word, else its index + 1 */
};

struct option_desc {
    const char *name;
    char short_name;
    const char *argument; /* "" when it takes none */
    enum option_group group;
    enum option_kind kind;
    const char *initial; /* "" for none */
    uint64_t low, high;
    const char *help;
};

#define VX_OPTION_REPEATS 8

struct option_value {
    bool given; /* on the command line */
    uint64_t number;
    const char *text;                    /* the last one; NULL when neither given nor with a default */
    const char *list[VX_OPTION_REPEATS]; /* TEXTS, FILES: all, in order */
    unsigned count;
};

struct options {
    struct option_value value[VX_OPT_COUNT]; /* by enum option_id; texts are argv's */
    const char *image;                       /* first hard disk, or NULL */
    char error[512];                         /* after an error: one line with cause and remedy */
};

/* The table, by id. Static storage. */
const struct option_desc *option_of(enum option_id id);

/* Fills `options`, defaults included. VX_ERR_BAD_ARGUMENT with options->error set on the first thing wrong. */
VX_MUST_USE vx_err options_parse(int argc, char *const argv[], struct options *options);

/* Takes one value for one option: what the parser does after it has found the option. */
VX_MUST_USE vx_err option_take(enum option_id id, const char *text, struct options *options);

/* Bytes as the user would write them: "256M", "1536K", "513". */
void option_format_size(uint64_t bytes, char *text, size_t room);
/* "1M to 3G" for options with a range; empty for others, and where everything is allowed. */
void option_format_range(const struct option_desc *option, char *text, size_t room);
/* "-m, --memory SIZE" or "--stress[=SEED]". */
void option_format_usage(const struct option_desc *option, char *text, size_t room);
/* The help text with range and default behind it. */
void option_format_help(const struct option_desc *option, char *text, size_t room);

/* Heading of a group of options. Static storage. */
const char *option_group_title(enum option_group group);

/* What is no option but belongs to help and manual page: exit statuses and the like. */
struct usage_row {
    const char *term, *text;
};
const struct usage_row *usage_exit_statuses(size_t *count);
const struct usage_row *usage_keys(size_t *count);
const struct usage_row *usage_environment(size_t *count);

/* options_help.c, options_man.c, options_completion.c */
void options_print_help(FILE *out);
/* troff -man source of vx86(1). `bench` gives the options of `vx86 bench`, as vx_lab_option_at() does. */
typedef bool option_at(size_t n, char *usage, size_t room, const char **help);
void options_print_man(FILE *out, option_at *bench);

/* What a shell completes a command line with; `shell` by its place in the words of --completion. */
void options_print_completion(FILE *out, unsigned shell);

#endif
