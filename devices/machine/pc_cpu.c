/* pc_cpu.c - a processor's turn, and what it asks of the machine meanwhile. See pc_cpu.h.
 *
 *     events into the CPU -> the debugger's word -> engine (translator or interpreter) until attention, halt, shutdown
 */
#include "pc_cpu.h"

#include "pc.h"
#include "pc_lockstep.h"
#include "pc_time.h"

/* So many instructions may pass before the interpreter looks at the clock, should the alarm fail. */
#define INTERP_BUDGET (1u << 24)

_Static_assert(PC_TSC_HZ == VX_NS_PER_SEC, "the TSC is the clock in nanoseconds");

/* ---- what the CPU asks of the machine --------------------------------------------------------------------------- */

static uint32_t port_read(void *opaque, uint16_t port, unsigned size)
{
    struct pc_cpu *cpu = opaque;
    struct vx_machine *pc = cpu->pc;
    enum vx_part was = vx_split_to(&pc->stats.split, VX_PART_DEVICES);
    pc->asking = cpu;
    uint32_t value = (uint32_t)vx_bus_read(cpu->bus, VX_SPACE_IO, port, size);
    pc_debug_access(pc, VX_SPACE_IO, port, size, false, value);
    pc_timers_changed(pc);
    vx_split_to(&pc->stats.split, was);
    return value;
}

static void port_write(void *opaque, uint16_t port, unsigned size, uint32_t value)
{
    struct pc_cpu *cpu = opaque;
    struct vx_machine *pc = cpu->pc;
    enum vx_part was = vx_split_to(&pc->stats.split, VX_PART_DEVICES);
    pc_debug_access(pc, VX_SPACE_IO, port, size, true, value);
    vx_bus_write(cpu->bus, VX_SPACE_IO, port, size, value);
    pc_timers_changed(pc);
    vx_split_to(&pc->stats.split, was);
}

static size_t port_read_block(void *opaque, uint16_t port, unsigned size, void *buf, size_t count)
{
    struct pc_cpu *cpu = opaque;
    struct vx_machine *pc = cpu->pc;
    enum vx_part was = vx_split_to(&pc->stats.split, VX_PART_DEVICES);
    size_t done = vx_bus_read_block(cpu->bus, port, size, buf, count);
    if (done != 0)
        pc_debug_access(pc, VX_SPACE_IO, port, size, false, 0);
    pc_timers_changed(pc);
    vx_split_to(&pc->stats.split, was);
    return done;
}

static size_t port_write_block(void *opaque, uint16_t port, unsigned size, const void *buf, size_t count)
{
    struct pc_cpu *cpu = opaque;
    struct vx_machine *pc = cpu->pc;
    enum vx_part was = vx_split_to(&pc->stats.split, VX_PART_DEVICES);
    size_t done = vx_bus_write_block(cpu->bus, port, size, buf, count);
    if (done != 0)
        pc_debug_access(pc, VX_SPACE_IO, port, size, true, 0);
    pc_timers_changed(pc);
    vx_split_to(&pc->stats.split, was);
    return done;
}

static int ack_interrupt(void *opaque)
{
    return lapic_ack(((struct pc_cpu *)opaque)->lapic);
}

/* Entropy of the host; with a counted clock a run has to come again, so a number that follows from the instruction
 * count, scrambled as SplitMix64 does. */
