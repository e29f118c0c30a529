/* bench_measure.c - the runs of one workload. See bench_measure.h. */
#include "bench_measure.h"

#include <string.h>

#include "vx86/host.h"

/* Kinds of steps that the progress line tells apart. */
enum { STEP_COUNT, STEP_TIME, STEP_SPLIT, STEP_RIVAL };

static bool wants_rival(const struct bench_session *session, enum bench_rival rival,
                        const struct lab_workload *workload)
{
    return !session->alone && !session->gone_rival[rival] && bench_rival_has(rival, workload);
}

void bench_expect(struct bench_session *session, const struct lab_workload *workload, unsigned settings)
{
    int timed = (int)(settings * session->rounds);
    bench_progress_expect(&session->progress, STEP_COUNT, (int)settings);
    bench_progress_expect(&session->progress, STEP_TIME, timed);
    bench_progress_expect(&session->progress, STEP_SPLIT, timed);
    for (enum bench_rival rival = 0; rival < VX_BENCH_RIVALS; rival++)
        if (wants_rival(session, rival, workload))
            bench_progress_expect(&session->progress, STEP_RIVAL + rival, timed);
}

static struct bench_run run_of(const struct bench_session *session, const struct bench_result *result)
{
    return (struct bench_run){ .patience = &session->patience,
                               .workload = result->workload,
                               .host = session->host,
                               .setting = result->setting,
                               .image = session->image,
                               .units = result->units };
}

static void begin_step(struct bench_session *session, unsigned kind, const struct bench_result *result, const char *who)
{
    char what[64];
    snprintf(what, sizeof what, "%s %s %s", result->workload->name, result->setting->label, who);
    bench_progress_begin(&session->progress, kind, what, vx_host_now_ns());
}

static void end_step(struct bench_session *session)
{
    bench_progress_end(&session->progress, vx_host_now_ns());
}

/* ---- vx86 -------------------------------------------------------------------------------------------------------- */

/* Counters slow translated code down, so they have a run that is not timed. The other ones have its checksum. */
static void count(struct bench_session *session, struct bench_result *result)
{
    struct bench_run run = run_of(session, result);
    struct bench_sample sample;
    run.count = run.count_insns = true;
    begin_step(session, STEP_COUNT, result, "counting");
    bench_run(&run, &sample);
    end_step(session);
    result->sum = sample.sum;
    if (!sample.done) {
        snprintf(result->error, sizeof result->error, "counting: %.150s", sample.error);
        return;
    }
    result->stats = sample.stats;
    result->insns = sample.insns;
}

static void measure_own(struct bench_session *session, struct bench_result *result)
{
    struct bench_run run = run_of(session, result);
    struct bench_sample sample;
    begin_step(session, STEP_TIME, result, "vx86");
    bench_run(&run, &sample);
    end_step(session);
    if (!sample.done)
        snprintf(result->error, sizeof result->error, "vx86: %.150s", sample.error);
    else if (sample.sum != result->sum)
        snprintf(result->error, sizeof result->error, "vx86: checksum %u, which was %u", (unsigned)sample.sum,
                 (unsigned)result->sum);
    else
        result->times.ns[result->times.count++] = sample.wall_ns;
    result->growth = vx_stats_ratio(sample.stats.tu_host_bytes, sample.stats.tu_guest_bytes);
}

/* Where the time goes is found out in a run of its own, since that takes time. */
static void split(struct bench_session *session, struct bench_result *result)
{
    struct bench_run run = run_of(session, result);
    struct bench_sample sample;
    uint64_t ns[VX_PARTS];
    run.split = true;
    begin_step(session, STEP_SPLIT, result, "where time goes");
    bench_run(&run, &sample);
    end_step(session);
    if (!sample.done) {
        snprintf(result->error, sizeof result->error, "where time goes: %.150s", sample.error);
        return;
    }
    bench_part_ns(&sample.stats, ns);
    for (enum vx_part part = 0; part < VX_PARTS; part++)
        result->part[part].ns[result->part[part].count++] = ns[part];
}

/* ---- rivals ------------------------------------------------------------------------------------------------------ */

