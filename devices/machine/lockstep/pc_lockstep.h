/* pc_lockstep.h - two CPUs in one machine: the translator leads, the interpreter follows, and they must not differ.
 *
 * The leader is the machine's own vCPU, with its devices. The follower has a vCPU, mmu and memory of its own and no
 * devices: it gets what the leader got (pc_lockstep_feed.h), runs to the same instruction count, and then everything
 * that a guest could see is compared (vcpu_state.def, and the memory that either has written). The first difference
 * ends the run with VX_END_DIFFERENCE, reported.
 *
 * Thread rule: machine thread. All functions but create allow NULL for "no lockstep" where they say so. */
#ifndef VX86_MACHINE_PC_LOCKSTEP_H
#define VX86_MACHINE_PC_LOCKSTEP_H

#include "vx86/bt.h"

struct pc_lockstep;

struct pc_lockstep_config {
    struct vx_log *log;       /* borrowed, all of these */
    struct vx_stats *stats;   /* lockstep_* in it are set at the end */
    struct vx_vcpu *leader;   /* its ops are taken over until destroy */
    struct vx_bt_cpu *engine; /* the leader's */
    struct vx_pmap *pmap;     /* the leader's */
    uint64_t every;           /* compare after so many instructions, the translator as fast as it can between; 0: after
                                 each of its units */
};

/* After the machine has been reset for the first time. */
VX_MUST_USE vx_err pc_lockstep_create(const struct pc_lockstep_config *config, struct pc_lockstep **out);
void pc_lockstep_destroy(struct pc_lockstep *lockstep); /* NULL: nothing */

/* In place of vx_bt_run(), vx_interp_step() and vx_cpu_take_events() on the leader. The first comes back for attention,
 * halt, shutdown, the count `retire_limit` or a difference. */
void pc_lockstep_run(struct pc_lockstep *lockstep, uint64_t retire_limit);
void pc_lockstep_step(struct pc_lockstep *lockstep);
void pc_lockstep_take_events(struct pc_lockstep *lockstep);
/* A difference has been found and reported. */
bool pc_lockstep_differs(const struct pc_lockstep *lockstep);
/* When the run has ended: all of memory once more, and a line that says what was compared. */
void pc_lockstep_finish(struct pc_lockstep *lockstep);

/* What the board does to the leader's CPU. NULL: nothing. */
void pc_lockstep_intr(struct pc_lockstep *lockstep, bool level);
void pc_lockstep_nmi(struct pc_lockstep *lockstep);
void pc_lockstep_smi(struct pc_lockstep *lockstep);
void pc_lockstep_register(struct pc_lockstep *lockstep, enum vx_gpr reg, uint32_t value);
void pc_lockstep_reset_cpu(struct pc_lockstep *lockstep, bool init);

/* Around an access of the leader's that the memory bus answers; `begin` gives what `end` takes. NULL: nothing. */
size_t pc_lockstep_mmio_begin(struct pc_lockstep *lockstep, bool write, uint64_t phys, unsigned size, uint64_t value);
void pc_lockstep_mmio_end(struct pc_lockstep *lockstep, size_t token, uint64_t value);

#endif
