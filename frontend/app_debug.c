/* app_debug.c - see app_debug.h. */
#include "app_debug.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void take_terminal(void *opaque)
{
    struct app_debug *debug = opaque;
    atomic_store(&debug->stopped, true);
    for (unsigned port = 0; port < 2; port++)
        serial_release(debug->serial[port]);
    terminal_release(debug->terminal);
}

static void give_terminal(void *opaque)
{
    struct app_debug *debug = opaque;
    terminal_reclaim(debug->terminal);
    for (unsigned port = 0; port < 2; port++)
        serial_reclaim(debug->serial[port]);
    atomic_store(&debug->stopped, false);
}

static bool change_floppy(void *opaque, unsigned drive, const char *path)
{
    struct app_debug *debug = opaque;
    return app_media_change_floppy(debug->media, debug->machine, drive, path) == VX_ERR_OK;
}

static void run_break(struct vx_work *work)
{
    struct app_debug *debug = (struct app_debug *)work;
    atomic_store(&debug->posted, false);
    if (debug->lockstep)
        vx_log_warn(debug->log, VX_LOG_GENERAL, "with --lockstep there is no debugger");
    else
        debugger_break(debug->debugger);
}

void app_debug_break(void *opaque)
{
    struct app_debug *debug = opaque;
    if (atomic_load(&debug->stopped) || atomic_exchange(&debug->posted, true))
        return;
    vx_loop_post(debug->loop, &debug->work);
}

bool app_debug_wants_input(const struct options *options)
{
    return (options->value[VX_OPT_debug].given && !isatty(STDIN_FILENO)) || app_debug_wants_output(options);
}

bool app_debug_wants_output(const struct options *options)
{
    return options->value[VX_OPT_gdb].given && strcmp(options->value[VX_OPT_gdb].text, "stdio") == 0;
}

bool app_debug_reaches_all(const struct options *options)
{
    const struct option_value *value = options->value;
    return value[VX_OPT_debug].given || value[VX_OPT_debug_script].given || value[VX_OPT_sandbox].number != 0;
}

bool app_debug_socket_folder(const char *spec, char *folder, size_t room)
{
    static const char prefix[] = "unix:";
    if (strncmp(spec, prefix, sizeof prefix - 1) != 0)
        return false;
    const char *path = spec + sizeof prefix - 1, *slash = strrchr(path, '/');
    int length = slash == NULL ? 0 : slash == path ? 1 : (int)(slash - path);
    snprintf(folder, room, "%.*s", length != 0 ? length : 1, length != 0 ? path : ".");
    return true;
}

vx_err app_debug_check(const struct options *options, struct vx_log *log)
{
    const struct option_value *value = options->value;
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
    return debugger_command(((struct app_debug *)opaque)->debugger, line, out);
}

static vx_err create_gdb(struct app_debug *debug, const struct options *options, struct vx_log *log,
                         struct vx_machine *machine)
{
    if (!options->value[VX_OPT_gdb].given)
        return VX_ERR_OK;
    return gdb_create(&(struct gdb_config){ .log = log,
                                            .loop = debug->loop,
                                            .machine = machine,
                                            .spec = options->value[VX_OPT_gdb].text,
                                            .run = options->value[VX_OPT_gdb_run].given,
                                            .monitor = monitor,
                                            .opaque = debug,
                                            .monitor_front = debugger_front(),
                                            .monitor_front_opaque = debug->debugger },
                      &debug->gdb);
}

static FILE *output(const struct options *options)
{
    return app_debug_wants_output(options) ? stderr : stdout;
}

void app_debug_prepare(struct app_debug *debug, const struct options *options)
{
    debug->editor = debugger_editor_open(stdin, output(options));
}

vx_err app_debug_create(struct app_debug *debug, const struct options *options, struct vx_log *log,
                        struct vx_loop *loop, struct vx_machine *machine)
{
    debug->work.fn = run_break;
    debug->log = log;
    debug->loop = loop;
    debug->machine = machine;
    debug->lockstep = options->value[VX_OPT_lockstep].given;
    const char *directory = options->value[VX_OPT_debug_files].text;
    if (directory != NULL && !vx_files_set_directory(debug->files, directory)) {
        vx_log_error(log, VX_LOG_GENERAL, "--debug-files: %s: %s; name a directory", directory, strerror(errno));
        return VX_ERR_NOT_FOUND;
    }
    VX_TRY(debugger_create(
        &(struct debugger_config){ .log = log,
                                   .machine = machine,
                                   .in = stdin,
                                   .out = output(options),
                                   .editor = debug->editor,
                                   .script = options->value[VX_OPT_debug_script].text,
                                   .blocking = debug->blocking,
                                   .files = debug->files,
                                   .reach = app_debug_reaches_all(options) ? VX_FILE_ANYWHERE : VX_FILE_BELOW,
                                   .peer_reach = VX_FILE_BELOW,
                                   .interactive = options->value[VX_OPT_debug].given,
                                   .change_floppy = change_floppy,
                                   .take_terminal = take_terminal,
                                   .give_terminal = give_terminal,
                                   .opaque = debug },
        &debug->debugger));
    return create_gdb(debug, options, log, machine);
}

void app_debug_destroy(struct app_debug *debug)
{
    gdb_destroy(debug->gdb);
    debug->gdb = NULL;
    debugger_destroy(debug->debugger);
    debug->debugger = NULL;
    debugger_editor_close(debug->editor);
    debug->editor = NULL;
}
