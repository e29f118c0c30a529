/* app_clock.h - the guest's time as the options ask for it. */
#ifndef VX86_FRONTEND_APP_CLOCK_H
#define VX86_FRONTEND_APP_CLOCK_H

#include "options.h"
#include "vx86/clock.h"
#include "vx86/log.h"

/* --clock and --date. *out stays NULL where the machine makes its own clock, after the host's. What is wrong is logged
 * in one line. */
VX_MUST_USE vx_err app_clock_create(const struct options *options, struct vx_log *log, struct vx_clock **out);

#endif
