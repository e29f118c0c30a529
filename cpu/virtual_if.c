/* virtual_if.c - VME and PVI: the virtual interrupt flag and the redirection of INT n. See virtual_if.h.
 *
 * The redirection bitmap is the 32 bytes below the I/O permission bitmap of a 32-bit TSS, one bit a vector:
 *
 *     [ ... | redirection bitmap, 32 bytes | I/O bitmap ...
 *                                          ^ I/O map base (TSS + 66h) */
#include "virtual_if.h"

#include "flags.h"
#include "stack.h"
#include "vx86/cpu.h"

enum { TSS32_IO_BASE = 102, TSS32_MIN_LIMIT = 103, REDIRECTION_BYTES = 32 };

void vif_clear(struct vx_vcpu *cpu)
{
    cpu->eflags &= ~(uint32_t)VX_FL_VIF;
}

bool vif_set(struct vx_vcpu *cpu)
{
    if (cpu->eflags & VX_FL_VIP)
        return fault_code(cpu, VX_GP, 0);
    cpu->eflags |= VX_FL_VIF;
    return true;
}

uint16_t vif_flags_image(const struct vx_vcpu *cpu)
{
    uint32_t image = vx_eflags(cpu) & ~(uint32_t)VX_FL_IF;
    return (uint16_t)(image | VX_FL_IOPL | (image & VX_FL_VIF ? VX_FL_IF : 0));
}

bool vif_flags_legal(struct vx_vcpu *cpu, uint16_t image)
{
    if ((image & VX_FL_TF) || ((image & VX_FL_IF) && (cpu->eflags & VX_FL_VIP)))
        return fault_code(cpu, VX_GP, 0);
    return true;
}

void vif_flags_write(struct vx_vcpu *cpu, uint16_t image)
{
    flags_write(cpu, image, VX_FL_ARITH | VX_FL_TF | VX_FL_DF | VX_FL_NT);
    flags_write(cpu, image & VX_FL_IF ? VX_FL_VIF : 0, VX_FL_VIF);
}

bool vif_int_redirected(struct vx_vcpu *cpu, uint8_t vector, bool *redirected)
{
    uint64_t base, bits;
    if (cpu->tr.unusable || (cpu->tr.attr & (VX_ATTR_TYPE & ~VX_TSS_BUSY)) != VX_SYS_TSS32 ||
        cpu->tr.limit < TSS32_MIN_LIMIT)
        return fault_code(cpu, VX_GP, 0);
    if (!vx_mmu_read(cpu->mmu, (uint32_t)(cpu->tr.base + TSS32_IO_BASE), 2, VX_VIEW_SYSTEM, &base))
        return false;
    uint64_t off = base - REDIRECTION_BYTES + vector / 8u;
    if (off > cpu->tr.limit)
        return fault_code(cpu, VX_GP, 0);
    if (!vx_mmu_read(cpu->mmu, cpu->tr.base + off, 1, VX_VIEW_SYSTEM, &bits))
        return false;
    *redirected = (bits >> (vector & 7) & 1) == 0;
    return true;
}

bool vif_int_enter(struct vx_vcpu *cpu, uint8_t vector, uint16_t next_ip)
{
    struct frame frame;
    struct stack stack;
    uint64_t entry;
    bool own_if = vx_iopl(cpu) == 3;
    if (!vx_mmu_read(cpu->mmu, vector * 4u, 4, VX_VIEW_USER, &entry))
        return false;
    frame_init(&frame, 2);
    frame_add(&frame, own_if ? vx_eflags(cpu) : vif_flags_image(cpu));
    frame_add(&frame, cpu->seg[VX_CS].sel);
    frame_add(&frame, next_ip);
    stack_open(cpu, &stack);
    if (!stack_push(cpu, &stack, &frame))
        return false;
    stack_commit(cpu, &stack);
    flags_write(cpu, 0, VX_FL_TF | VX_FL_RF | (own_if ? VX_FL_IF : VX_FL_VIF));
    cpu->inhibit = VX_INHIBIT_NONE;
    seg_set_vm86(&cpu->seg[VX_CS], (uint16_t)(entry >> 16));
    cpu->rip = (uint16_t)entry;
    return true;
}

bool vif_check_entry(struct vx_vcpu *cpu)
{
    const uint32_t both = VX_FL_VIF | VX_FL_VIP;
    if ((cpu->eflags & both) != both || !vif_stands_in(cpu))
        return true;
    return fault_code(cpu, VX_GP, 0);
}
