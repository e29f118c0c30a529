/* err.c - texts of the host error codes, and the end of the road for our own bugs. */
#include "vx86/err.h"

#include <stdio.h>
#include <stdlib.h>

#include "vx86/host.h"

const char *vx_err_text(vx_err err)
{
    static const char *const text[] = {
#define VX_ERROR(name, text) text,
#include "vx86/errors.def"
#undef VX_ERROR
    };
    if ((unsigned)err >= VX_ERR_COUNT)
        return "unknown error";
    return text[err];
}

void vx_assert_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "vx86: bug: %s:%d: assertion failed: %s\n", file, line, cond);
    vx_host_abort();
}
