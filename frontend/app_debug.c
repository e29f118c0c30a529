/* app_debug.c - see app_debug.h. */
#include "app_debug.h"

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
    return options->value[VX_OPT_debug].given && !isatty(STDIN_FILENO);
}

vx_err vx_app_debug_create(struct vx_app_debug *debug, const struct vx_options *options, struct vx_log *log,
                           struct vx_loop *loop, struct vx_machine *machine)
{
    debug->work.fn = run_break;
    debug->loop = loop;
    return vx_debugger_create(&(struct vx_debugger_config){ .log = log,
                                                            .machine = machine,
                                                            .in = stdin,
                                                            .out = stdout,
                                                            .script = options->value[VX_OPT_debug_script].text,
                                                            .interactive = options->value[VX_OPT_debug].given,
                                                            .take_terminal = take_terminal,
                                                            .give_terminal = give_terminal,
                                                            .opaque = debug },
                              &debug->debugger);
}

void vx_app_debug_destroy(struct vx_app_debug *debug)
{
    vx_debugger_destroy(debug->debugger);
    debug->debugger = NULL;
}