/* A rival that does a part of the units has to give the checksum of a run of vx86's own with as many. */
static bool find_part_sum(struct bench_result *result, const struct bench_run *run)
{
    struct bench_sample sample;
    if (result->part_units == run->units)
        return true;
    bench_run(run, &sample);
    if (!sample.done) {
        snprintf(result->error, sizeof result->error, "vx86, %u units: %.150s", (unsigned)run->units, sample.error);
        return false;
    }
    result->part_units = run->units;
    result->part_sum = sample.sum;
    return true;
}

/* Its figures of earlier rounds go, too. */
static void fail_rival(struct bench_session *session, struct bench_result *result, enum bench_rival rival,
                       unsigned rounds_left)
{
    result->rival[rival].count = 0;
    bench_progress_expect(&session->progress, STEP_RIVAL + rival, -(int)rounds_left);
}

/* False: its checksum is another one. */
static bool measure_rival(struct bench_session *session, struct bench_result *result, enum bench_rival rival,
                          unsigned rounds_left)
{
    struct bench_run run = run_of(session, result);
    struct bench_sample sample;
    char *error = result->rival_error[rival];
    run.units = bench_rival_units(rival, &run);
    if (run.units != result->units && !find_part_sum(result, &run))
        return true;
    uint32_t sum = run.units != result->units ? result->part_sum : result->sum;
    begin_step(session, STEP_RIVAL + rival, result, bench_rival_name(rival));
    bench_rival_run(rival, &run, &sample);
    end_step(session);
    bool differs = sample.done && sample.sum != sum;
    if (!sample.done)
        snprintf(error, sizeof result->rival_error[rival], "%.150s%s", sample.error,
                 sample.too_long ? "; left out from here on" : "");
    else if (differs)
        snprintf(error, sizeof result->rival_error[rival], "checksum %u, which is %u in vx86", (unsigned)sample.sum,
                 (unsigned)sum);
    session->gone_rival[rival] |= sample.too_long;
    struct bench_times *times = &result->rival[rival];
    if (error[0] == '\0')
        times->ns[times->count++] = (uint64_t)((double)sample.wall_ns * result->units / run.units);
    else
        fail_rival(session, result, rival, rounds_left);
    return !differs;
}

/* ---- a workload -------------------------------------------------------------------------------------------------- */

static bool measure_round(struct bench_session *session, struct bench_result *result, unsigned round)
{
    bool good = true;
    measure_own(session, result);
    if (result->error[0] == '\0' && !bench_was_interrupted())
        split(session, result);
    for (enum bench_rival rival = 0; rival < VX_BENCH_RIVALS; rival++) {
        if (result->error[0] != '\0' || bench_was_interrupted())
            break;
        if (wants_rival(session, rival, result->workload) && result->rival_error[rival][0] == '\0')
            good &= measure_rival(session, result, rival, session->rounds - round - 1);
    }
    return good;
}

/* The runs that a result does not need since it has failed. */
static void expect_less(struct bench_session *session, const struct bench_result *result, unsigned rounds_left)
{
    bench_progress_expect(&session->progress, STEP_TIME, -(int)rounds_left);
    bench_progress_expect(&session->progress, STEP_SPLIT, -(int)rounds_left);
    for (enum bench_rival rival = 0; rival < VX_BENCH_RIVALS; rival++)
        if (wants_rival(session, rival, result->workload) && result->rival_error[rival][0] == '\0')
            bench_progress_expect(&session->progress, STEP_RIVAL + rival, -(int)rounds_left);
}

bool bench_measure(struct bench_session *session, struct bench_result *results, unsigned settings)
{
    bool good = true;
    for (unsigned s = 0; s < settings && !bench_was_interrupted(); s++) {
        count(session, &results[s]);
        if (results[s].error[0] != '\0')
            expect_less(session, &results[s], session->rounds);
    }
    for (unsigned round = 0; round < session->rounds; round++)
        for (unsigned s = 0; s < settings && !bench_was_interrupted(); s++) {
            if (results[s].error[0] != '\0')
                continue;
            good &= measure_round(session, &results[s], round);
            if (results[s].error[0] != '\0')
                expect_less(session, &results[s], session->rounds - round - 1);
        }
    for (unsigned s = 0; s < settings; s++)
        good &= results[s].error[0] == '\0';
    return good;
}
