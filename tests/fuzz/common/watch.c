/* watch.c - see watch.h. */
#include "watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "vx86/host.h"

enum { ASLEEP_MS = 120000, LOOK_NS = 20000000 };

static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void note_step(struct watch *watch)
{
    watch->seen_step = atomic_load(&watch->step);
    watch->step_ns = vx_host_now_ns();
    watch->step_cpu_ns = cpu_ns();
}

static void hangs(struct watch *watch)
{
    fprintf(stderr, "%s: case %llu hangs\n", watch->program, (unsigned long long)watch->number);
    if (watch->on_hang != NULL)
        watch->on_hang(watch->opaque);
    abort();
}

static void look(struct watch *watch)
{
    if (!watch->running)
        return;
    uint64_t case_ms = (cpu_ns() - watch->case_cpu_ns) / 1000000;
    if (watch->slow_ms != 0 && case_ms > (uint64_t)watch->slow_ms * FUZZ_SLOWNESS && !watch->told) {
        watch->told = true;
        watch->on_slow(watch->opaque);
    }
    if (atomic_load(&watch->step) != watch->seen_step)
        note_step(watch);
    uint64_t step_ms = (cpu_ns() - watch->step_cpu_ns) / 1000000;
    uint64_t any_ms = (vx_host_now_ns() - watch->step_ns) / 1000000;
    if (step_ms > (uint64_t)watch->hang_ms * FUZZ_SLOWNESS || any_ms > ASLEEP_MS)
        hangs(watch);
}

static void *watch_main(void *opaque)
{
    struct watch *watch = opaque;
    struct timespec pause = { .tv_nsec = LOOK_NS };
    for (bool over = false; !over;) {
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&watch->lock);
        look(watch);
        over = watch->over;
        pthread_mutex_unlock(&watch->lock);
    }
    return NULL;
}

void watch_start(struct watch *watch)
{
    pthread_mutex_init(&watch->lock, NULL);
    if (pthread_create(&watch->thread, NULL, watch_main, watch) != 0)
        abort();
}

void watch_stop(struct watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    watch->over = true;
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    pthread_mutex_destroy(&watch->lock);
}

void watch_begin(struct watch *watch, uint64_t number)
{
    pthread_mutex_lock(&watch->lock);
    watch->running = true;
    watch->told = false;
    watch->number = number;
    note_step(watch);
    watch->case_cpu_ns = watch->step_cpu_ns;
    pthread_mutex_unlock(&watch->lock);
}

void watch_end(struct watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    uint64_t ms = (cpu_ns() - watch->case_cpu_ns) / 1000000;
    watch->running = false;
    watch->slow += watch->told;
    if (ms > watch->longest_ms) {
        watch->longest_ms = ms;
        watch->longest = watch->number;
    }
    pthread_mutex_unlock(&watch->lock);
}

long watch_resident_kib(void)
{
    long total = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f != NULL) {
        if (fscanf(f, "%ld %ld", &total, &pages) != 2)
            pages = 0;
        fclose(f);
    }
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}
