/* internal.h - the translator's own structures: what the files of bt/ share.
 *
 * Data flow of one miss: run.c -> lookup.c (who has it?) -> decode.c (guest bytes to struct bt_insn) -> translate.c
 * with emit_*.c (bt_insn to host bytes through asm.h) -> cache.c (where they live) -> stubs.c (how C gets in and out).
 *
 * Host registers in translated code:
 *
 *     rax rcx rdx rbx rbp rsi rdi   the guest's, same numbers (upper halves zero)
 *     r14                           guest ESP
 *     r8 r9 r10 r11                 scratch
 *     r12                           the constant 12 (page shift, for SHRX)
 *     r13                           struct vx_tlb of the current privilege view
 *     r15                           struct vx_vcpu
 *     rsp                           a host stack frame with BT_FRAME_BYTES of scratch at [rsp]
 *     CF PF AF ZF SF OF             the guest's
 *
 *   I1  At every point where translated code can fault on the host or call C, the guest registers and flags above hold
 *       the state before the guest instruction (commit last); nothing inserted between guest instructions writes host
 *       flags.
 *   I2  Code is written only through the writable alias of the cache and run only through the executable one.
 *   I3  A unit is entered only while its mode equals the vCPU's mode and its guest bytes are those it was made from.
 *   I4  The guest's x87/MMX/SSE state is in the host's registers while area->fp_away is 0, else in vcpu->fx. */
#ifndef VX86_BT_INTERNAL_H
#define VX86_BT_INTERNAL_H

#include "insn.h"

enum {
    BT_TU_MAX_DEFAULT = 32,
    BT_TU_MAX = 128,
    BT_SEGMENTS = 8,
    BT_JC_ENTRIES = 65536,
    BT_JC_SETS = 8,
    BT_HASH_BUCKETS = 1 << 16,
    BT_CROSSING_BUCKETS = 1 << 12,
    BT_FRAME_BYTES = 64,
    BT_STUB_BYTES = 8192,
    BT_SEEN_MAX = 1 << 21,
    CALLOUT_SAMPLE = 16,
    BT_BUFFER_BYTES = 1 << 17,
    BT_CACHE_DEFAULT = 32 << 20,
    BT_CACHE_STRESS = 1 << 20,
};

enum { TU_EXITS = 2, TU_PAGES = 2 };

/* A direct exit: a rel32 that goes to its own cold stub until it is chained to the target's entry. */
struct bt_exit {
    uint32_t patch_off; /* of the rel32, in the cache; 0: no such exit */
    uint32_t cold_off;  /* where it goes when unchained */
    uint32_t target_eip;
    struct bt_tu *to;                               /* chained to */
    struct bt_exit *next_in;                        /* list of the exits chained to the same unit */
    struct bt_exit *next_crossing, **prev_crossing; /* list of the exits chained into another page */
    struct bt_tu *from;
};

/* Host code range that may fault on the host, or where attention is looked for. */
struct bt_site {
    uint32_t start, end; /* offsets from the unit's entry */
    uint32_t eip;        /* guest state there */
    uint8_t kind;        /* enum bt_site_kind */
    uint16_t fip_back;   /* so far before eip is the last x87 instruction, whose FIP is not told yet; 0: it is */
    uint8_t done;        /* instructions of the unit done there and not in vcpu->retired yet (exact counts) */
};
enum bt_site_kind {
    SITE_FAULT,   /* guest instruction at eip is to be interpreted */
    SITE_POLL,    /* boundary at eip; attention */
    SITE_POLL_R8, /* boundary at the eip in r8 */
};

/* What is kept of an instruction of a unit that is studied (vx_bt_config.count_units). */
struct bt_part {
    uint32_t start; /* of its code, from the unit's entry */
    uint8_t lower;  /* enum bt_lower */
    uint8_t share_mem, share_stack;
    bool mem; /* it has a memory operand */
};

