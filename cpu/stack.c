/* stack.c - frames on guest stacks (SDM 1 "Procedure Stack", SDM 3A "Stack Switching").
 *
 *   I1  A frame is written whole or not at all: limits and pages are checked before the first byte. */
#include "stack.h"

#include "debug_registers.h"

void stack_open(const struct vx_vcpu *cpu, struct stack *stack)
{
    stack_open_at(&cpu->seg[VX_SS], (uint32_t)cpu->gpr[VX_RSP], cpu->cpl, 0, stack);
}

void stack_open_at(const struct vx_seg *ss, uint32_t esp, unsigned cpl, uint32_t error, struct stack *stack)
{
    *stack = (struct stack){
        .ss = ss,
        .esp = esp,
        .mask = ss->attr & VX_ATTR_DB ? UINT32_MAX : 0xFFFFu,
        .view = cpl == 3 ? VX_VIEW_USER : VX_VIEW_SUPERVISOR,
        .error = error,
    };
}

static uint32_t moved(const struct stack *stack, uint32_t delta)
{
    return (stack->esp & ~stack->mask) | ((stack->esp + delta) & stack->mask);
}

static uint64_t linear(const struct stack *stack, uint64_t off)
{
    return vx_lin_wrap(stack->ss->base + off);
}

/* Frames are data accesses to the breakpoints of DR7 too. */
static void watch(struct vx_vcpu *cpu, const struct stack *stack, uint64_t off, unsigned bytes, bool write)
{
    if (VX_UNLIKELY(cpu->dr[7] & DR7_ENABLES))
        cpu->debug_hits |= dr_data_hits(cpu, linear(stack, off), bytes, write);
}

/* #AC applies to the pushes and pops of CPL 3 only. */
static bool misaligned(const struct vx_vcpu *cpu, const struct stack *stack, uint64_t off, unsigned size)
{
    return stack->view == VX_VIEW_USER && (cpu->cr0 & VX_CR0_AM) && (cpu->eflags & VX_FL_AC) &&
           (linear(stack, off) & (size - 1)) != 0;
}

bool stack_pop(struct vx_vcpu *cpu, struct stack *stack, unsigned size, uint32_t *value)
{
    uint64_t off = stack->esp & stack->mask;
    uint64_t lin = linear(stack, off), raw;
    if (!seg_in_limit(stack->ss, off, size))
        return fault_code(cpu, VX_SEG_SS, stack->error);
    if (misaligned(cpu, stack, off, size))
        return fault_code(cpu, VX_AC, 0);
    /* Constant sizes: the inline probe then becomes a load. */
    if (!(size == 4 ? vx_mmu_read(cpu->mmu, lin, 4, stack->view, &raw)
                    : vx_mmu_read(cpu->mmu, lin, 2, stack->view, &raw)))
        return false;
    watch(cpu, stack, off, size, false);
    *value = (uint32_t)raw;
    stack->esp = moved(stack, size);
    return true;
}

void stack_skip(struct stack *stack, uint32_t bytes)
{
    stack->esp = moved(stack, bytes);
}

/* A range of the stack that may wrap at 64 KiB: both parts must be inside. */
static bool range_in_limit(const struct stack *stack, uint64_t off, uint32_t bytes)
{
    uint64_t to_wrap = (uint64_t)stack->mask + 1 - off;
    if (bytes <= to_wrap)
        return seg_in_limit(stack->ss, off, bytes);
    return seg_in_limit(stack->ss, off, (uint32_t)to_wrap) && seg_in_limit(stack->ss, 0, bytes - (uint32_t)to_wrap);
}

bool stack_has(struct vx_vcpu *cpu, const struct stack *stack, uint32_t bytes)
{
    if (range_in_limit(stack, stack->esp & stack->mask, bytes))
        return true;
    return fault_code(cpu, VX_SEG_SS, stack->error);
}

bool stack_room(struct vx_vcpu *cpu, const struct stack *stack, uint32_t bytes)
{
    if (range_in_limit(stack, (stack->esp - bytes) & stack->mask, bytes))
        return true;
    return fault_code(cpu, VX_SEG_SS, stack->error);
}

/* A frame that wraps, or whose elements straddle the wrap, or that faults: probe all elements, then write them one by
 * one. The fault is that of the first element pushed, the one with the highest address, as in silicon. */
static bool push_split(struct vx_vcpu *cpu, const struct stack *stack, const struct frame *frame)
{
    for (unsigned pass = 0; pass < 2; pass++) {
        struct stack at = *stack;
        for (unsigned i = 0; i < frame->count; i++) {
            at.esp = moved(&at, -frame->size);
            uint64_t off = at.esp & at.mask;
            if (!seg_in_limit(at.ss, off, frame->size))
                return fault_code(cpu, VX_SEG_SS, at.error);
            bool ok = pass == 0 ? vx_mmu_probe(cpu->mmu, linear(&at, off), frame->size, VX_ACCESS_WRITE, at.view)
                                : vx_mmu_write(cpu->mmu, linear(&at, off), frame->size, at.view, frame->value[i]);
            if (!ok)
                return false;
            if (pass == 1)
                watch(cpu, stack, off, frame->size, true);
        }
    }
    return true;
}

static bool push_whole(struct vx_vcpu *cpu, const struct stack *stack, const struct frame *frame, uint64_t off)
{
    union {
        uint16_t word[VX_FRAME_MAX];
        uint32_t dword[VX_FRAME_MAX];
    } image;
    uint32_t bytes = frame->count * frame->size;
    for (unsigned i = 0, top = frame->count - 1; i < frame->count; i++) {
        if (frame->size == 4)
            image.dword[top - i] = frame->value[i];
        else
            image.word[top - i] = (uint16_t)frame->value[i];
    }
    if (!vx_mmu_write_bytes(cpu->mmu, linear(stack, off), &image, bytes, stack->view))
        return false;
    watch(cpu, stack, off, bytes, true);
    return true;
}

bool stack_push(struct vx_vcpu *cpu, struct stack *stack, const struct frame *frame)
{
    uint32_t bytes = frame->count * frame->size;
    uint64_t off = (stack->esp - bytes) & stack->mask;
    bool whole = (uint64_t)off + bytes <= (uint64_t)stack->mask + 1;
    if (whole && !seg_in_limit(stack->ss, off, bytes))
        return fault_code(cpu, VX_SEG_SS, stack->error);
    if (misaligned(cpu, stack, off, frame->size))
        return fault_code(cpu, VX_AC, 0);
    if (!(whole && push_whole(cpu, stack, frame, off)) && !push_split(cpu, stack, frame))
        return false;
    stack->esp = moved(stack, -bytes);
    return true;
}

void stack_commit(struct vx_vcpu *cpu, const struct stack *stack)
{
    uint32_t esp = (uint32_t)cpu->gpr[VX_RSP];
    cpu->gpr[VX_RSP] = (esp & ~stack->mask) | (stack->esp & stack->mask);
}
