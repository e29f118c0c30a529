/* verify_guest.c - the guest's side: what each instruction of the unit may change, and when it has.
 *
 *   I1  In front of a guest instruction, and wherever it can still fault or be given to C, every guest register and the
 *       flags are what they were when it began (vf_at_start()).
 *   I2  Behind it, only what its bytes say that it writes has changed (vf_at_end()). */
#include "verify_guest.h"

#include <inttypes.h>

#include "verify_decode.h"
#include "verify_operand.h"
#include "verify_report.h"
#include "verify_term.h"

static const uint8_t gprs[] = { VX_RAX, VX_RCX, VX_RDX, VX_RBX, VX_RSP, VX_RBP, VX_RSI, VX_RDI };

static uint16_t written_by(const struct vf_insn *in)
{
    uint16_t set = in->def.implicit;
    for (unsigned i = 0; i < in->ops; i++) {
        if (in->op[i].kind == OP_REG && in->op[i].reg < 8 && vf_writes(in, i))
            set |= (uint16_t)(1u << in->op[i].reg);
    }
    return set;
}

static void find_target(struct vf_guest *g)
{
    uint8_t kind = g->insn.def.kind;
    bool branch =
        kind == K_JMP || kind == K_CALL || kind == K_JCC || (kind == K_NATIVE && (g->insn.def.attributes & VF_GUEST));
    if (!branch || g->insn.ops != 1 || g->insn.op[0].kind != OP_IMM)
        return;
    g->has_target = true;
    g->target = vx_off_wrap(g->next + (uint64_t)g->insn.op[0].relative);
    if (g->op_bytes == 2)
        g->target &= 0xFFFF;
}

static uint8_t segment_of_prefix(uint8_t byte)
{
    switch (byte) {
    case 0x26: return VX_ES;
    case 0x2E: return VX_CS;
    case 0x36: return VX_SS;
    case 0x3E: return VX_DS;
    case 0x64: return VX_FS;
    case 0x65: return VX_GS;
    default: return VF_NO_REG;
    }
}

static void take_prefixes(struct vf_guest *g, const uint8_t *bytes, unsigned len, bool wide)
{
    bool operand = false, address = false;
    g->seg = VF_NO_REG;
    for (unsigned i = 0; i < len; i++) {
        uint8_t seg = segment_of_prefix(bytes[i]);
        if (seg != VF_NO_REG)
            g->seg = seg;
        else if (bytes[i] == 0x66)
            operand = true;
        else if (bytes[i] == 0x67)
            address = true;
        else if (bytes[i] != 0xF0 && bytes[i] != 0xF2 && bytes[i] != 0xF3)
            break;
    }
    g->op_bytes = operand == wide ? 2 : 4;
    g->address_bytes = address == wide ? 2 : 4;
}

bool vf_guest_decode(struct bt_verifier *v)
{
    const struct bt_tu *tu = v->claim->tu;
    bool wide = (tu->mode & MODE_CS32) != 0;
    uint64_t eip = tu->eip;
    for (unsigned i = 0; i < tu->insns; i++) {
        const struct bt_insn *from = &v->claim->insns[i];
        struct vf_guest *g = &v->guest[i];
        *g = (struct vf_guest){ .eip = eip, .next = vx_off_wrap(eip + from->len) };
        g->decoded = vf_decode_guest(v, wide, from->bytes, from->len, &g->insn) && g->insn.known;
        g->written = g->decoded ? written_by(&g->insn) : 0xFF;
        g->flags = !g->decoded || (g->insn.def.attributes & VF_FLAGS);
        take_prefixes(g, from->bytes, from->len, wide);
        if (g->decoded)
            find_target(g);
        memcpy(v->bytes + (eip - tu->eip), from->bytes, from->len);
        eip = g->next;
    }
    if (vx_off_wrap(eip - tu->eip) != tu->guest_bytes)
        return vf_fail(v, RULE_EXIT, NULL, "the unit's %u guest bytes are not those of its instructions",
                       tu->guest_bytes);
    return true;
}

