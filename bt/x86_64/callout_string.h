/* callout_string.h - REP MOVS and REP STOS in C. */
#ifndef VX86_BT_CALLOUT_STRING_H
#define VX86_BT_CALLOUT_STRING_H

#include "vx86/vcpu.h"

/* `info` as in callout.h; the instruction of so many bytes is at `eip`. True when the whole of it is done. */
bool bt_rep_fast(struct vx_vcpu *vcpu, uint64_t info, uint64_t eip, uint32_t bytes);

#endif