/* A translation unit and its compiled code fragment. */
struct bt_tu {
    uint64_t hva;                          /* key: host address of the first guest byte */
    uint32_t eip, cs_base, cs_limit, mode; /* rest of the key */
    uint32_t entry;                        /* offset in the cache */
    uint32_t host_bytes;
    uint16_t guest_bytes;
    uint8_t insns;
    bool dead;   /* invalidated: reachable by no one */
    bool global; /* its linear pages were global (or paging was off) when it was made */
    bool self_checking;
    uint8_t pages;           /* 1 or 2 */
    uint32_t page[TU_PAGES]; /* backing pages of its bytes */
    struct bt_tu *page_next[TU_PAGES],
        **page_prev[TU_PAGES]; /* the units of that page; prev points at what points here */
    struct bt_tu *hash_next;
    struct bt_exit exit[TU_EXITS];
    struct bt_exit *in; /* exits chained to this unit */
    struct bt_site
        *sites; /* with count_units behind them a struct bt_part for each instruction, the tail, the cold part */
    uint16_t site_count;
    uint64_t entered[]; /* one, with vx_bt_config.count_units: how often it was (emit_unit_counter()) */
};

/* What translated code names, relative to r15; lives in vcpu->engine_area. */
struct bt_area {
    uint64_t poll_ptr;    /* loaded through at back edges; poisoned to ask for attention */
    uint64_t if_poll_ptr; /* the same, after IF may have become 1: also poisoned while INTR is up */
    uint64_t jc_base;     /* jump cache of the current mode; poisonable too */
    uint64_t jc_base_real;
    uint64_t host_rsp;
    uint64_t tlb;
    uint64_t fp_away; /* I4 */
    /* FOP, FIP, FCS, FDP, FDS of the last x87 instruction while the state is in the host, where the host's own would be
     * of the translator's code: the first 24 bytes of an FXSAVE image. fp_last is what translated code keeps
     * (emit_fp_pointers()), fp_kept what the guest had when the state was loaded. */
    uint64_t fp_last[3], fp_kept[3];
    uint64_t entries, jc_hits; /* counted in SSE registers that the guest does not have; here while C runs */
    uint64_t exit_r8, exit_r9; /* what the exit stub was given */
    uint64_t poll_cell;        /* what poll pointers point to in peace */
    uint64_t bt;               /* struct vx_bt */
    uint16_t flags16;          /* AH: LAHF, AL: OF */
    uint32_t unit_done;        /* exact counts: what `done` is to a site, of the call-out that is under way */
    uint32_t sysflags;         /* EFLAGS without the arithmetic flags, IF, DF and bit 1 */
    int64_t seg_max_read[VX_SEG_COUNT], seg_max_write[VX_SEG_COUNT]; /* last valid offset, -1: no access */
};

/* Offsets in an FXSAVE image (SDM 1 "FXSAVE Area"). */
enum { FX_FCW = 0, FX_FSW = 2, FX_FOP = 6, FX_FIP = 8, FX_FCS = 12, FX_FDP = 16, FX_FDS = 20 };
enum { FCW_MASKS = 0x3F, FSW_ES = 0x80 };

/* Pointer value that faults when loaded through. */
#define BT_POISON 0x18u

/* Reasons for leaving translated code (low byte of exit r9). */
enum bt_exit_kind {
    EXIT_DIRECT,    /* r8: struct bt_exit: translate its target, chain */
    EXIT_INDIRECT,  /* r8: target eip; fill the jump cache */
    EXIT_INTERP,    /* r8: eip of an instruction to interpret */
    EXIT_FAULT,     /* the same: it has faulted on the host */
    EXIT_POLL,      /* r8: eip; attention */
    EXIT_BOUNDARY,  /* r8: eip; go on there (no chaining) */
    EXIT_STATE,     /* vcpu->rip is already right: a call-out changed what the unit knew of the vCPU */
    EXIT_ELSEWHERE, /* the same: a call-out led to another place than behind its instruction */
    EXIT_WANTED,    /* the same: the boundary behind a call-out is C's to look at */
    EXIT_UNSHARED,  /* r8: eip; go on there in MODE_UNSHARED */
    EXIT_BUDGET,    /* r8: eip; the unit there is longer than what is left to vcpu->retire_limit */
    EXIT_STALE,     /* r8: a self-checking unit whose bytes have changed */
};

