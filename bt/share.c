/* share.c - which memory operands of a unit can share one shadow probe.
 *
 * Compiled code reaches its frame and its structures through one register and small displacements. Such operands get
 * one probe for the whole range that they touch; it leaves the host address that stands for the register's value in a
 * frame slot, and every operand is then [slot + displacement].
 *
 *   I1  A share is good from its first access to the end of the unit's run: nothing that runs in between can take the
 *       page away without making the unit leave (must_exit), because invalidations happen in C only.
 *   I2  The range lies in one page, or the probe misses, so no displacement can leave the page.
 *   I3  A probe that misses changes nothing that the access about to be made would not change too (vx_mmu_prefill()).
 *       If the shadow cannot be filled so, the unit is left for the same boundary in MODE_UNSHARED, where every access
 *       is probed, filled and faulted alone. A share for writing so never sets D before the store itself does.
 *   I4  ESP is followed through pushes, pops and constant adjustments; any other write to a base register ends its
 *       shares. */
#include "share.h"

enum { SPAN_MAX = 255 /* fits MEM_BYTES */, CANDIDATES = 32, GPRS = 8 };

struct candidate {
    int32_t lo, hi; /* bytes touched, relative to the base register's value when the share was opened at delta 0 */
    unsigned uses;
    bool write;
};

struct sharing {
    struct candidate candidate[CANDIDATES];
    unsigned count;
    uint8_t open[GPRS];  /* candidate of the register's present value, SHARE_NONE */
    int32_t delta[GPRS]; /* present value minus the value that displacements are relative to (ESP) */
};

static bool shareable_mode(uint32_t mode)
{
    const uint32_t needed = MODE_FLAT | MODE_CS32 | MODE_SS32;
    return (mode & needed) == needed && !(mode & (MODE_UNSHARED | MODE_WINDOW));
}

static void forget(struct sharing *s, unsigned reg)
{
    s->open[reg] = SHARE_NONE;
    s->delta[reg] = 0;
}

/* Adds an access at the register's present value + disp to its open share, or opens one. */
static uint8_t take(struct sharing *s, unsigned reg, int32_t disp, unsigned bytes, bool write)
{
    int32_t lo = disp + s->delta[reg], hi = lo + (int32_t)bytes;
    struct candidate *c = s->open[reg] == SHARE_NONE ? NULL : &s->candidate[s->open[reg]];
    if (disp < -SPAN_MAX * 16 || disp > SPAN_MAX * 16)
        return SHARE_NONE;
    if (c != NULL && (hi > c->lo + SPAN_MAX || lo < c->hi - SPAN_MAX))
        c = NULL; /* too far from the others: another share of the same value */
    if (c == NULL) {
        if (s->count == CANDIDATES)
            return SHARE_NONE;
        s->open[reg] = (uint8_t)s->count;
        c = &s->candidate[s->count++];
        *c = (struct candidate){ .lo = lo, .hi = hi };
    }
    c->lo = lo < c->lo ? lo : c->lo;
    c->hi = hi > c->hi ? hi : c->hi;
    c->uses++;
    c->write |= write;
    return s->open[reg];
}

/* What the instruction does to the stack: bytes pushed (negative) or popped, 0: nothing that is followed. */
static int32_t stack_bytes(const struct bt_insn *in)
{
    switch (in->lower) {
    case L_PUSH_REG:
    case L_PUSH_IMM:
    case L_PUSH_RM:
    case L_PUSH_SEG:
    case L_CALL:
    case L_CALL_RM: return -(int32_t)in->op_bytes;
    case L_POP_REG:
    case L_RET:
    case L_POP_SEG: return in->op_bytes;
    default: return 0;
    }
}

static bool shares_operand(const struct bt_insn *in)
{
    bool lowered = in->lower == L_MODRM || in->lower == L_X87 || in->lower == L_SSE || in->lower == L_PUSH_RM ||
                   in->lower == L_JMP_RM || in->lower == L_CALL_RM;
    return lowered && in->mem && in->mem_bytes != 0 && in->mem_bytes <= 16 && in->addr_bytes == 4 &&
           in->mem_base != REG_NONE && in->mem_index == REG_NONE &&
           (in->mem_seg == VX_DS || in->mem_seg == VX_SS || in->mem_seg == VX_ES);
}

