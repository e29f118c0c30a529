/* main.c - vx86-hostfuzz: the command line, and the process that looks after the worker.
 *
 * The worker confines itself before it runs anything. If a program brings it down nevertheless, that is reported, and a
 * new worker goes on behind it. */
#include "account.h"
#include "lab.h"

#include "vx86/cpu.h"
#include "vx86/isa.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_SAME = 0, EXIT_DIFFERENT = 1, EXIT_USAGE = 2, EXIT_UNSUITABLE = 77, EXIT_INTERRUPTED = 130 };

/* The default model, but for x87 pointers as an AMD has them. */
#define MODEL_LIKE_HOST "default,-fdp_excptn_only,-zero_fcs_fds"

static const char usage[] = "usage: vx86-hostfuzz [options]\n"
                            "random user-mode programs on this CPU and under vx86; exit status 1 when they differ, 77 "
                            "when this host cannot do it\n"
                            "  --seed N         another N, other programs (1)\n"
                            "  --cases N        how many cases; a program has 4 (100000)\n"
                            "  --first N        begin with case N (0)\n"
                            "  --shard I/N      only the I-th of N parts, I from 0\n"
                            "  --engine WHICH   bt, interp or both (both)\n"
                            "  --mode WHICH     all, int, x87, sse, bytes, self (programs write to themselves); "
                            "length: strings of bytes at a page's end, two cases each (all)\n"
                            "  --cpu MODEL      the guest's CPU, as vx86 --cpu (" MODEL_LIKE_HOST ")\n"
                            "  --stress SEED    the translator does rare things often\n"
                            "  --verify         translations are proven before they run\n"
                            "  --report N       stop after N differences (10)\n"
                            "  --any-cpu        on makes of CPU too whose differences are not known\n"
                            "  --verbose        with the states before and after\n";

static int refuse(const char *option, const char *value)
{
    fprintf(stderr, "vx86-hostfuzz: %s: '%s' is not understood; see --help\n", option, value);
    return EXIT_USAGE;
}

static bool number(const char *text, uint64_t *value)
{
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 0);
    return errno == 0 && end != text && *end == 0 && text[0] != '-';
}

static bool choose_mode(const char *text, enum hf_mode *mode)
{
    for (unsigned i = 0; i < HF_MODES; i++) {
        if (strcmp(text, hf_mode_names[i]) == 0) {
            *mode = (enum hf_mode)i;
            return true;
        }
    }
    return false;
}

static bool choose_engine(const char *text, unsigned *engines)
{
    *engines = strcmp(text, "bt") == 0       ? HF_ENGINE_BT
               : strcmp(text, "interp") == 0 ? HF_ENGINE_INTERP
               : strcmp(text, "both") == 0   ? HF_ENGINE_BT | HF_ENGINE_INTERP
                                             : 0;
    return *engines != 0;
}

static bool choose_model(const char *spec, struct hf_options *options)
{
    char problem[200] = "";
    vx_cpu_model_destroy(options->model);
    options->model = NULL;
    if (vx_cpu_model_create(spec, problem, sizeof problem, &options->model) == VX_ERR_OK &&
        vx_cpu_has(options->model, VX_F_NX))
        return true;
    if (problem[0] == 0)
        snprintf(problem, sizeof problem, "--cpu: %s has no NX, without which page faults are not those of this host",
                 spec);
    fprintf(stderr, "vx86-hostfuzz: %s\n", problem);
    return false;
}

static bool take_option(struct hf_options *options, int option, const char *value)
{
    uint64_t n = 0;
    switch (option) {
    case 's': return number(value, &options->seed);
    case 'c': return number(value, &options->cases);
    case 'f': return number(value, &options->first);
    case 'i': return sscanf(value, "%u/%u", &options->shard, &options->shards) == 2 && options->shard < options->shards;
    case 'e': return choose_engine(value, &options->engines);
    case 'm': return choose_mode(value, &options->mode);
    case 'r': options->report_max = (unsigned)(number(value, &n) ? n : 0); return options->report_max != 0;
    case 'p': return choose_model(value, options);
    case 't': options->stress = true; return number(value, &options->stress_seed);
    case 'v': options->verbose = true; return true;
    case 'y': options->verify = true; return true;
    case 'a': options->any_cpu = true; return true;
    default: return false;
    }
}

