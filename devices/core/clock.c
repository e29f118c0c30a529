/* clock.c - guest time and the heap of timers.
 *
 *   I1  heap[] is a binary min-heap by deadline_ns, then by the order of making; an armed timer is in it, at
 *       heap_index, with a deadline other than VX_NEVER; an idle one is not and has VX_NEVER.
 *   I2  A timer is taken off the heap before its function runs, so that the function may arm it again or destroy it.
 *   I3  vx_clock_run() fires at most RUN_LIMIT timers, so that a guest that programs absurd rates slows itself only.
 *   I4  A counted clock at count vx_clock_count_at(ns) says ns or later, and at the count before it earlier. */
#include <stdlib.h>
#include <time.h>

#include "vx86/clock.h"
#include "vx86/loop.h"

#define RUN_LIMIT    64
#define MIPS_MAX     1000000u
#define FAKE_EPOCH_S 946684800 /* 2000-01-01 00:00:00 UTC */

enum kind { REAL, FAKE, COUNTED };

struct vx_clock {
    enum kind kind;
    int64_t start_s; /* wall clock at time 0, but for REAL */
    uint64_t fake_now_ns;
    /* COUNTED: at count `base_count` it was `base_ns` */
    const uint64_t *counter;
    uint64_t mips, base_count, base_ns;
    int64_t origin_ns;  /* host-monotonic time of clock time 0 */
    uint64_t paused_ns; /* host-monotonic time at which it was paused, 0: it runs */
    struct vx_timer **heap;
    size_t count, capacity;
    unsigned timers_made;
};

static vx_err clock_create(enum kind kind, struct vx_clock **out)
{
    struct vx_clock *clock = calloc(1, sizeof *clock);
    if (clock == NULL)
        return VX_ERR_NO_MEMORY;
    clock->kind = kind;
    clock->start_s = FAKE_EPOCH_S;
    clock->origin_ns = kind == REAL ? (int64_t)vx_host_now_ns() : 0;
    *out = clock;
    return VX_ERR_OK;
}

vx_err vx_clock_create_real(struct vx_clock **out)
{
    return clock_create(REAL, out);
}

vx_err vx_clock_create_fake(struct vx_clock **out)
{
    return clock_create(FAKE, out);
}

vx_err vx_clock_create_counted(uint64_t mips, int64_t start_s, struct vx_clock **out)
{
    VX_ASSERT(mips >= 1 && mips <= MIPS_MAX);
    VX_TRY(clock_create(COUNTED, out));
    (*out)->mips = mips;
    (*out)->start_s = start_s;
    return VX_ERR_OK;
}

void vx_clock_destroy(struct vx_clock *clock)
{
    if (clock == NULL)
        return;
    for (size_t i = 0; i < clock->count; i++)
        clock->heap[i]->deadline_ns = VX_NEVER;
    free(clock->heap);
    free(clock);
}

/* ---- counted ---------------------------------------------------------------------------------------------------- */

static uint64_t counted_now_ns(const struct vx_clock *clock)
{
    if (clock->counter == NULL)
        return clock->base_ns;
    return clock->base_ns + vx_muldiv(*clock->counter - clock->base_count, 1000, clock->mips);
}

bool vx_clock_is_counted(const struct vx_clock *clock)
{
    return clock->kind == COUNTED;
}

void vx_clock_follow(struct vx_clock *clock, const uint64_t *count)
{
    VX_ASSERT(clock->kind == COUNTED && clock->counter == NULL);
    clock->counter = count;
    clock->base_count = *count;
}

uint64_t vx_clock_count_at(const struct vx_clock *clock, uint64_t ns)
{
    if (ns <= clock->base_ns)
        return clock->base_count;
    unsigned __int128 after = ((unsigned __int128)(ns - clock->base_ns) * clock->mips + 999) / 1000;
    return ns == VX_NEVER || after > VX_NEVER - clock->base_count ? VX_NEVER : clock->base_count + (uint64_t)after;
}

