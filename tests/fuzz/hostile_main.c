/* hostile_main.c - vx86-hostile: hostile guests one after the other, while a thread watches the time. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <unistd.h>

#include "account.h"
#include "arguments.h"
#include "hostile.h"
#include "watch.h"

/* A program that takes more CPU time than SLOW_MS is told to stop; one that has not within HANG_MS hangs the host. */
enum { MESSAGE_BYTES = 256 << 10 }; /* that the guests of one batch may provoke */
enum { BATCH = 128, INSNS = 30000, SLOW_MS = 60, HANG_MS = 3000 };

struct arguments {
    uint64_t seed, first, count, seconds;
    bool engine[2]; /* by enum vx_engine */
    const char *note;
};

struct run {
    struct arguments arguments;
    int note_fd;
    FILE *messages; /* of the present machine */
    uint64_t programs, ends[8];
    long base_kib;
    struct watch watch;
    struct vx_machine *machine; /* of the running program */
};

static const char usage[] =
    "usage: vx86-hostile [--seed N] [--first N] [--count N] [--seconds N] [--engine bt|interp|both] [--note FILE]\n"
    "Runs hostile guests in ring 0 of a whole machine: random and changed code, tables and device accesses. The host "
    "must\n"
    "not crash, hang or allocate without bound; best built with the sanitizers. Translations are verified.\n"
    "  --seed N      another sequence of programs (1)\n"
    "  --first N     number of the first program (0)\n"
    "  --count N     how many (2000, or no end with --seconds)\n"
    "  --seconds N   for so long\n"
    "  --engine E    bt, interp or both in turn (both)\n"
    "  --note FILE   where the running program's number is kept, to run it again after a crash (vx86-hostile.note);\n"
    "                FILE.log has what its machine says\n"
    "Exit status: 0 nothing happened, 1 wrong usage, 2 memory or messages grew; a crash or hang ends the process by a "
    "signal.\n";

static void is_slow(void *opaque)
{
    vx_machine_stop(((struct run *)opaque)->machine, 1);
}

static void note(const struct run *run, const char *engine, uint64_t number)
{
    char text[160];
    int bytes =
        snprintf(text, sizeof text, "--seed %llu --first %llu --count %llu --engine %s : the last of these     \n",
                 (unsigned long long)run->arguments.seed, (unsigned long long)(number - number % BATCH),
                 (unsigned long long)(number % BATCH + 1), engine);
    if (pwrite(run->note_fd, text, (size_t)bytes, 0) != bytes)
        fprintf(stderr, "vx86-hostile: the note cannot be written\n");
}

/* False when the process has grown by more than the margin since its first batches. */
static bool memory_is_bounded(struct run *run)
{
    long now = watch_resident_kib();
    if (run->base_kib == 0)
        run->base_kib = now;
    if (now - run->base_kib <= FUZZ_MEMORY_MARGIN_MIB * 1024L)
        return true;
    fprintf(stderr, "vx86-hostile: %ld KiB resident, %ld KiB at the beginning\n", now, run->base_kib);
    return false;
}

static bool messages_are_bounded(const struct run *run)
{
    if (ftell(run->messages) <= MESSAGE_BYTES)
        return true;
    fprintf(stderr, "vx86-hostile: %ld bytes of messages\n", ftell(run->messages));
    return false;
}

/* Programs of one batch share a machine, which is reset between them. */
static bool run_batch(struct run *run, enum vx_engine engine, uint64_t first, uint64_t count)
{
    static struct hostile_machine m;
    static struct hostile_program program;
    if (program.world == NULL)
        program.world = world_create();
    bool bounded = true;
    if (ftruncate(fileno(run->messages), 0) != 0)
        perror("vx86-hostile: log");
    rewind(run->messages);
    hostile_machine_create(&m, engine, first / BATCH, run->messages);
    run->machine = m.machine;
    for (uint64_t i = 0; i < count && bounded; i++) {
        note(run, engine == VX_ENGINE_BT ? "bt" : "interp", first + i);
        watch_begin(&run->watch, first + i);
        hostile_program_load(&program, &m, run->arguments.seed, first + i);
        run->ends[hostile_machine_run(&m, INSNS)]++;
        watch_end(&run->watch);
        run->programs++;
        bounded = messages_are_bounded(run) && (i % 32 != 31 || memory_is_bounded(run));
    }
    hostile_machine_destroy(&m);
    return bounded;
}

