/* commands_rig.h - a debugger over a machine that has not run, and a look at what its commands say. Memory is 0 but for
 * a few bytes at 500h, 510h and 520h. */
#ifndef VX86_TEST_COMMANDS_RIG_H
#define VX86_TEST_COMMANDS_RIG_H

#include <criterion/criterion.h>
#include <regex.h>
#include <stdlib.h>
#include <unistd.h>

#include "dbg.h"
#include "unit/machine/rom.h"

struct row {
    const char *line;
    bool good;
    const char *pattern; /* extended regular expression that the output matches */
};

static inline void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    cr_assert_eq(fclose(file), 0);
}

static inline void write_long_line(const char *name)
{
    enum { LINE = 20000 };
    static char text[LINE + 32];
    size_t start = (size_t)sprintf(text, "00007c00 T start\n00007c01 T ");
    memset(text + start, 'n', LINE);
    write_file(name, text);
}

static inline bool matches(const char *text, const char *pattern)
{
    regex_t regex;
    cr_assert_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0, "%s", pattern);
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static inline void check(struct debugger *debugger, const struct row *row)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    bool good = debugger_command(debugger, row->line, out);
    fclose(out);
    if (bytes > 0 && text[bytes - 1] == '\n')
        text[bytes - 1] = '\0';
    cr_assert(good == row->good && matches(text, row->pattern), "'%s' (%s) says: %s", row->line,
              good ? "good" : "refused", text);
    free(text);
}

static inline void with_debugger_in(void (*use)(struct debugger *debugger), struct debugger_config config)
{
    static const uint8_t hang[] = { 0xEB, 0xFE };
    static const uint8_t some[] = { 0x78, 0x56, 0x34, 0x12 };
    char directory[] = "/tmp/vx86-test-XXXXXX";
    struct rom_machine rig;
    struct rom rom;
    struct debugger *debugger;
    cr_assert(mkdtemp(directory) != NULL && chdir(directory) == 0);
    write_file("map", "00007c00 T start\n00007d00 t more\n\n# Bochs\n8000 third\n");
    write_file("bad-map", "00007c00 T start\nwhat is this\n");
    write_long_line("long-line");
    write_file("big", "00007c00 T start\n");
    cr_assert_eq(truncate("big", (64 << 20) + 1), 0);
    rom_make(&rom, hang, sizeof hang, NULL, 0);
    cr_assert_eq(rom_machine_create_with(&rig, &rom, (struct vx_machine_config){ .engine = VX_ENGINE_INTERP }),
                 VX_ERR_OK);
    vx_pmap_write(vx_machine_pmap(rig.machine), 0x500, some, sizeof some);
    vx_pmap_write(vx_machine_pmap(rig.machine), 0x510, "text", 5);
    vx_pmap_write(vx_machine_pmap(rig.machine), 0x520, "\033[2J\x9b", 6);
    config.log = rig.log;
    config.machine = rig.machine;
    config.in = stdin;
    config.out = stdout;
    if (config.files != NULL)
        cr_assert(vx_files_set_directory(config.files, "."));
    cr_assert_eq(debugger_create(&config, &debugger), VX_ERR_OK);
    use(debugger);
    debugger_destroy(debugger);
    rom_machine_destroy(&rig);
    unlink("map"), unlink("bad-map"), unlink("mem"), unlink("saved"), unlink("long-line"), unlink("big");
    cr_assert(chdir("/") == 0 && rmdir(directory) == 0);
}

static inline void with_debugger(void (*use)(struct debugger *debugger))
{
    with_debugger_in(use, (struct debugger_config){ .peer_reach = VX_FILE_ANYWHERE });
}

#endif
