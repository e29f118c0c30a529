/* blocking.h - system calls that the other side may hold up for ever: a pipe that nobody reads, a stopped terminal, a
 * FIFO without a writer.
 *
 * A thread that makes such a call says so before and after. When the run is to end, whoever ends it prods the threads
 * that are inside: their calls come back with EINTR, and they give up what they were writing or waiting for. The lock
 * in here is never held while a call blocks, so prodding cannot be held up itself.
 *
 *     vx_blocking_enter(blocking);
 *     n = write(fd, bytes, count);
 *     vx_blocking_leave(blocking);
 *     if (n < 0 && errno == EINTR && vx_blocking_ending(blocking)) give up
 *
 * Every function but create and destroy may be called from any thread, and does nothing with NULL. */
#ifndef VX86_BLOCKING_H
#define VX86_BLOCKING_H

#include <signal.h>

#include "vx86/err.h"

/* Its handler does nothing, but a call that blocks returns. What comes from elsewhere is ignored as by default. */
#define VX_BLOCKING_SIGNAL SIGURG

struct vx_blocking;

/* Takes VX_BLOCKING_SIGNAL for the process. */
VX_MUST_USE vx_err vx_blocking_create(struct vx_blocking **out);
/* When no other thread can be inside. NULL is allowed. */
void vx_blocking_destroy(struct vx_blocking *blocking);

void vx_blocking_enter(struct vx_blocking *blocking);
void vx_blocking_leave(struct vx_blocking *blocking);

/* Whether the run is to end, so that a call which came back with EINTR is not to be made again. False for NULL. */
bool vx_blocking_ending(const struct vx_blocking *blocking);

/* From now on vx_blocking_ending(); gets out whoever is inside. A call that begins only now is missed: call it again
 * until the run has ended. */
void vx_blocking_prod(struct vx_blocking *blocking);

#endif
