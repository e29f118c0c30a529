/* serial.c - see serial.h.
 *
 * Input: reader thread -> on_bytes -> raw[] -> prefix -> guest[] -> UART, which asks for more by can_receive().
 *
 *   I1  From a terminal all of raw[] goes through the prefix at once, so that Ctrl-A x works while the guest takes
 *       nothing; what does not fit guest[] is dropped, as a terminal does with typed-ahead input. From anything else a
 *       byte leaves raw[] only when guest[] is empty, so nothing is lost or overtakes. */
#include "serial.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "terminal_prefix.h"
#include "terminal_raw.h"
#include "terminal_reader.h"
#include "vx86/blocking.h"

enum { GUEST_BYTES = 4096 };

struct serial {
    struct vx_log *log;
    struct vx_char chr;
    bool attached; /* not "none" */
    int out_fd;
    bool owns_out, write_failed;
    bool is_terminal; /* the input is */
    bool holds;       /* a terminal, as terminal_raw_enter() means it: input, output or both */
    bool escape;      /* prefix_feed() looks at the input */
    void (*leave)(void *opaque);
    void (*debug)(void *opaque);
    void *opaque;
    struct vx_loop *loop;
    struct vx_blocking *blocking;
    int in_fd;
    struct terminal_reader *reader;
    bool reader_waits;
    bool prefix_seen;
    uint8_t raw[VX_TERMINAL_READER_MAX_CHUNK];
    size_t raw_at, raw_count;
    uint8_t guest[GUEST_BYTES];
    size_t guest_count;
};

/* ---- output ------------------------------------------------------------------------------------------------------ */

static ssize_t write_some(struct serial *serial, const uint8_t *bytes, size_t count)
{
    vx_blocking_enter(serial->blocking);
    ssize_t done = write(serial->out_fd, bytes, count);
    if (done < 0 && errno == EAGAIN) {
        struct pollfd fd = { .fd = serial->out_fd, .events = POLLOUT };
        done = poll(&fd, 1, -1) > 0 ? 0 : -1;
    }
    int reason = errno;
    vx_blocking_leave(serial->blocking);
    errno = reason;
    return done;
}

/* By somebody else, since the process is about to end: what comes now would stay with the user. */
static bool was_given_back(const struct serial *serial)
{
    return serial->holds && !terminal_raw_is_held();
}

static void write_all(struct serial *serial, const uint8_t *bytes, size_t count)
{
    while (count > 0 && !serial->write_failed && !was_given_back(serial)) {
        ssize_t done = write_some(serial, bytes, count);
        if (done >= 0) {
            bytes += done;
            count -= (size_t)done;
        } else if (errno == EINTR) {
            serial->write_failed = vx_blocking_ending(serial->blocking);
        } else {
            serial->write_failed = true; /* said once; the guest cannot be helped */
            vx_log_error(serial->log, VX_LOG_DEVICE, "serial output is lost from here on: %s; %s", strerror(errno),
                         vx_err_remedy(errno, "nobody takes it"));
        }
    }
}

static void char_write(void *opaque, const uint8_t *bytes, size_t count)
{
    write_all(opaque, bytes, count);
}

/* ---- input ------------------------------------------------------------------------------------------------------- */

static void show_help(struct serial *serial)
{
    static const char text[] = "\r\n" VX_PREFIX_HELP_TEXT "\r\n";
    write_all(serial, (const uint8_t *)text, sizeof text - 1);
}

static void feed(struct serial *serial, uint8_t byte)
{
    switch (serial->escape ? prefix_feed(&serial->prefix_seen, byte) : VX_PREFIX_PASS) {
    case VX_PREFIX_LEAVE:
        if (serial->leave != NULL)
            serial->leave(serial->opaque);
        return;
    case VX_PREFIX_DEBUG:
        if (serial->debug != NULL)
            serial->debug(serial->opaque);
        return;
    case VX_PREFIX_HELP: show_help(serial); return;
    case VX_PREFIX_NONE: return;
    case VX_PREFIX_SEND: byte = VX_PREFIX_KEY; break;
    case VX_PREFIX_PASS: break;
    }
    if (serial->guest_count < GUEST_BYTES)
        serial->guest[serial->guest_count++] = byte;
}

static void offer(struct serial *serial)
{
    if (serial->guest_count == 0)
        return;
    size_t taken = vx_char_receive(&serial->chr, serial->guest, serial->guest_count);
    VX_ASSERT(taken <= serial->guest_count);
    serial->guest_count -= taken;
    memmove(serial->guest, serial->guest + taken, serial->guest_count);
}

/* Moves input towards the guest as far as it goes (I1). */
static void pump(struct serial *serial)
{
    offer(serial);
    while (serial->raw_at < serial->raw_count && (serial->is_terminal || serial->guest_count == 0)) {
        feed(serial, serial->raw[serial->raw_at++]);
        if (!serial->is_terminal)
            offer(serial);
    }
    offer(serial);
}

static bool wants_more(const struct serial *serial)
{
    return serial->raw_at == serial->raw_count && (serial->is_terminal || serial->guest_count == 0);
}

static bool on_bytes(void *opaque, const uint8_t *bytes, size_t count)
{
    struct serial *serial = opaque;
    memcpy(serial->raw, bytes, count);
    serial->raw_at = 0;
    serial->raw_count = count;
    pump(serial);
    serial->reader_waits = !wants_more(serial);
    return !serial->reader_waits;
}

