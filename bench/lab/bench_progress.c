/* bench_progress.c - the line that says how far the laboratory is. See bench_progress.h. */
#include "bench_progress.h"

#include "vx86/host.h"

#define NS_PER_S 1000000000ull

void bench_progress_expect(struct bench_progress *progress, unsigned kind, int count)
{
    int left = (int)progress->left[kind] + count;
    progress->left[kind] = left > 0 ? (unsigned)left : 0;
}

void bench_progress_begin(struct bench_progress *progress, unsigned kind, const char *what, uint64_t now_ns)
{
    snprintf(progress->what, sizeof progress->what, "%s", what);
    progress->kind = kind;
    progress->since_ns = now_ns;
    bench_progress_tick(progress);
}

void bench_progress_end(struct bench_progress *progress, uint64_t now_ns)
{
    progress->spent_ns[progress->kind] += now_ns - progress->since_ns;
    progress->done[progress->kind]++;
    bench_progress_expect(progress, progress->kind, -1);
    progress->what[0] = '\0';
}

uint64_t bench_progress_left_ns(const struct bench_progress *progress, uint64_t now_ns)
{
    uint64_t all_ns = 0, left_ns = 0;
    unsigned all = 0;
    for (unsigned i = 0; i < VX_BENCH_KINDS; i++) {
        all += progress->done[i];
        all_ns += progress->spent_ns[i];
    }
    if (all == 0)
        return UINT64_MAX;
    for (unsigned i = 0; i < VX_BENCH_KINDS; i++) {
        uint64_t mean_ns = progress->done[i] != 0 ? progress->spent_ns[i] / progress->done[i] : all_ns / all;
        left_ns += progress->left[i] * mean_ns;
    }
    uint64_t gone_ns = progress->what[0] != '\0' ? now_ns - progress->since_ns : 0;
    return left_ns > gone_ns ? left_ns - gone_ns : 0;
}

void bench_progress_text(const struct bench_progress *progress, uint64_t now_ns, char text[80])
{
    unsigned done = 0, all = 0;
    for (unsigned i = 0; i < VX_BENCH_KINDS; i++) {
        done += progress->done[i];
        all += progress->done[i] + progress->left[i];
    }
    uint64_t left_ns = bench_progress_left_ns(progress, now_ns), gone_s = (now_ns - progress->since_ns) / NS_PER_S;
    unsigned used =
        (unsigned)snprintf(text, 80, "%u of %u runs; %.40s, %u s", done, all, progress->what, (unsigned)gone_s);
    if (left_ns != UINT64_MAX && used < 60)
        snprintf(text + used, 80 - used, "; about %u:%02u left", (unsigned)(left_ns / NS_PER_S / 60),
                 (unsigned)(left_ns / NS_PER_S % 60));
}

void bench_progress_tick(void *opaque)
{
    struct bench_progress *progress = opaque;
    char text[80];
    if (progress->out == NULL)
        return;
    bench_progress_text(progress, vx_host_now_ns(), text);
    fprintf(progress->out, "\r%s\033[K", text);
    fflush(progress->out);
    progress->shown = true;
}

void bench_progress_clear(struct bench_progress *progress)
{
    if (!progress->shown)
        return;
    fputs("\r\033[K", progress->out);
    fflush(progress->out);
    progress->shown = false;
}
