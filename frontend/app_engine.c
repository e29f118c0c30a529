/* app_engine.c - see app_engine.h. */
#include "app_engine.h"

vx_err app_engine_choose(const struct options *options, struct vx_log *log, const char *refusal, enum vx_engine *engine)
{
    const struct option_value *value = options->value;
    bool named = value[VX_OPT_engine].given, lockstep = value[VX_OPT_lockstep].given;
    *engine = value[VX_OPT_engine].number == 0 ? VX_ENGINE_BT : VX_ENGINE_INTERP;
    if (lockstep && (*engine == VX_ENGINE_INTERP || refusal != NULL)) {
        vx_log_error(log, VX_LOG_GENERAL,
                     "--lockstep compares the translator with the interpreter: it needs --engine bt%s%s",
                     refusal != NULL ? ", but " : "", refusal != NULL ? refusal : "");
        return VX_ERR_BAD_ARGUMENT;
    }
    if (!named && refusal != NULL)
        *engine = VX_ENGINE_INTERP;
    return VX_ERR_OK;
}

void app_engine_tell(const struct options *options, struct vx_log *log, const char *refusal)
{
    if (refusal != NULL && !options->value[VX_OPT_engine].given)
        vx_log_warn(
            log, VX_LOG_GENERAL,
            "the translator cannot run: %s; the interpreter runs the guest, which is slower (--engine bt insists)",
            refusal);
}
