/* pc_stuck.h - what the user is told of a guest that gets nowhere: triple faults, boot loops, HLT for good.
 *
 * A guest may fault and reboot for ever, thousands of times a second: the log has the first shutdowns whole, one line
 * that it is in a loop, and then a line a minute. */
#ifndef VX86_MACHINE_PC_STUCK_H
#define VX86_MACHINE_PC_STUCK_H

#include "vx86/compiler.h"

struct pc_cpu;

/* Nothing of it is state of the guest. */
struct pc_stuck {
    unsigned shown;      /* shutdowns that have been shown whole */
    bool has_last;       /* there was one before */
    bool loops;          /* and the one before it was the same: the user knows of the loop */
    uint64_t last_key;   /* vx_cpu_shutdown_key() of the last */
    uint64_t written;    /* ide_writes() at that time */
    unsigned untold;     /* shutdowns since the last line */
    uint64_t told_ns;    /* clock time of the last line */
    bool has_halted;     /* the user knows of a HLT for good, */
    uint64_t halted_lin; /* at this address */
};

/* The processor has shut down, and the machine is about to be reset, or the run to end. */
void pc_stuck_shutdown(struct pc_cpu *cpu);
/* The processor sleeps, and nothing but a reset can wake it. */
void pc_stuck_halt(struct pc_cpu *cpu);

#endif
