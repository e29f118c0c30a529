/* bench.c - `vx86 bench`: from the command line to results, a workload after the other; within a workload by rounds, in
 * which settings, vx86 and its rivals take turns, so that a change of the host's load hits all of them. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_options.h"
#include "bench_sweep.h"
#include "vx86/files.h"
#include "vx86/firmware.h"
#include "vx86/text.h"

enum { DEFAULT_ROUNDS = 3, IMAGE_PATH_CHARS = 4096 };

static int say(const char *format, const char *a, const char *b)
{
    vx_text_print(stderr, "vx86: ");
    vx_text_print(stderr, format, a, b);
    vx_text_print(stderr, "\n");
    return 1;
}

static void print_list(FILE *out)
{
    size_t count;
    const struct lab_workload *workloads = lab_workloads(&count);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%-12s %-8s %s\n", workloads[i].name, workloads[i].group, workloads[i].text);
}

/* ---- one result -------------------------------------------------------------------------------------------------- */

/* A sample's time; the first mistake stays. False: what follows need not be tried. */
static bool keep(struct bench_result *result, struct bench_times *times, const struct bench_sample *sample,
                 uint32_t sum, const char *who)
{
    if (!sample->done)
        snprintf(result->error, sizeof result->error, "%s: %.60s", who, sample->error);
    else if (sample->sum != sum)
        snprintf(result->error, sizeof result->error, "%s: checksum %u, which was %u", who, (unsigned)sample->sum,
                 (unsigned)sum);
    if (result->error[0] != '\0')
        return false;
    times->ns[times->count++] = sample->wall_ns;
    return true;
}

/* A rival that does a part of the units is held against the checksum of a run of vx86's own with as many. */
static bool measure_rival(struct bench_result *result, enum bench_rival rival, unsigned round)
{
    struct bench_run run = { .workload = result->workload,
                             .host = result->host,
                             .setting = result->setting,
                             .image = result->image,
                             .units = result->units };
    struct bench_times own = { 0 };
    struct bench_sample sample;
    run.units = bench_rival_units(rival, &run);
    bool part = run.units != result->units;
    if (part && round == 0) {
        bench_run(&run, &sample);
        if (!keep(result, &own, &sample, sample.sum, "vx86"))
            return false;
        result->part_sum = sample.sum;
    }
    bench_rival_run(rival, &run, &sample);
    sample.wall_ns = (uint64_t)((double)sample.wall_ns * result->units / run.units);
    return keep(result, &result->rival[rival], &sample, part ? result->part_sum : result->sum, bench_rival_name(rival));
}

static void measure_round(struct bench_result *result, const struct bench_options *options, unsigned round)
{
    struct bench_run run = { .workload = result->workload,
                             .host = result->host,
                             .setting = result->setting,
                             .image = result->image,
                             .units = result->units };
    struct bench_sample sample;
    if (result->error[0] != '\0')
        return;
    bench_run(&run, &sample);
    if (!keep(result, &result->times, &sample, result->sum, "vx86"))
        return;
    for (enum bench_rival rival = 0; rival < VX_BENCH_RIVALS && !options->alone; rival++) {
        if (bench_rival_has(rival, result->workload) && !measure_rival(result, rival, round))
            return;
    }
}

/* Counters slow translated code down, so they have a run that is not timed. The other ones have its checksum. */
static void count_events(struct bench_result *result)
{
    struct bench_run run = { .workload = result->workload,
                             .host = result->host,
                             .setting = result->setting,
                             .image = result->image,
                             .units = result->units,
                             .count = true };
    struct bench_sample sample;
    bench_run(&run, &sample);
    result->sum = sample.sum;
    if (sample.done)
        result->stats = sample.stats;
    else
        snprintf(result->error, sizeof result->error, "counting: %.60s", sample.error);
}

static void count_insns(struct bench_result *result)
{
    struct bench_run run = { .workload = result->workload,
                             .host = result->host,
                             .setting = result->setting,
                             .image = result->image,
                             .units = result->units,
                             .count_insns = true };
    struct bench_sample sample;
    if (result->error[0] != '\0')
        return;
    bench_run(&run, &sample);
    if (sample.done)
        result->insns = sample.insns;
    else
        snprintf(result->error, sizeof result->error, "counting: %.60s", sample.error);
}

/* One workload with each setting, by turns. Returns whether anything failed. */
static int measure(struct bench_result *results, const struct bench_options *options, const struct bench_report *report)
{
    int status = 0;
    for (size_t s = 0; s < report->settings; s++)
        count_events(&results[s]);
    for (unsigned round = 0; round < report->rounds; round++)
        for (size_t s = 0; s < report->settings; s++)
            measure_round(&results[s], options, round);
    for (size_t s = 0; s < report->settings; s++) {
        count_insns(&results[s]);
        status |= results[s].error[0] != '\0';
        bench_print_row(stdout, report, &results[s]);
    }
    fflush(stdout);
    return status;
}

