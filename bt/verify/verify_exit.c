/* verify_exit.c - branches, call-outs and exits: where control goes, with which state. */
#include "verify_exit.h"

#include <inttypes.h>

#include "callout.h"
#include "verify_flow.h"
#include "verify_guest.h"
#include "verify_operand.h"
#include "verify_report.h"
#include "verify_term.h"

static bool is_const(const struct bt_verifier *v, vf_term term, uint64_t c)
{
    return vf_at(v, term)->op == T_CONST && vf_at(v, term)->c == c;
}

/* The unit's exit whose rel32 this branch ends in, NULL: none. */
static const struct bt_exit *exit_at(const struct bt_verifier *v, const struct vf_insn *in)
{
    const struct bt_tu *tu = v->claim->tu;
    for (unsigned i = 0; i < TU_EXITS; i++) {
        if (tu->exit[i].patch_off != 0 && tu->exit[i].patch_off == tu->entry + in->off + in->len - 4)
            return &tu->exit[i];
    }
    return NULL;
}

/* ---- exits */

/* The guest instruction that has just been done, or is being done by the branch. */
static const struct vf_guest *last_of(const struct bt_verifier *v, const struct vf_state *s)
{
    unsigned count = v->claim->tu->insns;
    return &v->guest[s->insn < count ? s->insn : count - 1];
}

static bool follows(const struct bt_verifier *v, const struct vf_state *s, uint64_t eip)
{
    const struct vf_guest *g = last_of(v, s);
    return s->insn + 1u >= v->claim->tu->insns && (eip == g->next || (g->has_target && eip == g->target));
}

/* A branch that leads beyond CS's limit faults itself; only what falls through is held against it at the next
 * instruction. */
static bool within_cs(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in, uint64_t eip)
{
    const struct vf_guest *g = last_of(v, s);
    bool always = g->insn.def.kind == K_JMP || g->insn.def.kind == K_CALL;
    if (eip <= v->claim->tu->cs_limit || (eip == g->next && !(g->has_target && always)))
        return true;
    return vf_fail(v, RULE_LIMIT, in, "a branch to %" PRIx64 ", beyond CS's limit of %x", eip, v->claim->tu->cs_limit);
}

/* r8 is where the guest's indirect branch leads, or (in the cold part of an exit) a direct one. */
static bool check_target(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in)
{
    vf_term r8 = s->reg[H_R8];
    const struct vf_node *node = vf_at(v, r8);
    if (node->bits > 32 || s->insn + 1u < v->claim->tu->insns)
        return vf_fail(v, RULE_EXIT, in, "r8 is no eip, or the unit is not at its end");
    if (node->op == T_CONST && follows(v, s, (uint32_t)node->c))
        return within_cs(v, s, in, (uint32_t)node->c);
    if (r8 != vf_branch_target(v, s, last_of(v, s)))
        return vf_fail(v, RULE_EXIT, in, "r8 is not where the guest's branch leads");
    if ((1ull << node->bits) - 1 > v->claim->tu->cs_limit)
        return vf_fail(v, RULE_LIMIT, in, "a target of %u bits, CS's limit is %x", node->bits, v->claim->tu->cs_limit);
    return true;
}

/* A patchable branch: the boundary in front of its target. */
static bool check_exit(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in,
                       const struct bt_exit *exit)
{
    const struct bt_tu *tu = v->claim->tu;
    if (in->len != (in->def.kind == K_JMP ? 5 : 6) || in->op[0].value + (int64_t)tu->entry != exit->cold_off)
        return vf_fail(v, RULE_EXIT, in, "the exit to %" PRIx64 " does not lead to its cold part", exit->target_eip);
    if (exit->from != tu || !follows(v, s, exit->target_eip))
        return vf_fail(v, RULE_EXIT, in, "the exit to %" PRIx64 " does not follow the unit's last instruction",
                       exit->target_eip);
    const struct vf_guest *g = last_of(v, s);
    if (in->def.kind == K_JCC && (g->insn.def.kind != K_JCC || g->insn.id != in->id || exit->target_eip != g->target))
        return vf_fail(v, RULE_EXIT, in, "the condition of the exit to %" PRIx64 " is not the guest's",
                       exit->target_eip);
    if (in->def.kind == K_JMP && g->insn.def.kind == K_JCC && exit->target_eip != g->next)
        return vf_fail(v, RULE_EXIT, in, "the exit to %" PRIx64 " is that of the other way", exit->target_eip);
    return within_cs(v, s, in, exit->target_eip) && vf_at_end(v, s, in);
}

