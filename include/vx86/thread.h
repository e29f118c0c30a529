/* thread.h - how every thread of this process is started, so that all have names, none takes a signal that is meant for
 * another, and a host that refuses one is reported in the same words. */
#ifndef VX86_THREAD_H
#define VX86_THREAD_H

#include <pthread.h>

#include "vx86/log.h"

/* Starts `fn(arg)` in a thread called `name` (at most 15 characters, shown by ps -T and gdb) with all signals blocked
 * but the one of vx86/blocking.h and those that its own instructions raise. The caller joins it. VX_ERR_NO_MEMORY,
 * logged: the host refuses another thread. */
VX_MUST_USE vx_err vx_thread_start(struct vx_log *log, const char *name, void *(*fn)(void *), void *arg,
                                   pthread_t *thread);

#endif
