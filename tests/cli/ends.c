/* ends.c - an end that is asked for comes: every signal in every phase of a run, --timeout and SIGTERM while something
 * that vx86 reads or writes is stalled.
 *
 * Usage: ends VX86 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "guests.h"

#ifndef F_SETPIPE_SZ
#define F_SETPIPE_SZ 1031
#endif

enum { SOON_MS = 2000, ALIVE_MS = 100, SOME_MS = 500, ALL_MS = 3000 };

static void sleep_ms(unsigned ms)
{
    nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 }, NULL);
}

/* ---- what can be stalled ----------------------------------------------------------------------------------------- */

/* A pipe that is open at both ends and in which nobody reads or writes. */
static void stalled_pipe(int end, int fd)
{
    int both[2];
    if (pipe(both) != 0 || dup2(both[end], fd) < 0)
        _exit(126);
    fcntl(both[1], F_SETPIPE_SZ, 4096);
}

static void stall_out(void *opaque)
{
    (void)opaque;
    stalled_pipe(1, STDOUT_FILENO);
}

static void stall_err(void *opaque)
{
    (void)opaque;
    stalled_pipe(1, STDERR_FILENO);
}

static void stall_in(void *opaque)
{
    (void)opaque;
    stalled_pipe(0, STDIN_FILENO);
}

static void nothing(void *opaque)
{
    (void)opaque;
}

static const struct phase {
    const char *name, *args;
    void (*prepare)(void *opaque);
    const char *says; /* on standard error when the phase has begun; NULL: some time later */
} phases[] = {
    { "set-up: the serial line's FIFO", "--serial file:fifo idle.img", nothing, NULL },
    { "set-up: the statistics' FIFO", "--stats-file fifo idle.img", nothing, NULL },
    { "set-up: the script's FIFO", "--debug-script fifo idle.img", nothing, NULL },
    { "the BIOS", "busy.img", nothing, "vx86: engine" },
    { "busy", "busy.img", nothing, NULL },
    { "busy in the interpreter", "--engine interp busy.img", nothing, NULL },
    { "halted", "idle.img", nothing, NULL },
    { "standard output stalled", "talk.img", stall_out, NULL },
    { "standard output stalled, interpreter", "--engine interp talk.img", stall_out, NULL },
    { "standard error stalled", "--trace bt_* busy.img", stall_err, NULL },
    { "standard error stalled, many threads", "--trace * off.img", stall_err, NULL },
    { "the debugger asks", "--debug busy.img", stall_in, NULL },
    { "the debugger's output stalled", "--debug-script shows idle.img", stall_out, NULL },
    { "the debugger's trace stalled", "--debug-script traces busy.img", stall_out, NULL },
    { "the debugger's script stalled", "--debug-script waits busy.img", stall_in, NULL },
    { "the debugger's file stalled", "--debug-script loads busy.img", nothing, NULL },
    { "GDB is waited for", "--gdb 0 busy.img", nothing, NULL },
    { "GDB by standard output, stalled", "--gdb stdio busy.img", stall_in, NULL },
    { "statistics stalled", "--log error --stats=json off.img", stall_err, NULL },
};

static const struct phase signalled[] = {
    { "set-up", "--serial file:fifo --snapshot idle.img", nothing, NULL },
    { "the BIOS", "--snapshot busy.img", nothing, "vx86: engine" },
    { "halted", "--snapshot idle.img", nothing, NULL },
    { "halted, interpreted", "--engine interp --snapshot idle.img", nothing, NULL },
    { "the debugger asks", "--debug --snapshot busy.img", stall_in, NULL },
};

static void make_files(struct run *run)
{
    static const char shows[] = "x/4000xb 0\nx/4000xb 0\n", traces[] = "trace insns\ncontinue\n",
                      waits[] = "source /dev/stdin\n";
    static const char loads[] = "load fifo 0x7c00\n";
    if (mkfifo("fifo", 0600) != 0)
        run->failures++;
    run_file(run, "shows", shows, sizeof shows - 1);
    run_file(run, "traces", traces, sizeof traces - 1);
    run_file(run, "waits", waits, sizeof waits - 1);
    run_file(run, "loads", loads, sizeof loads - 1);
}

