/* terminal_raw.c - termios and signals.
 *
 * Signal handlers and the terminal are properties of the process, so this file has, as an exception,
 * mutable file-scope state: what to restore, where a signal handler can find it.
 *
 *   I1  `raw` is set last on entering and cleared first on leaving: whoever sees it set finds the rest complete. */
#include "terminal_raw.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static struct {
    atomic_bool raw; /* I1 */
    bool at_exit_registered;
    int fd, out_fd;
    int resize[2]; /* pipe: written by the SIGWINCH handler */
    struct termios saved;
    const char *leave_sequence;
} process_terminal = { .resize = { -1, -1 } };

/* Those that end a process from outside, and those that its own faults raise. */
static const int deadly_signals[] = { SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGPIPE, SIGALRM,
                                      SIGXCPU, SIGABRT, SIGSEGV, SIGBUS,  SIGILL,  SIGFPE };

void terminal_raw_leave(void)
{
    if (!atomic_exchange(&process_terminal.raw, false))
        return;
    const char *sequence = process_terminal.leave_sequence;
    if (sequence != NULL) {
        ssize_t written = write(process_terminal.out_fd, sequence, strlen(sequence));
        (void)written; /* nothing can be done about a terminal that is gone */
    }
    tcsetattr(process_terminal.fd, TCSANOW, &process_terminal.saved);
}

/* Restores, then lets the signal do what it would have done. */
static void on_deadly_signal(int number)
{
    terminal_raw_leave();
    signal(number, SIG_DFL);
    raise(number);
}

static void on_resize(int number)
{
    (void)number;
    ssize_t written = write(process_terminal.resize[1], "", 1);
    (void)written; /* full: one is waiting already */
}

static void take_signal(int number, void (*handler)(int))
{
    struct sigaction old, new;
    if (sigaction(number, NULL, &old) != 0 || (old.sa_flags & SA_SIGINFO) || old.sa_handler != SIG_DFL)
        return; /* the program's own, or ignored on purpose (nohup) */
    memset(&new, 0, sizeof new);
    new.sa_handler = handler;
    new.sa_flags = SA_RESTART;
    sigemptyset(&new.sa_mask);
    sigaction(number, &new, NULL);
}

static bool open_resize_pipe(void)
{
    if (process_terminal.resize[0] >= 0)
        return true;
    if (pipe(process_terminal.resize) != 0) {
        process_terminal.resize[0] = process_terminal.resize[1] = -1;
        return false;
    }
    for (int i = 0; i < 2; i++) {
        fcntl(process_terminal.resize[i], F_SETFL, O_NONBLOCK);
        fcntl(process_terminal.resize[i], F_SETFD, FD_CLOEXEC);
    }
    return true;
}

vx_err terminal_raw_enter(int fd, int out_fd, const char *leave_sequence)
{
    if (atomic_load(&process_terminal.raw))
        return VX_ERR_LOCKED;
    if (tcgetattr(fd, &process_terminal.saved) != 0 || !open_resize_pipe())
        return VX_ERR_IO;
    process_terminal.fd = fd;
    process_terminal.out_fd = out_fd;
    process_terminal.leave_sequence = leave_sequence;
    for (size_t i = 0; i < VX_ARRAY_LEN(deadly_signals); i++)
        take_signal(deadly_signals[i], on_deadly_signal);
    take_signal(SIGWINCH, on_resize);
    if (!process_terminal.at_exit_registered)
        process_terminal.at_exit_registered = atexit(terminal_raw_leave) == 0;

    struct termios raw = process_terminal.saved;
    cfmakeraw(&raw);
    raw.c_oflag |= OPOST;
    atomic_store(&process_terminal.raw, true);
    if (tcsetattr(fd, TCSANOW, &raw) != 0) {
        atomic_store(&process_terminal.raw, false);
        return VX_ERR_IO;
    }
    return VX_ERR_OK;
}

int terminal_raw_resize_fd(void)
{
    return atomic_load(&process_terminal.raw) ? process_terminal.resize[0] : -1;
}
