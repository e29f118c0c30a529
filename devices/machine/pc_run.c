/* pc_run.c - the machine thread's loop.
 *
 *     clear attention -> stop or end? -> posted work, timers -> requests (resets) -> events into the CPU
 *           ^                                                                              |
 *           |                                            halted: sleep until a timer, work or a wake-up
 *           +---- attention, halt, shutdown ---- engine (translator or interpreter) <------+
 *
 *   I1  The attention word is cleared before anything is looked at: whoever raises a bit later brings the engine
 *       back here.
 *   I2  While the engine runs, the loop's ticker is armed for the clock's first timer, or its count is the engine's
 *       limit: pc_timers_changed() keeps that true when a device arms an earlier one in the middle of an instruction.
 *       */
#include <inttypes.h>

#include "pc.h"
#include "pc_lockstep.h"
#include "pc_time.h"

/* CMOS byte by which a BIOS tells after a processor reset whether software meant to come back from protected mode. */
#define CMOS_SHUTDOWN_STATUS 0x0F
/* So many instructions may pass before the interpreter looks at the clock, should the ticker fail. */
#define INTERP_BUDGET        (1u << 24)

/* A guest may fault and reboot for ever: the log has the first few. */
#define TRIPLE_FAULTS_SHOWN 3

_Static_assert(PC_TSC_HZ == VX_NS_PER_SEC, "the TSC is the clock in nanoseconds");

/* ---- what the CPU asks of the machine --------------------------------------------------------------------------- */

static uint32_t port_read(void *opaque, uint16_t port, unsigned size)
{
    struct vx_machine *pc = opaque;
    uint64_t begun = pc_access_begin(pc);
    uint32_t value = (uint32_t)vx_bus_read(pc->bus, VX_SPACE_IO, port, size);
    pc_debug_access(pc, VX_SPACE_IO, port, size, false, value);
    pc_timers_changed(pc);
    pc_access_end(pc, begun);
    return value;
}

static void port_write(void *opaque, uint16_t port, unsigned size, uint32_t value)
{
    struct vx_machine *pc = opaque;
    uint64_t begun = pc_access_begin(pc);
    pc_debug_access(pc, VX_SPACE_IO, port, size, true, value);
    vx_bus_write(pc->bus, VX_SPACE_IO, port, size, value);
    pc_timers_changed(pc);
    pc_access_end(pc, begun);
}

static size_t port_read_block(void *opaque, uint16_t port, unsigned size, void *buf, size_t count)
{
    struct vx_machine *pc = opaque;
    uint64_t start = vx_host_now_ns();
    size_t done = vx_bus_read_block(pc->bus, port, size, buf, count);
    if (done != 0)
        pc_debug_access(pc, VX_SPACE_IO, port, size, false, 0);
    pc_timers_changed(pc);
    pc->stats.time_devices_ns += vx_host_now_ns() - start;
    return done;
}

static size_t port_write_block(void *opaque, uint16_t port, unsigned size, const void *buf, size_t count)
{
    struct vx_machine *pc = opaque;
    uint64_t start = vx_host_now_ns();
    size_t done = vx_bus_write_block(pc->bus, port, size, buf, count);
    if (done != 0)
        pc_debug_access(pc, VX_SPACE_IO, port, size, true, 0);
    pc_timers_changed(pc);
    pc->stats.time_devices_ns += vx_host_now_ns() - start;
    return done;
}

static int ack_interrupt(void *opaque)
{
    return lapic_ack(((struct vx_machine *)opaque)->lapic);
}

/* Entropy of the host; with a counted clock a run has to come again, so a number that follows from the instruction
 * count, scrambled as SplitMix64 does. */
