/* helper_wire.h - the form of messages between a machine's process and its helpers, and a buffer that finds them.
 * Both ends are one program on one host: numbers are in the host's order. */
#ifndef VX86_HELPER_WIRE_H
#define VX86_HELPER_WIRE_H

#include "helper.h"

struct helper_header {
    uint32_t type;
    uint32_t bytes; /* of the payload, which follows */
};

/* Types below HELPER_FIRST_TYPE. */
enum {
    HELPER_WIRE_READY = 1,   /* helper: set up */
    HELPER_WIRE_FAILED = 2,  /* helper: a line that says why not */
    HELPER_WIRE_GOODBYE = 3, /* machine: end */
};

/* Room for several messages at once, so that small ones cost few system calls. */
#define HELPER_WIRE_ROOM (256u * 1024)

/* Bytes as they come from a socket. */
struct helper_inbox {
    uint8_t *bytes; /* HELPER_WIRE_ROOM */
    size_t at, end; /* what has not been taken is between them */
};

VX_MUST_USE bool helper_inbox_init(struct helper_inbox *inbox);
void helper_inbox_fini(struct helper_inbox *inbox);

/* Reads once what the socket has. 1: something; 0: nothing now (EAGAIN, EINTR); -1: the peer has gone. The inbox has
 * room for a whole message at least when all whole messages have been taken. */
int helper_inbox_fill(struct helper_inbox *inbox, int fd);

/* Looks at the first whole message: 1 with type, payload and size; 0: none; -1: it does not fit the form. */
int helper_inbox_peek(const struct helper_inbox *inbox, struct helper_header *header, const uint8_t **payload);
/* Takes it. */
void helper_inbox_drop(struct helper_inbox *inbox);

#endif
