/* app.c - options -> log, loops, media, serial line, display -> machine -> run -> exit status, and everything taken
 * apart.
 *
 *   I1  Whatever is wrong is found before the start line is printed, so that a failed start is one line on standard
 *       error.
 *   I2  Taken apart in reverse: machine, terminal, media, loop, log. Statistics are written to memory while the machine
 *       is there and shown when the terminal is the user's again. */
#include "app.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app_clock.h"
#include "app_debug.h"
#include "app_debugcon.h"
#include "app_devices.h"
#include "app_engine.h"
#include "app_media.h"
#include "app_sound.h"
#include "app_stats.h"
#include "app_terminal.h"
#include "app_watch.h"
#include "audio.h"
#include "sandbox.h"
#include "std_descriptors.h"
#include "vx86/firmware.h"
#include "vx86/thread.h"

struct app {
    const struct options *options;
    struct vx_log *log;
    struct vx_blocking *blocking;
    struct signal_watch *watch;
    struct vx_loop *loop;      /* the machine's */
    struct vx_loop *user_loop; /* the main thread's */
    struct vx_files *files;
    struct audio *audio; /* NULL: --audio none */
    enum vx_engine engine;
    const char *refusal; /* why not the translator, or NULL */
    struct app_media media;
    struct app_terminal terminal;
    struct app_debugcon debugcon;
    struct vx_clock *clock; /* NULL: the machine's own */
    struct app_debug debug;
    struct vx_machine *machine;
    struct vx_work ended; /* posted to the user's loop: the run is over, with what follows */
    bool over;
    enum vx_machine_end end;
    int end_value;
    uint64_t wall_ns;
    struct app_stats stats; /* I2 */
};

static const struct option_value *option(const struct app *app, enum option_id id)
{
    return &app->options->value[id];
}

/* ---- from the user's side to the machine ------------------------------------------------------------------------- */

static void on_leave(void *opaque)
{
    struct app *app = opaque;
    if (app->machine != NULL)
        vx_machine_stop(app->machine, VX_EXIT_OFF);
}

static void on_debug(void *opaque)
{
    struct app *app = opaque;
    app_debug_break(&app->debug);
}

/* While the debugger has the terminal, nothing of it is the guest's. */
static bool on_job(void *opaque, bool stop)
{
    struct app *app = opaque;
    return !atomic_load(&app->debug.stopped) && app_terminal_job(&app->terminal, stop);
}

static void on_nothing_bootable(void *opaque)
{
    struct app *app = opaque;
    vx_log_error(app->log, VX_LOG_GENERAL,
                 "nothing bootable: no drive has a boot sector that the BIOS accepts; name another disk or CD-ROM");
    vx_machine_stop(app->machine, VX_EXIT_NOTHING_BOOTABLE);
}

static void on_boot_gave_up(void *opaque)
{
    struct app *app = opaque;
    vx_log_warn(app->log, VX_LOG_GENERAL, "what the disk or CD-ROM boots has given up, and the BIOS has nothing else");
}

static bool runs_bios(void *opaque)
{
    return vx_machine_runs_bios(((struct app *)opaque)->machine);
}

static uint64_t machine_resets(void *opaque)
{
    return vx_machine_stats(((struct app *)opaque)->machine)->resets;
}

static const struct app_debugcon_ops debugcon_ops = {
    .is_bios = runs_bios,
    .resets = machine_resets,
    .nothing_bootable = on_nothing_bootable,
    .gave_up = on_boot_gave_up,
};

/* ---- set-up ------------------------------------------------------------------------------------------------------ */

static vx_err set_up_log(struct app *app)
{
    const struct option_value *filters = option(app, VX_OPT_log), *globs = option(app, VX_OPT_trace);
    for (unsigned i = 0; i < filters->count; i++) {
        size_t bad = 0;
        vx_err err = vx_log_set_filter(app->log, filters->list[i], &bad);
        if (err != VX_ERR_OK) {
            vx_log_error(app->log, VX_LOG_GENERAL,
                         "--log: '%.40s' is neither a class nor a level; vx86 --help lists them",
                         filters->list[i] + bad);
            return err;
        }
    }
    for (unsigned i = 0; i < globs->count; i++) {
        vx_err err = vx_log_set_trace(app->log, globs->list[i]);
        if (err != VX_ERR_OK) {
            static const char names[] = ""
#define VX_TRACE(name, fmt) " " #name
#include "vx86/trace.def"
#undef VX_TRACE
                ;
            vx_log_error(app->log, VX_LOG_GENERAL, "--trace: no event matches '%.40s'; there are:%s", globs->list[i],
                         names);
            return err;
        }
    }
    return VX_ERR_OK;
}

