/* app_version.h - which vx86 this is, and what it can do on this host. */
#ifndef VX86_FRONTEND_APP_VERSION_H
#define VX86_FRONTEND_APP_VERSION_H

#include <stdbool.h>
#include <stdio.h>

/* `verbose`: what it was built with and what the host grants, too, a line each. Main thread, before any other. */
void app_version_print(FILE *out, bool verbose);

#endif
