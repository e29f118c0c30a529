/* host.h - the little that base/ needs from the host beyond POSIX: condition variables that wait for a moment of the
 * monotonic clock, and threads that sleep precisely and leave signals to others. */
#ifndef VX86_BASE_HOST_H
#define VX86_BASE_HOST_H

#include <pthread.h>

#include "vx86/loop.h"

VX_MUST_USE bool host_cond_init(pthread_cond_t *cond);

/* Waits until signalled or until vx_host_now_ns() >= deadline_ns (UINT64_MAX: for ever). May return early. */
void host_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t deadline_ns);

/* Starts a thread in which all signals are blocked. */
VX_MUST_USE bool host_thread_start(pthread_t *thread, void *(*fn)(void *), void *arg);

/* Asks the host to wake the calling thread close to its deadlines, where it can. */
void host_thread_precise_sleep(void);

#endif
