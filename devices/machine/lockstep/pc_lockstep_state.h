/* pc_lockstep_state.h - comparing two vCPUs and two memories, and telling what differs. */
#ifndef VX86_MACHINE_PC_LOCKSTEP_STATE_H
#define VX86_MACHINE_PC_LOCKSTEP_STATE_H

#include "vx86/cpu.h"
#include "vx86/vcpu_state.h"

/* Everything that is VX_STATE_COMPARED in vcpu_state.def. */
bool lockstep_state_equal(const struct vx_vcpu *a, const struct vx_vcpu *b);

/* One line a register: before, translator, interpreter; the main ones, and the others where they differ. */
void lockstep_state_report(struct vx_log *log, const struct vx_vcpu *before, const struct vx_vcpu *leader,
                           const struct vx_vcpu *follower);

/* Disassembles up to `count` instructions at CS:EIP of `at` (a copy of `cpu` of earlier), as they are in memory now. */
void lockstep_code_report(struct vx_log *log, struct vx_vcpu *cpu, const struct vx_vcpu *at, unsigned count);

/* ---- memory: pages that either has written since the last look are compared. */
struct lockstep_memory {
    struct vx_pmap *leader, *follower;
    uint32_t ram_pages;
    uint8_t *dirty[2]; /* bitmaps */
    uint64_t compared_pages;
};

VX_MUST_USE vx_err lockstep_memory_init(struct lockstep_memory *memory, struct vx_pmap *leader,
                                        struct vx_pmap *follower);
void lockstep_memory_fini(struct lockstep_memory *memory);
/* Makes the follower's map and contents those of the leader. */
void lockstep_memory_copy(struct lockstep_memory *memory);
/* True when they are equal; else *page and *off say where the first difference is. `all`: every page that either has
 * ever used, video memory and ROM too. */
bool lockstep_memory_equal(struct lockstep_memory *memory, bool all, uint32_t *page, uint32_t *off);
void lockstep_memory_report(struct vx_log *log, struct lockstep_memory *memory, uint32_t page, uint32_t off);

#endif
