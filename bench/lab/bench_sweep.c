/* bench_sweep.c - the settings that a workload is run with: one, or the values of a sweep. */
#include "bench_sweep.h"

#include <string.h>

#define KIB 1024ull

static size_t tu_max(struct bench_setting *settings)
{
    static const unsigned values[] = { 1, 2, 4, 8, 12, 16, 32, 64, 128 };
    for (size_t i = 0; i < VX_ARRAY_LEN(values); i++) {
        settings[i] = (struct bench_setting){ .x = values[i], .tu_max = values[i] };
        snprintf(settings[i].label, sizeof settings[i].label, "%u", values[i]);
    }
    return VX_ARRAY_LEN(values);
}

/* 64 KiB to 64 MiB by factors of 2. */
static size_t tc_size(struct bench_setting *settings)
{
    size_t count = 0;
    for (uint64_t kib = 64; kib <= 64 * KIB; kib *= 2, count++) {
        settings[count] = (struct bench_setting){ .x = (double)kib, .cache_bytes = kib * KIB };
        bool mib = kib >= KIB;
        snprintf(settings[count].label, sizeof settings[count].label, "%u%c", (unsigned)(mib ? kib / KIB : kib),
                 mib ? 'M' : 'K');
    }
    return count;
}

static size_t chain(struct bench_setting *settings)
{
    settings[0] = (struct bench_setting){ .label = "on", .x = 1 };
    settings[1] = (struct bench_setting){ .label = "off", .x = 0, .no_chain = true };
    return 2;
}

static size_t jump_cache(struct bench_setting *settings)
{
    settings[0] = (struct bench_setting){ .label = "on", .x = 1 };
    settings[1] = (struct bench_setting){ .label = "off", .x = 0, .no_jump_cache = true };
    return 2;
}

static size_t engine(struct bench_setting *settings)
{
    settings[0] = (struct bench_setting){ .label = "bt", .x = 1 };
    settings[1] = (struct bench_setting){ .label = "interp", .x = 0, .engine = VX_ENGINE_INTERP };
    return 2;
}

static size_t lowering(struct bench_setting *settings)
{
    settings[0] = (struct bench_setting){ .label = "soft", .x = 0 };
    settings[1] = (struct bench_setting){ .label = "windows", .x = 1, .lowering = VX_LOWERING_WINDOWS };
    return 2;
}

static size_t interpret_first(struct bench_setting *settings)
{
    static const unsigned values[] = { 0, 1, 2, 3, 4, 8, VX_BT_INTERPRET_FIRST_MAX };
    for (size_t i = 0; i < VX_ARRAY_LEN(values); i++) {
        settings[i] = (struct bench_setting){ .x = values[i], .interpret_first = values[i] };
        snprintf(settings[i].label, sizeof settings[i].label, "%u", values[i]);
    }
    return VX_ARRAY_LEN(values);
}

static const struct sweep {
    const char *name;
    size_t (*fill)(struct bench_setting *settings);
} sweeps[] = {
    { "tu-max", tu_max },
    { "tc-size", tc_size },
    { "chain", chain },
    { "jump-cache", jump_cache },
    { "engine", engine },
    { "lowering", lowering },
    { "interpret-first", interpret_first },
};

size_t bench_sweep(const char *name, struct bench_setting settings[VX_BENCH_SETTINGS_MAX])
{
    if (name == NULL) {
        settings[0] = (struct bench_setting){ .label = "default" };
        return 1;
    }
    for (size_t i = 0; i < VX_ARRAY_LEN(sweeps); i++)
        if (strcmp(sweeps[i].name, name) == 0)
            return sweeps[i].fill(settings);
    return 0;
}
