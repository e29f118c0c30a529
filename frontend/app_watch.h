/* app_watch.h - ends the machine when the user or the time says so: SIGINT, SIGTERM, SIGHUP, --timeout. SIGUSR1
 * calls the debugger.
 *
 * A thread waits for the signals, so nothing runs in a handler. When the machine does not end within VX_WATCH_GRACE_S,
 * or a second signal comes, the process is left at once, the terminal given back. One per process: signals and the
 * interval timer belong to it. */
#ifndef VX86_FRONTEND_APP_WATCH_H
#define VX86_FRONTEND_APP_WATCH_H

#include "vx86/log.h"
#include "vx86/machine.h"

#define VX_WATCH_GRACE_S 10

struct signal_watch;

/* Before any other thread starts: from then on the signals wait for the watch. SIGPIPE is ignored. */
void watch_hold_signals(void);

struct watch_config {
    struct vx_log *log;
    struct vx_machine *machine;  /* stopped with VX_EXIT_TIMEOUT or VX_EXIT_SIGNAL + number */
    uint64_t timeout_s;          /* 0: none */
    bool interrupt_debugs;       /* SIGINT is the debugger's; SIGUSR1 always is */
    void (*debug)(void *opaque); /* any thread */
    void *opaque;
};
VX_MUST_USE vx_err watch_create(const struct watch_config *config, struct signal_watch **out);
/* Before the machine is destroyed. NULL is allowed. */
void watch_destroy(struct signal_watch *watch);

#endif
