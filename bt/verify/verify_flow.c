/* verify_flow.c - a fragment's instructions, their successors, and an order for the walk.
 *
 * Code is decoded from the first byte to the last without gaps. The order is that of a depth-first search, reversed; an
 * edge back to what is still being searched would be a loop. */
#include "verify_flow.h"

#include "callout.h"
#include "verify_decode.h"
#include "verify_report.h"

static bool decode_all(struct bt_verifier *v)
{
    const struct bt_tu *tu = v->claim->tu;
    uint32_t bytes = tu->host_bytes;
    memset(v->at, 0xFF, (bytes + 1) * sizeof *v->at);
    v->count = 0;
    for (uint32_t off = 0; off < bytes;) {
        struct vf_insn *in = &v->insn[v->count];
        if (!vf_decode_host(v, v->claim->code, bytes, off, in)) {
            *in = (struct vf_insn){ .off = off };
            return vf_fail(v, RULE_DECODE, in, "undecodable or cut off");
        }
        v->at[off] = v->count;
        v->point[v->count++] = (struct vf_point){ .succ = { VF_NONE, VF_NONE } };
        off += in->len;
    }
    return v->count > 0;
}

enum vf_stub vf_stub_at(const struct bt_verifier *v, uint32_t off)
{
    const struct bt_stubs *stub = v->stub;
    const struct {
        uint32_t off;
        enum vf_stub stub;
    } stubs[] = {
        { stub->mem_slow, STUB_MEM_SLOW },
        { stub->share_slow, STUB_SHARE_SLOW },
        { stub->insn, STUB_INSN },
        { stub->rep, STUB_REP },
        { stub->seg, STUB_SEG },
        { stub->rdtsc, STUB_RDTSC },
        { stub->rdtscp, STUB_RDTSCP },
        { stub->port, STUB_PORT },
        { stub->software_int, STUB_INT },
        { stub->iret, STUB_IRET },
        { stub->sysenter, STUB_SYSENTER },
        { stub->sysexit, STUB_SYSEXIT },
        { stub->fp_load, STUB_FP_LOAD },
        { stub->exit_direct, STUB_EXIT_DIRECT },
        { stub->exit_indirect, STUB_EXIT_INDIRECT },
        { stub->exit_interp, STUB_EXIT_INTERP },
        { stub->exit_boundary, STUB_EXIT_BOUNDARY },
        { stub->exit_budget, STUB_EXIT_BUDGET },
        { stub->exit_stale, STUB_EXIT_STALE },
    };
    for (unsigned i = 0; i < VX_ARRAY_LEN(stubs); i++) {
        if (stubs[i].off == off)
            return stubs[i].stub;
    }
    return STUB_NONE;
}

static bool link_to(struct bt_verifier *v, uint32_t index, unsigned which, int64_t off)
{
    const struct vf_insn *in = &v->insn[index];
    if (off < 0 || off >= v->claim->tu->host_bytes || v->at[off] == VF_NONE)
        return vf_fail(v, RULE_BRANCH, in, "goes on at offset %lld, where no instruction of the fragment begins",
                       (long long)off);
    uint32_t to = v->at[off];
    v->point[index].succ[which] = to;
    v->point[to].preds++;
    return true;
}

/* Does the call-out at `index` get the length of its guest instruction, which tells that C may do it? It is in r9d's
 * constant, which the straight code in front loads; call_memory() holds this against what is really in r9. */
static bool may_be_done_by_c(const struct bt_verifier *v, uint32_t index)
{
    enum { LOOK_BACK = 16 };
    for (uint32_t i = index; i-- > 0 && index - i <= LOOK_BACK;) {
        const struct vf_insn *in = &v->insn[i];
        if (in->def.kind == K_MOV && in->op[0].kind == OP_REG && in->op[0].reg == H_R9 && in->op[1].kind == OP_IMM)
            return (uint32_t)in->op[1].value >> MEM_LEN_SHIFT != 0;
    }
    return false;
}

static bool link_call(struct bt_verifier *v, uint32_t index)
{
    const struct vf_insn *in = &v->insn[index];
    if (in->op[0].kind != OP_IMM)
        return vf_fail(v, RULE_NOT_ALLOWED, in, "a call through a register or memory");
    switch (vf_stub_at(v, (uint32_t)in->op[0].value + v->claim->tu->entry)) {
    case STUB_INT:
    case STUB_IRET:
    case STUB_SYSENTER:
    case STUB_SYSEXIT: return true; /* do not come back */
    case STUB_MEM_SLOW:
        if (may_be_done_by_c(v, index) && !link_to(v, index, 1, (int64_t)in->off + in->len + 5))
            return false;
        return link_to(v, index, 0, (int64_t)in->off + in->len);
    case STUB_SHARE_SLOW:
    case STUB_INSN:
    case STUB_REP:
    case STUB_SEG:
    case STUB_RDTSC:
    case STUB_RDTSCP:
    case STUB_PORT:
    case STUB_FP_LOAD: return link_to(v, index, 0, (int64_t)in->off + in->len);
    default: return vf_fail(v, RULE_BRANCH, in, "a call to something else than a call-out stub");
    }
}

static bool link_one(struct bt_verifier *v, uint32_t index)
{
    const struct vf_insn *in = &v->insn[index];
    int64_t next = (int64_t)in->off + in->len;
    if (!in->known)
        return vf_fail(v, RULE_NOT_ALLOWED, in,
                       "not an instruction that the lowering uses or a guest may run as itself");
    switch (in->def.kind) {
    case K_JMP:
        if (in->op[0].kind != OP_IMM)
            return true;
        if (vf_stub_at(v, (uint32_t)in->op[0].value + v->claim->tu->entry) >= STUB_EXIT_DIRECT)
            return true;
        return link_to(v, index, 0, in->op[0].value);
    case K_JCC:
    case K_JRCXZ: return link_to(v, index, 0, next) && link_to(v, index, 1, in->op[0].value);
    case K_CALL: return link_call(v, index);
    default: return link_to(v, index, 0, next);
    }
}

enum { WHITE, GREY, BLACK };

/* Depth first; what is finished is prepended to the order. */
static bool search(struct bt_verifier *v)
{
    uint32_t depth = 0, filled = v->count;
    v->stack[depth++] = 0;
    while (depth > 0) {
        uint32_t index = v->stack[depth - 1];
        struct vf_point *point = &v->point[index];
        if (point->colour == BLACK) {
            depth--;
            continue;
        }
        if (point->colour == GREY) {
            point->colour = BLACK;
            v->order[--filled] = index;
            depth--;
            continue;
        }
        point->colour = GREY;
        for (unsigned k = 0; k < 2; k++) {
            uint32_t to = point->succ[k];
            if (to == VF_NONE || v->point[to].colour == BLACK)
                continue;
            if (v->point[to].colour == GREY)
                return vf_fail(v, RULE_LOOP, &v->insn[index], "goes back to offset %u", v->insn[to].off);
            v->stack[depth++] = to;
        }
    }
    if (filled == 0)
        return true;
    for (uint32_t i = 0; i < v->count; i++) {
        if (v->point[i].colour == WHITE)
            return vf_fail(v, RULE_UNREACHABLE, &v->insn[i], "no way leads here");
    }
    return true;
}

bool vf_flow(struct bt_verifier *v)
{
    if (!decode_all(v))
        return false;
    for (uint32_t i = 0; i < v->count; i++) {
        if (!link_one(v, i))
            return false;
    }
    return search(v);
}
