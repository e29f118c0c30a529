/* priv_program.c - a random privileged program from its number: the states of its blocks, their pieces, the events. */
#include "gen.h"
#include "priv.h"

/* clang-format off */
static const struct menu menus[] = {
    { .weight = { [MENU_INTEGER] = 18, [MENU_POINTER] = 8, [MENU_STACK] = 8, [MENU_STRING] = 4, [MENU_JUMP] = 5, [MENU_LOOP] = 3, [MENU_CALL] = 3,
        [MENU_SEGMENT] = 6, [MENU_FLAGS] = 5, [MENU_SYSTEM] = 5, [MENU_FAR] = 4, [MENU_IO] = 3, [MENU_X87] = 2, [MENU_SSE] = 2,
        [MENU_SELF_MODIFY] = 5, [MENU_PRIVILEGED] = 40 }, .privileged = pf_gen_privileged },
    { .weight = { [MENU_INTEGER] = 25, [MENU_POINTER] = 12, [MENU_STACK] = 12, [MENU_STRING] = 8, [MENU_JUMP] = 6, [MENU_LOOP] = 6, [MENU_CALL] = 4,
        [MENU_SEGMENT] = 4, [MENU_FLAGS] = 3, [MENU_FAR] = 2, [MENU_SELF_MODIFY] = 10, [MENU_PRIVILEGED] = 20 }, .privileged = pf_gen_privileged },
    { .weight = { [MENU_INTEGER] = 8, [MENU_POINTER] = 10, [MENU_STACK] = 5, [MENU_LOOP] = 4, [MENU_X87] = 20, [MENU_SSE] = 20, [MENU_FLAGS] = 2,
        [MENU_SYSTEM] = 3, [MENU_PRIVILEGED] = 25 }, .privileged = pf_gen_privileged },
};
/* clang-format on */

uint32_t pf_piece_at(const struct pf_program *program, unsigned block, unsigned piece)
{
    const struct program *p = &program->block[block].program;
    uint32_t at = p->start;
    for (unsigned i = 0; i < piece; i++)
        at += p->piece[i].len;
    return at;
}

uint32_t pf_any_piece(const struct pf_program *program, struct rng *rng)
{
    unsigned block = rng_below(rng, program->blocks);
    return pf_piece_at(program, block, rng_below(rng, program->block[block].program.count));
}

/* ---- states */

static void choose_protected(struct setup *setup, struct rng *rng)
{
    setup->kind = SETUP_PROTECTED;
    setup->flat = one_in(rng, 2);
    setup->code32 = setup->flat || one_in(rng, 3);
    setup->stack32 = setup->flat || (one_in(rng, 6) ? !setup->code32 : setup->code32);
    setup->cpl = one_in(rng, 3) ? (uint8_t)rng_below(rng, 4) : 0;
}

static void choose_setup(struct setup *setup, struct rng *rng)
{
    *setup = (struct setup){ .iopl = one_in(rng, 2) ? 3 : (uint8_t)rng_below(rng, 4) };
    switch (rng_below(rng, 8)) {
    case 0: setup->kind = SETUP_REAL; break;
    case 1:
        setup->kind = SETUP_VM86;
        setup->cpl = 3;
        break;
    default: choose_protected(setup, rng); break;
    }
    if (setup->kind != SETUP_REAL)
        setup->paging = one_in(rng, 4) ? PAGING_OFF : one_in(rng, 2) ? PAGING_PAE : PAGING_32BIT;
    setup->single_step = one_in(rng, 40);
    setup->fp_exceptions = one_in(rng, 3);
    setup->align_check = one_in(rng, 8);
    setup->seed = rng_next(rng);
}

/* ---- pieces */

/* Some blocks lie across a page's end. */
static uint32_t place_block(uint32_t from, struct rng *rng)
{
    uint32_t page_end = (from | VX_PAGE_MASK) + 1, near_end = page_end - rng_below(rng, 300);
    return one_in(rng, 2) && near_end > from ? near_end : from + rng_below(rng, 24);
}

static void fill_block(struct pf_block *block, uint32_t at, struct rng *rng)
{
    struct program *p = &block->program;
    struct gen g = { .rng = rng_seeded(rng_next(rng)), .setup = &p->setup, .program = p };
    const struct menu *menu = &menus[rng_below(rng, VX_ARRAY_LEN(menus))];
    p->start = at;
    p->count = 6 + pick(&g, PF_BLOCK_PIECES - 6);
    for (unsigned i = 0; i < p->count; i++) {
        g.index = i;
        g.at = at;
        g.piece = &p->piece[i];
        gen_piece(&g, menu);
        at += g.piece->len;
    }
}

static void make_blocks(struct pf_program *program, struct rng *rng)
{
    uint32_t at = 0;
    for (unsigned i = 0; i < program->blocks; i++) {
        struct pf_block *block = &program->block[i];
        block->program = (struct program){ 0 };
        choose_setup(&block->program.setup, rng);
        block->root = (uint8_t)one_in(rng, 3);
        block->old_limits = one_in(rng, 3);
        fill_block(block, place_block(at, rng), rng);
        at = pf_piece_at(program, i, block->program.count) + 8; /* room for the end */
        if (at + PF_BLOCK_PIECES * PIECE_BYTES > PF_CODE_BYTES)
            program->blocks = i + 1;
    }
}

/* Half of the programs come back to their blocks, which then meet their translations and what has become of the tables.
 * */
static void make_order(struct pf_program *program, struct rng *rng)
{
    program->turns = program->blocks + (one_in(rng, 2) ? rng_below(rng, PF_TURNS - PF_BLOCKS_MAX) : 0);
    for (unsigned i = 0; i < program->turns; i++)
        program->order[i] = (uint8_t)(i < program->blocks ? i : rng_below(rng, program->blocks));
}

static void make_events(struct pf_program *program, struct rng *rng)
{
    program->events = one_in(rng, 2) ? rng_below(rng, PF_EVENTS_MAX + 1) : 0;
    for (unsigned i = 0; i < program->events; i++)
        program->event[i] = (struct pf_event){ .at = 40 + rng_below(rng, 3000),
                                               .vector = one_in(rng, 4) ? -1 : (int16_t)(0x21 + rng_below(rng, 30)) };
    for (unsigned i = 1; i < program->events; i++) /* in order */
        for (unsigned k = i; k > 0 && program->event[k].at < program->event[k - 1].at; k--) {
            struct pf_event swap = program->event[k];
            program->event[k] = program->event[k - 1];
            program->event[k - 1] = swap;
        }
}

void pf_program_make(struct pf_program *program, uint64_t seed, uint64_t number)
{
    struct rng rng = rng_seeded((seed << 40) ^ number);
    program->seed = seed;
    program->number = number;
    program->blocks = 2 + rng_below(&rng, PF_BLOCKS_MAX - 1);
    program->budget = 5000;
    make_blocks(program, &rng);
    make_order(program, &rng);
    make_events(program, &rng);
}
