/* thread.c - see vx86/thread.h. */
#include "vx86/thread.h"

#include <errno.h>
#include <string.h>

#include "vx86/host.h"

vx_err vx_thread_start(struct vx_log *log, const char *name, void *(*fn)(void *), void *arg, pthread_t *thread)
{
    if (vx_host_thread_start(thread, name, fn, arg))
        return VX_ERR_OK;
    vx_log_error(log, VX_LOG_GENERAL, "the host refuses the thread '%s': %s; %s", name, strerror(errno),
                 vx_err_remedy(errno, "end other programs"));
    return VX_ERR_NO_MEMORY;
}
