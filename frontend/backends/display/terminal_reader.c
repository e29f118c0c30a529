/* terminal_reader.c - see terminal_reader.h.
 *
 *   reader thread: wait_ready -> poll -> read -> post ... -> machine thread: deliver -> on_bytes -> ready
 *
 *   I1  `chunk`, `count` and `events` belong to the reader thread while `ready`, to the machine thread from the post
 *       until `ready` is set again. `ready`, `stop` and `posted` are read and written with the mutex held.
 *   I2  The work is posted only while it is not posted already. */
#include "terminal_reader.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vx86/host.h"
#include "vx86/thread.h"

enum { EVENT_BYTES = 1, EVENT_PAUSE = 2, EVENT_RESIZE = 4, EVENT_PEER = 8, EVENT_NONE = 0, EVENT_END = 16 };

struct terminal_reader {
    struct vx_work work; /* first: the work is the reader */
    struct terminal_reader_config config;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    int quit[2];              /* pipe: closed at one end to end a poll */
    bool ready, stop, posted; /* I1 */
    unsigned events;
    uint8_t chunk[VX_TERMINAL_READER_MAX_CHUNK];
    size_t count;
    int fd; /* what is read; -1: nobody has connected. As `chunk` (I1) */
};

static void set_ready(struct terminal_reader *reader)
{
    pthread_mutex_lock(&reader->mutex);
    reader->ready = true;
    pthread_cond_signal(&reader->cond);
    pthread_mutex_unlock(&reader->mutex);
}

void terminal_reader_continue(struct terminal_reader *reader)
{
    set_ready(reader);
}

/* On the machine thread. */
static void deliver(struct vx_work *work)
{
    struct terminal_reader *reader = (struct terminal_reader *)work;
    const struct terminal_reader_config *config = &reader->config;
    unsigned events = reader->events;
    bool more = true;
    pthread_mutex_lock(&reader->mutex);
    reader->posted = false;
    pthread_mutex_unlock(&reader->mutex);
    if (events & EVENT_RESIZE)
        config->on_resize(config->opaque);
    if (events & EVENT_PAUSE)
        config->on_pause(config->opaque);
    if (events & EVENT_PEER)
        config->on_peer(config->opaque, reader->fd);
    if (events & EVENT_BYTES)
        more = config->on_bytes(config->opaque, reader->chunk, reader->count);
    if (more)
        set_ready(reader);
}

/* ---- reader thread ----------------------------------------------------------------------------------------------- */

/* False when the thread is to end. */
static bool wait_ready(struct terminal_reader *reader)
{
    pthread_mutex_lock(&reader->mutex);
    while (!reader->ready && !reader->stop)
        pthread_cond_wait(&reader->cond, &reader->mutex);
    bool go_on = !reader->stop;
    pthread_mutex_unlock(&reader->mutex);
    return go_on;
}

static void post(struct terminal_reader *reader, unsigned events)
{
    pthread_mutex_lock(&reader->mutex);
    reader->events = events;
    reader->ready = false;
    bool go_on = !reader->stop;
    if (go_on)
        reader->posted = true;
    pthread_mutex_unlock(&reader->mutex);
    if (go_on)
        vx_loop_post(reader->config.loop, &reader->work);
}

static void empty_pipe(int fd)
{
    uint8_t dump[64];
    while (read(fd, dump, sizeof dump) == (ssize_t)sizeof dump)
        continue;
}

/* A connection, unless it has gone again already. */
static unsigned take_peer(struct terminal_reader *reader)
{
    reader->fd = vx_host_accept(reader->config.listen_fd);
    return reader->fd >= 0 ? EVENT_PEER : EVENT_NONE;
}

static unsigned take_bytes(struct terminal_reader *reader)
{
    ssize_t got = read(reader->fd, reader->chunk, reader->config.chunk_bytes);
    if (got > 0) {
        reader->count = (size_t)got;
        return EVENT_BYTES;
    }
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return EVENT_NONE;
    if (!reader->config.listens)
        return EVENT_END;
    reader->fd = -1;
    return EVENT_PEER;
}

/* Waits for what comes next; returns its EVENT_ bit, or 0 at the end of the input or of the reader. */
static unsigned wait_event(struct terminal_reader *reader, bool pause_counts)
{
    const struct terminal_reader_config *config = &reader->config;
    int fd = reader->fd >= 0 || !config->listens ? reader->fd : config->listen_fd;
    struct pollfd fds[3] = { { .fd = fd, .events = POLLIN },
                             { .fd = reader->quit[0], .events = POLLIN },
                             { .fd = config->resize_fd, .events = POLLIN } };
    for (;;) {
        int n = poll(fds, 3, pause_counts && config->pause_ms != 0 ? (int)config->pause_ms : -1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || fds[1].revents != 0)
            return 0;
        if (n == 0)
            return EVENT_PAUSE;
        if (fds[2].revents != 0) {
            empty_pipe(config->resize_fd);
            return EVENT_RESIZE;
        }
        unsigned event = reader->fd < 0 ? take_peer(reader) : take_bytes(reader);
        if (event != EVENT_NONE)
            return event == EVENT_END ? 0 : event;
    }
}

static void *reader_main(void *arg)
{
    struct terminal_reader *reader = arg;
    const struct terminal_reader_config *config = &reader->config;
    bool pause_counts = false;
    while (wait_ready(reader)) {
        unsigned event = wait_event(reader, pause_counts);
        if (event == 0)
            break;
        bool full = event == EVENT_BYTES && reader->count == config->chunk_bytes;
        pause_counts = event == EVENT_BYTES;
        post(reader, event);
        if (full && config->gap_ms != 0) {
            struct pollfd quit = { .fd = reader->quit[0], .events = POLLIN };
            poll(&quit, 1, (int)config->gap_ms);
        }
    }
    return NULL;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

vx_err terminal_reader_create(const struct terminal_reader_config *config, struct terminal_reader **out)
{
    VX_ASSERT(config->chunk_bytes >= 1 && config->chunk_bytes <= VX_TERMINAL_READER_MAX_CHUNK);
    struct terminal_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return VX_ERR_NO_MEMORY;
    reader->config = *config;
    reader->fd = config->fd;
    reader->work.fn = deliver;
    reader->ready = true;
    if (!vx_host_pipe(reader->quit)) {
        vx_log_error(config->log, VX_LOG_GENERAL, "cannot make a pipe for the input: %s; %s", strerror(errno),
                     vx_err_remedy(errno, "try again later"));
        free(reader);
        return VX_ERR_IO;
    }
    pthread_mutex_init(&reader->mutex, NULL);
    pthread_cond_init(&reader->cond, NULL);
    vx_err err = vx_thread_start(config->log, "vx86 input", reader_main, reader, &reader->thread);
    if (err != VX_ERR_OK) {
        close(reader->quit[0]);
        close(reader->quit[1]);
        free(reader);
        return err;
    }
    *out = reader;
    return VX_ERR_OK;
}

void terminal_reader_destroy(struct terminal_reader *reader)
{
    if (reader == NULL)
        return;
    pthread_mutex_lock(&reader->mutex);
    reader->stop = true;
    pthread_cond_signal(&reader->cond);
    pthread_mutex_unlock(&reader->mutex);
    close(reader->quit[1]);
    pthread_join(reader->thread, NULL);
    if (reader->posted) /* the loop must not keep a pointer to us */
        vx_loop_run_posted(reader->config.loop);
    close(reader->quit[0]);
    pthread_cond_destroy(&reader->cond);
    pthread_mutex_destroy(&reader->mutex);
    free(reader);
}
