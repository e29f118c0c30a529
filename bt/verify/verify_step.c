/* verify_step.c - what one host instruction computes, and whether it may stand there.
 *
 *   I1  Instructions of the lowering (enum vf_kind) are modelled exactly; they write no flags.
 *   I2  Everything else is the guest's own instruction, run as itself: the same mnemonic as the guest's bytes give.
 *       What it writes becomes unknown. */
#include "verify_step.h"

#include <inttypes.h>

#include "verify_decode.h"
#include "verify_guest.h"
#include "verify_mem.h"
#include "verify_operand.h"
#include "verify_report.h"
#include "verify_term.h"

static bool reserved(unsigned reg)
{
    return reg == H_RSP || reg == H_TWELVE || reg == H_TLB || reg == H_VCPU;
}

/* ---- operands */

static vf_term read_reg(struct bt_verifier *v, const struct vf_state *s, const struct vf_op *op)
{
    vf_term term = s->reg[op->reg];
    if (op->high)
        return vf_opaque_of(&v->terms, term, 0, 8);
    return op->size >= 8 ? term : vf_low(&v->terms, term, op->size * 8u);
}

static bool write_reg(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in, const struct vf_op *op,
                      vf_term value)
{
    if (op->reg >= 16)
        return vf_fail(v, RULE_NOT_ALLOWED, in, "writes a register that is not a general one");
    if (reserved(op->reg))
        return vf_fail(v, RULE_RESERVED, in, "writes r%u", op->reg);
    if (s->by_c && (op->reg < 8 || op->reg == H_GUEST_ESP))
        return vf_fail(v, RULE_COMMIT, in, "a guest register changes after C has done the instruction");
    vf_term *reg = &s->reg[op->reg];
    if (op->size >= 4)
        *reg = op->size == 8 ? value : vf_low(&v->terms, value, 32);
    else /* the rest stays */
        *reg = vf_opaque_of(&v->terms, *reg, value, vf_at(v, *reg)->bits <= 32 ? 32 : 64);
    return true;
}

/* The value of operand `i`, loaded if it is in memory. */
static bool read_op(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in, unsigned i, vf_term *value)
{
    const struct vf_op *op = &in->op[i];
    struct vf_access access = { .op = op, .bytes = op->size };
    switch (op->kind) {
    case OP_REG:
        if (op->reg >= 16)
            return vf_fail(v, RULE_NOT_ALLOWED, in, "reads a register that is not a general one");
        *value = read_reg(v, s, op);
        return true;
    case OP_IMM: *value = vf_const(&v->terms, (uint64_t)op->value); return true;
    case OP_MEM:
        if (!vf_memory(v, s, in, &access))
            return false;
        *value = access.result;
        return true;
    default: return vf_fail(v, RULE_NOT_ALLOWED, in, "an operand is missing");
    }
}

static bool write_op(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in, unsigned i, vf_term value)
{
    const struct vf_op *op = &in->op[i];
    if (op->kind == OP_REG)
        return write_reg(v, s, in, op, value);
    struct vf_access access = { .op = op, .bytes = op->size, .write = true, .value = value };
    return vf_memory(v, s, in, &access);
}

/* ---- the instructions of the lowering */

static bool step_mov(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in)
{
    vf_term value;
    if (in->ops != 2 || !read_op(v, s, in, 1, &value))
        return false;
    if (in->op[0].kind == OP_MEM)
        value = vf_low(&v->terms, value, in->op[0].size < 8 ? in->op[0].size * 8u : 64);
    return write_op(v, s, in, 0, value);
}

static bool step_movx(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in)
{
    vf_term value;
    if (!read_op(v, s, in, 1, &value))
        return false;
    if (in->def.kind == K_MOVSX && in->op[0].size == 8)
        return vf_fail(v, RULE_NOT_ALLOWED, in, "sign extension to 64 bits");
    if (in->def.kind == K_MOVSX)
        value = in->op[1].size == 2 ? vf_term_make(&v->terms, T_SX16, value, 0, 0, 32)
                                    : vf_opaque_of(&v->terms, value, 0, 32);
    return write_op(v, s, in, 0, value);
}

