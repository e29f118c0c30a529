/* verify.c - walks a fragment. See verify_state.h. */
#include "verify.h"

#include <stdlib.h>

#include "verify_decode.h"
#include "verify_exit.h"
#include "verify_flow.h"
#include "verify_guest.h"
#include "verify_report.h"
#include "verify_step.h"
#include "verify_term.h"

/* ---- creation */

enum { INSNS_MAX = BT_FRAGMENT_MAX };

static bool allocate(struct bt_verifier *v)
{
    v->guest = calloc(BT_TU_MAX + 1, sizeof *v->guest);
    v->insn = malloc(INSNS_MAX * sizeof *v->insn);
    v->point = malloc(INSNS_MAX * sizeof *v->point);
    v->state = malloc(INSNS_MAX * sizeof *v->state);
    v->at = malloc((INSNS_MAX + 1) * sizeof *v->at);
    v->order = malloc(INSNS_MAX * sizeof *v->order);
    v->stack = malloc(2 * INSNS_MAX * sizeof *v->stack);
    return v->guest != NULL && v->insn != NULL && v->point != NULL && v->state != NULL && v->at != NULL &&
           v->order != NULL && v->stack != NULL;
}

struct bt_verifier *bt_verifier_create(const struct vx_bt_config *config, const struct bt_code *code,
                                       const struct bt_host *host)
{
    struct bt_verifier *v = calloc(1, sizeof *v);
    if (v == NULL)
        return NULL;
    v->config = config;
    v->code = code;
    v->stub = &host->stub;
    if (allocate(v) && vf_decoder_open(v))
        return v;
    bt_verifier_destroy(v);
    return NULL;
}

void bt_verifier_destroy(struct bt_verifier *v)
{
    if (v == NULL)
        return;
    vf_decoder_close(v);
    free(v->guest);
    free(v->insn);
    free(v->point);
    free(v->state);
    free(v->at);
    free(v->order);
    free(v->stack);
    free(v->terms.node);
    free(v);
}

/* ---- the walk */

static void start_state(struct bt_verifier *v, struct vf_state *s)
{
    struct vf_terms *t = &v->terms;
    memset(s, 0, sizeof *s);
    for (unsigned reg = 0; reg < 16; reg++)
        s->reg[reg] = reg == H_GUEST_ESP || (reg < 8 && reg != H_RSP) ? vf_opaque(t, 32) : vf_opaque_host(t, 64);
    v->cache = vf_term_make(t, T_CACHE, 0, 0, 0, 64);
    v->vcpu = s->reg[H_VCPU];
    v->tlb = s->reg[H_TLB];
    v->frame = s->reg[H_RSP];
    s->reg[H_TWELVE] = vf_const(t, VX_PAGE_SHIFT);
    s->flags = vf_opaque(t, 64);
    s->epoch = vf_opaque(t, 64);
    s->segments = vf_opaque(t, 64);
    s->insn = VF_BEFORE;
    v->guest[0].entry = *s;
}

static vf_term join_term(struct bt_verifier *v, vf_term a, vf_term b)
{
    if (a == b)
        return a;
    unsigned bits_a = vf_at(v, a)->bits, bits_b = vf_at(v, b)->bits;
    return vf_opaque_of(&v->terms, a, b, bits_a > bits_b ? bits_a : bits_b);
}

/* What holds on both ways. */
static bool join(struct bt_verifier *v, struct vf_state *into, const struct vf_state *from, const struct vf_insn *in)
{
    if (into->insn != from->insn)
        return vf_fail(v, RULE_BRANCH, in, "reached from different guest instructions");
    if (into->by_c != from->by_c)
        return vf_fail(v, RULE_COMMIT, in, "reached with and without C having done the guest instruction");
    for (unsigned reg = 0; reg < 16; reg++)
        into->reg[reg] = join_term(v, into->reg[reg], from->reg[reg]);
    for (unsigned i = 0; i < VF_SLOTS; i++) {
        if (into->slot[i] != from->slot[i] || into->slot_bytes[i] != from->slot_bytes[i])
            into->slot[i] = 0;
    }
    into->clean &= from->clean;
    into->stored = into->stored == from->stored ? into->stored : 0;
    into->flags = join_term(v, into->flags, from->flags);
    into->epoch = join_term(v, into->epoch, from->epoch);
    into->segments = join_term(v, into->segments, from->segments);
    into->hit = into->hit == from->hit ? into->hit : 0;
    for (unsigned i = 0; i < VF_LIMITS; i++)
        into->limit[i] = into->limit[i] == from->limit[i] ? into->limit[i] : 0;
    into->fp_live &= from->fp_live;
    into->committed |= from->committed;
    into->own &= from->own;
    into->selector = into->selector == from->selector ? into->selector : 0;
    into->based &= from->based;
    into->entered &= from->entered;
    into->checked = into->checked < from->checked ? into->checked : from->checked;
    return true;
}

