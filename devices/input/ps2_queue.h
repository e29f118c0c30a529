/* ps2_queue.h - the bounded output buffer of a PS/2 device: bytes on their way to the controller.
 *
 * Sequences go in whole or not at all, so that a guest never sees half a scan code or packet. */
#ifndef VX86_DEVICES_PS2_QUEUE_H
#define VX86_DEVICES_PS2_QUEUE_H

#include "device_state.h"

#define VX_PS2_QUEUE_BYTES 256u

struct ps2_queue {
    uint8_t bytes[VX_PS2_QUEUE_BYTES];
    unsigned head, count;
};

extern const struct state_table ps2_queue_state; /* ps2_keyboard.c */

static inline void ps2_queue_clear(struct ps2_queue *queue)
{
    queue->head = 0;
    queue->count = 0;
}

/* False, with nothing added, when the queue would then hold more than `limit` bytes (at most VX_PS2_QUEUE_BYTES). */
static inline bool ps2_queue_push(struct ps2_queue *queue, const uint8_t *bytes, unsigned count, unsigned limit)
{
    if (queue->count + count > limit)
        return false;
    for (unsigned i = 0; i < count; i++)
        queue->bytes[(queue->head + queue->count++) % VX_PS2_QUEUE_BYTES] = bytes[i];
    return true;
}

/* What is popped next; dropped where there is no room. */
static inline void ps2_queue_push_front(struct ps2_queue *queue, uint8_t byte)
{
    if (queue->count == VX_PS2_QUEUE_BYTES)
        return;
    queue->head = (queue->head + VX_PS2_QUEUE_BYTES - 1) % VX_PS2_QUEUE_BYTES;
    queue->bytes[queue->head] = byte;
    queue->count++;
}

static inline bool ps2_queue_pop(struct ps2_queue *queue, uint8_t *byte)
{
    if (queue->count == 0)
        return false;
    *byte = queue->bytes[queue->head];
    queue->head = (queue->head + 1) % VX_PS2_QUEUE_BYTES;
    queue->count--;
    return true;
}

#endif
