/* serial_ends.c - see serial_ends.h. */
#include "serial_ends.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "vx86/socket.h"

static vx_err failed(const struct serial_config *config, const char *what, const char *advice)
{
    int reason = errno;
    vx_log_error(config->log, VX_LOG_GENERAL, "%s: %s: %s; %s", config->option, what, strerror(reason),
                 vx_err_remedy(reason, advice));
    return VX_ERR_ACCESS;
}

/* The value behind `prefix`; NULL: there is none. */
static const char *behind(const char *spec, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(spec, prefix, length) == 0 && spec[length] != '\0' ? spec + length : NULL;
}

static vx_err open_file(const struct serial_config *config, const char *path, struct serial_ends *ends)
{
    struct vx_why why;
    ends->kind = SERIAL_FILE;
    ends->out_fd = vx_files_open_output(config->files, VX_FILE_ANYWHERE, path, config->option, &why);
    if (ends->out_fd >= 0)
        return VX_ERR_OK;
    vx_log_error(config->log, VX_LOG_GENERAL, "%s: %s: %s; %s", config->option, path, why.text,
                 vx_err_remedy(why.reason, "name another file"));
    return VX_ERR_ACCESS;
}

/* ---- FIFOs ------------------------------------------------------------------------------------------------------- */

/* For both directions, so that it neither waits for the other side nor ends with it. */
static vx_err open_fifo(const struct serial_config *config, const char *path, const char *suffix, int *fd)
{
    char name[PATH_MAX];
    struct stat st;
    errno = ENAMETOOLONG;
    if ((size_t)snprintf(name, sizeof name, "%s%s", path, suffix) >= sizeof name)
        return failed(config, path, "choose a shorter one");
    *fd = open(name, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (*fd < 0)
        return failed(config, name, "make it with mkfifo");
    if (fstat(*fd, &st) == 0 && S_ISFIFO(st.st_mode))
        return VX_ERR_OK;
    vx_log_error(config->log, VX_LOG_GENERAL, "%s: %s is no FIFO: make it with mkfifo", config->option, name);
    return VX_ERR_BAD_ARGUMENT;
}

static vx_err open_pipe(const struct serial_config *config, const char *path, struct serial_ends *ends)
{
    ends->kind = SERIAL_PIPE;
    VX_TRY(open_fifo(config, path, ".in", &ends->in_fd));
    return open_fifo(config, path, ".out", &ends->out_fd);
}

/* ---- pseudo terminals -------------------------------------------------------------------------------------------- */

static bool make_raw(int fd)
{
    struct termios t;
    if (tcgetattr(fd, &t) != 0)
        return false;
    cfmakeraw(&t);
    return tcsetattr(fd, TCSANOW, &t) == 0;
}

static vx_err open_pty(const struct serial_config *config, struct serial_ends *ends)
{
    const char *name = NULL;
    ends->kind = SERIAL_PEER;
    ends->in_fd = ends->out_fd = posix_openpt(O_RDWR | O_NOCTTY);
    if (ends->in_fd >= 0 && grantpt(ends->in_fd) == 0 && unlockpt(ends->in_fd) == 0)
        name = ptsname(ends->in_fd);
    if (name != NULL)
        ends->hold_fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (ends->hold_fd < 0 || !make_raw(ends->hold_fd) || fcntl(ends->in_fd, F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(ends->in_fd, F_SETFL, O_NONBLOCK) != 0)
        return failed(config, "pty", "use unix:PATH");
    vx_log_info(config->log, VX_LOG_GENERAL, "%s is %s", config->port, name);
    return VX_ERR_OK;
}

/* ---- sockets ----------------------------------------------------------------------------------------------------- */

static vx_err open_socket(const struct serial_config *config, const char *value, bool tcp, struct serial_ends *ends)
{
    static const char server[] = ",server";
    size_t length = strlen(value), tail = sizeof server - 1;
    bool listens = length > tail && strcmp(value + length - tail, server) == 0;
    char *where = strndup(value, listens ? length - tail : length);
    if (where == NULL)
        return VX_ERR_NO_MEMORY;
    ends->kind = SERIAL_PEER;
    if (listens)
        ends->listen_fd = tcp ? vx_socket_listen_tcp(where) : vx_socket_listen_path(where);
    else
        ends->in_fd = ends->out_fd = tcp ? vx_socket_connect_tcp(where) : vx_socket_connect_path(where);
    int reason = errno;
    free(where);
    errno = reason;
    if (ends->listen_fd < 0 && ends->in_fd < 0)
        return failed(config, config->spec,
                      listens ? "choose another address" : "start the other side first, or add ,server");
    if (listens)
        vx_log_info(config->log, VX_LOG_GENERAL, "%s waits for a connection at %.*s", config->port,
                    (int)(strlen(config->spec) - tail), config->spec);
    return VX_ERR_OK;
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

static vx_err open_spec(const struct serial_config *config, struct serial_ends *ends)
{
    const char *spec = config->spec, *value;
    if (strcmp(spec, "none") == 0)
        return VX_ERR_OK;
    if (strcmp(spec, "stdio") == 0) {
        ends->kind = SERIAL_STDIO;
        return VX_ERR_OK;
    }
    if (strcmp(spec, "pty") == 0)
        return open_pty(config, ends);
    if ((value = behind(spec, "file:")) != NULL)
        return open_file(config, value, ends);
    if ((value = behind(spec, "pipe:")) != NULL)
        return open_pipe(config, value, ends);
    if ((value = behind(spec, "unix:")) != NULL)
        return open_socket(config, value, false, ends);
    if ((value = behind(spec, "tcp:")) != NULL)
        return open_socket(config, value, true, ends);
    vx_log_error(config->log, VX_LOG_GENERAL,
                 "%s: '%s' is not stdio, none, pty, file:PATH, pipe:PATH, unix:PATH[,server] or "
                 "tcp:HOST:PORT[,server]",
                 config->option, spec);
    return VX_ERR_BAD_ARGUMENT;
}

vx_err serial_ends_open(const struct serial_config *config, struct serial_ends *ends)
{
    *ends = SERIAL_ENDS_CLOSED;
    vx_err err = open_spec(config, ends);
    if (err != VX_ERR_OK)
        serial_ends_close(ends);
    return err;
}

void serial_ends_close(struct serial_ends *ends)
{
    const int fds[] = { ends->in_fd, ends->out_fd != ends->in_fd ? ends->out_fd : -1, ends->listen_fd, ends->hold_fd };
    for (size_t i = 0; i < VX_ARRAY_LEN(fds); i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    *ends = SERIAL_ENDS_CLOSED;
}