struct bt_segment {
    uint32_t start, end, next; /* offsets; next free byte */
    uint32_t units;
    struct bt_tu **sorted; /* all units, ascending entry: host address to unit; grows */
    uint32_t sorted_cap;
};

/* Jump cache of one mode: tag and offset in eight bytes, low half -eip, high half offset in the cache. */
struct bt_jump_cache {
    uint32_t mode, cs_base, cs_limit;
    uint64_t *entry;     /* BT_JC_ENTRIES, sparse */
    uint32_t *filled[2]; /* indices of entries, [1]: global ones */
    uint32_t filled_count[2];
    uint64_t *pages;  /* bitmap of linear pages that may have entries: 2^20 bits */
    uint64_t *spills; /* ... into which units of the page before may reach */
    uint64_t used;    /* for replacement */
};

/* Why a unit is no longer there; END_NOT: it is, for another code segment. */
enum bt_end { END_NOT, END_STORE, END_EVICTED, END_MAPPING, END_DEBUGGER };

/* Keys (place, eip, mode) of all units ever made, and (place, eip) of each: an open-addressing set. */
struct bt_seen {
    uint64_t *key; /* 0: free; an enum bt_end in bits 1 to 3 */
    size_t cap, used;
};

/* See struct vx_bt_departure; departures.c knows which of these say something for which kind. */
struct bt_departure {
    uint32_t entered, exit_eip, callout_eip, eip;
    uint32_t kind; /* enum bt_exit_kind */
    uint16_t cs;
};

struct bt_stubs {
    uint32_t enter, leave, exit_direct, exit_indirect, exit_interp, exit_boundary, exit_budget, exit_stale;
    uint32_t mem_slow, share_slow, insn, rep, seg, rdtsc, port, software_int, iret, sysenter, sysexit, fp_load;
};

struct vx_bt {
    struct vx_bt_config config;
    struct vx_vcpu *vcpu;
    struct vx_stats *stats;
    struct vx_log *log;
    struct bt_area *area;
    ZydisDecoder decoder[2]; /* 16, 32 bit */

    /* cache.c */
    int cache_fd;
    uint8_t *rw, *rx; /* two views of the same bytes (I2) */
    size_t cache_bytes;
    struct bt_segment segment[BT_SEGMENTS];
    unsigned segment_count, segment_cur;
    struct bt_stubs stub;

    /* lookup.c */
    struct bt_tu **hash;
    struct bt_jump_cache jc[BT_JC_SETS];
    struct bt_jump_cache *jc_cur;
    uint64_t jc_tick;
    struct bt_seen seen;

    /* smc.c: by backing page */
    struct bt_page **pages;
    uint32_t page_count;
    bool must_exit; /* units were invalidated: leave translated code at the next chance */

