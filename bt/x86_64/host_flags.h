/* host_flags.h - the guest's arithmetic flags between the host's and the vCPU's EFLAGS. */
#ifndef VX86_BT_HOST_FLAGS_H
#define VX86_BT_HOST_FLAGS_H

#include "vx86/vcpu.h"

void bt_flags_to_vcpu(struct vx_vcpu *vcpu);
void bt_flags_from_vcpu(struct vx_vcpu *vcpu);

#endif
