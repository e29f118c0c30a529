/* app_debugcon.h - listens to port 402h, where SeaBIOS writes its messages: for --log firmware=debug, line by line, and
 * for the one by which it says that it found nothing to boot.
 *
 * Any guest can write there. That line counts when the BIOS's own code writes it, and as long as the BIOS has handed
 * control to nobody since the machine's reset: what it then says is about a boot program that gave up (INT 18h), and
 * the run goes on. Thread rule: machine thread. */
#ifndef VX86_FRONTEND_APP_DEBUGCON_H
#define VX86_FRONTEND_APP_DEBUGCON_H

#include "vx86/backend.h"
#include "vx86/log.h"

struct app_debugcon_ops {
    bool (*is_bios)(void *opaque);    /* it is the BIOS's own code that writes */
    uint64_t (*resets)(void *opaque); /* of the machine so far */
    void (*nothing_bootable)(void *opaque);
    void (*gave_up)(void *opaque); /* a boot program, and there is no other */
};

struct app_debugcon {
    struct vx_char chr; /* for struct vx_machine_config */
    struct vx_log *log;
    const struct app_debugcon_ops *ops;
    void *opaque;
    uint64_t handed_over; /* resets() when the BIOS gave control away; 0: it has not yet */
    char line[240];
    size_t used;
};

/* `ops` may be NULL: nobody wants to know. */
void app_debugcon_init(struct app_debugcon *debugcon, struct vx_log *log, const struct app_debugcon_ops *ops,
                       void *opaque);

#endif
