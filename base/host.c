/* host.c - differences between hosts that base/ hides, and what every host must fulfil. */
#include "host.h"

#include <signal.h>
#include <time.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

/* Guest memory and registers are copied to host integers byte for byte everywhere. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "vx86 needs a little-endian host");
_Static_assert(sizeof(void *) == 8, "vx86 needs a 64-bit host");

#define NS_PER_SEC 1000000000ull

uint64_t vx_host_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SEC + (uint64_t)now.tv_nsec;
}

static struct timespec timespec_of(uint64_t ns)
{
    return (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_SEC), .tv_nsec = (long)(ns % NS_PER_SEC) };
}

#ifdef __APPLE__
bool host_cond_init(pthread_cond_t *cond)
{
    return pthread_cond_init(cond, NULL) == 0;
}

static void wait_timed(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t deadline_ns)
{
    uint64_t now_ns = vx_host_now_ns();
    struct timespec span = timespec_of(deadline_ns > now_ns ? deadline_ns - now_ns : 0);
    pthread_cond_timedwait_relative_np(cond, mutex, &span);
}
#else
bool host_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0)
        return false;
    bool ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 && pthread_cond_init(cond, &attr) == 0;
    pthread_condattr_destroy(&attr);
    return ok;
}

static void wait_timed(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t deadline_ns)
{
    struct timespec until = timespec_of(deadline_ns);
    pthread_cond_timedwait(cond, mutex, &until);
}
#endif

void host_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t deadline_ns)
{
    /* Some hosts refuse times that do not fit their own counters: a century is as good as for ever. */
    if (deadline_ns > 100ull * 365 * 86400 * NS_PER_SEC)
        pthread_cond_wait(cond, mutex);
    else
        wait_timed(cond, mutex, deadline_ns);
}

bool host_thread_start(pthread_t *thread, void *(*fn)(void *), void *arg)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    bool ok = pthread_create(thread, NULL, fn, arg) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return ok;
}

void host_thread_precise_sleep(void)
{
#ifdef __linux__
    prctl(PR_SET_TIMERSLACK, 1000ul, 0ul, 0ul, 0ul);
#endif
}
