/* main.c - vx86-devfuzz: device programs one after the other, new ones and changed ones. See device.h. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "account.h"
#include "arguments.h"
#include "corpus.h"

enum { MESSAGE_BYTES = 64 << 10 }; /* that one program may provoke */
enum { HANG_MS = 3000, MEMORY_EVERY = 256 };

struct arguments {
    uint64_t seed, first, count, seconds, guests;
    const char *note, *corpus, *list, *shrink, *text;
    bool pick;
};

struct run {
    struct arguments arguments;
    struct watch watch;
    struct corpus corpus;
    struct program *note; /* the running one, in a file */
    FILE *messages;
    uint64_t programs, guests, finished, ops, start_ns, longest_ns;
    long base_kib;
    bool good;
};

static const char usage[] =
    "usage: vx86-devfuzz [options] [FILE...]\n"
    "Runs random programs against the chips of a whole PC: by the bus, and by guests under both engines. FILE: "
    "programs,\n"
    "instead of random ones. Best built with the sanitizers.\n"
    "  --seed N       another sequence of programs (1)\n"
    "  --first N      number of the first program (0)\n"
    "  --count N      how many (2000, or no end with --seconds)\n"
    "  --seconds N    for so long\n"
    "  --guests N     each Nth program by guests too (16; 0: none)\n"
    "  --corpus DIR   programs that reached something first are read from here, and kept here\n"
    "  --list FILE    the programs with the numbers in FILE, and no others\n"
    "  --pick         print the numbers of programs that reach a place first: for --list\n"
    "  --shrink FILE  print the shortest part of the program in FILE that still dies\n"
    "  --text NOTE    print the program in a note\n"
    "  --note FILE    where the running program is kept (vx86-devfuzz.note); FILE.log has what its machine says\n"
    "Exit status: 0 nothing happened, 1 wrong usage, 2 a finding; a crash or hang ends the process by a signal.\n";

/* ---- one program */

static bool run_by_bus(struct run *run, const struct program *program)
{
    struct rig *rig =
        rig_create(&(struct rig_config){ .engine = VX_ENGINE_INTERP, .messages = run->messages, .watch = &run->watch });
    bool good = rig_run(rig, program);
    if (rig_longest_ns(rig) > run->longest_ns)
        run->longest_ns = rig_longest_ns(rig);
    rig_destroy(rig);
    return good;
}

static bool messages_are_bounded(const struct run *run)
{
    if (ftell(run->messages) <= MESSAGE_BYTES)
        return true;
    fprintf(stderr, "vx86-devfuzz: %ld bytes of messages\n", ftell(run->messages));
    return false;
}

static bool memory_is_bounded(struct run *run)
{
    if (run->programs % MEMORY_EVERY != MEMORY_EVERY - 1)
        return true;
    long now = watch_resident_kib() - (long)(run->corpus.bytes / 1024);
    if (run->base_kib == 0)
        run->base_kib = now;
    if (now - run->base_kib <= FUZZ_MEMORY_MARGIN_MIB * 1024L)
        return true;
    fprintf(stderr, "vx86-devfuzz: %ld KiB resident besides programs, %ld KiB at the beginning\n", now, run->base_kib);
    return false;
}

/* What is new of it is noted; returns how much. */
static unsigned run_one(struct run *run, const struct program *program, bool guests)
{
    size_t bytes = offsetof(struct program, op) + program->count * sizeof(struct op);
    memcpy(run->note, program, bytes);
    if (ftruncate(fileno(run->messages), 0) != 0)
        perror("vx86-devfuzz: log");
    rewind(run->messages);
    watch_begin(&run->watch, run->programs);
    cover_begin();
    run->good = run_by_bus(run, program);
    unsigned news = cover_end();
    if (run->good && guests) {
        bool finished;
        run->good = guest_run_both(program, run->messages, &run->watch, &finished);
        run->guests++;
        run->finished += finished;
    }
    watch_end(&run->watch);
    run->good = run->good && messages_are_bounded(run) && memory_is_bounded(run);
    run->programs++;
    run->ops += program->count;
    return news;
}

/* ---- many */

