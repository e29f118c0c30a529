/* loop.c - posted work, the ticker thread, and the sleep of the owner.
 *
 *   worker thread --post--> queue --kick--> owner: vx_loop_run_posted()
 *   owner --arm--> alarm --kick at the deadline, in a signal handler--> owner
 *   owner --arm--> ticker thread --kick at the deadline--> owner       (hosts without alarms)
 *
 *   I1  Everything below `mutex` in the struct is read and written only with it held.
 *   I2  `armed_ns` is what the owner asked for last and belongs to it; `deadline_ns` is what the ticker still has to
 *       do: equal to armed_ns, or UINT64_MAX once it has kicked for it.
 *   I3  The ticker never sleeps past deadline_ns: a later deadline leaves it asleep (it wakes once too early and sleeps
 *       again), an earlier one signals it. `ticker_sleeps_until_ns` is the moment it waits for.
 *   I4  The kick is called without the mutex: it may post or wake.
 *   I5  vx_loop_set_kick() returns when no call of the old kick is under way: what it points to may then be freed. The
 *       alarm rings in the owner's thread, which is the one that calls, or has ended.
 *   I6  An alarm belongs to the thread that owns the loop when it is armed, and is given up when it is disarmed.
 *   I7  The alarm rings at alarm_ns, which is armed_ns or earlier: a later deadline leaves it as it is, and ring(),
 *       which comes too early then, sets it anew. So a guest that sleeps until the next tick of its clock, again and
 *       again, moves the alarm once a tick. While the owner sleeps there is nothing to ring for, and the alarm waits
 *       for some time after that. */
#include <stdatomic.h>
#include <stdlib.h>

#include "vx86/host.h"
#include "vx86/loop.h"
#include "vx86/thread.h"

/* What the owner has at least before an alarm rings: one that has rung before the owner does anything would keep it
 * from ever getting on. And how long after a sleep it rings when nobody has armed it. */
enum { ALARM_GAP_NS = 50000, ALARM_AFTER_SLEEP_NS = 1000000 };

struct vx_loop {
    pthread_t ticker;
    bool ticks;               /* `ticker` runs */
    bool has_alarm, no_alarm; /* I6; the host has refused one */
    struct vx_host_alarm alarm;
    _Atomic uint64_t alarm_ns; /* I7; UINT64_MAX: it is not set */
    _Atomic uint64_t armed_ns; /* I2; UINT64_MAX also while the owner sleeps and has an alarm */
    _Atomic bool fired;        /* there was a kick for armed_ns */
    _Atomic bool has_posted;   /* the queue may be non-empty: spares the lock */

    pthread_mutex_t mutex; /* I1 */
    pthread_cond_t ticker_cond;
    pthread_cond_t wait_cond;
    pthread_cond_t kick_cond;
    void (*kick)(void *opaque);
    void *kick_opaque;
    unsigned kicking; /* kicks under way */
    struct vx_work *first;
    struct vx_work **last; /* the link to which the next work is attached */
    uint64_t deadline_ns;
    uint64_t ticker_sleeps_until_ns;
    bool woken;
    bool stop;
};

/* Called with the mutex held, which it gives up: keeps I4 and I5. */
static void unlock_and_kick(struct vx_loop *loop)
{
    void (*kick)(void *opaque) = loop->kick;
    void *opaque = loop->kick_opaque;
    loop->kicking++;
    pthread_mutex_unlock(&loop->mutex);
    if (kick != NULL)
        kick(opaque);
    pthread_mutex_lock(&loop->mutex);
    if (--loop->kicking == 0)
        pthread_cond_broadcast(&loop->kick_cond);
    pthread_mutex_unlock(&loop->mutex);
}

static void *ticker_main(void *arg)
{
    struct vx_loop *loop = arg;
    vx_host_precise_sleep();
    pthread_mutex_lock(&loop->mutex);
    while (!loop->stop) {
        if (vx_host_now_ns() < loop->deadline_ns) {
            loop->ticker_sleeps_until_ns = loop->deadline_ns;
            vx_host_cond_wait_until(&loop->ticker_cond, &loop->mutex, loop->deadline_ns);
            loop->ticker_sleeps_until_ns = 0; /* awake: it looks at deadline_ns by itself */
            continue;
        }
        loop->deadline_ns = UINT64_MAX;
        atomic_store(&loop->fired, true);
        unlock_and_kick(loop);
        pthread_mutex_lock(&loop->mutex);
    }
    pthread_mutex_unlock(&loop->mutex);
    return NULL;
}

