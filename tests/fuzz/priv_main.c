/* priv_main.c - vx86-privfuzz: random privileged programs, the translator against the interpreter, as many as asked
 * for. */
#include <getopt.h>
#include <time.h>

#include "account.h"
#include "arguments.h"
#include "priv.h"

struct arguments {
    uint64_t seed, first, count, seconds;
    unsigned failures; /* stop after so many */
};

static const char usage[] = "usage: vx86-privfuzz [--seed N] [--first N] [--count N] [--seconds N] [--failures N]\n"
                            "Runs random privileged programs first..first+count-1 of a seed by interpreter and "
                            "translator and compares all state.\n"
                            "A difference is shortened and printed; the programs of a batch of 64 share a translator, "
                            "whose options the batch decides.\n"
                            "  --seed N      another sequence of programs (1)\n"
                            "  --first N     number of the first program (0)\n"
                            "  --count N     how many (10000, or no end with --seconds)\n"
                            "  --seconds N   for so long\n"
                            "  --failures N  stop after so many differences (3)\n"
                            "Exit status: 0 all agree, 1 wrong usage, 2 differences.\n";

static bool parse(int argc, char **argv, struct arguments *a)
{
    static const struct option options[] = {
        { "seed", required_argument, NULL, 's' },
        { "first", required_argument, NULL, 'f' },
        { "count", required_argument, NULL, 'c' },
        { "seconds", required_argument, NULL, 't' },
        { "failures", required_argument, NULL, 'n' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    uint64_t failures = 3;
    *a = (struct arguments){ .seed = 1, .count = UINT64_MAX };
    int option, index = 0;
    while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
        uint64_t *value = option == 's'   ? &a->seed
                          : option == 'f' ? &a->first
                          : option == 'c' ? &a->count
                          : option == 't' ? &a->seconds
                                          : &failures;
        if (option == 'h') {
            fputs(usage, stdout);
            exit(0);
        }
        if (option == '?' || !arguments_number("vx86-privfuzz", options[index].name, optarg, value))
            return false;
    }
    if (optind < argc) {
        fprintf(stderr, "vx86-privfuzz: unexpected argument '%s'\n", argv[optind]);
        return false;
    }
    a->failures = (unsigned)failures;
    if (a->count == UINT64_MAX && a->seconds == 0)
        a->count = 10000;
    return true;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Says so, and shortens it. */
static void on_difference(const struct arguments *a, const struct pf_program *program, const struct pf_pair *pair,
                          const struct difference *found)
{
    static struct pf_program smaller;
    uint64_t batch = program->number - program->number % PF_BATCH;
    printf("program %llu of seed %llu (", (unsigned long long)program->number, (unsigned long long)a->seed);
    pf_options_print(stdout, &pair->options);
    printf("): %s\n  again: --seed %llu --first %llu --count %llu\n", found->text, (unsigned long long)a->seed,
           (unsigned long long)batch, (unsigned long long)(program->number - batch + 1));
    smaller = *program;
    pf_report(stdout, &smaller, &pair->options);
    fflush(stdout);
}

static unsigned run(const struct arguments *a, struct pf_pair *pair)
{
    static struct pf_program program;
    struct difference found;
    unsigned failures = 0;
    double start = now();
    for (uint64_t i = 0; i < a->count && failures < a->failures; i++) {
        uint64_t number = a->first + i;
        struct vx_bt_config options = pf_options(a->seed, number);
        if (i == 0 || number % PF_BATCH == 0)
            pf_pair_renew(pair, &options);
        pf_program_make(&program, a->seed, number);
        if (pf_pair_run(pair, &program, program.budget, &found) == PF_DIFFER) {
            failures++;
            on_difference(a, &program, pair, &found);
            pf_pair_renew(pair, &options);
        }
        if (a->seconds != 0 && now() - start > (double)a->seconds)
            break;
    }
    double seconds = now() - start;
    printf("%llu programs compared in %.1f s (%.0f a minute), %llu lost; %.0f instructions each; ends: %llu halted, "
           "%llu shut down, %llu at the limit; %u differences\n",
           (unsigned long long)pair->compared, seconds, 60 * (double)pair->compared / seconds,
           (unsigned long long)pair->lost, (double)pair->retired / (double)(pair->compared + pair->lost + 1),
           (unsigned long long)pair->ends[RIG_HALT], (unsigned long long)pair->ends[RIG_SHUTDOWN],
           (unsigned long long)pair->ends[RIG_ENDLESS], failures);
    account_print(pair->compared, pair->compared - failures);
    account_skipped(pair->lost, "programs without end, which cannot be stopped at one place");
    account_skipped(pair->stale, "programs that have overwritten their INVLPG and live on stale TLB entries");
    return failures;
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    static struct pf_pair pair;
    if (!parse(argc, argv, &arguments))
        return 1;
    struct vx_bt_config options = pf_options(arguments.seed, arguments.first);
    pf_pair_create(&pair, &options);
    unsigned failures = run(&arguments, &pair);
    pf_pair_destroy(&pair);
    return failures != 0 ? 2 : 0;
}
