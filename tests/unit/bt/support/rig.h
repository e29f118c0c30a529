/* rig.h - a bare vCPU with memory, ports that answer by formula and, if asked for, a translator: the machine of the
 * translator's tests.
 *
 * A write to port 92h moves the A20 gate (bit 1), one to 70h raises INTR with the vector written, one to 71h raises
 * NMI, one to B2h SMI. Else nothing interrupts by itself. Thread rule: one thread, but rig_interrupt_soon(). */
#ifndef VX86_TESTS_BT_RIG_H
#define VX86_TESTS_BT_RIG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vx86/bt.h"

enum { RIG_RAM = 0x110000, RIG_PAGES = RIG_RAM / VX_PAGE_BYTES };
/* Everything that there is. */
#define RIG_CPU "default,+smap"
enum { RIG_PORT_INTR = 0x70, RIG_PORT_NMI = 0x71, RIG_PORT_A20 = 0x92, RIG_PORT_SMI = 0xB2 };

struct rig {
    struct vx_log *log;
    struct vx_stats stats;
    struct vx_pmap *pmap;
    struct vx_vcpu *vcpu;
    struct vx_bt *bt; /* NULL: interpreter */
    struct vx_bt_cpu *cpu;
    timer_t watchdog;    /* raises VX_ATTN_STOP: the run has taken too long */
    bool tsc_counts;     /* the TSC is the number of instructions, else it stands still */
    int vector;          /* what the fake PIC answers at INTA; -1: no interrupt pending */
    _Atomic bool wanted; /* an interrupt is to be raised at the next attention */
    uint64_t interrupts; /* delivered so far */
    uint64_t slice;      /* instructions after which the translator is stopped and gone on with, exactly; 0: never */
    bool units;          /* the translator comes back after each unit */
    bool exact;          /* vcpu->retired is exact */
    uint64_t retired;    /* instructions of the last rig_run() */
};

/* options NULL: the interpreter is the engine. */
void rig_create(struct rig *rig, const struct vx_bt_config *options);
/* The same, but translations are verified only if the options say so. */
void rig_create_plain(struct rig *rig, const struct vx_bt_config *options);
void rig_destroy(struct rig *rig);

/* The attention word gets VX_ATTN_STOP after so many milliseconds of CPU time; 0: no more. */
void rig_watchdog(struct rig *rig, unsigned ms);

/* From any thread: raises the INTR line with `rig->vector` when the machine thread next looks. */
void rig_interrupt_soon(struct rig *rig);

enum rig_end {
    RIG_HALT,
    RIG_SHUTDOWN,
    RIG_ENDLESS, /* more than `max_insns` (interpreter) or RIG_SECONDS (translator) */
};
enum { RIG_SECONDS = 5 };

/* Runs from the present state, taking interrupts as a machine does, until the CPU halts with nothing to wake it. */
enum rig_end rig_run(struct rig *rig, uint64_t max_insns);

#endif
