/* bench_rival.c - what runs beside vx86: the same kernel in QEMU's translator, the same loops as a program of the host.
 *
 * Both write the markers to a pipe; the time is that of the host's clock at their arrival. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define QEMU "qemu-system-i386"

enum { LONGEST_RUN_S = 300, MOST_ARGUMENTS = 32, NAME_CHARS = 32 };

enum vx_bench_marker vx_bench_take(struct vx_bench_line *line, char byte, uint32_t *sum)
{
    char name[NAME_CHARS];
    unsigned units, value;
    if (byte != '\n') {
        if (line->used < sizeof line->text - 1)
            line->text[line->used++] = byte;
        line->text[line->used] = '\0';
        return VX_BENCH_NOTHING;
    }
    line->text[line->used] = '\0';
    line->used = 0;
    if (strncmp(line->text, "@begin ", 7) == 0)
        return VX_BENCH_BEGIN;
    if (strncmp(line->text, "@fail ", 6) == 0)
        return VX_BENCH_FAIL;
    if (sscanf(line->text, "@end %31s %u %u", name, &units, &value) != 3)
        return VX_BENCH_NOTHING;
    *sum = value;
    return VX_BENCH_END;
}

const char *vx_bench_rival_name(enum vx_bench_rival rival)
{
    return rival == VX_BENCH_TCG ? "TCG" : "native";
}

static bool is_installed(const char *program)
{
    const char *path = getenv("PATH");
    char file[4096];
    while (path != NULL && *path != '\0') {
        size_t length = strcspn(path, ":");
        snprintf(file, sizeof file, "%.*s/%s", (int)length, path, program);
        if (access(file, X_OK) == 0)
            return true;
        path += length + (path[length] == ':');
    }
    return false;
}

bool vx_bench_rival_has(enum vx_bench_rival rival, const struct vx_lab_workload *workload)
{
    size_t bytes;
#ifdef __linux__
    if (rival == VX_BENCH_TCG)
        return is_installed(QEMU);
    vx_lab_native(&bytes);
    return workload->native && bytes != 0;
#else
    (void)bytes, (void)is_installed;
    return false;
#endif
}

/* ---- the child ---------------------------------------------------------------------------------------------------- */

/* The image as a file that has no name of its own: `path` leads to it in this process and its children. */
static int image_file(const uint8_t *image, size_t bytes, char path[32])
{
#ifdef __linux__
    int fd = memfd_create("vx86-bench", 0);
    if (fd >= 0 && write(fd, image, bytes) != (ssize_t)bytes) {
        close(fd);
        fd = -1;
    }
    snprintf(path, 32, "/proc/self/fd/%d", fd);
    return fd;
#else
    (void)image, (void)bytes, (void)path;
    return -1;
#endif
}

static void exec_qemu(const struct vx_bench_run *run, const char *path)
{
    char append[64];
    snprintf(append, sizeof append, "%s %u", run->workload->power_on ? "nothing" : run->workload->name,
             (unsigned)run->units);
    execlp(QEMU, QEMU, "-accel", "tcg", "-m", "64M", "-nodefaults", "-display", "none", "-no-reboot", "-vga", "std",
           "-kernel", path, "-append", append, "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-debugcon", "stdio",
           "-global", "isa-debugcon.iobase=0x402", (char *)NULL);
}

static void exec_native(const struct vx_bench_run *run, const char *path)
{
    char units[16];
    snprintf(units, sizeof units, "%u", (unsigned)run->units);
    execl(path, "bench", "run", run->workload->name, units, (char *)NULL);
}

_Noreturn static void be_rival(enum vx_bench_rival rival, const struct vx_bench_run *run, int out)
{
    char path[32];
    size_t bytes;
    const uint8_t *image = rival == VX_BENCH_TCG ? vx_lab_kernel(&bytes) : vx_lab_native(&bytes);
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    alarm(LONGEST_RUN_S);
    if (image_file(image, bytes, path) >= 0)
        rival == VX_BENCH_TCG ? exec_qemu(run, path) : exec_native(run, path);
    _exit(127);
}

/* ---- the parent --------------------------------------------------------------------------------------------------- */

/* False when the rest does not matter. */
static bool take_byte(const struct vx_bench_run *run, struct vx_bench_line *line, char byte, uint64_t *begin_ns,
                      struct vx_bench_sample *sample)
{
    switch (vx_bench_take(line, byte, &sample->sum)) {
    case VX_BENCH_NOTHING: return true;
    case VX_BENCH_BEGIN:
        if (!run->workload->power_on) {
            *begin_ns = vx_host_now_ns();
            return true;
        }
        break;
    case VX_BENCH_END: break;
    case VX_BENCH_FAIL: snprintf(sample->error, sizeof sample->error, "%.79s", line->text); return false;
    }
    sample->wall_ns = vx_host_now_ns() - *begin_ns;
    sample->done = true;
    return false;
}

static void watch(const struct vx_bench_run *run, int in, uint64_t begin_ns, struct vx_bench_sample *sample)
{
    struct vx_bench_line line = { .used = 0 };
    char bytes[512];
    for (;;) {
        ssize_t count = read(in, bytes, sizeof bytes);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return;
        for (ssize_t i = 0; i < count; i++)
            if (!take_byte(run, &line, bytes[i], &begin_ns, sample))
                return;
    }
}

void vx_bench_rival_run(enum vx_bench_rival rival, const struct vx_bench_run *run, struct vx_bench_sample *sample)
{
    int ends[2], status;
    *sample = (struct vx_bench_sample){ .error = "no result" };
    if (pipe(ends) != 0)
        return;
    fflush(NULL);
    uint64_t begin_ns = vx_host_now_ns();
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        be_rival(rival, run, ends[1]);
    }
    close(ends[1]);
    if (child > 0) {
        watch(run, ends[0], begin_ns, sample);
        kill(child, SIGKILL);
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    close(ends[0]);
}
