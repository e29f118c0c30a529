/* debugger.h - the debugger's command line: `vx86 --debug`, Ctrl-A d, SIGUSR1, --debug-script.
 *
 * A front of vx86/debug.h. When the guest stops it shows why and where, then takes commands until one of them makes the
 * guest go on: from a script, or from the terminal with line editing, history and completion, or line by line from what
 * standard input is otherwise. Thread rule: machine thread. */
#ifndef VX86_FRONTEND_DEBUGGER_H
#define VX86_FRONTEND_DEBUGGER_H

#include "vx86/files.h"
#include "vx86/machine.h"

struct debugger;
struct debugger_editor;

/* Line editing for the user on a terminal; NULL where `in` is none, or in the background. Before the terminal becomes
 * raw for somebody else, and before a sandbox; leaves it as it was. */
struct debugger_editor *debugger_editor_open(FILE *in, FILE *out);
/* After the debugger. NULL is allowed. */
void debugger_editor_close(struct debugger_editor *editor);
/* Was this program built with one (libedit)? */
bool debugger_has_editor(void);

struct debugger_config {
    struct vx_log *log;
    struct vx_machine *machine;
    FILE *in, *out;                       /* of the user */
    struct debugger_editor *editor;       /* reads `in`, NULL: lines as they come; borrowed */
    const char *script;                   /* commands to run at the first stop, or NULL */
    struct vx_blocking *blocking;         /* NULL: none */
    struct vx_files *files;               /* NULL: none */
    enum vx_file_reach reach, peer_reach; /* of files that the user's own commands name, and debugger_command()'s */
    bool interactive;                     /* --debug: stop before the first instruction, and where the script ends */
    /* Puts the image at `path` (NULL: none) into floppy drive 0 or 1. False, logged: it could not. NULL: nobody can. */
    bool (*change_floppy)(void *opaque, unsigned drive, const char *path);
    /* Around every stop: the terminal becomes the debugger's, and the guest's again. May be NULL. */
    void (*take_terminal)(void *opaque);
    void (*give_terminal)(void *opaque);
    void *opaque;
};

/* Errors, logged: ACCESS (script). Attaches itself to the machine if there is a script or it is
 * interactive, otherwise at debugger_break(). */
VX_MUST_USE vx_err debugger_create(const struct debugger_config *config, struct debugger **out);
/* When the run has ended: closes the trace. False, logged: what was traced has not all arrived. NULL is allowed. */
VX_MUST_USE bool debugger_finish_trace(struct debugger *debugger);
/* Before the machine. NULL is allowed. */
void debugger_destroy(struct debugger *debugger);

/* Stops the guest at the next boundary; from posted work or callbacks. */
void debugger_break(struct debugger *debugger);

/* The command `line` on behalf of somebody else (a GDB client's "monitor"): its output goes to `out`. Returns whether
 * it was understood. Only while the guest is stopped; commands that would make it go on are refused. */
bool debugger_command(struct debugger *debugger, const char *line, FILE *out);
/* The n-th command of the table, for help and manual page; false behind the last. Static storage. */
bool debugger_command_at(unsigned n, const char **usage, const char **help, const char **example);
/* What such commands have set up, for the front of that somebody else: conditions and traces; its stopped() must not be
 * called. `opaque` of its functions is the debugger. Static storage. */
const struct vx_debug_front *debugger_front(void);

#endif
