/* app_engine.h - which engine runs the guest. Thread rule: none. */
#ifndef VX86_FRONTEND_APP_ENGINE_H
#define VX86_FRONTEND_APP_ENGINE_H

#include "options.h"
#include "vx86/machine.h"

/* The translator, where it is wanted and can run, else the interpreter. `refusal`: why the translator cannot
 * (vx_bt_refusal()), or NULL. Whoever has asked for it by name gets it or, when the machine is made, an error.
 * BAD_ARGUMENT, logged: --lockstep without a translator. */
VX_MUST_USE vx_err app_engine_choose(const struct options *options, struct vx_log *log, const char *refusal,
                                     enum vx_engine *engine);
/* Says so where the interpreter takes what the translator should have. */
void app_engine_tell(const struct options *options, struct vx_log *log, const char *refusal);

#endif
