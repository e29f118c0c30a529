/* state.h - the mode, and what translated code sees of the vCPU. */
#ifndef VX86_BT_STATE_H
#define VX86_BT_STATE_H

#include "core.h"

uint32_t bt_mode_of(const struct vx_vcpu *vcpu);
/* Brings area and bt->mode up to date with the vCPU, whose bt_mode_of() is `mode`, before translated code runs. */
void bt_sync(struct vx_bt_cpu *cpu, uint32_t mode);
/* The part of it that a segment load can change. */
void bt_sync_segments(struct vx_bt_cpu *cpu);
/* The part of it that the machine can change at a port or in memory. */
void bt_sync_intr(struct vx_bt_cpu *cpu);

#endif