static vx_err check_memory(struct app *app)
{
    uint64_t bytes = option(app, VX_OPT_memory)->number;
    if (bytes % 4096 == 0)
        return VX_ERR_OK;
    vx_log_error(app->log, VX_LOG_GENERAL, "--memory: %s is not a multiple of 4K; round it",
                 option(app, VX_OPT_memory)->text);
    return VX_ERR_BAD_ARGUMENT;
}

static vx_err check_lockstep(struct app *app)
{
    bool lockstep = option(app, VX_OPT_lockstep)->given;
    if (lockstep && (option(app, VX_OPT_debug)->given || option(app, VX_OPT_debug_script)->given ||
                     option(app, VX_OPT_gdb)->given)) {
        vx_log_error(app->log, VX_LOG_GENERAL, "--lockstep and the debugger would both step the guest: leave one away");
        return VX_ERR_BAD_ARGUMENT;
    }
    return VX_ERR_OK;
}

/* Where 0 leaves the choice to the translator. */
static uint64_t given_or_zero(const struct option_value *value)
{
    return value->given ? value->number : 0;
}

static vx_err choose_engine(struct app *app)
{
    app->refusal = vx_bt_refusal(given_or_zero(option(app, VX_OPT_tc_size)));
    return app_engine_choose(app->options, app->log, app->refusal, &app->engine);
}

static vx_err set_up_terminal(struct app *app)
{
    return app_terminal_open(&app->terminal, &(struct app_terminal_config){ .options = app->options,
                                                                            .log = app->log,
                                                                            .blocking = app->blocking,
                                                                            .loop = app->loop,
                                                                            .files = app->files,
                                                                            .leave = on_leave,
                                                                            .debug = on_debug,
                                                                            .opaque = app });
}

static vx_err create_machine(struct app *app)
{
    struct vx_machine_config config = {
        .log = app->log,
        .loop = app->loop,
        .clock = app->clock,
        .hash_every = given_or_zero(option(app, VX_OPT_state_hash)),
        .stop_at = given_or_zero(option(app, VX_OPT_stop_at)),
        .ram_bytes = option(app, VX_OPT_memory)->number,
        .engine = app->engine,
        .or_interp = !option(app, VX_OPT_engine)->given && !option(app, VX_OPT_lockstep)->given,
        .bt = {
            .tu_max = (unsigned)given_or_zero(option(app, VX_OPT_tu_max)),
            .cache_bytes = given_or_zero(option(app, VX_OPT_tc_size)),
            .interpret_first = (unsigned)option(app, VX_OPT_interpret_first)->number,
            .lowering = (enum vx_lowering)option(app, VX_OPT_lowering)->number,
            .window.maps = (uint32_t)given_or_zero(option(app, VX_OPT_window_maps)),
            .no_chain = option(app, VX_OPT_no_chain)->given,
            .no_jump_cache = option(app, VX_OPT_no_jump_cache)->given,
            .no_probe_sharing = option(app, VX_OPT_no_probe_sharing)->given,
            .verify = option(app, VX_OPT_verify_code)->given,
            .stress = option(app, VX_OPT_stress)->given,
            .stress_seed = option(app, VX_OPT_stress)->number,
            .count = app_stats_wanted(app->options),
        },
        .time_split = app_stats_wanted(app->options),
        .debug = option(app, VX_OPT_debug)->given || option(app, VX_OPT_debug_script)->given ||
                 option(app, VX_OPT_gdb)->given,
        .lockstep = option(app, VX_OPT_lockstep)->given,
        .lockstep_every = option(app, VX_OPT_lockstep)->number,
        .cpu_model = option(app, VX_OPT_cpu)->text,
        .serial = { serial_char(app->terminal.serial[0]), serial_char(app->terminal.serial[1]) },
        .uart_ungated = option(app, VX_OPT_uart_irq)->number == 1,
        .debugcon = &app->debugcon.chr,
        .display = app->terminal.display != NULL ? terminal_display(app->terminal.display) : NULL,
        .input = &app->terminal.input,
        .audio = audio_streams(app->audio),
        .no_reboot = option(app, VX_OPT_no_reboot)->given,
    };
    vx_log_debug(app->log, VX_LOG_GENERAL, "huge pages for guest memory and translated code: %s",
                 vx_host_grants_huge_pages() ? "asked for" : "the host's policy grants none");
    app_debugcon_init(&app->debugcon, app->log, &debugcon_ops, app);
    app_media_configure(&app->media, app->options, &config);
    VX_TRY(app_devices_configure(app->options, app->log, &config));
    VX_TRY(app_sound_configure(app->options, app->log, &config));
    VX_TRY(vx_machine_create(&config, &app->machine));
    if (vx_machine_engine(app->machine) != app->engine) {
        app->engine = vx_machine_engine(app->machine);
        app->refusal = "there is not enough address space or memory left for it";
    }
    app_media_drop_kernel(&app->media);
    memcpy(app->debug.serial, app->terminal.serial, sizeof app->debug.serial);
    app->debug.terminal = app->terminal.display;
    app->debug.blocking = app->blocking;
    app->debug.files = app->files;
    app->debug.media = &app->media;
    VX_TRY(app_debug_create(&app->debug, app->options, app->log, app->loop, app->machine));
    watch_set_machine(app->watch, app->machine);
    return VX_ERR_OK;
}

