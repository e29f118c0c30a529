/* terminal.c - the terminal display: terminal_screen's bytes to the terminal, the terminal's bytes through keymap to
 * the guest.
 *
 *   I1  The screen object and all output are used with `mutex` held: log lines come from any thread and switch
 *       screens. */
#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "keymap.h"
#include "terminal_prefix.h"
#include "terminal_raw.h"
#include "terminal_reader.h"
#include "terminal_screen.h"
#include "vx86/blocking.h"

/* Around log lines; the end is terminal_raw.c's. */
#define ENTER_SEQUENCE "\033[?1049h"
#define LEAVE_SEQUENCE "\033[0m\033[?25h\033[?1049l"

/* An ESC followed by nothing for so long is the Escape key; pasted text comes at 8 characters in 20 ms, which a
 * keyboard buffer and a guest that reads it can take. */
enum { ESCAPE_PAUSE_MS = 50, CHUNK_BYTES = 8, CHUNK_GAP_MS = 20 };

struct terminal {
    struct vx_log *log;
    struct vx_display display;
    struct keymap keymap;
    struct terminal_reader *reader;
    const struct vx_input *input;
    void (*leave)(void *opaque);
    void (*debug)(void *opaque);
    void *opaque;
    bool escape, prefix_seen;

    pthread_mutex_t mutex; /* I1 */
    struct terminal_screen *screen;
    int in_fd, out_fd;
    struct vx_loop *loop;
    struct vx_blocking *blocking;
    bool raw, brackets;
};

/* ---- output ------------------------------------------------------------------------------------------------------ */

/* Until all is written, the terminal is gone, or the run is to end and nobody takes it. */
static void write_all(struct terminal *terminal, const char *bytes, size_t count)
{
    vx_blocking_enter(terminal->blocking);
    while (count > 0) {
        ssize_t done = write(terminal->out_fd, bytes, count);
        if (done > 0) {
            bytes += done;
            count -= (size_t)done;
        } else if (done < 0 && errno == EAGAIN) {
            struct pollfd fd = { .fd = terminal->out_fd, .events = POLLOUT };
            poll(&fd, 1, -1);
        } else if (done < 0 && errno != EINTR) {
            break;
        }
        if (count > 0 && vx_blocking_ending(terminal->blocking))
            break;
    }
    vx_blocking_leave(terminal->blocking);
}

static void draw_locked(struct terminal *terminal)
{
    size_t count;
    if (!terminal->raw || !terminal_raw_is_held()) /* somebody else has it, or the process is about to end */
        return;
    const char *bytes = terminal_screen_draw(terminal->screen, &count);
    write_all(terminal, bytes, count);
}

