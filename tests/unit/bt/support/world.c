/* world.c - the image of guest memory that a program starts with: tables, handlers, data, the program itself. */
#include "world_map.h"

#include "world.h"

extern const uint8_t world_handlers32[], world_handlers32_end[], world_routine32[], world_routine32_end[],
    world_handlers16[], world_handlers16_end[];

enum { ATTR_TSS_BUSY = VX_ATTR_P | 0xB, ATTR_LDT = VX_ATTR_P | 2, ATTR_DATA = VX_ATTR_P | VX_ATTR_S | 3 };
enum {
    ATTR_CODE32 = VX_ATTR_G | VX_ATTR_DB | VX_ATTR_P | VX_ATTR_S | 0xB,
    ATTR_FLAT_DATA = VX_ATTR_G | VX_ATTR_DB | ATTR_DATA
};

static void put16(struct world *w, uint32_t at, uint32_t value)
{
    memcpy(w->image + at, &value, 2);
}
void world_put32(struct world *w, uint32_t at, uint32_t value)
{
    memcpy(w->image + at, &value, 4);
}
void world_put64(struct world *w, uint32_t at, uint64_t value)
{
    memcpy(w->image + at, &value, 8);
}

void world_desc(struct world *w, uint32_t at, uint32_t base, uint32_t limit, unsigned attr)
{
    uint32_t raw = attr & VX_ATTR_G ? limit >> 12 : limit;
    world_put32(w, at, (raw & 0xFFFF) | base << 16);
    world_put32(w, at + 4, (base >> 16 & 0xFF) | attr << 8 | (raw & 0xF0000) | (base & 0xFF000000u));
}

void world_gate(struct world *w, uint32_t at, uint16_t sel, uint32_t off, unsigned attr, unsigned params)
{
    world_put32(w, at, (uint32_t)sel << 16 | (off & 0xFFFF));
    world_put32(w, at + 4, (off & 0xFFFF0000u) | attr << 8 | params);
}

static void put_desc(struct world *w, unsigned index, uint32_t base, uint32_t limit, unsigned attr)
{
    world_desc(w, WORLD_GDT + 8 * index, base, limit, attr);
}

static void put_gate(struct world *w, uint32_t at, uint32_t off, unsigned attr, unsigned params)
{
    world_gate(w, at, FLAT_CODE, off, attr, params);
}

static unsigned dpl(unsigned level)
{
    return level << 5;
}

/* ---- segments */

/* What DS, ES and FS of programs without flat segments may be: mostly usable data, and everything else there is. */
void world_random_desc(struct world *w, uint32_t at, const struct setup *setup, struct rng *rng)
{
    uint32_t base = WORLD_DATA + rng_below(rng, 0x3000), limit = 0xFFFF;
    unsigned attr = ATTR_DATA | (one_in(rng, 2) ? VX_ATTR_DB : 0) | dpl(one_in(rng, 6) ? 3 : setup->cpl);
    switch (rng_below(rng, 16)) {
    case 0:
    case 1: limit = rng_below(rng, 0x3000); break;
    case 2:
    case 3: attr |= VX_ATTR_EXPAND_DOWN, limit = rng_below(rng, 0x3000); break;
    case 4: attr &= ~(unsigned)VX_ATTR_WRITABLE; break;
    case 5: attr |= VX_ATTR_G | VX_ATTR_DB, limit = UINT32_MAX; break;
    case 6: attr |= VX_ATTR_G | VX_ATTR_DB, limit = UINT32_MAX, base = 0; break;
    case 7: attr |= VX_ATTR_CODE | (one_in(rng, 2) ? VX_ATTR_EXPAND_DOWN : 0); break;
    case 8: attr = (attr | VX_ATTR_CODE) & ~(unsigned)VX_ATTR_WRITABLE; break;
    case 9: attr |= VX_ATTR_G, limit = 0x3000; break;
    default: break;
    }
    world_desc(w, at, base, limit, attr & ~(one_in(rng, 2) ? 1u : 0));
}

