/* sandbox.h - what a guest that breaks out of its machine finds: a process that can go on with what it has open, and
 * nothing else.
 *
 * From sandbox_enter() on all threads, those that exist and those to come, are held to the system calls of
 * sandbox_calls.def (seccomp), gain no privileges by exec (no_new_privs), and leave no memory image behind. The calling
 * thread and those that it starts have no capabilities and, where the kernel has Landlock, no file system, no network
 * and no other process's signals but for what was asked for; helper threads have given their capabilities up when they
 * began. What is open stays usable.
 * Not on: hosts other than Linux, builds without libseccomp or with sanitizers (sandbox_none.c).
 * Thread rule: main thread, before the machine's thread starts. */
#ifndef VX86_FRONTEND_SANDBOX_H
#define VX86_FRONTEND_SANDBOX_H

#include "vx86/log.h"

/* What a run needs beyond SANDBOX_ALWAYS; said at its start. */
enum sandbox_need {
    SANDBOX_ALWAYS = 0,
    SANDBOX_FILES = 1u << 0,   /* files are opened: below `directory`, or anywhere */
    SANDBOX_CLIENTS = 1u << 1, /* connections of a socket that listens already */
    SANDBOX_REMOVES = 1u << 2, /* a file is removed: the one below `socket_folder` */
};

struct sandbox_config {
    struct vx_log *log;
    unsigned needs;            /* SANDBOX_* */
    int directory;             /* of SANDBOX_FILES; -1: anywhere */
    const char *socket_folder; /* of SANDBOX_REMOVES */
    bool insist;               /* a host that refuses is an error, else a warning */
};

/* Says what is wider than usual, and why there is no sandbox where there cannot be one. VX_ERR_UNSUPPORTED: the host
 * refuses it and `insist`. */
VX_MUST_USE vx_err sandbox_enter(const struct sandbox_config *config);

/* What of it this vx86 has and this host grants, in one phrase; changes nothing. */
void sandbox_describe(char *text, size_t room);

/* The n-th system call that a run with `needs` may make, by name; NULL behind the last. Static storage. */
const char *sandbox_call(unsigned needs, unsigned n);

#endif
