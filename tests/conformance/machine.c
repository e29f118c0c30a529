/* machine.c - see machine.h. */
#include "machine.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bare.h"

enum { TICK_SECONDS = 2 };

/* ---- the parts --------------------------------------------------------------------------------------------------- */

static void on_tick(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    vx_vcpu_raise(info->si_value.sival_ptr, VX_ATTN_STOP);
}

/* Every TICK_SECONDS the engine comes back: what runs over two ticks runs too long. */
static bool start_ticks(struct cf_machine *machine)
{
    struct sigaction action = { .sa_sigaction = on_tick, .sa_flags = SA_SIGINFO | SA_RESTART };
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
                              .sigev_signo = SIGALRM,
                              .sigev_value.sival_ptr = machine->cpu };
    struct itimerspec when = { .it_interval.tv_sec = TICK_SECONDS, .it_value.tv_sec = TICK_SECONDS };
    timer_t timer;
    return sigaction(SIGALRM, &action, NULL) == 0 && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 &&
           timer_settime(timer, 0, &when, NULL) == 0;
}

static bool create_parts(struct cf_machine *machine, struct vx_bt_config *options)
{
    struct bare_config config = { .log = machine->log, .stats = &machine->stats, .ram_bytes = CF_RAM_BYTES };
    if (!bare_create(&config, &machine->pmap, &machine->cpu) || !start_ticks(machine))
        return false;
    machine->ram = bare_ram(machine->pmap);
    if (options == NULL)
        return true;
    options->log = machine->log;
    options->stats = &machine->stats;
    options->pmap = machine->pmap;
    return vx_bt_create(options, &machine->bt) == VX_ERR_OK &&
           vx_bt_cpu_create(machine->bt, machine->cpu, &machine->bt_cpu) == VX_ERR_OK;
}

/* ---- the command line -------------------------------------------------------------------------------------------- */

static int usage(const char *program)
{
    fprintf(stderr, "usage: %s [--engine bt|interp] [--stress SEED]\n", program);
    return CF_USAGE;
}

int cf_create(struct cf_machine *machine, int argc, char **argv)
{
    struct vx_bt_config options = { .tu_max = 0 };
    bool interp = false;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--engine") == 0 && strcmp(argv[i + 1], "interp") == 0) {
            interp = true;
        } else if (strcmp(argv[i], "--stress") == 0) {
            options.stress = true;
            options.stress_seed = strtoull(argv[i + 1], NULL, 0);
        } else if (strcmp(argv[i], "--engine") != 0 || strcmp(argv[i + 1], "bt") != 0) {
            return usage(argv[0]);
        }
    }
    if (argc % 2 == 0 || (interp && options.stress))
        return usage(argv[0]);
    *machine = (struct cf_machine){ .log = vx_log_create(stderr) };
    snprintf(machine->engine, sizeof machine->engine, "%s", interp ? "interp" : "bt");
    if (options.stress)
        snprintf(machine->engine, sizeof machine->engine, "bt, stress %llu", (unsigned long long)options.stress_seed);
    if (!interp && vx_bt_unavailable() != NULL) {
        printf("skipped: %s\n", vx_bt_unavailable());
        return CF_SKIPPED;
    }
    if (create_parts(machine, interp ? NULL : &options))
        return CF_EXACT;
    fprintf(stderr, "%s: the machine cannot be made\n", argv[0]);
    return CF_DIFFERENT;
}

void cf_destroy(struct cf_machine *machine)
{
    vx_bt_destroy(machine->bt);
    vx_cpu_destroy(machine->cpu);
    vx_pmap_destroy(machine->pmap);
    vx_log_destroy(machine->log);
}

/* ---- a run ------------------------------------------------------------------------------------------------------- */

void cf_write(struct cf_machine *machine, uint32_t phys, const void *bytes, size_t count)
{
    vx_pmap_write(machine->pmap, phys, bytes, count);
}

void cf_real_segment(struct cf_machine *machine, enum vx_segment seg, uint16_t sel)
{
    machine->cpu->seg[seg] = (struct vx_seg){ .base = (uint64_t)sel << 4, .limit = 0xFFFF, .sel = sel, .attr = 0x93 };
}

void cf_real_mode(struct cf_machine *machine)
{
    vx_cpu_reset(machine->cpu, false);
    for (unsigned i = 0; i < VX_SEG_COUNT; i++)
        cf_real_segment(machine, (enum vx_segment)i, 0);
}

bool cf_run(struct cf_machine *machine)
{
    for (unsigned ticks = 0; ticks < 2;) {
        ticks += (atomic_exchange(&machine->cpu->attention, 0) & VX_ATTN_STOP) != 0;
        vx_cpu_take_events(machine->cpu);
        if (machine->cpu->inhibit != VX_INHIBIT_NONE && atomic_load(&machine->cpu->attention) != 0)
            vx_interp_step(machine->cpu);
        enum vx_stop stop = machine->bt != NULL ? vx_bt_run(machine->bt_cpu) : vx_interp_run(machine->cpu, UINT64_MAX);
        if (stop == VX_STOP_HALT || stop == VX_STOP_SHUTDOWN)
            return stop == VX_STOP_HALT;
    }
    return false;
}

/* ---- data -------------------------------------------------------------------------------------------------------- */

/* All that `in` gives. */
static char *read_all(FILE *in, size_t *bytes)
{
    char *text = NULL;
    size_t room = 0, used = 0, got;
    do {
        if (room - used < 2) {
            room = room == 0 ? 1 << 20 : 2 * room;
            char *grown = realloc(text, room);
            if (grown == NULL)
                break;
            text = grown;
        }
        got = fread(text + used, 1, room - used - 1, in);
        used += got;
    } while (got != 0);
    if (text != NULL)
        text[used] = '\0';
    *bytes = used;
    return text;
}

/* Standard output of `xz -dc PATH`. */
static char *unpack(const char *path, size_t *bytes)
{
    int ends[2], status = 0;
    if (pipe(ends) != 0)
        return NULL;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execlp("xz", "xz", "-dc", "--", path, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *in = fdopen(ends[0], "rb");
    char *text = in != NULL ? read_all(in, bytes) : NULL;
    if (in != NULL)
        fclose(in);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pid > 0 && status == 0 && text != NULL && *bytes != 0)
        return text;
    free(text);
    return NULL;
}

char *cf_data(const char *name, size_t *bytes)
{
    char path[4096];
    const char *folder = getenv("VX86_CONFORMANCE_DATA");
    if (folder == NULL || folder[0] == '\0') {
        printf("skipped: VX86_CONFORMANCE_DATA does not name the folder of data\n");
        return NULL;
    }
    snprintf(path, sizeof path, "%s/%s", folder, name);
    size_t length = strlen(path);
    char *text = NULL;
    if (length > 3 && strcmp(path + length - 3, ".xz") == 0) {
        text = unpack(path, bytes);
    } else {
        FILE *in = fopen(path, "rb");
        text = in != NULL ? read_all(in, bytes) : NULL;
        if (in != NULL)
            fclose(in);
    }
    if (text == NULL)
        printf("skipped: %s cannot be read or unpacked\n", path);
    return text;
}
