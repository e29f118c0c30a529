/* bt.h - the dynamic binary translator as an engine.
 *
 * Guest code is decoded into translation units (TU), compiled to host code fragments (CCF) in a bounded translation
 * cache, and run there until something needs C: see ARCHITECTURE.md and bt/README.md. x86-64 hosts with BMI2.
 *
 * A machine has one translator, which owns units and code, and in it a part for each of its processors, which runs
 * them. Thread rule: machine thread only, except vcpu->kick. */
#ifndef VX86_BT_H
#define VX86_BT_H

#include "vx86/cpu.h"

struct vx_bt;
struct vx_bt_cpu;

/* How memory operands reach guest memory. */
enum vx_lowering {
    VX_LOWERING_SOFT,    /* a probe of the soft TLB in front of each access */
    VX_LOWERING_AUTO,    /* through windows where the host can have them */
    VX_LOWERING_WINDOWS, /* through windows; vx_bt_create() fails where the host cannot have them */
};

enum { VX_BT_INTERPRET_FIRST_MAX = 15 };

struct vx_bt_config {
    struct vx_log *log;
    struct vx_stats *stats; /* of units: made, made again, evicted, invalidated */
    struct vx_pmap *pmap;
    unsigned tu_max;          /* guest instructions per TU, 1 to 128; 0: default */
    uint64_t cache_bytes;     /* 64 KiB to 1 GiB; 0: default */
    unsigned interpret_first; /* so often code is interpreted before it is translated, 0 to VX_BT_INTERPRET_FIRST_MAX */
    bool no_chain;
    bool no_jump_cache;
    bool no_probe_sharing; /* every memory operand has a shadow probe of its own */
    enum vx_lowering lowering;
    struct vx_window_config window;
    const char *window_host; /* pretend that the host lacks this for windows (tests); NULL: look */
    bool verify; /* every fragment is proven against the rules of the lowering; what breaks one ends the process */
    /* Tiny caches, TU length 1, nothing interpreted first, random flushes and event timing, from stress_seed. */
    bool stress;
    uint64_t stress_seed;
    bool count;       /* exact entry counters in translated code (bench/README.md says what that costs) */
    bool time_split;  /* call-outs are parts of stats->split */
    bool count_units; /* every unit counts how often it is entered, see vx_bt_count_units() */
    bool exact_count; /* vcpu->retired is exact and vcpu->retire_limit is kept (costs some instructions a unit) */
    bool one_unit;    /* return VX_STOP_BUDGET after each unit (or interpreted instruction); nothing is chained */
};

/* NULL when this host can run the translator, else why not ("this processor lacks BMI2"). Static storage. */
const char *vx_bt_unavailable(void);

/* The same, or why the host does not give this process the memory that translated code lives in; cache_bytes as in the
 * config. NULL: it does. Static storage. */
const char *vx_bt_refusal(uint64_t cache_bytes);

/* NULL when translated code can access guest memory through the host's MMU here, else why not. Static storage. */
const char *vx_bt_lacks_windows(void);

/* VX_ERR_UNSUPPORTED, with the reason logged, on hosts that lack an emitter or BMI2. */
VX_MUST_USE vx_err vx_bt_create(const struct vx_bt_config *config, struct vx_bt **out);
/* Its processors' parts go with it; vCPUs and pmap are still there. */
void vx_bt_destroy(struct vx_bt *bt);

/* The translator's part for this processor, owned by the translator. All processors of one are of the same model and
 * have its pmap. What happens while the processor runs counts in vcpu->stats. */
VX_MUST_USE vx_err vx_bt_cpu_create(struct vx_bt *bt, struct vx_vcpu *vcpu, struct vx_bt_cpu **out);

/* Runs translated code until attention, halt, shutdown, vcpu->retire_limit or a stop of vcpu->debug. */
enum vx_stop vx_bt_run(struct vx_bt_cpu *cpu);

/* Drops the units that contain the guest byte at `lin` (however it is mapped) or the one at host address `hva` (NULL:
 * none): vcpu->debug has another answer for it from now on. Between runs only. */
void vx_bt_forget(struct vx_bt *bt, uint64_t lin, const uint8_t *hva);

/* Whether units count their entries; a change drops every translation, and with it what was counted. Between runs only.
 * */
void vx_bt_count_units(struct vx_bt *bt, bool on);
bool vx_bt_counts_units(const struct vx_bt *bt);

/* A unit as a debugger sees it; valid until translated code runs again. */
struct vx_bt_unit {
    uint64_t lin, eip; /* of its first instruction */
    uint32_t mode;     /* vx_bt_mode_text() */
    unsigned guest_bytes, insns, host_bytes;
    const uint8_t *host; /* its host code */
    bool code32, global, self_checking;
    unsigned chained_in; /* exits of units that jump here */
    uint64_t entered;    /* how often, since it was made; 0 where units are not counted */
    unsigned sites;
    struct {
        bool exists, chained;
        uint64_t target_eip;
    } exit[2];
    const void *token;
};
typedef void vx_bt_unit_fn(void *opaque, const struct vx_bt_unit *unit);
/* Calls fn for every unit that can be reached. */
void vx_bt_each_unit(const struct vx_bt *bt, vx_bt_unit_fn *fn, void *opaque);
/* Host code at `off` of the unit may fault, or looks for attention: for the guest instruction at *eip. */
bool vx_bt_unit_site(const struct vx_bt_unit *unit, uint32_t off, uint64_t *eip, const char **what);
/* Where the code of the unit's instruction `index` is, and how it was lowered; at index `insns` what follows the last
 * one, at insns + 1 what is out of line. False for others, and for units that do not count their entries. */
struct vx_bt_part {
    uint32_t start, end;  /* offsets in the host code */
    const char *lowering; /* static storage, as the next two; NULL: nothing to say */
    const char *operand, *stack;
};
bool vx_bt_unit_part(const struct vx_bt *bt, const struct vx_bt_unit *unit, unsigned index, struct vx_bt_part *part);
/* Names what host code of the unit leads to at `off` from its entry: a stub, another unit. */
bool vx_bt_unit_names(const struct vx_bt *bt, const struct vx_bt_unit *unit, uint32_t off, char *text, size_t room);
/* Once that translated code was left for good (a call-out that comes back is none), while the vCPU had a debugger. */
struct vx_bt_departure {
    const char *why;  /* static storage */
    uint64_t entered; /* eip of the unit at which C had entered translated code; chains lead on from there */
    bool at_known;
    uint64_t at;    /* eip of the instruction that left, or of the unit whose exit it was */
    uint16_t to_cs; /* where the guest was then */
    uint64_t to;
};
#define VX_BT_DEPARTURES 64
/* Of the processor. The newest is 0; false when there is none of that age. */
bool vx_bt_departure(const struct vx_bt_cpu *cpu, unsigned age, struct vx_bt_departure *departure);
void vx_bt_mode_text(uint32_t mode, char *text, size_t room);

/* Drops every translation (reset, model change). */
void vx_bt_flush(struct vx_bt *bt);
/* What vx_bt_config.exact_count says, changed: where that is new, every translation is dropped. Between runs only. */
void vx_bt_count_exactly(struct vx_bt *bt, bool exact);

#endif
