/* Posted work, deadlines and wake-ups. Times are compared loosely: the host may be busy. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include "vx86/log.h"
#include "vx86/loop.h"

#define MS      1000000ull
#define POSTERS 4
#define WORKS   2000

struct counted_work {
    struct vx_work work; /* first */
    unsigned poster, number;
    unsigned *next_of_poster; /* what each poster's work must arrive as */
    unsigned *done;
};

struct poster {
    struct vx_loop *loop;
    struct counted_work work[WORKS];
};

static void count(void *opaque)
{
    atomic_fetch_add((_Atomic unsigned *)opaque, 1);
}

static void arrive(struct vx_work *work)
{
    struct counted_work *counted = (struct counted_work *)work;
    cr_assert_eq(counted->next_of_poster[counted->poster], counted->number);
    counted->next_of_poster[counted->poster]++;
    ++*counted->done;
}

static void *post_all(void *arg)
{
    struct poster *poster = arg;
    for (unsigned i = 0; i < WORKS; i++)
        vx_loop_post(poster->loop, &poster->work[i].work);
    return NULL;
}

Test(loop, posts_of_threads_arrive_in_order, .timeout = 20)
{
    static struct poster poster[POSTERS];
    struct vx_loop *loop;
    _Atomic unsigned kicks = 0;
    unsigned next[POSTERS] = { 0 }, done = 0;
    pthread_t thread[POSTERS];
    cr_assert_eq(vx_loop_create(vx_log_create(stderr), &loop), VX_ERR_OK);
    vx_loop_set_kick(loop, count, &kicks);
    cr_assert(!vx_loop_run_posted(loop));
    for (unsigned p = 0; p < POSTERS; p++) {
        poster[p].loop = loop;
        for (unsigned i = 0; i < WORKS; i++)
            poster[p].work[i] = (struct counted_work){ { .fn = arrive }, p, i, next, &done };
        cr_assert_eq(pthread_create(&thread[p], NULL, post_all, &poster[p]), 0);
    }
    while (done < POSTERS * WORKS) {
        vx_loop_wait(loop, UINT64_MAX);
        vx_loop_run_posted(loop);
    }
    for (unsigned p = 0; p < POSTERS; p++)
        pthread_join(thread[p], NULL);
    cr_assert(!vx_loop_run_posted(loop));
    cr_assert_eq(kicks, POSTERS * WORKS);
    vx_loop_destroy(loop);
}

struct repost_work {
    struct vx_work work;
    struct vx_loop *loop;
    unsigned runs;
};

static void repost(struct vx_work *work)
{
    struct repost_work *again = (struct repost_work *)work;
    again->runs++;
    vx_loop_post(again->loop, work);
}

Test(loop, work_posted_by_work_runs_next_time, .timeout = 10)
{
    struct vx_loop *loop;
    cr_assert_eq(vx_loop_create(vx_log_create(stderr), &loop), VX_ERR_OK);
    struct repost_work work = { { .fn = repost }, loop, 0 };
    vx_loop_post(loop, &work.work);
    for (unsigned i = 1; i <= 3; i++) {
        cr_assert(vx_loop_run_posted(loop));
        cr_assert_eq(work.runs, i);
    }
    vx_loop_destroy(loop);
}

static bool wait_for(_Atomic unsigned *value, unsigned target, uint64_t until_ns)
{
    while (*value < target && vx_host_now_ns() < until_ns)
        usleep(100);
    return *value >= target;
}

static void kicks_at_the_deadline_once(void)
{
    struct vx_loop *loop;
    _Atomic unsigned kicks = 0;
    cr_assert_eq(vx_loop_create(vx_log_create(stderr), &loop), VX_ERR_OK);
    vx_loop_set_kick(loop, count, &kicks);
    for (unsigned i = 1; i <= 20; i++) {
        uint64_t deadline = vx_host_now_ns() + 2 * MS;
        vx_loop_arm(loop, deadline);
        vx_loop_arm(loop, deadline);
        cr_assert(wait_for(&kicks, i, deadline + 2000 * MS), "deadline %u never came", i);
        cr_assert(vx_host_now_ns() >= deadline, "deadline %u came early", i);
    }
    usleep(5000);
    cr_assert_eq(kicks, 20);
    /* The same deadline, armed again after it fired, kicks again: the machine thread has not dealt with it yet. */
    uint64_t past = vx_host_now_ns() - MS;
    vx_loop_arm(loop, past);
    cr_assert(wait_for(&kicks, 21, vx_host_now_ns() + 2000 * MS));
    vx_loop_arm(loop, past);
    cr_assert(wait_for(&kicks, 22, vx_host_now_ns() + 2000 * MS));
    vx_loop_destroy(loop);
}

