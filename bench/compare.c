/* compare.c - boots vx86 and QEMU's TCG on the same disk, runs the rows by turns in both, prints what came out.
 *
 * Both machines are up at the same time, one at its prompt while the other works (an idle one costs little, and that is
 * measured too), so that a row's two times are taken seconds apart and a change of the host's load hits both. Which one
 * goes first changes from round to round. */
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "emulator.h"
#include "results.h"

static const char PROMPT[] = "vx86:/# ";

struct plan {
    const char *command[SUBJECTS]; /* for sh; the native one is the guest program's path; NULL: left out */
    const char *json_path, *log_path;
    double timeout_s, idle_s;
    struct results results;
    struct emulator emulator[SUBJECTS];
};

static void complain(struct plan *plan, enum subject subject, const char *row, const char *what)
{
    const char *const names[SUBJECTS] = { "vx86", results_rival(&plan->results), "native" };
    plan->results.failures++;
    fprintf(stderr, "bench: %s: %s: %s\n", names[subject], row, what);
}

/* Waits for one run's two markers. The native program is asked for its own clock, which is ours. */
static bool time_row(struct plan *plan, enum subject subject, enum row row)
{
    struct emulator *emulator = &plan->emulator[subject];
    const char *name = row_table[row].name, *const texts[2] = { "@", PROMPT };
    char line[EMULATOR_LINE_MAX], marker[64];
    struct moment begin, end;
    unsigned units, checksum, guest_us;
    snprintf(marker, sizeof(marker), "begin %s", name);
    if (emulator_find(emulator, texts, 2, plan->timeout_s, &begin) != 0 ||
        !emulator_rest_of_line(emulator, plan->timeout_s, line) || strcmp(line, marker) != 0)
        return false;
    if (emulator_find(emulator, texts, 2, plan->timeout_s, &end) != 0 ||
        !emulator_rest_of_line(emulator, plan->timeout_s, line))
        return false;
    snprintf(marker, sizeof(marker), "end %s ", name);
    if (strncmp(line, marker, strlen(marker)) != 0 ||
        sscanf(line + strlen(marker), "%u %u %u", &units, &checksum, &guest_us) != 3 ||
        units != plan->results.units[row])
        return false;
    double guest_s = guest_us * 1e-6;
    double wall_s = subject == SUBJECT_NATIVE ? guest_s : end.wall_s - begin.wall_s;
    const struct row_run run = { wall_s, end.cpu_s - begin.cpu_s, guest_s, checksum };
    return results_add(&plan->results, row, subject, &run);
}

static void native_row(struct plan *plan, enum row row)
{
    struct emulator *emulator = &plan->emulator[SUBJECT_NATIVE];
    char command[4096];
    snprintf(command, sizeof(command), "exec '%s' run %s %u", plan->command[SUBJECT_NATIVE], row_table[row].name,
             plan->results.units[row]);
    if (!emulator_start(emulator, command, NULL)) {
        complain(plan, SUBJECT_NATIVE, row_table[row].name, strerror(errno));
        return;
    }
    if (!time_row(plan, SUBJECT_NATIVE, row))
        complain(plan, SUBJECT_NATIVE, row_table[row].name, "failed");
    emulator_wait(emulator, 5);
}

/* A machine that fails a row is given up for this round: what state it is in nobody knows. */
static void guest_row(struct plan *plan, enum subject subject, enum row row)
{
    static const char *const prompt[] = { PROMPT };
    struct emulator *emulator = &plan->emulator[subject];
    char command[128];
    if (emulator->pid == 0)
        return;
    snprintf(command, sizeof(command), "/bin/bench run %s %u\n", row_table[row].name, plan->results.units[row]);
    if (emulator_type(emulator, command) && time_row(plan, subject, row) &&
        emulator_find(emulator, prompt, 1, plan->timeout_s, NULL) == 0)
        return;
    complain(plan, subject, row_table[row].name, "failed; the machine is given up for this round");
    emulator_wait(emulator, 0);
}

