/* app.h - the vx86 program behind its command line: from options to a running machine and back to an exit status.
 *
 * Thread rule: main thread. It makes everything and takes it apart; in between the machine runs on a thread of its own,
 * and the main thread serves the user's side: what is posted to its own loop. */
#ifndef VX86_FRONTEND_APP_H
#define VX86_FRONTEND_APP_H

#include "options.h"

/* Exit statuses (0 and debug-exit's odd ones aside); also what vx_machine_stop() is called with. */
enum app_exit {
    VX_EXIT_OFF = 0,
    VX_EXIT_ERROR = 1,
    VX_EXIT_DEAD = 2,
    VX_EXIT_NOTHING_BOOTABLE = 3,
    VX_EXIT_DIFFERENCE = 4,
    VX_EXIT_TIMEOUT = 124,
    VX_EXIT_SIGNAL = 128, /* plus its number */
};

/* Does what the options say and returns the exit status. Everything that goes wrong has been said on standard error, in
 * one line. */
int app_run(const struct options *options);

#endif
