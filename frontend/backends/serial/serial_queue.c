/* serial_queue.c - see serial_queue.h. The bytes are bytes[at] to bytes[at + count - 1]; room is what is allocated. */
#include "serial_queue.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_BYTES = 4096 };

bool serial_queue_reserve(struct serial_queue *queue)
{
    if (queue->at + queue->count < queue->room)
        return true;
    if (queue->at >= queue->count && queue->at != 0) { /* at most one move of a byte for each that was dropped */
        memmove(queue->bytes, queue->bytes + queue->at, queue->count);
        queue->at = 0;
        return true;
    }
    size_t room = queue->room != 0 ? 2 * queue->room : FIRST_BYTES;
    uint8_t *bytes = room <= 2 * SERIAL_QUEUE_MAX_BYTES && queue->count < SERIAL_QUEUE_MAX_BYTES
                         ? realloc(queue->bytes, room)
                         : NULL;
    if (bytes == NULL)
        return false;
    queue->bytes = bytes;
    queue->room = room;
    return true;
}

void serial_queue_add(struct serial_queue *queue, uint8_t byte)
{
    VX_ASSERT(queue->at + queue->count < queue->room);
    queue->bytes[queue->at + queue->count++] = byte;
}

void serial_queue_drop(struct serial_queue *queue, size_t count)
{
    VX_ASSERT(count <= queue->count);
    queue->at += count;
    queue->count -= count;
    if (queue->count != 0)
        return;
    queue->at = 0;
    if (queue->room > FIRST_BYTES)
        serial_queue_fini(queue);
}

void serial_queue_fini(struct serial_queue *queue)
{
    free(queue->bytes);
    *queue = (struct serial_queue){ 0 };
}
