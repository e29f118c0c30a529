/* verify_operand.c - is what a guest instruction accesses and computes what its bytes say?
 *
 * Addresses that the guest's operands name are built as terms from the registers in front of the instruction, with the
 * operations that the lowering uses for them; the address of an access has to be one of these. The guest's own
 * instruction, where it runs as itself, has to have the same operands. Behind the instruction it has to have been done.
 * */
#include "verify_operand.h"

#include <inttypes.h>

#include "verify_decode.h"
#include "verify_report.h"
#include "verify_segment.h"
#include "verify_term.h"

/* ---- addresses */

static vf_term guest_reg(const struct vf_guest *g, unsigned reg)
{
    return g->entry.reg[host_of((uint8_t)reg)];
}

static uint8_t segment_of(const struct vf_op *op)
{
    if (op->seg != VF_NO_REG)
        return op->seg;
    return op->base == VX_RSP || op->base == VX_RBP ? VX_SS : VX_DS;
}

/* Does the unit's mode say that every offset is within the segment, for reading and writing? */
static bool is_limitless(const struct bt_verifier *v, unsigned seg)
{
    static const uint32_t by_mode[VX_SEG_COUNT] = {
        [VX_ES] = MODE_FLAT, [VX_SS] = MODE_FLAT, [VX_DS] = MODE_FLAT, [VX_FS] = MODE_FS_WIDE, [VX_GS] = MODE_GS_WIDE
    };
    return (v->claim->tu->mode & by_mode[seg]) != 0;
}

/* Has the way here found that all bytes of the access at offset `off` are within the segment? */
static bool within_limit(const struct bt_verifier *v, const struct vf_state *s, const struct vf_access *access,
                         unsigned seg, vf_term off)
{
    if (is_limitless(v, seg))
        return true;
    uint64_t may_read = (uint64_t)AREA(seg_max_read) + 8 * seg, may_write = (uint64_t)AREA(seg_max_write) + 8 * seg;
    for (unsigned i = 0; i < VF_LIMITS; i++) {
        if (s->limit[i] == 0)
            continue;
        const struct vf_node *limit = vf_at(v, vf_at(v, s->limit[i])->a), *last = vf_at(v, vf_at(v, s->limit[i])->b);
        bool right = limit->c == may_write || (!access->write && limit->c == may_read);
        if (right && limit->a == s->segments && last->a == off && last->c + 1 >= access->bytes)
            return true;
    }
    return false;
}

static vf_term with_segment(struct bt_verifier *v, const struct vf_state *s, unsigned seg, vf_term off)
{
    bool flat = (v->claim->tu->mode & MODE_FLAT) && (seg == VX_DS || seg == VX_ES || seg == VX_SS);
    if (flat)
        return off;
    uint64_t field = offsetof(struct vx_vcpu, seg) + seg * sizeof(struct vx_seg) + offsetof(struct vx_seg, base);
    return vf_add32(&v->terms, off, vf_term_make(&v->terms, T_FIELD, s->segments, 0, field, 32), 0);
}

/* BT and its kin with a register: the bit's number moves the operand. */
static vf_term bit_string(struct bt_verifier *v, const struct vf_guest *g, vf_term off)
{
    struct vf_terms *t = &v->terms;
    const struct vf_op *bit = &g->insn.op[1];
    vf_term number = guest_reg(g, bit->reg);
    if (bit->size == 2)
        number = vf_term_make(t, T_SX16, vf_low(t, number, 16), 0, 0, 32);
    return vf_add32(t, off, vf_term_make(t, T_SAR, number, 0, bit->size == 2 ? 4 : 5, 32), bit->size == 2 ? 1 : 2);
}

static bool is_bit_string(const struct vf_insn *in)
{
    bool bits = in->id == X86_INS_BT || in->id == X86_INS_BTS || in->id == X86_INS_BTR || in->id == X86_INS_BTC;
    return bits && in->op[0].kind == OP_MEM && in->op[1].kind == OP_REG;
}

