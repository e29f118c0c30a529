/* options_man.c - the manual page vx86(1) as troff source (man(7) macros), from the tables of the options, of `vx86
 * bench` and of the debugger's commands. */
#include "debugger.h"
#include "options.h"

#include <string.h>

/* Text in which troff must not see commands, hyphens it may break at, or escapes. */
static void put_text(FILE *out, const char *text)
{
    if (text[0] == '.' || text[0] == '\'')
        fputs("\\&", out);
    for (; *text != '\0'; text++) {
        if (*text == '-')
            fputs("\\-", out);
        else if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '"') /* would group a macro's arguments */
            fputs("\\(dq", out);
        else
            fputc(*text, out);
    }
}

static void put_item(FILE *out, const char *term, const char *text)
{
    fputs(".TP\n.B ", out);
    put_text(out, term);
    fputc('\n', out);
    put_text(out, text);
    fputs(".\n", out);
}

static void put_rows(FILE *out, const char *title, const struct usage_row *rows, size_t count)
{
    fprintf(out, ".SH %s\n", title);
    for (size_t i = 0; i < count; i++)
        put_item(out, rows[i].term, rows[i].text);
}

static void put_option(FILE *out, const struct option_desc *option)
{
    char usage[64], text[600];
    option_format_usage(option, usage, sizeof usage);
    option_format_help(option, text, sizeof text);
    put_item(out, usage, text);
}

static void put_debugger(FILE *out)
{
    const char *usage, *help, *example;
    fputs(".SH DEBUGGER COMMANDS\nFor \\-\\-debug, \\-\\-debug\\-script, Ctrl\\-A d, and behind\n.B monitor\nin GDB. "
          "As much of a name as is\nunique will do, and Enter repeats. Addresses and conditions are expressions:\n"
          "C operators over registers, memory ([ds:si], byte [0x410]), symbols and numbers (0x7c00, 7c00h).\n",
          out);
    for (unsigned n = 0; debugger_command_at(n, &usage, &help, &example); n++) {
        put_item(out, usage, help);
        if (strcmp(usage, example) == 0)
            continue;
        fputs("For example:\n.I ", out);
        put_text(out, example);
        fputc('\n', out);
    }
}

static void put_bench(FILE *out, option_at *at)
{
    char usage[64];
    const char *help;
    fputs(".SH OPTIONS OF VX86 BENCH\n", out);
    for (size_t n = 0; at(n, usage, sizeof usage, &help); n++)
        put_item(out, usage, help);
}

void options_print_man(FILE *out, option_at *bench)
{
    size_t count;
    const struct usage_row *rows;
    fputs(".TH VX86 1 \"\" \"vx86 " VX_VERSION "\" \"User Commands\"\n"
          ".SH NAME\nvx86 \\- run a PC operating system in a user process\n"
          ".SH SYNOPSIS\n.B vx86\n[\\fIoptions\\fR] [\\fIdisk.img\\fR]\n"
          ".br\n.B vx86 bench\n[\\fIoptions\\fR] [\\fIworkload\\fR...]\n"
          ".SH DESCRIPTION\n"
          ".B vx86\n"
          "boots an unmodified PC operating system from\n.I disk.img\n"
          "(the first hard disk, a raw image) on an emulated i440FX/PIIX PC, without hardware virtualization, kernel "
          "modules or\n"
          "special rights: guest code is translated to host code in pieces. Without a drive and without \\-\\-kernel "
          "it boots the\n"
          "default system that tools/run made.\n"
          ".PP\n.B vx86 bench\nruns guest workloads of vx86's own and reports what the translation cache did;\n"
          ".B vx86 bench \\-\\-help\nlists its options.\n"
          ".SH OPTIONS\n",
          out);
    for (unsigned group = 0; group < VX_GROUP_HIDDEN; group++) {
        fprintf(out, ".SS %s\n", option_group_title((enum option_group)group));
        for (unsigned id = 0; id < VX_OPT_COUNT; id++)
            if (option_of((enum option_id)id)->group == group)
                put_option(out, option_of((enum option_id)id));
    }
    put_bench(out, bench);
    rows = usage_keys(&count);
    put_rows(out, "KEYS", rows, count);
    put_debugger(out);
    rows = usage_exit_statuses(&count);
    put_rows(out, "EXIT STATUS", rows, count);
    fputs(".PP\nStatus 3 is what the BIOS's message \"No bootable device\" on port 402h leads to, as long as it has "
          "booted\n"
          "nothing; a BIOS given with \\-\\-bios may not write there.\n",
          out);
    rows = usage_environment(&count);
    put_rows(out, "ENVIRONMENT", rows, count);
}
