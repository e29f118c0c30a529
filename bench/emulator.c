/* emulator.c - one child process, two pipes, a text buffer.
 *
 * I1  The child is gone and reaped after emulator_wait, whatever happened; it also dies with us.
 * I2  `arrived` is the time of the last read; text found in the buffer came at that time or earlier, so a caller that
 *     waits for one marker after the other gets honest times as long as work lies between them. */
#include "emulator.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vx86/host.h"

static double now_s(void)
{
    return (double)vx_host_now_ns() * 1e-9;
}

struct moment emulator_now(const struct emulator *emulator)
{
    double cpu_s = vx_host_child_cpu_s(emulator->pid);
    return (struct moment){ .wall_s = now_s(), .cpu_s = cpu_s > 0 ? cpu_s : 0 };
}

static _Noreturn void become(const char *command, int in, int out, int errors)
{
    (void)vx_host_die_with_parent();
    signal(SIGPIPE, SIG_DFL);
    if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(errors, 2) < 0)
        _exit(127);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

bool emulator_start(struct emulator *emulator, const char *command, FILE *log)
{
    int in[2], out[2];
    *emulator = (struct emulator){ .log = log };
    if (!vx_host_pipe(in))
        return false;
    if (!vx_host_pipe(out)) {
        close(in[0]);
        close(in[1]);
        return false;
    }
    if (log != NULL)
        fflush(log);
    emulator->started.wall_s = now_s();
    emulator->pid = fork();
    if (emulator->pid == 0)
        become(command, in[0], out[1], log != NULL ? fileno(log) : 2);
    close(in[0]);
    close(out[1]);
    emulator->in = in[1];
    emulator->out = out[0];
    if (emulator->pid < 0) {
        emulator_wait(emulator, 0);
        return false;
    }
    return true;
}

/* Makes room by forgetting what was looked at; text that nobody looks for is forgotten too. */
static void make_room(struct emulator *emulator)
{
    size_t keep = emulator->length - emulator->used;
    if (emulator->length + 1 < sizeof(emulator->text) - 4096)
        return;
    if (keep > sizeof(emulator->text) / 2)
        keep = sizeof(emulator->text) / 2;
    memmove(emulator->text, emulator->text + emulator->length - keep, keep);
    emulator->used = 0;
    emulator->length = keep;
}

/* One read with a deadline. False at the end of output or the deadline. */
static bool more(struct emulator *emulator, double deadline_s)
{
    struct pollfd poll_fd = { .fd = emulator->out, .events = POLLIN };
    double left_s = deadline_s - now_s();
    if (emulator->ended || left_s <= 0)
        return false;
    int ready = poll(&poll_fd, 1, (int)(left_s * 1000) + 1);
    if (ready < 0 && errno == EINTR)
        return true;
    if (ready <= 0)
        return false;
    make_room(emulator);
    ssize_t got = read(emulator->out, emulator->text + emulator->length, sizeof(emulator->text) - 1 - emulator->length);
    if (got <= 0) {
        emulator->ended = true;
        return false;
    }
    emulator->arrived = emulator_now(emulator);
    if (emulator->log != NULL)
        fwrite(emulator->text + emulator->length, 1, (size_t)got, emulator->log);
    for (size_t i = emulator->length; i < emulator->length + (size_t)got; i++) {
        if (emulator->text[i] == 0)
            emulator->text[i] = '?';
    }
    emulator->length += (size_t)got;
    emulator->text[emulator->length] = 0;
    return true;
}

int emulator_find(struct emulator *emulator, const char *const *texts, unsigned count, double timeout_s,
                  struct moment *when)
{
    double deadline_s = now_s() + timeout_s;
    do {
        const char *first = NULL;
        int found = -1;
        for (unsigned i = 0; i < count; i++) {
            const char *at = strstr(emulator->text + emulator->used, texts[i]);
            if (at != NULL && (first == NULL || at < first)) {
                first = at;
                found = (int)i;
            }
        }
        if (found >= 0) {
            emulator->used = (size_t)(first - emulator->text) + strlen(texts[found]);
            if (when != NULL)
                *when = emulator->arrived;
            return found;
        }
    } while (more(emulator, deadline_s));
    return -1;
}

bool emulator_rest_of_line(struct emulator *emulator, double timeout_s, char line[EMULATOR_LINE_MAX])
{
    double deadline_s = now_s() + timeout_s;
    const char *end;
    while ((end = strchr(emulator->text + emulator->used, '\n')) == NULL) {
        if (!more(emulator, deadline_s))
            return false;
    }
    const char *from = emulator->text + emulator->used;
    size_t length = (size_t)(end - from);
    emulator->used += length + 1;
    while (length > 0 && from[length - 1] == '\r')
        length--;
    if (length >= EMULATOR_LINE_MAX)
        return false;
    memcpy(line, from, length);
    line[length] = 0;
    return true;
}

bool emulator_type(struct emulator *emulator, const char *text)
{
    size_t length = strlen(text), done = 0;
    while (done < length) {
        ssize_t put = write(emulator->in, text + done, length - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        done += (size_t)put;
    }
    return true;
}

bool emulator_memory(const struct emulator *emulator, struct emulator_memory *memory)
{
    struct vx_host_memory bytes;
    if (!vx_host_child_memory(emulator->pid, &bytes))
        return false;
    *memory =
        (struct emulator_memory){ .peak_mib = (double)bytes.peak / 1048576, .now_mib = (double)bytes.now / 1048576 };
    return true;
}

bool emulator_wait(struct emulator *emulator, double timeout_s)
{
    double deadline_s = now_s() + timeout_s;
    bool clean = true;
    if (emulator->pid == 0)
        return true;
    while (more(emulator, deadline_s)) {
    }
    /* Its output may be closed a little before it is gone. */
    while (waitpid(emulator->pid, NULL, WNOHANG) == 0) {
        if (now_s() >= deadline_s) {
            kill(emulator->pid, SIGKILL);
            waitpid(emulator->pid, NULL, 0);
            clean = false;
            break;
        }
        nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    }
    close(emulator->in);
    close(emulator->out);
    emulator->pid = 0;
    return clean;
}
