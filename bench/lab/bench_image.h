/* bench_image.h - what `vx86 bench` hands to itself and to other programs as files: the laboratory's disk, programs,
 * settings. */
#ifndef VX86_FRONTEND_BENCH_IMAGE_H
#define VX86_FRONTEND_BENCH_IMAGE_H

#include "bench.h"

enum { VX_BENCH_PATH_CHARS = 32 };

/* A file without a name of its own, which ends with the processes that have it open; `path` leads to it in this process
 * and its children. Returns its descriptor, -1: the host gives none. */
int bench_file(const void *bytes, size_t count, char path[VX_BENCH_PATH_CHARS]);

/* The laboratory's disk for a run, in the same way. */
int bench_disk(const struct bench_run *run, char path[VX_BENCH_PATH_CHARS]);

#endif