/* Offset of a ModRM operand. `esp`: what ESP counts as. */
static vf_term effective(struct bt_verifier *v, const struct vf_guest *g, const struct vf_op *op, vf_term esp)
{
    struct vf_terms *t = &v->terms;
    vf_term sum = vf_const(t, 0);
    if (op->base < 8)
        sum = op->base == VX_RSP ? esp : guest_reg(g, op->base);
    if (op->index < 8)
        sum = vf_add32(t, sum, guest_reg(g, op->index), op->scale);
    sum = vf_off32(t, sum, (uint32_t)op->value);
    if (is_bit_string(&g->insn))
        sum = bit_string(v, g, vf_low(t, sum, op->address_bytes * 8u));
    return vf_low(t, sum, op->address_bytes * 8u);
}

static vf_term stack_offset(struct bt_verifier *v, vf_term reg, int32_t by)
{
    vf_term off = vf_off32(&v->terms, reg, (uint32_t)by);
    return (v->claim->tu->mode & MODE_SS32) ? off : vf_low(&v->terms, off, 16);
}

/* A place in memory that the guest's bytes name. */
struct place {
    vf_term off; /* 0: none */
    unsigned seg, bytes;
};

static struct place stack_slot(struct bt_verifier *v, const struct vf_guest *g)
{
    vf_term esp = guest_reg(g, VX_RSP);
    switch (g->insn.def.attributes & VF_STACK) {
    case VF_PUSH: return (struct place){ stack_offset(v, esp, -(int32_t)g->op_bytes), VX_SS, g->op_bytes };
    case VF_POP: return (struct place){ stack_offset(v, esp, 0), VX_SS, g->op_bytes };
    case VF_LEAVE: return (struct place){ stack_offset(v, guest_reg(g, VX_RBP), 0), VX_SS, g->op_bytes };
    default: return (struct place){ 0 };
    }
}

/* XLAT: Capstone gives it no operand, only (by its prefix) a segment. */
static struct place xlat_byte(struct bt_verifier *v, const struct vf_guest *g)
{
    struct vf_terms *t = &v->terms;
    if (g->insn.id != X86_INS_XLATB)
        return (struct place){ 0 };
    vf_term off = vf_add32(t, guest_reg(g, VX_RBX), vf_low(t, guest_reg(g, VX_RAX), 8), 0);
    off = vf_low(t, off, g->address_bytes * 8u);
    return (struct place){ off, g->seg == VF_NO_REG ? VX_DS : g->seg, 1 };
}

static struct place operand(struct bt_verifier *v, const struct vf_guest *g, unsigned i)
{
    const struct vf_op *op = &g->insn.op[i];
    vf_term esp = guest_reg(g, VX_RSP);
    if (i >= g->insn.ops || op->kind != OP_MEM)
        return (struct place){ 0 };
    if ((g->insn.def.attributes & VF_POP) && i == 0) /* SDM 2 "POP": the address is made with ESP incremented */
        esp = vf_off32(&v->terms, esp, g->op_bytes);
    return (struct place){ effective(v, g, op, esp), segment_of(op), op->size };
}

static vf_term lin_of(struct bt_verifier *v, const struct vf_state *s, struct place place)
{
    return place.off == 0 ? 0 : with_segment(v, s, place.seg, place.off);
}

bool vf_operand_address(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in,
                        const struct vf_access *access, vf_term lin)
{
    enum { STACK = VF_OPERANDS, XLAT, PLACES };
    bool named = false;
    if (s->insn >= v->claim->tu->insns)
        return vf_fail(v, RULE_OPERAND, in, "guest memory is accessed outside of a guest instruction");
    const struct vf_guest *g = &v->guest[s->insn];
    for (unsigned i = 0; i < PLACES && g->decoded; i++) {
        struct place place = i == STACK ? stack_slot(v, g) : i == XLAT ? xlat_byte(v, g) : operand(v, g, i);
        if (place.off == 0 || lin_of(v, s, place) != lin || access->bytes != place.bytes)
            continue;
        if (within_limit(v, s, access, place.seg, place.off))
            return true;
        named = true;
    }
    if (named)
        return vf_fail(v, RULE_LIMIT, in, "%u bytes that have not been held against their segment's limit%s",
                       access->bytes, access->write ? " for writing" : "");
    return vf_fail(v, RULE_OPERAND, in, "no %u bytes that the guest instruction at %" PRIx64 " names", access->bytes,
                   g->eip);
}

