/* interp_string.h - the repeat loop that the string instructions share. */
#ifndef VX86_CPU_INTERP_STRING_H
#define VX86_CPU_INTERP_STRING_H

#include "interp_operand.h"

/* At most so many iterations a step (cpu.h), so that events are looked at in time; more where the instruction has
 * overwritten itself. */
#define STRING_STEP_MAX 4096u

struct string_op {
    /* One iteration of `size` bytes; moves ESI and EDI on success. */
    bool (*one)(struct insn *in, unsigned size);
    /* Up to `max` iterations at once inside pages that the shadow has; returns how many were done, 0: use `one`.
     * May be NULL. */
    uint32_t (*bulk)(struct insn *in, unsigned size, uint32_t max);
    bool by_zf;   /* REPE and REPNE look at ZF after each iteration */
    bool is_port; /* INS, OUTS: attention ends the step after any iteration */
};

static inline unsigned string_size(const struct insn *in)
{
    return in->opcode & 1 ? in->op_size : 1;
}

/* ESI or EDI by `count` elements in the direction of DF, in the address size. */
static inline void string_advance(struct insn *in, unsigned r, unsigned size, uint32_t count)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t bytes = size * count;
    uint32_t now = (uint32_t)cpu->gpr[r] + (cpu->dflag ? 0u - bytes : bytes);
    set_reg(cpu, r, in->addr_size, now);
}

/* How many elements from `off` on, in the direction of DF, lie in one page, in the segment and in the address space. */
uint32_t string_reach(struct insn *in, unsigned seg, uint64_t off, unsigned size, uint32_t max);
/* Host address of the element if the shadow has it for the access that `tags` stand for, else NULL. */
uint8_t *string_element(struct insn *in, const uint32_t *tags, unsigned seg, uint64_t off, unsigned size);

/* Runs the instruction, with its REP prefix. Each iteration commits ECX, ESI and EDI; when iterations are left,
 * next_eip is the instruction itself. */
bool string_repeat(struct insn *in, const struct string_op *op);

#endif
