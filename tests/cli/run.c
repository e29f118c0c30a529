/* run.c - processes and files. */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORDS 32
#define POLL_MS   5
#define FINISH_MS 20000
#define TEXT_MS   10000

static void give_up(const char *doing)
{
    perror(doing);
    exit(1);
}

static unsigned now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned)(now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

static void sleep_ms(unsigned ms)
{
    nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 }, NULL);
}

void run_init(struct run *run, const char *program)
{
    *run = (struct run){ .directory = "/tmp/vx86-cli-XXXXXX" };
    run->program = realpath(program, NULL);
    if (run->program == NULL)
        give_up(program);
    if (mkdtemp(run->directory) == NULL || chdir(run->directory) != 0)
        give_up(run->directory);
    unsetenv("VX86_DEFAULT_DISK");
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

int run_fini(struct run *run)
{
    nftw(run->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free((char *)run->program);
    printf("%u failures\n", run->failures);
    return run->failures != 0;
}

void run_file(struct run *run, const char *name, const void *data, size_t bytes)
{
    (void)run; /* the working directory is its */
    FILE *file = fopen(name, "w");
    if (file == NULL || fwrite(data, 1, bytes, file) != bytes || fclose(file) != 0)
        give_up(name);
}

void run_boot_disk(struct run *run, const char *name, const void *code, size_t code_bytes, size_t bytes)
{
    uint8_t sector[512] = { 0 };
    memcpy(sector, code, code_bytes < 510 ? code_bytes : 510);
    sector[510] = 0x55;
    sector[511] = 0xAA;
    run_file(run, name, sector, sizeof sector);
    if (truncate(name, (off_t)bytes) != 0)
        give_up(name);
}

/* ---- processes --------------------------------------------------------------------------------------------------- */

static void file_name(char name[16], const char *kind, unsigned slot)
{
    snprintf(name, 16, "%s.%u", kind, slot);
}

static void redirect(int to, const char *path, int flags)
{
    int fd = open(path, flags, 0600);
    if (fd < 0 || dup2(fd, to) < 0)
        _exit(126);
    if (fd != to)
        close(fd);
}

struct prepare {
    void (*fn)(void *opaque);
    void *opaque;
};

/* In the child. */
static void become(struct run *run, char *args, unsigned slot, const char *terminal, const struct prepare *prepare)
{
    char *argv[MAX_WORDS + 2] = { (char *)run->program }, out[16], err[16];
    int argc = 1;
    for (char *word = strtok(args, " "); word != NULL && argc <= MAX_WORDS; word = strtok(NULL, " "))
        argv[argc++] = word;
    file_name(out, "out", slot);
    file_name(err, "err", slot);
    setsid();
    signal(SIGINT, SIG_DFL); /* which a shell ignores in what it starts in the background */
    signal(SIGQUIT, SIG_DFL);
    if (terminal != NULL) {
        redirect(STDIN_FILENO, terminal, O_RDWR);
#ifdef TIOCSCTTY
        ioctl(STDIN_FILENO, TIOCSCTTY, 0);
#endif
        redirect(STDOUT_FILENO, terminal, O_RDWR);
    } else {
        redirect(STDIN_FILENO, "/dev/null", O_RDONLY);
        redirect(STDOUT_FILENO, out, O_WRONLY | O_CREAT | O_TRUNC);
    }
    redirect(STDERR_FILENO, err, O_WRONLY | O_CREAT | O_TRUNC);
    if (prepare != NULL)
        prepare->fn(prepare->opaque);
    execv(run->program, argv);
    _exit(127);
}

static pid_t start(struct run *run, const char *args, unsigned slot, const char *terminal,
                   const struct prepare *prepare)
{
    char words[1024], name[16];
    snprintf(words, sizeof words, "%s", args);
    file_name(name, "err", slot);
    unlink(name); /* so that run_wait_for() does not see an older run's */
    file_name(name, "out", slot);
    unlink(name);
    pid_t pid = fork();
    if (pid < 0)
        give_up("fork");
    if (pid == 0)
        become(run, words, slot, terminal, prepare);
    return pid;
}

pid_t run_start(struct run *run, const char *args, unsigned slot, const char *terminal)
{
    return start(run, args, slot, terminal, NULL);
}

pid_t run_start_in(struct run *run, const char *args, unsigned slot, void (*prepare)(void *opaque), void *opaque)
{
    return start(run, args, slot, NULL, &(struct prepare){ prepare, opaque });
}

static void read_text(const char *kind, unsigned slot, char *text, size_t room)
{
    char name[16];
    file_name(name, kind, slot);
    FILE *file = fopen(name, "r");
    size_t count = file != NULL ? fread(text, 1, room - 1, file) : 0;
    text[count] = '\0';
    if (file != NULL)
        fclose(file);
}

void run_finish(struct run *run, pid_t pid, unsigned slot, struct run_result *result)
{
    int status = 0;
    unsigned start_ms = now_ms();
    bool hung = false;
    (void)run;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (!hung && now_ms() - start_ms > FINISH_MS) {
            kill(pid, SIGKILL);
            hung = true;
        }
        sleep_ms(POLL_MS);
    }
    result->ms = now_ms() - start_ms;
    result->killed = WIFSIGNALED(status);
    result->status = result->killed ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    read_text("out", slot, result->out, sizeof result->out);
    read_text("err", slot, result->err, sizeof result->err);
}

void run_once(struct run *run, const char *args, struct run_result *result)
{
    run_finish(run, run_start(run, args, 0, NULL), 0, result);
}

bool run_wait_for(struct run *run, unsigned slot, const char *text)
{
    static const unsigned step_ms = 20;
    char err[8192];
    (void)run;
    for (unsigned ms = 0; ms < TEXT_MS; ms += step_ms) {
        read_text("err", slot, err, sizeof err);
        if (strstr(err, text) != NULL)
            return true;
        sleep_ms(step_ms);
    }
    return false;
}

/* ---- verdicts ---------------------------------------------------------------------------------------------------- */

void run_check(struct run *run, bool ok, const char *args, const struct run_result *result, const char *what)
{
    if (ok)
        return;
    run->failures++;
    printf("FAILED: vx86 %s\n  %s; status %d%s after %u ms, standard error:\n%s\n", args, what, result->status,
           result->killed ? " by a signal" : "", result->ms, result->err);
}

bool run_matches(const char *text, const char *extended_pattern)
{
    regex_t regex;
    if (regcomp(&regex, extended_pattern, REG_EXTENDED | REG_NOSUB) != 0)
        give_up(extended_pattern);
    bool matches = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return matches;
}

unsigned run_lines(const char *text)
{
    unsigned count = 0;
    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}
