/* std_descriptors.h - standard input, output and error exist, whoever started us.
 *
 * A descriptor among 0 to 2 that is closed would be given to the next file that is opened, a disk image perhaps, and
 * what is meant for standard output or error would then be written into it. */
#ifndef VX86_FRONTEND_STD_DESCRIPTORS_H
#define VX86_FRONTEND_STD_DESCRIPTORS_H

#include "vx86/compiler.h"

/* First thing in main(): what is closed becomes /dev/null. False, with nothing said (there may be no place for it): the
 * host has no /dev/null either. */
VX_MUST_USE bool std_descriptors_occupy(void);

/* Gives the streams their buffers, for which the host is asked what they are: the sandbox would refuse that later. */
void std_streams_prepare(void);

#endif
