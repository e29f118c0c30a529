/* gdb.h - the GDB stub: `vx86 --gdb PORT|unix:PATH|stdio`.
 *
 * A front of vx86/debug.h that speaks GDB's remote serial protocol ("Debugging with GDB", appendix "GDB Remote Serial
 * Protocol") with one client at a time. Addresses are linear: $pc is CS.base + EIP, memory is read through the page
 * tables as they are. The target description says i8086 while CS is a 16-bit segment, i386 otherwise, as of the moment
 * at which it is read. Listens on the loopback interface or a socket that only its owner may open.
 *
 * A client that asks to detach lets the guest run on; one that vanishes leaves the guest as it was, stopped or running,
 * without its points. On standard input and output there is only ever one client; if that vanishes, vx86 ends.
 * Not modelled: non-stop mode, reverse execution, file transfer, several vCPUs.
 * Thread rule: machine thread. */
#ifndef VX86_FRONTEND_GDB_H
#define VX86_FRONTEND_GDB_H

#include "vx86/machine.h"

struct gdb;

struct gdb_config {
    struct vx_log *log;
    struct vx_loop *loop;
    struct vx_machine *machine;
    const char *spec; /* "PORT" (0: any that is free), "unix:PATH" or "stdio" */
    bool run;         /* the guest starts without waiting for a client */
    /* Carries out "monitor LINE" and writes what it says to `out`; returns whether it was understood. */
    bool (*monitor)(void *opaque, const char *line, FILE *out);
    void *opaque;
    /* Conditions and traces of what such commands have set up; NULL for none. stopped() is not used. */
    const struct vx_debug_front *monitor_front;
    void *monitor_front_opaque;
};

/* Opens the socket and says where. Errors, logged: BAD_ARGUMENT (spec), LOCKED (port or path in use), ACCESS, IO. */
VX_MUST_USE vx_err gdb_create(const struct gdb_config *config, struct gdb **out);
/* Before the machine. NULL is allowed. */
void gdb_destroy(struct gdb *gdb);

#endif