static vx_err set_up_watch(struct app *app)
{
    VX_TRY(vx_blocking_create(&app->blocking));
    vx_log_set_blocking(app->log, app->blocking);
    return watch_create(&(struct watch_config){ .log = app->log,
                                                .blocking = app->blocking,
                                                .timeout_s = option(app, VX_OPT_timeout)->number,
                                                .interrupt_debugs = option(app, VX_OPT_debug)->given,
                                                .debug = on_debug,
                                                .job = on_job,
                                                .opaque = app },
                        &app->watch);
}

static vx_err set_up(struct app *app)
{
    VX_TRY(set_up_watch(app));
    VX_TRY(set_up_log(app));
    VX_TRY(check_memory(app));
    VX_TRY(check_lockstep(app));
    VX_TRY(choose_engine(app));
    VX_TRY(app_debug_check(app->options, app->log));
    VX_TRY(app_clock_create(app->options, app->log, &app->clock));
    VX_TRY(vx_loop_create(app->log, &app->loop));
    VX_TRY(vx_loop_create_plain(&app->user_loop));
    VX_TRY(vx_files_create(&app->files));
    VX_TRY(app_media_open(app->options, app->log, app->loop, app->files, &app->media));
    VX_TRY(audio_create(
        &(struct audio_config){ .log = app->log, .files = app->files, .spec = option(app, VX_OPT_audio)->text },
        &app->audio));
    VX_TRY(app_stats_open(&app->stats, app->options, app->log, app->files));
    app_debug_prepare(&app->debug, app->options);
    VX_TRY(set_up_terminal(app));
    return create_machine(app);
}

/* ---- run --------------------------------------------------------------------------------------------------------- */

static void print_start_line(struct app *app)
{
    char media[600], memory[24];
    app_media_describe(&app->media, app->options, media, sizeof media);
    option_format_size(option(app, VX_OPT_memory)->number, memory, sizeof memory);
    app_engine_tell(app->options, app->log, app->refusal);
    vx_log_info(app->log, VX_LOG_GENERAL, "engine %s%s, memory %s, %s%s", app->engine == VX_ENGINE_BT ? "bt" : "interp",
                option(app, VX_OPT_stress)->given ? " under stress" : "", memory, media,
                app->terminal.user_can_leave ? "; Ctrl-A x leaves" : "");
}

/* RIP is behind the HLT, which has one byte. */
static void say_dead(struct app *app)
{
    const struct vx_vcpu *vcpu = vx_machine_vcpu(app->machine);
    vx_log_warn(app->log, VX_LOG_GENERAL, "the guest is dead: HLT with interrupts off at %04x:%08x",
                vcpu->seg[VX_CS].sel, (unsigned)(vcpu->rip - 1));
}

static int exit_status(struct app *app, enum vx_machine_end end, int value)
{
    switch (end) {
    case VX_END_POWER_OFF:
    case VX_END_RESET: return VX_EXIT_OFF;
    case VX_END_TRIPLE_FAULT: return VX_EXIT_DEAD; /* the machine has said so */
    case VX_END_DEAD: say_dead(app); return VX_EXIT_DEAD;
    case VX_END_DIFFERENCE: return VX_EXIT_DIFFERENCE; /* reported */
    case VX_END_DEBUG_EXIT: return (int)((unsigned)value << 1 | 1) & 0xFF;
    case VX_END_STOPPED:
        if (value == VX_EXIT_TIMEOUT)
            vx_log_warn(app->log, VX_LOG_GENERAL, VX_WATCH_TIMEOUT_TEXT, option(app, VX_OPT_timeout)->number);
        return value;
    }
    VX_ASSERT(!"an end without a case");
    return VX_EXIT_ERROR;
}

