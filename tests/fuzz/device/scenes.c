/* scenes.c - what scenes share, and programs made of them. See scenes.h. */
#include "scenes.h"

#include <string.h>

static const struct {
    void (*scene)(struct scene *s);
} chips[] = {
#define CHIP(name, use, sources) { use },
#include "chips.def"
#undef CHIP
};

void add(struct scene *s, struct op op)
{
    if (s->program->count < OPS_MAX)
        s->program->op[s->program->count++] = op;
}

uint32_t likely(struct scene *s)
{
    static const uint32_t values[] = { 0,          1,          2,          4,          8,
                                       0x10,       0x20,       0x40,       0x7F,       0x80,
                                       0xFF,       0x100,      0x7FFF,     0x8000,     0xFFFF,
                                       0x10000,    0xFFFFF,    0x100000,   0x7FFFFFFF, 0x80000000,
                                       0xFEC00000, 0xFEE00000, 0xE0000000, 0xFFFFFFF0, 0xFFFFFFFF };
    return chance(s, 2) ? PICK(s, values) : chance(s, 2) ? any(s) & 0xFF : any(s);
}

uint32_t memory(struct scene *s)
{
    switch (below(s, 8)) {
    case 0: return 0xA0000 + below(s, 0x60000);
    case 1: return any(s);
    case 2: return RAM_BYTES - below(s, 0x1000);
    case 3: return 0xFEC00000 + below(s, 0x300000);
    default: return buffer(s) + below(s, 16);
    }
}

uint32_t buffer(struct scene *s)
{
    return 0x240000 + below(s, 0x1000) * 16;
}

void config_write(struct scene *s, unsigned function, unsigned reg, unsigned size, uint32_t value)
{
    out_sized(s, 0xCF8, 4, 0x80000000 | function << 8 | (reg & 0xFC));
    out_sized(s, 0xCFC + (reg & 3), size, value);
}

void config_read(struct scene *s, unsigned function, unsigned reg, unsigned size)
{
    out_sized(s, 0xCF8, 4, 0x80000000 | function << 8 | (reg & 0xFC));
    in_sized(s, 0xCFC + (reg & 3), size);
}

void interrupt(struct scene *s)
{
    if (chance(s, 2))
        cpu(s, CPU_HALT, chance(s, 30));
    else
        cpu(s, CPU_INTA, 0);
    if (chance(s, 2))
        out(s, 0x20, 0x20);
    if (chance(s, 3))
        out(s, 0xA0, 0x20);
    if (chance(s, 3))
        store(s, 0xFEE000B0, 4, 0);
}

/* Any register of any chip, by nobody's driver. */
void scene_anywhere(struct scene *s)
{
    static const uint16_t ports[] = { 0x00,  0x20,  0x40,  0x60,  0x70,  0x80,   0x92,   0xA0,  0xC0,   0xE0,  0xF0,
                                      0xB2,  0x170, 0x1CE, 0x1F0, 0x2F8, 0x3B0,  0x3C0,  0x3D0, 0x3F6,  0x3F8, 0x402,
                                      0x4D0, 0x510, 0x514, 0x600, 0x700, 0xAFE0, 0xC000, 0xCF8, 0x2000, 0xFFF8 };
    static const uint32_t places[] = { 0xA0000,    0xB8000,    0xC0000,    0xF0000,    0x100000,   0xFEC00000,
                                       0xFED00000, 0xFEE00000, 0xFF000000, 0xFFFF0000, 0xE0000000, 0xE1000000 };
    for (unsigned i = 0; i < 12; i++) {
        unsigned size = 1u << below(s, 3);
        uint32_t port = PICK(s, ports) + below(s, 16), place = PICK(s, places) + below(s, 0x1100);
        switch (below(s, 6)) {
        case 0: out_sized(s, port, size, likely(s)); break;
        case 1: in_sized(s, port, size); break;
        case 2: store(s, place, 1u << below(s, 4), likely(s)); break;
        case 3: load(s, place, 1u << below(s, 4)); break;
        case 4: ins(s, port, size, below(s, 40), memory(s)); break;
        default: outs(s, port, size, below(s, 40), memory(s)); break;
        }
    }
}

