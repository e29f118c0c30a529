/* app_watch.c - the thread that takes signals and looks at the time.
 *
 *   first_end() -> no machine: leave_at_once()
 *               -> machine: vx_machine_stop(), then insist(): prod, and at the end of patience leave_at_once()
 *
 *   I1  `machine`, `debug_wanted` and `stop_wanted` are read and written with the mutex held, and the machine is not
 *       destroyed while it is set. Nobody who holds the mutex blocks. */
#include "app_watch.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app.h"
#include "terminal_raw.h"
#include "vx86/host.h"
#include "vx86/thread.h"

#define NS_PER_S  1000000000ull
#define NS_PER_MS 1000000ull

/* What a slow reader still gets to take before writes are interrupted; how often they are. */
enum { PATIENCE_MS = 200, PROD_MS = 20 };

struct signal_watch {
    struct watch_config config;
    pthread_t thread;
    uint64_t deadline_ns; /* of --timeout; UINT64_MAX: none */
    atomic_bool ending;
    pthread_mutex_t mutex; /* I1 */
    struct vx_machine *machine;
    bool debug_wanted; /* SIGUSR1 came before the machine */
    bool stop_wanted;  /* so did SIGTSTP, with the terminal taken already */
};

/* SIGALRM also ends the thread; it means nothing else here. */
static void watched_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGALRM);
    sigaddset(set, SIGUSR1);
    sigaddset(set, SIGTSTP);
    sigaddset(set, SIGCONT);
}

static void hold_signals(void)
{
    sigset_t set;
    watched_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

/* The next signal, or 0 when `until_ns` has come first. */
static int next_signal(uint64_t until_ns)
{
    sigset_t set;
    watched_signals(&set);
    return vx_host_wait_signal(&set, until_ns);
}

static void call_debugger(struct signal_watch *watch)
{
    pthread_mutex_lock(&watch->mutex);
    if (watch->machine != NULL)
        watch->config.debug(watch->config.opaque);
    else
        watch->debug_wanted = true;
    pthread_mutex_unlock(&watch->mutex);
}

/* Where the machine thread does not see to it, the process stops here. */
static void job(struct signal_watch *watch, bool stop)
{
    pthread_mutex_lock(&watch->mutex);
    bool seen_to = watch->machine != NULL && watch->config.job(watch->config.opaque, stop);
    if (watch->machine == NULL && stop)
        seen_to = watch->stop_wanted = terminal_raw_is_held();
    pthread_mutex_unlock(&watch->mutex);
    if (stop && !seen_to)
        terminal_raw_stop();
}

static bool is_for_debugger(const struct signal_watch *watch, int number)
{
    return number == SIGUSR1 || (number == SIGINT && watch->config.interrupt_debugs);
}

/* Waits for the first reason to end and returns the exit status that it asks for; -1 to end the thread. */
static int first_end(struct signal_watch *watch)
{
    for (;;) {
        int number = next_signal(watch->deadline_ns);
        if (atomic_load(&watch->ending))
            return -1;
        if (number == 0)
            return VX_EXIT_TIMEOUT;
        if (number == SIGTSTP || number == SIGCONT)
            job(watch, number == SIGTSTP);
        else if (is_for_debugger(watch, number))
            call_debugger(watch);
        else
            return VX_EXIT_SIGNAL + number;
    }
}

/* The log may be held up: straight to standard error, if that takes it now. */
static void say_timeout(const struct signal_watch *watch)
{
    char line[96];
    struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };
    int length = snprintf(line, sizeof line, "vx86: " VX_WATCH_TIMEOUT_TEXT "\n", watch->config.timeout_s);
    if (poll(&fd, 1, 0) != 1 || (fd.revents & POLLOUT) == 0)
        return;
    ssize_t written = write(STDERR_FILENO, line, (size_t)length);
    (void)written; /* there is nobody else to tell */
}

static void leave_at_once(int status)
{
    terminal_raw_leave();
    _exit(status);
}

/* The machine has been asked to stop. Returns when the run has ended. */
static void insist(struct signal_watch *watch, int status)
{
    uint64_t start_ns = vx_host_now_ns();
    for (;;) {
        int number = next_signal(vx_host_now_ns() + PROD_MS * NS_PER_MS);
        uint64_t waited_ns = vx_host_now_ns() - start_ns;
        if (atomic_load(&watch->ending))
            return;
        bool insists = number != 0 && number != SIGUSR1 && number != SIGTSTP && number != SIGCONT;
        if (insists || waited_ns > VX_WATCH_GRACE_S * NS_PER_S)
            leave_at_once(status);
        if (waited_ns > PATIENCE_MS * NS_PER_MS)
            vx_blocking_prod(watch->config.blocking);
    }
}

static void *watch_thread(void *opaque)
{
    struct signal_watch *watch = opaque;
    int status = first_end(watch);
    if (status < 0)
        return NULL;
    pthread_mutex_lock(&watch->mutex);
    bool asked = watch->machine != NULL;
    if (asked)
        vx_machine_stop(watch->machine, status);
    pthread_mutex_unlock(&watch->mutex);
    if (!asked) {
        if (status == VX_EXIT_TIMEOUT)
            say_timeout(watch);
        leave_at_once(status);
    }
    insist(watch, status);
    return NULL;
}

vx_err watch_create(const struct watch_config *config, struct signal_watch **out)
{
    struct signal_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        return VX_ERR_NO_MEMORY;
    watch->config = *config;
    watch->deadline_ns = config->timeout_s != 0 ? vx_host_now_ns() + config->timeout_s * NS_PER_S : UINT64_MAX;
    pthread_mutex_init(&watch->mutex, NULL);
    hold_signals();
    vx_err err = vx_thread_start(config->log, "vx86 signals", watch_thread, watch, &watch->thread);
    if (err != VX_ERR_OK) {
        pthread_mutex_destroy(&watch->mutex);
        free(watch);
        return err;
    }
    *out = watch;
    return VX_ERR_OK;
}

void watch_set_machine(struct signal_watch *watch, struct vx_machine *machine)
{
    pthread_mutex_lock(&watch->mutex);
    watch->machine = machine;
    if (machine != NULL && watch->debug_wanted)
        watch->config.debug(watch->config.opaque);
    if (machine != NULL && watch->stop_wanted)
        watch->config.job(watch->config.opaque, true);
    if (machine != NULL)
        watch->debug_wanted = watch->stop_wanted = false;
    pthread_mutex_unlock(&watch->mutex);
}

void watch_destroy(struct signal_watch *watch)
{
    if (watch == NULL)
        return;
    atomic_store(&watch->ending, true);
    kill(getpid(), SIGALRM); /* all threads block it, this one waits for it */
    pthread_join(watch->thread, NULL);
    pthread_mutex_destroy(&watch->mutex);
    free(watch);
}
