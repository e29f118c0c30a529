/* app_debugcon.h - listens to port 402h, where SeaBIOS writes its messages: for --log firmware=debug, line by line, and
 * for the one by which it says that it found nothing to boot. Thread rule: machine thread. */
#ifndef VX86_FRONTEND_APP_DEBUGCON_H
#define VX86_FRONTEND_APP_DEBUGCON_H

#include "vx86/backend.h"
#include "vx86/log.h"

struct app_debugcon {
    struct vx_char chr; /* for struct vx_machine_config */
    struct vx_log *log;
    void (*nothing_bootable)(void *opaque);
    void *opaque;
    char line[240];
    size_t used;
};

void app_debugcon_init(struct app_debugcon *debugcon, struct vx_log *log, void (*nothing_bootable)(void *opaque),
                       void *opaque);

#endif
