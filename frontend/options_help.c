/* options_help.c - `vx86 --help`, from the table, and what help and manual page share beside it. */
#include <string.h>

#include "options.h"

enum { TERM_COLUMN = 2, TEXT_COLUMN = 30, LAST_COLUMN = 100 };

const struct usage_row *usage_exit_statuses(size_t *count)
{
    static const struct usage_row rows[] = {
        { "0", "the guest powered off, or was reset with --no-reboot, or you left with Ctrl-A x" },
        { "1", "wrong use, or an error of the host; also when the guest powered off but its serial output or a trace "
               "was lost" },
        { "2", "the guest is dead (with --no-reboot): triple fault, or HLT with interrupts off" },
        { "3", "the BIOS found nothing to boot" },
        { "4", "--lockstep: the engines differ" },
        { "124", "--timeout" },
        { "128+n", "ended by signal n" },
        { "odd", "--debug-exit, isa-debug-exit: (value << 1) | 1" },
    };
    *count = VX_ARRAY_LEN(rows);
    return rows;
}

const struct usage_row *usage_keys(size_t *count)
{
    static const struct usage_row rows[] = {
        { "Ctrl-A x", "leave vx86" },
        { "Ctrl-A d", "debugger: the guest stops and commands are taken (headless: SIGUSR1)" },
        { "Ctrl-A h", "help" },
        { "Ctrl-A a", "send Ctrl-A to the guest" },
    };
    *count = VX_ARRAY_LEN(rows);
    return rows;
}

const struct usage_row *usage_environment(size_t *count)
{
    static const struct usage_row rows[] = {
        { "VX86_DEFAULT_DISK",
          "disk that is booted when no drive and no kernel is named (else: guest/default.img in the "
          "directory above the program's, where tools/run puts it)" },
        { "TMPDIR", "where --snapshot keeps what the guest writes (else: /tmp, or memory)" },
    };
    *count = VX_ARRAY_LEN(rows);
    return rows;
}

/* Text from TEXT_COLUMN on, broken at spaces; the cursor is at `column`, behind a term. */
static void print_wrapped(FILE *out, const char *text, size_t column)
{
    if (column >= TEXT_COLUMN) { /* no room for a space between */
        fputc('\n', out);
        column = 0;
    }
    fprintf(out, "%*s", (int)(TEXT_COLUMN - column), "");
    column = TEXT_COLUMN;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (column > TEXT_COLUMN && column + 1 + length > LAST_COLUMN) {
            fprintf(out, "\n%*s", TEXT_COLUMN, "");
            column = TEXT_COLUMN;
        } else if (column > TEXT_COLUMN) {
            fputc(' ', out);
            column++;
        }
        fprintf(out, "%.*s", (int)length, text);
        column += length;
        text += length + strspn(text + length, " ");
    }
    fputc('\n', out);
}

static void print_row(FILE *out, const char *term, const char *text)
{
    fprintf(out, "%*s%s", TERM_COLUMN, "", term);
    print_wrapped(out, text, TERM_COLUMN + strlen(term));
}

static void print_rows(FILE *out, const char *title, const struct usage_row *rows, size_t count)
{
    fprintf(out, "\n%s:\n", title);
    for (size_t i = 0; i < count; i++)
        print_row(out, rows[i].term, rows[i].text);
}

void option_format_help(const struct option_desc *option, char *text, size_t room)
{
    char range[48];
    option_format_range(option, range, sizeof range);
    bool has_default = option->initial[0] != '\0';
    const char *open = range[0] != '\0' || has_default ? " (" : "", *close = open[0] != '\0' ? ")" : "";
    snprintf(text, room, "%s%s%s%s%s%s%s", option->help, open, range, range[0] != '\0' && has_default ? ", " : "",
             has_default ? "default " : "", option->initial, close);
}

static void print_option(FILE *out, const struct option_desc *option)
{
    char usage[64], text[600], indented[72];
    option_format_usage(option, usage, sizeof usage);
    snprintf(indented, sizeof indented, "%s%s", option->short_name != '\0' ? "" : "    ", usage);
    option_format_help(option, text, sizeof text);
    print_row(out, indented, text);
}

void options_print_help(FILE *out)
{
    size_t count;
    const struct usage_row *rows;
    fputs("usage: vx86 [options] [disk.img]\n"
          "       vx86 bench [options] [workload...]    the translation-cache laboratory; vx86 bench --help\n"
          "\n"
          "Boots the PC operating system on disk.img (first hard disk, a raw image), or the default system that "
          "tools/run made.\n",
          out);
    for (unsigned group = 0; group < VX_GROUP_HIDDEN; group++) {
        fprintf(out, "\n%s:\n", option_group_title((enum option_group)group));
        for (unsigned id = 0; id < VX_OPT_COUNT; id++)
            if (option_of((enum option_id)id)->group == group)
                print_option(out, option_of((enum option_id)id));
    }
    rows = usage_keys(&count);
    print_rows(out, "Keys, where a terminal serves the guest (not with --no-escape)", rows, count);
    rows = usage_exit_statuses(&count);
    print_rows(out, "Exit status", rows, count);
    rows = usage_environment(&count);
    print_rows(out, "Environment", rows, count);
}
