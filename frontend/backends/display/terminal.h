/* terminal.h - `--display terminal`: the guest's text screen in the host terminal, its keyboard as the guest's.
 *
 * The terminal shows the alternate screen while the guest runs; it is given back on every way out (terminal_raw.h).
 * Keys go through keymap.h; with `escape` Ctrl-A is the prefix of terminal_prefix.h. Graphics modes show
 * one line with their size. Log lines appear on the normal screen and are there when vx86 has ended.
 * Thread rule: machine thread, or while the machine does not run. */
#ifndef VX86_FRONTEND_TERMINAL_H
#define VX86_FRONTEND_TERMINAL_H

#include "keyboard_layout.h"
#include "vx86/backend.h"
#include "vx86/log.h"

struct terminal;

struct terminal_config {
    struct vx_log *log;
    struct vx_loop *loop;
    struct vx_blocking *blocking; /* NULL: none */
    int in_fd, out_fd;            /* 0 and 1 in the program */
    const struct vx_input *input; /* where its keys go, borrowed */
    enum keyboard_layout layout;  /* of the guest's keyboard */
    bool escape;                  /* Ctrl-A is a command */
    void (*leave)(void *opaque);  /* Ctrl-A x, on the machine thread; NULL: nothing happens */
    void (*debug)(void *opaque);  /* Ctrl-A d */
    void *opaque;
};

/* Errors, logged: UNSUPPORTED (not a terminal), LOCKED (it serves something else), IO. */
VX_MUST_USE vx_err terminal_create(const struct terminal_config *config, struct terminal **out);

/* After the machine, before the loop and the log. Gives the terminal back. NULL is allowed. */
void terminal_destroy(struct terminal *terminal);

/* Gives the terminal to somebody else, and takes it back and draws the screen: at a boundary, while the guest does not
 * run. Nothing happens when it is so already, nor, on taking it back, in a job in the background. NULL is allowed. */
void terminal_release(struct terminal *terminal);
void terminal_reclaim(struct terminal *terminal);
bool terminal_holds(const struct terminal *terminal);

/* What to hand to struct vx_machine_config. */
struct vx_display *terminal_display(struct terminal *terminal);

#endif