void world_stack_desc(struct world *w, uint32_t at, const struct setup *setup, struct rng *rng)
{
    unsigned attr = ATTR_DATA | (setup->stack32 ? VX_ATTR_DB : 0) | dpl(setup->cpl);
    switch (rng_below(rng, 4)) {
    case 0: world_desc(w, at, WORLD_STACK, rng_below(rng, 0x8000), attr | VX_ATTR_EXPAND_DOWN); break;
    case 1: world_desc(w, at, WORLD_STACK, setup_stack_offset(setup) + rng_below(rng, 8), attr); break;
    default: world_desc(w, at, WORLD_STACK, 0xFFFF, attr); break;
    }
}

static void make_gdt(struct world *w, const struct setup *setup)
{
    struct rng rng = rng_seeded(setup->seed ^ 1);
    unsigned code = VX_ATTR_P | VX_ATTR_S | 0xB | (setup->code32 ? VX_ATTR_DB : 0) | dpl(setup->cpl);
    put_desc(w, DESC_FLAT_CODE0, 0, UINT32_MAX, ATTR_CODE32);
    put_desc(w, DESC_FLAT_DATA0, 0, UINT32_MAX, ATTR_FLAT_DATA);
    put_desc(w, DESC_TSS, WORLD_TSS, WORLD_TSS_LIMIT, ATTR_TSS_BUSY);
    put_desc(w, DESC_FLAT_CODE3, 0, UINT32_MAX, ATTR_CODE32 | dpl(3));
    put_desc(w, DESC_FLAT_DATA3, 0, UINT32_MAX, ATTR_FLAT_DATA | dpl(3));
    put_desc(w, DESC_CODE, WORLD_CODE, one_in(&rng, 4) ? CODE_BYTES - 1 : 0xFFFF, code);
    world_stack_desc(w, WORLD_GDT + 8 * DESC_STACK, setup, &rng);
    for (unsigned i = DESC_RANDOM; i < DESC_LDT; i++)
        world_random_desc(w, WORLD_GDT + 8 * i, setup, &rng);
    put_desc(w, DESC_LDT, WORLD_LDT, 63, ATTR_LDT);
    put_gate(w, WORLD_GDT + 8 * DESC_GATE, WORLD_ROUTINES, VX_ATTR_P | dpl(3) | 0xC, 0);
    put_gate(w, WORLD_GDT + 8 * (DESC_GATE + 1), WORLD_ROUTINES + 16, VX_ATTR_P | dpl(3) | 0xC, 2);
    put_gate(w, WORLD_GDT + 8 * (DESC_GATE + 2), WORLD_ROUTINES + 32, VX_ATTR_P | dpl(3) | 0x4, 0);
    put_desc(w, DESC_CODE_SHORT, setup->flat ? 0 : WORLD_CODE, setup->flat ? WORLD_CODE + 0x1800 : 0x1800,
             code | (setup->flat ? VX_ATTR_G : 0));
    put_desc(w, DESC_CODE_ALIAS, WORLD_CODE, CODE_BYTES - 1, ATTR_DATA | dpl(setup->cpl));
    put_desc(w, DESC_CODE_ALIAS + 1, WORLD_DATA, 0xFFFF, (ATTR_DATA | dpl(3)) & ~(unsigned)VX_ATTR_P);
    world_put64(w, WORLD_GDT + 8 * (DESC_COUNT - 1), rng_next(&rng));
    for (unsigned i = 0; i < 8; i++) /* the local table repeats some */
        memcpy(w->image + WORLD_LDT + 8 * i, w->image + WORLD_GDT + 8 * (DESC_RANDOM + i), 8);
}

