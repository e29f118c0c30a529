/* verify_segment.c - segment registers that translated code loads itself, in MODE_REAL_DATA: the selector, then its
 * base.
 *
 * Nothing else of a segment register is ever stored, and no other instruction stores these. */
#include "verify_segment.h"

#include "verify_report.h"
#include "verify_term.h"

/* The segment register that the guest instruction names as what it writes, VF_NO_REG: none. */
static uint8_t named(const struct vf_guest *g)
{
    const struct vf_op *to = &g->insn.op[0];
    bool loads = g->insn.id == X86_INS_MOV || g->insn.id == X86_INS_POP;
    if (!g->decoded || !loads || to->kind != OP_REG || to->reg != VF_NO_REG)
        return VF_NO_REG;
    switch (to->other) {
    case X86_REG_ES: return VX_ES;
    case X86_REG_DS: return VX_DS;
    default: return VF_NO_REG;
    }
}

bool vf_loads_segment(const struct bt_verifier *v, const struct vf_guest *g)
{
    return (v->claim->tu->mode & MODE_REAL_DATA) && named(g) != VF_NO_REG;
}

/* The low half of the source register, or what the instruction has loaded: its address has been looked at. */
static bool is_selector(struct bt_verifier *v, const struct vf_state *s, const struct vf_guest *g, vf_term value)
{
    const struct vf_op *from = &g->insn.op[1];
    if (g->insn.id == X86_INS_MOV && from->kind == OP_REG)
        return from->reg < 8 && value == vf_low(&v->terms, g->entry.reg[host_of(from->reg)], 16);
    const struct vf_node *node = vf_at(v, value);
    if (node->bits > 16)
        return false;
    if (node->op == T_LOW)
        node = vf_at(v, node->a);
    return node->op == T_LOAD && node->b == s->insn;
}

bool vf_segment_store(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in, unsigned seg, bool base,
                      vf_term value)
{
    const struct vf_guest *g = s->insn < v->claim->tu->insns ? &v->guest[s->insn] : NULL;
    if (g == NULL || !vf_loads_segment(v, g) || named(g) != seg)
        return vf_fail(v, RULE_VCPU, in, "a segment register that is not loaded here");
    const struct vf_node *node = vf_at(v, value);
    if (base ? s->selector == 0 || node->op != T_SHL || node->a != s->selector || node->c != 4
             : !is_selector(v, s, g, value))
        return vf_fail(v, RULE_OPERAND, in, "the %s is another", base ? "base" : "selector");
    s->committed = true;
    if (base) {
        s->based = true;
        s->segments = vf_opaque(&v->terms, 64);
    } else {
        s->selector = value;
        s->based = false;
    }
    return true;
}
