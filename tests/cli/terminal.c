/* terminal.c - vx86 on a terminal and beside one: whose Ctrl-A is, and what the terminal is like afterwards.
 *
 * Usage: terminal VX86 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "guests.h"

/* ---- a pseudo terminal and what it has shown --------------------------------------------------------------------- */

struct pty {
    int master, slave;
    const char *name;
    char shown[65536];
    size_t count;
};

static void pty_open(struct pty *pty)
{
    pty->count = 0;
    pty->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (pty->master < 0 || grantpt(pty->master) != 0 || unlockpt(pty->master) != 0) {
        perror("posix_openpt");
        exit(1);
    }
    pty->name = ptsname(pty->master);
    pty->slave = open(pty->name, O_RDWR | O_NOCTTY);
}

static void pty_close(struct pty *pty)
{
    close(pty->slave);
    close(pty->master);
}

/* For `ms` takes what the terminal shows, so that nobody waits for room in it. Of very much the end is kept. */
static void pty_drain(struct pty *pty, unsigned ms)
{
    for (unsigned i = 0; i <= ms / 10; i++) {
        if (pty->count > sizeof pty->shown / 2) {
            pty->count /= 2;
            memmove(pty->shown, pty->shown + pty->count, pty->count);
        }
        ssize_t got = read(pty->master, pty->shown + pty->count, sizeof pty->shown - 1 - pty->count);
        pty->count += got > 0 ? (size_t)got : 0;
        pty->shown[pty->count] = '\0';
        if (i != 0)
            nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    }
}

static void pty_type(struct run *run, struct pty *pty, const char *keys)
{
    if (write(pty->master, keys, strlen(keys)) != (ssize_t)strlen(keys))
        run->failures++;
}

static bool same_modes(const struct termios *a, const struct termios *b)
{
    return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag && a->c_lflag == b->c_lflag && a->c_cflag == b->c_cflag;
}

/* ---- what a terminal has been told ------------------------------------------------------------------------------- */

/* Private modes that a guest can leave behind; on in a terminal that nobody has touched: the cursor. */
static const unsigned modes[] = { 25, 1000, 1002, 1003, 1004, 1006, 1049, 2004 };

struct told {
    bool mode[RUN_ARRAY_LEN(modes)];
    bool colours, in_text; /* of a title, which has not ended */
    int titles;            /* on the stack */
};

static void private_mode(struct told *told, unsigned number, bool on)
{
    for (size_t i = 0; i < RUN_ARRAY_LEN(modes); i++)
        if (modes[i] == number)
            told->mode[i] = on;
}

/* A control sequence from behind its "ESC [" on; returns its length. */
static size_t control_sequence(struct told *told, const char *text)
{
    size_t length = strspn(text, "0123456789;?");
    unsigned number = (unsigned)strtoul(text + strspn(text, "?"), NULL, 10);
    char last = text[length];
    if (text[0] == '?' && (last == 'h' || last == 'l'))
        private_mode(told, number, last == 'h');
    else if (last == 'm')
        told->colours = number != 0;
    else if (last == 't')
        told->titles += number == 22 ? 1 : number == 23 ? -1 : 0;
    return length + (last != '\0');
}

static struct told tell(const struct pty *pty)
{
    struct told told = { .mode = { true } };
    for (size_t i = 0; i < pty->count; i++) {
        char ch = pty->shown[i], next = pty->shown[i + 1];
        if (ch == '\a' || (ch == '\033' && next == '\\'))
            told.in_text = false;
        else if (ch == '\033' && next == ']')
            told.in_text = true;
        else if (ch == '\033' && next == '[' && !told.in_text)
            i += 1 + control_sequence(&told, pty->shown + i + 2);
    }
    return told;
}

