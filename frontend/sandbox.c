/* sandbox.c - see sandbox.h. The table sandbox_calls.def says what is let through; here it becomes a filter.
 *
 *   I1  The filter comes last: what comes before it needs calls that it refuses. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sandbox_landlock.h"
#include "vx86/host.h"

/* In the table: the process's own. */
#define SANDBOX_OWN_PID UINT64_MAX

struct call {
    const char *name;
    int number;
    unsigned need;
    bool has_condition;
    unsigned argument;
    uint64_t mask, value;
};

/* The names may be macros of the C library's: they are not expanded, which SCMP_SYS() would do. */
static const struct call calls[] = {
#define SANDBOX_CALL(need, name)                           { #name, __SNR_##name, need, false, 0, 0, 0 },
#define SANDBOX_CALL_IF(need, name, argument, mask, value) { #name, __SNR_##name, need, true, argument, mask, value },
#include "sandbox_calls.def"
};

static const struct {
    int number;
    uint32_t action;
} refused[] = {
#define SANDBOX_ABSENT(name) { __SNR_##name, SCMP_ACT_ERRNO(ENOSYS) },
#define SANDBOX_DEADLY(name) { __SNR_##name, SCMP_ACT_KILL_PROCESS },
#include "sandbox_calls.def"
};

static bool is_needed(const struct call *call, unsigned needs)
{
    return call->need == SANDBOX_ALWAYS || (needs & call->need) != 0;
}

const char *sandbox_call(unsigned needs, unsigned n)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(calls); i++)
        if (is_needed(&calls[i], needs) && n-- == 0)
            return calls[i].name;
    return NULL;
}

/* ---- the filter -------------------------------------------------------------------------------------------------- */

/* Returns 0 or a negative errno. A call that this processor's Linux does not have is none. */
static int allow(scmp_filter_ctx filter, const struct call *call)
{
    if (call->number < 0)
        return 0;
    if (!call->has_condition)
        return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call->number, 0);
    uint64_t value = call->value == SANDBOX_OWN_PID ? (uint64_t)getpid() : call->value;
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call->number, 1,
                            SCMP_CMP(call->argument, SCMP_CMP_MASKED_EQ, call->mask, value));
}

static int add_rules(scmp_filter_ctx filter, unsigned needs)
{
    int error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    for (size_t i = 0; i < VX_ARRAY_LEN(calls) && error == 0; i++)
        if (is_needed(&calls[i], needs))
            error = allow(filter, &calls[i]);
    for (size_t i = 0; i < VX_ARRAY_LEN(refused) && error == 0; i++)
        if (refused[i].number >= 0)
            error = seccomp_rule_add(filter, refused[i].action, refused[i].number, 0);
    return error;
}

static int load_filter(unsigned needs)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (filter == NULL)
        return -ENOMEM;
    int error = add_rules(filter, needs);
    if (error == 0)
        error = seccomp_load(filter);
    seccomp_release(filter);
    return error;
}

/* ---- the rest ---------------------------------------------------------------------------------------------------- */

static void leave_no_image(void)
{
    const struct rlimit none = { 0, 0 };
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* a limit does not hold where images are piped to a program */
}

static void say_wider(const struct sandbox_config *config)
{
    static const struct {
        unsigned need;
        const char *text;
    } texts[] = {
        { SANDBOX_FILES, "the debugger may open files" },
        { SANDBOX_CLIENTS, "connections are accepted" },
        { SANDBOX_REMOVES, "GDB's socket may be removed" },
    };
    char line[160] = "";
    for (size_t i = 0; i < VX_ARRAY_LEN(texts); i++) {
        size_t used = strlen(line);
        if (config->needs & texts[i].need)
            snprintf(line + used, sizeof line - used, "%s%s", used != 0 ? ", " : "", texts[i].text);
        if ((config->needs & texts[i].need) == SANDBOX_FILES && config->directory >= 0)
            snprintf(line + strlen(line), sizeof line - strlen(line), " below --debug-files");
    }
    if (line[0] != '\0')
        vx_log_info(config->log, VX_LOG_GENERAL, "sandbox: wider than usual: %s", line);
}

vx_err sandbox_enter(const struct sandbox_config *config)
{
    leave_no_image();
    vx_host_drop_capabilities();
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    bool landlock = sandbox_landlock(config);
    int error = load_filter(config->needs); /* keeps I1 */
    vx_log_debug(config->log, VX_LOG_GENERAL, "sandbox: system call filter %s, Landlock %s", error == 0 ? "on" : "off",
                 landlock ? "on" : "off");
    if (error == 0) {
        say_wider(config);
        return VX_ERR_OK;
    }
    vx_log(config->log, VX_LOG_GENERAL, config->insist ? VX_LOG_ERROR : VX_LOG_WARN,
           "the host refuses the sandbox's filter of system calls (%s); %s", strerror(-error),
           config->insist ? "leave --sandbox on away, and vx86 goes on without" : "vx86 goes on without");
    return config->insist ? VX_ERR_UNSUPPORTED : VX_ERR_OK;
}

void sandbox_describe(char *text, size_t room)
{
    int landlock = sandbox_landlock_version();
    bool filter = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0; /* EINVAL: a kernel without */
    int n = snprintf(text, room, "%s", filter ? "a filter of system calls (seccomp)" : "no filter of system calls");
    if (landlock >= 1)
        snprintf(text + n, room - (size_t)n, ", Landlock %d", landlock);
    else
        snprintf(text + n, room - (size_t)n, ", no Landlock");
}
