/* cpu_private.h - what a vCPU has besides its public struct, for cpu/ only.
 *
 * vx_cpu_create() allocates a struct cpu_box; the public struct is its first member. Nothing of the rest is state of
 * the guest. */
#ifndef VX86_CPU_PRIVATE_H
#define VX86_CPU_PRIVATE_H

#include "cpu_model.h"

#define VX_RING_ENTRIES   32u /* a power of two */
#define VX_MSR_LOGGED_MAX 64u

#define CPU_CHAIN_MAX 6u

/* How the processor came to shut down: faults in the order in which they were raised. One without any: RSM of an image
 * that is not valid. */
struct cpu_chain {
    uint16_t cs;
    uint64_t eip;
    unsigned count, left_out; /* the first ones are kept, and the last in the last place */
    struct vx_fault fault[CPU_CHAIN_MAX];
};

struct cpu_box {
    struct vx_vcpu vcpu; /* first */
    struct vx_cpu_model model;
    struct vx_cpu_undefined undefined;

    /* The last instructions, written by whoever runs them; read by vx_cpu_dump(). */
    uint32_t ring_next;
    struct {
        uint64_t eip;
        uint16_t cs;
    } ring[VX_RING_ENTRIES];

    struct cpu_chain chain;

    unsigned msr_logged_count;
    uint32_t msr_logged[VX_MSR_LOGGED_MAX]; /* MSRs already reported */
};

static inline struct cpu_box *cpu_box(struct vx_vcpu *cpu)
{
    return (struct cpu_box *)cpu;
}

/* As this host's processor does (undefined.c). */
void undefined_probe(struct vx_cpu_undefined *undefined);

/* Notes that the instruction at CS:EIP is about to run; one that repeats itself is noted once. */
static inline void cpu_ring_note(struct vx_vcpu *cpu)
{
    struct cpu_box *box = cpu_box(cpu);
    uint64_t eip = cpu->rip;
    uint32_t last = (box->ring_next - 1) % VX_RING_ENTRIES;
    uint16_t cs = cpu->seg[VX_CS].sel;
    if (box->ring[last].eip == eip && box->ring[last].cs == cs)
        return;
    uint32_t at = box->ring_next++ % VX_RING_ENTRIES;
    box->ring[at].eip = eip;
    box->ring[at].cs = cs;
}

#endif