/* As if nobody had been there? */
static bool is_clean(const struct told *told)
{
    bool clean = told->mode[0] && !told->colours && !told->in_text && told->titles == 0;
    for (size_t i = 1; i < RUN_ARRAY_LEN(modes); i++)
        clean &= !told->mode[i];
    return clean;
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

/* The terminal is raw while vx86 runs and as before when it has ended: by keys, or by a signal. */
static void ends(struct run *run, const char *args, const char *keys, int number, int status)
{
    static struct run_result result;
    static struct pty pty;
    struct termios before, during, after;
    int unread = 0;
    pty_open(&pty);
    tcgetattr(pty.slave, &before);
    pid_t pid = run_start(run, args, 1, pty.name);
    bool started = run_wait_for(run, 1, "vx86: engine");
    pty_drain(&pty, 300);
    tcgetattr(pty.slave, &during);
    struct told told = tell(&pty);
    run_check(run, !is_clean(&told), args, &result, "the terminal should have been used");
    if (keys != NULL)
        pty_type(run, &pty, keys);
    if (number != 0)
        kill(pid, number);
    pty_drain(&pty, 200);
    run_finish(run, pid, 1, &result);
    pty_drain(&pty, 10);
    tcgetattr(pty.slave, &after);
    told = tell(&pty);
    run_check(run, started && (result.status == status || result.status == 128 + number), args, &result,
              "another exit status is right");
    run_check(run, (strstr(result.err, "Ctrl-A x leaves") != NULL) == (strstr(args, "--no-escape") == NULL), args,
              &result, "the start line should tell how to leave where that can be done");
    run_check(run, (during.c_lflag & (ICANON | ECHO)) == 0, args, &result, "the terminal should have been raw");
    run_check(run, same_modes(&before, &after), args, &result, "the terminal should be as before");
    run_check(run, is_clean(&told), args, &result, "what the terminal was told should be taken back");
    run_check(run, ioctl(pty.slave, FIONREAD, &unread) == 0 && unread == 0, args, &result,
              "answers should not be left for the shell");
    pty_close(&pty);
}

/* However it ends. */
static void every_end(struct run *run)
{
    static const int killers[] = { SIGQUIT, SIGILL,  SIGTRAP, SIGABRT, SIGBUS, SIGFPE,  SIGUSR2, SIGSEGV,  SIGALRM,
                                   SIGXCPU, SIGPROF, SIGSYS,  SIGIO,   SIGINT, SIGTERM, SIGHUP,  SIGVTALRM };
    static char answers[1001];
    memset(answers, '?', sizeof answers - 1);
    ends(run, "idle.img", "\1x", 0, 0);
    ends(run, "busy.img", "\1x", 0, 0);
    ends(run, "rude.img", "\1x", 0, 0);
    ends(run, "--timeout 1 rude.img", NULL, 0, 124);
    ends(run, "--display terminal idle.img", "\1x", 0, 0);
    ends(run, "--escape idle.img", "\1x", 0, 0);
    ends(run, "--no-escape idle.img", "\1x", SIGTERM, 128 + SIGTERM);
    ends(run, "--no-escape echo.img", "\1x\4", 0, 0);
    ends(run, "--no-escape --display terminal idle.img", "\1x", SIGTERM, 128 + SIGTERM);
    ends(run, "--display terminal busy.img", answers, SIGTERM, 128 + SIGTERM);
    for (size_t i = 0; i < RUN_ARRAY_LEN(killers); i++) {
        ends(run, "rude.img", NULL, killers[i], 128 + killers[i]);
        if (i % 4 == 0)
            ends(run, "--display terminal idle.img", NULL, killers[i], 128 + killers[i]);
    }
    ends(run, "rude.img", NULL, SIGRTMIN, 128 + SIGRTMIN);
}

/* The guest is at it while vx86 dies. */
static void ends_in_the_middle(struct run *run, int number)
{
    static struct run_result result;
    static struct pty pty;
    pty_open(&pty);
    pid_t pid = run_start(run, "rude-talk.img", 1, pty.name);
    bool started = run_wait_for(run, 1, "vx86: engine");
    pty_drain(&pty, 300);
    kill(pid, number);
    pty_drain(&pty, 300);
    run_finish(run, pid, 1, &result);
    pty_drain(&pty, 50);
    struct told told = tell(&pty);
    told.titles = 0; /* the end is all that there is */
    run_check(run, started && result.status == 128 + number, "rude-talk.img", &result, "another status is right");
    run_check(run, is_clean(&told), "rude-talk.img", &result, "what the terminal was told should be taken back");
    pty_close(&pty);
}

/* Standard input is no terminal, standard output is: what the guest says is taken back all the same. */
static void output_alone(void *opaque)
{
    int fd = open(opaque, O_RDWR | O_NOCTTY);
    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
        _exit(126);
}

static void output(struct run *run)
{
    static struct run_result result;
    static struct pty pty;
    pty_open(&pty);
    pid_t pid = run_start_in(run, "--timeout 1 rude.img", 1, output_alone, (void *)pty.name);
    pty_drain(&pty, 800);
    struct told told = tell(&pty);
    run_check(run, !is_clean(&told), "rude.img <file", &result, "the terminal should have been used");
    run_finish(run, pid, 1, &result);
    pty_drain(&pty, 10);
    told = tell(&pty);
    run_check(run, result.status == 124 && is_clean(&told), "rude.img <file", &result,
              "what the terminal was told should be taken back");
    pty_close(&pty);
    pty_open(&pty);
    setenv("TERM", "dumb", 1);
    run_finish(run, run_start_in(run, "hello.img", 1, output_alone, (void *)pty.name), 1, &result);
    unsetenv("TERM");
    pty_drain(&pty, 10);
    run_check(run, strcmp(pty.shown, "ok") == 0, "TERM=dumb hello.img", &result, "nothing else should be written");
    pty_close(&pty);
}

/* ---- a job of a shell -------------------------------------------------------------------------------------------- */

/* What the shell does: starts vx86 as a job; when that stops, takes the terminal and goes on as it is told. */
struct shell {
    const struct pty *pty;
    int orders, news; /* pipes: a byte each; 's' the job has stopped */
};

static void shell_waits(const struct shell *shell, pid_t job)
{
    int status;
    char order;
    while (waitpid(job, &status, WUNTRACED) == job && WIFSTOPPED(status)) {
        tcsetpgrp(STDIN_FILENO, getpgrp());
        if (write(shell->news, "s", 1) != 1)
            _exit(126);
        while (read(shell->orders, &order, 1) == 1) {
            if (order == 'f')
                tcsetpgrp(STDIN_FILENO, job);
            kill(-job, SIGCONT);
            if (order == 'f')
                break;
        }
    }
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void become_job(void *opaque)
{
    const struct shell *shell = opaque;
    int fd = open(shell->pty->name, O_RDWR);
    if (fd < 0 || dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0 || ioctl(fd, TIOCSCTTY, 0) != 0)
        _exit(126);
    signal(SIGTTOU, SIG_IGN);
    pid_t job = fork();
    if (job > 0) {
        setpgid(job, job);
        shell_waits(shell, job);
    }
    setpgid(0, 0);
    tcsetpgrp(STDIN_FILENO, getpgrp());
    signal(SIGTTOU, SIG_DFL);
}

static bool is_raw(const struct pty *pty)
{
    struct termios now;
    return tcgetattr(pty->slave, &now) == 0 && (now.c_lflag & (ICANON | ECHO)) == 0;
}

static bool comes_to_be_raw(struct pty *pty)
{
    for (unsigned i = 0; i < 500 && !is_raw(pty); i++)
        pty_drain(pty, 10);
    return is_raw(pty);
}

/* Stops by `number`, goes on, if `background` there at first, then in the foreground; Ctrl-A x ends it. */
static void stops(struct run *run, const char *args, int number, bool background)
{
    static struct run_result result;
    static struct pty pty;
    int orders[2], news[2];
    char new;
    pid_t job = 0;
    pty_open(&pty);
    if (pipe(orders) != 0 || pipe(news) != 0)
        run->failures++;
    struct shell shell = { &pty, orders[0], news[1] };
    pid_t pid = run_start_in(run, args, 1, become_job, &shell);
    bool started = run_wait_for(run, 1, "vx86: engine") && comes_to_be_raw(&pty);
    pty_drain(&pty, 300);
    run_check(run, started && ioctl(pty.master, TIOCGPGRP, &job) == 0 && job > 1, args, &result,
              "it should have started");
    kill(-job, number);
    run_check(run, read(news[0], &new, 1) == 1, args, &result, "it should have stopped");
    pty_drain(&pty, 50);
    struct told told = tell(&pty);
    if (number == SIGTSTP) {
        run_check(run, !is_raw(&pty), args, &result, "the terminal should be as before while it is stopped");
        run_check(run, is_clean(&told), args, &result, "what the terminal was told should be taken back");
    } else { /* it could not put the terminal back: the shell does */
        struct termios cooked;
        tcgetattr(pty.slave, &cooked);
        cooked.c_lflag |= ICANON | ECHO;
        tcsetattr(pty.slave, TCSANOW, &cooked);
    }
    if (background) {
        size_t before = pty.count;
        if (write(orders[1], "b", 1) != 1)
            run->failures++;
        pty_drain(&pty, 500);
        run_check(run, !is_raw(&pty) && pty.count == before, args, &result,
                  "in the background it should leave the terminal alone");
    }
    if (write(orders[1], "f", 1) != 1)
        run->failures++;
    run_check(run, comes_to_be_raw(&pty), args, &result, "in the foreground the terminal should be raw again");
    pty_drain(&pty, 300);
    told = tell(&pty);
    run_check(run, told.titles == 1 && told.mode[6] == (strstr(args, "--display") != NULL), args, &result,
              "in the foreground the terminal should be used again");
    pty_type(run, &pty, "\1x");
    pty_drain(&pty, 200);
    run_finish(run, pid, 1, &result);
    pty_drain(&pty, 10);
    told = tell(&pty);
    run_check(run, result.status == 0 && is_clean(&told), args, &result, "it should have ended as ever");
    for (unsigned i = 0; i < 2; i++) {
        close(orders[i]);
        close(news[i]);
    }
    pty_close(&pty);
}

/* The debugger's editor has the terminal: its modes are put back and come again. */
static void stops_in_the_debugger(struct run *run)
{
    static struct run_result result;
    static struct pty pty;
    const char *args = "--debug idle.img";
    int orders[2], news[2];
    char new;
    pid_t job = 0;
    struct termios asking, again;
    pty_open(&pty);
    if (pipe(orders) != 0 || pipe(news) != 0)
        run->failures++;
    struct shell shell = { &pty, orders[0], news[1] };
    pid_t pid = run_start_in(run, args, 1, become_job, &shell);
    bool started = run_wait_for(run, 1, "vx86: engine");
    pty_drain(&pty, 500);
    tcgetattr(pty.slave, &asking);
    run_check(run, started && strstr(pty.shown, "(vx86)") != NULL && ioctl(pty.master, TIOCGPGRP, &job) == 0 && job > 1,
              args, &result, "it should have started");
    kill(-job, SIGTSTP);
    run_check(run, read(news[0], &new, 1) == 1 && !is_raw(&pty), args, &result,
              "the terminal should be as before while it is stopped");
    if (write(orders[1], "f", 1) != 1)
        run->failures++;
    pty_drain(&pty, 300);
    tcgetattr(pty.slave, &again);
    run_check(run, same_modes(&asking, &again), args, &result, "the editor should have the terminal again");
    pty_type(run, &pty, "quit\r");
    pty_drain(&pty, 300);
    run_finish(run, pid, 1, &result);
    pty_drain(&pty, 10);
    struct told told = tell(&pty);
    run_check(run, result.status == 0 && is_clean(&told) && !is_raw(&pty), args, &result,
              "it should have ended as ever");
    for (unsigned i = 0; i < 2; i++) {
        close(orders[i]);
        close(news[i]);
    }
    pty_close(&pty);
}

/* ---- Ctrl-A ------------------------------------------------------------------------------------------------------ */

static void standard_input(void *opaque)
{
    int fd = open(opaque, O_RDONLY);
    if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
        _exit(126);
}

static void pipe_input(void *opaque)
{
    int ends[2];
    const char *text = opaque;
    if (pipe(ends) != 0 || write(ends[1], text, strlen(text)) != (ssize_t)strlen(text) || dup2(ends[0], 0) < 0)
        _exit(126);
}

/* What is no terminal is data; the echoing guest shows what it has got. */
static void data(struct run *run)
{
    static struct run_result result;
    static char every[256] = "\1x\1d\1\1";
    for (int i = 7; i < 255; i++)
        every[i] = (char)i;
    every[255] = 4;
    for (int i = 0; i < 255; i++)
        every[i] = every[i] == 4 ? 'x' : every[i];
    run_file(run, "every", every, sizeof every);
    run_finish(run, run_start_in(run, "echo.img", 1, standard_input, "every"), 1, &result);
    run_check(run, result.status == 0 && memcmp(result.out, every, sizeof every) == 0, "echo.img <file", &result,
              "every byte should have come back");
    run_finish(run, run_start_in(run, "echo.img", 1, pipe_input, "ab\1xc\1a\4"), 1, &result);
    run_check(run, result.status == 0 && strcmp(result.out, "ab\1xc\1a\4") == 0, "echo.img <pipe", &result,
              "every byte should have come back");
    run_finish(run, run_start_in(run, "--escape echo.img", 1, pipe_input, "ab\1a\1xc\4"), 1, &result);
    run_check(run, result.status == 0 && strncmp(result.out, "ab", 2) == 0 && strchr(result.out, 'c') == NULL,
              "--escape echo.img <pipe", &result, "Ctrl-A x should have ended it before the c");
    run_finish(run, run_start_in(run, "--no-escape echo.img", 1, pipe_input, "\1x\4"), 1, &result);
    run_check(run, result.status == 0 && strcmp(result.out, "\1x\4") == 0, "--no-escape echo.img <pipe", &result,
              "every byte should have come back");
}

int main(int argc, char **argv)
{
    struct run run;
    if (argc != 2)
        return fprintf(stderr, "usage: terminal VX86\n"), 1;
    run_init(&run, argv[1]);
    guests_make(&run);
    every_end(&run);
    for (unsigned i = 0; i < 4; i++) {
        ends_in_the_middle(&run, SIGSEGV);
        ends_in_the_middle(&run, SIGTERM);
    }
    output(&run);
    stops(&run, "idle.img", SIGTSTP, false);
    stops(&run, "rude.img", SIGTSTP, false);
    stops(&run, "busy.img", SIGTSTP, true);
    stops(&run, "--display terminal idle.img", SIGTSTP, false);
    stops(&run, "--display terminal busy.img", SIGTSTP, true);
    stops(&run, "busy.img", SIGSTOP, false);
    stops(&run, "--display terminal idle.img", SIGSTOP, false);
    stops_in_the_debugger(&run);
    data(&run);
    return run_fini(&run);
}