static uint64_t random_number(const struct pc_cpu *cpu)
{
    if (!vx_clock_is_counted(cpu->pc->clock))
        return vx_host_random();
    uint64_t z = (cpu->vcpu->retired + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static uint64_t input(void *opaque, enum vx_vcpu_input what)
{
    struct pc_cpu *cpu = opaque;
    switch (what) {
    case VX_INPUT_RANDOM: return random_number(cpu);
    case VX_INPUT_TSC: return vx_clock_now_ns(cpu->pc->clock);
    case VX_INPUT_IGNNE: return fpu_error_ignne(cpu->pc->fpu_error);
    case VX_INPUT_TSC_DEADLINE: return lapic_tsc_deadline(cpu->lapic);
    }
    return 0;
}

static void apic_base(void *opaque, uint64_t value)
{
    lapic_set_base(((struct pc_cpu *)opaque)->lapic, value);
}

static void set_tsc_deadline(void *opaque, uint64_t deadline, uint64_t offset)
{
    struct pc_cpu *cpu = opaque;
    lapic_set_tsc_deadline(cpu->lapic, deadline, offset);
    pc_timers_changed(cpu->pc);
}

static void ferr(void *opaque, bool level)
{
    fpu_error_set_ferr(((struct pc_cpu *)opaque)->pc->fpu_error, level);
}

static void smiact(void *opaque, bool active)
{
    i440fx_set_smiact(((struct pc_cpu *)opaque)->pc->bridge, active);
}

static const struct vx_vcpu_ops cpu_ops = {
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

/* ---- life and reset --------------------------------------------------------------------------------------------- */

vx_err pc_cpu_create(struct vx_machine *pc, unsigned number, const struct vx_cpu_model *model)
{
    struct pc_cpu *cpu = &pc->cpu[number];
    *cpu = (struct pc_cpu){ .pc = pc, .number = number, .retire_limit = VX_RETIRE_NONE };
    VX_TRY(vx_bus_create_view(pc->bus, &cpu->bus));
    return vx_cpu_create(&(struct vx_cpu_config){ .log = pc->log,
                                                  .stats = &pc->stats,
                                                  .pmap = pc->pmap,
                                                  .number = number,
                                                  .ops = &cpu_ops,
                                                  .ops_opaque = cpu,
                                                  .model = model },
                         &cpu->vcpu);
}

void pc_cpu_destroy(struct pc_cpu *cpu)
{
    vx_cpu_destroy(cpu->vcpu);
    vx_bus_destroy(cpu->bus);
}

void pc_cpu_reset(struct pc_cpu *cpu, bool init)
{
    pc_lockstep_reset_cpu(cpu->pc->lockstep, init);
    vx_cpu_reset(cpu->vcpu, init);
}

bool pc_cpu_is_dead(const struct pc_cpu *cpu)
{
    const struct vx_vcpu *vcpu = cpu->vcpu;
    return !vcpu->iflag && !vcpu->nmi_pending && !lapic_can_nmi(cpu->lapic) && !ioapic_can_nmi(cpu->pc->ioapic);
}

/* ---- a turn ----------------------------------------------------------------------------------------------------- */

static void take_events(struct pc_cpu *cpu)
{
    struct vx_machine *pc = cpu->pc;
    if (vx_debug_events_held(pc->debug))
        return;
    if (pc->lockstep != NULL)
        pc_lockstep_take_events(pc->lockstep);
    else
        vx_cpu_take_events(cpu->vcpu);
}

static void set_retire_limit(struct pc_cpu *cpu)
{
    uint64_t mine = pc_time_limit(cpu), debuggers = vx_debug_limit(cpu->pc->debug);
    cpu->vcpu->retire_limit = cpu->retire_limit = mine < debuggers ? mine : debuggers;
}

/* The one instruction in the shadow of STI or MOV SS comes first, whoever asks for attention. */
static void step_over_shadow(struct pc_cpu *cpu)
{
    if (cpu->pc->lockstep != NULL)
        pc_lockstep_step(cpu->pc->lockstep);
    else
        vx_interp_step(cpu->vcpu);
}

static void run_interpreter(struct pc_cpu *cpu)
{
    enum vx_part was = vx_split_to(&cpu->pc->stats.split, VX_PART_INTERPRETER);
    vx_interp_run(cpu->vcpu, INTERP_BUDGET);
    vx_split_to(&cpu->pc->stats.split, was);
}

static void run_engine(struct pc_cpu *cpu)
{
    struct vx_machine *pc = cpu->pc;
    if (pc->lockstep != NULL)
        pc_lockstep_run(pc->lockstep, cpu->retire_limit);
    else if (pc->engine == VX_ENGINE_BT)
        vx_bt_run(cpu->bt_cpu);
    else
        run_interpreter(cpu);
}

static void execute(struct pc_cpu *cpu, enum vx_debug_go go)
{
    pc_time_arm(cpu->pc);
    if (go == VX_GO_STEP) {
        pc_debug_step(cpu);
        return;
    }
    pc_debug_count(cpu->pc);
    set_retire_limit(cpu);
    if (cpu->vcpu->inhibit != VX_INHIBIT_NONE && atomic_load(&cpu->vcpu->attention) != 0)
        step_over_shadow(cpu);
    else
        run_engine(cpu);
}

enum pc_turn pc_cpu_turn(struct pc_cpu *cpu, enum vx_machine_end *end)
{
    struct vx_machine *pc = cpu->pc;
    take_events(cpu);
    if (pc_lockstep_differs(pc->lockstep)) {
        *end = VX_END_DIFFERENCE;
        return PC_TURN_ENDS;
    }
    if (pc_time_is_up(pc)) {
        *end = VX_END_STOPPED;
        return PC_TURN_ENDS;
    }
    enum vx_debug_go go = vx_debug_boundary(pc->debug);
    if (go == VX_GO_LEAVE)
        return PC_TURN_RAN;
    if (cpu->vcpu->shutdown)
        return PC_TURN_SHUTDOWN;
    if (cpu->vcpu->halted)
        return PC_TURN_HALTED;
    execute(cpu, go);
    return PC_TURN_RAN;
}