static bool exit_direct(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in)
{
    const struct bt_tu *tu = v->claim->tu;
    for (unsigned i = 0; i < TU_EXITS; i++) {
        if (tu->exit[i].patch_off != 0 && is_const(v, s->reg[H_R8], (uint64_t)(uintptr_t)&tu->exit[i]))
            return follows(v, s, tu->exit[i].target_eip) ? vf_at_end(v, s, in)
                                                         : vf_fail(v, RULE_EXIT, in, "the exit does not follow");
    }
    return vf_fail(v, RULE_EXIT, in, "r8 is not an exit of the unit");
}

static bool exit_stub(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in, enum vf_stub stub)
{
    vf_term r8 = s->reg[H_R8];
    const struct bt_tu *tu = v->claim->tu;
    switch (stub) {
    case STUB_EXIT_DIRECT: return exit_direct(v, s, in);
    case STUB_EXIT_INDIRECT: return check_target(v, s, in) && vf_at_end(v, s, in);
    case STUB_EXIT_INTERP:
        if (s->insn >= tu->insns || !is_const(v, r8, v->guest[s->insn].eip))
            return vf_fail(v, RULE_EXIT, in, "r8 is not the eip of the instruction to interpret");
        return vf_at_start(v, s, in);
    case STUB_EXIT_BOUNDARY:
        if (s->insn + 1u < tu->insns || !is_const(v, r8, last_of(v, s)->next))
            return vf_fail(v, RULE_EXIT, in, "r8 is not the eip that follows the unit");
        return vf_at_end(v, s, in);
    case STUB_EXIT_BUDGET:
        if (s->insn != VF_BEFORE || !is_const(v, r8, tu->eip))
            return vf_fail(v, RULE_EXIT, in, "r8 is not the unit's eip");
        return vf_at_end(v, s, in);
    default:
        if (s->insn != VF_BEFORE || !is_const(v, r8, (uint64_t)(uintptr_t)tu))
            return vf_fail(v, RULE_EXIT, in, "r8 is not the unit");
        return vf_at_end(v, s, in);
    }
}

/* jmp register: a hit of the jump cache for the eip in r8. */
static bool indirect(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in)
{
    vf_term target = in->op[0].reg < 16 ? s->reg[in->op[0].reg] : 0, eip = 0;
    bool hit = in->op[0].kind == OP_REG && target != 0 && vf_at(v, target)->op == T_JCTARGET && s->hit != 0 &&
               vf_is_jc_miss(v, s->hit, &eip) && vf_at(v, target)->a == eip && s->reg[H_R8] == eip;
    if (!hit)
        return vf_fail(v, RULE_INDIRECT, in, "not a hit of the jump cache for the eip in r8");
    return check_target(v, s, in) && vf_at_end(v, s, in);
}

/* ---- call-outs */

static uint32_t info_of(const struct bt_verifier *v, const struct vf_state *s)
{
    return (uint32_t)vf_at(v, s->reg[H_R9])->c;
}

/* C has run: what it leaves in the scratch registers is not known, mappings may have changed. */
static void after_c(struct bt_verifier *v, struct vf_state *s, uint32_t info)
{
    for (unsigned reg = H_R9; reg <= H_R11; reg++)
        s->reg[reg] = vf_opaque_host(&v->terms, 64);
    s->hit = 0;
    s->epoch = vf_opaque(&v->terms, 64);
    s->fp_live = (info & MEM_FP_LIVE) != 0;
}

