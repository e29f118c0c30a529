/* terminal_raw.c - termios and signals.
 *
 * Signal handlers and the terminal are properties of the process, so this file has, as an exception,
 * mutable file-scope state: what to restore, where a signal handler can find it.
 *
 *   I1  `held` is set last on entering and cleared first on leaving: whoever sees it set finds the rest complete.
 *   I2  Leaving never waits long: the terminal may be stopped, and nobody may read what it is told. */
#include "terminal_raw.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "vx86/host.h"

enum { PATIENCE_MS = 100 }; /* I2 */

static struct {
    atomic_bool held; /* I1 */
    bool at_exit_registered;
    int fd, out_fd; /* -1: no terminal */
    pid_t group;    /* of this process; 0: no terminal has been entered */
    int resize[2];  /* pipe: written by the SIGWINCH handler */
    struct termios saved;
} process_terminal = { .resize = { -1, -1 } };

/* The title goes onto a stack of the terminal's (xterm's XTWINOPS). */
static const char keep_title[] = "\033[22;0t";

/* Ends whatever has been begun, then takes back what a guest may have asked for. A terminal ignores what it does not
 * know. The cursor is saved before the other screen is left, so that it stays where it is if that one is not shown. */
static const char give_back[] = "\033\\"
                                "\0337\033[?1049l"
                                "\0337\033[r\0338"         /* scrolls as a whole */
                                "\033[0m\017\033(B\033[4l" /* colours, letters, no insertion */
                                "\033[?25h\033[?7h"        /* cursor, wrapping */
                                "\033[?1l\033>"            /* keys */
                                "\033[?9l\033[?1000l\033[?1001l\033[?1002l\033[?1003l" /* mouse ... */
                                "\033[?1004l\033[?1005l\033[?1006l\033[?1015l\033[?1016l"
                                "\033[?2004l" /* paste */
                                "\033[23;0t";

/* ---- leaving ----------------------------------------------------------------------------------------------------- */

bool terminal_raw_is_ours(int fd)
{
    pid_t group = tcgetpgrp(fd); /* fails where it is not the terminal of our session: nobody shares it with us */
    return group < 0 || group == process_terminal.group;
}

/* A byte at a time, for each of which there is room: keeps I2. */
static void tell(const char *text)
{
    for (; *text != '\0'; text++) {
        struct pollfd fd = { .fd = process_terminal.out_fd, .events = POLLOUT };
        if (poll(&fd, 1, PATIENCE_MS) != 1 || (fd.revents & POLLOUT) == 0 ||
            write(process_terminal.out_fd, text, 1) != 1)
            return; /* nothing can be done about a terminal that is gone */
    }
}

void terminal_raw_leave(void)
{
    if (!atomic_exchange(&process_terminal.held, false) ||
        !terminal_raw_is_ours(process_terminal.fd >= 0 ? process_terminal.fd : process_terminal.out_fd))
        return;
    if (process_terminal.out_fd >= 0)
        tell(give_back);
    if (process_terminal.fd >= 0) {
        tcsetattr(process_terminal.fd, TCSANOW, &process_terminal.saved);
        tcflush(process_terminal.fd, TCIFLUSH);
    }
}

/* ---- signals ----------------------------------------------------------------------------------------------------- */

/* Restores, then lets the signal do what it would have done. */
static void on_deadly_signal(int number)
{
    terminal_raw_leave();
    signal(number, SIG_DFL);
    vx_host_raise(number);
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

/* Does it end a process that has said nothing about it, and can that be caught? */
static bool is_deadly(int number)
{
    switch (number) {
    case SIGKILL:
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
    case SIGCONT:
    case SIGCHLD:
    case SIGURG:
#ifdef SIGINFO
    case SIGINFO:
#endif
    case SIGWINCH: return false;
    default: return true;
    }
}

static void take_signals(void)
{
#ifdef SIGRTMAX
    int last = SIGRTMAX;
#else
    int last = NSIG - 1;
#endif
    for (int number = 1; number <= last; number++)
        if (is_deadly(number))
            take_signal(number, on_deadly_signal);
    take_signal(SIGWINCH, on_resize);
}

/* While the terminal is not held, whoever reads from it (the debugger's editor) may have modes of its own: these are
 * put back like ours, and are there again afterwards. */
void terminal_raw_stop(void)
{
    struct termios own;
    int fd = process_terminal.group != 0 && !atomic_load(&process_terminal.held) ? process_terminal.fd : -1;
    bool entered = fd >= 0 && terminal_raw_is_ours(fd) && tcgetattr(fd, &own) == 0;
    sigset_t stop, old;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    if (entered)
        tcsetattr(fd, TCSANOW, &process_terminal.saved);
    vx_host_raise(SIGTSTP);
    pthread_sigmask(SIG_UNBLOCK, &stop, &old);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (entered && terminal_raw_is_ours(fd))
        tcsetattr(fd, TCSANOW, &own);
}

/* ---- entering ---------------------------------------------------------------------------------------------------- */

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

static bool make_raw(void)
{
    struct termios raw = process_terminal.saved;
    cfmakeraw(&raw);
    raw.c_oflag |= OPOST;
    return tcsetattr(process_terminal.fd, TCSANOW, &raw) == 0;
}

vx_err terminal_raw_enter(int fd, int out_fd)
{
    const char *kind = getenv("TERM");
    bool in = isatty(fd), out = isatty(out_fd) && (kind == NULL || strcmp(kind, "dumb") != 0);
    if (atomic_load(&process_terminal.held))
        return VX_ERR_LOCKED;
    if ((!in && !isatty(out_fd)) || (in && tcgetattr(fd, &process_terminal.saved) != 0) || !open_resize_pipe())
        return VX_ERR_IO;
    process_terminal.fd = in ? fd : -1;
    process_terminal.out_fd = out ? out_fd : -1;
    if (process_terminal.group == 0) /* a sandbox does not tell any more */
        process_terminal.group = getpgrp();
    take_signals();
    if (!process_terminal.at_exit_registered)
        process_terminal.at_exit_registered = atexit(terminal_raw_leave) == 0;
    atomic_store(&process_terminal.held, true);
    if (in && !make_raw()) {
        atomic_store(&process_terminal.held, false);
        return VX_ERR_IO;
    }
    if (out)
        tell(keep_title);
    return VX_ERR_OK;
}

bool terminal_raw_is_held(void)
{
    return atomic_load(&process_terminal.held);
}

bool terminal_raw_was_changed(void)
{
    struct termios now;
    return atomic_load(&process_terminal.held) && process_terminal.fd >= 0 &&
           tcgetattr(process_terminal.fd, &now) == 0 && (now.c_lflag & ICANON) != 0;
}

int terminal_raw_resize_fd(void)
{
    return atomic_load(&process_terminal.held) ? process_terminal.resize[0] : -1;
}
