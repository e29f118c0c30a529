/* helper_child.c - see helper_child.h. */
#include "helper_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "helper_wire.h"
#include "vx86/host.h"

struct helper_child {
    struct helper_inbox inbox;
    bool gone;
};

/* ---- out --------------------------------------------------------------------------------------------------------- */

static void wait_for(short events)
{
    struct pollfd fd = { .fd = HELPER_CHILD_SOCKET, .events = events };
    poll(&fd, 1, -1);
}

/* Writes the rest of a message from byte `done` on, which must be whole. */
static bool finish(struct iovec part[2], size_t done)
{
    for (unsigned i = 0; i < 2; i++) {
        size_t at = done < part[i].iov_len ? done : part[i].iov_len;
        done -= at;
        while (at < part[i].iov_len) {
            ssize_t put = write(HELPER_CHILD_SOCKET, (uint8_t *)part[i].iov_base + at, part[i].iov_len - at);
            if (put > 0)
                at += (size_t)put;
            else if (errno == EAGAIN)
                wait_for(POLLOUT);
            else if (errno != EINTR)
                return false;
        }
    }
    return true;
}

static bool send_message(unsigned type, const void *payload, size_t bytes, bool wait)
{
    struct helper_header header = { .type = type, .bytes = (uint32_t)bytes };
    union {
        const void *in;
        void *out;
    } borrowed = { .in = payload }; /* an iovec does not know const */
    struct iovec part[2] = { { &header, sizeof header }, { borrowed.out, bytes } };
    VX_ASSERT(bytes <= HELPER_MAX_BYTES);
    ssize_t put = writev(HELPER_CHILD_SOCKET, part, bytes > 0 ? 2 : 1);
    if (put < 0 && errno != EAGAIN && errno != EINTR)
        return false;
    if (put < 0 && !wait)
        return false;
    return finish(part, put > 0 ? (size_t)put : 0);
}

bool helper_child_send(struct helper_child *child, unsigned type, const void *payload, size_t bytes)
{
    (void)child;
    return send_message(type, payload, bytes, true);
}

bool helper_child_try_send(struct helper_child *child, unsigned type, const void *payload, size_t bytes)
{
    (void)child;
    return send_message(type, payload, bytes, false);
}

void helper_child_ready(struct helper_child *child)
{
    helper_child_send(child, HELPER_WIRE_READY, NULL, 0);
}

int helper_child_fail(struct helper_child *child, const char *line)
{
    size_t bytes = strlen(line);
    helper_child_send(child, HELPER_WIRE_FAILED, line, bytes < HELPER_MAX_BYTES ? bytes : HELPER_MAX_BYTES);
    return 1;
}

/* ---- in ---------------------------------------------------------------------------------------------------------- */

int helper_child_fd(const struct helper_child *child)
{
    (void)child;
    return HELPER_CHILD_SOCKET;
}

/* The first whole message, which the next call takes away. */
static enum helper_news look(struct helper_child *child, struct helper_message *message)
{
    struct helper_header header;
    switch (helper_inbox_peek(&child->inbox, &header, &message->payload)) {
    case 0: return HELPER_NOTHING;
    case 1: break;
    default: return HELPER_GOODBYE;
    }
    helper_inbox_drop(&child->inbox);
    message->type = header.type;
    message->bytes = header.bytes;
    return header.type >= HELPER_FIRST_TYPE ? HELPER_MESSAGE : HELPER_GOODBYE;
}

enum helper_news helper_child_take(struct helper_child *child, struct helper_message *message)
{
    if (child->gone)
        return HELPER_GOODBYE;
    enum helper_news news = look(child, message);
    if (news != HELPER_NOTHING)
        return news;
    int got = helper_inbox_fill(&child->inbox, HELPER_CHILD_SOCKET);
    child->gone = got < 0;
    return got < 0 ? HELPER_GOODBYE : got == 0 ? HELPER_NOTHING : look(child, message);
}

enum helper_news helper_child_wait(struct helper_child *child, struct helper_message *message)
{
    enum helper_news news;
    while ((news = helper_child_take(child, message)) == HELPER_NOTHING)
        wait_for(POLLIN);
    return news;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static bool is_started_as_one(void)
{
    struct sockaddr_storage name;
    socklen_t bytes = sizeof name;
    if (getsockname(HELPER_CHILD_SOCKET, (struct sockaddr *)&name, &bytes) != 0)
        return false;
    return name.ss_family == AF_UNIX && fcntl(HELPER_CHILD_SOCKET, F_SETFL, O_NONBLOCK) == 0;
}

/* What the other side has open without closing it on exec, a library's for instance, is not for a helper. */
static void close_others(void)
{
    long max = sysconf(_SC_OPEN_MAX);
    for (int fd = HELPER_CHILD_SHARED + 1; fd < (max > 0 && max < 4096 ? (int)max : 4096); fd++)
        close(fd);
}

static int run(const struct helper_row *row, int argc, char **argv)
{
    struct helper_child child = { .gone = false };
    close_others();
    signal(SIGPIPE, SIG_IGN);
    (void)vx_host_die_with_parent(); /* where the host cannot, the socket's end tells */
    vx_host_drop_capabilities();
    fcntl(HELPER_CHILD_SOCKET, F_SETFD, FD_CLOEXEC);
    if (!helper_inbox_init(&child.inbox))
        return helper_child_fail(&child, "out of memory");
    int status = row->run(&child, argc, argv);
    helper_inbox_fini(&child.inbox);
    return status;
}

int helper_child_main(const struct helper_row *rows, size_t count, int argc, char **argv)
{
    if (!is_started_as_one()) {
        fprintf(stderr, "vx86: helper: vx86 starts its helpers itself; see --display, --audio and --net\n");
        return 1;
    }
    for (size_t i = 0; i < count && argc > 0; i++)
        if (strcmp(rows[i].name, argv[0]) == 0)
            return run(&rows[i], argc, argv);
    fprintf(stderr, "vx86: helper: there is none of that name in this vx86\n");
    return 1;
}
