/* area.h - what translated code reads and writes of its processor, besides the vCPU: lives in vcpu->engine_area. */
#ifndef VX86_BT_AREA_H
#define VX86_BT_AREA_H

#include "vx86/vcpu.h"

struct bt_area {
    uint64_t poll_ptr;    /* loaded through at back edges; poisoned to ask for attention */
    uint64_t if_poll_ptr; /* the same, after IF may have become 1: also poisoned while INTR is up */
    uint64_t jc_base;     /* jump cache of the current mode; poisonable too */
    uint64_t jc_base_real;
    uint64_t host_rsp;
    uint64_t tlb;     /* struct vx_tlb of the current privilege view */
    uint64_t fp_away; /* 0: the guest's x87, MMX and SSE state is in the host's registers, else in vcpu->fx */
    /* FOP, FIP, FCS, FDP, FDS of the last x87 instruction while the state is in the host, where the host's own would be
     * of the translator's code: the first 24 bytes of an FXSAVE image. fp_last is what translated code keeps
     * (emit_x87.c), fp_kept what the guest had when the state was loaded. */
    uint64_t fp_last[3], fp_kept[3];
    uint64_t entries, jc_hits;      /* counted in SSE registers that the guest does not have; here while C runs */
    uint64_t exit_value, exit_kind; /* why translated code was left: enum bt_exit_kind */
    uint64_t poll_cell;             /* what poll pointers point to in peace */
    uint64_t cpu;                   /* struct vx_bt_cpu */
    uint16_t flags16;               /* the arithmetic flags as the host delivers them */
    uint32_t unit_done;             /* exact counts: what `done` is to a site, of the call-out that is under way */
    uint32_t sysflags;              /* EFLAGS without the arithmetic flags, IF, DF and bit 1 */
    int64_t seg_max_read[VX_SEG_COUNT], seg_max_write[VX_SEG_COUNT]; /* last valid offset, -1: no access */
};

/* Offsets in an FXSAVE image (SDM 1 "FXSAVE Area"). */
enum { FX_FCW = 0, FX_FSW = 2, FX_FOP = 6, FX_FIP = 8, FX_FCS = 12, FX_FDP = 16, FX_FDS = 20 };
enum { FCW_MASKS = 0x3F, FSW_ES = 0x80 };

/* Pointer value that faults when loaded through. */
#define BT_POISON 0x18u

/* Reasons for leaving translated code, and what exit_value is then. */
enum bt_exit_kind {
    EXIT_DIRECT,    /* struct bt_exit: translate its target, chain */
    EXIT_INDIRECT,  /* target eip; fill the jump cache */
    EXIT_INTERP,    /* eip of an instruction to interpret */
    EXIT_FAULT,     /* the same: it has faulted on the host */
    EXIT_POLL,      /* eip; attention */
    EXIT_BOUNDARY,  /* eip; go on there (no chaining) */
    EXIT_STATE,     /* vcpu->rip is already right: a call-out changed what the unit knew of the vCPU */
    EXIT_ELSEWHERE, /* the same: a call-out led to another place than behind its instruction */
    EXIT_WANTED,    /* the same: the boundary behind a call-out is C's to look at */
    EXIT_UNSHARED,  /* eip; go on there in MODE_UNSHARED */
    EXIT_BUDGET,    /* eip; the unit there is longer than what is left to vcpu->retire_limit */
    EXIT_STALE,     /* a self-checking unit whose bytes have changed */
};

static inline struct bt_area *bt_area(struct vx_vcpu *vcpu)
{
    return (struct bt_area *)vcpu->engine_area;
}

#endif
