/* log.h - what one machine tells its user (log) and its developers (trace).
 *
 * A struct vx_log is created by the frontend (or a test) and handed to every module at construction; there is
 * no global one, so two machines in a process log apart. Safe to call from any thread.
 *
 * Log lines: "vx86: [class: ]text". Levels: error and warn always print; info prints by default; debug prints
 * for the classes that the filter names. Trace lines come from trace.def, enabled by glob over their names. */
#ifndef VX86_LOG_H
#define VX86_LOG_H

#include <stdio.h>

#include "vx86/compiler.h"
#include "vx86/err.h"

enum vx_log_level { VX_LOG_ERROR, VX_LOG_WARN, VX_LOG_INFO, VX_LOG_DEBUG };

/* Classes that --log can name. GUEST is for guest misbehaviour at a device: rate-limited to 10 lines a
 * second and class, with a count of what was left out. */
enum vx_log_class {
    VX_LOG_GENERAL,
    VX_LOG_GUEST,
    VX_LOG_CPU,
    VX_LOG_MMU,
    VX_LOG_BT,
    VX_LOG_DEVICE,
    VX_LOG_BLOCK,
    VX_LOG_FIRMWARE,
    VX_LOG_CLASS_COUNT
};

enum vx_trace_id {
#define VX_TRACE(name, fmt) VX_TRACE_##name,
#include "vx86/trace.def"
#undef VX_TRACE
    VX_TRACE_COUNT
};

struct vx_blocking;
struct vx_log;

/* Creates a log that writes to `out` (borrowed, must outlive the log). Never NULL: aborts when out of memory. */
struct vx_log *vx_log_create(FILE *out);
void vx_log_destroy(struct vx_log *log);

/* Applies a comma list of class[=level], or a bare level: "debug", "bt=debug,guest=error". On a wrong word
 * returns VX_ERR_BAD_ARGUMENT with the word's position in *bad (an offset into `filter`). */
VX_MUST_USE vx_err vx_log_set_filter(struct vx_log *log, const char *filter, size_t *bad);

/* Enables the trace events whose name matches `glob` (fnmatch). VX_ERR_NOT_FOUND when none matches. */
VX_MUST_USE vx_err vx_log_set_trace(struct vx_log *log, const char *glob);

/* Called before every line is written and after it: the terminal display uses them to keep its screen. */
void vx_log_set_brackets(struct vx_log *log, void (*before)(void *), void (*after)(void *), void *opaque);

/* The end of the run can interrupt the writing of lines (vx86/blocking.h); NULL, as at first: it cannot. Borrowed. */
void vx_log_set_blocking(struct vx_log *log, struct vx_blocking *blocking);

/* How many lines of level ERROR there have been. */
unsigned vx_log_errors(struct vx_log *log);

void vx_log(struct vx_log *log, enum vx_log_class cls, enum vx_log_level level, const char *fmt, ...) VX_PRINTF(4, 5);

#define vx_log_error(log, cls, ...) vx_log(log, cls, VX_LOG_ERROR, __VA_ARGS__)
#define vx_log_warn(log, cls, ...)  vx_log(log, cls, VX_LOG_WARN, __VA_ARGS__)
#define vx_log_info(log, cls, ...)  vx_log(log, cls, VX_LOG_INFO, __VA_ARGS__)
#define vx_log_debug(log, cls, ...) vx_log(log, cls, VX_LOG_DEBUG, __VA_ARGS__)
/* Guest misbehaviour at a device, answered as the data sheet says. */
#define vx_log_guest(log, ...)      vx_log(log, VX_LOG_GUEST, VX_LOG_DEBUG, __VA_ARGS__)

/* True when the trace event is on; the array is the first member of struct vx_log, so the test is one load. */
static inline bool vx_trace_on(const struct vx_log *log, enum vx_trace_id id)
{
    return ((const uint8_t *)log)[id] != 0;
}

/* Emits the event; the arguments must fit the format given in trace.def. */
void vx_trace_emit(struct vx_log *log, enum vx_trace_id id, ...);

#define vx_trace(log, name, ...)                              \
    do {                                                      \
        if (VX_UNLIKELY(vx_trace_on(log, VX_TRACE_##name)))   \
            vx_trace_emit(log, VX_TRACE_##name, __VA_ARGS__); \
    } while (0)

#endif
