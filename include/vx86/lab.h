/* lab.h - the guest side of the laboratory (bench/lab): its workloads and the programs that contain them.
 *
 * The kernel is a multiboot one. Its command line is "NAME [UNITS]"; it writes "@begin NAME", then works, then writes "@end NAME units
 * checksum" to port 402h, and ends by a write to port F4h. After each marker it spins over a few backward branches. The native
 * program (i386 Linux) is called with "run NAME UNITS" and writes the same to its standard output. */
#ifndef VX86_LAB_H
#define VX86_LAB_H

#include "vx86/compiler.h"

struct vx_lab_workload {
    const char *name, *group, *text;
    uint32_t units; /* amount of work: some tenths of a second under the translator */
    bool native;    /* the native program has it too */
    bool power_on;  /* measured from power-on to the kernel's first marker (workload "nothing") */
};

const struct vx_lab_workload *vx_lab_workloads(size_t *count);
/* NULL: there is none of that name. */
const struct vx_lab_workload *vx_lab_find(const char *name);

/* Static storage; *bytes 0 where the build could not make them. */
const uint8_t *vx_lab_kernel(size_t *bytes);
const uint8_t *vx_lab_native(size_t *bytes);

#endif