static bool run_all(struct run *run)
{
    const struct arguments *a = &run->arguments;
    uint64_t start = vx_host_now_ns();
    for (uint64_t done = 0; done < a->count;) {
        uint64_t first = a->first + done, count = BATCH - first % BATCH;
        count = count < a->count - done ? count : a->count - done;
        for (enum vx_engine engine = VX_ENGINE_BT; engine <= VX_ENGINE_INTERP; engine++)
            if (a->engine[engine] && !run_batch(run, engine, first, count))
                return false;
        done += count;
        if (a->seconds != 0 && vx_host_now_ns() - start > a->seconds * 1000000000u)
            break;
    }
    return true;
}

/* ---- arguments */

static bool parse_engine(const char *text, struct arguments *a)
{
    bool both = strcmp(text, "both") == 0;
    a->engine[VX_ENGINE_BT] = both || strcmp(text, "bt") == 0;
    a->engine[VX_ENGINE_INTERP] = both || strcmp(text, "interp") == 0;
    if (a->engine[0] || a->engine[1])
        return true;
    fprintf(stderr, "vx86-hostile: --engine wants bt, interp or both, not '%s'\n", text);
    return false;
}

static bool parse(int argc, char **argv, struct arguments *a)
{
    static const struct option options[] = {
        { "seed", required_argument, NULL, 's' },   { "first", required_argument, NULL, 'f' },
        { "count", required_argument, NULL, 'c' },  { "seconds", required_argument, NULL, 't' },
        { "engine", required_argument, NULL, 'e' }, { "note", required_argument, NULL, 'n' },
        { "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 },
    };
    *a = (struct arguments){ .seed = 1, .count = UINT64_MAX, .engine = { true, true }, .note = "vx86-hostile.note" };
    int option, index = 0;
    while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
        bool ok = true;
        switch (option) {
        case 's': ok = arguments_number("vx86-hostile", "seed", optarg, &a->seed); break;
        case 'f': ok = arguments_number("vx86-hostile", "first", optarg, &a->first); break;
        case 'c': ok = arguments_number("vx86-hostile", "count", optarg, &a->count); break;
        case 't': ok = arguments_number("vx86-hostile", "seconds", optarg, &a->seconds); break;
        case 'e': ok = parse_engine(optarg, a); break;
        case 'n': a->note = optarg; break;
        case 'h': fputs(usage, stdout); exit(0);
        default: return false;
        }
        if (!ok)
            return false;
    }
    if (optind < argc) {
        fprintf(stderr, "vx86-hostile: unexpected argument '%s'\n", argv[optind]);
        return false;
    }
    if (a->count == UINT64_MAX && a->seconds == 0)
        a->count = 2000;
    return true;
}

static bool open_files(struct run *run)
{
    char log[4096];
    snprintf(log, sizeof log, "%s.log", run->arguments.note);
    run->note_fd = open(run->arguments.note, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    run->messages = fopen(log, "we");
    if (run->note_fd < 0 || run->messages == NULL) {
        fprintf(stderr, "vx86-hostile: %s: %s\n", run->arguments.note, strerror(errno));
        return false;
    }
    setvbuf(run->messages, NULL, _IONBF, 0);
    return true;
}

int main(int argc, char **argv)
{
    static struct run run;
    if (!parse(argc, argv, &run.arguments) || !open_files(&run))
        return 1;
    run.watch = (struct watch){
        .program = "vx86-hostile", .slow_ms = SLOW_MS, .hang_ms = HANG_MS, .on_slow = is_slow, .opaque = &run
    };
    watch_start(&run.watch);
    uint64_t start = vx_host_now_ns();
    bool bounded = run_all(&run);
    watch_stop(&run.watch);
    close(run.note_fd);
    fclose(run.messages);
    printf("%llu hostile programs in %.1f s: %llu stopped after %u instructions, %llu of them told to by the watch; "
           "longest %llu ms (%llu); %llu power-offs, "
           "%llu exits; %ld KiB resident\n",
           (unsigned long long)run.programs, (double)(vx_host_now_ns() - start) / 1e9,
           (unsigned long long)run.ends[VX_END_STOPPED], INSNS, (unsigned long long)run.watch.slow,
           (unsigned long long)run.watch.longest_ms, (unsigned long long)run.watch.longest,
           (unsigned long long)run.ends[VX_END_POWER_OFF], (unsigned long long)run.ends[VX_END_DEBUG_EXIT],
           watch_resident_kib());
    account_print(run.programs, bounded ? run.programs : run.programs - 1);
    return bounded ? 0 : 2;
}
