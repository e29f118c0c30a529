/* options_completion.c - what shells complete a command line of vx86 with, from the table of the options. */
#include "options.h"

#include <string.h>

static bool is_listed(const struct option_desc *option)
{
    return option->group != VX_GROUP_HIDDEN;
}

static bool has_words(const struct option_desc *option)
{
    return option->kind == VX_KIND_CHOICE || option->kind == VX_KIND_OPTIONAL_CHOICE;
}

static bool takes_file(const struct option_desc *option)
{
    return option->kind == VX_KIND_FILE || option->kind == VX_KIND_FILES;
}

static bool is_optional(const struct option_desc *option)
{
    return option->kind == VX_KIND_OPTIONAL_NUMBER || option->kind == VX_KIND_OPTIONAL_CHOICE;
}

static bool is_repeatable(const struct option_desc *option)
{
    return option->kind == VX_KIND_TEXTS || option->kind == VX_KIND_FILES;
}

/* The words of a choice with blanks between. */
static void put_words(FILE *out, const struct option_desc *option)
{
    for (const char *at = option->argument; *at != '\0'; at++)
        fputc(*at == '|' ? ' ' : *at, out);
}

/* The help up to its first semicolon; a backslash before each of `special`. */
static void put_help(FILE *out, const struct option_desc *option, const char *special)
{
    for (const char *at = option->help; *at != '\0' && *at != ';'; at++) {
        if (*at == '\'') { /* ends the shell's quotes, is quoted itself, begins them again */
            fputs("'\\''", out);
            continue;
        }
        if (strchr(special, *at) != NULL)
            fputc('\\', out);
        fputc(*at, out);
    }
}

/* ---- bash -------------------------------------------------------------------------------------------------------- */

/* "    --one|--two) what ;;" for the options that `fits` */
static void bash_case(FILE *out, bool (*fits)(const struct option_desc *option), const char *what)
{
    unsigned count = 0;
    for (unsigned id = 0; id < VX_OPT_COUNT; id++) {
        const struct option_desc *option = option_of((enum option_id)id);
        if (!is_listed(option) || !fits(option))
            continue;
        fprintf(out, "%s--%s", count++ == 0 ? "    " : "|", option->name);
        if (option->short_name != 0)
            fprintf(out, "|-%c", option->short_name);
    }
    fprintf(out, ")\n        %s\n        return\n        ;;\n", what);
}

static bool takes_text(const struct option_desc *option)
{
    return option->argument[0] != '\0' && !has_words(option) && !takes_file(option) && !is_optional(option);
}

static void print_bash(FILE *out)
{
    fputs("# bash completion for vx86\n"
          "_vx86() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]}\n"
          "    if [[ $cur == = ]]; then\n"
          "        cur=\n"
          "    elif [[ $option == = ]]; then\n"
          "        option=${COMP_WORDS[COMP_CWORD - 2]}\n"
          "    fi\n"
          "    case $option in\n",
          out);
    for (unsigned id = 0; id < VX_OPT_COUNT; id++) {
        const struct option_desc *option = option_of((enum option_id)id);
        if (!is_listed(option) || !has_words(option))
            continue;
        fprintf(out, "    --%s)\n        mapfile -t COMPREPLY < <(compgen -W '", option->name);
        put_words(out, option);
        fputs("' -- \"$cur\")\n        return\n        ;;\n", out);
    }
    bash_case(out, takes_file, "mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")");
    bash_case(out, takes_text, "COMPREPLY=()");
    fputs("    esac\n    if [[ $cur == -* ]]; then\n        mapfile -t COMPREPLY < <(compgen -W '", out);
    for (unsigned id = 0; id < VX_OPT_COUNT; id++)
        if (is_listed(option_of((enum option_id)id)))
            fprintf(out, "%s--%s", id == 0 ? "" : " ", option_of((enum option_id)id)->name);
    fputs("' -- \"$cur\")\n"
          "    else\n"
          "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
          "        [[ $COMP_CWORD == 1 && bench == \"$cur\"* ]] && COMPREPLY+=(bench)\n"
          "    fi\n"
          "    return 0\n"
          "}\n"
          "complete -o filenames -F _vx86 vx86\n",
          out);
}

/* ---- zsh --------------------------------------------------------------------------------------------------------- */

static void zsh_option(FILE *out, const struct option_desc *option)
{
    bool flag = option->argument[0] == '\0';
    fprintf(out, "    %s'", is_repeatable(option) ? "'*'" : "");
    fprintf(out, "--%s%s[", option->name, flag ? "" : is_optional(option) ? "=-" : "=");
    put_help(out, option, "[]:\\");
    fputs("]", out);
    if (!flag)
        fprintf(out, "%s:%s:", is_optional(option) ? ":" : "", option->name);
    if (has_words(option)) {
        fputc('(', out);
        put_words(out, option);
        fputc(')', out);
    } else if (takes_file(option)) {
        fputs("_files", out);
    }
    fputs("' \\\n", out);
}

static void print_zsh(FILE *out)
{
    fputs("#compdef vx86\n_arguments -S \\\n", out);
    for (unsigned id = 0; id < VX_OPT_COUNT; id++)
        if (is_listed(option_of((enum option_id)id)))
            zsh_option(out, option_of((enum option_id)id));
    fputs("    '*:disk image:_files'\n", out);
}

/* ---- fish -------------------------------------------------------------------------------------------------------- */

static void print_fish(FILE *out)
{
    fputs("# fish completion for vx86\n", out);
    for (unsigned id = 0; id < VX_OPT_COUNT; id++) {
        const struct option_desc *option = option_of((enum option_id)id);
        if (!is_listed(option))
            continue;
        fprintf(out, "complete -c vx86 -l %s", option->name);
        if (option->short_name != 0)
            fprintf(out, " -s %c", option->short_name);
        if (option->argument[0] != '\0' && !is_optional(option))
            fputs(takes_file(option) ? " -r" : " -x", out);
        if (has_words(option)) {
            fputs(" -a '", out);
            put_words(out, option);
            fputc('\'', out);
        }
        fputs(" -d '", out);
        put_help(out, option, "\\");
        fputs("'\n", out);
    }
}

void options_print_completion(FILE *out, unsigned shell)
{
    static void (*const print[])(FILE *) = { print_bash, print_zsh, print_fish };
    VX_ASSERT(shell < VX_ARRAY_LEN(print));
    print[shell](out);
}
