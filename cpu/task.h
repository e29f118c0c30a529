/* task.h - task-state segments: switching tasks and finding the stacks of inner levels.
 *
 * Source: SDM 3A "Task Management". TSS contents are read and written at supervisor privilege. */
#ifndef VX86_CPU_TASK_H
#define VX86_CPU_TASK_H

#include "segment.h"

enum task_cause { VX_TASK_JUMP, VX_TASK_CALL, VX_TASK_EVENT, VX_TASK_IRET };

struct task_switch {
    enum task_cause cause;
    uint16_t sel;      /* of the new TSS */
    struct desc desc;  /* checked for type and presence by the caller */
    uint64_t next_eip; /* where the old task goes on */
    uint32_t eflags;   /* the old task's, as its TSS gets them */
    uint32_t ext;      /* EXT bit for error codes */
    bool has_error;    /* an exception's error code, for the new task's stack */
    uint32_t error;
};

/* Switches tasks. False: a fault (or the debug trap of the new TSS's T bit) is in mmu->fault. Faults found before the
 * switch leave everything unchanged; those found after it, and the trap, belong to the new task: CS:EIP is already its
 * first instruction, so that delivering the fault in the usual way is right in both cases. */
bool task_switch(struct vx_vcpu *cpu, const struct task_switch *how);

/* Checks the TSS descriptor that a task gate, JMP, CALL or interrupt names and fetches it. `vector` is for a selector
 * that is local, out of the table or not an available TSS; #NP for one that is not present. */
bool task_check_tss(struct vx_vcpu *cpu, uint16_t sel, uint8_t vector, uint32_t ext, struct desc *desc);

/* SS:ESP of privilege level 0 to 2 from the current TSS; #TS with TR's selector when the TSS is too short. */
bool task_inner_stack(struct vx_vcpu *cpu, unsigned level, uint32_t ext, uint16_t *ss, uint32_t *esp);

#endif
