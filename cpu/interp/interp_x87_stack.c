/* interp_x87_stack.c - the register stack, the status word, and how x87 exceptions are raised and noticed. */
#include "interp_x87.h"

#define SLOT_BYTES 16

static uint8_t *slot(struct vx_vcpu *cpu, unsigned i)
{
    return cpu->fx + FX_ST + SLOT_BYTES * (i & 7);
}

void x87_set_top(struct vx_vcpu *cpu, unsigned top)
{
    unsigned shift = (top - x87_top(cpu)) & 7;
    if (shift != 0) {
        uint8_t old[8 * SLOT_BYTES];
        memcpy(old, cpu->fx + FX_ST, sizeof old);
        for (unsigned i = 0; i < 8; i++)
            memcpy(slot(cpu, i), old + SLOT_BYTES * ((i + shift) & 7), SLOT_BYTES);
    }
    uint16_t fsw = fx_get16(cpu, FX_FSW) & (uint16_t)~FSW_TOP;
    fx_set16(cpu, FX_FSW, (uint16_t)(fsw | (top & 7) << FSW_TOP_SHIFT));
}

struct fp_f80 x87_image(const struct vx_vcpu *cpu, unsigned i)
{
    const uint8_t *p = cpu->fx + FX_ST + SLOT_BYTES * (i & 7);
    struct fp_f80 v;
    memcpy(&v.sig, p, 8);
    memcpy(&v.se, p + 8, 2);
    return v;
}

struct fp_num x87_number(const struct vx_vcpu *cpu, unsigned i)
{
    return fp_unpack_f80(x87_image(cpu, i));
}

void x87_store(struct vx_vcpu *cpu, unsigned i, struct fp_f80 value)
{
    uint8_t *p = slot(cpu, i);
    memset(p, 0, SLOT_BYTES);
    memcpy(p, &value.sig, 8);
    memcpy(p + 8, &value.se, 2);
    cpu->fx[FX_FTW] |= (uint8_t)x87_tag_bit(cpu, i);
}

void x87_push(struct vx_vcpu *cpu, struct fp_f80 value)
{
    x87_set_top(cpu, x87_top(cpu) - 1);
    x87_store(cpu, 0, value);
}

void x87_free(struct vx_vcpu *cpu, unsigned i)
{
    cpu->fx[FX_FTW] &= (uint8_t)~x87_tag_bit(cpu, i);
}

void x87_pop(struct vx_vcpu *cpu)
{
    x87_free(cpu, 0);
    x87_set_top(cpu, x87_top(cpu) + 1);
}

void x87_update_summary(struct vx_vcpu *cpu)
{
    uint16_t fsw = fx_get16(cpu, FX_FSW), old = fsw;
    bool pending = fsw & ~fx_get16(cpu, FX_FCW) & FP_ALL;
    fsw &= (uint16_t) ~(FSW_ES | FSW_B);
    if (pending)
        fsw |= FSW_ES | FSW_B;
    fx_set16(cpu, FX_FSW, fsw);
    if (!pending && (old & FSW_ES) && !(cpu->cr0 & VX_CR0_NE) && cpu->ops != NULL && cpu->ops->ferr != NULL)
        cpu->ops->ferr(cpu->ops_opaque, false);
}

void x87_init(struct vx_vcpu *cpu)
{
    fx_set16(cpu, FX_FCW, 0x037F);
    fx_set16(cpu, FX_FSW,
             fx_get16(cpu, FX_FSW) & (FSW_TOP | FSW_ES)); /* TOP moves by rotation; ES so that FERR# drops */
    x87_set_top(cpu, 0);
    x87_update_summary(cpu);
    cpu->fx[FX_FTW] = 0;
    fx_set16(cpu, FX_FOP, 0);
    fx_set32(cpu, FX_FIP, 0);
    fx_set16(cpu, FX_FCS, 0);
    fx_set32(cpu, FX_FDP, 0);
    fx_set16(cpu, FX_FDS, 0);
}

void x87_hide_selectors(struct vx_vcpu *cpu)
{
    if (vx_cpu_fp_pointers_always(cpu->model))
        return;
    fx_set16(cpu, FX_FCS, 0);
    fx_set16(cpu, FX_FDS, 0);
}

uint16_t vx_x87_tags(const struct vx_vcpu *cpu)
{
    unsigned word = 0, top = x87_top(cpu);
    for (unsigned r = 0; r < 8; r++) {
        unsigned tag = 3;
        if (cpu->fx[FX_FTW] & 1u << r) {
            uint8_t cls = x87_number(cpu, (r - top) & 7).cls;
            tag = cls == FP_NORMAL ? 0 : cls == FP_ZERO ? 1 : 2;
        }
        word |= tag << (2 * r);
    }
    return (uint16_t)word;
}

void vx_x87_set_tags(struct vx_vcpu *cpu, uint16_t tags)
{
    unsigned abridged = 0;
    for (unsigned r = 0; r < 8; r++)
        abridged |= (unsigned)((tags >> (2 * r) & 3) != 3) << r;
    cpu->fx[FX_FTW] = (uint8_t)abridged;
}

bool x87_check_pending(struct insn *in, bool *again)
{
    struct vx_vcpu *cpu = in->cpu;
    *again = false;
    if (VX_LIKELY(!(fx_get16(cpu, FX_FSW) & FSW_ES)))
        return true;
    if (cpu->cr0 & VX_CR0_NE)
        return insn_fault(in, VX_MF);
    if (cpu->ops == NULL || cpu->ops->ferr == NULL)
        return true;
    /* A PC freezes here until FERR#'s interrupt comes or IGNNE# is asserted by the write to port F0h. The instruction
     * is retried while that interrupt can be taken; where it cannot, it goes on as with IGNNE#, where a PC would hang.
     */
    cpu->ops->ferr(cpu->ops_opaque, true);
    if (cpu->ops->input != NULL && cpu->ops->input(cpu->ops_opaque, VX_INPUT_IGNNE) != 0)
        return true;
    *again = cpu->intr_line && cpu->iflag;
    return true;
}

bool x87_underflow(struct x87 *x)
{
    x->env.flags |= FP_IE;
    x->stack_fault = true;
    return x->env.masks & FP_IE;
}

bool x87_overflow(struct x87 *x)
{
    x->stack_over = true;
    return x87_underflow(x);
}

bool x87_blocked(struct x87 *x)
{
    return fp_blocked(&x->env);
}

void x87_finish(struct x87 *x, unsigned cc, unsigned cc_mask)
{
    uint16_t fsw = fx_get16(x->cpu, FX_FSW);
    fsw &= (uint16_t) ~(FSW_C1 | cc_mask);
    fsw |= (uint16_t)(cc | x->env.flags);
    if (x->env.up || x->stack_over)
        fsw |= FSW_C1;
    if (x->stack_fault)
        fsw |= FSW_SF;
    fx_set16(x->cpu, FX_FSW, fsw);
    x87_update_summary(x->cpu);
}
