/* app_sound.h - from the words behind --sound to the machine's configuration. */
#ifndef VX86_FRONTEND_APP_SOUND_H
#define VX86_FRONTEND_APP_SOUND_H

#include "options.h"
#include "vx86/machine.h"

/* Errors, logged: BAD_ARGUMENT, a word that names no card. */
VX_MUST_USE vx_err app_sound_configure(const struct options *options, struct vx_log *log,
                                       struct vx_machine_config *config);

#endif
