/* diff.h - random programs on two engines: what a program is, and the steps from a seed to a verdict.
 *
 *     program_make (gen_*.c) -> world_build, world_start (world.c) -> rig_run -> difference (compare.c)
 *                                                                       |
 *                                      program_shrink, program_print (shrink.c) when there is one
 *
 * A program is a list of pieces that stay whole: the shrinker drops some, branches to a dropped one go to the next that
 * is left. The state that it starts in depends on its setup alone, never on the pieces. */
#ifndef VX86_TESTS_BT_DIFF_H
#define VX86_TESTS_BT_DIFF_H

#include "rig.h"
#include "rng.h"

enum setup_kind { SETUP_REAL, SETUP_VM86, SETUP_PROTECTED };
enum setup_paging { PAGING_OFF, PAGING_32BIT, PAGING_PAE };

/* The state that a program starts in. */
struct setup {
    enum setup_kind kind;
    bool code32, stack32;
    bool flat; /* protected mode: flat segments; otherwise segments of all kinds */
    uint8_t cpl, iopl;
    enum setup_paging paging;
    bool single_step;   /* TF from the start; no instruction with undefined flags */
    bool interrupts;    /* interrupts will come: nothing may depend on when (needs cpl 3) */
    bool fp_exceptions; /* some unmasked */
    bool align_check;   /* CR0.AM; no instruction that needs several more behind it to be comparable */
    uint64_t seed;      /* registers, control bits, descriptors, page tables, data */
};

enum { PIECE_BYTES = 64, PIECES_MAX = 96 };

/* Where a piece names another: `bytes` (1, 2, 4; 0: nowhere) at `at`. Relative distances count from the end of the
 * field. */
struct fixup {
    uint8_t at, bytes, target;
    bool absolute;
    int8_t add;
};

struct piece {
    uint8_t bytes[PIECE_BYTES];
    uint8_t len;
    struct fixup fix;
    bool dropped;
};

struct program {
    struct setup setup;
    struct piece piece[PIECES_MAX];
    unsigned count;
    uint32_t start; /* offset of the first byte in the code area */
};

/* ---- gen.c: from a seed */

/* What pieces are drawn from: relative weights. */
enum menu_item {
    MENU_INTEGER,
    MENU_POINTER,
    MENU_STACK,
    MENU_STRING,
    MENU_JUMP,
    MENU_LOOP,
    MENU_CALL,
    MENU_SEGMENT,
    MENU_FLAGS,
    MENU_SYSTEM,
    MENU_FAR,
    MENU_IO,
    MENU_X87,
    MENU_SSE,
    MENU_SELF_MODIFY,
    MENU_PRIVILEGED, /* the menu's own */
    MENU_ITEMS
};
struct gen;
struct menu {
    uint8_t weight[MENU_ITEMS];
    void (*privileged)(struct gen *);
};
void program_make(struct program *program, const struct setup *setup, const struct menu *menu, uint64_t seed);

/* Arithmetic flags that the instruction may leave undefined (undefined.c); reg: ModRM.reg. */
uint32_t undefined_flags(unsigned map, unsigned opcode, unsigned reg);
/* True when even its results are not defined, or known to depend on the CPU's make. */
bool undefined_result(unsigned map, unsigned opcode, unsigned modrm, unsigned mandatory);

/* ---- world.c: memory and start state */

struct world; /* an image of guest memory */
struct world *world_create(void);
void world_destroy(struct world *world);
/* Lays out program and tables. */
void world_build(struct world *world, const struct program *program);
/* Brings memory and vCPU of the rig into the program's start state. */
void world_start(const struct world *world, struct rig *rig, const struct program *program);
/* Offset of each piece in the code area, [count]: the end. */
const uint32_t *world_offsets(const struct world *world);
const uint8_t *world_code(const struct world *world);
/* An address for data, as an offset in the segment that the setup has for it. */
uint32_t setup_data_offset(const struct setup *setup, struct rng *rng);
uint32_t setup_code_eip0(const struct setup *setup);

/* ---- compare.c */

struct difference {
    char text[160]; /* empty: none */
};
/* FIP, FDP and FOP are not compared: the translator does not keep them. With interrupts, ring 0's stack is not. */
void difference_find(const struct rig *expected, const struct rig *got, const struct setup *setup,
                     struct difference *found);

/* ---- engines.c: two rigs and the budget */

/* Instructions: enough for every program that ends; the others are not worth more. */
enum { ENGINES_BUDGET = 20000 };

struct engines {
    struct rig interp, bt;
    struct world *world;
    unsigned endless;   /* programs that did not end: not compared */
    unsigned undefined; /* programs that differ, but in what the manual leaves undefined */
    unsigned compared;
};
void engines_create(struct engines *engines, const struct vx_bt_config *options);
void engines_destroy(struct engines *engines);
/* A new translator: what it has learnt about pages that keep being written is gone. */
void engines_renew(struct engines *engines, const struct vx_bt_config *options);
/* Runs the program on both; true when they agree. */
bool engines_agree(struct engines *engines, const struct program *program, struct difference *found);

/* ---- defined.c */

/* False when the program's outcome depends on what the manual leaves undefined, or when it left its code. */
bool program_is_defined(struct engines *engines, const struct program *program);

/* ---- shrink.c */

/* Drops pieces while the program still fails; false when it does not fail on fresh engines. */
bool program_shrink(struct engines *engines, struct program *program, struct difference *found);
void program_print(FILE *to, const struct world *world, const struct program *program);
/* Disassembles the bytes that begin at an offset in the code. */
void piece_print(FILE *to, const struct setup *setup, uint32_t off, const uint8_t *bytes, unsigned len);
/* What the handlers have noted in the last run. */
void events_print(FILE *to, const struct engines *engines);

#endif