/* Between scenes: time, interrupts, somebody at the keyboard, a round trip. */
static void pause_between(struct scene *s)
{
    switch (below(s, 12)) {
    case 0: pass(s, below(s, 100000)); break;
    case 1: pass(s, 1000000 * below(s, 40)); break;
    case 2: interrupt(s); break;
    case 3: cpu(s, CPU_STI, 0); break;
    case 4: cpu(s, CPU_CLI, 0); break;
    case 5: host(s, below(s, HOST_POWER_BUTTON), any(s)); break;
    case 6: host(s, HOST_REFRESH, 0); break;
    case 7:
        if (chance(s, 40))
            add(s, (struct op){ .kind = OP_ROUND_TRIP, .size = 1 });
        break;
    case 8:
        if (chance(s, 8))
            out(s, chance(s, 2) ? 0xCF9 : 0x92, 1 + below(s, 7)); /* resets */
        break;
    default: break;
    }
}

/* A few chips, used again and again, so that what one left behind meets the next. */
void program_make(struct program *program, uint64_t seed, uint64_t number)
{
    struct rng rng = rng_seeded((seed << 40) + number);
    struct scene s = { .rng = &rng, .program = program };
    uint32_t cast[4], scenes = 2 + below(&s, 30);
    program->count = 0;
    for (unsigned i = 0; i < VX_ARRAY_LEN(cast); i++)
        cast[i] = below(&s, VX_ARRAY_LEN(chips));
    cast[0] = (uint32_t)(number % VX_ARRAY_LEN(chips));
    for (unsigned i = 0; i < scenes; i++) {
        chips[chance(&s, 8) ? below(&s, VX_ARRAY_LEN(chips)) : PICK(&s, cast)].scene(&s);
        pause_between(&s);
    }
}

/* ---- programs from programs */

static void insert_scene(struct program *program, struct rng *rng)
{
    static struct program piece;
    struct scene s = { .rng = rng, .program = &piece };
    unsigned at = rng_below(rng, program->count + 1);
    piece.count = 0;
    chips[below(&s, VX_ARRAY_LEN(chips))].scene(&s);
    pause_between(&s);
    for (unsigned i = at; i < program->count; i++)
        add(&s, program->op[i]);
    program->count = at;
    for (unsigned i = 0; i < piece.count && program->count < OPS_MAX; i++)
        program->op[program->count++] = piece.op[i];
}

static void change_op(struct program *program, struct rng *rng)
{
    struct scene s = { .rng = rng, .program = program };
    struct op *op = &program->op[rng_below(rng, program->count)];
    switch (rng_below(rng, 6)) {
    case 0: op->value = likely(&s); break;
    case 1: op->value ^= 1u << rng_below(rng, 32); break;
    case 2: op->at += 1 - rng_below(rng, 3); break;
    case 3: op->size = (uint8_t)(1u << rng_below(rng, 3)); break;
    case 4: op->memory = memory(&s); break;
    default: op->count = (uint16_t)rng_below(rng, 0x900); break;
    }
}

static void take_part(struct program *program, const struct program *other, struct rng *rng)
{
    unsigned from = rng_below(rng, other->count), at = rng_below(rng, program->count);
    for (program->count = at; from < other->count && program->count < OPS_MAX; from++)
        program->op[program->count++] = other->op[from];
}

void program_mutate(struct program *program, const struct program *one, const struct program *other, struct rng *rng)
{
    memcpy(program, one, offsetof(struct program, op) + one->count * sizeof(struct op)); /* no more of it is there */
    for (unsigned n = 1 + rng_below(rng, 6); n > 0; n--) {
        unsigned first = program->count > 0 ? rng_below(rng, program->count) : 0;
        if (program->count == 0 || one_in(rng, 3))
            insert_scene(program, rng);
        else if (one_in(rng, 3))
            program_cut(program, first, 1 + rng_below(rng, program->count - first));
        else if (one_in(rng, 6) && other->count > 0)
            take_part(program, other, rng);
        else
            change_op(program, rng);
    }
}
