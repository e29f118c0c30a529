/* core.h - the translator of a machine: what its modules share.
 *
 * Data flow of one miss: run.c -> lookup.c (who has it?) -> translate.c -> decode.c (guest bytes to struct bt_insn) ->
 * x86_64/ (bt_insn to host bytes) -> code.c (where they live) -> x86_64/stubs.c (how C gets in and out).
 *
 *   I1  A unit is entered only while its mode equals the vCPU's mode and its guest bytes are those it was made from.
 *   I2  The guest's x87/MMX/SSE state is in the host's registers while area->fp_away is 0, else in vcpu->fx. */
#ifndef VX86_BT_CORE_H
#define VX86_BT_CORE_H

#include "area.h"
#include "chain.h"
#include "code.h"
#include "insn.h"
#include "jump_cache.h"
#include "lookup.h"
#include "page.h"
#include "stubs.h"

enum { CALLOUT_SAMPLE = 16 };

/* See struct vx_bt_departure; departures.c knows which of these say something for which kind. */
struct bt_departure {
    uint32_t entered, exit_eip, callout_eip, eip;
    uint32_t kind; /* enum bt_exit_kind */
    uint16_t cs;
};

struct vx_bt {
    struct vx_bt_config config;
    struct vx_vcpu *vcpu;
    struct vx_stats *stats;
    struct vx_log *log;
    struct bt_area *area;
    struct bt_decoder *decoder;

    /* code.c, cache.c */
    int cache_fd;
    uint8_t *rw, *rx; /* two views of the same bytes (I1 of code.h) */
    size_t cache_bytes;
    struct bt_segment segment[BT_SEGMENTS];
    unsigned segment_count, segment_cur;
    struct bt_stubs stub;

    /* lookup.c */
    struct bt_tu **hash;
    struct bt_seen seen;

    /* jump_cache.c */
    struct bt_jump_cache jc[BT_JC_SETS];
    struct bt_jump_cache *jc_cur;
    uint64_t jc_tick;

    /* page.c: by backing page */
    struct bt_page **pages;
    uint32_t page_count;
    bool must_exit; /* units were invalidated: leave translated code at the next chance */

    /* the state that the current entry assumes */
    uint32_t mode;
    bool fp_pointers_always;      /* the CPU model's rule, see vx_cpu_fp_pointers_always() */
    uint8_t *buffer;              /* host code under construction */
    struct cg *cg;                /* the emitters' workspace */
    struct bt_verifier *verifier; /* NULL: fragments are not verified */
    struct bt_insn insns[BT_TU_MAX];
    struct bt_share share[SHARE_SLOTS];
    bool unshared;                          /* the next unit is wanted in MODE_UNSHARED */
    uint32_t unshared_eip, unshared_misses; /* where that was last, and how often in a row */
    uint64_t rng;                           /* stress */
    uint64_t tu_limit;
    uint64_t callouts, callout_cycles, callout_device_ns; /* sampled, see bt_callout_timed() */
    uint64_t created_tsc, created_ns;                     /* what a cycle is worth */
    uint64_t evictions; /* segments evicted so far: tells whether a unit pointer may have gone */
    struct bt_exit *crossing[BT_CROSSING_BUCKETS]; /* exits chained across pages, by target page, see chain.c */
    struct bt_departure departure[VX_BT_DEPARTURES];
    uint64_t departures;  /* ever */
    uint32_t callout_eip; /* the instruction behind whose call-out translated code was left last */
};

static inline struct vx_bt *bt_of(struct vx_vcpu *vcpu)
{
    return (struct vx_bt *)(uintptr_t)bt_area(vcpu)->bt;
}
static inline struct vx_tlb *bt_tlb(struct vx_bt *bt)
{
    return bt->vcpu->mmu->tlb[vx_view_of(bt->vcpu)];
}

#endif
