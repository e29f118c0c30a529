/* test_script.c - scripts in a guest that runs: what a script has set up outlives it.
 *
 *   0000  INC word [500h]
 *   0004  CMP word [500h], 3
 *   0009  JNE 0000
 *   000B  MOV AL, 0; OUT F4h, AL    ends the run */
#include "commands_rig.h"

static const uint8_t three_rounds[] = {
    0xFF, 0x06, 0x00, 0x05, 0x83, 0x3E, 0x00, 0x05, 0x03, 0x75, 0xF5, 0xB0, 0x00, 0xE6, 0xF4,
};

/* What the debugger says while the guest runs to its end under the script; to be freed. */
static char *said_under(const char *script, enum vx_engine engine)
{
    char path[] = "/tmp/vx86-script-XXXXXX", *text = NULL;
    size_t bytes = 0;
    struct rom_machine rig;
    struct rom rom;
    struct debugger *debugger;
    int value, fd = mkstemp(path);
    FILE *nobody = fopen("/dev/null", "r"), *out = open_memstream(&text, &bytes);
    cr_assert(fd >= 0 && nobody != NULL && write(fd, script, strlen(script)) == (ssize_t)strlen(script));
    rom_make(&rom, three_rounds, sizeof three_rounds, NULL, 0);
    cr_assert_eq(rom_machine_create_with(&rig, &rom, (struct vx_machine_config){ .engine = engine, .debug = true }),
                 VX_ERR_OK);
    struct debugger_config config = {
        .log = rig.log, .machine = rig.machine, .in = nobody, .out = out, .script = path, .reach = VX_FILE_ANYWHERE
    };
    cr_assert_eq(debugger_create(&config, &debugger), VX_ERR_OK);
    cr_assert_eq(vx_machine_run(rig.machine, &value), VX_END_DEBUG_EXIT);
    debugger_destroy(debugger);
    rom_machine_destroy(&rig);
    fclose(out);
    fclose(nobody);
    close(fd);
    unlink(path);
    return text;
}

static unsigned times(const char *text, const char *part)
{
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        n++;
    return n;
}

static const struct {
    const char *script, *part;
    unsigned times;
} scripts[] = {
    { "break 0xffff0004", "point 1, breakpoint\nf000:0004", 3 },
    { "break 0xffff0004\ncontinue\n", "point 1, breakpoint\nf000:0004", 3 },
    { "tbreak 0xffff0004", "point 1, breakpoint\nf000:0004", 1 },
    { "watch 0x500 2 if word [0x500] == 2", ": 2 bytes at 00000500 (physical 00000500) written, 0001 -> 0002", 1 },
    { "trace insns 0xffff0000 0xffff0003", "f000:0000", 3 },
    { "break ip + 20\nbreak ip", "point 2, breakpoint at fffffff0", 1 },
    { "detach\nbreak 0xffff0004", "breakpoint", 0 },
    { "break 0xffff0004\ndelete", "point 1, breakpoint\nf000:0004", 0 },
};

Test(script, what_it_sets_up_stays)
{
    for (size_t i = 0; i < 2 * VX_ARRAY_LEN(scripts); i++) {
        size_t row = i / 2;
        char *said = said_under(scripts[row].script, i % 2 == 0 ? VX_ENGINE_BT : VX_ENGINE_INTERP);
        cr_expect_eq(times(said, scripts[row].part), scripts[row].times, "'%s' %u times:\n%s", scripts[row].script,
                     times(said, scripts[row].part), said);
        free(said);
    }
}
