/* main.c - vx86-readfuzz: inputs for one reader after the other. See readers.h. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "account.h"
#include "arguments.h"
#include "cover.h"
#include "readers.h"
#include "vx86/host.h"
#include "watch.h"

enum { MESSAGE_BYTES = 64 << 10 }; /* that one input may provoke */
enum { HANG_MS = 3000, MEMORY_EVERY = 1024, KEPT_MAX = 4096 };

static const struct reader *const readers[] = {
#define READER(name) &reader_##name,
#include "readers.def"
#undef READER
};

struct arguments {
    uint64_t seed, count, seconds;
    const char *reader, *note, *text;
};

struct note {
    char reader[32];
    struct input input;
};

struct run {
    struct arguments arguments;
    struct watch watch;
    struct note *note; /* the running input, in a file */
    FILE *messages;
    struct vx_log *log;
    bool good;
    uint64_t all;
    /* of the present reader */
    const struct reader *reader;
    void *state;
    struct input **kept;
    unsigned kept_count;
    size_t kept_bytes;
    uint64_t inputs, start_ns;
    long base_kib;
};

static const char usage[] =
    "usage: vx86-readfuzz [options] [FILE...]\n"
    "Gives changed inputs to everything in vx86 that reads what others have written, in process. FILE: inputs, for\n"
    "--reader, instead. Best built with the sanitizers.\n"
    "  --reader NAME  this one only: %s\n"
    "  --seed N       other inputs (1)\n"
    "  --count N      how many for each reader (1000, or no end with --seconds)\n"
    "  --seconds N    for so long, each reader\n"
    "  --note FILE    where the running input is kept (vx86-readfuzz.note); FILE.log has what is said about it\n"
    "  --text NOTE    print the input in a note, as it is\n"
    "Exit status: 0 nothing happened, 1 wrong usage, 2 memory or messages grew; a crash or hang ends the process by a\n"
    "signal.\n";

/* ---- one input */

static bool is_bounded(struct run *run)
{
    if (ftell(run->messages) > MESSAGE_BYTES) {
        fprintf(stderr, "vx86-readfuzz: %s: %ld bytes of messages\n", run->reader->name, ftell(run->messages));
        return false;
    }
    if (run->inputs % MEMORY_EVERY != MEMORY_EVERY - 1)
        return true;
    long now = watch_resident_kib() - (long)(run->kept_bytes / 1024);
    if (run->base_kib == 0)
        run->base_kib = now;
    if (now - run->base_kib <= FUZZ_MEMORY_MARGIN_MIB * 1024L)
        return true;
    fprintf(stderr, "vx86-readfuzz: %s: %ld KiB resident besides inputs, %ld KiB at the beginning\n", run->reader->name,
            now, run->base_kib);
    return false;
}

static void keep(struct run *run, const struct input *input)
{
    struct input *copy = malloc(offsetof(struct input, at) + input->bytes);
    if (copy == NULL)
        abort();
    memcpy(copy, input, offsetof(struct input, at) + input->bytes);
    run->kept_bytes += input->bytes;
    if (run->kept_count < KEPT_MAX) {
        run->kept[run->kept_count++] = copy;
        return;
    }
    unsigned place = (unsigned)(run->inputs % KEPT_MAX);
    run->kept_bytes -= run->kept[place]->bytes;
    free(run->kept[place]);
    run->kept[place] = copy;
}

static void renew(struct run *run)
{
    if (run->state != NULL)
        run->reader->destroy(run->state);
    run->state = run->reader->create(run->log);
}

static void run_one(struct run *run, const struct input *input, bool is_seed)
{
    memcpy(&run->note->input, input, offsetof(struct input, at) + input->bytes);
    if (ftruncate(fileno(run->messages), 0) != 0)
        perror("vx86-readfuzz: log");
    rewind(run->messages);
    if (run->reader->renew != 0 && run->inputs % run->reader->renew == run->reader->renew - 1)
        renew(run);
    watch_begin(&run->watch, run->inputs);
    cover_begin();
    run->reader->read(run->state, input->at, input->bytes);
    watch_end(&run->watch);
    if (cover_end() != 0 || is_seed)
        keep(run, input);
    run->good = is_bounded(run);
    run->inputs++;
}

/* ---- many */

static bool is_over(const struct run *run)
{
    const struct arguments *a = &run->arguments;
    return !run->good || run->inputs >= a->count ||
           (a->seconds != 0 && vx_host_now_ns() - run->start_ns > a->seconds * 1000000000u);
}

static void run_seeds(struct run *run)
{
    static struct input input;
    for (unsigned n = 0; run->good; n++) {
        input.bytes = 0;
        if (!run->reader->seed(n, &input))
            return;
        run_one(run, &input, true);
    }
}

static void run_random(struct run *run)
{
    static struct input input;
    struct rng rng = rng_seeded(run->arguments.seed);
    while (!is_over(run)) {
        const struct input *one = run->kept[rng_below(&rng, run->kept_count)];
        const struct input *other = run->kept[rng_below(&rng, run->kept_count)];
        input_mutate(&input, one, other, run->reader, &rng);
        run_one(run, &input, false);
    }
}

/* False: wrong usage. */
static bool run_file(struct run *run, const char *name)
{
    static struct input input;
    FILE *in = fopen(name, "re");
    if (in == NULL) {
        fprintf(stderr, "vx86-readfuzz: %s: %s\n", name, strerror(errno));
        return false;
    }
    input.bytes = fread(input.at, 1, sizeof input.at, in);
    fclose(in);
    run_one(run, &input, false);
    return true;
}