static void can_receive(void *opaque)
{
    struct serial *serial = opaque;
    pump(serial);
    if (serial->reader_waits && wants_more(serial)) {
        serial->reader_waits = false;
        terminal_reader_continue(serial->reader);
    }
}

static const struct vx_char_ops both_ways = { .write = char_write, .can_receive = can_receive };
static const struct vx_char_ops output_only = { .write = char_write };

/* ---- life -------------------------------------------------------------------------------------------------------- */

static vx_err open_reader(struct serial *serial)
{
    return terminal_reader_create(&(struct terminal_reader_config){ .log = serial->log,
                                                                    .loop = serial->loop,
                                                                    .fd = serial->in_fd,
                                                                    .chunk_bytes = VX_TERMINAL_READER_MAX_CHUNK,
                                                                    .resize_fd = -1,
                                                                    .on_bytes = on_bytes,
                                                                    .opaque = serial },
                                  &serial->reader);
}

static vx_err open_stdio(struct serial *serial, const struct serial_config *config)
{
    serial->out_fd = config->out_fd;
    serial->is_terminal = isatty(config->in_fd);
    serial->holds = serial->is_terminal || isatty(config->out_fd);
    if (serial->holds) {
        vx_err err = terminal_raw_enter(config->in_fd, config->out_fd);
        serial->holds = err == VX_ERR_OK;
        if (err == VX_ERR_LOCKED)
            vx_log_error(config->log, VX_LOG_GENERAL,
                         "the terminal already serves the display: use --serial file:PATH or --display none");
        else if (err != VX_ERR_OK)
            vx_log_error(config->log, VX_LOG_GENERAL, "cannot set up the terminal: %s", strerror(errno));
        VX_TRY(err);
    }
    if (config->in_fd < 0)
        return VX_ERR_OK;
    serial->chr.ops = &both_ways;
    return open_reader(serial);
}

void serial_release(struct serial *serial)
{
    if (serial == NULL || !serial->holds)
        return;
    if (serial->is_terminal) {
        terminal_reader_destroy(serial->reader);
        serial->reader = NULL;
    }
    terminal_raw_leave();
    serial->holds = false;
}

void serial_reclaim(struct serial *serial)
{
    if (serial == NULL || serial->holds || !(serial->is_terminal || isatty(serial->out_fd)) ||
        !terminal_raw_is_ours(serial->is_terminal ? serial->in_fd : serial->out_fd))
        return;
    serial->reader_waits = false;
    serial->holds = terminal_raw_enter(serial->in_fd, serial->out_fd) == VX_ERR_OK;
    if (!serial->holds || (serial->is_terminal && open_reader(serial) != VX_ERR_OK))
        vx_log_warn(serial->log, VX_LOG_DEVICE, "the terminal cannot be taken back: the guest gets no more input");
}

static vx_err open_file(struct serial *serial, const struct serial_config *config, const char *path)
{
    struct vx_why why;
    serial->out_fd = vx_files_open_output(config->files, VX_FILE_ANYWHERE, path, "--serial", &why);
    if (serial->out_fd < 0) {
        vx_log_error(serial->log, VX_LOG_GENERAL, "--serial: %s: %s; %s", path, why.text,
                     vx_err_remedy(why.reason, "name another file"));
        return VX_ERR_ACCESS;
    }
    serial->owns_out = true;
    return VX_ERR_OK;
}

static vx_err open_spec(struct serial *serial, const struct serial_config *config)
{
    static const char file_prefix[] = "file:";
    size_t prefix_bytes = sizeof file_prefix - 1;
    if (strcmp(config->spec, "none") == 0)
        return VX_ERR_OK;
    serial->attached = true;
    if (strcmp(config->spec, "stdio") == 0)
        return open_stdio(serial, config);
    if (strncmp(config->spec, file_prefix, prefix_bytes) == 0 && config->spec[prefix_bytes] != '\0')
        return open_file(serial, config, config->spec + prefix_bytes);
    vx_log_error(config->log, VX_LOG_GENERAL, "serial port: '%s' is not stdio, none or file:PATH", config->spec);
    return VX_ERR_BAD_ARGUMENT;
}

vx_err serial_create(const struct serial_config *config, struct serial **out)
{
    struct serial *serial = calloc(1, sizeof *serial);
    if (serial == NULL)
        return VX_ERR_NO_MEMORY;
    serial->log = config->log;
    serial->escape = config->escape;
    serial->leave = config->leave;
    serial->debug = config->debug;
    serial->loop = config->loop;
    serial->in_fd = config->in_fd;
    serial->blocking = config->blocking;
    serial->opaque = config->opaque;
    serial->out_fd = -1;
    serial->chr = (struct vx_char){ .ops = &output_only, .opaque = serial };
    vx_err err = open_spec(serial, config);
    if (err != VX_ERR_OK) {
        serial_destroy(serial);
        return err;
    }
    *out = serial;
    return VX_ERR_OK;
}

void serial_destroy(struct serial *serial)
{
    if (serial == NULL)
        return;
    terminal_reader_destroy(serial->reader);
    if (serial->holds)
        terminal_raw_leave();
    if (serial->owns_out)
        close(serial->out_fd);
    free(serial);
}

bool serial_lost_output(const struct serial *serial)
{
    return serial != NULL && serial->write_failed && !vx_blocking_ending(serial->blocking);
}

struct vx_char *serial_char(struct serial *serial)
{
    return serial->attached ? &serial->chr : NULL;
}
