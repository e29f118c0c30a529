/* watch.h - a thread that looks at what a fuzzer is doing: a case that takes too long ends the process.
 *
 * A case begins and ends by watch_begin() and watch_end(); inside it watch_step() says that it gets on. A step that
 * takes more than hang_ms of the process's CPU time, or asleep_ms of any time, hangs the host: watch prints a line,
 * calls on_hang() and aborts. Times are meant for a build without sanitizers; watch_start() stretches them.
 * Also: how much memory the process holds. */
#ifndef VX86_TESTS_FUZZ_WATCH_H
#define VX86_TESTS_FUZZ_WATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__)
#define FUZZ_SLOWNESS          10
#define FUZZ_MEMORY_MARGIN_MIB 700 /* freed memory is kept back for a while */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FUZZ_SLOWNESS          10
#define FUZZ_MEMORY_MARGIN_MIB 700
#endif
#endif
#ifndef FUZZ_SLOWNESS
#define FUZZ_SLOWNESS          1
#define FUZZ_MEMORY_MARGIN_MIB 64
#endif

struct watch {
    const char *program; /* who hangs, in messages */
    unsigned slow_ms;    /* a whole case: on_slow() once; 0: never */
    unsigned hang_ms;
    void (*on_slow)(void *opaque); /* from the watch's thread; the case is still running */
    void (*on_hang)(void *opaque); /* the same; may print what was running; NULL: nothing */
    void *opaque;

    /* private */
    pthread_t thread;
    pthread_mutex_t lock;
    bool running, told, over;
    _Atomic uint64_t step;
    uint64_t number, case_cpu_ns, seen_step, step_ns, step_cpu_ns;
    /* for reports, while no case runs */
    uint64_t slow, longest_ms, longest;
};

/* The members above "private" are filled in. */
void watch_start(struct watch *watch);
void watch_stop(struct watch *watch);
void watch_begin(struct watch *watch, uint64_t number);
void watch_end(struct watch *watch);
static inline void watch_step(struct watch *watch)
{
    atomic_fetch_add_explicit(&watch->step, 1, memory_order_relaxed);
}

/* Of this process. */
long watch_resident_kib(void);

#endif
