/* app_devices.h - what --device puts into the machine: the table of devices and their properties.
 *
 * A device stands as "NAME" or "NAME,PROPERTY=VALUE,..."; numbers are decimal, or hexadecimal after 0x. Errors are
 * logged, one line each. Thread rule: none. */
#ifndef VX86_FRONTEND_APP_DEVICES_H
#define VX86_FRONTEND_APP_DEVICES_H

#include "options.h"
#include "vx86/machine.h"

/* Whether one of them is `--device help`, and its answer. */
bool app_devices_wants_help(const struct options *options);
void app_devices_print_help(FILE *out);

/* Sets what --device and --debug-exit ask for. */
VX_MUST_USE vx_err app_devices_configure(const struct options *options, struct vx_log *log,
                                         struct vx_machine_config *config);

#endif
