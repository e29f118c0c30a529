/* bench_child.h - the processes that runs are: begun, watched, ended in any case.
 *
 * The signals that ask a program to end are held back while the laboratory works (bench_hold_signals()): whoever waits
 * for a child looks whether one has come, so that what has been measured by then is still written. */
#ifndef VX86_BENCH_CHILD_H
#define VX86_BENCH_CHILD_H

#include <sys/types.h>

#include "vx86/compiler.h"

/* How long a run may take, and what is done meanwhile. */
struct bench_patience {
    double limit_s;             /* 0: the default of the kind of run */
    void (*tick)(void *opaque); /* some times a second; NULL: nothing */
    void *opaque;
};

/* Holds back SIGINT, SIGTERM and SIGHUP. */
void bench_hold_signals(void);
/* Has one of them come? */
bool bench_was_interrupted(void);
/* Lets them through: does not return if one has come that ends the process. */
void bench_release_signals(void);

/* fork() with empty output buffers. In the child the signals are let through, and it ends with its parent. */
pid_t bench_fork(void);

enum bench_wait { VX_BENCH_WAIT_READY, VX_BENCH_WAIT_TOO_LONG, VX_BENCH_WAIT_INTERRUPTED };
/* Until `fd` can be read or is at its end; at most to `deadline_ns`. */
enum bench_wait bench_wait_for(int fd, uint64_t deadline_ns, const struct bench_patience *patience);
/* When a run that begins now is over at the latest. */
uint64_t bench_deadline_ns(const struct bench_patience *patience, unsigned usual_s);

/* Kills it if it is still there, and collects it: the status of waitpid(). */
int bench_collect(pid_t child, bool kill_it);

#endif
