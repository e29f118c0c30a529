/* gdb_link.c - the way to the client: a listening socket with one connection, or standard input and output.
 *
 *   guest stopped:  machine thread: wait -> accept, receive, send
 *   guest running:  watcher thread: poll -> post ... -> machine thread: ready()
 *
 *   I1  All descriptors are opened, read, written and closed on the machine thread; the watcher only polls, and a stale
 *       answer of poll() leads to a call of ready() that finds nothing.
 *   I2  `armed`, `posted`, `quit` and `watched` are read and written with the mutex held; the work is posted only while
 *       it is not posted already. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "gdb_private.h"
#include "vx86/socket.h"
#include "vx86/thread.h"

enum { PATIENCE_MS = 50, CHUNK = 4096 };

struct gdb_link {
    struct vx_work work; /* first: the work is the link */
    struct gdb_link_config config;
    int listen_fd, in_fd, out_fd; /* -1: none; in and out are the same for a socket */
    bool stdio;
    char path[sizeof((struct sockaddr_un *)0)->sun_path]; /* to be removed at the end, or "" */

    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex;
    struct vx_host_waker waker;
    bool armed, posted, quit; /* I2 */
    int watched[2];           /* I2: descriptors, -1: none */
};

/* ---- the watcher ------------------------------------------------------------------------------------------------- */

static void run_ready(struct vx_work *work)
{
    struct gdb_link *link = (struct gdb_link *)work;
    pthread_mutex_lock(&link->mutex);
    link->posted = false;
    pthread_mutex_unlock(&link->mutex);
    link->config.ready(link->config.opaque);
}

static void post_locked(struct gdb_link *link)
{
    link->armed = false;
    if (link->posted)
        return;
    link->posted = true;
    vx_loop_post(link->config.loop, &link->work);
}

static void wake_watcher(struct gdb_link *link)
{
    vx_host_waker_wake(&link->waker);
}

static void *watch_thread(void *opaque)
{
    struct gdb_link *link = opaque;
    for (;;) {
        pthread_mutex_lock(&link->mutex);
        bool quit = link->quit, armed = link->armed;
        struct pollfd fds[] = { { link->waker.fd, POLLIN, 0 },
                                { armed ? link->watched[0] : -1, POLLIN, 0 },
                                { armed ? link->watched[1] : -1, POLLIN, 0 } };
        pthread_mutex_unlock(&link->mutex);
        if (quit)
            return NULL;
        if (poll(fds, VX_ARRAY_LEN(fds), -1) <= 0)
            continue;
        if (fds[0].revents != 0) {
            vx_host_waker_clear(&link->waker);
            continue; /* what is watched may have changed */
        }
        pthread_mutex_lock(&link->mutex);
        if (link->armed)
            post_locked(link);
        pthread_mutex_unlock(&link->mutex);
    }
}

void gdb_link_watch(struct gdb_link *link, bool at_once)
{
    pthread_mutex_lock(&link->mutex);
    link->watched[0] = link->listen_fd;
    link->watched[1] = link->in_fd;
    link->armed = true;
    if (at_once)
        post_locked(link);
    pthread_mutex_unlock(&link->mutex);
    wake_watcher(link);
}

void gdb_link_unwatch(struct gdb_link *link)
{
    pthread_mutex_lock(&link->mutex);
    link->armed = false;
    pthread_mutex_unlock(&link->mutex);
    wake_watcher(link);
}

static vx_err start_watcher(struct gdb_link *link)
{
    if (!vx_host_waker_init(&link->waker)) {
        vx_log_error(link->config.log, VX_LOG_GENERAL, "--gdb: %s; %s", strerror(errno),
                     vx_err_remedy(errno, "try again later"));
        return VX_ERR_IO;
    }
    vx_err err = vx_thread_start(link->config.log, "vx86 gdb", watch_thread, link, &link->thread);
    link->has_thread = err == VX_ERR_OK;
    return err;
}

/* ---- the client -------------------------------------------------------------------------------------------------- */

bool gdb_link_is_stdio(const struct gdb_link *link)
{
    return link->stdio;
}

bool gdb_link_connected(const struct gdb_link *link)
{
    return link->in_fd >= 0;
}

/* Has the client hung up, though what it sent last may not be read yet? */
static bool leaving(const struct gdb_link *link)
{
    return vx_host_peer_gone(link->in_fd);
}

bool gdb_link_accept(struct gdb_link *link)
{
    struct pollfd fd = { link->listen_fd, POLLIN, 0 };
    if (link->listen_fd < 0 || poll(&fd, 1, 0) <= 0)
        return false;
    if (link->in_fd >= 0 && leaving(link)) /* asked after poll(): a client that comes back at once has left before */
        return false;
    int client = vx_host_accept(link->listen_fd);
    if (client < 0)
        return false;
    if (link->in_fd >= 0) {
        vx_log_warn(link->config.log, VX_LOG_GENERAL, "gdb: a second client was turned away");
        close(client);
        return false;
    }
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)); /* means nothing to a unix socket */
    link->in_fd = link->out_fd = client;
    return true;
}

void gdb_link_hang_up(struct gdb_link *link)
{
    if (!link->stdio && link->in_fd >= 0)
        close(link->in_fd);
    link->in_fd = link->out_fd = -1;
}

bool gdb_link_wait(struct gdb_link *link)
{
    struct pollfd fds[] = { { link->listen_fd, POLLIN, 0 }, { link->in_fd, POLLIN, 0 } };
    while (!link->config.cancelled(link->config.opaque))
        if (poll(fds, VX_ARRAY_LEN(fds), PATIENCE_MS) > 0)
            return true;
    return false;
}

