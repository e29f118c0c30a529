/* flags.c - the privilege rules of EFLAGS (SDM 1 "EFLAGS Register", SDM 2 "POPF/POPFD" and "IRET/IRETD").
 *
 *           RF  VM  AC VIF VIP  ID   NT IOPL  IF  DF TF, arithmetic
 *   real    I        x           x    x   x    x    x      x             x: POPF and IRET, I: IRET only
 *   CPL 0   I        x   I   I   x    x   x    x    x      x
 *   CPL 1-3 I        x           x    x       (1)   x      x             (1) when CPL <= IOPL
 *   VM86    I        x           x    x        x    x      x             IOPL = 3, else #GP; with VME: virtual_if.h
 *   The upper half only with a 32-bit operand. */
#include "flags.h"

#include "cpu_model.h"
#include "creg.h"
#include "vx86/cpu.h"
#include "vx86/isa.h"

void flags_write(struct vx_vcpu *cpu, uint32_t value, uint32_t mask)
{
    mask &= cpu_eflags_mask(cpu->model);
    uint32_t old = vx_eflags(cpu);
    uint32_t now = (old & ~mask) | (value & mask);
    if (VX_UNLIKELY((old ^ now) & VX_FL_VM))
        vx_vcpu_tell(cpu, VX_DEBUG_EVENT_MODE, vx_mode_bits(cpu->cr0, now), 0);
    vx_set_eflags_raw(cpu, now);
    if (VX_UNLIKELY((old ^ now) & VX_FL_AC))
        creg_sync_ac(cpu);
    if ((now & ~old & VX_FL_IF) && cpu->intr_line)
        vx_vcpu_raise(cpu, VX_ATTN_INTR);
}

/* Without RF, VIF and VIP. */
static uint32_t common_mask(const struct vx_vcpu *cpu, unsigned op_size)
{
    uint32_t mask = VX_FL_ARITH | VX_FL_TF | VX_FL_DF | VX_FL_NT;
    if (op_size == 4)
        mask |= VX_FL_AC | VX_FL_ID;
    if (cpu->cpl <= vx_iopl(cpu))
        mask |= VX_FL_IF;
    if (cpu->cpl == 0)
        mask |= VX_FL_IOPL;
    return mask;
}

uint32_t flags_iret_mask(const struct vx_vcpu *cpu, unsigned op_size)
{
    uint32_t mask = common_mask(cpu, op_size);
    if (op_size == 4)
        mask |= VX_FL_RF;
    if (op_size == 4 && cpu->cpl == 0 && !vx_real_mode(cpu))
        mask |= VX_FL_VIF | VX_FL_VIP;
    return mask;
}

void vx_cpu_pop_flags(struct vx_vcpu *cpu, uint32_t value, unsigned op_size)
{
    uint32_t mask = common_mask(cpu, op_size);
    if (op_size == 4)
        mask |= VX_FL_RF; /* POPFD clears it */
    flags_write(cpu, value & ~(uint32_t)VX_FL_RF, mask);
}
