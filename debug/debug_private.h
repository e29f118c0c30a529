/* debug_private.h - what the files of the debugger's core share.
 *
 *   debug.c     life, fronts, the boundary: start reading here
 *   plan.c      how the guest goes on: step, next, finish, until, unit
 *   points.c    the table of points; arming them; which are reached
 *   events.c    what the vCPU, the mmu and the machine tell, and the record of it
 *   memory.c    guest memory without side effects
 *   disasm.c    one instruction as text and as what stepping needs to know
 *   flags.c     which flags a sequence of instructions reads, writes, and writes in vain
 *
 *   I1  Points are armed and disarmed at boundaries only: the engines do not run meanwhile.
 *   I2  What happens in the middle of an instruction is queued as a struct vx_debug_stop and judged at the boundary
 *       behind it (conditions see the state that the user will see).
 *   I3  `over` is set while the instruction at CS:EIP has been stopped at, or its point's condition did not hold: it is
 *       then run alone before addresses are looked at again. */
#ifndef VX86_DEBUG_PRIVATE_H
#define VX86_DEBUG_PRIVATE_H

#include <Zydis/Zydis.h>

#include "vx86/debug.h"

#define QUEUE_MAX      8
#define INTERNAL_FIRST 0x80000000u

enum plan_kind { PLAN_RUN, PLAN_STEP, PLAN_RANGE, PLAN_NEXT, PLAN_FINISH, PLAN_UNTIL, PLAN_UNIT };

struct plan {
    enum plan_kind kind;
    uint64_t left;        /* instructions or lines to go */
    unsigned gate;        /* number of the internal point that ends the present part, 0: that is a single step */
    bool gate_reached;    /* it was */
    bool stepped;         /* without a gate: the part's instruction has run */
    bool returning;       /* FINISH: the instruction under way is the RET */
    uint64_t expect_eip;  /* UNIT: where control is if it has not left */
    uint64_t first, last; /* RANGE */
};

/* An armed address. */
struct exec {
    uint64_t lin;       /* linear ones; of a physical one, its place in the page counts */
    const uint8_t *hva; /* physical ones, else NULL */
    unsigned index;     /* of the point */
};

struct vx_debug {
    struct vx_debug_config config;
    struct vx_vcpu *vcpu;
    struct vx_bt *bt;
    struct vx_vcpu_debug hooks;
    struct vx_debug_front front;
    void *front_opaque;
    bool has_front;

    _Atomic bool requested;
    bool start;
    bool shutdown_told;
    bool over;        /* I3 */
    unsigned tracing; /* VX_DEBUG_TRACE_* */
    bool hold_interrupts, step_over_int;
    bool counting; /* wanted, whether there are COUNT points or not */
    struct plan plan;

    struct vx_debug_stop queue[QUEUE_MAX]; /* I2 */
    unsigned queued;

    struct vx_debug_point *point; /* as they were added; `room` in this array and the two below */
    unsigned points, room, last_number, last_internal;
    struct exec *exec; /* the armed addresses: `execs_linear` by linear address in order, then the physical ones */
    unsigned execs, execs_linear;
    /* Derived with them, so that what has no points costs nothing: kinds of which there are enabled points, a bit each;
     * the pages of armed addresses, each by bit (page number modulo 64), of linear and of host addresses. */
    uint32_t kinds;
    uint64_t exec_pages, exec_hva_pages;
    struct vx_mmu_watch *watch;
    unsigned watches;
    struct vx_debug_wants wants;
    struct vx_timer timer;

    struct vx_debug_record record[VX_DEBUG_RECORDS];
    uint64_t records; /* ever */
    struct vx_debug_branch branch[VX_DEBUG_BRANCHES];
    uint64_t branches;           /* ever */
    uint16_t last_cs;            /* where the instruction under way began, while branches are traced */
    uint64_t last_eip, next_eip; /* next: where it leads by itself */
};

/* disasm.c */
struct decoded {
    ZydisDecodedInstruction z;
    ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
};
bool insn_decode(const struct vx_disassembler *how, const uint8_t *bytes, size_t count, struct decoded *d);
/* Length of the instruction at CS:EIP, 0 where there is none. */
unsigned insn_length(const struct vx_debug *debug);

/* points.c */
void points_rearm(struct vx_debug *debug);
/* A point of the core's own: with a number that no user's point has; it is not listed. 0: no memory. */
unsigned point_add_internal(struct vx_debug *debug, const struct vx_debug_point *point);
struct vx_debug_point *point_of(struct vx_debug *debug, unsigned number);
/* Counts a reached point's hit; true when it is to stop the guest. Fills in stop->point. */
bool point_qualifies(struct vx_debug *debug, struct vx_debug_point *point, struct vx_debug_stop *stop);
/* A stop at CS:EIP. */
struct vx_debug_stop stop_here(const struct vx_debug *debug, enum vx_stop_cause cause);
/* The first armed address at CS:EIP that stops; *any is set when one is there at all. */
struct vx_debug_point *point_here(struct vx_debug *debug, bool *any);
/* A COUNT point that the count has reached. */
struct vx_debug_point *point_count(struct vx_debug *debug);
bool points_stop_here(void *debug);
bool points_stop_in(void *debug, uint64_t lin, const uint8_t *hva, uint32_t bytes);
void points_clear(struct vx_debug *debug);
void points_fini(struct vx_debug *debug);

/* events.c */
vx_mmu_watch_fn events_watch;
vx_pmap_dma_fn events_dma;
void events_hear(void *opaque, enum vx_debug_event event, uint64_t value, uint64_t detail);
void events_time(void *opaque);

/* plan.c */
/* A stop from elsewhere ends the plan. */
void plan_cancel(struct vx_debug *debug);
/* At a boundary: true when the plan is done, else *go is how to go on with it. */
bool plan_advance(struct vx_debug *debug, enum vx_debug_go *go);

#endif
