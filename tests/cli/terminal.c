/* terminal.c - vx86 on a terminal and beside one: whose Ctrl-A is, and what the terminal is like afterwards.
 *
 * Usage: terminal VX86 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* For `ms` takes what the terminal shows, so that nobody waits for room in it. */
static void pty_drain(struct pty *pty, unsigned ms)
{
    for (unsigned i = 0; i <= ms / 10; i++) {
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

/* ---- the end ----------------------------------------------------------------------------------------------------- */

/* The terminal is raw while vx86 runs and as before when it has ended: by keys, or by a signal. */
static void ends(struct run *run, const char *args, const char *keys, int number, int status)
{
    static struct run_result result;
    static struct pty pty;
    struct termios before, during, after;
    pty_open(&pty);
    tcgetattr(pty.slave, &before);
    pid_t pid = run_start(run, args, 1, pty.name);
    bool started = run_wait_for(run, 1, "vx86: engine");
    pty_drain(&pty, 0);
    tcgetattr(pty.slave, &during);
    if (keys != NULL)
        pty_type(run, &pty, keys);
    if (number != 0)
        kill(pid, number);
    pty_drain(&pty, 200);
    run_finish(run, pid, 1, &result);
    tcgetattr(pty.slave, &after);
    run_check(run, started && result.status == status && !result.killed, args, &result, "another exit status is right");
    run_check(run, (strstr(result.err, "Ctrl-A x leaves") != NULL) == (strstr(args, "--no-escape") == NULL), args,
              &result, "the start line should tell how to leave where that can be done");
    run_check(run, (during.c_lflag & (ICANON | ECHO)) == 0, args, &result, "the terminal should have been raw");
    run_check(run, same_modes(&before, &after), args, &result, "the terminal should be as before");
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
    ends(&run, "idle.img", "\1x", 0, 0);
    ends(&run, "busy.img", "\1x", 0, 0);
    ends(&run, "--display terminal idle.img", "\1x", 0, 0);
    ends(&run, "--escape idle.img", "\1x", 0, 0);
    ends(&run, "--no-escape idle.img", "\1x", SIGTERM, 128 + SIGTERM);
    ends(&run, "--no-escape echo.img", "\1x\4", 0, 0);
    ends(&run, "--no-escape --display terminal idle.img", "\1x", SIGTERM, 128 + SIGTERM);
    ends(&run, "idle.img", NULL, SIGTERM, 128 + SIGTERM);
    ends(&run, "idle.img", NULL, SIGHUP, 128 + SIGHUP);
    ends(&run, "--display terminal busy.img", NULL, SIGTERM, 128 + SIGTERM);
    data(&run);
    return run_fini(&run);
}
