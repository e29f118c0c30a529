/* pc_time.c - the machine's appointments with its clock. See pc_time.h.
 *
 *   I1  While the engine runs under a counted clock it has a limit at the first timer's count, but always room for one
 *       instruction: a guest with absurd timers gets on. */
#include "pc_time.h"

#include "pc.h"

static void arm(struct vx_machine *pc, uint64_t next_ns)
{
    pc->armed_ns = next_ns;
    vx_loop_arm(pc->loop, vx_clock_to_host_ns(pc->clock, next_ns));
}

void pc_time_arm(struct vx_machine *pc)
{
    arm(pc, vx_clock_next_ns(pc->clock));
}

void pc_time_disarm(struct vx_machine *pc)
{
    arm(pc, VX_NEVER);
}

void pc_timers_changed(struct vx_machine *pc)
{
    uint64_t next_ns = vx_clock_next_ns(pc->clock);
    if (next_ns >= pc->armed_ns)
        return;
    arm(pc, next_ns);
    if (vx_clock_is_counted(pc->clock))
        vx_vcpu_raise(pc->vcpu, VX_ATTN_WORK); /* the engine's limit is no longer right */
}

uint64_t pc_time_limit(const struct vx_machine *pc)
{
    uint64_t limit = VX_RETIRE_NONE, retired = pc->vcpu->retired;
    if (vx_clock_is_counted(pc->clock)) {
        uint64_t count = vx_clock_count_at(pc->clock, vx_clock_next_ns(pc->clock));
        limit = count < limit ? count : limit;
    }
    if (pc->hash_every != 0 && pc->hash_next < limit)
        limit = pc->hash_next;
    if (pc->stop_at != 0 && pc->stop_at < limit)
        limit = pc->stop_at;
    return limit > retired ? limit : retired + 1; /* keeps I1 */
}

void pc_time_sleep(struct vx_machine *pc)
{
    uint64_t next_ns = vx_clock_next_ns(pc->clock);
    if (vx_clock_is_counted(pc->clock) && next_ns != VX_NEVER) {
        vx_clock_skip_to(pc->clock, next_ns);
        return;
    }
    vx_loop_wait(pc->loop, vx_clock_to_host_ns(pc->clock, next_ns));
}
