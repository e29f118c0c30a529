/* pc_cpu.h - one processor of the machine: a row of its table.
 *
 * The machine's turn (pc_run.c) looks at posted work, timers and requests; then each processor has a turn here: events
 * into it, and its engine until somebody asks for attention. All of a machine's processors take turns on the machine
 * thread. */
#ifndef VX86_MACHINE_PC_CPU_H
#define VX86_MACHINE_PC_CPU_H

#include "lapic.h"
#include "vx86/machine.h"

#define PC_MAX_CPUS 1

struct pc_cpu {
    struct vx_machine *pc;
    unsigned number;
    struct vx_vcpu *vcpu;
    struct vx_bt_cpu *bt_cpu; /* NULL while only the interpreter has run */
    struct vx_bus *bus;       /* the machine's as this processor sees it: with its own local APIC */
    struct lapic *lapic;
    uint64_t retire_limit; /* where the engine has to stop for the machine, VX_RETIRE_NONE: nowhere */
};

/* Its view of the bus and its vCPU, of that model, number `number` of the machine. */
VX_MUST_USE vx_err pc_cpu_create(struct vx_machine *pc, unsigned number, const struct vx_cpu_model *model);
void pc_cpu_destroy(struct pc_cpu *cpu);

/* RESET# or INIT#. */
void pc_cpu_reset(struct pc_cpu *cpu, bool init);
/* Nothing but a reset can get it going again. */
bool pc_cpu_is_dead(const struct pc_cpu *cpu);

/* How a turn has ended. */
enum pc_turn {
    PC_TURN_RAN,      /* or has something left to do: the machine's turn, then another one */
    PC_TURN_HALTED,   /* it sleeps until an event */
    PC_TURN_SHUTDOWN, /* by a triple fault, until a reset */
    PC_TURN_ENDS,     /* the run ends, see *end */
};
enum pc_turn pc_cpu_turn(struct pc_cpu *cpu, enum vx_machine_end *end);

#endif