static bool is_op(const struct bt_verifier *v, vf_term term, enum vf_term_op op)
{
    return term != 0 && vf_at(v, term)->op == op;
}

/* The last byte of an access at an offset, or (a limit and the complement of such a one) the room behind it. */
static vf_term last_or_room(struct bt_verifier *v, const struct vf_op *op, vf_term base, vf_term index)
{
    struct vf_terms *t = &v->terms;
    if (index == 0 && base != 0 && vf_at(v, base)->bits <= 32 && op->value >= 0 && op->value <= UINT8_MAX)
        return vf_term_make(t, T_LAST, base, 0, (uint64_t)op->value, 64);
    if (is_op(v, base, T_FIELD) && is_op(v, index, T_AFTER) && op->value == 1)
        return vf_term_make(t, T_ROOM, base, vf_at(v, index)->a, 0, 64);
    return vf_opaque_of(t, base, index, 64);
}

/* Host addresses: of the cache, of a unit in it, of guest memory behind an addend; and 64-bit sums. */
static vf_term address(struct bt_verifier *v, const struct vf_op *op, vf_term base, vf_term index)
{
    struct vf_terms *t = &v->terms;
    if (op->scale != 0)
        return vf_opaque_of(t, base, index, 64);
    if (is_op(v, base, T_ADDEND) || is_op(v, index, T_CACHE)) {
        vf_term swap = base;
        base = index;
        index = swap;
    }
    if (is_op(v, index, T_ADDEND) && vf_at(v, index)->a == base)
        return vf_term_make(t, T_HVA, index, 0, (uint64_t)op->value, 64);
    if (is_op(v, base, T_ENTERED) && index == 0)
        return vf_term_make(t, T_ENTERED, 0, 0, vf_at(v, base)->c + (uint64_t)op->value, 64);
    if (is_op(v, base, T_HVA) && index == 0)
        return vf_term_make(t, T_HVA, vf_at(v, base)->a, 0, vf_at(v, base)->c + (uint64_t)op->value, 64);
    if (is_op(v, base, T_CACHE) && is_op(v, index, T_LOW) && vf_at(v, index)->c == 32 && op->value == 0) {
        const struct vf_node *entry = vf_at(v, vf_at(v, index)->a);
        if (entry->op == T_JCROT)
            return vf_term_make(t, T_JCTARGET, entry->a, 0, 0, 64);
    }
    return last_or_room(v, op, base, index);
}

static bool step_lea(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in)
{
    const struct vf_op *op = &in->op[1];
    struct vf_terms *t = &v->terms;
    if (op->odd || op->window)
        return vf_fail(v, RULE_NOT_ALLOWED, in, "an address in other than plain 64-bit registers");
    if (op->base == VF_RIP) {
        if ((int64_t)v->claim->tu->entry + in->off + in->len + op->value != 0 || in->op[0].size != 8)
            return vf_fail(v, RULE_POLL, in, "not the address of the cache");
        return write_reg(v, s, in, &in->op[0], v->cache);
    }
    vf_term base = op->base < 16 ? s->reg[op->base] : 0, index = op->index < 16 ? s->reg[op->index] : 0;
    if (in->op[0].size == 8)
        return write_reg(v, s, in, &in->op[0], address(v, op, base, index));
    vf_term sum = base == 0 ? vf_const(t, 0) : base;
    if (index != 0)
        sum = vf_add32(t, sum, index, op->scale);
    return write_reg(v, s, in, &in->op[0], vf_off32(t, sum, (uint32_t)op->value));
}

