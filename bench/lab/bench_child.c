/* bench_child.c - processes of runs. See bench_child.h. */
#include "bench_child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vx86/host.h"

enum { TICK_MS = 100 };

/* Those that would end the process: what it was begun with as ignored (nohup, a job in the background) stays that. */
static void held_signals(sigset_t *set)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction action;
    sigemptyset(set);
    for (unsigned i = 0; i < VX_ARRAY_LEN(signals); i++)
        if (sigaction(signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(set, signals[i]);
}

void bench_hold_signals(void)
{
    sigset_t set;
    held_signals(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

void bench_release_signals(void)
{
    sigset_t set;
    held_signals(&set);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

bool bench_was_interrupted(void)
{
    sigset_t pending, held;
    held_signals(&held);
    if (sigpending(&pending) != 0)
        return false;
    for (int sig = 1; sig < NSIG; sig++)
        if (sigismember(&held, sig) == 1 && sigismember(&pending, sig) == 1)
            return true;
    return false;
}

pid_t bench_fork(void)
{
    fflush(NULL);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        bench_release_signals();
        if (vx_host_die_with_parent() && getppid() != parent)
            _exit(1);
    }
    return child;
}

enum bench_wait bench_wait_for(int fd, uint64_t deadline_ns, const struct bench_patience *patience)
{
    for (;;) {
        struct pollfd wanted = { .fd = fd, .events = POLLIN };
        int ready = poll(&wanted, 1, TICK_MS);
        if (ready > 0 || (ready < 0 && errno != EINTR))
            return VX_BENCH_WAIT_READY;
        if (bench_was_interrupted())
            return VX_BENCH_WAIT_INTERRUPTED;
        if (vx_host_now_ns() >= deadline_ns)
            return VX_BENCH_WAIT_TOO_LONG;
        if (patience != NULL && patience->tick != NULL)
            patience->tick(patience->opaque);
    }
}

uint64_t bench_deadline_ns(const struct bench_patience *patience, unsigned usual_s)
{
    double limit_s = patience != NULL && patience->limit_s > 0 ? patience->limit_s : usual_s;
    return vx_host_now_ns() + (uint64_t)(limit_s * 1e9);
}

int bench_collect(pid_t child, bool kill_it)
{
    int status = 0;
    if (kill_it)
        kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}
