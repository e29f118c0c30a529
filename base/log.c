/* log.c - log lines for the user, trace lines for developers.
 *
 *   I1  The trace-enable bytes are the first member: vx_trace_on() in log.h reads them without a call.
 *   I2  A line is formatted without the mutex and written with it, in one piece, between the brackets.
 *   I3  What reaches the output is escaped (vx86/text.h): text may come from the guest, and the output may be a
 *       terminal. */
#include "vx86/log.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "vx86/blocking.h"
#include "vx86/loop.h"
#include "vx86/text.h"

#define LINE_BYTES             1024
#define LINE_ROOM              (LINE_BYTES * VX_TEXT_GROWTH + 64)
#define GUEST_LINES_PER_WINDOW 10
#define GUEST_WINDOW_NS        1000000000ull

struct rate_limit {
    uint64_t window_start_ns;
    unsigned lines;    /* printed in this window */
    uint64_t left_out; /* not printed since the last report */
};

struct vx_log {
    uint8_t trace[VX_TRACE_COUNT]; /* I1 */
    uint8_t level[VX_LOG_CLASS_COUNT];
    FILE *out;
    void (*before)(void *);
    void (*after)(void *);
    void *bracket_opaque;
    struct rate_limit guest;
    struct vx_blocking *blocking; /* NULL: none */
    unsigned errors;              /* lines of level ERROR */
    pthread_mutex_t mutex;
};

_Static_assert(offsetof(struct vx_log, trace) == 0, "vx_trace_on() expects the trace bytes first");

static const char *const class_name[] = {
    [VX_LOG_GENERAL] = "general", [VX_LOG_GUEST] = "guest",   [VX_LOG_CPU] = "cpu",     [VX_LOG_MMU] = "mmu",
    [VX_LOG_BT] = "bt",           [VX_LOG_DEVICE] = "device", [VX_LOG_BLOCK] = "block", [VX_LOG_FIRMWARE] = "firmware",
};
_Static_assert(VX_ARRAY_LEN(class_name) == VX_LOG_CLASS_COUNT, "a name for every class");

static const char *const level_name[] = {
    [VX_LOG_ERROR] = "error",
    [VX_LOG_WARN] = "warn",
    [VX_LOG_INFO] = "info",
    [VX_LOG_DEBUG] = "debug",
};

static const struct {
    const char *name, *fmt;
} trace_event[] = {
#define VX_TRACE(name, fmt) { #name, fmt },
#include "vx86/trace.def"
#undef VX_TRACE
};

struct vx_log *vx_log_create(FILE *out)
{
    struct vx_log *log = calloc(1, sizeof *log);
    VX_ASSERT(log != NULL);
    log->out = out;
    memset(log->level, VX_LOG_INFO, sizeof log->level);
    VX_ASSERT(pthread_mutex_init(&log->mutex, NULL) == 0);
    return log;
}

/* "BEFORE: TEXT" as one line in line[LINE_ROOM]: keeps I3. */
static void make_line(char *line, const char *before, const char *text)
{
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == '\n')
        length--;
    int at = snprintf(line, LINE_ROOM, "%s: ", before);
    vx_text_escape(text, length, "\t", line + at, LINE_ROOM - (size_t)at);
}

static void write_line_locked(struct vx_log *log, const char *line)
{
    if (log->before != NULL)
        log->before(log->bracket_opaque);
    vx_blocking_enter(log->blocking);
    fprintf(log->out, "%s\n", line);
    fflush(log->out);
    vx_blocking_leave(log->blocking);
    if (log->after != NULL)
        log->after(log->bracket_opaque);
}

static void report_left_out_locked(struct vx_log *log)
{
    if (log->guest.left_out == 0)
        return;
    char line[96];
    snprintf(line, sizeof line, "vx86: guest: %" PRIu64 " more messages left out", log->guest.left_out);
    log->guest.left_out = 0;
    write_line_locked(log, line);
}

/* Whether a line of class GUEST may be printed now. */
static bool guest_may_print_locked(struct vx_log *log)
{
    struct rate_limit *rate = &log->guest;
    uint64_t now_ns = vx_host_now_ns();
    if (rate->window_start_ns == 0 || now_ns - rate->window_start_ns >= GUEST_WINDOW_NS) {
        report_left_out_locked(log);
        rate->window_start_ns = now_ns;
        rate->lines = 0;
    }
    if (rate->lines >= GUEST_LINES_PER_WINDOW) {
        rate->left_out++;
        return false;
    }
    rate->lines++;
    return true;
}

