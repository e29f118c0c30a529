/* helper.c - see helper.h.
 *
 *   helper thread: poll -> read into the inbox -> post ... -> loop's thread: deliver -> receive() -> the inbox is free
 *                       -> write what is queued ... -> post -> loop's thread: room()
 *
 *   I1  `inbox` belongs to the helper thread while `inbox_free`, to the loop's thread from the post until it is set
 *       again.
 *   I2  What the mutex guards: inbox_free, posted, news, queue, refused, ended. `posted`: the work is with the loop.
 *   I3  A message is in the queue whole, or has been written whole, or its rest is at the queue's beginning; so
 *       messages leave in order whoever writes. */
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helper_child.h"
#include "helper_wire.h"
#include "vx86/clock.h"
#include "vx86/host.h"
#include "vx86/thread.h"

/* How long a helper may take to set itself up, and to finish. */
#define START_NS (20 * VX_NS_PER_SEC)
#define END_NS   (2 * VX_NS_PER_SEC)

#define MAX_ARGUMENTS 64u

enum { NEWS_BYTES = 1u << 0, NEWS_ROOM = 1u << 1, NEWS_GONE = 1u << 2 };

struct helper {
    struct vx_work work; /* first: the work is the helper */
    struct helper_config config;
    char name[32];
    pid_t pid;
    int fd;
    pthread_t thread;
    bool has_thread;
    struct vx_host_waker waker; /* of the helper thread */
    struct helper_inbox inbox;  /* I1 */
    pthread_mutex_t mutex;      /* I2 */
    bool inbox_free, posted, refused, ended, stop;
    unsigned news;
    uint8_t *queue; /* HELPER_QUEUE_BYTES and one message */
    size_t queued;
    bool gone; /* the loop's thread alone: gone() has been called */
};

/* ---- with the mutex held ----------------------------------------------------------------------------------------- */

/* True: the work is to be posted when the mutex is free. */
static bool add_news(struct helper *helper, unsigned news)
{
    bool post = !helper->posted && !helper->stop;
    helper->news |= news;
    helper->posted |= post;
    return post;
}

