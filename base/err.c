/* err.c - texts of the host error codes, and the end of the road for our own bugs. */
#include "vx86/err.h"

#include <errno.h>
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

const char *vx_err_remedy(int reason, const char *otherwise)
{
    switch (reason) {
    case EMFILE: return "raise the limit of files (ulimit -n)";
    case ENFILE: return "the host has too many files open: end other programs";
    case EAGAIN: return "raise the limit of processes (ulimit -u) or of memory (ulimit -v)";
    case ENOMEM: return "free memory, or raise its limits (ulimit -v, ulimit -d)";
    case EFBIG: return "raise the limit of file sizes (ulimit -f)";
    case ENOSPC:
    case EDQUOT: return "make room on that disk";
    case EIO: return "the disk may be failing: see the host's own log";
    default: return otherwise;
    }
}

void vx_assert_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "vx86: bug: %s:%d: assertion failed: %s\n", file, line, cond);
    vx_host_abort();
}