static void make_tss(struct world *w, const struct setup *setup)
{
    struct rng rng = rng_seeded(setup->seed ^ 2);
    world_put32(w, WORLD_TSS + 4, WORLD_STACK0);
    world_put32(w, WORLD_TSS + 8, FLAT_DATA);
    put16(w, WORLD_TSS + 0x66, 0x68);
    for (unsigned i = 0; i < 0x40; i++)
        w->image[WORLD_TSS + 0x68 + i] = one_in(&rng, 2) ? 0 : (uint8_t)rng_next(&rng);
    w->image[WORLD_TSS + WORLD_TSS_LIMIT] = 0xFF;
}

static void make_vectors(struct world *w, const struct setup *setup)
{
    for (unsigned v = 0; v < WORLD_VECTORS; v++) {
        bool user = v == 3 || v == 4 || v >= 32;
        put_gate(w, WORLD_IDT + 8 * v, WORLD_HANDLERS + 16 * v, VX_ATTR_P | 0xE | dpl(user ? 3 : 0), 0);
        if (setup->kind == SETUP_REAL)
            world_put32(w, 4 * v, WORLD_HANDLERS16 + 16 * v);
    }
    put_gate(w, WORLD_IDT + 8 * WORLD_INTR_VECTOR, WORLD_ROUTINES + 48, VX_ATTR_P | 0xE, 0);
}

void world_copy(struct world *w, uint32_t at, const uint8_t *from, const uint8_t *end)
{
    memcpy(w->image + at, from, (size_t)(end - from));
}

/* ---- paging */

/* Access bits of a page by what lies there; 0x1 P, 2 RW, 4 US, 20h A, 40h D, 100h G. */
uint32_t world_page_bits(uint32_t page, const struct setup *setup, struct rng *rng)
{
    uint32_t lin = page << VX_PAGE_SHIFT, bits = 3 | (rng_below(rng, 4) << 5);
    if (one_in(rng, 8))
        bits |= 0x100;
    if (lin < WORLD_CODE)
        return bits | (setup->kind == SETUP_VM86 && lin == 0 ? 4 : 0);
    bits |= 4;
    if (lin >= WORLD_DATA && one_in(rng, 3))
        bits ^= 1u << rng_below(rng, 3);
    else if (lin >= WORLD_STACK && one_in(rng, 16))
        bits ^= 1u << rng_below(rng, 3);
    else if (one_in(rng, 12))
        bits ^= 1u << rng_below(rng, 2);
    return bits;
}

/* Data pages may lie over each other, over code and over frames without memory. */
uint32_t world_frame_of(uint32_t page, struct rng *rng)
{
    if (page < WORLD_DATA >> VX_PAGE_SHIFT || page >= (WORLD_DATA >> VX_PAGE_SHIFT) + 16)
        return page;
    if (one_in(rng, 12))
        return (WORLD_CODE >> VX_PAGE_SHIFT) + rng_below(rng, 3);
    if (one_in(rng, 24))
        return 0x200;
    return one_in(rng, 4) ? (WORLD_DATA >> VX_PAGE_SHIFT) + rng_below(rng, 16) : page;
}

static void make_page_tables(struct world *w, const struct setup *setup)
{
    struct rng rng = rng_seeded(setup->seed ^ 3);
    bool pae = setup->paging == PAGING_PAE;
    uint32_t leaf = WORLD_TABLES + (pae ? 0x2000 : 0x1000);
    if (pae) {
        for (unsigned i = 0; i < 4; i++)
            world_put64(w, WORLD_TABLES + 8 * i, WORLD_TABLES + 0x1001);
        world_put64(w, WORLD_TABLES + 0x1000, leaf | 7);
    } else {
        world_put32(w, WORLD_TABLES, leaf | 7);
        world_put32(w, WORLD_TABLES + 0xC00, leaf | 7);
    }
    for (uint32_t page = 0; page < 512; page++) {
        uint32_t bits = world_page_bits(page, setup, &rng);
        uint32_t entry = world_frame_of(page, &rng) << VX_PAGE_SHIFT | bits;
        bool no_execute = pae && one_in(&rng, 8);
        if (pae)
            world_put64(w, leaf + 8 * page,
                        entry | (no_execute && page >= WORLD_CODE >> VX_PAGE_SHIFT ? 1ull << 63 : 0));
        else
            world_put32(w, leaf + 4 * page, entry);
    }
    world_put32(w, PTE_BASE, leaf);
    world_put32(w, PTE_SHIFT, pae ? 3 : 2);
}