void vx_log_destroy(struct vx_log *log)
{
    if (log == NULL)
        return;
    pthread_mutex_lock(&log->mutex);
    report_left_out_locked(log);
    pthread_mutex_unlock(&log->mutex);
    pthread_mutex_destroy(&log->mutex);
    free(log);
}

/* Index of the word [text, text + length) in `names`, -1 when it is not there. */
static int find_word(const char *const *names, size_t count, const char *text, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(names[i]) == length && memcmp(names[i], text, length) == 0)
            return (int)i;
    return -1;
}

/* Applies one element of a filter to `levels`. On a wrong word returns false with where it starts in *bad. */
static bool apply_element(uint8_t *levels, const char *element, size_t length, const char **bad)
{
    const char *equals = memchr(element, '=', length);
    size_t first_length = equals != NULL ? (size_t)(equals - element) : length;
    int level = equals != NULL ? -1 : find_word(level_name, VX_ARRAY_LEN(level_name), element, length);
    if (level >= 0) {
        memset(levels, level, VX_LOG_CLASS_COUNT);
        return true;
    }
    *bad = element;
    int cls = find_word(class_name, VX_ARRAY_LEN(class_name), element, first_length);
    if (cls < 0)
        return false;
    level = VX_LOG_DEBUG;
    if (equals != NULL) {
        *bad = equals + 1;
        level = find_word(level_name, VX_ARRAY_LEN(level_name), equals + 1, length - first_length - 1);
    }
    if (level < 0)
        return false;
    levels[cls] = (uint8_t)level;
    return true;
}

vx_err vx_log_set_filter(struct vx_log *log, const char *filter, size_t *bad)
{
    uint8_t levels[VX_LOG_CLASS_COUNT];
    memcpy(levels, log->level, sizeof levels);
    const char *element = filter;
    for (;;) {
        size_t length = strcspn(element, ",");
        const char *wrong;
        if (!apply_element(levels, element, length, &wrong)) {
            if (bad != NULL)
                *bad = (size_t)(wrong - filter);
            return VX_ERR_BAD_ARGUMENT;
        }
        if (element[length] == '\0')
            break;
        element += length + 1;
    }
    pthread_mutex_lock(&log->mutex);
    memcpy(log->level, levels, sizeof levels);
    pthread_mutex_unlock(&log->mutex);
    return VX_ERR_OK;
}

vx_err vx_log_set_trace(struct vx_log *log, const char *glob)
{
    bool any = false;
    for (size_t i = 0; i < VX_ARRAY_LEN(trace_event); i++) {
        if (fnmatch(glob, trace_event[i].name, 0) == 0) {
            log->trace[i] = 1;
            any = true;
        }
    }
    return any ? VX_ERR_OK : VX_ERR_NOT_FOUND;
}

void vx_log_set_brackets(struct vx_log *log, void (*before)(void *), void (*after)(void *), void *opaque)
{
    pthread_mutex_lock(&log->mutex);
    log->before = before;
    log->after = after;
    log->bracket_opaque = opaque;
    pthread_mutex_unlock(&log->mutex);
}

void vx_log_set_blocking(struct vx_log *log, struct vx_blocking *blocking)
{
    pthread_mutex_lock(&log->mutex);
    log->blocking = blocking;
    pthread_mutex_unlock(&log->mutex);
}

unsigned vx_log_errors(struct vx_log *log)
{
    pthread_mutex_lock(&log->mutex);
    unsigned errors = log->errors;
    pthread_mutex_unlock(&log->mutex);
    return errors;
}

void vx_log(struct vx_log *log, enum vx_log_class cls, enum vx_log_level level, const char *fmt, ...)
{
    if (level > VX_LOG_WARN && level > log->level[cls])
        return;
    char text[LINE_BYTES];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    char line[LINE_ROOM], before[32];
    bool named = cls != VX_LOG_GENERAL;
    snprintf(before, sizeof before, "vx86%s%s", named ? ": " : "", named ? class_name[cls] : "");
    make_line(line, before, text);
    pthread_mutex_lock(&log->mutex);
    log->errors += level == VX_LOG_ERROR;
    if (cls != VX_LOG_GUEST || guest_may_print_locked(log))
        write_line_locked(log, line);
    pthread_mutex_unlock(&log->mutex);
}

void vx_trace_emit(struct vx_log *log, enum vx_trace_id id, ...)
{
    char text[LINE_BYTES];
    va_list args;
    va_start(args, id);
    vsnprintf(text, sizeof text, trace_event[id].fmt, args);
    va_end(args);
    char line[LINE_ROOM];
    make_line(line, trace_event[id].name, text);
    pthread_mutex_lock(&log->mutex);
    write_line_locked(log, line);
    pthread_mutex_unlock(&log->mutex);
}
