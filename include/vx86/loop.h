/* loop.h - how other threads reach a machine's vCPU thread: posted work and a deadline.
 *
 * One loop per machine. Devices run only on the vCPU thread; a worker (disk thread, terminal reader) posts a function,
 * the loop kicks the vCPU out of translated code, and the function runs on the vCPU thread between instructions.
 * A ticker thread of the loop kicks when the armed deadline has come. */
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
/* Joins the ticker; pending work is dropped. */
void vx_loop_destroy(struct vx_loop *loop);

/* Called on every post and when the deadline comes, from any thread. Set before the machine runs. */
void vx_loop_set_kick(struct vx_loop *loop, void (*kick)(void *opaque), void *opaque);

/* From any thread. The same work must not be posted twice before it ran. */
void vx_loop_post(struct vx_loop *loop, struct vx_work *work);

/* vCPU thread: runs everything posted so far, in order; returns whether there was any. */
bool vx_loop_run_posted(struct vx_loop *loop);

/* vCPU thread: the ticker kicks at host-monotonic `deadline_ns` (vx_host_now_ns); UINT64_MAX disarms. Cheap when
 * unchanged. */
void vx_loop_arm(struct vx_loop *loop, uint64_t deadline_ns);

/* vCPU thread, halted: sleeps until something is posted, vx_loop_wake() or `deadline_ns`. */
void vx_loop_wait(struct vx_loop *loop, uint64_t deadline_ns);

/* From any thread: ends vx_loop_wait() (kept if it comes before the wait). */
void vx_loop_wake(struct vx_loop *loop);

#endif
