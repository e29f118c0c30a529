/* helper.h - a process beside the machine's, for what needs more of the host than a machine may have: windows, sound,
 * networks.
 *
 *     machine's process                                   helper (frontend/helper/helper_child.h)
 *     helper_start(name, arguments)  ---- runs ------->   vx86 helper NAME ARGUMENT...
 *     helper_send()  ------------- messages ---------->   helper_child_take()
 *     receive()      <------------ messages -----------   helper_child_send()
 *                    <==== shared memory, if any =====>
 *
 * A helper is this program started anew, before the sandbox closes. It has the null device for standard input and
 * output, this process's standard error, the socket, the shared memory, and nothing else that is open here; a process
 * group of its own, so that no key of the terminal reaches it; no capabilities. It ends with this process.
 *
 * Messages have a type and up to HELPER_MAX_BYTES, arrive whole and in order. Neither side trusts the other: what does
 * not fit the form ends the connection. Nobody waits for a helper that stalls; one that has gone is told of once.
 *
 * Thread rule: helper_start() and helper_destroy() while no machine runs, the rest and all call-backs on the thread
 * that owns the loop. */
#ifndef VX86_HELPER_H
#define VX86_HELPER_H

#include "vx86/blocking.h"
#include "vx86/log.h"
#include "vx86/loop.h"

/* Payload of one message. */
#define HELPER_MAX_BYTES   (72u * 1024)
/* What the helper has not taken yet; with more, helper_send() refuses. */
#define HELPER_QUEUE_BYTES (1024u * 1024)
/* The lowest type that users of this file may give a message, and the highest. */
#define HELPER_FIRST_TYPE  16u
#define HELPER_LAST_TYPE   0xFFFFu

struct helper_config {
    struct vx_log *log;
    struct vx_loop *loop;
    struct vx_blocking *blocking; /* of the wait for the helper's first word; or NULL */
    const char *name;             /* a row of helpers.def */
    const char *program;          /* NULL: this one */
    const char *const *arguments; /* NULL behind the last; or NULL: none */
    int shared;                   /* what the helper shall find as HELPER_CHILD_SHARED; borrowed for the call, or -1 */
    /* A message, borrowed for the call. False: no room now; it comes again after helper_continue(). */
    bool (*receive)(void *opaque, unsigned type, const void *payload, size_t bytes);
    /* After a helper_send() that was refused: there is room again. May be NULL. */
    void (*room)(void *opaque);
    /* The helper has ended, or broken the form; no call-back follows. May be NULL. */
    void (*gone)(void *opaque);
    void *opaque;
};

struct helper;

/* Starts a helper and waits until it is ready. VX_ERR_IO or VX_ERR_UNSUPPORTED, logged in one line: the host refuses,
 * or the helper has said why it cannot do its work. Borrows all of the configuration but name and arguments. */
VX_MUST_USE vx_err helper_start(const struct helper_config *config, struct helper **out);

/* Never waits. False: the helper lags behind by HELPER_QUEUE_BYTES, and room() will come. What is sent to a helper that
 * has gone is dropped, and true. */
VX_MUST_USE bool helper_send(struct helper *helper, unsigned type, const void *payload, size_t bytes);

/* What receive() did not take is offered again, before this returns. */
void helper_continue(struct helper *helper);

/* Is it there? */
bool helper_alive(const struct helper *helper);

/* Says goodbye and gives the helper a little time to finish what it writes. NULL is allowed. */
void helper_destroy(struct helper *helper);

#endif