static void boot(struct plan *plan, enum subject subject, FILE *log)
{
    static const char *const prompt[] = { PROMPT };
    struct emulator *emulator = &plan->emulator[subject];
    struct moment up;
    char command[4096];
    if (plan->command[subject] == NULL)
        return;
    snprintf(command, sizeof(command), "exec %s", plan->command[subject]);
    if (!emulator_start(emulator, command, log)) {
        complain(plan, subject, "boot", strerror(errno));
        return;
    }
    if (emulator_find(emulator, prompt, 1, plan->timeout_s, &up) != 0) {
        complain(plan, subject, "boot", "no prompt");
        emulator_wait(emulator, 0);
        return;
    }
    series_add(&plan->results.boot[subject].wall_s, up.wall_s - emulator->started.wall_s);
    series_add(&plan->results.boot[subject].cpu_s, up.cpu_s);
}

/* Idle use of both machines over the same seconds, and their memory. */
static void measure_rest(struct plan *plan)
{
    struct moment before[SUBJECTS];
    struct emulator_memory memory;
    for (unsigned s = 0; s <= SUBJECT_RIVAL; s++)
        before[s] = emulator_now(&plan->emulator[s]);
    if (plan->idle_s > 0)
        usleep((useconds_t)(plan->idle_s * 1e6));
    for (unsigned s = 0; s <= SUBJECT_RIVAL; s++) {
        const struct emulator *emulator = &plan->emulator[s];
        struct moment after = emulator_now(emulator);
        if (emulator->pid == 0)
            continue;
        if (plan->idle_s > 0)
            series_add(&plan->results.idle_percent[s],
                       (after.cpu_s - before[s].cpu_s) / (after.wall_s - before[s].wall_s) * 100);
        if (emulator_memory(emulator, &memory)) {
            series_add(&plan->results.peak_mib[s], memory.peak_mib);
            series_add(&plan->results.now_mib[s], memory.now_mib);
        }
    }
}

static void power_off(struct plan *plan, enum subject subject)
{
    struct emulator *emulator = &plan->emulator[subject];
    if (emulator->pid == 0)
        return;
    emulator_type(emulator, "poweroff -f\n");
    if (!emulator_wait(emulator, 60))
        complain(plan, subject, "power-off", "had to be killed");
}

static void one_round(struct plan *plan, unsigned round, FILE *log)
{
    enum subject order[2] = { round % 2 ? SUBJECT_RIVAL : SUBJECT_VX86, round % 2 ? SUBJECT_VX86 : SUBJECT_RIVAL };
    for (unsigned i = 0; i < 2; i++)
        boot(plan, order[i], log);
    for (unsigned row = 0; row < ROWS; row++) {
        if (plan->results.units[row] == 0)
            continue;
        if (isatty(2))
            fprintf(stderr, "\rbench: round %u of %u, %-12s", round + 1, plan->results.rounds, row_table[row].name);
        for (unsigned i = 0; i < 2; i++)
            guest_row(plan, order[i], (enum row)row);
        if (row_table[row].native && plan->command[SUBJECT_NATIVE] != NULL)
            native_row(plan, (enum row)row);
    }
    if (isatty(2))
        fputc('\n', stderr);
    measure_rest(plan);
    for (unsigned i = 0; i < 2; i++)
        power_off(plan, order[i]);
}

/* Sets the units of the rows whose names match one of the comma-separated patterns. */
static bool choose_rows(struct plan *plan, const char *patterns, double scale)
{
    char *copy = strdup(patterns), *rest = copy;
    bool any = false;
    for (char *pattern; copy != NULL && (pattern = strsep(&rest, ",")) != NULL;) {
        for (unsigned row = 0; row < ROWS; row++) {
            if (fnmatch(pattern, row_table[row].name, 0) != 0)
                continue;
            double units = row_table[row].units * scale;
            plan->results.units[row] = units < 1 ? 1 : units > 4e9 ? 4000000000u : (uint32_t)units;
            any = true;
        }
    }
    free(copy);
    return any;
}

static double load_average(void)
{
    double load = 0;
    return getloadavg(&load, 1) == 1 ? load : 0;
}

