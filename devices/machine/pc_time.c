/* pc_time.c - the machine's appointments with its clock. See pc_time.h.
 *
 *   I1  While the engine runs under a counted clock it has a limit at the first timer's count, but always room for one
 *       instruction: a guest with absurd timers gets on. */
#include "pc_time.h"

#include <inttypes.h>

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
        pc_raise(pc, VX_ATTN_WORK); /* the engine's limit is no longer right */
}

uint64_t pc_time_limit(const struct pc_cpu *cpu)
{
    const struct vx_machine *pc = cpu->pc;
    uint64_t limit = VX_RETIRE_NONE, retired = cpu->vcpu->retired;
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

bool pc_time_is_up(struct vx_machine *pc)
{
    uint64_t retired = pc->cpu[0].vcpu->retired;
    if (pc->hash_every != 0 && retired >= pc->hash_next) {
        vx_log_info(pc->log, VX_LOG_CPU, "state after %" PRIu64 " instructions, %" PRIu64 " ns: %016" PRIx64, retired,
                    vx_clock_now_ns(pc->clock), vx_machine_state_hash(pc));
        pc->hash_next = retired - retired % pc->hash_every + pc->hash_every;
    }
    return pc->stop_at != 0 && retired >= pc->stop_at;
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
