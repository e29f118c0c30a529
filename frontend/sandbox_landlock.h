/* sandbox_landlock.h - sandbox.h's second wall: paths, network addresses and other processes (Linux Landlock, from
 * 5.13 on; "Documentation/userspace-api/landlock.rst"). */
#ifndef VX86_FRONTEND_SANDBOX_LANDLOCK_H
#define VX86_FRONTEND_SANDBOX_LANDLOCK_H

#include "sandbox.h"

/* Its version in this kernel; 0 or less: there is none. */
int sandbox_landlock_version(void);

/* For the calling thread and those that it starts. False: the kernel has none, or refuses; nothing has changed then. */
bool sandbox_landlock(const struct sandbox_config *config);

#endif
