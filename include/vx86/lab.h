/* lab.h - `vx86 bench`, the translation-cache laboratory (bench/lab): what the program's main file calls of it.
 *
 * Thread rule: main thread; no other thread may exist when a run begins (fork). */
#ifndef VX86_LAB_H
#define VX86_LAB_H

#include "vx86/backend.h"
#include "vx86/log.h"
#include "vx86/loop.h"

/* What the program lends to the laboratory. */
struct vx_lab_host {
    /* Opens a raw disk image; `snapshot`: what the guest writes is thrown away. Errors are logged, one line each. */
    vx_err (*open_disk)(const char *path, bool snapshot, struct vx_log *log, struct vx_loop *loop,
                        struct vx_block **out);
    void (*close_disk)(struct vx_block *disk);
    /* In the process of one run, once all that it needs is open: nothing more of the host can be had. */
    void (*confine)(struct vx_log *log);
    /* Path of the default system; an error is logged. */
    vx_err (*default_disk)(struct vx_log *log, char *path, size_t room);
};

/* argv[0] is "bench". Returns the exit status: 0, 1 for wrong use or a workload that failed. */
int vx_lab_main(const struct vx_lab_host *host, int argc, char **argv);
/* The n-th option as "--json FILE", and what it does; false behind the last. */
bool vx_lab_option_at(size_t n, char *usage, size_t room, const char **help);

#endif
