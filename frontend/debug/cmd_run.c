/* cmd_run.c - commands that make the guest go on, and how. */
#include <errno.h>
#include <stdlib.h>

#include "dbg.h"

/* Commands that let the guest run belong to whoever has stopped it. */
static bool may_go(struct debugger *dbg)
{
    return !dbg->foreign || dbg_fail(dbg, "this would make the guest go on; the client's own commands do that");
}

static bool go(struct debugger *dbg)
{
    dbg->going = true;
    return true;
}

/* The count of step and next. */
static bool take_count(struct debugger *dbg, const char **at, uint64_t *n)
{
    if (!may_go(dbg) || !dbg_eval_or(dbg, at, "the number of instructions", 1, n) || !dbg_no_more(dbg, at))
        return false;
    return (*n != 0 && *n < UINT64_MAX) || dbg_fail(dbg, "the number of instructions must be at least 1");
}

bool dbg_cmd_step(struct debugger *dbg, const char **at)
{
    uint64_t n;
    if (!take_count(dbg, at, &n))
        return false;
    vx_debug_go_step(dbg->debug, n);
    return go(dbg);
}

bool dbg_cmd_next(struct debugger *dbg, const char **at)
{
    uint64_t n;
    if (!take_count(dbg, at, &n))
        return false;
    vx_debug_go_next(dbg->debug, n);
    return go(dbg);
}

bool dbg_cmd_finish(struct debugger *dbg, const char **at)
{
    if (!may_go(dbg) || !dbg_no_more(dbg, at))
        return false;
    vx_debug_go_finish(dbg->debug);
    return go(dbg);
}

bool dbg_cmd_until(struct debugger *dbg, const char **at)
{
    uint64_t lin;
    if (!may_go(dbg))
        return false;
    if (dbg_at_end(at)) {
        vx_debug_go_until(dbg->debug);
        return go(dbg);
    }
    if (!dbg_eval_code(dbg, at, &lin) || !dbg_no_more(dbg, at))
        return false;
    struct vx_debug_point point = {
        .kind = VX_POINT_EXEC, .enabled = true, .temporary = true, .first = lin, .last = lin
    };
    if (vx_debug_add_point(dbg->debug, &point) == 0)
        return dbg_fail(dbg, "there is no memory for another point");
    vx_debug_go(dbg->debug);
    return go(dbg);
}

bool dbg_cmd_unit(struct debugger *dbg, const char **at)
{
    if (!may_go(dbg) || !dbg_no_more(dbg, at))
        return false;
    vx_debug_go_unit(dbg->debug);
    return go(dbg);
}

bool dbg_cmd_continue(struct debugger *dbg, const char **at)
{
    if (!may_go(dbg) || !dbg_no_more(dbg, at))
        return false;
    vx_debug_go(dbg->debug);
    return go(dbg);
}

bool dbg_cmd_engine(struct debugger *dbg, const char **at)
{
    bool bt = dbg_take_word(at, "bt"), interp = !bt && dbg_take_word(at, "interp");
    if (!dbg_at_end(at))
        return dbg_fail(dbg, "'%s' is no engine; there are bt and interp", *at);
    if ((bt || interp) && vx_machine_set_engine(dbg->machine, bt ? VX_ENGINE_BT : VX_ENGINE_INTERP) != VX_ERR_OK)
        return dbg_fail(dbg, "the engine stays as it is");
    dbg_say(dbg, "engine %s\n", vx_machine_engine(dbg->machine) == VX_ENGINE_BT ? "bt" : "interp");
    return true;
}

bool dbg_cmd_interrupts(struct debugger *dbg, const char **at)
{
    if (dbg_take_word(at, "off"))
        vx_debug_set_hold_interrupts(dbg->debug, true);
    else if (dbg_take_word(at, "on"))
        vx_debug_set_hold_interrupts(dbg->debug, false);
    if (!dbg_at_end(at))
        return dbg_fail(dbg, "'%s' is neither on nor off", *at);
    dbg_say(dbg, "interrupts are %sdelivered while stepping\n", vx_debug_hold_interrupts(dbg->debug) ? "not " : "");
    return true;
}

bool dbg_cmd_reset(struct debugger *dbg, const char **at)
{
    if (!dbg_no_more(dbg, at))
        return false;
    vx_machine_reset(dbg->machine);
    dbg_show_here(dbg, dbg->out);
    return true;
}

bool dbg_cmd_floppy(struct debugger *dbg, const char **at)
{
    dbg_skip_blanks(at);
    unsigned drive = 0;
    if (dbg_take_word(at, "b"))
        drive = 1;
    else if (!dbg_take_word(at, "a"))
        return dbg_fail(dbg, "'%s' is neither drive a nor b", *at);
    if (dbg->foreign || dbg->config.change_floppy == NULL)
        return dbg_fail(dbg, "disks are changed by the user of vx86 only");
    char path[512];
    if (!dbg_next_word(at, path, sizeof path))
        return dbg_fail(dbg, "the name of an image is missing, or eject");
    if (!dbg_no_more(dbg, at))
        return false;
    bool eject = strcmp(path, "eject") == 0;
    if (!dbg->config.change_floppy(dbg->config.opaque, drive, eject ? NULL : path))
        return dbg_fail(dbg, "drive %c: is as it was", 'A' + (int)drive);
    return true;
}

bool dbg_cmd_quit(struct debugger *dbg, const char **at)
{
    uint64_t status;
    if (!may_go(dbg) || !dbg_eval_or(dbg, at, "the exit status", 0, &status) || !dbg_no_more(dbg, at))
        return false;
    if (status > 255)
        return dbg_fail(dbg, "an exit status is a number from 0 to 255");
    vx_machine_stop(dbg->machine, (int)status);
    return go(dbg);
}

bool dbg_cmd_echo(struct debugger *dbg, const char **at)
{
    dbg_skip_blanks(at);
    dbg_say(dbg, "%s\n", *at);
    return true;
}

bool dbg_cmd_assert(struct debugger *dbg, const char **at)
{
    uint64_t value;
    dbg_skip_blanks(at);
    const char *text = *at;
    if (!dbg_eval(dbg, at, "the expression", &value) || !dbg_no_more(dbg, at))
        return false;
    return value != 0 || dbg_fail(dbg, "assertion failed: %s", text);
}

bool dbg_cmd_source(struct debugger *dbg, const char **at)
{
    char path[512];
    if (!dbg_next_word(at, path, sizeof path))
        return dbg_fail(dbg, "the name of a file is missing");
    if (!may_go(dbg) || !dbg_no_more(dbg, at))
        return false;
    return dbg_input_push(dbg->input, path);
}
