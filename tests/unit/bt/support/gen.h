/* gen.h - what the generators of pieces share: the piece under construction and how instructions are put into it. */
#ifndef VX86_TESTS_BT_GEN_H
#define VX86_TESTS_BT_GEN_H

#include "diff.h"

struct gen {
    struct rng rng;
    const struct setup *setup;
    struct program *program;
    struct piece *piece; /* under construction */
    unsigned index;      /* its number */
    uint32_t at;         /* where it begins in the code area, if that is known yet */
    bool op32, addr32;   /* of the instruction under construction, prefixes counted */
    bool overflow;       /* the piece is too long: begin it again */
};

enum form_rm { RM_NONE, RM_ANY, RM_MEM, RM_REG };
enum form_imm { IMM_NONE, IMM_8, IMM_16, IMM_Z /* by operand size */, IMM_Z8 /* IMM_Z and 8 */, IMM_MOFFS };

/* A family of opcodes first..last with the same operands. regs: what ModRM.reg may be (bit mask). */
struct form {
    uint8_t map, first, last;
    uint8_t rm, imm, regs, weight;
};

extern const struct form integer_forms[], stack_forms[], x87_forms[], sse_forms[], segment_forms[], system_forms[];
extern const unsigned integer_form_count, stack_form_count, x87_form_count, sse_form_count, segment_form_count,
    system_form_count;

static inline uint32_t pick(struct gen *g, uint32_t below)
{
    return rng_below(&g->rng, below);
}
static inline bool chance(struct gen *g, uint32_t n)
{
    return one_in(&g->rng, n);
}

void put(struct gen *g, unsigned byte);
void put_value(struct gen *g, uint32_t value, unsigned bytes);
/* An immediate with interesting values more often than others. */
void put_random(struct gen *g, unsigned bytes);
/* An operand-size or address-size prefix if the code's default is not what is asked for. */
void put_op_size(struct gen *g, bool op32);
void put_addr_size(struct gen *g, bool addr32);
/* ModRM with a random operand of the kind. */
void put_modrm(struct gen *g, unsigned reg, enum form_rm kind);
/* A random instruction of the family, with random prefixes, and a fence behind it if it leaves flags undefined. */
void put_form(struct gen *g, const struct form *form);
void put_any_form(struct gen *g, const struct form *forms, unsigned count);
/* Makes the piece: of a kind that the menu offers. */
void gen_piece(struct gen *g, const struct menu *menu);
/* MOV reg, value, in full registers. */
void put_mov_imm(struct gen *g, unsigned reg, uint32_t value);

/* ---- gen_pieces.c */
void gen_pointer(struct gen *g);
void gen_string(struct gen *g);
void gen_jump(struct gen *g);
void gen_loop(struct gen *g);
void gen_call(struct gen *g);

/* ---- gen_system.c */
void gen_segment(struct gen *g);
void gen_flags(struct gen *g);
void gen_system(struct gen *g);
void gen_far(struct gen *g);
void gen_io(struct gen *g);
void gen_self_modify(struct gen *g);
void gen_x87(struct gen *g);
void gen_sse(struct gen *g);

/* The fixup of the piece: `bytes` at the present position, naming a piece `ahead` further on (or back). */
void put_target(struct gen *g, unsigned bytes, bool absolute, int add, int ahead);

#endif
