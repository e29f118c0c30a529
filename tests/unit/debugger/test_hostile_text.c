/* test_hostile_text.c - text that would do harm: without an end, or with commands to a terminal in it. */
#include <signal.h>
#include <sys/wait.h>

#include "commands_rig.h"

/* ---- text without an end ----------------------------------------------------------------------------------------- */

/* Newlines for ever, from something that has no length. */
static int endless(pid_t *writer)
{
    int ends[2];
    static char lines[65536];
    memset(lines, '\n', sizeof lines);
    cr_assert_eq(pipe(ends), 0);
    *writer = fork();
    if (*writer == 0) {
        signal(SIGPIPE, SIG_DFL);
        close(ends[0]);
        while (write(ends[1], lines, sizeof lines) > 0)
            continue;
        _exit(0);
    }
    close(ends[1]);
    return ends[0];
}

static void check_endless(struct debugger *debugger)
{
    char line[64];
    pid_t writer;
    int fd = endless(&writer);
    snprintf(line, sizeof line, "symbols /dev/fd/%d", fd);
    check(debugger, &(struct row){ line, false, "^/dev/fd/[0-9]+:67108865: this file is longer than 64 MiB$" });
    close(fd);
    waitpid(writer, NULL, 0);
}

Test(hostile_text, text_without_an_end)
{
    with_debugger(check_endless);
}

/* ---- names that would command a terminal ------------------------------------------------------------------------- */

#define EVIL             \
    "\033]0;title\a\x9b" \
    "2J\xc2\x9b"         \
    "31m"
#define HARMLESS "\\\\x1b\\]0;title\\\\x07\\\\x9b2J\\\\xc2\\\\x9b31m"

static const struct row evil[] = {
    { "symbols evil-map", true, "^[12] symbols$" },
    { "symbols near 0x510", true, "^00000510 <" HARMLESS ">$" },
    { "u 0x510", true, "<" HARMLESS ">" },
    { "x/4xb 0x510", true, "<" HARMLESS ">" },
    { "x/s 0x520", true, "\"\\.\\[2J\\.\"$" },
    { "x/2c 0x520", true, "'\\.' '\\['$" },
    { "p " EVIL, false, "an expression cannot begin with '" HARMLESS },
    { "echo " EVIL, true, "^" HARMLESS "$" },
    { EVIL, false, "there is no command '" },
    { "symbols " EVIL, false, "^" HARMLESS ": No such file" },
    { "info " EVIL, false, HARMLESS },
    { "engine " EVIL, false, HARMLESS },
    { "registers " EVIL, false, "" },
    { "break 0x510 if 1 == 1 " EVIL, false, "" },
    { "assert 0 " EVIL, false, "" },
};

static void check_evil(struct debugger *debugger)
{
    write_file("evil-map", "00000510 T " EVIL "\n");
    for (size_t i = 0; i < VX_ARRAY_LEN(evil); i++) {
        char *text = NULL;
        size_t bytes = 0;
        FILE *out = open_memstream(&text, &bytes);
        (void)debugger_command(debugger, evil[i].line, out);
        fclose(out);
        for (size_t at = 0; at < bytes; at++)
            cr_expect((text[at] >= ' ' && text[at] < 0x7F) || text[at] == '\n', "row %zu has %02x", i,
                      (unsigned char)text[at]);
        free(text);
        check(debugger, &evil[i]);
    }
    unlink("evil-map");
}

Test(hostile_text, nothing_commands_the_terminal)
{
    with_debugger(check_evil);
}
