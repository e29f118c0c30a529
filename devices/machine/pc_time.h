/* pc_time.h - when the engine has to come back: by a ticker in the host's time, or, with a counted clock, at an
 * instruction count.
 *
 * With a counted clock nothing that the guest can see depends on the host: timers fire at the boundary where their time
 * has come, HLT skips to the next one, disks answer after a fixed time of the guest (pc_disk_time.c), whatever the host
 * needs. What comes from outside (keys, serial input, a signal) still comes when it comes. */
#ifndef VX86_MACHINE_PC_TIME_H
#define VX86_MACHINE_PC_TIME_H

#include "device.h"
#include "pc_cpu.h"
#include "vx86/machine.h"

/* Arms for the clock's first timer; before the engine runs. */
void pc_time_arm(struct vx_machine *pc);
/* No ticker any more. */
void pc_time_disarm(struct vx_machine *pc);
/* The instruction count at which the processor's engine has to come back for a timer, a hash or the end. */
uint64_t pc_time_limit(const struct pc_cpu *cpu);
/* Logs the hash's line when its count has come; true when the run's end has. Counts are the first processor's. */
bool pc_time_is_up(struct vx_machine *pc);
/* All processors are halted and no event waits: sleeps, or skips, to the next timer. */
void pc_time_sleep(struct vx_machine *pc);

/* pc_disk_time.c: the drive's medium as the machine's disks see it; the medium itself with a real clock. `drive` below
 * PC_DISKS. NULL when out of memory. What it leaves in timed_disk[] is a device of the type below, older than the
 * drive. */
struct vx_block *pc_disk_timed(struct vx_machine *pc, unsigned drive, struct vx_block *medium);
/* The drive's medium is another one from the next request on. Returns it as the machine's disks see it. */
struct vx_block *pc_disk_change(struct vx_machine *pc, unsigned drive, struct vx_block *medium);
/* Waits until the host has done what was asked of it; the guest learns of it at its time. */
void pc_disk_settle(struct vx_machine *pc);
/* From now on disks answer at once: before they are taken apart. */
void pc_disk_release(struct vx_machine *pc);
extern const struct device_type pc_timed_disk_type;

#endif