vf_term vf_branch_target(struct bt_verifier *v, const struct vf_state *s, const struct vf_guest *g)
{
    const struct vf_op *op = &g->insn.op[0];
    bool returns = g->insn.id == X86_INS_RET;
    if (!g->decoded || (!returns && g->insn.def.kind != K_JMP && g->insn.def.kind != K_CALL))
        return 0;
    if (!returns && op->kind == OP_REG)
        return op->reg < 8 ? vf_low(&v->terms, guest_reg(g, op->reg), op->size * 8u) : 0;
    struct place place = returns ? stack_slot(v, g) : operand(v, g, 0);
    return place.off == 0
               ? 0
               : vf_term_make(&v->terms, T_LOAD, lin_of(v, s, place), s->insn, g->op_bytes, g->op_bytes * 8u);
}

/* ---- the guest's own instruction */

static bool same_register(const struct vf_op *host, const struct vf_op *guest)
{
    if (guest->reg == VF_NO_REG)
        return host->reg == VF_NO_REG && host->other == guest->other;
    if (host->reg == H_R10 && host->size == guest->size && (guest->high || guest->size == 1))
        return guest->high; /* AH..BH meet memory through r10 */
    return host->reg == host_of(guest->reg) && host->high == guest->high && host->size == guest->size;
}

static bool same_operand(const struct vf_op *host, const struct vf_op *guest)
{
    if (host->kind != guest->kind)
        return false;
    uint64_t mask = guest->size >= 8 ? UINT64_MAX : (1ull << guest->size * 8) - 1;
    switch (host->kind) {
    case OP_REG: return same_register(host, guest);
    case OP_IMM: return (((uint64_t)host->value ^ (uint64_t)guest->value) & mask) == 0;
    case OP_MEM: return host->size == guest->size;
    default: return true;
    }
}

bool vf_operands_match(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in)
{
    const struct vf_insn *guest = &v->guest[s->insn].insn;
    if (s->own)
        return vf_fail(v, RULE_OPERAND, in, "the guest's instruction a second time");
    if (guest->id != in->id) /* CMP for CMPS and SCAS: addresses were looked at */
        return true;
    if (guest->ops != in->ops)
        return vf_fail(v, RULE_OPERAND, in, "%u operands, the guest's has %u", in->ops, guest->ops);
    for (unsigned i = 0; i < in->ops; i++) {
        if (i == 1 && is_bit_string(guest) && in->op[1].kind == OP_REG && in->op[1].reg == H_R10)
            continue; /* the bit's number within the operand */
        if (!same_operand(&in->op[i], &guest->op[i]))
            return vf_fail(v, RULE_OPERAND, in, "operand %u is not the guest's", i + 1);
    }
    return true;
}

/* ---- results */

static bool writes_memory(const struct vf_guest *g)
{
    if (g->insn.def.attributes & VF_PUSH)
        return true;
    for (unsigned i = 0; i < g->insn.ops; i++) {
        if (g->insn.op[i].kind == OP_MEM && vf_writes(&g->insn, i) && g->insn.def.kind != K_LEA)
            return true;
    }
    return false;
}

/* The 32-bit value of a MOV's or LEA's source; 0 where it is not followed. */
static vf_term source(struct bt_verifier *v, const struct vf_state *s, const struct vf_guest *g)
{
    struct vf_terms *t = &v->terms;
    const struct vf_op *op = &g->insn.op[1];
    if (g->insn.id == X86_INS_POP)
        return vf_term_make(t, T_LOAD, lin_of(v, s, stack_slot(v, g)), s->insn, g->op_bytes, 32);
    if (g->insn.def.kind == K_LEA)
        return effective(v, g, op, guest_reg(g, VX_RSP));
    if (g->insn.def.kind != K_MOV)
        return 0;
    if (op->kind == OP_IMM)
        return vf_const(t, (uint32_t)op->value);
    if (op->kind == OP_REG)
        return op->reg < 8 ? guest_reg(g, op->reg) : 0;
    vf_term lin = with_segment(v, s, segment_of(op), effective(v, g, op, guest_reg(g, VX_RSP)));
    return vf_term_make(t, T_LOAD, lin, s->insn, op->size, 32);
}

