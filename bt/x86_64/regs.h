/* regs.h - the host's registers and frame in translated code, and where they find the vCPU.
 *
 *     rax rcx rdx rbx rbp rsi rdi   the guest's, same numbers (upper halves zero)
 *     r14                           guest ESP
 *     r8 r9 r10 r11                 scratch
 *     r12                           the constant 12 (page shift, for SHRX)
 *     r13                           struct vx_tlb of the current privilege view
 *     r15                           struct vx_vcpu
 *     rsp                           a host stack frame with BT_FRAME_BYTES of scratch at [rsp]
 *     CF PF AF ZF SF OF             the guest's
 *
 *   I1  At every point where translated code can fault on the host or call C, the guest registers and flags above hold
 *       the state before the guest instruction (commit last); nothing inserted between guest instructions writes host
 *       flags. */
#ifndef VX86_BT_REGS_H
#define VX86_BT_REGS_H

#include "area.h"

enum host_reg {
    H_RAX,
    H_RCX,
    H_RDX,
    H_RBX,
    H_RSP,
    H_RBP,
    H_RSI,
    H_RDI,
    H_R8,
    H_R9,
    H_R10,
    H_R11,
    H_R12,
    H_R13,
    H_R14,
    H_R15,
    H_NONE = 0xFF,
};
enum { H_GUEST_ESP = H_R14, H_VCPU = H_R15, H_TLB = H_R13, H_TWELVE = H_R12 };
/* SSE registers, of which the guest has eight: area->entries, area->jc_hits and all ones, while events are counted. */
enum { H_XMM_ENTRIES = 15, H_XMM_JC_HITS = 14, H_XMM_ONES = 13 };

enum { BT_FRAME_BYTES = 64 };

/* Where a guest register lives. */
static inline uint8_t host_of(uint8_t guest_reg)
{
    return guest_reg == VX_RSP ? H_GUEST_ESP : guest_reg;
}

/* Displacements from H_VCPU. */
#define AREA(field) ((int32_t)(offsetof(struct vx_vcpu, engine_area) + offsetof(struct bt_area, field)))
#define VCPU(field) ((int32_t)offsetof(struct vx_vcpu, field))

#endif
