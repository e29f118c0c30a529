/* block_lock.c - keeps two vx86 from writing to one image.
 *
 * The locks belong to the open file, not to the process, so two machines in one process exclude each other too, and
 * closing some other descriptor of the file does not drop them. They end with the process, however it ends. */
#include "block_medium.h"

#include <errno.h>
#include <string.h>

#include "vx86/host.h"

vx_err block_lock(struct vx_log *log, const char *path, int fd, bool exclusive)
{
    int error = vx_host_lock_file(fd, exclusive);
    if (error == 0)
        return VX_ERR_OK;
    if (error == EACCES || error == EAGAIN || error == EWOULDBLOCK) {
        vx_log_error(log, VX_LOG_GENERAL, "%s: in use by another vx86%s; close that one first, or work on a copy", path,
                     exclusive ? "" : " that may write to it");
        return VX_ERR_LOCKED;
    }
    vx_log_warn(log, VX_LOG_GENERAL, "%s: this file system has no locks (%s); make sure no other vx86 uses the image",
                path, strerror(error));
    return VX_ERR_OK;
}