/* Writes what the socket takes. Returns what was written, -1 when the peer has gone. */
static ssize_t write_some(const struct helper *helper, const uint8_t *bytes, size_t count)
{
    size_t done = 0;
    while (done < count) {
        ssize_t put = write(helper->fd, bytes + done, count - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return errno == EAGAIN ? (ssize_t)done : -1;
        done += (size_t)put;
    }
    return (ssize_t)done;
}

/* False: the peer has gone. */
static bool write_queue(struct helper *helper)
{
    ssize_t put = write_some(helper, helper->queue, helper->queued);
    if (put < 0)
        return false;
    helper->queued -= (size_t)put;
    memmove(helper->queue, helper->queue + put, helper->queued);
    return true;
}

/* ---- the helper thread ------------------------------------------------------------------------------------------- */

/* What to wait for; false when the thread is to end. */
static bool wanted(struct helper *helper, short *events)
{
    pthread_mutex_lock(&helper->mutex);
    bool go_on = !helper->stop && !helper->ended;
    *events = (short)((helper->inbox_free ? POLLIN : 0) | (helper->queued > 0 ? POLLOUT : 0));
    pthread_mutex_unlock(&helper->mutex);
    return go_on;
}

static void attend(struct helper *helper, short revents, bool reads)
{
    unsigned news = 0;
    /* A peer that has gone may have said something before. */
    int got = reads && revents != 0 ? helper_inbox_fill(&helper->inbox, helper->fd) : 0;
    pthread_mutex_lock(&helper->mutex);
    if (got > 0) {
        helper->inbox_free = false;
        news |= NEWS_BYTES;
    }
    bool gone = got < 0 || (!reads && (revents & (POLLHUP | POLLERR)) != 0);
    if (!gone && (revents & POLLOUT) != 0) {
        gone = !write_queue(helper);
        if (helper->refused && helper->queued <= HELPER_QUEUE_BYTES / 2) {
            helper->refused = false;
            news |= NEWS_ROOM;
        }
    }
    if (gone) {
        helper->ended = true;
        news |= NEWS_GONE;
    }
    bool post = news != 0 && add_news(helper, news);
    pthread_mutex_unlock(&helper->mutex);
    if (post)
        vx_loop_post(helper->config.loop, &helper->work);
}

static void *helper_main(void *opaque)
{
    struct helper *helper = opaque;
    short events;
    while (wanted(helper, &events)) {
        struct pollfd fds[2] = { { .fd = helper->fd, .events = events }, { .fd = helper->waker.fd, .events = POLLIN } };
        /* Nothing is asked of the socket while the inbox is the loop's: not even whether the peer has gone. */
        if (events == 0)
            fds[0].fd = -1;
        if (poll(fds, 2, -1) < 0)
            continue;
        if (fds[1].revents != 0)
            vx_host_waker_clear(&helper->waker);
        if (fds[0].revents != 0)
            attend(helper, fds[0].revents, (events & POLLIN) != 0);
    }
    return NULL;
}

/* ---- the loop's thread ------------------------------------------------------------------------------------------- */

static void tell_gone(struct helper *helper, const char *why)
{
    if (helper->gone)
        return;
    helper->gone = true;
    pthread_mutex_lock(&helper->mutex);
    helper->ended = true;
    pthread_mutex_unlock(&helper->mutex);
    vx_host_waker_wake(&helper->waker);
    vx_log_warn(helper->config.log, VX_LOG_GENERAL, "the %s helper %s; vx86 goes on without", helper->name, why);
    if (helper->config.gone != NULL)
        helper->config.gone(helper->config.opaque);
}

/* Offers what is in the inbox, which belongs to this thread. */
static void offer(struct helper *helper)
{
    struct helper_header header;
    const uint8_t *payload;
    int whole;
    while (!helper->gone && (whole = helper_inbox_peek(&helper->inbox, &header, &payload)) != 0) {
        if (whole < 0 || header.type < HELPER_FIRST_TYPE) {
            tell_gone(helper, "has sent something that is no message");
            return;
        }
        if (!helper->config.receive(helper->config.opaque, header.type, payload, header.bytes))
            return;
        helper_inbox_drop(&helper->inbox);
    }
    pthread_mutex_lock(&helper->mutex);
    helper->inbox_free = true;
    pthread_mutex_unlock(&helper->mutex);
    vx_host_waker_wake(&helper->waker);
}

static void deliver(struct vx_work *work)
{
    struct helper *helper = (struct helper *)work;
    pthread_mutex_lock(&helper->mutex);
    unsigned news = helper->news;
    helper->news = 0;
    helper->posted = false;
    pthread_mutex_unlock(&helper->mutex);
    if (news & NEWS_BYTES)
        offer(helper);
    if ((news & NEWS_ROOM) != 0 && helper->config.room != NULL && !helper->gone)
        helper->config.room(helper->config.opaque);
    if (news & NEWS_GONE)
        tell_gone(helper, "has ended");
}

void helper_continue(struct helper *helper)
{
    pthread_mutex_lock(&helper->mutex);
    bool mine = !helper->inbox_free && (helper->news & NEWS_BYTES) == 0;
    pthread_mutex_unlock(&helper->mutex);
    if (mine)
        offer(helper);
}

bool helper_alive(const struct helper *helper)
{
    return !helper->gone;
}

/* Keeps I3. */
static bool put_in_queue(struct helper *helper, const struct helper_header *header, const void *payload, bool *wake)
{
    if (helper->queued > HELPER_QUEUE_BYTES) {
        helper->refused = true;
        return false;
    }
    memcpy(helper->queue + helper->queued, header, sizeof *header);
    helper->queued += sizeof *header;
    if (header->bytes > 0)
        memcpy(helper->queue + helper->queued, payload, header->bytes);
    helper->queued += header->bytes;
    bool first = helper->queued == sizeof *header + header->bytes;
    if (first && !write_queue(helper)) /* most often the socket takes it all */
        helper->queued = 0;            /* the thread hears it by itself */
    *wake = first && helper->queued > 0;
    return true;
}

bool helper_send(struct helper *helper, unsigned type, const void *payload, size_t bytes)
{
    struct helper_header header = { .type = type, .bytes = (uint32_t)bytes };
    bool wake = false, done = true;
    VX_ASSERT(bytes <= HELPER_MAX_BYTES && type <= HELPER_LAST_TYPE);
    pthread_mutex_lock(&helper->mutex);
    if (!helper->ended)
        done = put_in_queue(helper, &header, payload, &wake);
    pthread_mutex_unlock(&helper->mutex);
    if (wake)
        vx_host_waker_wake(&helper->waker);
    return done;
}

/* ---- start ------------------------------------------------------------------------------------------------------- */

static vx_err refuse(struct helper *helper, const char *what, int error)
{
    vx_log_error(helper->config.log, VX_LOG_GENERAL, "the %s helper cannot be started: %s: %s; %s", helper->name, what,
                 strerror(error), vx_err_remedy(error, "see what the host allows this user"));
    return VX_ERR_IO;
}

/* Returns 0 or an errno value. */
static int add_descriptors(posix_spawn_file_actions_t *actions, int socket, int shared)
{
    int error = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (error == 0)
        error = posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(actions, socket, HELPER_CHILD_SOCKET);
    if (error == 0 && shared >= 0)
        error = posix_spawn_file_actions_adddup2(actions, shared, HELPER_CHILD_SHARED);
    return error;
}

/* Returns 0 or an errno value. */
static int spawn(struct helper *helper, char *const *argv, int socket, int shared)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    extern char **environ;
    sigset_t none;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    int error = add_descriptors(&actions, socket, shared);
    if (error == 0)
        error = posix_spawn(&helper->pid, argv[0], &actions, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

/* Copies of both descriptors above those that the helper is born with, so that none replaces another. */
static vx_err spawn_apart(struct helper *helper, char *const *argv, int socket, int shared)
{
    int high[2] = { fcntl(socket, F_DUPFD_CLOEXEC, 10), shared >= 0 ? fcntl(shared, F_DUPFD_CLOEXEC, 10) : -1 };
    int error = high[0] < 0 || (shared >= 0 && high[1] < 0) ? errno : spawn(helper, argv, high[0], high[1]);
    for (unsigned i = 0; i < 2; i++)
        if (high[i] >= 0)
            close(high[i]);
    return error == 0 ? VX_ERR_OK : refuse(helper, "it does not run", error);
}

static vx_err run(struct helper *helper)
{
    char path[4096], word[] = "helper";
    char *argv[MAX_ARGUMENTS + 4] = { path, word, helper->name };
    unsigned count = 3;
    union {
        const char *in;
        char *out;
    } borrowed; /* posix_spawn() does not write there */
    for (const char *const *argument = helper->config.arguments; argument != NULL && *argument != NULL; argument++) {
        VX_ASSERT(count < MAX_ARGUMENTS + 3);
        borrowed.in = *argument;
        argv[count++] = borrowed.out;
    }
    int ends[2];
    if (helper->config.program != NULL)
        snprintf(path, sizeof path, "%s", helper->config.program);
    else if (!vx_host_program_path(path, sizeof path))
        return refuse(helper, "the path of this program is not known", errno);
    if (!vx_host_socket_pair(ends))
        return refuse(helper, "no socket", errno);
    helper->fd = ends[0];
    vx_err err = spawn_apart(helper, argv, ends[1], helper->config.shared);
    close(ends[1]);
    return err;
}

/* ---- the helper's first word ------------------------------------------------------------------------------------- */

/* 1: a message is in the inbox; 0: the helper has gone, or takes too long; -1: the run is to end. */
static int wait_message(struct helper *helper, struct helper_header *header, const uint8_t **payload)
{
    uint64_t until = vx_host_now_ns() + START_NS;
    for (;;) {
        struct pollfd fd = { .fd = helper->fd, .events = POLLIN };
        uint64_t now = vx_host_now_ns();
        if (now >= until)
            return 0;
        vx_blocking_enter(helper->config.blocking);
        int n = poll(&fd, 1, (int)((until - now) / 1000000 + 1));
        vx_blocking_leave(helper->config.blocking);
        if (vx_blocking_ending(helper->config.blocking))
            return -1;
        if (n > 0 && helper_inbox_fill(&helper->inbox, helper->fd) < 0)
            return 0;
        int whole = helper_inbox_peek(&helper->inbox, header, payload);
        if (whole != 0)
            return whole > 0;
    }
}

static vx_err wait_ready(struct helper *helper)
{
    struct helper_header header;
    const uint8_t *payload;
    char line[300];
    struct vx_log *log = helper->config.log;
    int got = wait_message(helper, &header, &payload);
    if (got < 0)
        return VX_ERR_IO;
    if (got > 0 && header.type == HELPER_WIRE_READY) {
        helper_inbox_drop(&helper->inbox);
        return VX_ERR_OK;
    }
    if (got > 0 && header.type == HELPER_WIRE_FAILED) {
        snprintf(line, sizeof line, "%.*s", (int)header.bytes, (const char *)payload);
        vx_log_error(log, VX_LOG_GENERAL, "%s: %s", helper->name, line);
        return VX_ERR_UNSUPPORTED;
    }
    vx_log_error(log, VX_LOG_GENERAL, "the %s helper has ended before it was ready, or hangs", helper->name);
    return VX_ERR_IO;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static vx_err set_up(struct helper *helper)
{
    if (helper->queue == NULL || !helper_inbox_init(&helper->inbox))
        return VX_ERR_NO_MEMORY;
    if (!vx_host_waker_init(&helper->waker))
        return refuse(helper, "nothing wakes its thread", errno);
    VX_TRY(run(helper));
    VX_TRY(wait_ready(helper));
    bool has_more = helper->inbox.at != helper->inbox.end;
    helper->inbox_free = !has_more;
    helper->posted = has_more;
    helper->news = has_more ? NEWS_BYTES : 0;
    VX_TRY(vx_thread_start(helper->config.log, "vx86 helper", helper_main, helper, &helper->thread));
    helper->has_thread = true;
    if (has_more) /* it came with the first word */
        vx_loop_post(helper->config.loop, &helper->work);
    return VX_ERR_OK;
}

vx_err helper_start(const struct helper_config *config, struct helper **out)
{
    struct helper *helper = calloc(1, sizeof *helper);
    if (helper == NULL)
        return VX_ERR_NO_MEMORY;
    helper->config = *config;
    snprintf(helper->name, sizeof helper->name, "%s", config->name);
    helper->work.fn = deliver;
    helper->fd = helper->waker.fd = -1;
    helper->inbox_free = true;
    helper->queue = malloc(HELPER_QUEUE_BYTES + sizeof(struct helper_header) + HELPER_MAX_BYTES);
    pthread_mutex_init(&helper->mutex, NULL);
    vx_err err = set_up(helper);
    if (err != VX_ERR_OK) {
        helper_destroy(helper);
        return err;
    }
    *out = helper;
    return VX_ERR_OK;
}

/* The helper closes its end when it has finished. */
static void wait_for_end(struct helper *helper)
{
    uint64_t until = vx_host_now_ns() + END_NS;
    uint8_t dump[4096];
    for (uint64_t now = vx_host_now_ns(); now < until; now = vx_host_now_ns()) {
        struct pollfd fd = { .fd = helper->fd, .events = POLLIN };
        if (poll(&fd, 1, (int)((until - now) / 1000000 + 1)) <= 0)
            continue;
        ssize_t got = read(helper->fd, dump, sizeof dump);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return;
    }
}

static void say_goodbye(struct helper *helper)
{
    pthread_mutex_lock(&helper->mutex);
    helper->stop = true;
    pthread_mutex_unlock(&helper->mutex);
    vx_host_waker_wake(&helper->waker);
    pthread_join(helper->thread, NULL);
    if (helper->posted) /* the loop must not keep a pointer to us */
        vx_loop_run_posted(helper->config.loop);
    helper->stop = false;
    if (!helper->ended && helper_send(helper, HELPER_WIRE_GOODBYE, NULL, 0) && helper->queued == 0)
        wait_for_end(helper);
}

void helper_destroy(struct helper *helper)
{
    if (helper == NULL)
        return;
    if (helper->has_thread)
        say_goodbye(helper);
    if (helper->fd >= 0)
        close(helper->fd);
    if (helper->waker.fd >= 0)
        vx_host_waker_fini(&helper->waker);
    helper_inbox_fini(&helper->inbox);
    pthread_mutex_destroy(&helper->mutex);
    free(helper->queue);
    free(helper);
}
