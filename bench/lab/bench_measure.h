/* bench_measure.h - from a workload to its results: which runs there are, and in which order.
 *
 * First a run that counts, whose checksum all others have to give. Then rounds, in which settings, vx86 and its rivals
 * take turns, so that a change of the host's load hits all of them. What fails costs itself alone: a setting its row, a
 * rival its column of the row, and a rival that hangs is left out of the rest. */
#ifndef VX86_BENCH_MEASURE_H
#define VX86_BENCH_MEASURE_H

#include "bench.h"
#include "bench_child.h"
#include "bench_progress.h"

struct bench_session {
    const struct vx_lab_host *host;
    const char *image; /* the disk of a workload that is a system */
    struct bench_patience patience;
    struct bench_progress progress;
    bool alone;                       /* without rivals */
    bool gone_rival[VX_BENCH_RIVALS]; /* left out, since it hung */
    unsigned rounds;
};

/* Tells the progress line of the runs that are to come. */
void bench_expect(struct bench_session *session, const struct lab_workload *workload, unsigned settings);
/* One workload with each of its settings. False: something failed that is vx86's, or a rival's checksum differs. Ends
 * early, with what it has, when the laboratory is interrupted: bench_was_interrupted(). */
bool bench_measure(struct bench_session *session, struct bench_result *results, unsigned settings);

#endif
