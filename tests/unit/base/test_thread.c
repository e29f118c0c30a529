/* test_thread.c - threads of the host layer: which signals reach them. */
#include <criterion/criterion.h>
#include <signal.h>

#include "vx86/host.h"

static void *read_mask(void *opaque)
{
    pthread_sigmask(SIG_BLOCK, NULL, opaque);
    return opaque;
}

/* What a user or a timer sends goes to others; what the thread's own instructions raise stays deliverable. */
Test(thread, signals)
{
    static const int others[] = { SIGINT, SIGTERM, SIGHUP, SIGALRM, SIGUSR1, SIGWINCH, SIGCHLD };
    static const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT };
    sigset_t mask, before, after;
    pthread_t thread;
    void *result;
    pthread_sigmask(SIG_BLOCK, NULL, &before);
    cr_assert(vx_host_thread_start(&thread, "vx86 test", read_mask, &mask));
    cr_assert(pthread_join(thread, &result) == 0 && result == &mask);
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    for (size_t i = 0; i < VX_ARRAY_LEN(others); i++) {
        cr_expect(sigismember(&mask, others[i]), "signal %d", others[i]);
        cr_expect_eq(sigismember(&before, others[i]), sigismember(&after, others[i]));
    }
    for (size_t i = 0; i < VX_ARRAY_LEN(own); i++)
        cr_expect(!sigismember(&mask, own[i]), "signal %d", own[i]);
}
