/* serial.h - character back ends for serial ports: the terminal vx86 was started from, a pty of their own, sockets,
 * FIFOs, a file, nothing.
 *
 * Input is delivered byte by byte, in order, as the guest's UART takes it, and nothing is dropped: whoever sends waits.
 * Its end only means that no more input comes.
 * stdio: a terminal on `in_fd` becomes raw, one on `out_fd` is put back at the end (terminal_raw.h). What is typed at a
 * terminal waits in memory up to SERIAL_QUEUE_MAX_BYTES, so that Ctrl-A works behind a long paste. With `escape` Ctrl-A
 * in the input is the prefix of terminal_prefix.h, else all of it is the guest's, as it is from all other back ends.
 * Output is written at once; while the reader of a pipe or FIFO does not read, the guest waits. A connection or pty
 * that takes nothing for a second loses what is sent until there is room again, as does one that is not there. A socket
 * with ",server" serves one connection after the other.
 * Thread rule: machine thread, or while the machine does not run. */
#ifndef VX86_FRONTEND_SERIAL_H
#define VX86_FRONTEND_SERIAL_H

#include "vx86/backend.h"
#include "vx86/files.h"
#include "vx86/log.h"

struct serial;

struct serial_config {
    struct vx_log *log;
    struct vx_loop *loop;
    struct vx_blocking *blocking; /* NULL: none */
    struct vx_files *files;       /* NULL: none */
    const char *spec;             /* see serial_ends.h */
    const char *option, *port;    /* for messages: "--serial", "COM1"; static storage */
    int in_fd, out_fd;            /* for stdio: 0 and 1 in the program; in_fd -1: no input */
    bool escape;                  /* Ctrl-A is a command */
    void (*leave)(void *opaque);  /* Ctrl-A x, on the machine thread */
    void (*debug)(void *opaque);  /* Ctrl-A d */
    void *opaque;
};

/* Errors, logged: BAD_ARGUMENT (spec), ACCESS (file, socket, FIFO), LOCKED (the terminal serves something else). */
VX_MUST_USE vx_err serial_create(const struct serial_config *config, struct serial **out);

/* After the machine, before the loop. Gives the terminal back. NULL is allowed. */
void serial_destroy(struct serial *serial);

/* Gives the terminal to somebody else, and takes it back: at a boundary, while the guest does not run. Nothing happens
 * without a terminal, nor when what is asked for is so already, nor, on taking it back, in a job in the background.
 * NULL is allowed. */
void serial_release(struct serial *serial);
void serial_reclaim(struct serial *serial);

/* Was something that the guest has sent not taken by the host? NULL is allowed. */
bool serial_lost_output(const struct serial *serial);

/* Does it take connections while it runs (SANDBOX_CLIENTS)? NULL is allowed. */
bool serial_listens(const struct serial *serial);

/* What to hand to struct vx_machine_config; NULL for "none". */
struct vx_char *serial_char(struct serial *serial);

#endif
