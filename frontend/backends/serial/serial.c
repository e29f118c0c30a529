/* serial.c - see serial.h.
 *
 * Input: reader thread -> on_bytes -> raw[] -> prefix -> queue -> UART, which asks for more by can_receive().
 *
 *   I1  From a terminal all of raw[] goes through the prefix at once, so that Ctrl-A x works while the guest takes
 *       nothing, as long as the queue has room. From anything else a byte leaves raw[] only when the queue is empty.
 *   I2  Nothing is lost or overtakes: raw[] is filled anew only when it is empty, so whoever sends waits. */
#include "serial.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serial_ends.h"
#include "serial_queue.h"
#include "terminal_prefix.h"
#include "terminal_raw.h"
#include "terminal_reader.h"
#include "vx86/blocking.h"

/* So long the guest waits for a connection or pty that takes nothing; then what it sends is dropped until there is
 * room again. */
enum { STALL_MS = 1000 };

struct serial {
    struct vx_log *log;
    struct vx_char chr;
    bool attached;    /* not "none" */
    const char *port; /* "COM1" */
    int out_fd;       /* -1: nobody has connected */
    bool write_failed;
    struct serial_ends ends;
    bool stalled;     /* the peer takes nothing: what the guest sends is dropped */
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
    struct serial_queue queue;
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

/* A wire without handshake: a peer that stalls or is not there costs what is sent, not the guest. */
static void peer_write(void *opaque, const uint8_t *bytes, size_t count)
{
    struct serial *serial = opaque;
    while (count > 0 && serial->out_fd >= 0) {
        ssize_t done = write(serial->out_fd, bytes, count);
        if (done >= 0) {
            bytes += done;
            count -= (size_t)done;
            serial->stalled = false;
        } else if (errno == EAGAIN && !serial->stalled) {
            struct pollfd fd = { .fd = serial->out_fd, .events = POLLOUT };
            vx_blocking_enter(serial->blocking);
            serial->stalled = poll(&fd, 1, STALL_MS) <= 0;
            vx_blocking_leave(serial->blocking);
            if (serial->stalled)
                vx_log_warn(serial->log, VX_LOG_DEVICE,
                            "%s: nobody takes what the guest sends: it is dropped until "
                            "there is room",
                            serial->port);
        } else if (errno != EINTR) {
            return; /* stalled, or gone: the reader finds that out */
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
    serial_queue_add(&serial->queue, byte);
}

static void offer(struct serial *serial)
{
    struct serial_queue *queue = &serial->queue;
    if (queue->count != 0)
        serial_queue_drop(queue, vx_char_receive(&serial->chr, queue->bytes + queue->at, queue->count));
}

/* May a byte leave raw[] (I1)? */
static bool may_feed(struct serial *serial)
{
    return (serial->is_terminal || serial->queue.count == 0) && serial_queue_reserve(&serial->queue);
}

/* Moves input towards the guest as far as it goes. */
static void pump(struct serial *serial)
{
    offer(serial);
    while (serial->raw_at < serial->raw_count && may_feed(serial)) {
        feed(serial, serial->raw[serial->raw_at++]);
        if (!serial->is_terminal)
            offer(serial);
    }
    offer(serial);
}

/* keeps I2 */
static bool wants_more(const struct serial *serial)
{
    return serial->raw_at == serial->raw_count && (serial->is_terminal || serial->queue.count == 0);
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

static void on_peer(void *opaque, int fd)
{
    struct serial *serial = opaque;
    if (serial->out_fd >= 0)
        close(serial->out_fd);
    serial->out_fd = fd;
    serial->stalled = false;
    vx_log_info(serial->log, VX_LOG_DEVICE, "%s: %s", serial->port, fd >= 0 ? "connected" : "disconnected");
}

static const struct vx_char_ops peer_ops = { .write = peer_write, .can_receive = can_receive };
static const struct vx_char_ops both_ways = { .write = char_write, .can_receive = can_receive };
static const struct vx_char_ops output_only = { .write = char_write };

/* ---- life -------------------------------------------------------------------------------------------------------- */

static vx_err open_reader(struct serial *serial)
{
    return terminal_reader_create(&(struct terminal_reader_config){ .log = serial->log,
                                                                    .loop = serial->loop,
                                                                    .fd = serial->in_fd,
                                                                    .listens = serial->ends.listen_fd >= 0,
                                                                    .listen_fd = serial->ends.listen_fd,
                                                                    .chunk_bytes = VX_TERMINAL_READER_MAX_CHUNK,
                                                                    .resize_fd = -1,
                                                                    .on_bytes = on_bytes,
                                                                    .on_peer = on_peer,
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
                         "the terminal already serves something else: use --serial file:PATH or --display none");
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
    if (serial == NULL || serial->holds || serial->ends.kind != SERIAL_STDIO ||
        !(serial->is_terminal || isatty(serial->out_fd)) ||
        !terminal_raw_is_ours(serial->is_terminal ? serial->in_fd : serial->out_fd))
        return;
    serial->reader_waits = false;
    serial->holds = terminal_raw_enter(serial->in_fd, serial->out_fd) == VX_ERR_OK;
    if (!serial->holds || (serial->is_terminal && open_reader(serial) != VX_ERR_OK))
        vx_log_warn(serial->log, VX_LOG_DEVICE, "the terminal cannot be taken back: the guest gets no more input");
}

static vx_err open_spec(struct serial *serial, const struct serial_config *config)
{
    struct serial_ends *ends = &serial->ends;
    VX_TRY(serial_ends_open(config, ends));
    serial->attached = ends->kind != SERIAL_NONE;
    if (ends->kind == SERIAL_STDIO)
        return open_stdio(serial, config);
    serial->in_fd = ends->in_fd;
    serial->out_fd = ends->out_fd;
    serial->escape = false;
    if (ends->kind == SERIAL_PEER)
        serial->chr.ops = &peer_ops;
    else if (ends->in_fd >= 0)
        serial->chr.ops = &both_ways;
    return ends->in_fd >= 0 || ends->listen_fd >= 0 ? open_reader(serial) : VX_ERR_OK;
}

vx_err serial_create(const struct serial_config *config, struct serial **out)
{
    struct serial *serial = calloc(1, sizeof *serial);
    if (serial == NULL)
        return VX_ERR_NO_MEMORY;
    serial->log = config->log;
    serial->port = config->port;
    serial->ends = SERIAL_ENDS_CLOSED;
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
    if (serial->ends.listen_fd >= 0 && serial->out_fd >= 0)
        close(serial->out_fd);
    serial_ends_close(&serial->ends);
    serial_queue_fini(&serial->queue);
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

bool serial_listens(const struct serial *serial)
{
    return serial != NULL && serial->ends.listen_fd >= 0;
}
