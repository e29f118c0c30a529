/* bench_outputs.h - the reports that go into files: opened before anything is measured, and written anew after each
 * workload, so that what was measured is never lost. */
#ifndef VX86_BENCH_OUTPUTS_H
#define VX86_BENCH_OUTPUTS_H

#include "bench.h"
#include "vx86/files.h"

enum { VX_BENCH_OUTPUTS_MAX = 4, VX_BENCH_COMPLAINT_CHARS = 4400 };

struct bench_outputs {
    struct vx_files *files;
    unsigned count;
    struct bench_output {
        const char *path;
        void (*print)(FILE *out, const struct bench_report *report);
        int fd;
        bool rewinds; /* a regular file; others are written once, in the end */
    } output[VX_BENCH_OUTPUTS_MAX];
};

/* False: no memory. */
bool bench_outputs_init(struct bench_outputs *outputs);
/* Notes a file that is measured: no report is written over it. */
void bench_outputs_spare(struct bench_outputs *outputs, const char *path);
/* Opens a report; a NULL path is none. False: `error` is one line that says what was wrong. */
bool bench_outputs_add(struct bench_outputs *outputs, const char *path,
                       void (*print)(FILE *out, const struct bench_report *report),
                       char error[VX_BENCH_COMPLAINT_CHARS]);
/* As far as it has come; `last`: into what can be written only once, too. */
bool bench_outputs_write(struct bench_outputs *outputs, const struct bench_report *report, bool last,
                         char error[VX_BENCH_COMPLAINT_CHARS]);
void bench_outputs_fini(struct bench_outputs *outputs);

#endif
