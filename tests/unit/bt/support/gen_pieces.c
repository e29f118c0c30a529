/* gen_pieces.c - pieces of more than one instruction: pointers, strings with counts, control flow inside the program.
 * */
#include "gen.h"

#include "world_map.h"

static const uint8_t pointer_regs[] = { VX_RBX, VX_RBP, VX_RSI, VX_RDI };

static unsigned address_bytes(const struct gen *g)
{
    return g->setup->code32 ? 4 : 2;
}

/* ModRM of an absolute address in the code's own address size. */
static unsigned absolute_rm(const struct gen *g)
{
    return g->setup->code32 ? 5 : 6;
}

static void put_absolute(struct gen *g, unsigned reg, uint32_t off)
{
    put(g, reg << 3 | absolute_rm(g));
    put_value(g, off, address_bytes(g));
}

void gen_pointer(struct gen *g)
{
    put_mov_imm(g, pointer_regs[pick(g, VX_ARRAY_LEN(pointer_regs))], setup_data_offset(g->setup, &g->rng));
}

/* ---- strings */

static void put_string_op(struct gen *g, bool rep)
{
    static const uint8_t ops[] = { 0xA4, 0xA5, 0xA6, 0xA7, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF };
    static const uint8_t segments[] = { 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65 };
    if (chance(g, 6))
        put(g, segments[pick(g, 6)]);
    if (rep)
        put(g, 0xF2 + pick(g, 2));
    if (chance(g, 4))
        put(g, 0x66);
    if (!g->setup->flat && chance(g, 6))
        put(g, 0x67);
    put(g, ops[pick(g, sizeof ops)]);
}

void gen_string(struct gen *g)
{
    bool rep = chance(g, 2);
    if (chance(g, 2))
        put_mov_imm(g, chance(g, 2) ? VX_RSI : VX_RDI, setup_data_offset(g->setup, &g->rng));
    if (chance(g, 8))
        put(g, 0xFC + pick(g, 2)); /* CLD, STD */
    if (rep)
        put_mov_imm(g, VX_RCX, chance(g, 10) ? pick(g, 3000) : pick(g, 40));
    put_string_op(g, rep);
}

/* ---- jumps */

static unsigned any_low_reg(struct gen *g)
{
    static const uint8_t regs[] = { VX_RAX, VX_RCX, VX_RDX };
    return regs[pick(g, sizeof regs)];
}

/* MOV reg, address of a piece further on. */
static void put_mov_target(struct gen *g, unsigned reg, int ahead)
{
    put(g, 0xB8 + reg);
    put_target(g, address_bytes(g), true, 0, ahead);
}

/* JMP (reg 4) or CALL (reg 2) through a register or a slot in memory. */
static void put_indirect(struct gen *g, unsigned reg, int ahead)
{
    if (chance(g, 2)) {
        unsigned via = any_low_reg(g);
        put_mov_target(g, via, ahead);
        put(g, 0xFF);
        put(g, 0xC0 | reg << 3 | via);
        return;
    }
    uint32_t slot = setup_data_offset(g->setup, &g->rng);
    put(g, 0xC7);
    put_absolute(g, 0, slot);
    put_target(g, address_bytes(g), true, 0, ahead);
    put(g, 0xFF);
    put_absolute(g, reg, slot);
}

void gen_jump(struct gen *g)
{
    int ahead = 1 + (int)pick(g, 6);
    switch (pick(g, 6)) {
    case 0:
    case 1: /* Jcc rel8 */
        put(g, 0x70 + pick(g, 16));
        put_target(g, 1, false, 0, ahead);
        break;
    case 2: /* Jcc rel16/32 */
        put(g, 0x0F);
        put(g, 0x80 + pick(g, 16));
        put_target(g, address_bytes(g), false, 0, ahead);
        break;
    case 3: /* JMP; with the other operand size EIP is cut to 16 bits, or the distance is of 32 */
        if (chance(g, 6) && !g->setup->flat) {
            put(g, 0x66);
            put(g, 0xE9);
            put_target(g, g->setup->code32 ? 2 : 4, false, 0, ahead);
            break;
        }
        put(g, chance(g, 2) ? 0xEB : 0xE9);
        put_target(g, g->piece->bytes[0] == 0xEB ? 1 : address_bytes(g), false, 0, ahead);
        break;
    case 4: /* JeCXZ, by either register */
        if (chance(g, 3))
            put(g, 0x67);
        put(g, 0xE3);
        put_target(g, 1, false, 0, ahead);
        break;
    default: put_indirect(g, 4, ahead); break;
    }
}

/* Back, a bounded number of times: by LOOPcc, or by a counter in memory. */
void gen_loop(struct gen *g)
{
    int back = -(int)pick(g, 8);
    if (chance(g, 2)) {
        put_op_size(g, true);
        put(g, 0x83); /* AND ECX, 3 */
        put(g, 0xE1);
        put(g, 3);
        if (chance(g, 4))
            put(g, 0x67);
        put(g, 0xE0 + pick(g, 3));
        put_target(g, 1, false, 0, back);
        return;
    }
    uint32_t counter = (g->setup->flat ? WORLD_DATA : 0) + 0x3E00 + pick(g, 64);
    unsigned mask = chance(g, 16) ? 0x7F : 3;
    put(g, 0x80); /* SUB byte [counter], 1 */
    put_absolute(g, 5, counter);
    put(g, 1);
    put(g, 0xF6); /* TEST byte [counter], mask */
    put_absolute(g, 0, counter);
    put(g, mask);
    put(g, 0x0F); /* JNZ */
    put(g, 0x85);
    put_target(g, address_bytes(g), false, 0, back);
}

/* ---- calls */

/* CALL, a jump over, the called RET: inside one piece. */
static void put_call_and_return(struct gen *g)
{
    bool release = chance(g, 3);
    put(g, 0xE8);
    put_value(g, 2, address_bytes(g));
    put(g, 0xEB);
    put(g, release ? 3 : 1);
    put(g, release ? 0xC2 : 0xC3);
    if (release)
        put_value(g, pick(g, 4) * 2, 2);
}

void gen_call(struct gen *g)
{
    int ahead = 1 + (int)pick(g, 4);
    switch (pick(g, 5)) {
    case 0: put_call_and_return(g); break;
    case 1:
        put(g, 0xE8);
        put_target(g, address_bytes(g), false, 0, ahead);
        break;
    case 2: put_indirect(g, 2, ahead); break;
    case 3: /* PUSH target; RET */
        put(g, 0x68);
        put_target(g, address_bytes(g), true, 0, ahead);
        put(g, chance(g, 2) ? 0xC3 : 0xC2);
        if (g->piece->bytes[g->piece->len - 1] == 0xC2)
            put_value(g, pick(g, 8), 2);
        break;
    default: /* ENTER */
        put(g, 0xC8);
        put_value(g, pick(g, 64), 2);
        put(g, chance(g, 2) ? 0 : pick(g, 5));
        break;
    }
}