void vx_clock_skip_to(struct vx_clock *clock, uint64_t ns)
{
    if (clock->counter == NULL || ns <= counted_now_ns(clock))
        return;
    clock->base_ns = ns;
    clock->base_count = *clock->counter;
}

/* ---- time ------------------------------------------------------------------------------------------------------- */

static uint64_t host_now_ns(const struct vx_clock *clock)
{
    return clock->paused_ns != 0 ? clock->paused_ns : vx_host_now_ns();
}

uint64_t vx_clock_now_ns(struct vx_clock *clock)
{
    if (clock->kind == FAKE)
        return clock->fake_now_ns;
    if (clock->kind == COUNTED)
        return counted_now_ns(clock);
    return host_now_ns(clock) - (uint64_t)clock->origin_ns;
}

void vx_clock_pause(struct vx_clock *clock)
{
    if (clock->paused_ns == 0)
        clock->paused_ns = vx_host_now_ns();
}

void vx_clock_resume(struct vx_clock *clock)
{
    if (clock->paused_ns != 0)
        clock->origin_ns += (int64_t)(vx_host_now_ns() - clock->paused_ns);
    clock->paused_ns = 0;
}

/* ---- state ------------------------------------------------------------------------------------------------------ */

void vx_clock_get_state(struct vx_clock *clock, struct vx_clock_state *state)
{
    state->now_ns = vx_clock_now_ns(clock);
    state->base_ns = clock->kind == COUNTED ? clock->base_ns : state->now_ns;
    state->base_count = clock->kind == COUNTED ? clock->base_count : VX_NEVER;
}

vx_err vx_clock_set_state(struct vx_clock *clock, const struct vx_clock_state *state)
{
    if (state->now_ns > INT64_MAX / 2 || state->base_ns > state->now_ns)
        return VX_ERR_BAD_FORMAT;
    clock->fake_now_ns = state->now_ns;
    if (clock->kind == REAL)
        clock->origin_ns = (int64_t)(host_now_ns(clock) - state->now_ns);
    if (clock->kind != COUNTED)
        return VX_ERR_OK;
    uint64_t count = clock->counter != NULL ? *clock->counter : 0;
    clock->base_ns = state->base_ns;
    clock->base_count = state->base_count;
    if (state->base_count > count || counted_now_ns(clock) != state->now_ns) { /* it was another kind, or other rate */
        clock->base_ns = state->now_ns;
        clock->base_count = count;
    }
    return VX_ERR_OK;
}

/* ---- heap ------------------------------------------------------------------------------------------------------- */

static void heap_place(struct vx_clock *clock, size_t index, struct vx_timer *timer)
{
    clock->heap[index] = timer;
    timer->heap_index = index;
}

static bool is_earlier(const struct vx_timer *a, const struct vx_timer *b)
{
    return a->deadline_ns != b->deadline_ns ? a->deadline_ns < b->deadline_ns : a->order < b->order;
}

static void heap_sift_up(struct vx_clock *clock, size_t index)
{
    struct vx_timer *timer = clock->heap[index];
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (!is_earlier(timer, clock->heap[parent]))
            break;
        heap_place(clock, index, clock->heap[parent]);
        index = parent;
    }
    heap_place(clock, index, timer);
}

static void heap_sift_down(struct vx_clock *clock, size_t index)
{
    struct vx_timer *timer = clock->heap[index];
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= clock->count)
            break;
        if (child + 1 < clock->count && is_earlier(clock->heap[child + 1], clock->heap[child]))
            child++;
        if (!is_earlier(clock->heap[child], timer))
            break;
        heap_place(clock, index, clock->heap[child]);
        index = child;
    }
    heap_place(clock, index, timer);
}

