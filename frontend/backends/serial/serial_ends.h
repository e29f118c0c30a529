/* serial_ends.h - opens what --serial and --serial2 name:
 *
 *   none  stdio  pty  file:PATH
 *   pipe:PATH            the FIFOs PATH.in (to the guest) and PATH.out (from it), which exist
 *   unix:PATH[,server]   connects to a Unix socket, or with ",server" makes one (mode 0600) and listens
 *   tcp:HOST:PORT[,server]
 *
 * Thread rule: before the sandbox closes. */
#ifndef VX86_FRONTEND_SERIAL_ENDS_H
#define VX86_FRONTEND_SERIAL_ENDS_H

#include "serial.h"

enum serial_kind {
    SERIAL_NONE,
    SERIAL_STDIO, /* nothing has been opened */
    SERIAL_FILE,
    SERIAL_PIPE,
    SERIAL_PEER, /* pty or socket */
};

struct serial_ends {
    enum serial_kind kind;
    int in_fd, out_fd; /* may be one; -1: none */
    int listen_fd;     /* of a server; -1: none */
    int hold_fd;       /* the other end of a pty, so that it stays open while nobody uses it; -1: none */
};
#define SERIAL_ENDS_CLOSED ((struct serial_ends){ .in_fd = -1, .out_fd = -1, .listen_fd = -1, .hold_fd = -1 })

/* `ends` is closed before. Errors, logged: BAD_ARGUMENT, ACCESS. */
VX_MUST_USE vx_err serial_ends_open(const struct serial_config *config, struct serial_ends *ends);
void serial_ends_close(struct serial_ends *ends);

#endif
