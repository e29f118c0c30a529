/* pc_stuck.c - see pc_stuck.h. Called by the run loop (pc_run.c). */
#include "pc_stuck.h"

#include "pc.h"

#define SHOWN_WHOLE 3
#define QUIET_NS    (60 * VX_NS_PER_SEC)

static void show_whole(struct pc_cpu *cpu)
{
    struct vx_machine *pc = cpu->pc;
    char text[VX_CPU_SHUTDOWN_TEXT_BYTES];
    vx_cpu_shutdown_text(cpu->vcpu, text);
    vx_log_warn(pc->log, VX_LOG_CPU, "triple fault: %s", text);
    vx_cpu_dump(cpu->vcpu);
    if (pc->bt != NULL)
        vx_log_info(pc->log, VX_LOG_CPU,
                    "of translated code, these are where it was entered, left or faulted; --engine interp shows all");
    pc->stuck.shown++;
}

/* One line for all since the last one, when that was long ago. */
static void count_one(struct vx_machine *pc)
{
    struct pc_stuck *stuck = &pc->stuck;
    stuck->untold++;
    if (vx_clock_now_ns(pc->clock) - stuck->told_ns < QUIET_NS)
        return;
    vx_log_warn(pc->log, VX_LOG_CPU, "%s%u more triple faults", stuck->loops ? "still in a boot loop: " : "",
                stuck->untold);
    stuck->untold = 0;
    stuck->told_ns = vx_clock_now_ns(pc->clock);
}

void pc_stuck_shutdown(struct pc_cpu *cpu)
{
    struct vx_machine *pc = cpu->pc;
    struct pc_stuck *stuck = &pc->stuck;
    uint64_t key = vx_cpu_shutdown_key(cpu->vcpu), written = ide_writes(pc->ide);
    bool same = stuck->has_last && key == stuck->last_key && written == stuck->written;
    bool is_news = same ? !stuck->loops : stuck->shown < SHOWN_WHOLE;
    stuck->has_last = true;
    stuck->last_key = key;
    stuck->written = written;
    stuck->loops = same;
    if (!is_news) {
        count_one(pc);
        return;
    }
    if (!same)
        show_whole(cpu);
    if (same)
        vx_log_warn(
            pc->log, VX_LOG_CPU,
            "the guest is in a boot loop: after the reset the same triple fault came again, with nothing written "
            "to a disk; from here on a line a minute (--no-reboot ends vx86 at the first)");
    else if (stuck->shown == SHOWN_WHOLE && !pc->no_reboot)
        vx_log_warn(pc->log, VX_LOG_CPU, "further triple faults are counted, in a line a minute");
    stuck->untold = 0;
    stuck->told_ns = vx_clock_now_ns(pc->clock);
}

void pc_stuck_halt(struct pc_cpu *cpu)
{
    struct pc_stuck *stuck = &cpu->pc->stuck;
    const struct vx_vcpu *vcpu = cpu->vcpu;
    uint64_t lin = vcpu->seg[VX_CS].base + vcpu->rip;
    if (stuck->has_halted && stuck->halted_lin == lin)
        return;
    stuck->has_halted = true;
    stuck->halted_lin = lin;
    vx_log_warn(cpu->pc->log, VX_LOG_CPU,
                "the guest has halted for good: HLT with interrupts off at %04x:%08x; only a reset wakes it",
                (unsigned)vcpu->seg[VX_CS].sel, (unsigned)(vcpu->rip - 1));
}
