/* core.h - the translator of a machine, and what it has for each processor.
 *
 * Data flow of one miss: run.c -> lookup.c (who has it?) -> translate.c -> decode.c (guest bytes to struct bt_insn) ->
 * host.h (bt_insn to host bytes) -> code.c (where they live) -> host.h again (how C gets in and out).
 *
 *   I1  A unit is entered only while its mode equals the vCPU's mode and its guest bytes are those it was made from.
 *   I2  Units and their code belong to the machine, and any of its processors may enter them. What takes a unit or a
 *       mapping away tells all that have to leave (must_exit). */
#ifndef VX86_BT_CORE_H
#define VX86_BT_CORE_H

#include "area.h"
#include "chain.h"
#include "code.h"
#include "cold.h"
#include "host.h"
#include "insn.h"
#include "jump_cache.h"
#include "lookup.h"
#include "page.h"
#include "window.h"

struct vx_bt {
    struct vx_bt_config config; /* defaults filled in */
    struct vx_stats *stats;     /* of units */
    struct vx_log *log;
    struct vx_bt_cpu *cpus; /* list */
    struct bt_host *host;
    struct bt_code code;
    struct bt_lookup lookup;
    struct bt_cold cold;
    struct bt_chains chains;
    struct bt_pages pages;
    struct bt_decoder *decoder;
    struct bt_draft draft;        /* of the unit that is being made, */
    struct bt_fragment fragment;  /* and its code */
    struct bt_verifier *verifier; /* NULL: fragments are not verified */
    uint64_t evictions;           /* segments evicted so far: tells whether a unit pointer may have gone */
};

/* See struct vx_bt_departure; departures.c knows which of these say something for which kind. */
struct bt_departure {
    uint64_t entered, exit_eip, callout_eip, eip;
    uint32_t kind; /* enum bt_exit_kind */
    uint16_t cs;
};

struct bt_departures {
    struct bt_departure entry[VX_BT_DEPARTURES];
    uint64_t count;       /* ever */
    uint64_t callout_eip; /* the instruction behind whose call-out translated code was left last */
};

struct vx_bt_cpu {
    struct vx_bt *bt;
    struct vx_bt_cpu *next;
    struct vx_vcpu *vcpu;
    struct vx_stats *stats; /* the vCPU's */
    struct bt_area *area;
    uint32_t mode;           /* that the current entry assumes */
    bool fp_pointers_always; /* see struct bt_draft */
    bool must_exit;          /* units were invalidated: leave translated code at the next chance */
    struct {
        bool wanted;     /* the next unit is, in MODE_UNSHARED */
        uint64_t eip;    /* where that was last, */
        uint32_t misses; /* and how often in a row */
    } unshared;
    struct bt_jump_caches jc;
    bool windows;          /* there are some for this processor, see window.h */
    const uint8_t *window; /* that the host's base register is set to, NULL: not known */
    struct bt_window_fault window_fault;
    uint8_t window_raised[BT_WINDOW_RAISED]; /* guest faults behind them, by a hash of the instruction's place */
    uint64_t rng;                            /* stress */
    struct bt_departures departures;
};

static inline struct vx_bt_cpu *bt_cpu_of(struct vx_vcpu *vcpu)
{
    return (struct vx_bt_cpu *)(uintptr_t)bt_area(vcpu)->cpu;
}
static inline struct vx_tlb *bt_tlb(const struct vx_bt_cpu *cpu)
{
    return cpu->vcpu->mmu->tlb[vx_view_of(cpu->vcpu)];
}

#endif