/* Is `in` in front of the cold part? Cold code belongs to the guest instruction that leads there. */
static bool in_body(const struct bt_verifier *v, const struct vf_insn *in)
{
    return in->off < v->claim->start[v->claim->tu->insns + 1];
}

static bool hand_on(struct bt_verifier *v, const struct vf_state *s, uint32_t from, uint32_t to)
{
    struct vf_state next = *s;
    const struct vf_insn *in = &v->insn[from];
    if (in_body(v, &v->insn[to]) && !vf_advance(v, &next, v->insn[to].off, in))
        return false;
    if (!v->point[to].has_state) {
        v->state[to] = next;
        v->point[to].has_state = true;
        return true;
    }
    return join(v, &v->state[to], &next, &v->insn[to]);
}

static bool branches(const struct vf_insn *in)
{
    return in->def.kind == K_JMP || in->def.kind == K_JCC || in->def.kind == K_JRCXZ || in->def.kind == K_CALL;
}

/* The state in front of a guest instruction, once all ways to it are joined. */
static void note_entry(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in)
{
    unsigned count = v->claim->tu->insns;
    if (s->insn > count || in->off != v->claim->start[s->insn] || !in_body(v, in))
        return;
    v->guest[s->insn].entry = *s;
    v->guest[s->insn].entered = true;
}

static bool visit(struct bt_verifier *v, uint32_t index)
{
    const struct vf_insn *in = &v->insn[index];
    const struct vf_point *point = &v->point[index];
    struct vf_state *s = &v->state[index], out[2];
    note_entry(v, s, in);
    if (branches(in)) {
        out[0] = out[1] = *s;
        if (!vf_leave(v, s, index, out))
            return false;
        for (unsigned k = 0; k < 2; k++) {
            if (point->succ[k] != VF_NONE && !hand_on(v, &out[k], index, point->succ[k]))
                return false;
        }
        return true;
    }
    return vf_step(v, s, in) && hand_on(v, s, index, point->succ[0]);
}

/* Every declared exit is a branch that ends in its rel32. */
static bool check_exits(struct bt_verifier *v)
{
    const struct bt_tu *tu = v->claim->tu;
    for (unsigned i = 0; i < TU_EXITS; i++) {
        uint32_t end = tu->exit[i].patch_off + 4 - tu->entry;
        bool found = tu->exit[i].patch_off == 0;
        for (uint32_t k = 0; k < v->count && !found; k++) {
            const struct vf_insn *in = &v->insn[k];
            found = in->off + in->len == end && (in->def.kind == K_JMP || in->def.kind == K_JCC) &&
                    in->op[0].kind == OP_IMM;
        }
        if (!found)
            return vf_fail(v, RULE_EXIT, NULL, "no branch ends where exit %u is to be patched", i);
    }
    return true;
}

/* Sites lie inside the fragment, on instructions. */
static bool check_sites(struct bt_verifier *v)
{
    const struct bt_tu *tu = v->claim->tu;
    for (unsigned i = 0; i < tu->site_count; i++) {
        const struct bt_site *site = &tu->sites[i];
        bool inside = site->start < bt_site_end(site) && bt_site_end(site) <= tu->host_bytes &&
                      v->at[site->start] != VF_NONE &&
                      (bt_site_end(site) == tu->host_bytes || v->at[bt_site_end(site)] != VF_NONE);
        if (!inside)
            return vf_fail(v, RULE_SITE, NULL, "site %u is from %u to %u", i, site->start, bt_site_end(site));
    }
    return true;
}

bool bt_verify_unit(struct bt_verifier *v, const struct bt_claim *claim, struct bt_verdict *verdict)
{
    v->claim = claim;
    v->verdict = verdict;
    v->count = 0;
    verdict->rule = RULE_NONE;
    verdict->text[0] = '\0';
    vf_terms_reset(&v->terms);
    VX_ASSERT(claim->tu->host_bytes <= BT_FRAGMENT_MAX && claim->tu->insns <= BT_TU_MAX);
    if (!vf_guest_decode(v) || !vf_flow(v) || !check_sites(v) || !check_exits(v))
        return false;
    start_state(v, &v->state[0]);
    if (claim->tu->self_checking && claim->start[0] == 0)
        return vf_fail(v, RULE_SELF_CHECK, NULL, "no byte is compared");
    if (v->config->count_units && claim->start[0] == 0)
        return vf_fail(v, RULE_ENTERED, NULL, "nothing is counted");
    if (vf_insn_at(v, 0) != VF_BEFORE)
        v->state[0].insn = (uint16_t)vf_insn_at(v, 0);
    v->point[0].has_state = true;
    for (uint32_t i = 0; i < v->count; i++) {
        if (!visit(v, v->order[i]))
            return false;
    }
    return true;
}