unsigned vf_insn_at(const struct bt_verifier *v, uint32_t off)
{
    const uint32_t *start = v->claim->start;
    unsigned count = v->claim->tu->insns;
    if (off < start[0])
        return VF_BEFORE;
    unsigned lo = 0, hi = count + 1; /* the last one that begins at or in front of it */
    while (hi - lo > 1) {
        unsigned mid = (lo + hi) / 2;
        if (start[mid] <= off)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static bool same(struct bt_verifier *v, const struct vf_state *s, const struct vf_state *than, uint16_t but,
                 const struct vf_insn *in)
{
    static const char *const names[] = { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi" };
    for (unsigned i = 0; i < VX_ARRAY_LEN(gprs); i++) {
        vf_term now = s->reg[host_of(gprs[i])];
        if (but >> gprs[i] & 1) {
            if (vf_at(v, now)->bits > 32)
                return vf_fail(v, RULE_REGISTERS, in, "%s has more than 32 bits", names[gprs[i]]);
            if (vf_is_host(v, now))
                return vf_fail(v, RULE_HOST, in, "%s has got a value of the host's", names[gprs[i]]);
        } else if (now != than->reg[host_of(gprs[i])]) {
            return vf_fail(v, RULE_REGISTERS, in, "%s is not the guest's here", names[gprs[i]]);
        }
    }
    return true;
}

bool vf_at_start(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in)
{
    unsigned i = s->insn == VF_BEFORE ? 0 : s->insn;
    const struct vf_guest *g = &v->guest[i];
    if (i >= v->claim->tu->insns || s->by_c || s->committed)
        return vf_fail(v, RULE_COMMIT, in, "the guest instruction at %" PRIx64 " has changed something already",
                       g->eip);
    if (!same(v, s, &g->entry, 0, in))
        return false;
    if (s->flags != g->entry.flags && g->insn.def.kind != K_POPF) /* POPF replaces them whichever way it goes */
        return vf_fail(v, RULE_FLAGS, in, "the flags are not those in front of the guest instruction at %" PRIx64,
                       g->eip);
    return true;
}

bool vf_at_end(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in)
{
    unsigned count = v->claim->tu->insns, i = s->insn == VF_BEFORE ? 0 : s->insn;
    bool behind = i >= count || s->insn == VF_BEFORE;
    const struct vf_guest *g = &v->guest[i];
    if (!same(v, s, &g->entry, behind ? 0 : g->written, in) || (!behind && !vf_results(v, s, in)))
        return false;
    if (s->flags != g->entry.flags && (behind || !g->flags))
        return vf_fail(v, RULE_FLAGS, in, "the guest instruction at %" PRIx64 " changes no flags", g->eip);
    return true;
}

/* Is guest instruction `to` the next that has code, and does it begin at `off`? */
static bool comes_next(const struct bt_verifier *v, const struct vf_state *s, unsigned to, uint32_t off)
{
    const uint32_t *start = v->claim->start;
    unsigned next = s->insn == VF_BEFORE ? 0 : s->insn + 1u;
    return to != VF_BEFORE && to >= next && off == start[to] && start[next] == start[to];
}

bool vf_advance(struct bt_verifier *v, struct vf_state *s, uint32_t off, const struct vf_insn *in)
{
    unsigned to = vf_insn_at(v, off);
    if (s->insn == to)
        return true;
    if (!comes_next(v, s, to, off))
        return vf_fail(v, RULE_BRANCH, in, "leads into the code of another guest instruction");
    if (!vf_at_end(v, s, in))
        return false;
    const struct bt_tu *tu = v->claim->tu;
    if (s->insn == VF_BEFORE && tu->self_checking && s->checked != tu->guest_bytes)
        return vf_fail(v, RULE_SELF_CHECK, in, "%u of %u bytes have been compared", s->checked, tu->guest_bytes);
    if (s->insn == VF_BEFORE && s->entered != v->config->count_units)
        return vf_fail(v, RULE_ENTERED, in, "the entry is not counted");
    s->insn = (uint16_t)to;
    memset(s->limit, 0, sizeof s->limit);
    s->committed = s->by_c = s->own = s->based = false;
    s->selector = s->stored = 0;
    return true;
}

/* ESP behind a PUSH or POP: shares follow it (share.c, I4). */
static void move_esp(struct bt_verifier *v, struct vf_state *s, const struct vf_guest *g)
{
    vf_term esp = g->entry.reg[H_GUEST_ESP];
    bool to_esp = g->insn.op[0].kind == OP_REG && g->insn.op[0].reg == VX_RSP;
    if (!g->decoded || !(v->claim->tu->mode & MODE_SS32) || g->insn.ops > 1)
        return;
    if (g->insn.def.attributes & VF_PUSH)
        s->reg[H_GUEST_ESP] = vf_off32(&v->terms, esp, 0u - g->op_bytes);
    else if ((g->insn.def.attributes & VF_POP) && !to_esp)
        s->reg[H_GUEST_ESP] = vf_off32(&v->terms, esp, g->op_bytes);
}

void vf_done_by_c(struct bt_verifier *v, struct vf_state *s)
{
    const struct vf_guest *g = &v->guest[s->insn];
    for (unsigned i = 0; i < VX_ARRAY_LEN(gprs); i++) {
        if (g->written >> gprs[i] & 1)
            s->reg[host_of(gprs[i])] = vf_opaque(&v->terms, 32);
    }
    move_esp(v, s, g);
    if (g->flags)
        s->flags = vf_opaque(&v->terms, 64);
    if (!g->decoded || (g->insn.op[0].kind == OP_REG && g->insn.op[0].reg == VF_NO_REG))
        s->segments = vf_opaque(&v->terms, 64);
    s->by_c = true;
}
