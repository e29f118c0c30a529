/* terminal_raw.h - the host terminal in raw mode, given back on every way out of the process.
 *
 * At most one terminal of a process can be raw at a time. It is restored by terminal_raw_leave(), at exit(), and
 * when a signal that can be caught ends the process, unless the program has handlers of its own (those may call
 * terminal_raw_leave(), which is async-signal-safe, or chain to the handler they found). SIGWINCH, while raw, makes
 * terminal_raw_resize_fd() readable.
 * Thread rule: enter and leave on one thread; leave also from signal handlers. */
#ifndef VX86_FRONTEND_TERMINAL_RAW_H
#define VX86_FRONTEND_TERMINAL_RAW_H

#include "vx86/err.h"

/* Puts the terminal at `fd` into raw mode. `leave_sequence` (static storage, may be NULL) is written to `out_fd` at the
 * end. Output post-processing stays on, so that other lines of the process look right.
 * VX_ERR_LOCKED: another one is raw; VX_ERR_IO: `fd` is not a terminal. */
VX_MUST_USE vx_err terminal_raw_enter(int fd, int out_fd, const char *leave_sequence);
void terminal_raw_leave(void);

/* A descriptor that becomes readable when the window size changed (read it empty); -1 when nothing is raw. */
int terminal_raw_resize_fd(void);

#endif
