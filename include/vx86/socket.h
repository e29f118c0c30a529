/* socket.h - stream sockets as a run opens them before its sandbox closes: those that listen, and those that connect.
 *
 * All are closed on exec and do not block. Every function returns the descriptor, or -1 with errno.
 * Thread rule: any thread; listening at a path is for the time before other threads make files (umask). */
#ifndef VX86_SOCKET_H
#define VX86_SOCKET_H

#include "vx86/compiler.h"

/* Listens at the path of a Unix socket, mode 0600 at any time. What a run that was killed has left there, a socket at
 * which nobody listens, is replaced; anything else is EADDRINUSE. ENAMETOOLONG: see vx_socket_path_max(). */
int vx_socket_listen_path(const char *path);
int vx_socket_connect_path(const char *path);

/* Most characters of such a path. */
size_t vx_socket_path_max(void);

/* "HOST:PORT", "[ADDRESS]:PORT"; the name is looked up. EINVAL: not of that form. EADDRNOTAVAIL: no such host. */
int vx_socket_listen_tcp(const char *address);
int vx_socket_connect_tcp(const char *address);

#endif
