/* drive.c - plays a script against an emulator's console: waits for text, types, checks how it ends.
 *
 *     drive [--pty] [--log FILE] [--slow FACTOR] SCRIPT COMMAND [ARGUMENT...]
 *
 * COMMAND runs with its standard input and output connected to us, by pipes or (--pty) by a terminal of 120 x 40.
 * FACTOR stretches the script's deadlines for engines that are known to be slow. The script has one step a line; empty
 * lines and lines that begin with # are left out:
 *
 *     expect SECONDS TEXT    TEXT appears in the output after what the last expect matched (control sequences left out)
 *     screen SECONDS TEXT    TEXT stands on the terminal's screen
 *     never TEXT             from here on, TEXT in the output fails the script
 *     send TEXT              types TEXT; C escapes, and \e for Escape
 *     pause SECONDS          lets the guest run; fractions allowed
 *     kill                   SIGKILL
 *     exit SECONDS STATUS    COMMAND ends with STATUS (128 + signal for signals)
 *
 * The output goes to FILE as it came. Exit: 0 the script held; 1 it did not, the reason and the output's end are shown;
 * 2 wrong use. COMMAND is always killed before we end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "screen.h"

enum { TEXT_MAX = 1 << 20, LINE_MAX_BYTES = 1024, TAIL_BYTES = 3000, NEVER_MAX = 8 };

struct drive {
    pid_t pid;
    int in, out;
    bool ended; /* output closed */
    double slow;
    FILE *log;
    struct screen screen;
    int escape; /* state of the filter that leaves control sequences out: 0 text, 1 after ESC, 2 in a CSI sequence */
    char *text; /* filtered output, NUL-terminated */
    size_t length, matched;
    char never[NEVER_MAX][LINE_MAX_BYTES];
    unsigned nevers;
    unsigned line;
    const char *script;
};

static double now_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void stop_child(struct drive *drive)
{
    if (drive->pid > 0) {
        kill(drive->pid, SIGKILL);
        waitpid(drive->pid, NULL, 0);
        drive->pid = 0;
    }
}

static _Noreturn void __attribute__((format(printf, 2, 3))) fail(struct drive *drive, const char *fmt, ...)
{
    va_list args;
    stop_child(drive);
    if (drive->line != 0)
        printf("%s:%u: ", drive->script, drive->line);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    size_t from = drive->length > TAIL_BYTES ? drive->length - TAIL_BYTES : 0;
    printf("\n---- the output ends so:\n%s\n----\n", drive->text + from);
    exit(1);
}

/* ---- the emulator ------------------------------------------------------------------------------------------------ */

static void close_on_exec(int fd)
{
    fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* The child's ends in fds[0] (input) and fds[1] (output), ours in the struct. */
static void open_pipes(struct drive *drive, int fds[2])
{
    int to[2], from[2];
    if (pipe(to) != 0 || pipe(from) != 0)
        fail(drive, "pipe: %s", strerror(errno));
    drive->in = to[1];
    drive->out = from[0];
    fds[0] = to[0];
    fds[1] = from[1];
}

static void open_terminal(struct drive *drive, int fds[2])
{
    struct winsize size = { .ws_row = SCREEN_ROWS, .ws_col = SCREEN_COLUMNS };
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0)
        fail(drive, "no terminal: %s", strerror(errno));
    fds[0] = fds[1] = open(ptsname(master), O_RDWR | O_NOCTTY);
    if (fds[0] < 0 || ioctl(master, TIOCSWINSZ, &size) != 0)
        fail(drive, "terminal: %s", strerror(errno));
    drive->in = drive->out = master;
}

static void start(struct drive *drive, bool terminal, char **command)
{
    int fds[2];
    if (terminal)
        open_terminal(drive, fds);
    else
        open_pipes(drive, fds);
    close_on_exec(drive->in);
    close_on_exec(drive->out);
    drive->pid = fork();
    if (drive->pid < 0)
        fail(drive, "fork: %s", strerror(errno));
    if (drive->pid == 0) {
        setsid();
        if (terminal)
            ioctl(fds[0], TIOCSCTTY, 0);
        dup2(fds[0], 0);
        dup2(fds[1], 1);
        if (terminal)
            dup2(fds[1], 2);
        if (fds[0] > 2)
            close(fds[0]);
        if (fds[1] > 2 && fds[1] != fds[0])
            close(fds[1]);
        execvp(command[0], command);
        fprintf(stderr, "drive: %s: %s\n", command[0], strerror(errno));
        _exit(127);
    }
    close(fds[0]);
    if (fds[1] != fds[0])
        close(fds[1]);
}

