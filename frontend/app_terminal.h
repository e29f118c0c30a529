/* app_terminal.h - who has the user's terminal: the guest's serial line, its screen, or neither; and whether Ctrl-A on
 * it is a command.
 *
 * Ctrl-A (terminal_prefix.h) is a command where standard input is a terminal, unless --no-escape; in a pipe or a file
 * it is data, unless --escape. Thread rule: while the machine does not run. */
#ifndef VX86_FRONTEND_APP_TERMINAL_H
#define VX86_FRONTEND_APP_TERMINAL_H

#include <stdatomic.h>

#include "options.h"
#include "serial.h"
#include "terminal.h"

struct app_terminal_config {
    const struct options *options;
    struct vx_log *log;
    struct vx_blocking *blocking;
    struct vx_loop *loop;
    struct vx_files *files;
    void (*leave)(void *opaque); /* Ctrl-A x, on the machine thread */
    void (*debug)(void *opaque); /* Ctrl-A d */
    void *opaque;
};

struct app_terminal {
    struct vx_work job; /* first: SIGTSTP or SIGCONT, on its way to the machine thread */
    struct vx_loop *loop;
    atomic_bool posted, stop; /* `job` is; SIGTSTP was among them */
    bool busy;                /* `job` is under way */
    struct serial *serial[2]; /* COM1, COM2 */
    struct terminal *display; /* NULL unless --display terminal */
    struct vx_input input;    /* the user's keyboard */
    bool user_can_leave;      /* by Ctrl-A x */
};

/* Errors, logged: options that do not go together, and what serial_create() and terminal_create() say. */
VX_MUST_USE vx_err app_terminal_open(struct app_terminal *terminal, const struct app_terminal_config *config);

/* Any thread, while the machine runs: SIGTSTP has come (`stop`), or SIGCONT. The machine thread gives the terminal back
 * and stops the process; when it goes on in the foreground, the terminal is taken again. False: no terminal is held
 * that had to be given back, and nothing is done about `stop`. */
bool app_terminal_job(struct app_terminal *terminal, bool stop);

/* Gives the terminal back. What was never opened is allowed. */
void app_terminal_close(struct app_terminal *terminal);

#endif