static uint64_t random_number(const struct vx_machine *pc)
{
    if (!vx_clock_is_counted(pc->clock))
        return vx_host_random();
    uint64_t z = (pc->vcpu->retired + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static uint64_t input(void *opaque, enum vx_vcpu_input what)
{
    struct vx_machine *pc = opaque;
    switch (what) {
    case VX_INPUT_RANDOM: return random_number(pc);
    case VX_INPUT_TSC: return vx_clock_now_ns(pc->clock);
    case VX_INPUT_TSC_DEADLINE: return lapic_tsc_deadline(pc->lapic);
    }
    return 0;
}

static void apic_base(void *opaque, uint64_t value)
{
    lapic_set_base(((struct vx_machine *)opaque)->lapic, value);
}

static void set_tsc_deadline(void *opaque, uint64_t deadline, uint64_t offset)
{
    struct vx_machine *pc = opaque;
    lapic_set_tsc_deadline(pc->lapic, deadline, offset);
    pc_timers_changed(pc);
}

static void ferr(void *opaque, bool level)
{
    fpu_error_set_ferr(((struct vx_machine *)opaque)->fpu_error, level);
}

static void smiact(void *opaque, bool active)
{
    i440fx_set_smiact(((struct vx_machine *)opaque)->bridge, active);
}

const struct vx_vcpu_ops pc_vcpu_ops = {
    .port_read = port_read,
    .port_write = port_write,
    .port_read_block = port_read_block,
    .port_write_block = port_write_block,
    .ack_interrupt = ack_interrupt,
    .input = input,
    .apic_base = apic_base,
    .set_tsc_deadline = set_tsc_deadline,
    .ferr = ferr,
    .smiact = smiact,
};

/* ---- requests, resets ------------------------------------------------------------------------------------------- */

void pc_request(struct vx_machine *pc, enum pc_request request)
{
    pc->pending |= request;
    vx_vcpu_raise(pc->vcpu, VX_ATTN_WORK);
}

static void kick(void *opaque)
{
    vx_vcpu_raise(((struct vx_machine *)opaque)->vcpu, VX_ATTN_WORK);
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

static void reset_cpu(struct vx_machine *pc, bool init)
{
    pc_lockstep_reset_cpu(pc->lockstep, init);
    vx_cpu_reset(pc->vcpu, init);
}

void vx_machine_reset(struct vx_machine *pc)
{
    for (unsigned i = 0; i < pc->device_count; i++)
        if (pc->devices[i].type->reset != NULL)
            pc->devices[i].type->reset(pc->devices[i].instance, VX_RESET_HOLD);
    vx_pmap_set_a20(pc->pmap, true);
    reset_cpu(pc, false);
    if (pc->bt != NULL)
        vx_bt_flush(pc->bt);
    for (unsigned i = 0; i < pc->device_count; i++)
        if (pc->devices[i].type->reset != NULL)
            pc->devices[i].type->reset(pc->devices[i].instance, VX_RESET_RELEASE);
    pc->pending = 0;
    vx_vcpu_raise(pc->vcpu, VX_ATTN_INTR | VX_ATTN_WORK);
}

/* The A20 gate opens with it, or the processor would not find the reset vector. */
static void init_cpu(struct vx_machine *pc)
{
    vx_pmap_set_a20(pc->pmap, true);
    i8042_a20_moved(pc->i8042, true);
    lapic_init(pc->lapic);
    reset_cpu(pc, true);
}

/* Port 92h, a soft reset by CF9h, the keyboard controller and shutdown pulse INIT only. Software of the 286 age uses
 * that to leave protected mode and says so in CMOS; without that the BIOS would go on to reset the whole board, which
 * is done here. */
static bool wants_cpu_back(const struct vx_machine *pc)
{
    return rtc_get_cmos(pc->rtc, CMOS_SHUTDOWN_STATUS) != 0;
}

/* Carries out what devices asked for; true when that ends the run. */
static bool carry_out_requests(struct vx_machine *pc, enum vx_machine_end *end, int *value)
{
    /* INIT waits for the end of system management mode. */
    uint32_t held = pc->vcpu->smm ? PC_REQUEST_CPU_RESET | PC_REQUEST_APIC_INIT : 0;
    uint32_t pending = pc->pending & ~held;
    pc->pending &= held;
    if (pending & PC_REQUEST_DEBUG_EXIT) {
        *end = VX_END_DEBUG_EXIT;
        *value = pc->debug_exit_code;
        return true;
    }
    if (pending & PC_REQUEST_POWER_OFF) {
        *end = VX_END_POWER_OFF;
        return true;
    }
    bool cpu_only = (pending & PC_REQUEST_APIC_INIT) || ((pending & PC_REQUEST_CPU_RESET) && wants_cpu_back(pc));
    if ((pending & PC_REQUEST_RESET) || ((pending & PC_REQUEST_CPU_RESET) && !cpu_only)) {
        *end = VX_END_RESET;
        if (pc->no_reboot)
            return true;
        vx_machine_reset(pc);
    } else if (cpu_only) {
        init_cpu(pc);
    }
    return false;
}

static void show_triple_fault(struct vx_machine *pc)
{
    vx_log_warn(pc->log, VX_LOG_CPU, "triple fault");
    vx_cpu_dump(pc->vcpu);
    if (pc->bt != NULL)
        vx_log_info(pc->log, VX_LOG_CPU,
                    "of translated code, these are where it was entered, left or faulted; --engine interp shows all");
    if (++pc->triple_faults == TRIPLE_FAULTS_SHOWN)
        vx_log_warn(pc->log, VX_LOG_CPU, "further triple faults are not shown");
}

/* Triple fault; true when that ends the run. */
static bool shut_down(struct vx_machine *pc, enum vx_machine_end *end)
{
    if (wants_cpu_back(pc)) {
        init_cpu(pc);
        return false;
    }
    if (pc->triple_faults < TRIPLE_FAULTS_SHOWN)
        show_triple_fault(pc);
    *end = VX_END_TRIPLE_FAULT;
    if (pc->no_reboot)
        return true;
    vx_machine_reset(pc);
    return false;
}

/* ---- timers and sleep ------------------------------------------------------------------------------------------- */

static void run_devices(struct vx_machine *pc)
{
    uint64_t start = vx_host_now_ns();
    vx_loop_run_posted(pc->loop);
    vx_clock_run(pc->clock);
    pc->stats.time_devices_ns += vx_host_now_ns() - start;
}

/* Nothing but a reset can get the processor going again. */
static bool is_dead(const struct vx_machine *pc)
{
    const struct vx_vcpu *vcpu = pc->vcpu;
    return !vcpu->iflag && !vcpu->nmi_pending && !lapic_can_nmi(pc->lapic) && !ioapic_can_nmi(pc->ioapic);
}

static void sleep_halted(struct vx_machine *pc)
{
    if (atomic_load(&pc->vcpu->attention) != 0 || vx_cpu_event_ready(pc->vcpu))
        return;
    uint64_t start = vx_host_now_ns();
    pc_time_sleep(pc);
    pc->stats.halts++;
    pc->stats.time_idle_ns += vx_host_now_ns() - start;
}

/* ---- the loop --------------------------------------------------------------------------------------------------- */

static uint64_t time_elsewhere(const struct vx_stats *stats)
{
    return stats->time_devices_ns + stats->time_translator_ns + stats->time_callouts_ns;
}

static void set_retire_limit(struct vx_machine *pc)
{
    uint64_t mine = pc_time_limit(pc), debuggers = vx_debug_limit(pc->debug);
    pc->vcpu->retire_limit = pc->retire_limit = mine < debuggers ? mine : debuggers;
}

static void run_engine(struct vx_machine *pc, enum vx_debug_go go)
{
    struct vx_vcpu *vcpu = pc->vcpu;
    pc_time_arm(pc);
    if (go == VX_GO_STEP) {
        pc_debug_step(pc);
        return;
    }
    pc_debug_count(pc);
    set_retire_limit(pc);
    if (vcpu->inhibit != VX_INHIBIT_NONE && atomic_load(&vcpu->attention) != 0) {
        if (pc->lockstep != NULL)
            pc_lockstep_step(pc->lockstep);
        else
            vx_interp_step(vcpu); /* the one instruction in the shadow of STI or MOV SS comes first */
        return;
    }
    uint64_t start = vx_host_now_ns(), elsewhere = time_elsewhere(&pc->stats);
    if (pc->lockstep != NULL)
        pc_lockstep_run(pc->lockstep);
    else if (pc->engine == VX_ENGINE_BT)
        vx_bt_run(pc->bt_cpu);
    else
        vx_interp_run(vcpu, INTERP_BUDGET);
    uint64_t total = vx_host_now_ns() - start, other = time_elsewhere(&pc->stats);
    other = other > elsewhere ? other - elsewhere : 0; /* an estimate, which may have fallen */
    pc->stats.time_translated_ns += total > other ? total - other : 0;
}

static bool stop_requested(struct vx_machine *pc, enum vx_machine_end *end, int *value)
{
    if (!atomic_exchange(&pc->stop_requested, false))
        return false;
    *end = VX_END_STOPPED;
    *value = atomic_load(&pc->stop_value);
    return true;
}

static void take_events(struct vx_machine *pc)
{
    if (vx_debug_events_held(pc->debug))
        return;
    if (pc->lockstep != NULL)
        pc_lockstep_take_events(pc->lockstep);
    else
        vx_cpu_take_events(pc->vcpu);
}

/* The hash's line when its count has come; true when the run's end has. */
static bool at_count(struct vx_machine *pc)
{
    uint64_t retired = pc->vcpu->retired;
    if (pc->hash_every != 0 && retired >= pc->hash_next) {
        vx_log_info(pc->log, VX_LOG_CPU, "state after %" PRIu64 " instructions, %" PRIu64 " ns: %016" PRIx64, retired,
                    vx_clock_now_ns(pc->clock), vx_machine_state_hash(pc));
        pc->hash_next = retired - retired % pc->hash_every + pc->hash_every;
    }
    return pc->stop_at != 0 && retired >= pc->stop_at;
}

static enum vx_machine_end run(struct vx_machine *pc, int *value)
{
    struct vx_vcpu *vcpu = pc->vcpu;
    enum vx_machine_end end;
    for (;;) {
        atomic_exchange(&vcpu->attention, 0); /* I1 */
        if (stop_requested(pc, &end, value))
            return end;
        run_devices(pc);
        if (pc->pending != 0 && carry_out_requests(pc, &end, value))
            return end;
        take_events(pc);
        if (pc_lockstep_differs(pc->lockstep))
            return VX_END_DIFFERENCE;
        if (at_count(pc))
            return VX_END_STOPPED;
        enum vx_debug_go go = vx_debug_boundary(pc->debug);
        if (go == VX_GO_LEAVE)
            continue;
        if (vcpu->shutdown) {
            if (shut_down(pc, &end))
                return end;
        } else if (!vcpu->halted) {
            run_engine(pc, go);
        } else if (pc->no_reboot && is_dead(pc)) {
            return VX_END_DEAD;
        } else {
            sleep_halted(pc);
        }
    }
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
        ide_drain(pc->ide);
    pc_lockstep_finish(pc->lockstep);
    return pc_lockstep_differs(pc->lockstep) ? VX_END_DIFFERENCE : end;
}

void vx_machine_stop(struct vx_machine *pc, int value)
{
    atomic_store(&pc->stop_value, value);
    atomic_store(&pc->stop_requested, true);
    vx_vcpu_raise(pc->vcpu, VX_ATTN_STOP);
    vx_loop_wake(pc->loop);
}
