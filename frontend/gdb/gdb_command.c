/* gdb_command.c - one packet: which command it is, and those that say how the guest goes on. A packet that is no
 * command gets the empty reply, by which the client learns what it cannot have. */
#include <string.h>

#include "gdb_private.h"

static void empty(struct gdb *gdb)
{
    gdb_reply_begin(&gdb->reply);
    gdb_send(gdb);
}

/* ---- going on ---------------------------------------------------------------------------------------------------- */

static void leave(struct gdb *gdb)
{
    gdb->awaits_stop = gdb->going = true;
}

/* Where to go on may be given: linear, as $pc. */
static bool take_place(struct gdb *gdb, const char *at)
{
    uint64_t lin;
    if (*at == '\0')
        return true;
    if (!gdb_take_hex(&at, &lin) || *at != '\0' || lin > UINT32_MAX) {
        gdb_error(gdb, GDB_E_SYNTAX);
        return false;
    }
    gdb->vcpu->rip = (uint32_t)(lin - gdb->vcpu->seg[VX_CS].base);
    return true;
}

static void go_on(struct gdb *gdb, const char *at)
{
    if (!take_place(gdb, at))
        return;
    vx_debug_go(gdb->debug);
    leave(gdb);
}

static void step(struct gdb *gdb, const char *at)
{
    if (!take_place(gdb, at))
        return;
    vx_debug_go_step(gdb->debug, 1);
    leave(gdb);
}

/* C and S: a signal means nothing to a machine. */
static const char *behind_signal(struct gdb *gdb, const char *at)
{
    uint64_t signal;
    if (!gdb_take_hex(&at, &signal) && *at != ';') {
        gdb_error(gdb, GDB_E_SYNTAX);
        return NULL;
    }
    return *at == ';' ? at + 1 : at;
}

static void go_on_signalled(struct gdb *gdb, const char *at)
{
    at = behind_signal(gdb, at);
    if (at != NULL)
        go_on(gdb, at);
}

static void step_signalled(struct gdb *gdb, const char *at)
{
    at = behind_signal(gdb, at);
    if (at != NULL)
        step(gdb, at);
}

/* r FIRST,END: steps until that range is left. */
static void step_in_range(struct gdb *gdb, const char *at)
{
    uint64_t first, end;
    if (!gdb_take_hex(&at, &first) || !gdb_take_char(&at, ',') || !gdb_take_hex(&at, &end) ||
        (*at != '\0' && *at != ':' && *at != ';') || first > UINT32_MAX || end > UINT64_C(1) << 32) {
        gdb_error(gdb, GDB_E_SYNTAX);
        return;
    }
    if (end > first)
        vx_debug_go_range(gdb->debug, first, end - 1);
    else
        vx_debug_go_step(gdb->debug, 1); /* GDB "Packets": as a step */
    leave(gdb);
}

/* vCont;ACTION[:THREAD]...: with one CPU the first action that names it, or all, counts. */
static void continue_threads(struct gdb *gdb, const char *at)
{
    uint64_t signal;
    char action;
    if (gdb_take_word(&at, ";r"))
        step_in_range(gdb, at);
    else if (!gdb_take_char(&at, ';') || strchr("cCsS", action = *at) == NULL || *at++ == '\0' ||
             ((action == 'C' || action == 'S') && !gdb_take_hex(&at, &signal) && *at != ':' && *at != ';') ||
             (*at != '\0' && *at != ':' && *at != ';'))
        gdb_error(gdb, GDB_E_SYNTAX);
    else if (action == 's' || action == 'S')
        step(gdb, "");
    else
        go_on(gdb, "");
}

static void tell_actions(struct gdb *gdb, const char *at)
{
    (void)at;
    gdb_reply_begin(&gdb->reply);
    gdb_reply_text(&gdb->reply, "vCont;c;C;s;S;r");
    gdb_send(gdb);
}

static void detach(struct gdb *gdb, const char *at)
{
    (void)at;
    gdb_ok(gdb);
    gdb_end_session(gdb);
    gdb_detach(gdb);
}

/* In the extended protocol the guest stands, as a program that has ended, until it is run again or the client goes. */
static void kill_guest(struct gdb *gdb, const char *at)
{
    if (*at != '\0') /* vKill;PID wants an answer, k does not */
        gdb_ok(gdb);
    gdb->killed = gdb->extended;
    if (gdb->killed)
        return;
    gdb->going = true;
    vx_machine_stop(gdb->config.machine, 0);
}

/* R and vRun: the machine is reset, whatever program the client names, and stands before its first instruction. */
static void reset(struct gdb *gdb)
{
    vx_machine_reset(gdb->config.machine);
    gdb->stop = (struct vx_debug_stop){ .cause = VX_CAUSE_START };
    gdb->killed = false;
}

static void restart(struct gdb *gdb, const char *at)
{
    (void)at; /* two digits; there is no answer */
    reset(gdb);
}

static void run_again(struct gdb *gdb, const char *at)
{
    (void)at;
    reset(gdb);
    gdb_report_stop(gdb);
}

/* ---- small ones -------------------------------------------------------------------------------------------------- */

static void report(struct gdb *gdb, const char *at)
{
    (void)at;
    gdb_report_stop(gdb);
}

/* H and T: thread 1 is the CPU; 0 is any, -1 all. */
static void thread(struct gdb *gdb, const char *at)
{
    uint64_t id;
    if (*at == 'g' || *at == 'c')
        at++;
    if (strcmp(at, "-1") == 0 || (gdb_take_hex(&at, &id) && *at == '\0' && id <= 1))
        gdb_ok(gdb);
    else
        gdb_error(gdb, GDB_E_SYNTAX);
}

static void extended(struct gdb *gdb, const char *at)
{
    (void)at;
    gdb->extended = true;
    gdb_ok(gdb);
}

static void query(struct gdb *gdb, const char *at)
{
    (void)at;
    gdb_query(gdb);
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*run)(struct gdb *gdb, const char *at);
    bool whole; /* nothing may follow */
} table[] = {
    { "?", report, true },
    { "!", extended, true },
    { "g", gdb_registers_read, true },
    { "G", gdb_registers_write, false },
    { "p", gdb_register_read, false },
    { "P", gdb_register_write, false },
    { "m", gdb_memory_read, false },
    { "M", gdb_memory_write, false },
    { "X", gdb_memory_write_binary, false },
    { "c", go_on, false },
    { "s", step, false },
    { "C", go_on_signalled, false },
    { "S", step_signalled, false },
    { "vCont?", tell_actions, true },
    { "vCont", continue_threads, false },
    { "vRun", run_again, false },
    { "R", restart, false },
    { "vKill;", kill_guest, false },
    { "k", kill_guest, true },
    { "D", detach, false },
    { "H", thread, false },
    { "T", thread, false },
    { "Z", gdb_point_insert, false },
    { "z", gdb_point_remove, false },
    { "q", query, false },
    { "Q", query, false },
};

void gdb_execute(struct gdb *gdb)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(table); i++) {
        const char *at = gdb->packet.body;
        if (!gdb_take_word(&at, table[i].name) || (table[i].whole && *at != '\0'))
            continue;
        table[i].run(gdb, at);
        return;
    }
    empty(gdb);
}