static void heap_remove(struct vx_clock *clock, struct vx_timer *timer)
{
    size_t index = timer->heap_index;
    VX_ASSERT(index < clock->count && clock->heap[index] == timer);
    struct vx_timer *last = clock->heap[--clock->count];
    timer->deadline_ns = VX_NEVER;
    if (last == timer)
        return;
    heap_place(clock, index, last);
    heap_sift_up(clock, index);
    heap_sift_down(clock, last->heap_index);
}

static void heap_add(struct vx_clock *clock, struct vx_timer *timer)
{
    if (clock->count == clock->capacity) {
        size_t capacity = clock->capacity == 0 ? 16 : clock->capacity * 2;
        struct vx_timer **heap = realloc(clock->heap, capacity * sizeof(struct vx_timer *));
        VX_ASSERT(heap != NULL); /* a few hundred bytes: there are as many timers as chips have */
        clock->heap = heap;
        clock->capacity = capacity;
    }
    clock->count++;
    heap_place(clock, clock->count - 1, timer);
    heap_sift_up(clock, clock->count - 1);
}

/* ---- timers ----------------------------------------------------------------------------------------------------- */

void vx_timer_init(struct vx_clock *clock, struct vx_timer *timer, void (*fn)(void *), void *opaque)
{
    *timer = (struct vx_timer){ .fn = fn, .opaque = opaque, .deadline_ns = VX_NEVER, .order = clock->timers_made++ };
}

void vx_timer_set(struct vx_clock *clock, struct vx_timer *timer, uint64_t deadline_ns)
{
    if (timer->deadline_ns == deadline_ns)
        return;
    if (timer->deadline_ns != VX_NEVER)
        heap_remove(clock, timer);
    timer->deadline_ns = deadline_ns;
    if (deadline_ns != VX_NEVER)
        heap_add(clock, timer);
}

static void fire_first(struct vx_clock *clock)
{
    struct vx_timer *timer = clock->heap[0];
    heap_remove(clock, timer); /* keeps I2 */
    timer->fn(timer->opaque);
}

unsigned vx_clock_run(struct vx_clock *clock)
{
    uint64_t now = vx_clock_now_ns(clock);
    unsigned fired = 0;
    while (clock->count > 0 && clock->heap[0]->deadline_ns <= now && fired < RUN_LIMIT) { /* keeps I3 */
        fire_first(clock);
        fired++;
    }
    return fired;
}

void vx_clock_advance(struct vx_clock *clock, uint64_t ns)
{
    VX_ASSERT(clock->kind == FAKE);
    uint64_t end = clock->fake_now_ns + ns;
    while (clock->count > 0 && clock->heap[0]->deadline_ns <= end) {
        if (clock->heap[0]->deadline_ns > clock->fake_now_ns)
            clock->fake_now_ns = clock->heap[0]->deadline_ns;
        fire_first(clock);
    }
    clock->fake_now_ns = end;
}

uint64_t vx_clock_next_ns(const struct vx_clock *clock)
{
    return clock->count > 0 ? clock->heap[0]->deadline_ns : VX_NEVER;
}

uint64_t vx_clock_to_host_ns(const struct vx_clock *clock, uint64_t ns)
{
    if (ns > INT64_MAX / 2) /* VX_NEVER, and what comes to the same */
        return VX_NEVER;
    if (clock->kind == FAKE)
        return ns <= clock->fake_now_ns ? 0 : VX_NEVER; /* it does not come by waiting */
    if (clock->kind == COUNTED)
        return ns <= counted_now_ns(clock) ? 0 : VX_NEVER;
    int64_t host_ns = clock->origin_ns + (int64_t)ns;
    return host_ns < 0 ? 0 : (uint64_t)host_ns;
}

int64_t vx_clock_wall_s(struct vx_clock *clock)
{
    if (clock->kind == REAL)
        return (int64_t)time(NULL);
    return clock->start_s + (int64_t)(vx_clock_now_ns(clock) / VX_NS_PER_SEC);
}
