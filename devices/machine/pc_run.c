/* pc_run.c - the machine's turn, and whose turn is next.
 *
 *     clear attention -> stop? -> posted work, timers -> requests (resets) -> each processor's turn (pc_cpu.c)
 *           ^                                                                              |
 *           +---------- or, where all are halted, sleep until a timer, work or a wake-up <-+
 *
 *   I1  The attention words are cleared before anything is looked at: whoever raises a bit later brings that engine
 *       back here.
 *   I2  While an engine runs, the loop's alarm is armed for the clock's first timer, or its count is the engine's
 *       limit: pc_timers_changed() keeps that true when a device arms an earlier one in the middle of an instruction.
 *       */
#include "pc.h"
#include "pc_lockstep.h"
#include "pc_time.h"

/* CMOS byte by which a BIOS tells after a processor reset whether software meant to come back from protected mode. */
#define CMOS_SHUTDOWN_STATUS 0x0F

/* ---- requests, resets ------------------------------------------------------------------------------------------- */

void pc_raise(struct vx_machine *pc, uint32_t attention)
{
    for (unsigned i = 0; i < pc->cpu_count; i++)
        vx_vcpu_raise(pc->cpu[i].vcpu, attention);
}

void pc_request(struct vx_machine *pc, uint32_t request)
{
    pc->pending |= request;
    pc_raise(pc, VX_ATTN_WORK);
}

static void kick(void *opaque)
{
    pc_raise(opaque, VX_ATTN_WORK);
}

void pc_run_attach(struct vx_machine *pc)
{
    vx_loop_set_kick(pc->loop, kick, pc);
}

void pc_run_detach(struct vx_machine *pc)
{
    vx_loop_arm(pc->loop, VX_NEVER);
    vx_loop_set_kick(pc->loop, NULL, NULL);
}

void vx_machine_reset(struct vx_machine *pc)
{
    for (unsigned i = 0; i < pc->device_count; i++)
        if (pc->devices[i].type->reset != NULL)
            pc->devices[i].type->reset(pc->devices[i].instance, VX_RESET_HOLD);
    for (unsigned i = 0; i < pc->cpu_count; i++)
        pc_cpu_reset(&pc->cpu[i], false);
    if (pc->bt != NULL)
        vx_bt_flush(pc->bt);
    for (unsigned i = 0; i < pc->device_count; i++)
        if (pc->devices[i].type->reset != NULL)
            pc->devices[i].type->reset(pc->devices[i].instance, VX_RESET_RELEASE);
    pc->pending = 0;
    pc->stats.resets++;
    pc_raise(pc, VX_ATTN_INTR | VX_ATTN_WORK);
}

/* The chips know nothing of it, and A20 stays as it is: the reset vector is there either way (pc_memory.c). */
static void init_cpu(struct pc_cpu *cpu)
{
    lapic_init(cpu->lapic);
    pc_cpu_reset(cpu, true);
}

/* Port 92h, a soft reset by CF9h, the keyboard controller and shutdown pulse INIT only. Software of the 286 age uses
 * that to leave protected mode and says so in CMOS; without that the BIOS would go on to reset the whole board, which
 * is done here. */
static bool wants_cpu_back(const struct vx_machine *pc)
{
    return rtc_get_cmos(pc->rtc, CMOS_SHUTDOWN_STATUS) != 0;
}

/* What devices asked for and is to be carried out now. INIT waits for the end of system management mode. */
static uint32_t take_requests(struct vx_machine *pc)
{
    uint32_t held = 0;
    for (unsigned i = 0; i < pc->cpu_count; i++)
        if (pc->cpu[i].vcpu->smm)
            held |= PC_REQUEST_CPU_RESET | PC_REQUEST_INIT_OF(i);
    uint32_t taken = pc->pending & ~held;
    pc->pending &= held;
    return taken;
}

/* True when what devices asked for ends the run. */
static bool carry_out_requests(struct vx_machine *pc, enum vx_machine_end *end, int *value)
{
    uint32_t pending = take_requests(pc);
    if (pending & PC_REQUEST_DEBUG_EXIT) {
        *end = VX_END_DEBUG_EXIT;
        *value = pc->debug_exit_code;
        return true;
    }
    if (pending & PC_REQUEST_POWER_OFF) {
        *end = VX_END_POWER_OFF;
        return true;
    }
    bool cpu_only = pending >= PC_REQUEST_INIT_OF(0) || ((pending & PC_REQUEST_CPU_RESET) && wants_cpu_back(pc));
    if ((pending & PC_REQUEST_RESET) || ((pending & PC_REQUEST_CPU_RESET) && !cpu_only)) {
        *end = VX_END_RESET;
        if (pc->no_reboot)
            return true;
        vx_machine_reset(pc);
        return false;
    }
    for (unsigned i = 0; i < pc->cpu_count; i++)
        if (pending & (PC_REQUEST_CPU_RESET | PC_REQUEST_INIT_OF(i)))
            init_cpu(&pc->cpu[i]);
    return false;
}

