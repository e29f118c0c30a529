/* socket.c - see socket.h. */
#include "vx86/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "vx86/host.h"

static int close_keeping_errno(int fd)
{
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

/* ---- paths ------------------------------------------------------------------------------------------------------- */

size_t vx_socket_path_max(void)
{
    return sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
}

static bool fill_path(struct sockaddr_un *address, const char *path)
{
    size_t length = strlen(path);
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (length == 0 || length > vx_socket_path_max()) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(address->sun_path, path, length + 1);
    return true;
}

static void remove_stale(const struct sockaddr_un *address)
{
    struct stat st;
    if (stat(address->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return;
    int fd = vx_host_socket(AF_UNIX, SOCK_STREAM, true);
    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 && errno == ECONNREFUSED)
        unlink(address->sun_path);
    close(fd);
}

int vx_socket_listen_path(const char *path)
{
    struct sockaddr_un address;
    int fd = fill_path(&address, path) ? vx_host_socket(AF_UNIX, SOCK_STREAM, false) : -1;
    if (fd < 0)
        return -1;
    remove_stale(&address);
    mode_t mask = umask(0177); /* at no time may somebody else connect */
    int bound = bind(fd, (struct sockaddr *)&address, sizeof address);
    umask(mask);
    if (bound == 0 && listen(fd, 1) == 0)
        return fd;
    int reason = errno;
    if (bound == 0)
        unlink(path);
    close(fd);
    errno = reason;
    return -1;
}

/* Blocks until there is a connection, but not afterwards. */
static int connect_to(int domain, const struct sockaddr *address, socklen_t size)
{
    int fd = vx_host_socket(domain, SOCK_STREAM, true);
    if (fd < 0)
        return -1;
    if (connect(fd, address, size) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        return close_keeping_errno(fd);
    return fd;
}

int vx_socket_connect_path(const char *path)
{
    struct sockaddr_un address;
    return fill_path(&address, path) ? connect_to(AF_UNIX, (struct sockaddr *)&address, sizeof address) : -1;
}

/* ---- TCP --------------------------------------------------------------------------------------------------------- */

static int listen_at(const struct addrinfo *info)
{
    int fd = vx_host_socket(info->ai_family, SOCK_STREAM, false);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    return bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, 1) == 0 ? fd : close_keeping_errno(fd);
}

/* Host and port as getaddrinfo() takes them. */
static bool split(const char *address, char host[256], char port[6])
{
    const char *colon = strrchr(address, ':');
    if (colon == NULL || colon == address)
        return false;
    size_t length = (size_t)(colon - address), digits = strspn(colon + 1, "0123456789");
    bool bracketed = address[0] == '[' && colon[-1] == ']';
    if (bracketed) {
        address++;
        length -= 2;
    }
    if (length == 0 || length > 255 || digits == 0 || digits > 5 || colon[1 + digits] != '\0' ||
        (!bracketed && memchr(address, ':', length) != NULL))
        return false;
    memcpy(host, address, length);
    host[length] = '\0';
    memcpy(port, colon + 1, digits + 1);
    unsigned number = 0;
    for (size_t i = 0; i < digits; i++)
        number = number * 10 + (unsigned)(port[i] - '0');
    return number <= UINT16_MAX;
}

static int open_tcp(const char *address, bool listens)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_NUMERICSERV | (listens ? AI_PASSIVE : 0) };
    struct addrinfo *found;
    char host[256], port[6];
    int fd = -1;
    if (!split(address, host, port)) {
        errno = EINVAL;
        return -1;
    }
    if (getaddrinfo(host, port, &hints, &found) != 0) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    for (const struct addrinfo *info = found; fd < 0 && info != NULL; info = info->ai_next)
        fd = listens ? listen_at(info) : connect_to(info->ai_family, info->ai_addr, info->ai_addrlen);
    int reason = errno;
    freeaddrinfo(found);
    errno = reason;
    return fd;
}

int vx_socket_listen_tcp(const char *address)
{
    return open_tcp(address, true);
}

int vx_socket_connect_tcp(const char *address)
{
    return open_tcp(address, false);
}
