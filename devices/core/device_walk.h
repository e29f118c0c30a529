/* device_walk.h - what saving, loading and showing a chip have in common. Inside device_state.c and device_load.c. */
#ifndef VX86_DEVICES_CORE_DEVICE_WALK_H
#define VX86_DEVICES_CORE_DEVICE_WALK_H

#include <string.h>

#include "device_state.h"

#define STATE_LENGTH_BYTES 8 /* before a section and before a blob */

/* Where in the tables one is: the names from here up to the chip's own table. */
struct state_place {
    const struct state_place *up;
    const char *name;
    uint32_t index, count;
};

/* "counter[2].mode" is appended to the `room` bytes of text. */
void state_name_place(const struct state_place *place, char *text, size_t room);

static inline uint32_t state_elements(const struct state_field *field)
{
    switch (field->kind) {
    case STATE_STRUCT: return field->size / field->table->bytes;
    case STATE_TIMER: return 1;
    case STATE_BLOB: return field->blob_bytes;
    default: return field->size / field->bytes;
    }
}

static inline uint64_t state_get(const uint8_t *at, unsigned bytes)
{
    union {
        uint16_t u16;
        uint32_t u32;
        uint64_t u64;
    } value;
    memcpy(&value, at, bytes);
    return bytes == 1 ? *at : bytes == 2 ? value.u16 : bytes == 4 ? value.u32 : value.u64;
}

static inline uint8_t *state_blob(const struct state_field *field, const uint8_t *base)
{
    uint8_t *blob;
    memcpy(&blob, base + field->off, sizeof blob);
    return blob;
}

#endif