static void deadlines_move_both_ways(void)
{
    struct vx_loop *loop;
    _Atomic unsigned kicks = 0;
    cr_assert_eq(vx_loop_create(vx_log_create(stderr), &loop), VX_ERR_OK);
    vx_loop_set_kick(loop, count, &kicks);
    vx_loop_arm(loop, vx_host_now_ns() + 10000 * MS);
    usleep(2000); /* a ticker sleeps towards the far one */
    uint64_t near = vx_host_now_ns() + 5 * MS;
    vx_loop_arm(loop, near);
    cr_assert(wait_for(&kicks, 1, near + 2000 * MS), "moved nearer");
    vx_loop_arm(loop, vx_host_now_ns() + 20 * MS);
    uint64_t later = vx_host_now_ns() + 60 * MS;
    vx_loop_arm(loop, later);
    cr_assert(wait_for(&kicks, 2, later + 2000 * MS), "moved later");
    cr_assert(vx_host_now_ns() >= later);
    vx_loop_arm(loop, vx_host_now_ns() + 20 * MS);
    vx_loop_arm(loop, UINT64_MAX);
    usleep(50000);
    cr_assert_eq(kicks, 2, "disarmed");
    vx_loop_destroy(loop);
}

Test(loop, deadlines_by_alarm, .timeout = 20)
{
    kicks_at_the_deadline_once();
    deadlines_move_both_ways();
}

/* A process that may have no signals pending gets no alarm. */
Test(loop, deadlines_by_ticker, .timeout = 20)
{
    cr_assert_eq(setrlimit(RLIMIT_SIGPENDING, &(struct rlimit){ 0, 0 }), 0);
    kicks_at_the_deadline_once();
    deadlines_move_both_ways();
}

static void *arm_and_spin(void *opaque)
{
    struct vx_loop *loop = opaque;
    vx_loop_arm(loop, vx_host_now_ns() + 5 * MS);
    for (uint64_t end = vx_host_now_ns() + 100 * MS; vx_host_now_ns() < end;) {
    }
    vx_loop_arm(loop, UINT64_MAX);
    return NULL;
}

/* A machine that is run by one thread after another. */
Test(loop, owners_change, .timeout = 20)
{
    struct vx_loop *loop;
    _Atomic unsigned kicks = 0;
    cr_assert_eq(vx_loop_create(vx_log_create(stderr), &loop), VX_ERR_OK);
    vx_loop_set_kick(loop, count, &kicks);
    for (unsigned i = 1; i <= 3; i++) {
        pthread_t thread;
        cr_assert_eq(pthread_create(&thread, NULL, arm_and_spin, loop), 0);
        pthread_join(thread, NULL);
        cr_assert(wait_for(&kicks, i, vx_host_now_ns() + 2000 * MS), "owner %u", i);
    }
    vx_loop_arm(loop, vx_host_now_ns() + MS);
    cr_assert(wait_for(&kicks, 4, vx_host_now_ns() + 2000 * MS), "the thread that makes and destroys it");
    vx_loop_destroy(loop);
}

static long switches(void)
{
    struct rusage usage;
    cr_assert_eq(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_nvcsw;
}

/* A guest that does something short at each tick of its clock: one sleep a tick, and no other thread wakes up. */
Test(loop, a_tick_is_one_sleep, .timeout = 20)
{
    enum { TICKS = 100 };
    struct vx_loop *loop;
    _Atomic unsigned kicks = 0;
    cr_assert_eq(vx_loop_create(vx_log_create(stderr), &loop), VX_ERR_OK);
    vx_loop_set_kick(loop, count, &kicks);
    long before = switches();
    for (unsigned i = 0; i < TICKS; i++) {
        uint64_t tick = vx_host_now_ns() + 2 * MS;
        vx_loop_arm(loop, tick + 10 * MS); /* what was next when the guest woke up */
        vx_loop_arm(loop, tick);           /* and when it slept again */
        vx_loop_wait(loop, tick);
    }
    long taken = switches() - before;
    cr_assert(taken < TICKS * 3 / 2, "%ld context switches", taken);
    vx_loop_destroy(loop);
}

static void *wake_later(void *loop)
{
    usleep(5000);
    vx_loop_wake(loop);
    return NULL;
}

Test(loop, wait_ends_for_each_reason, .timeout = 20)
{
    struct vx_loop *loop;
    cr_assert_eq(vx_loop_create(vx_log_create(stderr), &loop), VX_ERR_OK);
    vx_loop_wake(loop);
    vx_loop_wait(loop, UINT64_MAX); /* the wake was kept */
    uint64_t deadline = vx_host_now_ns() + 10 * MS;
    vx_loop_wait(loop, deadline); /* and kept once only */
    cr_assert(vx_host_now_ns() >= deadline);
    vx_loop_wait(loop, vx_host_now_ns() - MS);
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, wake_later, loop), 0);
    vx_loop_wait(loop, UINT64_MAX);
    pthread_join(thread, NULL);
    struct repost_work work = { { .fn = repost }, loop, 0 };
    vx_loop_post(loop, &work.work);
    vx_loop_wait(loop, UINT64_MAX); /* work that is there already */
    vx_loop_destroy(loop);          /* pending work is dropped */
    cr_assert_eq(work.runs, 0);
}
