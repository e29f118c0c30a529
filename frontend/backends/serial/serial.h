/* serial.h - character back ends for serial ports: the terminal vx86 was started from, a file, nothing.
 *
 * stdio: a terminal on `in_fd` becomes raw, one on `out_fd` is put back at the end (terminal_raw.h). Anything else on
 * `in_fd` (a pipe, a file) is delivered byte by byte, in order, as the guest's UART takes it; its end only means that
 * no more input comes. With `escape` Ctrl-A in the input is the prefix of terminal_prefix.h, else all of it is the
 * guest's. Output is written at once; while the reader of a pipe does not read, the guest waits.
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
    const char *spec;             /* "stdio", "none" or "file:PATH" */
    int in_fd, out_fd;            /* for stdio: 0 and 1 in the program; in_fd -1: no input */
    bool escape;                  /* Ctrl-A is a command */
    void (*leave)(void *opaque);  /* Ctrl-A x, on the machine thread */
    void (*debug)(void *opaque);  /* Ctrl-A d */
    void *opaque;
};

/* Errors, logged: BAD_ARGUMENT (spec), ACCESS (file), LOCKED (the terminal serves something else). */
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

/* What to hand to struct vx_machine_config; NULL for "none". */
struct vx_char *serial_char(struct serial *serial);

#endif
