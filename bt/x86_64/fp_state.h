/* fp_state.h - the guest's x87, MMX and SSE state between the host's registers and the vCPU. */
#ifndef VX86_BT_FP_STATE_H
#define VX86_BT_FP_STATE_H

#include "core.h"

/* Brings it home, if it is away. */
void bt_fp_home(struct vx_vcpu *vcpu);
/* Brings it into the host again, after that. */
void bt_fp_load(struct vx_vcpu *vcpu);

/* FIP as of the x87 instruction at `eip`, while the FP state is in the host. */
static inline void bt_tell_fip(struct bt_area *area, uint64_t eip)
{
    uint32_t fip = (uint32_t)eip;
    __builtin_memcpy((uint8_t *)area->fp_last + FX_FIP, &fip, sizeof fip);
}

#endif
