/* gen.c - random instructions from families of encodings, and programs from menus of pieces. */
#include "gen.h"

#include "world_map.h"

void put(struct gen *g, unsigned byte)
{
    if (g->piece->len + 1 >= PIECE_BYTES) {
        g->overflow = true;
        return;
    }
    g->piece->bytes[g->piece->len++] = (uint8_t)byte;
}

void put_value(struct gen *g, uint32_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        put(g, value >> 8 * i & 0xFF);
}

void put_random(struct gen *g, unsigned bytes)
{
    static const uint32_t special[] = {
        0, 1, 2, 0xFFFFFFFF, 0x7F, 0x80, 0x7FFF, 0x8000, 0x7FFFFFFF, 0x80000000, 31, 32
    };
    put_value(g, chance(g, 3) ? special[pick(g, VX_ARRAY_LEN(special))] : (uint32_t)rng_next(&g->rng), bytes);
}

void put_op_size(struct gen *g, bool op32)
{
    if (op32 != g->setup->code32)
        put(g, 0x66);
}

void put_addr_size(struct gen *g, bool addr32)
{
    if (addr32 != g->setup->code32)
        put(g, 0x67);
}

void put_mov_imm(struct gen *g, unsigned reg, uint32_t value)
{
    put_op_size(g, true);
    put(g, 0xB8 + reg);
    put_value(g, value, 4);
}

void put_target(struct gen *g, unsigned bytes, bool absolute, int add, int ahead)
{
    int target = (int)g->index + ahead;
    if (target < 0)
        target = 0;
    if (target > (int)g->program->count)
        target = (int)g->program->count;
    g->piece->fix = (struct fixup){ g->piece->len, (uint8_t)bytes, (uint8_t)target, absolute, (int8_t)add };
    put_value(g, 0, bytes);
}

/* ---- operands */

static const uint8_t pointer_regs[] = { VX_RBX, VX_RBP, VX_RSI, VX_RDI };

static void put_disp(struct gen *g, unsigned mod)
{
    if (mod == 1)
        put(g, pick(g, 256));
    else if (mod == 2)
        put_value(g, chance(g, 8) ? (uint32_t)rng_next(&g->rng) : pick(g, 0x800), g->addr32 ? 4 : 2);
}

static void put_mem16(struct gen *g, unsigned reg)
{
    unsigned rm = pick(g, 8), mod = pick(g, 3);
    put(g, mod << 6 | reg << 3 | rm);
    if (mod == 0 && rm == 6)
        put_value(g, setup_data_offset(g->setup, &g->rng), 2);
    else
        put_disp(g, mod);
}

static void put_mem32(struct gen *g, unsigned reg)
{
    unsigned base = chance(g, 8) ? pick(g, 8) : pointer_regs[pick(g, VX_ARRAY_LEN(pointer_regs))];
    unsigned mod = pick(g, 3);
    switch (pick(g, 8)) {
    case 0: /* absolute */
        put(g, 0x05 | reg << 3);
        put_value(g, setup_data_offset(g->setup, &g->rng), 4);
        return;
    case 1: /* SIB, index mostly none */
        put(g, mod << 6 | reg << 3 | 4);
        put(g, pick(g, 4) << 6 | (chance(g, 3) ? pick(g, 8) : 4u) << 3 | base);
        if (mod == 0 && base == 5)
            put_value(g, setup_data_offset(g->setup, &g->rng), 4);
        break;
    case 2: /* [ESP + disp8] */
        mod = 1;
        put(g, mod << 6 | reg << 3 | 4);
        put(g, 0x24);
        break;
    default:
        mod = base == VX_RBP && mod == 0 ? 1 : mod;
        put(g, mod << 6 | reg << 3 | base);
        if (base == VX_RSP)
            put(g, 0x24);
        break;
    }
    put_disp(g, mod);
}

