/* bench_rival.c - what runs beside vx86: the same disk in QEMU's translator and in Bochs, the same loops as a program
 * of the host.
 *
 * All write the markers to a pipe; the time is that of the host's clock at their arrival. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench_child.h"
#include "bench_image.h"
#include "vx86/firmware.h"
#include "vx86/host.h"

#define QEMU  "qemu-system-i386"
#define BOCHS "bochs"

enum { LONGEST_RUN_S = 300, NAME_CHARS = 32, BOCHS_SHARE = 8 };

enum bench_marker bench_take(struct bench_line *line, char byte, uint32_t *sum)
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

bool bench_prompt(struct bench_line *line, char byte)
{
    static const char prompt[] = "/# ";
    size_t length = sizeof prompt - 1;
    if (byte == '\n') {
        line->used = 0;
        return false;
    }
    if (line->used == sizeof line->text - 1)
        memmove(line->text, line->text + 1, --line->used);
    line->text[line->used++] = byte;
    return line->used >= length && memcmp(line->text + line->used - length, prompt, length) == 0;
}

const char *bench_rival_name(enum bench_rival rival)
{
    static const char *const names[VX_BENCH_RIVALS] = { "TCG", "Bochs", "native" };
    return names[rival];
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

bool bench_rival_has(enum bench_rival rival, const struct lab_workload *workload)
{
    size_t bytes;
    switch (rival) {
    case VX_BENCH_TCG: return is_installed(QEMU);
    case VX_BENCH_BOCHS: return !workload->clocked && !workload->system && is_installed(BOCHS);
    default: lab_native(&bytes); return workload->native && bytes != 0;
    }
}

/* Bochs interprets, in some tens of times vx86's time. */
uint32_t bench_rival_units(enum bench_rival rival, const struct bench_run *run)
{
    return rival == VX_BENCH_BOCHS && run->units > BOCHS_SHARE ? run->units / BOCHS_SHARE : run->units;
}

/* ---- the child --------------------------------------------------------------------------------------------------- */

static void exec_qemu_system(const char *image)
{
    char drive[4200];
    snprintf(drive, sizeof drive, "file=%s,format=raw,if=ide,snapshot=on", image);
    execlp(QEMU, QEMU, "-accel", "tcg", "-m", "256M", "-nodefaults", "-display", "none", "-no-reboot", "-vga", "std",
           "-drive", drive, "-serial", "stdio", (char *)NULL);
}

static void exec_qemu(const char *path)
{
    char drive[64];
    snprintf(drive, sizeof drive, "file=%s,format=raw,if=ide", path);
    execlp(QEMU, QEMU, "-accel", "tcg", "-m", "64M", "-nodefaults", "-display", "none", "-no-reboot", "-vga", "std",
           "-drive", drive, "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-debugcon", "stdio", "-global",
           "isa-debugcon.iobase=0x402", (char *)NULL);
}

/* Its graphical front end without a network is the one that needs no screen: it listens for viewers, so it gets a
 * network of its own where the host lets it have one. Bochs's time is counted in instructions: with few to its second,
 * the BIOS waits shortly. Its debugger, where it was built with one, is told to go on. */
static void exec_bochs(const char *disk)
{
    char text[1024], config[VX_BENCH_PATH_CHARS], bios[VX_BENCH_PATH_CHARS], vga_bios[VX_BENCH_PATH_CHARS],
        commands[VX_BENCH_PATH_CHARS];
    size_t bytes;
    const uint8_t *rom = vx_firmware_bios(&bytes);
    bool ready = bench_file(rom, bytes, bios) >= 0;
    rom = vx_firmware_vga_bios(&bytes);
    ready &= bench_file(rom, bytes, vga_bios) >= 0;
    int length = snprintf(text, sizeof text,
                          "romimage: file=%s\nvgaromimage: file=%s\ndisplay_library: rfb, options=\"timeout=0\"\n"
                          "megs: 64\ncpu: ips=5000000\nclock: sync=none\nport_e9_hack: enabled=1\nfloppya: type=none\n"
                          "ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14\n"
                          "ata0-master: type=disk, path=\"%s\", mode=flat\nboot: disk\n"
                          "sound: driver=dummy, waveoutdrv=dummy\nspeaker: enabled=1, mode=none\n"
                          "log: /dev/null\npanic: action=fatal\n",
                          bios, vga_bios, disk);
    ready &= bench_file(text, (size_t)length, config) >= 0;
    int go_on = bench_file("c\n", 2, commands);
    if (!ready || go_on < 0 || lseek(go_on, 0, SEEK_SET) != 0)
        return;
    dup2(go_on, STDIN_FILENO);
    (void)vx_host_own_network();
    execlp(BOCHS, BOCHS, "-q", "-f", config, (char *)NULL);
}