static pid_t start_phase(struct run *run, const struct phase *phase, const char *options)
{
    char args[256];
    snprintf(args, sizeof args, "%s%s", options, phase->args);
    pid_t pid = run_start_in(run, args, 1, phase->prepare, NULL);
    if (phase->says == NULL)
        sleep_ms(SOME_MS);
    else
        run_check(run, run_wait_for(run, 1, phase->says), args, &(struct run_result){ 0 }, "it should have started");
    return pid;
}

static void signal_ends(struct run *run, const struct phase *phase)
{
    static struct run_result result;
    pid_t pid = start_phase(run, phase, "");
    kill(pid, SIGTERM);
    run_finish(run, pid, 1, &result);
    run_check(run, result.status == 128 + SIGTERM && !result.killed, phase->args, &result, phase->name);
    run_check(run, result.ms < SOON_MS, phase->args, &result, "soon after SIGTERM");
}

static void timeout_ends(struct run *run, const struct phase *phase)
{
    static struct run_result result;
    run_finish(run, start_phase(run, phase, "--timeout 1 "), 1, &result);
    run_check(run, result.status == 124 && !result.killed, phase->args, &result, phase->name);
    run_check(run, result.ms < 1000 + SOON_MS, phase->args, &result, "soon after the time");
}

/* ---- every signal ------------------------------------------------------------------------------------------------ */

enum effect { ENDS, KILLS, NOTHING };

static enum effect effect_of(int number)
{
    switch (number) {
    case SIGHUP:
    case SIGINT:
    case SIGTERM:
    case SIGALRM: return ENDS;
    case SIGPIPE:
    case SIGXFSZ:
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH:
    case SIGCONT:
    case SIGUSR1: /* the debugger finds nobody to ask */
    case SIGTSTP: /* stops nobody who is alone in his session */
    case SIGTTIN:
    case SIGTTOU: return NOTHING;
    default: return KILLS;
    }
}

enum { SIGNALS = 40 };

/* Those that can be sent: not the C library's, nor SIGINT where it is the debugger's; two of the real-time ones. */
static unsigned list_signals(int list[SIGNALS], bool debugger)
{
    unsigned count = 0;
    for (int number = 1; number < 32; number++)
        if (number != SIGKILL && number != SIGSTOP && !(debugger && number == SIGINT))
            list[count++] = number;
    list[count++] = SIGRTMIN;
    list[count++] = SIGRTMAX;
    return count;
}

static void judge(struct run *run, const struct phase *phase, int number, const struct run_result *result)
{
    char what[128];
    enum effect effect = effect_of(number);
    int expected = 128 + (effect == NOTHING ? SIGTERM : number);
    snprintf(what, sizeof what, "%s: signal %d", phase->name, number);
    run_check(run, result->status == expected && result->killed == (effect == KILLS), phase->args, result, what);
    run_check(run, result->ms < SOON_MS, phase->args, result, "soon after the signal");
}

/* All at the same time, a run each. */
static void every_signal(struct run *run, const struct phase *phase)
{
    static struct run_result result;
    int number[SIGNALS];
    pid_t pid[SIGNALS];
    unsigned count = list_signals(number, phase->prepare == stall_in);
    for (unsigned i = 0; i < count; i++)
        pid[i] = run_start_in(run, phase->args, i, phase->prepare, NULL);
    for (unsigned i = 0; i < count && phase->says != NULL; i++)
        run_check(run, run_wait_for(run, i, phase->says), phase->args, &result, "it should have started");
    sleep_ms(phase->says != NULL ? 0 : ALL_MS);
    for (unsigned i = 0; i < count; i++)
        kill(pid[i], number[i]);
    sleep_ms(ALIVE_MS);
    for (unsigned i = 0; i < count; i++)
        if (effect_of(number[i]) == NOTHING)
            kill(pid[i], SIGTERM); /* which would have another status, had it ended already */
    for (unsigned i = 0; i < count; i++) {
        run_finish(run, pid[i], i, &result);
        judge(run, phase, number[i], &result);
    }
}

int main(int argc, char **argv)
{
    struct run run;
    if (argc != 2)
        return fprintf(stderr, "usage: ends VX86\n"), 1;
    run_init(&run, argv[1]);
    guests_make(&run);
    make_files(&run);
    for (size_t i = 0; i < RUN_ARRAY_LEN(phases); i++) {
        signal_ends(&run, &phases[i]);
        timeout_ends(&run, &phases[i]);
    }
    for (size_t i = 0; i < RUN_ARRAY_LEN(signalled); i++)
        every_signal(&run, &signalled[i]);
    return run_fini(&run);
}
