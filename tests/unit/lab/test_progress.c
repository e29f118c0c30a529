/* The progress line: what is left, told from what has been; and that it is there at all. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench_child.h"
#include "bench_progress.h"
#include "vx86/host.h"

#define S 1000000000ull

Test(progress, what_is_left_follows_from_the_kind)
{
    struct bench_progress progress = { .out = NULL };
    bench_progress_expect(&progress, 0, 10);
    bench_progress_expect(&progress, 1, 2);
    cr_assert_eq(bench_progress_left_ns(&progress, 0), UINT64_MAX, "nothing is known");
    bench_progress_begin(&progress, 0, "crc", 100 * S);
    cr_assert_eq(bench_progress_left_ns(&progress, 101 * S), UINT64_MAX);
    bench_progress_end(&progress, 102 * S);
    cr_assert_eq(bench_progress_left_ns(&progress, 102 * S), (9 + 2) * 2 * S, "one kind stands for the other");
    bench_progress_begin(&progress, 1, "crc TCG", 102 * S);
    bench_progress_end(&progress, 112 * S);
    cr_assert_eq(bench_progress_left_ns(&progress, 112 * S), (9 * 2 + 10) * S);
    bench_progress_begin(&progress, 0, "crc", 112 * S);
    cr_assert_eq(bench_progress_left_ns(&progress, 113 * S), (9 * 2 + 10 - 1) * S, "what is under way has begun");
    cr_assert_eq(bench_progress_left_ns(&progress, 1000 * S), 0, "it takes longer than was thought");
    bench_progress_expect(&progress, 0, -100);
    cr_assert_eq(progress.left[0], 0);
}

Test(progress, line)
{
    struct bench_progress progress = { .out = NULL };
    char text[80];
    bench_progress_expect(&progress, 0, 3);
    bench_progress_begin(&progress, 0, "a-name-that-is-longer-than-any-name-of-a-workload-is TCG", 0);
    bench_progress_text(&progress, 5 * S, text);
    cr_assert_str_eq(text, "0 of 3 runs; a-name-that-is-longer-than-any-name-of-a, 5 s");
    bench_progress_end(&progress, 70 * S);
    bench_progress_begin(&progress, 0, "crc", 70 * S);
    bench_progress_text(&progress, 75 * S, text);
    cr_assert_str_eq(text, "1 of 3 runs; crc, 5 s; about 2:15 left");
}

Test(progress, terminal)
{
    char *text;
    size_t bytes;
    struct bench_progress progress = { .out = open_memstream(&text, &bytes) };
    bench_progress_expect(&progress, 0, 1);
    bench_progress_clear(&progress);
    fflush(progress.out);
    cr_assert_eq(bytes, 0, "nothing is there to be cleared");
    bench_progress_begin(&progress, 0, "crc", vx_host_now_ns());
    bench_progress_clear(&progress);
    fclose(progress.out);
    cr_assert_str_eq(text, "\r0 of 1 runs; crc, 0 s\033[K\r\033[K");
    free(text);
}

static void count_tick(void *opaque)
{
    ++*(unsigned *)opaque;
}

/* What hangs is waited for as long as was said, with a sign of life. */
Test(progress, patience, .timeout = 60)
{
    unsigned ticks = 0;
    struct bench_patience patience = { .limit_s = 0.35, .tick = count_tick, .opaque = &ticks };
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    uint64_t begin_ns = vx_host_now_ns();
    cr_assert_eq(bench_wait_for(ends[0], bench_deadline_ns(&patience, 1000), &patience), VX_BENCH_WAIT_TOO_LONG);
    cr_assert_geq(vx_host_now_ns() - begin_ns, 350000000u);
    cr_assert_geq(ticks, 1);
    close(ends[1]);
    cr_assert_eq(bench_wait_for(ends[0], bench_deadline_ns(&patience, 1000), &patience), VX_BENCH_WAIT_READY);
    bench_hold_signals();
    cr_assert_not(bench_was_interrupted());
    raise(SIGTERM);
    cr_assert(bench_was_interrupted());
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(bench_wait_for(ends[0], bench_deadline_ns(&patience, 1000), &patience), VX_BENCH_WAIT_INTERRUPTED);
}