void put_modrm(struct gen *g, unsigned reg, enum form_rm kind)
{
    if (kind == RM_ANY)
        kind = chance(g, 3) ? RM_REG : RM_MEM;
    if (kind == RM_REG)
        put(g, 0xC0 | reg << 3 | pick(g, 8));
    else if (g->addr32)
        put_mem32(g, reg);
    else
        put_mem16(g, reg);
}

/* ---- instructions */

static bool is_string(const struct form *form, unsigned opcode)
{
    return form->map == 0 &&
           ((opcode >= 0xA4 && opcode <= 0xA7) || (opcode >= 0xAA && opcode <= 0xAF) || (opcode & 0xFC) == 0x6C);
}

/* Sets op32 and addr32. In flat setups 16-bit addresses would mostly hit the handlers. */
static void put_prefixes(struct gen *g, bool string)
{
    static const uint8_t segments[] = { 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65 };
    bool code32 = g->setup->code32;
    g->op32 = chance(g, 6) ? !code32 : code32;
    g->addr32 = chance(g, g->setup->flat ? 60 : 6) ? !code32 : code32;
    if (chance(g, 8))
        put(g, segments[pick(g, 6)]);
    if (chance(g, 40))
        put(g, 0xF0);
    if (!string && chance(g, 60))
        put(g, 0xF2 + pick(g, 2));
    put_op_size(g, g->op32);
    put_addr_size(g, g->addr32);
}

static void put_immediate(struct gen *g, enum form_imm imm)
{
    switch (imm) {
    case IMM_NONE: break;
    case IMM_8: put_random(g, 1); break;
    case IMM_16: put_random(g, 2); break;
    case IMM_Z: put_random(g, g->op32 ? 4 : 2); break;
    case IMM_Z8: put_random(g, g->op32 ? 5 : 3); break;
    case IMM_MOFFS: put_value(g, setup_data_offset(g->setup, &g->rng), g->addr32 ? 4 : 2); break;
    }
}

/* Keeps one flag that is defined, then defines them all. Cannot fault. */
static void put_fence(struct gen *g, uint32_t undefined)
{
    static const struct {
        uint8_t cc;
        uint32_t flag;
    } tests[] = { { 0x0, VX_FL_OF }, { 0x2, VX_FL_CF }, { 0x4, VX_FL_ZF }, { 0x8, VX_FL_SF }, { 0xA, VX_FL_PF } };
    unsigned i = pick(g, VX_ARRAY_LEN(tests));
    if (!(undefined & tests[i].flag)) {
        put(g, 0x0F);
        put(g, 0x90 + tests[i].cc);
        put(g, 0xC0 | pick(g, 4)); /* AL, CL, DL, BL */
    }
    put(g, 0x3C); /* CMP AL, imm8 */
    put_random(g, 1);
}

static unsigned random_reg(struct gen *g, const struct form *form)
{
    unsigned reg;
    do
        reg = pick(g, 8);
    while (!(form->regs >> reg & 1));
    /* ESP as a destination soon ends a program's useful life. */
    if (form->regs == 0xFF && form->map == 0 && reg == VX_RSP && !chance(g, 8))
        reg = VX_RAX;
    return reg;
}

/* SHLD and SHRD of 16 bits by more than 16 have no defined result: the count is what the last byte, or CL, says. */
static void bound_double_shift(struct gen *g, unsigned opcode)
{
    if (opcode == 0xA4 || opcode == 0xAC)
        g->piece->bytes[g->piece->len - 1] &= 0xEF;
}

