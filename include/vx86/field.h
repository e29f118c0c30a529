/* field.h - a register of a device as a debugger shows it. */
#ifndef VX86_FIELD_H
#define VX86_FIELD_H

#include "vx86/compiler.h"

/* Element `index` of `count` of one field; strings are borrowed for the call. */
struct vx_field {
    const char *device, *name;
    unsigned index, count;
    uint64_t value;
    unsigned bytes; /* 1, 2, 4 or 8 */
};
typedef void vx_field_fn(void *opaque, const struct vx_field *field);

#endif