/* ---- the program */

static void lay_out(struct world *w, const struct program *p)
{
    uint32_t at = p->start;
    for (unsigned i = 0; i < p->count; i++) {
        w->offset[i] = at;
        at += p->piece[i].dropped ? 0 : p->piece[i].len;
    }
    w->offset[p->count] = at;
    VX_ASSERT(at + 2 <= CODE_BYTES);
}

/* A relative byte that cannot reach its target leads to the next instruction. */
static uint32_t fixup_value(const struct world *w, const struct program *p, unsigned index)
{
    const struct fixup *fix = &p->piece[index].fix;
    uint32_t target = w->offset[fix->target];
    if (fix->absolute)
        return setup_code_eip0(&p->setup) + target + (uint32_t)fix->add;
    uint32_t distance = target - (w->offset[index] + fix->at + fix->bytes);
    return fix->bytes == 1 && distance != (uint32_t)(int8_t)distance ? 0 : distance;
}

static void make_code(struct world *w, const struct program *p)
{
    lay_out(w, p);
    uint32_t end = w->offset[p->count];
    for (uint32_t off = 0; off < CODE_BYTES; off++)
        put16(w, NEXT + 2 * off, end);
    for (unsigned i = 0; i < p->count; i++) {
        const struct piece *piece = &p->piece[i];
        uint32_t at = w->offset[i];
        if (piece->dropped)
            continue;
        memcpy(w->image + WORLD_CODE + at, piece->bytes, piece->len);
        uint32_t value = fixup_value(w, p, i);
        memcpy(w->image + WORLD_CODE + at + piece->fix.at, &value, piece->fix.bytes);
        for (unsigned k = 0; k < piece->len; k++)
            put16(w, NEXT + 2 * (at + k), at + piece->len);
    }
    if (p->setup.kind != SETUP_VM86 && p->setup.cpl == 0) {
        w->image[WORLD_CODE + end] = 0xF4; /* HLT */
    } else {
        w->image[WORLD_CODE + end] = 0xCD;
        w->image[WORLD_CODE + end + 1] = WORLD_END_VECTOR;
    }
    world_put32(w, CODE_EIP0, setup_code_eip0(&p->setup));
}

void world_data(struct world *w, const struct setup *setup)
{
    struct rng rng = rng_seeded(setup->seed ^ 4);
    for (uint32_t at = 0; at < 0x10000; at += 8) {
        world_put64(w, WORLD_DATA + at, rng_next(&rng));
        if (at >= 0x8000 && at < 0xB000)
            world_put64(w, WORLD_STACK + at, rng_next(&rng));
    }
}

void world_build(struct world *w, const struct program *program)
{
    memset(w->image, 0, sizeof w->image);
    world_copy(w, WORLD_HANDLERS, world_handlers32, world_handlers32_end);
    world_copy(w, WORLD_ROUTINES, world_routine32, world_routine32_end);
    world_copy(w, WORLD_HANDLERS16, world_handlers16, world_handlers16_end);
    make_gdt(w, &program->setup);
    make_tss(w, &program->setup);
    make_vectors(w, &program->setup);
    make_page_tables(w, &program->setup);
    world_data(w, &program->setup);
    make_code(w, program);
}

struct world *world_create(void)
{
    struct world *w = malloc(sizeof *w);
    if (w == NULL)
        abort();
    return w;
}

void world_destroy(struct world *w)
{
    free(w);
}

const uint32_t *world_offsets(const struct world *w)
{
    return w->offset;
}
const uint8_t *world_code(const struct world *w)
{
    return w->image + WORLD_CODE;
}
