/* workloads.h - the guest side of the laboratory (bench/lab/guest): its workloads and the programs that contain them.
 *
 * The kernel comes on a disk that any PC boots. Its command line is "lab NAME [UNITS]"; it writes "@begin NAME", then
 * works, then writes "@end NAME units checksum" to the debug port (402h; E9h where that does not answer), and ends by a
 * write to port F4h. After each marker it spins over a few backward branches. The native program (i386 Linux) is called
 * with "run NAME UNITS" and writes the same to its standard output. */
#ifndef VX86_BENCH_WORKLOADS_H
#define VX86_BENCH_WORKLOADS_H

#include "vx86/compiler.h"

struct lab_workload {
    const char *name, *group, *text;
    uint32_t units; /* amount of work: some tenths of a second under the translator */
    bool native;    /* the native program has it too */
    bool clocked;   /* takes as long as the guest's clock says */
    bool power_on;  /* measured from power-on to the kernel's first marker (workload "nothing") */
    bool system;    /* ... or to the shell of a system that has a disk of its own; only run when named */
};

const struct lab_workload *lab_workloads(size_t *count);
/* NULL: there is none of that name. */
const struct lab_workload *lab_find(const char *name);

/* The disk's size: one cylinder of 16 heads and 63 sectors, which every emulator makes the same geometry of. */
enum { VX_LAB_DISK_BYTES = 16 * 63 * 512 };
/* False where the build could not make one. */
bool lab_has_disk(void);
/* Fills in the disk whose kernel runs `command_line` (shorter than 512 bytes). */
void lab_disk(const char *command_line, uint8_t image[VX_LAB_DISK_BYTES]);

/* Static storage; *bytes 0 where the build could not make it. */
const uint8_t *lab_native(size_t *bytes);

#endif