static bool is_over(const struct run *run)
{
    const struct arguments *a = &run->arguments;
    return !run->good || run->programs >= a->count ||
           (a->seconds != 0 && vx_host_now_ns() - run->start_ns > a->seconds * 1000000000u);
}

static bool by_guests(const struct run *run, uint64_t number)
{
    return run->arguments.guests != 0 && number % run->arguments.guests == 0;
}

static void run_file_of_corpus(void *opaque, const struct program *program)
{
    struct run *run = opaque;
    const char *folder = run->corpus.folder;
    if (!run->good)
        return;
    unsigned news = run_one(run, program, by_guests(run, run->programs));
    run->corpus.folder = NULL; /* where it comes from */
    if (news != 0)
        corpus_add(&run->corpus, program);
    run->corpus.folder = folder;
}

static void run_random(struct run *run)
{
    static struct program program;
    struct rng rng = rng_seeded(run->arguments.seed + run->arguments.first * 77);
    struct corpus *corpus = &run->corpus;
    for (uint64_t number = run->arguments.first; !is_over(run); number++) {
        if (corpus->count > 16 && !run->arguments.pick && !one_in(&rng, 3))
            program_mutate(&program, corpus->programs[rng_below(&rng, corpus->count)],
                           corpus->programs[rng_below(&rng, corpus->count)], &rng);
        else
            program_make(&program, run->arguments.seed, number);
        unsigned places = cover_places();
        if (run_one(run, &program, by_guests(run, number)) != 0)
            corpus_add(corpus, &program);
        if (run->arguments.pick && cover_places() != places)
            printf("%llu\n", (unsigned long long)number);
    }
}

static void run_list(struct run *run, FILE *in)
{
    static struct program program;
    unsigned long long number;
    while (!is_over(run) && fscanf(in, "%llu", &number) == 1) {
        program_make(&program, run->arguments.seed, number);
        run_one(run, &program, by_guests(run, number));
    }
}

static FILE *open_or_say(const char *name)
{
    FILE *in = fopen(name, "re");
    if (in == NULL)
        fprintf(stderr, "vx86-devfuzz: %s: %s\n", name, strerror(errno));
    return in;
}

static bool read_file(struct program *program, const char *name)
{
    FILE *in = open_or_say(name);
    bool good = in != NULL && program_read(program, in, name);
    if (in != NULL)
        fclose(in);
    return good;
}

/* False: wrong usage. */
static bool run_all(struct run *run, char **files, int count)
{
    static struct program program;
    for (int i = 0; i < count && run->good; i++) {
        if (!read_file(&program, files[i]))
            return false;
        run_one(run, &program, run->arguments.guests != 0);
    }
    if (count != 0)
        return true;
    if (run->arguments.list != NULL) {
        FILE *in = open_or_say(run->arguments.list);
        if (in == NULL)
            return false;
        run_list(run, in);
        fclose(in);
        return true;
    }
    if (run->corpus.folder != NULL && !corpus_each_file(&run->corpus, run_file_of_corpus, run))
        return false;
    run_random(run);
    return true;
}

/* ---- shrinking and notes */

static bool run_alone(const struct program *program)
{
    static struct run run;
    run.messages = fopen("/dev/null", "we");
    run.watch = (struct watch){ .program = "vx86-devfuzz", .hang_ms = HANG_MS };
    watch_start(&run.watch);
    watch_begin(&run.watch, 0);
    bool finished;
    return run.messages != NULL && run_by_bus(&run, program) &&
           guest_run_both(program, run.messages, &run.watch, &finished);
}

static int shrink(const char *name)
{
    static struct program program;
    if (!read_file(&program, name))
        return 1;
    if (!program_dies(&program, run_alone)) {
        fprintf(stderr, "vx86-devfuzz: %s: nothing happens\n", name);
        return 1;
    }
    program_shrink(&program, run_alone);
    program_write(&program, stdout);
    return 0;
}

static int print_note(const char *name)
{
    static struct program program;
    FILE *in = open_or_say(name);
    if (in == NULL)
        return 1;
    bool good = fread(&program, 1, sizeof program, in) == sizeof program && program.count <= OPS_MAX;
    fclose(in);
    for (unsigned i = 0; good && i < program.count; i++)
        good = program.op[i].kind < OP_KINDS;
    if (good)
        program_write(&program, stdout);
    else
        fprintf(stderr, "vx86-devfuzz: %s is no note\n", name);
    return good ? 0 : 1;
}

