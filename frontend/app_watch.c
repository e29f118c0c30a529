/* app_watch.c - the thread that takes signals by sigwait(); SIGALRM is the time-out, and what ends the thread. */
#include "app_watch.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "app.h"
#include "terminal_raw.h"

struct signal_watch {
    struct watch_config config;
    pthread_t thread;
    atomic_bool ending;
};

static void watched_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGALRM);
    sigaddset(set, SIGUSR1);
}

void watch_hold_signals(void)
{
    sigset_t set;
    watched_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of write(), which serial.c reports */
}

static void set_alarm(uint64_t seconds)
{
    struct itimerval timer = { .it_value.tv_sec = (time_t)seconds };
    setitimer(ITIMER_REAL, &timer, NULL);
}

/* Waits for the next signal and returns the exit status that it asks for; -1 to end the thread. */
static int next_status(struct signal_watch *watch)
{
    sigset_t set;
    int number = 0;
    watched_signals(&set);
    for (;;) {
        if (sigwait(&set, &number) != 0)
            continue;
        if (atomic_load(&watch->ending))
            return -1;
        if (number != SIGUSR1 && !(number == SIGINT && watch->config.interrupt_debugs))
            break;
        watch->config.debug(watch->config.opaque);
    }
    return number == SIGALRM ? VX_EXIT_TIMEOUT : VX_EXIT_SIGNAL + number;
}

static void *watch_thread(void *opaque)
{
    struct signal_watch *watch = opaque;
    int status = next_status(watch);
    if (status < 0)
        return NULL;
    if (status == VX_EXIT_TIMEOUT)
        vx_log_warn(watch->config.log, VX_LOG_GENERAL, "the time of --timeout %" PRIu64 " is over",
                    watch->config.timeout_s);
    set_alarm(VX_WATCH_GRACE_S);
    vx_machine_stop(watch->config.machine, status);
    if (next_status(watch) < 0)
        return NULL;
    terminal_raw_leave();
    _exit(status);
}

vx_err watch_create(const struct watch_config *config, struct signal_watch **out)
{
    struct signal_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        return VX_ERR_NO_MEMORY;
    watch->config = *config;
    if (pthread_create(&watch->thread, NULL, watch_thread, watch) != 0) {
        vx_log_error(config->log, VX_LOG_GENERAL, "the host refuses another thread; raise its limit (ulimit -u)");
        free(watch);
        return VX_ERR_NO_MEMORY;
    }
    if (config->timeout_s != 0)
        set_alarm(config->timeout_s);
    *out = watch;
    return VX_ERR_OK;
}

void watch_destroy(struct signal_watch *watch)
{
    if (watch == NULL)
        return;
    set_alarm(0);
    atomic_store(&watch->ending, true);
    pthread_kill(watch->thread, SIGALRM);
    pthread_join(watch->thread, NULL);
    free(watch);
}
