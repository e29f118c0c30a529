/* event.h - delivery of one interrupt or exception through the IVT or IDT. */
#ifndef VX86_CPU_EVENT_H
#define VX86_CPU_EVENT_H

#include "fault.h"

struct event {
    uint8_t vector;
    bool software; /* INT n, INT3, INTO: the gate's DPL counts, EXT stays clear */
    bool has_error;
    uint32_t error;
    uint64_t eip;    /* return address */
    uint32_t eflags; /* image for the stack */
};

/* Enters the handler. False: mmu->fault says what went wrong on the way and nothing has changed, except after a task
 * switch (see task_switch). */
bool event_deliver(struct vx_vcpu *cpu, const struct event *event);

#endif