/* 0: go on; else an exit status plus one. */
static int parse(struct hf_options *options, int argc, char **argv)
{
    static const struct option known[] = {
        { "seed", 1, NULL, 's' },    { "cases", 1, NULL, 'c' },   { "first", 1, NULL, 'f' },
        { "shard", 1, NULL, 'i' },   { "engine", 1, NULL, 'e' },  { "mode", 1, NULL, 'm' },
        { "report", 1, NULL, 'r' },  { "cpu", 1, NULL, 'p' },     { "stress", 1, NULL, 't' },
        { "verbose", 0, NULL, 'v' }, { "any-cpu", 0, NULL, 'a' }, { "verify", 0, NULL, 'y' },
        { "help", 0, NULL, 'h' },    { NULL, 0, NULL, 0 },
    };
    int option, index = 0;
    while ((option = getopt_long(argc, argv, "", known, &index)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return EXIT_SAME + 1;
        }
        if (option == '?')
            return EXIT_USAGE + 1;
        if (!take_option(options, option, optarg))
            return (option == 'p' ? EXIT_USAGE : refuse(known[index].name, optarg)) + 1;
    }
    return optind < argc ? refuse("argument", argv[optind]) + 1 : 0;
}

static int work(const struct hf_options *options, struct hf_account *account)
{
    signal(SIGINT, SIG_IGN); /* the supervisor's */
    struct hf_lab *lab = calloc(1, sizeof *lab);
    const char *lacks = lab == NULL ? "no memory" : hf_lab_init(lab, options, account);
    if (lacks != NULL) {
        fprintf(stderr, "vx86-hostfuzz: not possible here: %s\n", lacks);
        _exit(EXIT_UNSUITABLE);
    }
    hf_lab_run(lab);
    _exit(EXIT_SAME);
}

static double cpu_seconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void print_account(const struct hf_options *options, const struct hf_account *account, double seconds)
{
    printf("%llu cases compared in %.1f s (%.0f a second of CPU time), mode %s, seed %llu: %llu ended by a trap, %llu "
           "of known "
           "difference, %llu "
           "differences\n",
           (unsigned long long)account->compared, seconds, (double)account->compared / cpu_seconds(),
           hf_mode_names[options->mode], (unsigned long long)options->seed, (unsigned long long)account->traps,
           (unsigned long long)account->known, (unsigned long long)account->differences);
    printf("next case: %llu\n", (unsigned long long)account->next);
    if (account->strings != 0)
        printf("strings of bytes: %llu, %llu of them illegal; Zydis takes %llu for too short and %llu for too long\n",
               (unsigned long long)account->strings, (unsigned long long)account->illegal,
               (unsigned long long)account->longer, (unsigned long long)account->shorter);
    uint64_t run = account->compared - account->known;
    account_print(run, run - account->differences);
    account_skipped(account->endless, "does not end");
    account_skipped(account->syscalls, "asks for the host's services");
    account_skipped(account->strays, "gets into 64-bit code");
    for (unsigned i = 0; i < HF_REASONS_MAX && account->reasons[i].reason != NULL; i++)
        account_accepted(account->reasons[i].count, account->reasons[i].reason);
}

/* SIGINT and SIGTERM end the worker; what it has done by then is accounted for, and where to go on. */
static volatile sig_atomic_t interrupted;
static volatile pid_t worker;

static void on_interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
    kill(worker, SIGKILL);
}

/* Workers until the cases are done; returns the exit status of a worker that could not work. */
static int supervise(const struct hf_options *options, struct hf_account *account)
{
    for (;;) {
        int status = 0;
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0)
            work(options, account);
        worker = pid;
        if (pid < 0)
            return EXIT_UNSUITABLE;
        signal(SIGINT, on_interrupt);
        signal(SIGTERM, on_interrupt);
        while (waitpid(pid, &status, 0) != pid)
            continue;
        if (interrupted)
            return EXIT_SAME;
        if (WIFEXITED(status))
            return WEXITSTATUS(status);
        printf("case %llu (seed %llu): the worker died of signal %d\n", (unsigned long long)account->next,
               (unsigned long long)options->seed, WTERMSIG(status));
        account->next++;
        if (++account->differences >= options->report_max)
            return EXIT_SAME;
    }
}

int main(int argc, char **argv)
{
    struct hf_options options = {
        .seed = 1, .cases = 100000, .shards = 1, .engines = HF_ENGINE_BT | HF_ENGINE_INTERP, .report_max = 10
    };
    if (!choose_model(MODEL_LIKE_HOST, &options))
        return EXIT_UNSUITABLE;
    int refused = parse(&options, argc, argv);
    if (refused != 0)
        return refused - 1;
    if (!options.any_cpu && !__builtin_cpu_is("amd")) {
        fprintf(
            stderr,
            "vx86-hostfuzz: not possible here: known.c has what AMD's CPUs do; --any-cpu shows what this one does\n");
        return EXIT_UNSUITABLE;
    }
    struct hf_account *account = mmap(NULL, sizeof *account, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (account == MAP_FAILED)
        return EXIT_UNSUITABLE;
    account->next = options.first;
    double start = now();
    int status = supervise(&options, account);
    if (status != EXIT_SAME)
        return status;
    print_account(&options, account, now() - start);
    return account->differences != 0 ? EXIT_DIFFERENT : interrupted ? EXIT_INTERRUPTED : EXIT_SAME;
}
