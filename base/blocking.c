/* blocking.c - see vx86/blocking.h.
 *
 *   I1  A thread is in `inside` only while it runs (between enter and leave), so that a signal sent to it with the
 *       mutex held finds it alive. */
#include "vx86/blocking.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "vx86/host.h"

/* More threads than one machine has. One too many is not prodded, and the time of grace ends the process. */
enum { INSIDE_MAX = 32 };

struct vx_blocking {
    pthread_mutex_t mutex;
    uint64_t inside[INSIDE_MAX]; /* I1 */
    unsigned count;
    atomic_bool ending;
};

static void on_prod(int number)
{
    (void)number;
}

/* Before the end a signal from elsewhere changes nothing. */
static void take_signal(int flags)
{
    struct sigaction action = { .sa_handler = on_prod, .sa_flags = flags };
    sigemptyset(&action.sa_mask);
    sigaction(VX_BLOCKING_SIGNAL, &action, NULL);
}

vx_err vx_blocking_create(struct vx_blocking **out)
{
    struct vx_blocking *blocking = calloc(1, sizeof *blocking);
    if (blocking == NULL)
        return VX_ERR_NO_MEMORY;
    pthread_mutex_init(&blocking->mutex, NULL);
    take_signal(SA_RESTART);
    *out = blocking;
    return VX_ERR_OK;
}

void vx_blocking_destroy(struct vx_blocking *blocking)
{
    if (blocking == NULL)
        return;
    signal(VX_BLOCKING_SIGNAL, SIG_DFL);
    pthread_mutex_destroy(&blocking->mutex);
    free(blocking);
}

void vx_blocking_enter(struct vx_blocking *blocking)
{
    if (blocking == NULL)
        return;
    pthread_mutex_lock(&blocking->mutex);
    if (blocking->count < INSIDE_MAX)
        blocking->inside[blocking->count++] = vx_host_thread_self();
    pthread_mutex_unlock(&blocking->mutex);
}

void vx_blocking_leave(struct vx_blocking *blocking)
{
    if (blocking == NULL)
        return;
    pthread_mutex_lock(&blocking->mutex);
    unsigned i = blocking->count;
    while (i > 0 && blocking->inside[i - 1] != vx_host_thread_self())
        i--;
    if (i > 0)
        blocking->inside[i - 1] = blocking->inside[--blocking->count];
    pthread_mutex_unlock(&blocking->mutex);
}

bool vx_blocking_ending(const struct vx_blocking *blocking)
{
    return blocking != NULL && atomic_load(&blocking->ending);
}

void vx_blocking_prod(struct vx_blocking *blocking)
{
    if (blocking == NULL)
        return;
    if (!atomic_exchange(&blocking->ending, true))
        take_signal(0);
    pthread_mutex_lock(&blocking->mutex);
    for (unsigned i = 0; i < blocking->count; i++)
        vx_host_signal_thread(blocking->inside[i], VX_BLOCKING_SIGNAL);
    pthread_mutex_unlock(&blocking->mutex);
}