static void set_alarm(struct vx_loop *loop, uint64_t deadline_ns)
{
    atomic_store(&loop->alarm_ns, deadline_ns);
    vx_host_alarm_set(&loop->alarm, deadline_ns);
}

/* In a signal handler of the owner's. keeps I7 */
static void ring(void *opaque)
{
    struct vx_loop *loop = opaque;
    uint64_t armed_ns = atomic_load(&loop->armed_ns);
    atomic_store(&loop->alarm_ns, UINT64_MAX);
    if (vx_host_now_ns() < armed_ns) {
        if (armed_ns != UINT64_MAX)
            set_alarm(loop, armed_ns);
        return;
    }
    atomic_store(&loop->fired, true);
    if (loop->kick != NULL)
        loop->kick(loop->kick_opaque);
}

static void give_up_alarm(struct vx_loop *loop)
{
    if (loop->has_alarm)
        vx_host_alarm_fini(&loop->alarm);
    loop->has_alarm = false;
    atomic_store(&loop->alarm_ns, UINT64_MAX);
}

/* Is there an alarm of the owner's? */
static bool own_alarm(struct vx_loop *loop)
{
    if (loop->has_alarm || loop->no_alarm)
        return loop->has_alarm;
    loop->alarm = (struct vx_host_alarm){ .ring = ring, .opaque = loop };
    loop->has_alarm = vx_host_alarm_init(&loop->alarm);
    loop->no_alarm = !loop->has_alarm;
    return loop->has_alarm;
}

static bool sync_init(struct vx_loop *loop)
{
    if (pthread_mutex_init(&loop->mutex, NULL) != 0)
        return false;
    if (pthread_cond_init(&loop->kick_cond, NULL) != 0)
        goto no_kick;
    if (!vx_host_cond_init(&loop->ticker_cond))
        goto no_ticker;
    if (vx_host_cond_init(&loop->wait_cond))
        return true;
    pthread_cond_destroy(&loop->ticker_cond);
no_ticker:
    pthread_cond_destroy(&loop->kick_cond);
no_kick:
    pthread_mutex_destroy(&loop->mutex);
    return false;
}

static void sync_fini(struct vx_loop *loop)
{
    pthread_cond_destroy(&loop->wait_cond);
    pthread_cond_destroy(&loop->ticker_cond);
    pthread_cond_destroy(&loop->kick_cond);
    pthread_mutex_destroy(&loop->mutex);
}

vx_err vx_loop_create_plain(struct vx_loop **out)
{
    struct vx_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL)
        return VX_ERR_NO_MEMORY;
    loop->last = &loop->first;
    loop->alarm_ns = loop->armed_ns = loop->deadline_ns = UINT64_MAX;
    if (!sync_init(loop)) {
        free(loop);
        return VX_ERR_NO_MEMORY;
    }
    *out = loop;
    return VX_ERR_OK;
}

vx_err vx_loop_create(struct vx_log *log, struct vx_loop **out)
{
    struct vx_loop *loop;
    VX_TRY(vx_loop_create_plain(&loop));
    vx_err err = vx_thread_start(log, "vx86 timer", ticker_main, loop, &loop->ticker);
    loop->ticks = err == VX_ERR_OK;
    if (!loop->ticks) {
        vx_loop_destroy(loop);
        return err;
    }
    *out = loop;
    return VX_ERR_OK;
}

void vx_loop_destroy(struct vx_loop *loop)
{
    if (loop == NULL)
        return;
    give_up_alarm(loop);
    pthread_mutex_lock(&loop->mutex);
    loop->stop = true;
    pthread_cond_signal(&loop->ticker_cond);
    pthread_mutex_unlock(&loop->mutex);
    if (loop->ticks)
        pthread_join(loop->ticker, NULL);
    sync_fini(loop);
    free(loop);
}

