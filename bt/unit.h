/* unit.h - a translation unit: guest instructions that are translated together, and what is kept of their code. */
#ifndef VX86_BT_UNIT_H
#define VX86_BT_UNIT_H

#include "vx86/bt.h"

enum {
    BT_TU_MAX_DEFAULT = 32, /* guest instructions */
    BT_TU_MAX = 128,
    BT_FRAGMENT_MAX = 1 << 17, /* bytes of host code */
};

enum { TU_EXITS = 2, TU_PAGES = 2 };

/* A direct exit: a branch that goes to its own cold stub until it is chained to the target's entry. */
struct bt_exit {
    uint32_t patch_off; /* of the rel32, in the cache; 0: no such exit */
    uint32_t cold_off;  /* where it goes when unchained */
    uint64_t target_eip;
    struct bt_tu *to;                               /* chained to */
    struct bt_exit *next_in;                        /* list of the exits chained to the same unit */
    struct bt_exit *next_crossing, **prev_crossing; /* list of the exits chained into another page */
    struct bt_tu *from;
};

/* Host code range that may fault on the host, or where attention is looked for. */
struct bt_site {
    uint64_t eip;        /* guest state there */
    uint32_t start : 24; /* offset from the unit's entry */
    uint32_t bytes : 8;
    uint16_t fip_back; /* so far before eip is the last x87 instruction, whose FIP is not told yet; 0: it is */
    uint8_t kind;      /* enum bt_site_kind */
    uint8_t done;      /* instructions of the unit done there and not in vcpu->retired yet (exact counts) */
};
_Static_assert(BT_FRAGMENT_MAX <= 1 << 24, "sites of a fragment begin within 24 bits");
enum bt_site_kind {
    SITE_FAULT,         /* guest instruction at eip is to be interpreted */
    SITE_WINDOW,        /* the same, and it accesses memory through the window */
    SITE_POLL,          /* boundary at eip; attention */
    SITE_POLL_INDIRECT, /* boundary at the eip that the code has computed */
};

/* What is kept of an instruction of a unit that is studied (vx_bt_config.count_units). */
struct bt_part {
    uint32_t start; /* of its code, from the unit's entry */
    uint8_t lower;  /* enum bt_lower */
    uint8_t share_mem, share_stack;
    bool mem; /* it has a memory operand */
};

/* What units are found by: where their bytes are, and how they are seen. */
struct bt_key {
    uint64_t hva; /* host address of the first guest byte */
    uint64_t eip, cs_base;
    uint32_t cs_limit, mode;
};

/* A translation unit and its compiled code fragment. */
struct bt_tu {
    uint64_t hva; /* these are its key, see struct bt_key */
    uint64_t eip, cs_base;
    uint32_t cs_limit, mode;
    uint32_t entry; /* offset in the cache */
    uint32_t host_bytes;
    uint16_t guest_bytes, site_count;
    uint8_t insns;
    uint8_t pages;   /* 1 or 2 */
    bool dead : 1;   /* invalidated: reachable by no one */
    bool global : 1; /* its linear pages were global (or paging was off) when it was made */
    bool self_checking : 1;
    uint32_t page[TU_PAGES]; /* backing pages of its bytes */
    struct bt_tu *page_next[TU_PAGES],
        **page_prev[TU_PAGES]; /* the units of that page; prev points at what points here */
    struct bt_exit exit[TU_EXITS];
    struct bt_exit *in; /* exits chained to this unit */
    struct bt_site
        *sites; /* with count_units behind them a struct bt_part for each instruction, the tail, the cold part */
    uint64_t entered[]; /* one, with vx_bt_config.count_units: how often it was */
};

/* Why a unit is no longer there; END_NOT: it is, for another code segment. */
enum bt_end { END_NOT, END_STORE, END_EVICTED, END_MAPPING, END_DEBUGGER, END_SOFT };

static inline uint32_t bt_site_end(const struct bt_site *site)
{
    return site->start + site->bytes;
}
/* Linear address of the unit. */
static inline uint64_t bt_tu_lin(const struct bt_tu *tu)
{
    return vx_lin_wrap(tu->cs_base + tu->eip);
}

#endif