static bool step_shift(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in)
{
    static const uint8_t ops[] = { [K_SHRX] = T_SHR, [K_SHLX] = T_SHL, [K_SARX] = T_SAR };
    vf_term value, count;
    if (!read_op(v, s, in, 1, &value) || !read_op(v, s, in, 2, &count))
        return false;
    uint64_t by = vf_at(v, count)->c;
    unsigned bits = vf_at(v, value)->bits;
    if (in->def.kind == K_SHRX && is_op(v, count, T_CONST) && by < in->op[0].size * 8u)
        bits = bits > by ? bits - (unsigned)by : 0;
    else
        bits = in->op[0].size * 8u;
    vf_term result = vf_opaque_of(&v->terms, value, count, bits);
    if (in->op[0].size == 4 && is_op(v, count, T_CONST) && by < 32)
        result = vf_term_make(&v->terms, (enum vf_term_op)ops[in->def.kind], value, 0, by, bits);
    else if (in->def.kind == K_SHRX && in->op[0].size == 8 && is_op(v, value, T_ROOM) && is_op(v, count, T_CONST) &&
             by == 63)
        result = vf_term_make(&v->terms, T_OVER, value, 0, 0, 1);
    return write_reg(v, s, in, &in->op[0], result);
}

static bool step_rorx(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in)
{
    vf_term value;
    if (!read_op(v, s, in, 1, &value))
        return false;
    bool halves =
        in->op[0].size == 8 && in->op[2].kind == OP_IMM && in->op[2].value == 32 && is_op(v, value, T_JCENTRY);
    vf_term result =
        halves ? vf_term_make(&v->terms, T_JCROT, vf_at(v, value)->a, 0, 0, 64) : vf_opaque_of(&v->terms, value, 0, 64);
    return write_reg(v, s, in, &in->op[0], result);
}

static bool step_not(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in)
{
    vf_term value;
    if (!read_op(v, s, in, 0, &value))
        return false;
    unsigned bits = in->op[0].size * 8u;
    vf_term result = vf_opaque_of(&v->terms, value, 0, bits);
    if (bits == 32)
        result = vf_term_make(&v->terms, T_NOT, value, 0, 0, 32);
    else if (bits == 64 && is_op(v, value, T_LAST))
        result = vf_term_make(&v->terms, T_AFTER, value, 0, 0, 64);
    return write_op(v, s, in, 0, result);
}

static bool step_lahf(struct vf_state *s, struct bt_verifier *v)
{
    vf_term rax = s->reg[H_RAX];
    s->reg[H_RAX] = vf_opaque_of(&v->terms, rax, 0, vf_at(v, rax)->bits <= 32 ? 32 : 64);
    return true;
}

/* ---- the guest's own */

/* POPF takes the flags from the image: BT, TEST, XOR on the way are the lowering's, ADD and SAHF make the new ones. */
static bool part_of_popf(const struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in)
{
    static const uint16_t ids[] = { X86_INS_BT, X86_INS_TEST, X86_INS_XOR, X86_INS_ADD, X86_INS_SAHF };
    if (s->insn >= v->claim->tu->insns || v->guest[s->insn].insn.def.kind != K_POPF)
        return false;
    for (unsigned i = 0; i < VX_ARRAY_LEN(ids); i++) {
        if (ids[i] == in->id)
            return true;
    }
    return false;
}

/* Is it the guest's instruction itself? CMPS runs as a CMP, SCAS too. */
static bool guests_own(const struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in)
{
    if (s->insn >= v->claim->tu->insns || !v->guest[s->insn].decoded || (in->def.attributes & VF_GUEST))
        return false;
    const struct vf_insn *guest = &v->guest[s->insn].insn;
    bool compares = guest->def.kind == K_CMPS || guest->id == X86_INS_SCASB || guest->id == X86_INS_SCASW ||
                    guest->id == X86_INS_SCASD;
    return guest->id == in->id || (compares && in->id == X86_INS_CMP);
}

static bool may_fault_here(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in)
{
    const struct bt_site *site = vf_site_of(v, in->off);
    if (site == NULL || (site->kind != SITE_FAULT && site->kind != SITE_WINDOW))
        return vf_fail(v, RULE_SITE, in, "it can fault and has no site");
    if (site->eip != v->guest[s->insn].eip)
        return vf_fail(v, RULE_SITE, in, "its site names %" PRIx64, site->eip);
    return vf_at_start(v, s, in);
}