void vx_loop_set_kick(struct vx_loop *loop, void (*kick)(void *opaque), void *opaque)
{
    pthread_mutex_lock(&loop->mutex);
    loop->kick = kick;
    loop->kick_opaque = opaque;
    while (loop->kicking != 0) /* I5 */
        pthread_cond_wait(&loop->kick_cond, &loop->mutex);
    pthread_mutex_unlock(&loop->mutex);
}

void vx_loop_post(struct vx_loop *loop, struct vx_work *work)
{
    work->next = NULL;
    pthread_mutex_lock(&loop->mutex);
    *loop->last = work;
    loop->last = &work->next;
    atomic_store(&loop->has_posted, true);
    pthread_cond_signal(&loop->wait_cond);
    unlock_and_kick(loop);
}

bool vx_loop_run_posted(struct vx_loop *loop)
{
    if (!atomic_load(&loop->has_posted))
        return false;
    pthread_mutex_lock(&loop->mutex);
    struct vx_work *work = loop->first;
    loop->first = NULL;
    loop->last = &loop->first;
    atomic_store(&loop->has_posted, false);
    pthread_mutex_unlock(&loop->mutex);

    bool any = work != NULL;
    while (work != NULL) {
        struct vx_work *next = work->next; /* fn may free the work or post it again */
        work->fn(work);
        work = next;
    }
    return any;
}

static void arm_alarm(struct vx_loop *loop, uint64_t deadline_ns)
{
    atomic_store(&loop->fired, false);
    if (atomic_load(&loop->alarm_ns) <= deadline_ns)
        return; /* I7 */
    uint64_t soonest_ns = vx_host_now_ns() + ALARM_GAP_NS;
    set_alarm(loop, deadline_ns > soonest_ns ? deadline_ns : soonest_ns);
}

static void arm_ticker(struct vx_loop *loop, uint64_t deadline_ns)
{
    pthread_mutex_lock(&loop->mutex);
    atomic_store(&loop->fired, false);
    loop->deadline_ns = deadline_ns;
    if (deadline_ns < loop->ticker_sleeps_until_ns)
        pthread_cond_signal(&loop->ticker_cond); /* keeps I3 */
    pthread_mutex_unlock(&loop->mutex);
}

void vx_loop_arm(struct vx_loop *loop, uint64_t deadline_ns)
{
    if (deadline_ns == UINT64_MAX)
        give_up_alarm(loop); /* keeps I6 */
    if (deadline_ns == atomic_load(&loop->armed_ns) && !atomic_load(&loop->fired))
        return;
    VX_ASSERT(loop->ticks);
    atomic_store(&loop->armed_ns, deadline_ns);
    if (deadline_ns != UINT64_MAX && own_alarm(loop))
        arm_alarm(loop, deadline_ns);
    else
        arm_ticker(loop, deadline_ns);
}

/* keeps I7 */
static void alarm_sleeps(struct vx_loop *loop, uint64_t deadline_ns)
{
    bool for_ever = deadline_ns > UINT64_MAX - ALARM_AFTER_SLEEP_NS;
    atomic_store(&loop->armed_ns, UINT64_MAX);
    if (for_ever ? loop->alarm_ns != UINT64_MAX : loop->alarm_ns <= deadline_ns)
        set_alarm(loop, for_ever ? UINT64_MAX : deadline_ns + ALARM_AFTER_SLEEP_NS);
}

void vx_loop_wait(struct vx_loop *loop, uint64_t deadline_ns)
{
    if (loop->has_alarm)
        alarm_sleeps(loop, deadline_ns);
    pthread_mutex_lock(&loop->mutex);
    while (!loop->woken && loop->first == NULL && vx_host_now_ns() < deadline_ns)
        vx_host_cond_wait_until(&loop->wait_cond, &loop->mutex, deadline_ns);
    loop->woken = false;
    pthread_mutex_unlock(&loop->mutex);
}

void vx_loop_wake(struct vx_loop *loop)
{
    pthread_mutex_lock(&loop->mutex);
    loop->woken = true;
    pthread_cond_signal(&loop->wait_cond);
    pthread_mutex_unlock(&loop->mutex);
}