/* The mandatory prefix that an instruction of the 0F map has, as far as undefined_result() wants it. */
static void put_body(struct gen *g, const struct form *form, unsigned opcode)
{
    unsigned at = g->piece->len, mandatory = 0;
    for (unsigned i = 0; i < at; i++)
        if (g->piece->bytes[i] == 0xF2 || g->piece->bytes[i] == 0xF3)
            mandatory = g->piece->bytes[i];
    unsigned reg = random_reg(g, form);
    if (form->map == 1)
        put(g, 0x0F);
    put(g, opcode);
    at = g->piece->len;
    if (form->rm != RM_NONE)
        put_modrm(g, reg, form->rm);
    put_immediate(g, form->imm);
    if (form->map == 1)
        bound_double_shift(g, opcode);
    unsigned modrm = g->piece->bytes[at];
    if (form->rm == RM_NONE)
        reg = modrm = 0;
    uint32_t undefined = undefined_flags(form->map, opcode, reg);
    if (undefined_result(form->map, opcode, modrm, mandatory) || (undefined != 0 && g->setup->single_step))
        g->overflow = true; /* another one instead */
    else if (undefined != 0)
        put_fence(g, undefined);
}

void put_form(struct gen *g, const struct form *form)
{
    unsigned opcode = form->first + pick(g, form->last - form->first + 1u);
    if (form->map == 1 && (opcode == 0xA5 || opcode == 0xAD)) {
        put(g, 0xB1); /* MOV CL, imm8: see bound_double_shift() */
        put(g, pick(g, 17) | pick(g, 8) << 5);
    }
    put_prefixes(g, is_string(form, opcode));
    put_body(g, form, opcode);
}

void put_any_form(struct gen *g, const struct form *forms, unsigned count)
{
    unsigned total = 0;
    for (unsigned i = 0; i < count; i++)
        total += forms[i].weight;
    unsigned at = pick(g, total), i = 0;
    for (; at >= forms[i].weight; i++)
        at -= forms[i].weight;
    put_form(g, &forms[i]);
}

/* ---- programs */

static void gen_integer(struct gen *g)
{
    put_any_form(g, integer_forms, integer_form_count);
}
static void gen_stack(struct gen *g)
{
    put_any_form(g, stack_forms, stack_form_count);
}

static void (*const generators[MENU_ITEMS])(struct gen *) = {
    [MENU_INTEGER] = gen_integer, [MENU_POINTER] = gen_pointer, [MENU_STACK] = gen_stack,
    [MENU_STRING] = gen_string,   [MENU_JUMP] = gen_jump,       [MENU_LOOP] = gen_loop,
    [MENU_CALL] = gen_call,       [MENU_SEGMENT] = gen_segment, [MENU_FLAGS] = gen_flags,
    [MENU_SYSTEM] = gen_system,   [MENU_FAR] = gen_far,         [MENU_IO] = gen_io,
    [MENU_X87] = gen_x87,         [MENU_SSE] = gen_sse,         [MENU_SELF_MODIFY] = gen_self_modify,
};

static enum menu_item choose(struct gen *g, const struct menu *menu)
{
    unsigned total = 0, item = 0;
    for (unsigned i = 0; i < MENU_ITEMS; i++)
        total += menu->weight[i];
    unsigned at = pick(g, total);
    for (; at >= menu->weight[item]; item++)
        at -= menu->weight[item];
    return (enum menu_item)item;
}

void gen_piece(struct gen *g, const struct menu *menu)
{
    do {
        *g->piece = (struct piece){ 0 };
        g->overflow = false;
        g->op32 = g->addr32 = g->setup->code32;
        enum menu_item item = choose(g, menu);
        if (item == MENU_PRIVILEGED)
            menu->privileged(g);
        else
            generators[item](g);
    } while (g->overflow);
}

void program_make(struct program *program, const struct setup *setup, const struct menu *menu, uint64_t seed)
{
    struct gen g = { .rng = rng_seeded(seed), .setup = &program->setup, .program = program };
    memset(program, 0, sizeof *program);
    program->setup = *setup;
    program->count = 4 + pick(&g, PIECES_MAX - 4);
    program->start = chance(&g, 3) ? VX_PAGE_BYTES - pick(&g, 400) : pick(&g, VX_PAGE_BYTES);
    for (unsigned i = 0; i < program->count; i++) {
        g.index = i;
        g.piece = &program->piece[i];
        gen_piece(&g, menu);
    }
}
