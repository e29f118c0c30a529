/* bench_run.c - one workload in a machine of its own, in a child process: a run leaves nothing behind for the next one,
 * and a run that hangs or dies is one failed run.
 *
 *   I1  Counters are read between two stays in the engine, where they are complete: a marker only asks for attention,
 *       and the kernel spins until it has been given (lab_settle()). */
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench_child.h"
#include "bench_image.h"
#include "vx86/firmware.h"

enum { LONGEST_RUN_S = 120, LONGEST_BOOT_S = 600, EXIT_PORT = 0xF4 };
enum { RAM_BYTES = 64 << 20, SYSTEM_RAM_BYTES = 256 << 20 };

static const char good_bye[] = "poweroff\n";
/* What the BIOS says on port 402h when no disk, CD or network has a system. */
static const char nothing_boots[] = "No bootable device";

struct guest {
    const struct bench_run *run;
    struct bench_sample *sample;
    struct vx_loop *loop;
    struct vx_machine *machine;
    struct vx_char debugcon, console;
    size_t said; /* of good_bye */
    struct bench_line line, bios;
    struct vx_work begin, end;
    struct vx_stats before;
    uint64_t begin_ns, end_ns, begin_insns;
};

/* ---- markers ----------------------------------------------------------------------------------------------------- */

static void on_begin(struct vx_work *work)
{
    struct guest *guest = (struct guest *)((char *)work - offsetof(struct guest, begin));
    vx_stats_take_times(vx_machine_stats(guest->machine));
    guest->before = *vx_machine_stats(guest->machine);
    guest->begin_insns = vx_machine_vcpu(guest->machine)->retired;
    guest->begin_ns = vx_host_now_ns();
}

/* The parts of time are in part told from numbers, so one may have fallen. */
static void subtract(struct vx_stats *stats, const struct vx_stats *before)
{
    uint64_t *to = (uint64_t *)stats;
    const uint64_t *from = (const uint64_t *)before;
    for (size_t i = 0; i < sizeof *stats / sizeof *to; i++)
        to[i] = to[i] > from[i] ? to[i] - from[i] : 0;
}

/* As much as the port takes. */
static void say_good_bye(void *opaque)
{
    struct guest *guest = opaque;
    size_t left = guest->sample->done ? strlen(good_bye) - guest->said : 0;
    if (left != 0)
        guest->said += vx_char_receive(&guest->console, (const uint8_t *)good_bye + guest->said, left);
}

static void on_end(struct vx_work *work)
{
    struct guest *guest = (struct guest *)((char *)work - offsetof(struct guest, end));
    if (guest->run->split)
        guest->end_ns = vx_host_now_ns(); /* what the parts add up to ends here */
    vx_stats_take_times(vx_machine_stats(guest->machine));
    guest->sample->stats = *vx_machine_stats(guest->machine);
    subtract(&guest->sample->stats, &guest->before);
    guest->sample->insns = vx_machine_vcpu(guest->machine)->retired - guest->begin_insns;
    guest->sample->wall_ns = guest->end_ns - guest->begin_ns;
    guest->sample->done = true;
    if (guest->run->workload->system)
        say_good_bye(guest);
}

static void end_run(struct guest *guest)
{
    guest->end_ns = vx_host_now_ns();
    vx_loop_post(guest->loop, &guest->end);
}

static void on_bytes(void *opaque, const uint8_t *bytes, size_t count)
{
    struct guest *guest = opaque;
    for (size_t i = 0; i < count; i++) {
        uint32_t sum;
        switch (bench_take(&guest->line, (char)bytes[i], &sum)) {
        case VX_BENCH_NOTHING: break;
        case VX_BENCH_BEGIN:
            if (guest->run->workload->power_on)
                end_run(guest);
            else
                vx_loop_post(guest->loop, &guest->begin);
            break;
        case VX_BENCH_END:
            if (guest->run->workload->power_on)
                break;
            guest->sample->sum = sum;
            end_run(guest);
            break;
        case VX_BENCH_FAIL:
            snprintf(guest->sample->error, sizeof guest->sample->error, "%.79s", guest->line.text);
            break;
        }
    }
}

/* Of a system's console. */
static void on_console(void *opaque, const uint8_t *bytes, size_t count)
{
    struct guest *guest = opaque;
    for (size_t i = 0; i < count; i++) {
        if (bench_prompt(&guest->line, (char)bytes[i]) && guest->end_ns == 0)
            end_run(guest);
    }
}

/* Of a system's BIOS: an image that boots nothing ends here. */
static void on_bios(void *opaque, const uint8_t *bytes, size_t count)
{
    struct guest *guest = opaque;
    uint32_t sum;
    for (size_t i = 0; i < count && guest->sample->error[0] == '\0'; i++) {
        bench_take(&guest->bios, (char)bytes[i], &sum);
        if (bytes[i] != '\n' || strncmp(guest->bios.text, nothing_boots, strlen(nothing_boots)) != 0)
            continue;
        snprintf(guest->sample->error, sizeof guest->sample->error, "the image boots nothing");
        vx_machine_stop(guest->machine, 0);
    }
}

/* ---- the child --------------------------------------------------------------------------------------------------- */

