/* sandbox_none.c - sandbox.h where there is none. */
#include "sandbox.h"

vx_err sandbox_enter(const struct sandbox_config *config)
{
    static const char text[] = "there is no sandbox: " VX_SANDBOX_NONE;
    if (config->insist)
        vx_log_error(config->log, VX_LOG_GENERAL, "--sandbox on: %s", text);
    else
        vx_log_debug(config->log, VX_LOG_GENERAL, "%s", text);
    return config->insist ? VX_ERR_UNSUPPORTED : VX_ERR_OK;
}

void sandbox_describe(char *text, size_t room)
{
    snprintf(text, room, "none: " VX_SANDBOX_NONE);
}

const char *sandbox_call(unsigned needs, unsigned n)
{
    (void)needs, (void)n;
    return NULL;
}