static void exec_native(const struct bench_run *run, const char *path)
{
    char units[16];
    snprintf(units, sizeof units, "%u", (unsigned)run->units);
    execl(path, "bench", "run", run->workload->name, units, (char *)NULL);
}

/* `complaints` is what it writes to standard error. */
_Noreturn static void be_rival(enum bench_rival rival, const struct bench_run *run, int out, int complaints)
{
    char path[VX_BENCH_PATH_CHARS];
    size_t bytes;
    const uint8_t *native = lab_native(&bytes);
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(complaints >= 0 ? complaints : null, STDERR_FILENO);
    if (run->workload->system)
        exec_qemu_system(run->image);
    else if (rival == VX_BENCH_TCG && bench_disk(run, path) >= 0)
        exec_qemu(path);
    else if (rival == VX_BENCH_BOCHS && bench_disk(run, path) >= 0)
        exec_bochs(path);
    else if (rival == VX_BENCH_NATIVE && bench_file(native, bytes, path) >= 0)
        exec_native(run, path);
    _exit(127);
}

/* ---- the parent -------------------------------------------------------------------------------------------------- */

/* False when the rest does not matter. */
static bool take_byte(const struct bench_run *run, struct bench_line *line, char byte, uint64_t *begin_ns,
                      struct bench_sample *sample)
{
    enum bench_marker marker = run->workload->system ? bench_prompt(line, byte) ? VX_BENCH_BEGIN : VX_BENCH_NOTHING
                                                     : bench_take(line, byte, &sample->sum);
    switch (marker) {
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

/* Why there is no result, from how it ended and the first line of its complaints. */
static void explain(struct bench_sample *sample, int status, int complaints)
{
    char text[sizeof sample->error - 40] = "";
    ssize_t count = complaints >= 0 ? pread(complaints, text, sizeof text - 1, 0) : 0;
    text[count > 0 ? count : 0] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    const char *colon = text[0] != '\0' ? ": " : "";
    if (WIFSIGNALED(status))
        snprintf(sample->error, sizeof sample->error, "died of signal %d%s%s", WTERMSIG(status), colon, text);
    else
        snprintf(sample->error, sizeof sample->error, "ended with status %d and no result%s%s", WEXITSTATUS(status),
                 colon, text);
}

/* Until the result, its end or the deadline. Returns whether it is to be explained by its end. */
static bool watch(const struct bench_run *run, int in, uint64_t begin_ns, struct bench_sample *sample)
{
    struct bench_line line = { .used = 0 };
    char bytes[512];
    uint64_t deadline_ns = bench_deadline_ns(run->patience, LONGEST_RUN_S);
    for (;;) {
        enum bench_wait wait = bench_wait_for(in, deadline_ns, run->patience);
        sample->too_long = wait == VX_BENCH_WAIT_TOO_LONG;
        if (wait == VX_BENCH_WAIT_INTERRUPTED)
            snprintf(sample->error, sizeof sample->error, "interrupted");
        else if (wait == VX_BENCH_WAIT_TOO_LONG)
            snprintf(sample->error, sizeof sample->error, "no end after %.0f s",
                     (double)(vx_host_now_ns() - begin_ns) / 1e9);
        if (wait != VX_BENCH_WAIT_READY)
            return false;
        ssize_t count = read(in, bytes, sizeof bytes);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return true;
        for (ssize_t i = 0; i < count; i++)
            if (!take_byte(run, &line, bytes[i], &begin_ns, sample))
                return false;
    }
}

void bench_rival_run(enum bench_rival rival, const struct bench_run *run, struct bench_sample *sample)
{
    int ends[2], complaints = vx_host_unnamed_file("vx86-rival", 0, VX_HOST_FILE_WRITTEN | VX_HOST_FILE_INHERITED);
    *sample = (struct bench_sample){ .error = "no memory" };
    if (pipe(ends) == 0) {
        uint64_t begin_ns = vx_host_now_ns();
        pid_t child = bench_fork();
        if (child == 0) {
            close(ends[0]);
            be_rival(rival, run, ends[1], complaints);
        }
        close(ends[1]);
        bool ended = child > 0 && watch(run, ends[0], begin_ns, sample);
        int status = child > 0 ? bench_collect(child, !ended) : 0;
        if (ended)
            explain(sample, status, complaints);
        close(ends[0]);
    }
    if (complaints >= 0)
        close(complaints);
}