    /* the state that the current entry assumes */
    uint32_t mode;
    bool fp_pointers_always;      /* the CPU model's rule, see vx_cpu_fp_pointers_always() */
    uint8_t *buffer;              /* host code under construction */
    struct cg *cg;                /* translate.c's workspace */
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

/* ---- decode.c, lower.c */
/* Host address of the guest byte at `lin` for fetching; NULL when it faults or is not plain memory. */
uint8_t *bt_fetch_hva(struct vx_bt *bt, uint32_t lin);
/* Decodes up to `max` instructions at CS:rip into bt->insns. Returns how many; 0 when the first one cannot be fetched
 * plainly (fault or MMIO) or decoded: the interpreter then has it. *hva: host addresses of the first and (if any)
 * second page used. */
unsigned bt_decode_unit(struct vx_bt *bt, unsigned max, uint8_t *hva[TU_PAGES], unsigned *pages);
uint8_t bt_lower_of(const ZydisDecodedInstruction *z, const struct bt_insn *in, uint32_t mode);
bool bt_ends_unit(uint8_t lower);

/* ---- share.c */
/* Marks which operands of the n decoded instructions share probes, and fills bt->share. */
void bt_share_probes(struct vx_bt *bt, unsigned n);

/* ---- translate.c */
struct cg *bt_cg_create(void);
/* Makes the unit at CS:rip; NULL when it has to be interpreted. */
struct bt_tu *bt_translate(struct vx_bt *bt);

/* ---- cache.c */
vx_err bt_cache_create(struct vx_bt *bt, size_t bytes);
void bt_cache_destroy(struct vx_bt *bt);
/* Room for `bytes` of host code: the offset, evicting the oldest segment when needed; UINT32_MAX when it can never fit.
 * */
uint32_t bt_cache_reserve(struct vx_bt *bt, uint32_t bytes);
void bt_cache_commit(struct vx_bt *bt, struct bt_tu *tu);
void bt_cache_evict_all(struct vx_bt *bt);
struct bt_tu *bt_cache_find(struct vx_bt *bt, uint32_t off);
void bt_cache_patch32(struct vx_bt *bt, uint32_t off, uint32_t value);

/* ---- lookup.c */
vx_err bt_lookup_create(struct vx_bt *bt);
void bt_lookup_destroy(struct vx_bt *bt);
struct bt_tu *bt_hash_find(struct vx_bt *bt, uint64_t hva, uint32_t eip);
void bt_hash_add(struct vx_bt *bt, struct bt_tu *tu);
void bt_hash_remove(struct vx_bt *bt, struct bt_tu *tu);
/* Counts a new unit whose guest code had one before: under the cause of its end, or as one of another mode. */
void bt_count_again(struct vx_bt *bt, const struct bt_tu *tu);
/* A unit ends: what a later one at its place will count as. */
void bt_note_end(struct vx_bt *bt, const struct bt_tu *tu, enum bt_end end);
void bt_jc_select(struct vx_bt *bt, uint32_t mode, const struct vx_seg *cs);
void bt_jc_fill(struct vx_bt *bt, struct bt_tu *tu);
/* Offset of the unit that the current jump cache has for `eip`, 0 if none. */
uint32_t bt_jc_probe(const struct vx_bt *bt, uint32_t eip);
void bt_jc_remove(struct vx_bt *bt, struct bt_tu *tu);
void bt_jc_flush(struct vx_bt *bt, bool global_too);
void bt_jc_flush_page(struct vx_bt *bt, uint64_t lin);

/* ---- chain.c */
void bt_chain(struct vx_bt *bt, struct bt_exit *exit, struct bt_tu *to);
void bt_unchain(struct vx_bt *bt, struct bt_exit *exit);
/* Unlinks everything that leads to or out of the unit. */
void bt_unchain_unit(struct vx_bt *bt, struct bt_tu *tu);
/* Unlinks the chains across pages (a mapping changed). */
void bt_unchain_crossing(struct vx_bt *bt, bool all, uint64_t lin);

/* ---- smc.c */
vx_err bt_smc_create(struct vx_bt *bt);
void bt_smc_destroy(struct vx_bt *bt);
void bt_smc_register(struct vx_bt *bt, struct bt_tu *tu);
void bt_smc_unregister(struct vx_bt *bt, struct bt_tu *tu);
void bt_smc_on_write(void *opaque, uint32_t page, uint32_t off, uint32_t bytes);
bool bt_smc_self_checking(struct vx_bt *bt, uint32_t page);
/* Takes a unit out of use: hash, jump caches, chains, pages. Its code stays until its segment goes. */
void bt_invalidate(struct vx_bt *bt, struct bt_tu *tu, enum bt_end end);

/* ---- run.c */
/* One interpreter step from translated code, counted by opcode. */
void bt_interpret(struct vx_bt *bt);

/* ---- departures.c */
/* Translated code, entered at the unit `entered`, has come back; the area says why. Before anything is done about it.
 * */
void bt_note_departure(struct vx_bt *bt, uint32_t entered);

/* ---- state.c */
uint32_t bt_mode_of(const struct vx_vcpu *vcpu);
/* The part of bt_sync() that a segment load can change. */
void bt_sync_segments(struct vx_bt *bt);
/* The part of it that the machine can change at a port or in memory. */
void bt_sync_intr(struct vx_bt *bt);
/* Brings area and bt->mode up to date with the vCPU, whose bt_mode_of() is `mode`, before translated code runs. */
void bt_sync(struct vx_bt *bt, uint32_t mode);

/* ---- stubs.c */
void bt_stubs_make(struct vx_bt *bt);

/* ---- callout.c (general registers only) */
void bt_fp_home(struct vx_vcpu *vcpu);
/* Runs translated code from `entry` on; false when attention was asked for before it began. */
bool bt_execute(struct vx_bt *bt, uint32_t entry);
/* FIP as of the x87 instruction at `eip`, while the FP state is in the host. */
static inline void bt_tell_fip(struct vx_bt *bt, uint32_t eip)
{
    __builtin_memcpy((uint8_t *)bt->area->fp_last + FX_FIP, &eip, sizeof eip);
}
/* Call-outs: what the stubs put into r8, r9, r10 and r11 (selector of a segment load, port); CALLOUT_EXIT, _NEXT or a
 * host address. */
typedef uint64_t bt_callout(struct vx_vcpu *vcpu, uint64_t r8, uint64_t r9, uint64_t r10, uint64_t r11);
bt_callout bt_callout_mem, bt_callout_insn, bt_callout_rep, bt_callout_seg, bt_callout_rdtsc, bt_callout_int,
    bt_callout_iret, bt_callout_share, bt_callout_port, bt_callout_sysenter, bt_callout_sysexit;
/* What stands before them when call-outs are timed, and when instructions are counted exactly. */
typedef uint64_t bt_callout_wrapper(struct vx_vcpu *vcpu, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                                    bt_callout *function);
bt_callout_wrapper bt_callout_timed, bt_callout_counted;
/* ---- callout_string.c (general registers only): true when the whole instruction is done. */
bool bt_rep_fast(struct vx_vcpu *vcpu, uint64_t info, uint32_t eip, uint32_t bytes);

void bt_flags_to_vcpu(struct vx_vcpu *vcpu);
void bt_flags_from_vcpu(struct vx_vcpu *vcpu);

/* ---- hostfault.c */
vx_err bt_hostfault_install(struct vx_bt *bt);
/* The translator whose code this thread is about to run; it is forgotten before it is destroyed. */
void bt_hostfault_enter(struct vx_bt *bt);
void bt_hostfault_forget(const struct vx_bt *bt);

/* Bits of `info` at a memory call-out. */
enum {
    MEM_BYTES = 0xFF,
    MEM_WRITE = 1u << 8,
    MEM_READ = 1u << 9,
    MEM_FP_LIVE = 1u << 10, /* the code after the call-out expects the FP state in the host */
    MEM_LEN_SHIFT = 16,     /* length of the guest instruction */
};

/* Bits of `info` at a REP call-out (besides MEM_FP_LIVE): what bt_rep_fast() may do; size 0: nothing. */
enum { REP_SIZE = 7, REP_MOVS = 8 };

/* Bits of `info` at a segment load (besides MEM_FP_LIVE): the register, and the bytes that a POP releases. */
enum { SEG_REG = 7, SEG_POP_SHIFT = 4 };

/* Bits of `info` at IN and OUT (besides MEM_FP_LIVE). */
enum { PORT_SIZE = 7, PORT_OUT = 8 };

/* Answers of call-outs to their stubs. */
enum { CALLOUT_EXIT = 0, CALLOUT_NEXT = 1 /* anything larger: host address */ };

static inline struct bt_area *bt_area(struct vx_vcpu *vcpu)
{
    return (struct bt_area *)vcpu->engine_area;
}
static inline struct vx_bt *bt_of(struct vx_vcpu *vcpu)
{
    return (struct vx_bt *)(uintptr_t)bt_area(vcpu)->bt;
}
static inline struct vx_tlb *bt_tlb(struct vx_bt *bt)
{
    return bt->vcpu->mmu->tlb[vx_view_of(bt->vcpu)];
}

#endif