static void collect_stats(struct app *app, uint64_t wall_ns, int status)
{
    vx_stats_take_times(vx_machine_stats(app->machine));
    struct stats_report report = {
        .stats = vx_machine_stats(app->machine),
        .bus = vx_machine_bus(app->machine),
        .engine = app->engine == VX_ENGINE_BT ? "bt" : "interp",
        .wall_ns = wall_ns,
        .exit_status = status,
    };
    app_stats_collect(&app->stats, app->options, &report);
}

/* ---- the two threads: the machine's, and the user's, which is the main one */

static void ended(struct vx_work *work)
{
    ((struct app *)((char *)work - offsetof(struct app, ended)))->over = true;
}

static void *run_machine(void *opaque)
{
    struct app *app = opaque;
    print_start_line(app);
    uint64_t start_ns = vx_host_now_ns();
    app->end = vx_machine_run(app->machine, &app->end_value);
    app->wall_ns = vx_host_now_ns() - start_ns;
    vx_loop_post(app->user_loop, &app->ended);
    return NULL;
}

/* What is posted to the user's loop is done here until the machine has ended. */
static vx_err run_to_the_end(struct app *app)
{
    pthread_t thread;
    app->ended.fn = ended;
    VX_TRY(vx_thread_start(app->log, "vx86 machine", run_machine, app, &thread));
    while (!app->over) {
        vx_loop_wait(app->user_loop, VX_NEVER);
        vx_loop_run_posted(app->user_loop);
    }
    pthread_join(thread, NULL);
    return VX_ERR_OK;
}

/* Everything is open. */
static vx_err enter_sandbox(struct app *app)
{
    const struct option_value *gdb = option(app, VX_OPT_gdb), *sandbox = option(app, VX_OPT_sandbox);
    struct sandbox_config config = { .log = app->log, .directory = -1, .insist = sandbox->given };
    char folder[128];
    if (sandbox->number != 0)
        return VX_ERR_OK;
    if (!app_debug_reaches_all(app->options))
        config.directory = vx_files_directory(app->files);
    if (app_debug_reaches_all(app->options) || config.directory >= 0)
        config.needs |= SANDBOX_FILES;
    if ((gdb->given && !app_debug_wants_output(app->options)) || serial_listens(app->terminal.serial[0]) ||
        serial_listens(app->terminal.serial[1]))
        config.needs |= SANDBOX_CLIENTS;
    if (gdb->given && app_debug_socket_folder(gdb->text, folder, sizeof folder)) {
        config.needs |= SANDBOX_REMOVES;
        config.socket_folder = folder;
    }
    std_streams_prepare();
    return sandbox_enter(&config);
}

static int run(struct app *app)
{
    if (enter_sandbox(app) != VX_ERR_OK || run_to_the_end(app) != VX_ERR_OK)
        return VX_EXIT_ERROR;
    int status = exit_status(app, app->end, app->end_value);
    bool lost = !debugger_finish_trace(app->debug.debugger);
    lost |= serial_lost_output(app->terminal.serial[0]) || serial_lost_output(app->terminal.serial[1]);
    lost |= !audio_finish(app->audio);
    if (lost && status == VX_EXIT_OFF)
        status = VX_EXIT_ERROR;
    if (app_stats_wanted(app->options))
        collect_stats(app, app->wall_ns, status);
    return status;
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

/* Keeps I2. */
static void take_apart(struct app *app)
{
    if (app->watch != NULL)
        watch_set_machine(app->watch, NULL);
    app_debug_destroy(&app->debug);
    vx_machine_destroy(app->machine);
    app->machine = NULL;
    vx_clock_destroy(app->clock);
    app_terminal_close(&app->terminal);
    audio_destroy(app->audio);
    app_media_close(&app->media);
    vx_loop_destroy(app->loop);
    vx_loop_destroy(app->user_loop);
}

int app_run(const struct options *options)
{
    struct app app = { .options = options, .log = vx_log_create(stderr) };
    vx_err err = set_up(&app);
    if (err != VX_ERR_OK && vx_log_errors(app.log) == 0)
        vx_log_error(app.log, VX_LOG_GENERAL, "%s; %s", vx_err_text(err), /* where there was nothing more to say */
                     err == VX_ERR_NO_MEMORY ? vx_err_remedy(ENOMEM, "") : "vx86 --help may help");
    int status = err == VX_ERR_OK ? run(&app) : VX_EXIT_ERROR;
    take_apart(&app);
    vx_blocking_enter(app.blocking);
    if (!app_stats_show(&app.stats, options, app.log, app.blocking))
        status = VX_EXIT_ERROR;
    vx_blocking_leave(app.blocking);
    watch_destroy(app.watch);
    vx_log_destroy(app.log);
    vx_blocking_destroy(app.blocking);
    vx_files_destroy(app.files);
    return status;
}
