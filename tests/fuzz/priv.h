/* priv.h - random privileged programs: what one is, and the steps from a number to a verdict.
 *
 *     pf_program_make (priv_program.c, priv_pieces.c)   from seed and number
 *     pf_world_build (priv_world.c)                     memory: tables, tasks, handlers, blocks
 *     pf_pair_run (priv_run.c)                          both engines, events at exact instruction counts, comparison
 *     pf_report (priv_report.c)                         on a difference: smaller, first differing instruction, listing
 *
 * A program is a few blocks of pieces, each made for a state of its own (mode, ring, paging, segments). The guest's
 * dispatcher enters them in turn, some more than once; pieces may lead from any to any other and into other modes,
 * tasks and rings. What stays undefined on real processors is not generated: page-table entries change together with
 * INVLPG only, those of global pages in all tables. */
#ifndef VX86_TESTS_FUZZ_PRIV_H
#define VX86_TESTS_FUZZ_PRIV_H

#include "diff.h"
#include "priv_map.h"
#include "world.h"

enum { PF_BLOCKS_MAX = 6, PF_BLOCK_PIECES = 40, PF_EVENTS_MAX = 6, PF_TASKS_COUNT = 7 };

/* Entries of a block's GDT behind those that the generators know (enum in world.h). */
enum {
    PF_DESC_CODE16 = DESC_COUNT,
    PF_DESC_DATA16,
    PF_DESC_FLAT_CODE, /* + ring */
    PF_DESC_FLAT_DATA = PF_DESC_FLAT_CODE + 4,
    PF_DESC_CODE = PF_DESC_FLAT_DATA + 4, /* + ring: based at the code */
    PF_DESC_STACK = PF_DESC_CODE + 4,
    PF_DESC_CONFORMING = PF_DESC_STACK + 4,
    PF_DESC_TASK = SEL_TASKS / 8,
    PF_DESC_TASK_GATE = PF_DESC_TASK + PF_TASKS_COUNT + 1,
    PF_DESC_GATE, /* three: to pieces, by a 386 gate, a 286 gate, with parameters */
    PF_DESC_COUNT = 64,
};

/* An interrupt or NMI before the instruction with that number (or when the CPU halts). */
struct pf_event {
    uint32_t at;
    int16_t vector; /* -1: NMI */
};

struct pf_block {
    struct program program; /* setup and pieces; start: its place in the code */
    uint8_t root;           /* 0 or 1: which page tables */
    bool old_limits;        /* real mode with the limits of protected mode */
};

struct pf_program {
    uint64_t seed, number;
    unsigned blocks;
    struct pf_block block[PF_BLOCKS_MAX];
    unsigned turns;
    uint8_t order[PF_TURNS]; /* which block begins in each turn */
    unsigned events;
    struct pf_event event[PF_EVENTS_MAX];
    uint32_t budget; /* instructions */
};

/* The place of a piece in the code area. */
uint32_t pf_piece_at(const struct pf_program *program, unsigned block, unsigned piece);
/* Any piece of any block. */
uint32_t pf_any_piece(const struct pf_program *program, struct rng *rng);

void pf_program_make(struct pf_program *program, uint64_t seed, uint64_t number);
/* priv_pieces.c, priv_pads.c: one privileged piece. */
void pf_gen_privileged(struct gen *g);
void pf_gen_pad(struct gen *g);
/* Pages whose entry is global: the same in both tables of a kind. Only their frame ever changes, with INVLPG. */
static inline bool pf_global_page(uint32_t page)
{
    return page % 8 == 5;
}

/* ---- priv_world.c, priv_paging.c */
void pf_page_tables(struct world *world, const struct pf_program *program, struct rng *rng);
/* cr4_legal: the bits of CR4 that the CPU has. */
void pf_world_build(struct world *world, const struct pf_program *program, uint32_t cr4_legal);
/* Memory and vCPU at the dispatcher's door. */
void pf_world_start(const struct world *world, struct rig *rig, const struct pf_program *program);

/* ---- priv_run.c */

/* The interpreter and one translator. */
struct pf_pair {
    struct rig interp, bt;
    struct rig flushing; /* an interpreter without TLB */
    struct world *world;
    struct vx_bt_config options;
    uint32_t cr4_legal;
    uint64_t compared, lost, stale, retired; /* programs, instructions */
    uint64_t ends[3];                        /* by enum rig_end */
};

enum pf_verdict {
    PF_AGREE,
    PF_DIFFER,
    PF_LOST,  /* not comparable: did not end, and this translator does not count */
    PF_STALE, /* not comparable: the outcome hangs on stale TLB entries */
};

/* Options of the translator that has the programs number, number + 1, ...: PF_BATCH in a row. */
enum { PF_BATCH = 64 };
struct vx_bt_config pf_options(uint64_t seed, uint64_t number);
/* Says what the options are, in one line without its end. */
void pf_options_print(FILE *to, const struct vx_bt_config *options);

void pf_pair_create(struct pf_pair *pair, const struct vx_bt_config *options);
void pf_pair_destroy(struct pf_pair *pair);
/* A new translator. */
void pf_pair_renew(struct pf_pair *pair, const struct vx_bt_config *options);
/* Runs the program on both, up to `limit` instructions, and compares. */
enum pf_verdict pf_pair_run(struct pf_pair *pair, const struct pf_program *program, uint64_t limit,
                            struct difference *found);
/* The interpreter alone. */
enum rig_end pf_run(struct rig *rig, const struct pf_program *program, uint64_t limit);
/* The same, telling of each instruction before it begins. */
typedef void pf_before(void *opaque);
enum rig_end pf_run_watched(struct rig *rig, const struct pf_program *program, uint64_t limit, pf_before *before,
                            void *opaque);
/* CPU time in milliseconds after which a program is stopped. */
enum { PF_BT_MS = 2000 };

/* ---- priv_stale.c */

/* After pf_pair_run() has run the interpreter: is the outcome a matter of stale TLB entries? */
bool pf_lives_on_stale_entries(struct pf_pair *pair, const struct pf_program *program, uint64_t limit);

/* ---- priv_report.c */

/* Makes the program that differed as small as may be and prints it with its first differing instruction. */
void pf_report(FILE *to, struct pf_program *program, const struct vx_bt_config *options);

#endif