/* Triple fault; true when that ends the run. */
static bool shut_down(struct pc_cpu *cpu, enum vx_machine_end *end)
{
    struct vx_machine *pc = cpu->pc;
    if (wants_cpu_back(pc)) {
        init_cpu(cpu);
        return false;
    }
    pc_stuck_shutdown(cpu);
    *end = VX_END_TRIPLE_FAULT;
    if (pc->no_reboot)
        return true;
    vx_machine_reset(pc);
    return false;
}

/* ---- timers and sleep ------------------------------------------------------------------------------------------- */

static void run_devices(struct vx_machine *pc)
{
    enum vx_part was = vx_split_to(&pc->stats.split, VX_PART_DEVICES);
    vx_loop_run_posted(pc->loop);
    vx_clock_run(pc->clock);
    vx_split_to(&pc->stats.split, was);
}

/* All are halted; nobody wants anything. */
static bool may_sleep(const struct vx_machine *pc)
{
    for (unsigned i = 0; i < pc->cpu_count; i++)
        if (atomic_load(&pc->cpu[i].vcpu->attention) != 0 || vx_cpu_event_ready(pc->cpu[i].vcpu))
            return false;
    return true;
}

static void sleep_halted(struct vx_machine *pc)
{
    if (!may_sleep(pc))
        return;
    enum vx_part was = vx_split_to(&pc->stats.split, VX_PART_IDLE);
    pc_time_sleep(pc);
    pc->stats.halts++;
    vx_split_to(&pc->stats.split, was);
}

static bool is_dead(const struct vx_machine *pc)
{
    for (unsigned i = 0; i < pc->cpu_count; i++)
        if (!pc_cpu_is_dead(&pc->cpu[i]))
            return false;
    return true;
}

/* ---- turns ------------------------------------------------------------------------------------------------------ */

static bool stop_requested(struct vx_machine *pc, enum vx_machine_end *end, int *value)
{
    if (!atomic_exchange(&pc->stop_requested, false))
        return false;
    *end = VX_END_STOPPED;
    *value = atomic_load(&pc->stop_value);
    return true;
}

/* The machine's own; true when the run ends. */
static bool machine_turn(struct vx_machine *pc, enum vx_machine_end *end, int *value)
{
    for (unsigned i = 0; i < pc->cpu_count; i++)
        atomic_exchange(&pc->cpu[i].vcpu->attention, 0); /* I1 */
    if (stop_requested(pc, end, value))
        return true;
    run_devices(pc);
    return pc->pending != 0 && carry_out_requests(pc, end, value);
}

static enum vx_machine_end run(struct vx_machine *pc, int *value)
{
    enum vx_machine_end end;
    while (!machine_turn(pc, &end, value)) {
        unsigned halted = 0;
        for (unsigned i = 0; i < pc->cpu_count; i++) {
            enum pc_turn turn = pc_cpu_turn(&pc->cpu[i], &end);
            if (turn == PC_TURN_ENDS || (turn == PC_TURN_SHUTDOWN && shut_down(&pc->cpu[i], &end)))
                return end;
            halted += turn == PC_TURN_HALTED;
        }
        if (halted < pc->cpu_count)
            continue;
        if (is_dead(pc)) {
            if (pc->no_reboot)
                return VX_END_DEAD;
            pc_stuck_halt(&pc->cpu[0]);
        }
        sleep_halted(pc);
    }
    return end;
}

static void drain(struct vx_machine *pc)
{
    ide_drain(pc->ide);
    if (pc->floppy != NULL)
        floppy_drain(pc->floppy);
}

enum vx_machine_end vx_machine_run(struct vx_machine *pc, int *value)
{
    int ignored;
    if (value == NULL)
        value = &ignored;
    *value = 0;
    enum vx_machine_end end = run(pc, value);
    pc_time_disarm(pc);
    if (vx_clock_is_counted(pc->clock))
        pc_disk_settle(pc);
    else
        drain(pc);
    pc_lockstep_finish(pc->lockstep);
    return pc_lockstep_differs(pc->lockstep) ? VX_END_DIFFERENCE : end;
}

void vx_machine_stop(struct vx_machine *pc, int value)
{
    atomic_store(&pc->stop_value, value);
    atomic_store(&pc->stop_requested, true);
    pc_raise(pc, VX_ATTN_STOP);
    vx_loop_wake(pc->loop);
}
