/* app_debug.h - the debugger in the program: it shares the user's terminal with the guest's serial line or screen.
 *
 * Thread rule: machine thread, except app_debug_break(). */
#ifndef VX86_FRONTEND_APP_DEBUG_H
#define VX86_FRONTEND_APP_DEBUG_H

#include <stdatomic.h>

#include "app_media.h"
#include "debugger.h"
#include "gdb.h"
#include "options.h"
#include "serial.h"
#include "terminal.h"

struct app_debug {
    struct vx_work work; /* first */
    struct vx_log *log;
    struct vx_loop *loop;
    struct vx_blocking *blocking;
    struct vx_files *files;
    bool lockstep; /* the guest has two engines to step already */
    struct debugger_editor *editor;
    struct debugger *debugger;
    struct gdb *gdb; /* NULL unless asked for */
    struct serial *serial[2];
    struct terminal *terminal;
    struct app_media *media;
    struct vx_machine *machine;
    atomic_bool posted;  /* `work` is on its way */
    atomic_bool stopped; /* the user has the terminal */
};

/* Do the options go together? Logged if not. */
VX_MUST_USE vx_err app_debug_check(const struct options *options, struct vx_log *log);

/* Before anybody makes the terminal raw. */
void app_debug_prepare(struct app_debug *debug, const struct options *options);

/* `media` is set before. Errors, logged: a script that cannot be read, a port that cannot be had. */
VX_MUST_USE vx_err app_debug_create(struct app_debug *debug, const struct options *options, struct vx_log *log,
                                    struct vx_loop *loop, struct vx_machine *machine);
/* Before the machine. */
void app_debug_destroy(struct app_debug *debug);

/* Does the debugger read standard input by lines (it is not a terminal), or GDB? The guest's serial line then has none.
 * */
bool app_debug_wants_input(const struct options *options);
/* ... and standard output, for GDB? */
bool app_debug_wants_output(const struct options *options);

/* May the user's own commands name any file? Not in a sandbox that was not made for the debugger. */
bool app_debug_reaches_all(const struct options *options);
/* Where the socket of --gdb unix:PATH is; false for others. */
bool app_debug_socket_folder(const char *spec, char *folder, size_t room);

/* Any thread: stops the guest and asks the user; nothing while the user is asked already. `opaque` is the struct. */
void app_debug_break(void *opaque);

#endif
