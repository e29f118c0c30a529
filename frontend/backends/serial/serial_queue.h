/* serial_queue.h - what has been typed and the guest has not taken yet: bytes in order, in memory that grows with them
 * and is given back, but for a little, when they are gone. All zeroes is an empty queue.
 * Thread rule: one thread at a time. */
#ifndef VX86_FRONTEND_SERIAL_QUEUE_H
#define VX86_FRONTEND_SERIAL_QUEUE_H

#include "vx86/compiler.h"

/* So much waits at most. */
#define SERIAL_QUEUE_MAX_BYTES ((size_t)16 << 20)

struct serial_queue {
    uint8_t *bytes;
    size_t at, count, room;
};

/* Makes room for one more byte. False: there is none, and nothing has changed. */
VX_MUST_USE bool serial_queue_reserve(struct serial_queue *queue);
/* After serial_queue_reserve(). */
void serial_queue_add(struct serial_queue *queue, uint8_t byte);
/* Removes `count` bytes in front, up to queue->count; the next one is at bytes[at]. */
void serial_queue_drop(struct serial_queue *queue, size_t count);
void serial_queue_fini(struct serial_queue *queue);

#endif