static void begin(struct run *run, const struct reader *reader)
{
    run->reader = reader;
    snprintf(run->note->reader, sizeof run->note->reader, "%s", reader->name);
    run->state = NULL;
    renew(run);
    run->kept_count = 0;
    run->kept_bytes = 0;
    run->inputs = 0;
    run->base_kib = 0;
    run->watch.longest_ms = 0;
    run->start_ns = vx_host_now_ns();
}

static void end(struct run *run)
{
    printf("%-9s %8llu inputs in %5.1f s, %u kept, longest %llu ms, %ld KiB resident\n", run->reader->name,
           (unsigned long long)run->inputs, (double)(vx_host_now_ns() - run->start_ns) / 1e9, run->kept_count,
           (unsigned long long)run->watch.longest_ms, watch_resident_kib());
    fflush(stdout);
    run->all += run->inputs;
    run->reader->destroy(run->state);
    for (unsigned i = 0; i < run->kept_count; i++)
        free(run->kept[i]);
}

static bool run_all(struct run *run, char **files, int count)
{
    bool usable = true;
    for (unsigned i = 0; i < VX_ARRAY_LEN(readers) && run->good && usable; i++) {
        if (run->arguments.reader != NULL && strcmp(run->arguments.reader, readers[i]->name) != 0)
            continue;
        begin(run, readers[i]);
        for (int file = 0; file < count && run->good && usable; file++)
            usable = run_file(run, files[file]);
        if (count == 0) {
            run_seeds(run);
            run_random(run);
        }
        end(run);
    }
    return usable;
}

/* ---- arguments */

static void print_usage(void)
{
    char names[200] = "";
    for (unsigned i = 0; i < VX_ARRAY_LEN(readers); i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i == 0 ? "" : " ", readers[i]->name);
    printf(usage, names);
}

static int print_note(const char *name)
{
    static struct note note;
    FILE *in = fopen(name, "re");
    bool good = in != NULL && fread(&note, 1, sizeof note, in) == sizeof note && note.input.bytes <= INPUT_BYTES;
    if (in != NULL)
        fclose(in);
    if (!good) {
        fprintf(stderr, "vx86-readfuzz: %s is no note\n", name);
        return 1;
    }
    fprintf(stderr, "for --reader %.32s\n", note.reader);
    return fwrite(note.input.at, 1, note.input.bytes, stdout) == note.input.bytes ? 0 : 1;
}

static bool is_reader(const char *name)
{
    for (unsigned i = 0; i < VX_ARRAY_LEN(readers); i++)
        if (strcmp(readers[i]->name, name) == 0)
            return true;
    fprintf(stderr, "vx86-readfuzz: there is no reader '%s'; --help lists them\n", name);
    return false;
}

static bool parse(int argc, char **argv, struct arguments *a)
{
    enum { SEED, COUNT, SECONDS, NUMBERS, NAME = NUMBERS, NOTE, TEXT, HELP };
    static const struct option options[] = {
        { "seed", required_argument, NULL, SEED },
        { "count", required_argument, NULL, COUNT },
        { "seconds", required_argument, NULL, SECONDS },
        { "reader", required_argument, NULL, NAME },
        { "note", required_argument, NULL, NOTE },
        { "text", required_argument, NULL, TEXT },
        { "help", no_argument, NULL, HELP },
        { NULL, 0, NULL, 0 },
    };
    *a = (struct arguments){ .seed = 1, .count = UINT64_MAX, .note = "vx86-readfuzz.note" };
    uint64_t *const numbers[NUMBERS] = { &a->seed, &a->count, &a->seconds };
    int option, index = 0;
    while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
        if (option < NUMBERS && !arguments_number("vx86-readfuzz", options[index].name, optarg, numbers[option]))
            return false;
        switch (option) {
        case NAME: a->reader = optarg; break;
        case NOTE: a->note = optarg; break;
        case TEXT: a->text = optarg; break;
        case HELP: print_usage(); exit(0);
        case '?': return false;
        default: break;
        }
    }
    if (a->count == UINT64_MAX && a->seconds == 0)
        a->count = 1000;
    if (optind < argc && a->reader == NULL) {
        fprintf(stderr, "vx86-readfuzz: files want --reader\n");
        return false;
    }
    return a->reader == NULL || is_reader(a->reader);
}

static bool open_files(struct run *run)
{
    run->note = arguments_note("vx86-readfuzz", run->arguments.note, sizeof *run->note, &run->messages);
    if (run->note == NULL)
        return false;
    run->kept = calloc(KEPT_MAX, sizeof *run->kept);
    run->log = vx_log_create(run->messages);
    return run->kept != NULL;
}

int main(int argc, char **argv)
{
    static struct run run = { .good = true };
    if (!parse(argc, argv, &run.arguments))
        return 1;
    if (run.arguments.text != NULL)
        return print_note(run.arguments.text);
    if (!open_files(&run))
        return 1;
    run.watch = (struct watch){ .program = "vx86-readfuzz", .hang_ms = HANG_MS };
    watch_start(&run.watch);
    bool usable = run_all(&run, argv + optind, argc - optind);
    watch_stop(&run.watch);
    if (!run.good)
        fprintf(stderr, "vx86-readfuzz: a finding; the input: --text %s\n", run.arguments.note);
    if (usable)
        account_print(run.all, run.good ? run.all : run.all - 1);
    vx_log_destroy(run.log);
    free(run.kept);
    fclose(run.messages);
    return !usable ? 1 : run.good ? 0 : 2;
}
