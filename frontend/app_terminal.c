/* app_terminal.c - see app_terminal.h. */
#include "app_terminal.h"

#include <string.h>
#include <unistd.h>

#include "app_debug.h"
#include "terminal_raw.h"

static vx_err refuse(const struct app_terminal_config *config, const char *why)
{
    vx_log_error(config->log, VX_LOG_GENERAL, "%s", why);
    return VX_ERR_BAD_ARGUMENT;
}

static vx_err check(const struct app_terminal_config *config, const char *serial, bool display)
{
    const struct option_value *value = config->options->value;
    bool stdio2 = strcmp(value[VX_OPT_serial2].text, "stdio") == 0;
    bool stdio = strcmp(serial, "stdio") == 0 || stdio2;
    if (stdio2 && strcmp(serial, "stdio") == 0)
        return refuse(config, "--serial and --serial2 both want standard input and output: leave one out");
    if (value[VX_OPT_escape].given && value[VX_OPT_no_escape].given)
        return refuse(config, "--escape and --no-escape contradict each other: leave one out");
    if (app_debug_wants_output(config->options) && (display || stdio))
        return refuse(config, "--gdb stdio needs standard input and output for itself: use --gdb PORT, or "
                              "--serial file:PATH and --display none");
    if (display && stdio)
        return refuse(config, "--display terminal and --serial stdio both want the terminal: use --serial file:PATH or "
                              "none");
    return VX_ERR_OK;
}

static bool escapes(const struct options *options)
{
    if (isatty(STDIN_FILENO))
        return !options->value[VX_OPT_no_escape].given;
    return options->value[VX_OPT_escape].given;
}

static vx_err open_serial(struct app_terminal *terminal, const struct app_terminal_config *config, unsigned port,
                          const char *spec, bool escape)
{
    static const char *const names[2][2] = { { "--serial", "COM1" }, { "--serial2", "COM2" } };
    bool no_input = app_debug_wants_input(config->options);
    return serial_create(&(struct serial_config){ .log = config->log,
                                                  .blocking = config->blocking,
                                                  .loop = config->loop,
                                                  .files = config->files,
                                                  .spec = spec,
                                                  .option = names[port][0],
                                                  .port = names[port][1],
                                                  .in_fd = no_input ? -1 : STDIN_FILENO,
                                                  .out_fd = STDOUT_FILENO,
                                                  .escape = escape,
                                                  .leave = config->leave,
                                                  .debug = config->debug,
                                                  .opaque = config->opaque },
                         &terminal->serial[port]);
}

static vx_err open_display(struct app_terminal *terminal, const struct app_terminal_config *config, bool escape)
{
    return terminal_create(
        &(struct terminal_config){ .log = config->log,
                                   .blocking = config->blocking,
                                   .loop = config->loop,
                                   .in_fd = STDIN_FILENO,
                                   .out_fd = STDOUT_FILENO,
                                   .input = &terminal->input,
                                   .layout =
                                       (enum keyboard_layout)config->options->value[VX_OPT_keyboard_layout].number,
                                   .escape = escape,
                                   .leave = config->leave,
                                   .debug = config->debug,
                                   .opaque = config->opaque },
        &terminal->display);
}

/* ---- jobs of a shell --------------------------------------------------------------------------------------------- */

/* Giving the terminal back runs what else is posted, this as well. */
static void post(struct app_terminal *terminal)
{
    if (!atomic_exchange(&terminal->posted, true))
        vx_loop_post(terminal->loop, &terminal->job);
}

/* On the machine thread, at a boundary. A display is drawn anew in any case: whoever had the terminal may have written
 * on it. */
static void run_job(struct vx_work *work)
{
    struct app_terminal *terminal = (struct app_terminal *)work;
    atomic_store(&terminal->posted, false);
    if (terminal->busy) {
        post(terminal);
        return;
    }
    terminal->busy = true;
    bool stop = atomic_exchange(&terminal->stop, false);
    if (stop || terminal_holds(terminal->display) || terminal_raw_was_changed()) {
        for (unsigned port = 0; port < 2; port++)
            serial_release(terminal->serial[port]);
        terminal_release(terminal->display);
    }
    if (stop)
        terminal_raw_stop();
    terminal_reclaim(terminal->display);
    for (unsigned port = 0; port < 2; port++)
        serial_reclaim(terminal->serial[port]);
    terminal->busy = false;
}

bool app_terminal_job(struct app_terminal *terminal, bool stop)
{
    if (stop && !terminal_raw_is_held())
        return false;
    if (stop)
        atomic_store(&terminal->stop, true);
    post(terminal);
    return true;
}

/* ------------------------------------------------------------------------------------------------------------------ */

vx_err app_terminal_open(struct app_terminal *terminal, const struct app_terminal_config *config)
{
    bool display = config->options->value[VX_OPT_display].number == 0, escape = escapes(config->options);
    const char *spec = config->options->value[VX_OPT_serial].text;
    const char *spec2 = config->options->value[VX_OPT_serial2].text;
    if (spec == NULL)
        spec = display || strcmp(spec2, "stdio") == 0 || app_debug_wants_output(config->options) ? "none" : "stdio";
    terminal->job.fn = run_job;
    terminal->loop = config->loop;
    VX_TRY(check(config, spec, display));
    VX_TRY(open_serial(terminal, config, 0, spec, escape));
    VX_TRY(open_serial(terminal, config, 1, spec2, escape));
    if (display)
        VX_TRY(open_display(terminal, config, escape));
    terminal->user_can_leave =
        escape && isatty(STDIN_FILENO) && (display || strcmp(spec, "stdio") == 0 || strcmp(spec2, "stdio") == 0);
    return VX_ERR_OK;
}

void app_terminal_close(struct app_terminal *terminal)
{
    terminal_destroy(terminal->display);
    for (unsigned port = 0; port < 2; port++)
        serial_destroy(terminal->serial[port]);
}
