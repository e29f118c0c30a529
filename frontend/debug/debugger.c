/* debugger.c - the front: the guest has stopped, the user is told and asked, the guest goes on.
 *
 *   stopped() -> show the stop -> lines, one command each, until one makes the guest go on -> back to the guest
 *
 *   I1  Where a script has ended that nobody goes on from, the debugger stays attached while it has points or
 *       traces. */
#include "debugger.h"

#include <errno.h>
#include <stdlib.h>

#include "dbg.h"
#include "vx86/blocking.h"

enum { EXIT_SCRIPT_FAILED = 1 };

static const struct vx_debug_front front;

static void attach(struct debugger *dbg)
{
    if (!vx_debug_has_front(dbg->debug))
        vx_debug_set_front(dbg->debug, &front, dbg);
}

static void detach(struct debugger *dbg)
{
    dbg->tracing = 0;
    dbg_notes_clear(dbg);
    vx_debug_set_front(dbg->debug, NULL, NULL);
}

/* Somebody else ends the run: a signal, --timeout. */
static bool stop_requested(const struct debugger *dbg)
{
    return (atomic_load(&dbg->vcpu->attention) & VX_ATTN_STOP) != 0;
}

/* A script that fails ends vx86: nobody is there to look. */
static bool script_failed(struct debugger *dbg, bool in_script)
{
    if (!in_script || !dbg->failed || dbg->config.interactive)
        return false;
    if (!stop_requested(dbg))
        vx_machine_stop(dbg->machine, EXIT_SCRIPT_FAILED);
    return true;
}

/* Has the user set up what is worth being the front for? */
static bool anything_set_up(const struct debugger *dbg)
{
    return vx_debug_next_point(dbg->debug, 0) != NULL || dbg->tracing != 0 || dbg->trace_between != 0;
}

/* The input is at its end: a script's guest runs on, with its points, which show their stops, and traces; a user who
 * has left wants vx86 to end. But a guest that was not started for the debugger, only stopped by Ctrl-A d or a signal,
 * does not die of Ctrl-D, or of there being nobody to answer. */
static void at_end(struct debugger *dbg)
{
    if (dbg->called) {
        dbg_say(dbg, "no more commands: the guest goes on\n");
        detach(dbg);
    } else if (dbg->config.interactive) {
        dbg_say(dbg, "\n");
        vx_machine_stop(dbg->machine, 0);
    } else if (!anything_set_up(dbg)) {
        detach(dbg);
    }
}

static void ask(struct debugger *dbg)
{
    dbg->going = false;
    while (!dbg->going && !stop_requested(dbg)) {
        dbg->failed = false;
        const char *line = dbg_input_line(dbg->input);
        if (line == NULL) {
            if (!stop_requested(dbg) && !script_failed(dbg, dbg->failed))
                at_end(dbg);
            return;
        }
        bool in_script = dbg_input_in_script(dbg->input);
        dbg_execute(dbg, line);
        if (script_failed(dbg, in_script))
            return;
    }
}

static void stopped(void *opaque, const struct vx_debug_stop *stop)
{
    struct debugger *dbg = opaque;
    if (dbg->config.take_terminal != NULL)
        dbg->config.take_terminal(dbg->config.opaque);
    vx_blocking_enter(dbg->config.blocking);
    dbg->stop = *stop;
    dbg_show_stop(dbg, stop);
    ask(dbg);
    fflush(dbg->out);
    vx_blocking_leave(dbg->config.blocking);
    if (dbg->config.give_terminal != NULL)
        dbg->config.give_terminal(dbg->config.opaque);
}

/* Traces are written while the guest runs: the end of the run must be able to interrupt that too. */

static void trace(void *opaque)
{
    struct debugger *dbg = opaque;
    vx_blocking_enter(dbg->config.blocking);
    dbg_trace_insn(dbg);
    vx_blocking_leave(dbg->config.blocking);
}

static void access_seen(void *opaque, enum vx_space space, uint64_t address, unsigned bytes, unsigned access,
                        uint64_t value)
{
    struct debugger *dbg = opaque;
    vx_blocking_enter(dbg->config.blocking);
    dbg_trace_access(dbg, space, address, bytes, access, value);
    vx_blocking_leave(dbg->config.blocking);
}

static void event(void *opaque, enum vx_debug_event kind, uint64_t value, uint64_t detail)
{
    struct debugger *dbg = opaque;
    vx_blocking_enter(dbg->config.blocking);
    dbg_trace_event(dbg, kind, value, detail);
    vx_blocking_leave(dbg->config.blocking);
}

static const struct vx_debug_front front = {
    .stopped = stopped,
    .condition = dbg_condition,
    .trace = trace,
    .access = access_seen,
    .event = event,
};

bool dbg_cmd_detach(struct debugger *dbg, const char **at)
{
    if (dbg->foreign)
        return dbg_fail(dbg, "detach is for the debugger that has stopped the guest");
    if (!dbg_no_more(dbg, at))
        return false;
    detach(dbg);
    return dbg->going = true;
}

void debugger_break(struct debugger *dbg)
{
    dbg->called |= !dbg->config.interactive;
    dbg->config.interactive = true; /* it is the user who asks for it */
    attach(dbg);
    vx_debug_request_stop(dbg->debug);
}

bool debugger_command(struct debugger *dbg, const char *line, FILE *out)
{
    FILE *own = dbg->out;
    dbg->out = out;
    dbg->foreign = true;
    dbg_execute(dbg, line);
    dbg->foreign = false;
    dbg->out = own;
    return !dbg->failed;
}

const struct vx_debug_front *debugger_front(void)
{
    return &front;
}

vx_err debugger_create(const struct debugger_config *config, struct debugger **out)
{
    struct debugger *dbg = calloc(1, sizeof *dbg);
    if (dbg == NULL)
        return VX_ERR_NO_MEMORY;
    dbg->config = *config;
    dbg->machine = config->machine;
    dbg->debug = vx_machine_debug(config->machine);
    dbg->vcpu = vx_machine_vcpu(config->machine);
    dbg->out = config->out;
    dbg->next_code = dbg->vcpu->rip;
    dbg->symbols = dbg_symbols_create();
    vx_err err = dbg->symbols == NULL ? VX_ERR_NO_MEMORY : dbg_input_create(dbg, &dbg->input);
    if (err != VX_ERR_OK) {
        debugger_destroy(dbg);
        return err;
    }
    if (config->interactive || config->script != NULL) {
        attach(dbg);
        vx_debug_stop_at_start(dbg->debug);
    }
    *out = dbg;
    return VX_ERR_OK;
}

bool debugger_finish_trace(struct debugger *dbg)
{
    FILE *trace = dbg != NULL ? dbg->trace : NULL;
    if (trace == NULL)
        return true;
    dbg->trace = NULL;
    if (dbg_close_written(dbg, trace))
        return true;
    int reason = errno;
    vx_log_error(dbg->config.log, VX_LOG_GENERAL, "the debugger's trace is not complete: %s; %s", strerror(reason),
                 vx_err_remedy(reason, "nobody takes it"));
    return false;
}

void debugger_destroy(struct debugger *dbg)
{
    if (dbg == NULL)
        return;
    detach(dbg);
    dbg_input_destroy(dbg->input);
    dbg_symbols_destroy(dbg->symbols);
    bool written = debugger_finish_trace(dbg);
    (void)written; /* said */
    free(dbg);
}