static uint32_t scaled(uint32_t units, double scale)
{
    double value = floor(units * scale + 0.5);
    return value < 1 ? 1 : value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

static bool is_wanted(const struct bench_options *options, const struct lab_workload *workload)
{
    bool wanted = options->count == 0 && !workload->system;
    for (size_t i = 0; i < options->count; i++)
        wanted |= strcmp(options->names[i], workload->name) == 0;
    return wanted;
}

/* The disk of the workload that is a system, if that is wanted; `room` holds the default one's name. */
static int find_image(struct bench_options *options, char room[IMAGE_PATH_CHARS])
{
    size_t count;
    bool wanted = false;
    const struct lab_workload *workloads = lab_workloads(&count);
    for (size_t i = 0; i < count; i++)
        wanted |= workloads[i].system && is_wanted(options, &workloads[i]);
    if (!wanted && options->image != NULL)
        return say("bench: --image is for the workload linux; name that too%s%s", "", "");
    if (wanted && options->image == NULL) {
        struct vx_log *log = vx_log_create(stderr);
        vx_err err = options->host->default_disk(log, room, IMAGE_PATH_CHARS);
        vx_log_destroy(log);
        if (err != VX_ERR_OK)
            return 1;
        options->image = room;
    }
    if (wanted && access(options->image, R_OK) != 0)
        return say("bench: %s: %s; name a disk image with --image", options->image, strerror(errno));
    return 0;
}

/* What is measured must not be written over. */
static void claim_image(struct vx_files *files, const char *path)
{
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    const char *taken = vx_files_claim(files, fd, VX_FILE_READ, "disk image");
    (void)taken; /* nothing is written yet */
    close(fd);
}

static int write_file(struct vx_files *files, const char *path, void (*print)(FILE *, const struct bench_report *),
                      const struct bench_report *report)
{
    struct vx_why why;
    int fd = vx_files_open_output(files, VX_FILE_ANYWHERE, path, "another report", &why);
    FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (out == NULL)
        return say("bench: %s: %s; name another file", path, fd >= 0 ? strerror(errno) : why.text);
    print(out, report);
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed)
        return say("bench: %s: could not be written: %s", path, strerror(errno));
    return 0;
}

static int run_all(const struct bench_options *options, struct bench_report *report,
                   const struct bench_setting *settings)
{
    size_t count;
    int status = 0;
    const struct lab_workload *workloads = lab_workloads(&count);
    report->results = calloc(count * report->settings, sizeof *report->results);
    if (report->results == NULL)
        return say("bench: no memory%s%s", "", "");
    bench_print_head(stdout, report);
    for (size_t i = 0; i < count; i++) {
        if (!is_wanted(options, &workloads[i]))
            continue;
        struct bench_result *results = &report->results[report->count];
        uint32_t units = workloads[i].power_on ? 1 : scaled(workloads[i].units, options->scale);
        for (size_t s = 0; s < report->settings; s++)
            results[s] = (struct bench_result){ .workload = &workloads[i],
                                                .setting = &settings[s],
                                                .host = options->host,
                                                .image = options->image,
                                                .units = units };
        report->count += report->settings;
        status |= measure(results, options, report);
    }
    bench_print_details(stdout, report);
    return status;
}

static int run(struct bench_options *options)
{
    struct bench_setting settings[VX_BENCH_SETTINGS_MAX];
    struct bench_report report = { .swept = options->sweep };
    char default_image[IMAGE_PATH_CHARS];
    size_t bytes;
    if (find_image(options, default_image) != 0)
        return 1;
    report.settings = bench_sweep(options->sweep, settings);
    if (report.settings == 0)
        return say("bench: --sweep: there is no '%.40s'; choose tu-max, tc-size, chain, jump-cache, engine, lowering "
                   "or interpret-first%s",
                   options->sweep, "");
    if (!lab_has_disk())
        return say("bench: this build has no workloads, since its compiler makes no i386 programs%s%s", "", "");
    vx_firmware_bios(&bytes);
    if (bytes == 0)
        return say("bench: this build has no BIOS; build it where SeaBIOS is installed%s%s", "", "");
    options->alone |= options->sweep != NULL;
    report.rounds = options->rounds >= 1 ? (unsigned)options->rounds : DEFAULT_ROUNDS;
    int status = run_all(options, &report, settings);
    struct vx_files *files = NULL;
    if (vx_files_create(&files) != VX_ERR_OK)
        status |= say("bench: no memory%s%s", "", "");
    claim_image(files, options->image);
    if (options->json != NULL)
        status |= write_file(files, options->json, bench_print_json, &report);
    if (options->html != NULL)
        status |= write_file(files, options->html, bench_print_html, &report);
    vx_files_destroy(files);
    free(report.results);
    return status;
}

int vx_lab_main(const struct vx_lab_host *host, int argc, char **argv)
{
    struct bench_options options;
    if (!bench_parse(argc, argv, &options))
        return say("%s%s", options.error, "");
    options.host = host;
    if (options.help) {
        bench_print_help(stdout);
        return 0;
    }
    if (options.list) {
        print_list(stdout);
        return 0;
    }
    return run(&options);
}