enum { MEM_KNOWN = MEM_BYTES | MEM_READ | MEM_WRITE | MEM_FP_LIVE };

static bool call_memory(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in, bool share,
                        struct vf_state out[2])
{
    const struct vf_guest *g = &v->guest[s->insn];
    uint32_t info = info_of(v, s), bytes = info & MEM_BYTES, len = info >> MEM_LEN_SHIFT;
    vf_term lin = s->reg[H_R8];
    if (!is_const(v, s->reg[H_R10], g->eip) || vf_at(v, s->reg[H_R9])->op != T_CONST || vf_at(v, lin)->bits > 32)
        return vf_fail(v, RULE_CALL, in, "not an address in r8, constants in r9 and the eip %" PRIx64 " in r10",
                       g->eip);
    if (vf_is_host(v, lin))
        return vf_fail(v, RULE_HOST, in, "r8 is an address of the host's");
    if ((info & ~MEM_KNOWN & ((1u << MEM_LEN_SHIFT) - 1)) != 0)
        return vf_fail(v, RULE_CALL, in, "r9 (%x) has bits that this call-out does not know", info);
    if (bytes == 0 || !(info & (MEM_READ | MEM_WRITE)) || (len != 0 && (share || vx_off_wrap(g->eip + len) != g->next)))
        return vf_fail(v, RULE_CALL, in, "r9 (%x) is not what this instruction accesses", info);
    if ((len != 0) != (v->point[v->at[in->off]].succ[1] != VF_NONE))
        return vf_fail(v, RULE_CALL, in, "r9 (%x) comes from elsewhere than the code in front", info);
    if (!vf_at_start(v, s, in))
        return false;
    after_c(v, &out[0], info);
    uint64_t right = bytes | ((info & MEM_WRITE) ? 1ull << 16 : 0);
    out[0].reg[H_R9] = vf_term_make(&v->terms, T_ADDEND, lin, 0, right, 64);
    after_c(v, &out[1], info);
    out[1].reg[H_R8] = vf_opaque_host(&v->terms, 64);
    vf_done_by_c(v, &out[1]);
    return true;
}

static uint32_t info_bits(enum vf_stub stub)
{
    switch (stub) {
    case STUB_REP: return MEM_FP_LIVE | REP_SIZE | REP_MOVS;
    case STUB_SEG: return MEM_FP_LIVE | SEG_REG | 7u << SEG_POP_SHIFT;
    case STUB_PORT: return MEM_FP_LIVE | PORT_SIZE | PORT_OUT;
    case STUB_INT: return 0xFF;
    case STUB_IRET: return 6;
    case STUB_SYSENTER:
    case STUB_SYSEXIT: return 0;
    default: return MEM_FP_LIVE;
    }
}

/* IN and OUT: the direction and the size in r9, the port in r11. */
static bool is_port(struct bt_verifier *v, const struct vf_state *s, const struct vf_guest *g)
{
    bool out = g->insn.id == X86_INS_OUT;
    const struct vf_op *port = &g->insn.op[out ? 0 : 1], *value = &g->insn.op[out ? 1 : 0];
    vf_term number =
        port->kind == OP_IMM ? vf_const(&v->terms, (uint8_t)port->value) : vf_low(&v->terms, g->entry.reg[H_RDX], 16);
    return (out || g->insn.id == X86_INS_IN) && s->reg[H_R11] == number &&
           (info_of(v, s) & ~(uint32_t)MEM_FP_LIVE) == (value->size | (out ? PORT_OUT : 0u));
}