static void keep(struct drive *drive, unsigned char byte)
{
    if (drive->length + 1 == TEXT_MAX) { /* drop the older half */
        size_t dropped = TEXT_MAX / 2;
        memmove(drive->text, drive->text + dropped, drive->length - dropped);
        drive->length -= dropped;
        drive->matched = drive->matched > dropped ? drive->matched - dropped : 0;
    }
    drive->text[drive->length++] = (char)byte;
    drive->text[drive->length] = '\0';
}

static void take_byte(struct drive *drive, unsigned char byte)
{
    screen_put(&drive->screen, byte);
    if (drive->escape == 0 && byte == 0x1B)
        drive->escape = 1;
    else if (drive->escape == 1)
        drive->escape = byte == '[' ? 2 : 0;
    else if (drive->escape == 2)
        drive->escape = byte >= 0x40 && byte <= 0x7E ? 0 : 2;
    else if (byte != '\r' && byte != '\0')
        keep(drive, byte);
}

/* Reads what comes within `seconds`; returns at the first bytes. */
static void take_output(struct drive *drive, double seconds)
{
    unsigned char bytes[4096];
    struct pollfd fd = { .fd = drive->out, .events = POLLIN };
    if (drive->ended) {
        usleep(10000);
        return;
    }
    if (poll(&fd, 1, seconds > 0 ? (int)(seconds * 1000) + 1 : 0) <= 0)
        return;
    ssize_t count = read(drive->out, bytes, sizeof bytes);
    if (count <= 0) { /* EIO: the terminal's other side is closed */
        drive->ended = true;
        return;
    }
    if (drive->log != NULL)
        fwrite(bytes, 1, (size_t)count, drive->log);
    for (ssize_t i = 0; i < count; i++)
        take_byte(drive, bytes[i]);
    for (unsigned i = 0; i < drive->nevers; i++)
        if (strstr(drive->text + drive->matched, drive->never[i]) != NULL)
            fail(drive, "\"%s\" appeared", drive->never[i]);
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

static void step_expect(struct drive *drive, double seconds, const char *text)
{
    double deadline = now_s() + seconds;
    for (;;) {
        const char *at = strstr(drive->text + drive->matched, text);
        if (at != NULL) {
            drive->matched = (size_t)(at - drive->text) + strlen(text);
            return;
        }
        if (drive->ended)
            fail(drive, "the output ended before \"%s\" came", text);
        if (now_s() >= deadline)
            fail(drive, "no \"%s\" within %g s", text, seconds);
        take_output(drive, deadline - now_s());
    }
}

static void step_screen(struct drive *drive, double seconds, const char *text)
{
    double deadline = now_s() + seconds;
    while (!screen_shows(&drive->screen, text)) {
        if (drive->ended || now_s() >= deadline) {
            for (unsigned row = 0; row < SCREEN_ROWS; row++)
                printf("|%s|\n", drive->screen.cell[row]);
            fail(drive, "no \"%s\" on the screen within %g s", text, seconds);
        }
        take_output(drive, deadline - now_s());
    }
}

static void step_send(struct drive *drive, const char *text)
{
    size_t length = strlen(text);
    while (length != 0) {
        ssize_t count = write(drive->in, text, length);
        if (count < 0)
            fail(drive, "cannot type: %s", strerror(errno));
        text += count;
        length -= (size_t)count;
    }
}

static void step_pause(struct drive *drive, double seconds)
{
    double deadline = now_s() + seconds;
    while (now_s() < deadline)
        take_output(drive, deadline - now_s());
}

static void step_exit(struct drive *drive, double seconds, int expected)
{
    double deadline = now_s() + seconds;
    int status;
    while (waitpid(drive->pid, &status, WNOHANG) == 0) {
        if (now_s() >= deadline)
            fail(drive, "still running after %g s", seconds);
        take_output(drive, 0.02);
    }
    drive->pid = 0;
    while (!drive->ended)
        take_output(drive, 0.1);
    int ended = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (ended != expected)
        fail(drive, "exit status %d, not %d", ended, expected);
}

/* ---- the script -------------------------------------------------------------------------------------------------- */

/* In place: \n \r \t \\ \e \xHH. */
static void unescape(char *text)
{
    char *to = text;
    for (; *text != '\0'; text++) {
        static const char names[] = "nrt\\e", values[] = "\n\r\t\\\x1b";
        const char *name = *text == '\\' && text[1] != '\0' ? strchr(names, text[1]) : NULL;
        if (name != NULL) {
            *to++ = values[name - names];
            text++;
        } else if (text[0] == '\\' && text[1] == 'x' && text[2] != '\0' && text[3] != '\0') {
            *to++ = (char)strtol((char[3]){ text[2], text[3] }, NULL, 16);
            text += 3;
        } else {
            *to++ = *text;
        }
    }
    *to = '\0';
}

static void run_step(struct drive *drive, char *line)
{
    char verb[16];
    int used = 0;
    if (sscanf(line, "%15s %n", verb, &used) != 1)
        return;
    char *rest = line + used;
    bool timed = strcmp(verb, "expect") == 0 || strcmp(verb, "screen") == 0 || strcmp(verb, "exit") == 0;
    double seconds = 0;
    if (timed || strcmp(verb, "pause") == 0) {
        seconds = strtod(rest, &rest);
        rest += *rest == ' ';
        seconds *= timed ? drive->slow : 1;
    }
    unescape(rest);
    if (strcmp(verb, "expect") == 0)
        step_expect(drive, seconds, rest);
    else if (strcmp(verb, "screen") == 0)
        step_screen(drive, seconds, rest);
    else if (strcmp(verb, "send") == 0)
        step_send(drive, rest);
    else if (strcmp(verb, "pause") == 0)
        step_pause(drive, seconds);
    else if (strcmp(verb, "kill") == 0)
        kill(drive->pid, SIGKILL);
    else if (strcmp(verb, "exit") == 0)
        step_exit(drive, seconds, atoi(rest));
    else if (strcmp(verb, "never") == 0 && drive->nevers < NEVER_MAX)
        snprintf(drive->never[drive->nevers++], LINE_MAX_BYTES, "%s", rest);
    else
        fail(drive, "cannot do \"%s\"", verb);
}

static void run_script(struct drive *drive, FILE *script)
{
    char line[LINE_MAX_BYTES];
    for (unsigned number = 1; fgets(line, sizeof line, script) != NULL; number++) {
        line[strcspn(line, "\n")] = '\0';
        drive->line = number;
        if (line[0] != '\0' && line[0] != '#')
            run_step(drive, line);
    }
}

static int usage(void)
{
    fprintf(stderr, "use: drive [--pty] [--log FILE] [--slow FACTOR] SCRIPT COMMAND [ARGUMENT...]\n");
    return 2;
}

int main(int argc, char **argv)
{
    static struct drive drive; /* large; this program has one */
    bool terminal = false;
    int at = 1;
    drive.slow = 1;
    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        if (strcmp(argv[at], "--pty") == 0)
            terminal = true;
        else if (strcmp(argv[at], "--log") == 0 && at + 1 < argc)
            drive.log = fopen(argv[++at], "wb");
        else if (strcmp(argv[at], "--slow") == 0 && at + 1 < argc)
            drive.slow = strtod(argv[++at], NULL);
        else
            return usage();
    }
    if (argc - at < 2)
        return usage();
    drive.script = argv[at];
    FILE *script = fopen(argv[at], "r");
    drive.text = calloc(1, TEXT_MAX);
    if (script == NULL || drive.text == NULL) {
        fprintf(stderr, "drive: %s: %s\n", argv[at], strerror(errno));
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    screen_init(&drive.screen);
    start(&drive, terminal, argv + at + 1);
    run_script(&drive, script);
    stop_child(&drive);
    fclose(script);
    if (drive.log != NULL)
        fclose(drive.log);
    return 0;
}