/* ---- arguments */

static bool parse(int argc, char **argv, struct arguments *a)
{
    enum { SEED, FIRST, COUNT, SECONDS, GUESTS, NUMBERS, CORPUS = NUMBERS, LIST, SHRINK, TEXT, NOTE, PICK, HELP };
    static const struct option options[] = {
        { "seed", required_argument, NULL, SEED },
        { "first", required_argument, NULL, FIRST },
        { "count", required_argument, NULL, COUNT },
        { "seconds", required_argument, NULL, SECONDS },
        { "guests", required_argument, NULL, GUESTS },
        { "corpus", required_argument, NULL, CORPUS },
        { "list", required_argument, NULL, LIST },
        { "shrink", required_argument, NULL, SHRINK },
        { "text", required_argument, NULL, TEXT },
        { "note", required_argument, NULL, NOTE },
        { "pick", no_argument, NULL, PICK },
        { "help", no_argument, NULL, HELP },
        { NULL, 0, NULL, 0 },
    };
    *a = (struct arguments){ .seed = 1, .count = UINT64_MAX, .guests = 16, .note = "vx86-devfuzz.note" };
    uint64_t *const numbers[NUMBERS] = { &a->seed, &a->first, &a->count, &a->seconds, &a->guests };
    int option, index = 0;
    while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
        if (option >= SEED && option < NUMBERS &&
            !arguments_number("vx86-devfuzz", options[index].name, optarg, numbers[option]))
            return false;
        switch (option) {
        case CORPUS: a->corpus = optarg; break;
        case LIST: a->list = optarg; break;
        case SHRINK: a->shrink = optarg; break;
        case TEXT: a->text = optarg; break;
        case NOTE: a->note = optarg; break;
        case PICK: a->pick = true; break;
        case HELP: fputs(usage, stdout); exit(0);
        case '?': return false;
        default: break;
        }
    }
    if (a->count == UINT64_MAX && a->seconds == 0 && a->list == NULL)
        a->count = 2000;
    return true;
}

static bool open_files(struct run *run)
{
    run->note = arguments_note("vx86-devfuzz", run->arguments.note, sizeof *run->note, &run->messages);
    return run->note != NULL;
}

static void report(const struct run *run)
{
    double seconds = (double)(vx_host_now_ns() - run->start_ns) / 1e9;
    fprintf(run->arguments.pick ? stderr : stdout,
            "%llu device programs, %llu operations, in %.1f s, %llu of them by guests too (%llu to their end); %u "
            "places of "
            "devices/ reached, %u programs kept; longest program %llu ms, access %.1f ms; %ld KiB "
            "resident\n",
            (unsigned long long)run->programs, (unsigned long long)run->ops, seconds, (unsigned long long)run->guests,
            (unsigned long long)run->finished, cover_places(), run->corpus.count,
            (unsigned long long)run->watch.longest_ms, (double)run->longest_ns / 1e6, watch_resident_kib());
    if (!run->good)
        fprintf(stderr, "vx86-devfuzz: a finding; the program: --text %s\n", run->arguments.note);
    if (!run->arguments.pick)
        account_print(run->programs, run->good ? run->programs : run->programs - 1);
}

int main(int argc, char **argv)
{
    static struct run run = { .good = true };
    if (!parse(argc, argv, &run.arguments))
        return 1;
    if (run.arguments.shrink != NULL)
        return shrink(run.arguments.shrink);
    if (run.arguments.text != NULL)
        return print_note(run.arguments.text);
    if (!open_files(&run))
        return 1;
    run.corpus.folder = run.arguments.corpus;
    run.watch = (struct watch){ .program = "vx86-devfuzz", .hang_ms = HANG_MS };
    run.start_ns = vx_host_now_ns();
    watch_start(&run.watch);
    bool usable = run_all(&run, argv + optind, argc - optind);
    watch_stop(&run.watch);
    if (usable)
        report(&run);
    corpus_free(&run.corpus);
    fclose(run.messages);
    return !usable ? 1 : run.good ? 0 : 2;
}
