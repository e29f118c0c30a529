/* loop.h - how other threads reach one thread: posted work and a deadline.
 *
 * A loop has one owner. A machine's is the machine thread, the one in vx_machine_run(): devices run only there. A
 * worker (disk thread, terminal reader) posts a function, the loop kicks the vCPU out of translated code, and the
 * function runs on the machine thread between instructions. When the armed deadline has come, an alarm of the owner's
 * kicks, or, where the host grants none, a ticker thread, which sleeps else. The program's main thread, which belongs
 * to the user's side, owns another loop, without alarm and kick. */
#ifndef VX86_LOOP_H
#define VX86_LOOP_H

#include "vx86/err.h"
#include "vx86/host.h"

struct vx_log;
struct vx_loop;

/* One unit of posted work, owned by the poster until fn runs. */
struct vx_work {
    void (*fn)(struct vx_work *work);
    struct vx_work *next; /* private to the loop */
};

/* VX_ERR_NO_MEMORY: no memory, or no thread, which is logged. The log is borrowed for the call. */
VX_MUST_USE vx_err vx_loop_create(struct vx_log *log, struct vx_loop **out);
/* Without alarm and ticker, for a thread that is never inside translated code: vx_loop_arm() is not for it. */
VX_MUST_USE vx_err vx_loop_create_plain(struct vx_loop **out);
/* Joins the ticker; pending work is dropped. */
void vx_loop_destroy(struct vx_loop *loop);

/* Called on every post and when the deadline comes, from any thread, and in a signal handler of the owner's. Set before
 * the machine runs, or after. */
void vx_loop_set_kick(struct vx_loop *loop, void (*kick)(void *opaque), void *opaque);

/* From any thread. The same work must not be posted twice before it ran. */
void vx_loop_post(struct vx_loop *loop, struct vx_work *work);

/* Owner: runs everything posted so far, in order; returns whether there was any. */
bool vx_loop_run_posted(struct vx_loop *loop);

/* Owner: a kick at host-monotonic `deadline_ns` (vx_host_now_ns). Cheap when unchanged, or later than the last one.
 * UINT64_MAX disarms, and another thread may become the owner. */
void vx_loop_arm(struct vx_loop *loop, uint64_t deadline_ns);

/* Owner: sleeps until something is posted, vx_loop_wake() or `deadline_ns`. What was armed may be so no more. */
void vx_loop_wait(struct vx_loop *loop, uint64_t deadline_ns);

/* From any thread: ends vx_loop_wait() (kept if it comes before the wait). */
void vx_loop_wake(struct vx_loop *loop);

#endif