static const char usage[] =
    "use: compare [options]\n"
    "  --vx86 COMMAND    boots the disk to the prompt \"vx86:/# \" on its standard input and output\n"
    "  --tcg COMMAND     the same for what it is compared with\n"
    "  --vs COMMAND      the same, another build of vx86: says which rows are slower than with that one\n"
    "  --native PROGRAM  the guest program, to be run by the host\n"
    "  --rows PATTERNS   of rows, with commas between (default: all)\n"
    "  --rounds N        1 to 32 (default 3)\n"
    "  --scale F         of the work of each row (default 1)\n"
    "  --idle SECONDS    for the measurement of idle use (default 5)\n"
    "  --timeout SECONDS for a boot or a row (default 300)\n"
    "  --json FILE       results for machines     --log FILE   all consoles\n"
    "  --by wall|cpu     the time by which targets are judged (default wall; cpu on a busy host)\n"
    "  --check           exit status 1 when a target of the project is missed\n"
    "exit: 0 measured · 1 a run failed, a checksum differed, or (--check) a target was missed · 2 wrong use\n";

struct arguments {
    const char *rows;
    double scale;
    enum measure measure;
    bool check;
};

static bool parse(int argc, char **argv, struct plan *plan, struct arguments *arguments)
{
    static const struct option options[] = {
        { "vx86", 1, NULL, 'a' },    { "tcg", 1, NULL, 'b' },    { "native", 1, NULL, 'n' }, { "rows", 1, NULL, 'r' },
        { "vs", 1, NULL, 'v' },      { "rounds", 1, NULL, 'N' }, { "scale", 1, NULL, 's' },  { "idle", 1, NULL, 'i' },
        { "timeout", 1, NULL, 't' }, { "json", 1, NULL, 'j' },   { "log", 1, NULL, 'l' },    { "by", 1, NULL, 'y' },
        { "check", 0, NULL, 'c' },   { NULL, 0, NULL, 0 },
    };
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'a': plan->command[SUBJECT_VX86] = optarg; break;
        case 'b':
        case 'v':
            plan->command[SUBJECT_RIVAL] = optarg;
            plan->results.other_build = c == 'v';
            break;
        case 'n': plan->command[SUBJECT_NATIVE] = optarg; break;
        case 'r': arguments->rows = optarg; break;
        case 'N': plan->results.rounds = (unsigned)strtoul(optarg, NULL, 10); break;
        case 's': arguments->scale = strtod(optarg, NULL); break;
        case 'i': plan->idle_s = strtod(optarg, NULL); break;
        case 't': plan->timeout_s = strtod(optarg, NULL); break;
        case 'j': plan->json_path = optarg; break;
        case 'l': plan->log_path = optarg; break;
        case 'y':
            if (strcmp(optarg, "cpu") != 0 && strcmp(optarg, "wall") != 0)
                return false;
            arguments->measure = optarg[0] == 'c' ? MEASURE_CPU : MEASURE_WALL;
            break;
        case 'c': arguments->check = true; break;
        default: return false;
        }
    }
    return optind == argc && plan->results.rounds >= 1 && plan->results.rounds <= ROUNDS_MAX && arguments->scale > 0 &&
           plan->timeout_s > 0 && plan->idle_s >= 0 && choose_rows(plan, arguments->rows, arguments->scale);
}

static bool write_json(const struct plan *plan)
{
    FILE *json = plan->json_path != NULL ? fopen(plan->json_path, "w") : NULL;
    if (plan->json_path == NULL)
        return true;
    if (json != NULL)
        results_print_json(&plan->results, json);
    if (json == NULL || fclose(json) != 0) {
        fprintf(stderr, "bench: cannot write %s: %s\n", plan->json_path, strerror(errno));
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct plan *plan = calloc(1, sizeof(*plan));
    struct arguments arguments = { .rows = "*", .scale = 1 };
    if (plan == NULL)
        return 2;
    plan->results.rounds = 3;
    plan->timeout_s = 300;
    plan->idle_s = 5;
    if (!parse(argc, argv, plan, &arguments)) {
        fputs(usage, stderr);
        free(plan);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    FILE *log = fopen(plan->log_path != NULL ? plan->log_path : "/dev/null", "w");
    if (log == NULL)
        fprintf(stderr, "bench: cannot write %s: %s\n", plan->log_path, strerror(errno));
    plan->results.load_begin = load_average();
    for (unsigned round = 0; log != NULL && round < plan->results.rounds; round++)
        one_round(plan, round, log);
    plan->results.load_end = load_average();
    results_print_table(&plan->results, stdout);
    bool held = results_print_verdict(&plan->results, arguments.measure, stdout);
    bool good = log != NULL && plan->results.failures == 0 && write_json(plan) && (held || !arguments.check);
    if (log != NULL)
        fclose(log);
    free(plan);
    return good ? 0 : 1;
}