/* What a MOV, PUSH, CALL, MOVS or STOS stores; 0 where it is not followed. */
static vf_term to_be_stored(struct bt_verifier *v, const struct vf_state *s, const struct vf_guest *g)
{
    struct vf_terms *t = &v->terms;
    const unsigned id = g->insn.id;
    bool push = id == X86_INS_PUSH, mov = g->insn.def.kind == K_MOV && g->insn.op[0].kind == OP_MEM;
    mov |= id == X86_INS_MOVSB || id == X86_INS_MOVSW || (id == X86_INS_MOVSD && g->insn.op[0].kind == OP_MEM);
    mov |= id == X86_INS_STOSB || id == X86_INS_STOSW || id == X86_INS_STOSD;
    const struct vf_op *from = &g->insn.op[push ? 0 : 1];
    unsigned bits = 8u * (push ? g->op_bytes : from->size);
    if (g->insn.def.kind == K_CALL)
        return vf_low(t, vf_const(t, g->next), 8u * g->op_bytes);
    if (!push && !mov)
        return 0;
    if (from->kind == OP_IMM)
        return vf_low(t, vf_const(t, (uint32_t)from->value), 8u * (push ? g->op_bytes : g->insn.op[0].size));
    if (from->kind == OP_REG)
        return from->reg < 8 && !from->high ? vf_low(t, guest_reg(g, from->reg), bits) : 0;
    return vf_term_make(t, T_LOAD, lin_of(v, s, operand(v, g, push ? 0 : 1)), s->insn, from->size, bits);
}

/* Has ESP moved by what the instruction pushes or pops? */
static bool stack_moved(struct bt_verifier *v, const struct vf_state *s, const struct vf_guest *g)
{
    bool pop = (g->insn.def.attributes & VF_POP) != 0;
    bool to_esp = pop && g->insn.op[0].kind == OP_REG && g->insn.op[0].reg == VX_RSP;
    if (!(g->insn.def.attributes & (VF_PUSH | VF_POP)) || to_esp || !(v->claim->tu->mode & MODE_SS32))
        return true;
    uint32_t by = pop ? g->op_bytes : 0u - g->op_bytes;
    if (g->insn.id == X86_INS_RET && g->insn.ops == 1)
        by += (uint16_t)g->insn.op[0].value;
    return s->reg[H_GUEST_ESP] == vf_off32(&v->terms, guest_reg(g, VX_RSP), by);
}

bool vf_results(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in)
{
    const struct vf_guest *g = &v->guest[s->insn];
    const struct vf_def *def = &g->insn.def;
    const struct vf_op *to = &g->insn.op[0];
    if (s->by_c || !g->decoded)
        return true;
    if (vf_loads_segment(v, g) && !s->based)
        return vf_fail(v, RULE_OPERAND, in, "the guest instruction at %" PRIx64 " has not loaded its segment register",
                       g->eip);
    if (writes_memory(g) && !s->committed)
        return vf_fail(v, RULE_OPERAND, in, "the guest instruction at %" PRIx64 " has not stored", g->eip);
    vf_term store = to_be_stored(v, s, g);
    if ((store != 0 && s->stored != store) || (s->stored != 0 && !writes_memory(g)))
        return vf_fail(v, RULE_OPERAND, in, "the guest instruction at %" PRIx64 " stores something else", g->eip);
    if (!stack_moved(v, s, g))
        return vf_fail(v, RULE_OPERAND, in, "the guest instruction at %" PRIx64 " moves ESP by something else", g->eip);
    bool itself = def->kind == K_NATIVE || def->kind == K_IMUL || def->kind == K_SETCC || def->kind == K_LAHF ||
                  def->kind == K_SAHF;
    if (itself && !(def->attributes & VF_GUEST) && !s->own)
        return vf_fail(v, RULE_OPERAND, in, "the guest instruction at %" PRIx64 " has not been done", g->eip);
    vf_term want = to->kind == OP_REG && to->reg < 8 && to->size == 4 ? source(v, s, g) : 0;
    if (want != 0 && s->reg[host_of(to->reg)] != want)
        return vf_fail(v, RULE_OPERAND, in, "the result of the guest instruction at %" PRIx64 " is another", g->eip);
    return true;
}
