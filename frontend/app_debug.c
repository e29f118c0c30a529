/* app_debug.c - see app_debug.h. */
#include "app_debug.h"

#include <string.h>
#include <unistd.h>

static void take_terminal(void *opaque)
{
    struct vx_app_debug *debug = opaque;
    atomic_store(&debug->stopped, true);
    vx_serial_release(debug->serial);
    vx_terminal_release(debug->terminal);
}

static void give_terminal(void *opaque)
{
    struct vx_app_debug *debug = opaque;
    vx_terminal_reclaim(debug->terminal);
    vx_serial_reclaim(debug->serial);
    atomic_store(&debug->stopped, false);
}

static void run_break(struct vx_work *work)
{
    struct vx_app_debug *debug = (struct vx_app_debug *)work;
    atomic_store(&debug->posted, false);
    vx_debugger_break(debug->debugger);
}

void vx_app_debug_break(void *opaque)
{
    struct vx_app_debug *debug = opaque;
    if (atomic_load(&debug->stopped) || atomic_exchange(&debug->posted, true))
        return;
    vx_loop_post(debug->loop, &debug->work);
}

bool vx_app_debug_wants_input(const struct vx_options *options)
{
    return (options->value[VX_OPT_debug].given && !isatty(STDIN_FILENO)) || vx_app_debug_wants_output(options);
}

bool vx_app_debug_wants_output(const struct vx_options *options)
{
    return options->value[VX_OPT_gdb].given && strcmp(options->value[VX_OPT_gdb].text, "stdio") == 0;
}

vx_err vx_app_debug_check(const struct vx_options *options, struct vx_log *log)
{
    const struct vx_option_value *value = options->value;
    if (value[VX_OPT_gdb].given && (value[VX_OPT_debug].given || value[VX_OPT_debug_script].given)) {
        vx_log_error(log, VX_LOG_GENERAL,
                     "--gdb and --debug both want the guest: leave one out; in GDB, 'monitor' "
                     "reaches the debugger's commands");
        return VX_ERR_BAD_ARGUMENT;
    }
    if (value[VX_OPT_gdb_run].given && !value[VX_OPT_gdb].given) {
        vx_log_error(log, VX_LOG_GENERAL, "--gdb-run is for --gdb; say where GDB shall come to");
        return VX_ERR_BAD_ARGUMENT;
    }
    return VX_ERR_OK;
}

static bool monitor(void *opaque, const char *line, FILE *out)
{
    return vx_debugger_command(((struct vx_app_debug *)opaque)->debugger, line, out);
}

static vx_err create_gdb(struct vx_app_debug *debug, const struct vx_options *options, struct vx_log *log,
                         struct vx_machine *machine)
{
    if (!options->value[VX_OPT_gdb].given)
        return VX_ERR_OK;
    return vx_gdb_create(&(struct vx_gdb_config){ .log = log,
                                                  .loop = debug->loop,
                                                  .machine = machine,
                                                  .spec = options->value[VX_OPT_gdb].text,
                                                  .run = options->value[VX_OPT_gdb_run].given,
                                                  .monitor = monitor,
                                                  .opaque = debug,
                                                  .monitor_front = vx_debugger_front(),
                                                  .monitor_front_opaque = debug->debugger },
                         &debug->gdb);
}

vx_err vx_app_debug_create(struct vx_app_debug *debug, const struct vx_options *options, struct vx_log *log,
                           struct vx_loop *loop, struct vx_machine *machine)
{
    debug->work.fn = run_break;
    debug->loop = loop;
    VX_TRY(vx_debugger_create(&(struct vx_debugger_config){ .log = log,
                                                            .machine = machine,
                                                            .in = stdin,
                                                            .out = vx_app_debug_wants_output(options) ? stderr : stdout,
                                                            .script = options->value[VX_OPT_debug_script].text,
                                                            .interactive = options->value[VX_OPT_debug].given,
                                                            .take_terminal = take_terminal,
                                                            .give_terminal = give_terminal,
                                                            .opaque = debug },
                              &debug->debugger));
    return create_gdb(debug, options, log, machine);
}

void vx_app_debug_destroy(struct vx_app_debug *debug)
{
    vx_gdb_destroy(debug->gdb);
    debug->gdb = NULL;
    vx_debugger_destroy(debug->debugger);
    debug->debugger = NULL;
}
