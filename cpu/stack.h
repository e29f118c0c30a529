/* stack.h - pushes and pops of whole frames, with limits, wrapping and commit-last.
 *
 * A struct stack is a cursor on some stack: nothing in the vCPU changes until stack_commit(). ESP moves only in
 * the bits that the stack's size (SS.B) allows: 16-bit stacks wrap in SP and keep the upper half. */
#ifndef VX86_CPU_STACK_H
#define VX86_CPU_STACK_H

#include "segment.h"

struct stack {
    const struct vx_seg *ss;
    uint32_t esp;
    uint32_t mask; /* FFFFh or FFFFFFFFh, from SS.B */
    enum vx_view view;
    uint32_t error; /* of the #SS that a limit violation raises */
};

/* The largest frame: SS, ESP, 31 parameters, CS, EIP of a call gate. */
#define VX_FRAME_MAX 40u

/* Values in the order of pushing, each `size` (2 or 4) bytes wide. */
struct frame {
    unsigned size;
    unsigned count;
    uint32_t value[VX_FRAME_MAX];
};

static inline void frame_init(struct frame *frame, unsigned size)
{
    frame->size = size;
    frame->count = 0;
}

static inline void frame_add(struct frame *frame, uint32_t value)
{
    VX_ASSERT(frame->count < VX_FRAME_MAX);
    frame->value[frame->count++] = value;
}

/* The current stack, at the current privilege. */
void stack_open(const struct vx_vcpu *cpu, struct stack *stack);
/* Another one: `ss` stays the caller's. */
void stack_open_at(const struct vx_seg *ss, uint32_t esp, unsigned cpl, uint32_t error, struct stack *stack);

/* Reads the next value and moves the cursor. size 2 or 4. */
bool stack_pop(struct vx_vcpu *cpu, struct stack *stack, unsigned size, uint32_t *value);
/* Moves the cursor up without reading. */
void stack_skip(struct stack *stack, uint32_t bytes);
/* True when `bytes` from the cursor on can be popped; otherwise #SS. */
bool stack_has(struct vx_vcpu *cpu, const struct stack *stack, uint32_t bytes);

/* Writes all of the frame or, on a fault, nothing; moves the cursor. */
bool stack_push(struct vx_vcpu *cpu, struct stack *stack, const struct frame *frame);
/* Checks room for the frame against the limit only: where the manual tests it before other things. */
bool stack_room(struct vx_vcpu *cpu, const struct stack *stack, uint32_t bytes);

/* ESP := cursor, in the bits that the stack's size moves. */
void stack_commit(struct vx_vcpu *cpu, const struct stack *stack);

#endif