/* Scratch registers in which it has an operand: AH..BH and bit numbers meet memory through r10. */
static bool native_scratch(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in)
{
    for (unsigned i = 0; i < in->ops; i++) {
        const struct vf_op *op = &in->op[i];
        if (op->kind == OP_REG && op->reg < 16 && vf_is_host(v, s->reg[op->reg]))
            return vf_fail(v, RULE_HOST, in, "operand %u is a value of the host's", i + 1);
    }
    return true;
}

/* Memory first: its address is made of registers as they were. */
static bool native_memory(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in)
{
    for (unsigned i = 0; i < in->ops; i++) {
        const struct vf_op *op = &in->op[i];
        struct vf_access access = { .op = op, .bytes = op->size, .write = vf_writes(in, i) };
        access.value = vf_opaque(&v->terms, 64);
        if (op->kind == OP_MEM && !vf_memory(v, s, in, &access))
            return false;
    }
    return true;
}

/* ADD and SUB of a constant are followed, for ESP (share.c, I4); other results are not. */
static vf_term native_result(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in,
                             const struct vf_op *op)
{
    bool adds = in->id == X86_INS_ADD || in->id == X86_INS_SUB;
    if (!adds || op->size != 4 || in->op[1].kind != OP_IMM || op->reg >= 16)
        return vf_opaque(&v->terms, op->size == 8 ? 64 : 32);
    uint32_t by = (uint32_t)in->op[1].value;
    return vf_off32(&v->terms, s->reg[op->reg], in->id == X86_INS_ADD ? by : 0u - by);
}

static bool native_registers(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in)
{
    for (unsigned i = 0; i < in->ops; i++) {
        const struct vf_op *op = &in->op[i];
        if (op->kind != OP_REG || op->reg == VF_NO_REG || !vf_writes(in, i))
            continue;
        if (!write_reg(v, s, in, op, native_result(v, s, in, op)))
            return false;
    }
    for (unsigned reg = 0; reg < 8; reg++) {
        if (in->def.implicit >> reg & 1)
            s->reg[reg] = vf_opaque(&v->terms, 32);
    }
    return true;
}

/* SETcc and LAHF, which are the lowering's too. */
static bool note_own(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in)
{
    if (!guests_own(v, s, in))
        return true;
    if (!vf_operands_match(v, s, in))
        return false;
    s->own = true;
    return true;
}

static bool step_native(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in)
{
    bool popf = part_of_popf(v, s, in);
    if (in->prefixed || (!popf && !guests_own(v, s, in)))
        return vf_fail(v, (in->def.attributes & VF_FLAGS) ? RULE_FLAGS : RULE_NOT_ALLOWED, in,
                       "not the guest's own instruction");
    if (!popf && !vf_operands_match(v, s, in))
        return false;
    s->own = !popf;
    if ((in->def.attributes & VF_FAULTS) && !may_fault_here(v, s, in))
        return false;
    if ((in->def.attributes & VF_FP) && !s->fp_live)
        return vf_fail(v, RULE_FP, in, "the guest's FP state need not be in the host here");
    if (!native_scratch(v, s, in) || !native_memory(v, s, in) || !native_registers(v, s, in))
        return false;
    if (in->def.attributes & VF_FLAGS)
        s->flags = vf_opaque(&v->terms, 64);
    return true;
}

bool vf_step(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in)
{
    switch (in->def.kind) {
    case K_MOV: return step_mov(v, s, in);
    case K_MOVZX:
    case K_MOVSX: return step_movx(v, s, in);
    case K_LEA: return step_lea(v, s, in);
    case K_NOT: return step_not(v, s, in);
    case K_SHRX:
    case K_SHLX:
    case K_SARX: return step_shift(v, s, in);
    case K_RORX: return step_rorx(v, s, in);
    case K_SETCC: return note_own(v, s, in) && write_op(v, s, in, 0, vf_opaque(&v->terms, 1));
    case K_LAHF: return note_own(v, s, in) && step_lahf(s, v);
    case K_NOP: return true;
    case K_COUNT: return v->config->count || vf_fail(v, RULE_NOT_ALLOWED, in, "nothing is counted");
    default: return step_native(v, s, in);
    }
}
