/* terminal_raw.h - the host terminal in raw mode, given back on every way out of the process.
 *
 * At most one terminal of a process can be held at a time. It is given back by terminal_raw_leave(), at exit(), and
 * when a signal that can be caught ends the process, unless the program has handlers of its own (those may call
 * terminal_raw_leave(), which is async-signal-safe, or chain to the handler they found). Given back means: its modes
 * are those from before; what a guest may have asked of it is taken back (other screen, hidden cursor, mouse and paste
 * reports, colours, title); answers that it has sent and nobody has read are thrown away. A job in the background
 * leaves the terminal alone, since it is somebody else's. SIGWINCH, while held, makes terminal_raw_resize_fd()
 * readable.
 * Thread rule: enter and leave on one thread; leave also from signal handlers. */
#ifndef VX86_FRONTEND_TERMINAL_RAW_H
#define VX86_FRONTEND_TERMINAL_RAW_H

#include "vx86/err.h"

/* Puts the terminal at `fd` into raw mode, where the guest gets its input, and remembers the one at `out_fd`, where the
 * guest's output goes. What is no terminal is left alone, and nothing is written to one that says it is "dumb" (TERM).
 * Output post-processing stays on, so that other lines of the process look right.
 * VX_ERR_LOCKED: another one is held; VX_ERR_IO: neither is a terminal, or it does not do it. */
VX_MUST_USE vx_err terminal_raw_enter(int fd, int out_fd);
void terminal_raw_leave(void);

/* Is the terminal at `fd`, which has been entered before, this process's to change? Not while it is a job in the
 * background. */
bool terminal_raw_is_ours(int fd);
/* Any thread. */
bool terminal_raw_is_held(void);
/* Somebody else has changed the modes of the terminal that is held: a shell, while the process was stopped. */
bool terminal_raw_was_changed(void);
/* Stops the process as SIGTSTP does by default, which is what a thread that has taken the signal does with it. Returns
 * when the process goes on, or at once where nobody could make it go on (an orphaned process group). */
void terminal_raw_stop(void);

/* A descriptor that becomes readable when the window size changed (read it empty); -1 when nothing is held. */
int terminal_raw_resize_fd(void);

#endif
