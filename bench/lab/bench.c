/* bench.c - `vx86 bench`: from the command line to results, a workload after the other. What a workload's runs are says
 * bench_measure.h. */
#include "bench.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_measure.h"
#include "bench_options.h"
#include "bench_outputs.h"
#include "bench_sweep.h"
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

/* Every workload that is wanted, its row and the reports as soon as it is measured. */
static int run_all(const struct bench_options *options, struct bench_report *report,
                   const struct bench_setting *settings, struct bench_session *session, struct bench_outputs *outputs)
{
    size_t count;
    bool good = true;
    char error[VX_BENCH_COMPLAINT_CHARS];
    const struct lab_workload *workloads = lab_workloads(&count);
    for (size_t i = 0; i < count; i++)
        if (is_wanted(options, &workloads[i]))
            bench_expect(session, &workloads[i], (unsigned)report->settings);
    bench_print_head(stdout, report);
    report->incomplete = true;
    for (size_t i = 0; i < count && !bench_was_interrupted(); i++) {
        if (!is_wanted(options, &workloads[i]))
            continue;
        struct bench_result *results = &report->results[report->count];
        uint32_t units = workloads[i].power_on ? 1 : scaled(workloads[i].units, options->scale);
        for (size_t s = 0; s < report->settings; s++)
            results[s] = (struct bench_result){ .workload = &workloads[i], .setting = &settings[s], .units = units };
        good &= bench_measure(session, results, (unsigned)report->settings);
        bench_progress_clear(&session->progress);
        if (bench_was_interrupted())
            break; /* what is half measured is left out */
        report->count += report->settings;
        for (size_t s = 0; s < report->settings; s++)
            bench_print_row(stdout, report, &results[s]);
        fflush(stdout);
        if (!bench_outputs_write(outputs, report, false, error))
            return say("%s%s", error, "");
    }
    report->incomplete = bench_was_interrupted();
    bench_print_details(stdout, report);
    if (report->incomplete)
        say("bench: interrupted; what is above was measured before%s%s", "", "");
    if (!bench_outputs_write(outputs, report, true, error))
        return say("%s%s", error, "");
    return good ? 0 : 1;
}

/* What can be wrong without a run is found before the first one. */
static int prepare(struct bench_options *options, struct bench_report *report, struct bench_setting *settings)
{
    size_t bytes, count;
    lab_workloads(&count);
    report->settings = bench_sweep(options->sweep, settings);
    if (report->settings == 0)
        return say("bench: --sweep: there is no '%.40s'; choose tu-max, tc-size, chain, jump-cache, engine, lowering "
                   "or interpret-first%s",
                   options->sweep, "");
    if (!lab_has_disk())
        return say("bench: this build has no workloads, since its compiler makes no i386 programs%s%s", "", "");
    vx_firmware_bios(&bytes);
    if (bytes == 0)
        return say("bench: this build has no BIOS; build it where SeaBIOS is installed%s%s", "", "");
    report->rounds = options->rounds >= 1 ? (unsigned)options->rounds : DEFAULT_ROUNDS;
    report->results = calloc(count * report->settings, sizeof *report->results);
    return report->results != NULL ? 0 : say("bench: no memory%s%s", "", "");
}

static int open_outputs(const struct bench_options *options, struct bench_outputs *outputs)
{
    char error[VX_BENCH_COMPLAINT_CHARS];
    bench_outputs_spare(outputs, options->image);
    if (!bench_outputs_add(outputs, options->json, bench_print_json, error) ||
        !bench_outputs_add(outputs, options->html, bench_print_html, error))
        return say("%s%s", error, "");
    return 0;
}

static int run(struct bench_options *options)
{
    struct bench_setting settings[VX_BENCH_SETTINGS_MAX];
    struct bench_report report = { .swept = options->sweep };
    struct bench_outputs outputs;
    char default_image[IMAGE_PATH_CHARS];
    if (find_image(options, default_image) != 0 || prepare(options, &report, settings) != 0)
        return 1;
    struct bench_session session = { .host = options->host,
                                     .image = options->image,
                                     .alone = options->alone || options->sweep != NULL,
                                     .rounds = report.rounds,
                                     .progress.out = isatty(STDERR_FILENO) ? stderr : NULL };
    session.patience = (struct bench_patience){ .limit_s = options->timeout_s,
                                                .tick = bench_progress_tick,
                                                .opaque = &session.progress };
    int status = 1;
    if (!bench_outputs_init(&outputs))
        say("bench: no memory%s%s", "", "");
    else if (open_outputs(options, &outputs) == 0) {
        bench_hold_signals();
        status = run_all(options, &report, settings, &session, &outputs);
        fflush(NULL);
    }
    bench_outputs_fini(&outputs);
    free(report.results);
    bench_release_signals();
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
