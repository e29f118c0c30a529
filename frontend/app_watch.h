/* app_watch.h - ends the run when the user or the time says so: SIGINT, SIGTERM, SIGHUP, --timeout. SIGUSR1 calls the
 * debugger; SIGTSTP and SIGCONT concern whoever has the terminal.
 *
 * A thread waits for the signals, from before set-up to after everything has been taken apart, so nothing runs in a
 * handler. It never writes what could block and takes no lock that is held while something is written, so a stalled
 * terminal, pipe or FIFO cannot hold an end up. Before there is a machine, and after, a signal leaves the process at
 * once. Else the machine is asked to stop; after a short while system calls that block are interrupted
 * (vx86/blocking.h); when the run has not ended within VX_WATCH_GRACE_S, or a second signal comes, the process is left
 * at once. The terminal is given back in any case. One per process: signals belong to it. */
#ifndef VX86_FRONTEND_APP_WATCH_H
#define VX86_FRONTEND_APP_WATCH_H

#include <inttypes.h>

#include "vx86/blocking.h"
#include "vx86/log.h"
#include "vx86/machine.h"

#define VX_WATCH_GRACE_S      10
/* Of its seconds; said when they are over. */
#define VX_WATCH_TIMEOUT_TEXT "the time of --timeout %" PRIu64 " is over"

struct signal_watch;

struct watch_config {
    struct vx_log *log;
    struct vx_blocking *blocking;
    uint64_t timeout_s;    /* 0: none */
    bool interrupt_debugs; /* SIGINT is the debugger's; SIGUSR1 always is */
    /* On the watch's thread, while there is a machine; must not block. */
    void (*debug)(void *opaque);
    /* SIGTSTP (`stop`) or SIGCONT has come. False: nobody else stops the process. */
    bool (*job)(void *opaque, bool stop);
    void *opaque;
};

/* Before any other thread starts: holds the signals back from all of them. SIGPIPE and SIGXFSZ are ignored, so that
 * they are errors of write(), which those who write report. Errors, logged: NO_MEMORY. */
VX_MUST_USE vx_err watch_create(const struct watch_config *config, struct signal_watch **out);
/* The machine to stop, with VX_EXIT_TIMEOUT or VX_EXIT_SIGNAL + number; NULL before it is destroyed. */
void watch_set_machine(struct signal_watch *watch, struct vx_machine *machine);
/* NULL is allowed. */
void watch_destroy(struct signal_watch *watch);

#endif