static vx_err open_disk(struct guest *guest, struct vx_log *log, struct vx_block **disk)
{
    char path[VX_BENCH_PATH_CHARS];
    const struct vx_lab_host *host = guest->run->host;
    if (guest->run->workload->system)
        return host->open_disk(guest->run->image, true, log, guest->loop, disk);
    int fd = bench_disk(guest->run, path);
    if (fd < 0)
        return VX_ERR_NO_MEMORY;
    vx_err err = host->open_disk(path, false, log, guest->loop, disk);
    close(fd);
    return err;
}

static vx_err create(struct guest *guest, struct vx_log *log, struct vx_block *disk)
{
    const struct bench_setting *setting = guest->run->setting;
    struct vx_machine_config config = {
        .log = log,
        .loop = guest->loop,
        .stop_at = guest->run->count_insns ? INT64_MAX : 0,
        .time_split = guest->run->split,
        .ram_bytes = guest->run->workload->system ? SYSTEM_RAM_BYTES : RAM_BYTES,
        .engine = setting->engine,
        .bt = { .tu_max = setting->tu_max,
                .cache_bytes = setting->cache_bytes,
                .lowering = setting->lowering,
                .interpret_first = setting->interpret_first,
                .no_chain = setting->no_chain,
                .no_jump_cache = setting->no_jump_cache,
                .count = guest->run->count },
        .debugcon = &guest->debugcon,
        .serial = { guest->run->workload->system ? &guest->console : NULL },
        .disk = { disk },
        .boot = VX_BOOT_DISK,
        .no_reboot = true,
        .debug_exit = { { EXIT_PORT, 4 } },
    };
    config.bios = vx_firmware_bios(&config.bios_bytes);
    config.vga_bios = vx_firmware_vga_bios(&config.vga_bios_bytes);
    return vx_machine_create(&config, &guest->machine);
}

static const struct vx_char_ops debugcon_ops = { .write = on_bytes };
static const struct vx_char_ops bios_ops = { .write = on_bios };
static const struct vx_char_ops console_ops = { .write = on_console, .can_receive = say_good_bye };

static void run_guest(const struct bench_run *run, struct bench_sample *sample)
{
    struct guest guest = { .run = run, .sample = sample, .begin.fn = on_begin, .end.fn = on_end };
    struct vx_log *log = vx_log_create(stderr);
    struct vx_block *disk = NULL;
    int value;
    guest.debugcon = (struct vx_char){ .ops = run->workload->system ? &bios_ops : &debugcon_ops, .opaque = &guest };
    guest.console = (struct vx_char){ .ops = &console_ops, .opaque = &guest };
    if (vx_loop_create(log, &guest.loop) != VX_ERR_OK || open_disk(&guest, log, &disk) != VX_ERR_OK ||
        create(&guest, log, disk) != VX_ERR_OK) {
        snprintf(sample->error, sizeof sample->error, "the machine cannot be made");
        return;
    }
    run->host->confine(log);
    guest.begin_ns = vx_host_now_ns();
    enum vx_machine_end end = vx_machine_run(guest.machine, &value);
    if (!sample->done && sample->error[0] == '\0')
        snprintf(sample->error, sizeof sample->error, "the guest ended without a result (%d)", (int)end);
    if (sample->done && run->workload->system && end != VX_END_POWER_OFF) {
        sample->done = false;
        snprintf(sample->error, sizeof sample->error, "the system did not power off (%d)", (int)end);
    }
    vx_machine_destroy(guest.machine);
    run->host->close_disk(disk);
    vx_loop_destroy(guest.loop);
    vx_log_destroy(log);
}

/* The child holds the writing end of a pipe: it has ended when there is nothing more to come. */
static void watch(const struct bench_run *run, pid_t child, int in, struct bench_sample *sample,
                  const struct bench_sample *shared)
{
    unsigned usual_s = run->workload->system ? LONGEST_BOOT_S : LONGEST_RUN_S;
    uint64_t begun_ns = vx_host_now_ns(), deadline_ns = bench_deadline_ns(run->patience, usual_s);
    enum bench_wait wait = bench_wait_for(in, deadline_ns, run->patience);
    int status = bench_collect(child, wait != VX_BENCH_WAIT_READY);
    *sample = *shared;
    if (WIFSIGNALED(status))
        sample->done = false;
    if (wait == VX_BENCH_WAIT_INTERRUPTED)
        snprintf(sample->error, sizeof sample->error, "interrupted");
    else if (wait == VX_BENCH_WAIT_TOO_LONG)
        snprintf(sample->error, sizeof sample->error, "no end after %.0f s", (double)(deadline_ns - begun_ns) / 1e9);
    else if (WIFSIGNALED(status))
        snprintf(sample->error, sizeof sample->error, "died of signal %d", WTERMSIG(status));
}

void bench_run(const struct bench_run *run, struct bench_sample *sample)
{
    struct bench_sample *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int ends[2];
    *sample = (struct bench_sample){ .error = "no memory" };
    if (shared == MAP_FAILED)
        return;
    if (pipe(ends) == 0) {
        pid_t child = bench_fork();
        if (child == 0) {
            close(ends[0]);
            run_guest(run, shared);
            _exit(0);
        }
        close(ends[1]);
        if (child > 0)
            watch(run, child, ends[0], sample, shared);
        close(ends[0]);
    }
    munmap(shared, sizeof *shared);
}
