/* bench_sweep.h - the values of the settings that can be swept. */
#ifndef VX86_FRONTEND_BENCH_SWEEP_H
#define VX86_FRONTEND_BENCH_SWEEP_H

#include "bench.h"

enum { VX_BENCH_SETTINGS_MAX = 16 };

/* Fills in the settings of the sweep `name` (NULL: the one default setting) and returns how many; 0: there is no such
 * sweep. */
size_t bench_sweep(const char *name, struct bench_setting settings[VX_BENCH_SETTINGS_MAX]);

#endif