static bool call_insn(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in, enum vf_stub stub,
                      struct vf_state *out)
{
    const struct vf_guest *g = &v->guest[s->insn];
    uint32_t info = info_of(v, s);
    if (!is_const(v, s->reg[H_R8], g->next) || !is_const(v, s->reg[H_R10], g->eip))
        return vf_fail(v, RULE_CALL, in, "not %" PRIx64 " in r8 and %" PRIx64 " in r10", g->next, g->eip);
    if (stub == STUB_SEG && vf_is_host(v, s->reg[H_R11]))
        return vf_fail(v, RULE_HOST, in, "r11 is a value of the host's");
    if (vf_at(v, s->reg[H_R9])->op != T_CONST || (info & ~info_bits(stub)))
        return vf_fail(v, RULE_CALL, in, "r9 (%x) has bits that this call-out does not know", info);
    if (stub == STUB_PORT && !is_port(v, s, g))
        return vf_fail(v, RULE_CALL, in, "not the port, size and direction of the instruction");
    if (!vf_at_start(v, s, in))
        return false;
    after_c(v, out, info);
    out->reg[H_R8] = vf_opaque_host(&v->terms, 64);
    vf_done_by_c(v, out);
    return true;
}

static bool call(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in, struct vf_state out[2])
{
    enum vf_stub stub = vf_stub_at(v, (uint32_t)in->op[0].value + v->claim->tu->entry);
    if (stub == STUB_FP_LOAD) {
        out[0].fp_live = true;
        out[0].reg[H_R8] = vf_opaque_host(&v->terms, 64);
        return true;
    }
    if (s->insn >= v->claim->tu->insns)
        return vf_fail(v, RULE_CALL, in, "outside of a guest instruction's code");
    if (stub == STUB_MEM_SLOW || stub == STUB_SHARE_SLOW)
        return call_memory(v, s, in, stub == STUB_SHARE_SLOW, out);
    return call_insn(v, s, in, stub, &out[0]);
}

/* ---- branches */

/* Bytes of the unit minus what they should be. */
static void note_checked(const struct bt_verifier *v, struct vf_state *s, vf_term difference)
{
    const struct vf_node *node = vf_at(v, difference);
    uint32_t c = 0, expected = 0;
    if (node->op == T_OFF) {
        c = (uint32_t)node->c;
        node = vf_at(v, node->a);
    }
    uint32_t off = node->c & 0xFFFF, bytes = (uint32_t)node->c >> 16;
    if (node->op != T_OWN || bytes > sizeof expected)
        return;
    memcpy(&expected, v->bytes + off, bytes);
    if (c == 0u - expected && off <= s->checked && off + bytes > s->checked)
        s->checked = (uint16_t)(off + bytes);
}

static void note_limit(struct vf_state *s, vf_term room)
{
    memmove(&s->limit[1], &s->limit[0], sizeof s->limit - sizeof s->limit[0]);
    s->limit[0] = room;
}

/* What is known where rcx is zero. */
static void when_zero(const struct bt_verifier *v, struct vf_state *s)
{
    vf_term lin, rcx = s->reg[H_RCX];
    uint32_t bytes;
    bool write;
    const struct vf_node *node = vf_at(v, rcx);
    if (vf_is_miss(v, rcx, &lin, &bytes, &write) || vf_is_jc_miss(v, rcx, &lin))
        s->hit = rcx;
    note_checked(v, s, rcx);
    if (node->op == T_OVER)
        note_limit(s, node->a);
    if (node->op == T_FIELD && node->c == (uint64_t)AREA(fp_away))
        s->fp_live = true;
}

bool vf_leave(struct bt_verifier *v, const struct vf_state *s, uint32_t index, struct vf_state out[2])
{
    const struct vf_insn *in = &v->insn[index];
    const struct bt_exit *exit = exit_at(v, in);
    if (exit != NULL && !check_exit(v, s, in, exit))
        return false;
    switch (in->def.kind) {
    case K_CALL: return call(v, s, in, out);
    case K_JRCXZ: when_zero(v, &out[1]); return true;
    case K_JMP:
        if (in->op[0].kind != OP_IMM)
            return indirect(v, s, in);
        if (v->point[index].succ[0] == VF_NONE)
            return exit_stub(v, s, in, vf_stub_at(v, (uint32_t)in->op[0].value + v->claim->tu->entry));
        return true;
    default: return true;
    }
}