static void take_size_locked(struct terminal *terminal)
{
    struct winsize size;
    if (ioctl(terminal->out_fd, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 && size.ws_row != 0)
        terminal_screen_resize(terminal->screen, size.ws_col, size.ws_row);
}

static void on_update(void *opaque, const struct vx_update *update)
{
    struct terminal *terminal = opaque;
    if (update->head != 0) /* a terminal has one screen */
        return;
    pthread_mutex_lock(&terminal->mutex);
    terminal_screen_set(terminal->screen, update->screen);
    draw_locked(terminal);
    pthread_mutex_unlock(&terminal->mutex);
}

static const struct vx_display_ops display_ops = { .update = on_update };

static void on_resize(void *opaque)
{
    struct terminal *terminal = opaque;
    pthread_mutex_lock(&terminal->mutex);
    take_size_locked(terminal);
    terminal_screen_invalidate(terminal->screen);
    draw_locked(terminal);
    pthread_mutex_unlock(&terminal->mutex);
}

static void show_message(struct terminal *terminal, const char *message)
{
    pthread_mutex_lock(&terminal->mutex);
    terminal_screen_set_message(terminal->screen, message);
    draw_locked(terminal);
    pthread_mutex_unlock(&terminal->mutex);
}

/* Around a log line: from the guest's screen to the normal one and back. The mutex is held in between. */
static void before_log(void *opaque)
{
    struct terminal *terminal = opaque;
    pthread_mutex_lock(&terminal->mutex);
    write_all(terminal, LEAVE_SEQUENCE, sizeof LEAVE_SEQUENCE - 1);
}

static void after_log(void *opaque)
{
    struct terminal *terminal = opaque;
    write_all(terminal, ENTER_SEQUENCE, sizeof ENTER_SEQUENCE - 1);
    terminal_screen_invalidate(terminal->screen);
    draw_locked(terminal);
    pthread_mutex_unlock(&terminal->mutex);
}

/* ---- input ------------------------------------------------------------------------------------------------------- */

static void on_key(void *opaque, unsigned set1_code, bool down)
{
    struct terminal *terminal = opaque;
    vx_input_key(terminal->input, set1_code, down);
}

static bool on_bytes(void *opaque, const uint8_t *bytes, size_t count)
{
    struct terminal *terminal = opaque;
    show_message(terminal, NULL);
    for (size_t i = 0; i < count; i++) {
        switch (terminal->escape ? prefix_feed(&terminal->prefix_seen, bytes[i]) : VX_PREFIX_PASS) {
        case VX_PREFIX_PASS: keymap_feed(&terminal->keymap, bytes[i]); break;
        case VX_PREFIX_SEND: keymap_feed(&terminal->keymap, VX_PREFIX_KEY); break;
        case VX_PREFIX_HELP: show_message(terminal, VX_PREFIX_HELP_TEXT); break;
        case VX_PREFIX_LEAVE:
            if (terminal->leave != NULL)
                terminal->leave(terminal->opaque);
            break;
        case VX_PREFIX_DEBUG:
            if (terminal->debug != NULL)
                terminal->debug(terminal->opaque);
            break;
        case VX_PREFIX_NONE: break;
        }
    }
    return true;
}

static void on_pause(void *opaque)
{
    struct terminal *terminal = opaque;
    keymap_pause(&terminal->keymap);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static vx_err enter_raw(struct terminal *terminal, const struct terminal_config *config)
{
    if (!isatty(config->in_fd) || !isatty(config->out_fd)) {
        vx_log_error(config->log, VX_LOG_GENERAL,
                     "the terminal display needs a terminal on standard input and output: use --display none");
        return VX_ERR_UNSUPPORTED;
    }
    vx_err err = terminal_raw_enter(config->in_fd, config->out_fd);
    if (err != VX_ERR_OK) {
        vx_log_error(config->log, VX_LOG_GENERAL,
                     err == VX_ERR_LOCKED
                         ? "the terminal already serves a serial port: use --serial file:PATH or --display none"
                         : "cannot set up the terminal");
        return err;
    }
    terminal->raw = true;
    write_all(terminal, ENTER_SEQUENCE, sizeof ENTER_SEQUENCE - 1);
    take_size_locked(terminal);
    draw_locked(terminal);
    return VX_ERR_OK;
}

/* Input, and the log's way around the guest's screen. */
static vx_err connect_input(struct terminal *terminal)
{
    VX_TRY(terminal_reader_create(&(struct terminal_reader_config){ .log = terminal->log,
                                                                    .loop = terminal->loop,
                                                                    .fd = terminal->in_fd,
                                                                    .chunk_bytes = CHUNK_BYTES,
                                                                    .gap_ms = CHUNK_GAP_MS,
                                                                    .pause_ms = ESCAPE_PAUSE_MS,
                                                                    .resize_fd = terminal_raw_resize_fd(),
                                                                    .on_bytes = on_bytes,
                                                                    .on_pause = on_pause,
                                                                    .on_resize = on_resize,
                                                                    .opaque = terminal },
                                  &terminal->reader));
    if (isatty(STDERR_FILENO)) {
        terminal->brackets = true;
        vx_log_set_brackets(terminal->log, before_log, after_log, terminal);
    }
    return VX_ERR_OK;
}

static void disconnect_input(struct terminal *terminal)
{
    terminal_reader_destroy(terminal->reader);
    terminal->reader = NULL;
    if (terminal->brackets)
        vx_log_set_brackets(terminal->log, NULL, NULL, NULL);
    terminal->brackets = false;
    pthread_mutex_lock(&terminal->mutex);
    if (terminal->raw)
        terminal_raw_leave();
    terminal->raw = false;
    pthread_mutex_unlock(&terminal->mutex);
}

void terminal_release(struct terminal *terminal)
{
    if (terminal != NULL)
        disconnect_input(terminal);
}

void terminal_reclaim(struct terminal *terminal)
{
    if (terminal == NULL || terminal->raw || !terminal_raw_is_ours(terminal->in_fd))
        return;
    if (terminal_raw_enter(terminal->in_fd, terminal->out_fd) != VX_ERR_OK || connect_input(terminal) != VX_ERR_OK) {
        vx_log_warn(terminal->log, VX_LOG_DEVICE, "the terminal cannot be taken back: the guest gets no more input");
        return;
    }
    pthread_mutex_lock(&terminal->mutex);
    terminal->raw = true;
    write_all(terminal, ENTER_SEQUENCE, sizeof ENTER_SEQUENCE - 1);
    terminal_screen_invalidate(terminal->screen);
    take_size_locked(terminal);
    draw_locked(terminal);
    pthread_mutex_unlock(&terminal->mutex);
}

bool terminal_holds(const struct terminal *terminal)
{
    return terminal != NULL && terminal->raw;
}

static vx_err set_up(struct terminal *terminal, const struct terminal_config *config)
{
    VX_TRY(terminal_screen_create(&terminal->screen));
    VX_TRY(enter_raw(terminal, config));
    return connect_input(terminal);
}

vx_err terminal_create(const struct terminal_config *config, struct terminal **out)
{
    struct terminal *terminal = calloc(1, sizeof *terminal);
    if (terminal == NULL)
        return VX_ERR_NO_MEMORY;
    terminal->log = config->log;
    terminal->blocking = config->blocking;
    terminal->out_fd = config->out_fd;
    terminal->input = config->input;
    terminal->escape = config->escape;
    terminal->leave = config->leave;
    terminal->debug = config->debug;
    terminal->loop = config->loop;
    terminal->in_fd = config->in_fd;
    terminal->opaque = config->opaque;
    terminal->display = (struct vx_display){ .ops = &display_ops, .opaque = terminal };
    keymap_init(&terminal->keymap, config->layout, on_key, terminal);
    pthread_mutex_init(&terminal->mutex, NULL);
    vx_err err = set_up(terminal, config);
    if (err != VX_ERR_OK) {
        terminal_destroy(terminal);
        return err;
    }
    *out = terminal;
    return VX_ERR_OK;
}

void terminal_destroy(struct terminal *terminal)
{
    if (terminal == NULL)
        return;
    disconnect_input(terminal);
    terminal_screen_destroy(terminal->screen);
    pthread_mutex_destroy(&terminal->mutex);
    free(terminal);
}

struct vx_display *terminal_display(struct terminal *terminal)
{
    return &terminal->display;
}