long gdb_link_receive(struct gdb_link *link, uint8_t *bytes, size_t room)
{
    struct pollfd fd = { link->in_fd, POLLIN, 0 };
    if (link->in_fd < 0 || poll(&fd, 1, 0) <= 0)
        return 0;
    ssize_t n = read(link->in_fd, bytes, room);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    return n > 0 ? (long)n : -1;
}

static ssize_t send_some(const struct gdb_link *link, const char *bytes, size_t count)
{
    if (link->stdio)
        return write(link->out_fd, bytes, count < CHUNK ? count : CHUNK); /* a pipe that is ready has room for it */
    return send(link->out_fd, bytes, count, MSG_NOSIGNAL);
}

bool gdb_link_send(struct gdb_link *link, const char *bytes, size_t count)
{
    struct pollfd fd = { link->out_fd, POLLOUT, 0 };
    while (count > 0) {
        if (link->out_fd < 0 || link->config.cancelled(link->config.opaque))
            return false;
        if (poll(&fd, 1, PATIENCE_MS) <= 0)
            continue;
        ssize_t n = send_some(link, bytes, count);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        bytes += n > 0 ? n : 0;
        count -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static vx_err failed(const struct gdb_link *link, const char *advice)
{
    int reason = errno;
    vx_log_error(link->config.log, VX_LOG_GENERAL, "--gdb: %s: %s; %s", link->config.spec, strerror(reason),
                 vx_err_remedy(reason, advice));
    return reason == EADDRINUSE ? VX_ERR_LOCKED : reason == EACCES || reason == EPERM ? VX_ERR_ACCESS : VX_ERR_IO;
}

static vx_err open_port(struct gdb_link *link, unsigned port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    link->listen_fd = vx_host_socket(AF_INET, SOCK_STREAM, false);
    if (link->listen_fd < 0)
        return failed(link, "use unix:PATH");
    setsockopt(link->listen_fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    if (bind(link->listen_fd, (struct sockaddr *)&address, size) != 0 || listen(link->listen_fd, 1) != 0 ||
        getsockname(link->listen_fd, (struct sockaddr *)&address, &size) != 0)
        return failed(link, "choose another port");
    vx_log_info(link->config.log, VX_LOG_GENERAL, "gdb: target remote 127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    vx_log_warn(link->config.log, VX_LOG_GENERAL,
                "gdb: every program on this computer can connect there and command the guest; --gdb unix:PATH is for "
                "you alone");
    return VX_ERR_OK;
}

static vx_err open_path(struct gdb_link *link, const char *path)
{
    size_t length = strlen(path);
    if (length == 0 || length > vx_socket_path_max()) {
        vx_log_error(link->config.log, VX_LOG_GENERAL, "--gdb: a socket's path has 1 to %zu characters; choose another",
                     vx_socket_path_max());
        return VX_ERR_BAD_ARGUMENT;
    }
    link->listen_fd = vx_socket_listen_path(path);
    if (link->listen_fd < 0)
        return failed(link, "choose another path");
    memcpy(link->path, path, length + 1);
    vx_log_info(link->config.log, VX_LOG_GENERAL, "gdb: target remote %s", path);
    return VX_ERR_OK;
}

static vx_err open_spec(struct gdb_link *link)
{
    static const char prefix[] = "unix:";
    const char *spec = link->config.spec;
    char *end;
    if (strcmp(spec, "stdio") == 0) {
        link->stdio = true;
        link->in_fd = STDIN_FILENO;
        link->out_fd = STDOUT_FILENO;
        return VX_ERR_OK;
    }
    if (strncmp(spec, prefix, sizeof prefix - 1) == 0)
        return open_path(link, spec + sizeof prefix - 1);
    unsigned long port = strtoul(spec, &end, 10);
    if (spec[0] >= '0' && spec[0] <= '9' && *end == '\0' && port <= UINT16_MAX)
        return open_port(link, (unsigned)port);
    vx_log_error(link->config.log, VX_LOG_GENERAL, "--gdb: '%s' is not a port (0 to 65535), unix:PATH or stdio", spec);
    return VX_ERR_BAD_ARGUMENT;
}

vx_err gdb_link_create(const struct gdb_link_config *config, struct gdb_link **out)
{
    struct gdb_link *link = calloc(1, sizeof *link);
    if (link == NULL)
        return VX_ERR_NO_MEMORY;
    link->config = *config;
    link->work.fn = run_ready;
    link->listen_fd = link->in_fd = link->out_fd = link->waker.fd = link->watched[0] = link->watched[1] = -1;
    pthread_mutex_init(&link->mutex, NULL);
    vx_err err = start_watcher(link); /* before it is said where to connect */
    if (err == VX_ERR_OK)
        err = open_spec(link);
    if (err != VX_ERR_OK) {
        gdb_link_destroy(link);
        return err;
    }
    *out = link;
    return VX_ERR_OK;
}

void gdb_link_destroy(struct gdb_link *link)
{
    if (link->has_thread) {
        pthread_mutex_lock(&link->mutex);
        link->quit = true;
        pthread_mutex_unlock(&link->mutex);
        wake_watcher(link);
        pthread_join(link->thread, NULL);
    }
    gdb_link_hang_up(link);
    if (link->listen_fd >= 0)
        close(link->listen_fd);
    if (link->waker.fd >= 0)
        vx_host_waker_fini(&link->waker);
    if (link->path[0] != '\0')
        unlink(link->path);
    pthread_mutex_destroy(&link->mutex);
    free(link);
}