/* ADD/SUB ESP, imm and LEA ESP, [ESP + disp]: *by is what ESP changes by. */
static bool constant_esp(const struct bt_insn *in, int32_t *by)
{
    bool add_sub = in->lower == L_MODRM && in->map == 0 && (in->opcode == 0x83 || in->opcode == 0x81) && in->mod == 3 &&
                   in->rm == VX_RSP && (in->reg == 0 || in->reg == 5) && in->op_bytes == 4;
    bool lea = in->lower == L_LEA && in->reg == VX_RSP && in->mem_base == VX_RSP && in->mem_index == REG_NONE &&
               in->addr_bytes == 4 && in->op_bytes == 4;
    if (add_sub) {
        int32_t imm;
        memcpy(&imm, in->bytes + in->imm_off, sizeof imm);
        if (in->opcode == 0x83)
            imm = (int8_t)in->bytes[in->imm_off];
        *by = in->reg == 0 ? imm : -imm;
    } else if (lea) {
        *by = in->mem_disp;
    }
    return (add_sub || lea) && *by > -SPAN_MAX * 16 && *by < SPAN_MAX * 16;
}

static bool writes_unknown(const struct bt_insn *in)
{
    return in->lower == L_INTERP || in->lower == L_STRING || in->lower == L_REP || in->lower == L_POP_RM ||
           in->lower == L_LEAVE || in->lower == L_PUSHF || in->lower == L_POPF;
}

static void after_insn(struct sharing *s, const struct bt_insn *in)
{
    int32_t by = stack_bytes(in);
    bool follows_esp = by != 0 || constant_esp(in, &by);
    for (unsigned reg = 0; reg < GPRS; reg++) {
        bool pops_itself = reg == VX_RSP && in->lower == L_POP_REG && (in->opcode & 7) == VX_RSP;
        if (writes_unknown(in) || pops_itself || ((in->gpr_written >> reg & 1) && !(reg == VX_RSP && follows_esp)))
            forget(s, reg);
    }
    if (follows_esp)
        s->delta[VX_RSP] += by;
    if (s->delta[VX_RSP] > SPAN_MAX * 16 || s->delta[VX_RSP] < -SPAN_MAX * 16)
        forget(s, VX_RSP);
}

static void annotate(struct sharing *s, struct bt_insn *in)
{
    if (shares_operand(in)) {
        in->share_mem = take(s, in->mem_base, in->mem_disp, in->mem_bytes, in->mem_write);
        in->share_mem_delta = s->delta[in->mem_base];
    }
    int32_t bytes = stack_bytes(in);
    if (bytes != 0) {
        in->share_stack = take(s, VX_RSP, bytes < 0 ? bytes : 0, in->op_bytes, bytes < 0);
        in->share_stack_delta = s->delta[VX_RSP];
    }
    after_insn(s, in);
}

/* The first shares with at least two uses get the slots; the others are dropped. */
static void assign_slots(struct bt_draft *draft, const struct sharing *s, unsigned n)
{
    uint8_t slot[CANDIDATES];
    unsigned used = 0;
    for (unsigned i = 0; i < s->count; i++) {
        slot[i] = SHARE_NONE;
        if (s->candidate[i].uses < 2 || used == SHARE_SLOTS)
            continue;
        draft->share[used] = (struct bt_share){ .lo = s->candidate[i].lo,
                                                .bytes = (uint32_t)(s->candidate[i].hi - s->candidate[i].lo),
                                                .write = s->candidate[i].write };
        slot[i] = (uint8_t)used++;
    }
    for (unsigned i = 0; i < n; i++) {
        struct bt_insn *in = &draft->insns[i];
        in->share_mem = in->share_mem == SHARE_NONE ? SHARE_NONE : slot[in->share_mem];
        in->share_stack = in->share_stack == SHARE_NONE ? SHARE_NONE : slot[in->share_stack];
    }
}

void bt_share_probes(struct bt_draft *draft, unsigned n, bool off)
{
    struct sharing s = { .count = 0 };
    for (unsigned reg = 0; reg < GPRS; reg++)
        forget(&s, reg);
    for (unsigned i = 0; i < n; i++)
        draft->insns[i].share_mem = draft->insns[i].share_stack = SHARE_NONE;
    if (off || !shareable_mode(draft->mode))
        return;
    for (unsigned i = 0; i < n; i++)
        annotate(&s, &draft->insns[i]);
    assign_slots(draft, &s, n);
}
