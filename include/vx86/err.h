/* err.h - host errors: one table of codes (errors.def), returned by everything that can fail on the host.
 *
 * The place that detects an error logs it once, with what the user can act on (vx_log_error); callers only
 * pass the code up. What a guest does wrong is never a vx_err (see struct vx_fault in mmu.h). */
#ifndef VX86_ERR_H
#define VX86_ERR_H

#include "vx86/compiler.h"

typedef enum vx_err {
#define VX_ERROR(name, text) VX_ERR_##name,
#include "vx86/errors.def"
#undef VX_ERROR
    VX_ERR_COUNT
} vx_err;

/* The sentence of errors.def for a code; "unknown error" outside the table. Static storage. */
const char *vx_err_text(vx_err err);

/* What the user can do about an errno value that tells of a limit of the host's, or of a disk: "raise the limit of
 * files (ulimit -n)". `otherwise`, which fits the occasion, for all others. Static storage, but for that. */
const char *vx_err_remedy(int reason, const char *otherwise);

/* Returns from the calling function with the code of `expr` unless that is VX_ERR_OK. */
#define VX_TRY(expr)                  \
    do {                              \
        vx_err vx_try_err_ = (expr);  \
        if (vx_try_err_ != VX_ERR_OK) \
            return vx_try_err_;       \
    } while (0)

#endif
