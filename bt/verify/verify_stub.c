/* verify_stub.c - the stubs between C and translated code: that they keep C's calling convention and the guest's
 * registers.
 *
 * They are made once and have no probes, so a simple machine follows them along every way: what each register holds,
 * what has been pushed, which guest registers are in the vCPU.
 *
 *   enter        C's callee-saved registers pushed, r15 = its first argument, r12 and r13 loaded, host_rsp kept, guest
 *   flags and
 *                registers loaded; a jump to its second argument
 *   leave        guest registers and flags stored; host_rsp loaded, C's registers popped, RET
 *   exit_*       r9 = the reason, then leave
 *   call-outs    guest registers and flags stored; an aligned call of one of our functions; then guest flags and
 *   registers loaded
 *                and RET (to the return address or five bytes behind it), or the end of leave
 *   fp_load      FXRSTOR; no guest register or flag is touched; RET
 *
 * While events are counted, the counters are in the vCPU wherever C runs or FXRSTOR overwrites them, and in their
 * registers in translated code. */
#include "verify.h"

#include <stdio.h>

#include "callout.h"
#include "verify_decode.h"

enum { SAVED = 6, STEPS_MAX = 200, ALL_GPRS = 0xFF };

enum word { W_UNKNOWN, W_GUEST /* + number */, W_C = 16 /* + number */, W_RETURN = 48 };

enum stub_kind { KIND_ENTER, KIND_LEAVE, KIND_EXIT, KIND_CALL, KIND_FP };

struct way {
    struct bt_verifier *v;
    const char *name;
    enum stub_kind kind;
    uint32_t off;
    uint8_t reg[16]; /* enum word */
    uint64_t constant[16];
    uint8_t pushed[SAVED];
    unsigned depth;
    int32_t rsp;             /* relative to its value in front of the stub's first instruction */
    uint16_t stored, loaded; /* guest registers: to the vCPU, from it */
    bool entries_stored, jc_hits_stored, entries_loaded, jc_hits_loaded,
        ones; /* the counters, while events are counted */
    bool lahf, seto, flags_stored, flags_loaded, called, to_c, fp;
};

/* What `enter` keeps, for the stubs that leave. */
static const uint8_t callee_saved[SAVED] = { H_RBP, H_RBX, H_R12, H_R13, H_R14, H_R15 };
enum { FRAME = -(8 * SAVED + BT_FRAME_BYTES + 8) }; /* translated code's rsp, relative to that on entry */

static bool fails(const struct way *w, const char *why)
{
    struct bt_verdict *verdict = w->v->verdict;
    if (verdict->rule == RULE_NONE) {
        verdict->rule = RULE_STUB;
        verdict->off = w->off;
        snprintf(verdict->text, sizeof verdict->text, "stub: %s, at cache offset %u: %s\n", w->name, w->off, why);
    }
    return false;
}

static uint8_t guest_word(unsigned host)
{
    return host < 8 && host != H_RSP ? (uint8_t)(W_GUEST + host) : host == H_GUEST_ESP ? W_GUEST + VX_RSP : W_UNKNOWN;
}

/* ---- the vCPU */

static bool store(struct way *w, int64_t disp, const struct vf_op *from, unsigned bytes)
{
    int64_t gpr = disp - VCPU(gpr);
    if (gpr >= 0 && gpr < 8 * 8 && gpr % 8 == 0 && bytes == 8) {
        if (from->kind != OP_REG || w->reg[from->reg] != W_GUEST + gpr / 8)
            return fails(w, "a guest register is stored in another's place");
        w->stored |= (uint16_t)(1u << gpr / 8);
        return true;
    }
    if (disp == AREA(flags16) && bytes == 2) {
        w->flags_stored = w->lahf && w->seto && from->kind == OP_REG && from->reg == H_RAX;
        return w->flags_stored || fails(w, "what is stored are not the flags");
    }
    if (disp == AREA(host_rsp) && bytes == 8)
        return (w->kind == KIND_ENTER && from->kind == OP_REG && from->reg == H_RSP && w->rsp == FRAME) ||
               fails(w, "host_rsp is not the frame's");
    bool exits = (disp == AREA(exit_value) || disp == AREA(exit_kind)) && bytes == 8;
    bool fp = w->kind == KIND_FP && bytes == 8 &&
              (disp == AREA(fp_away) || (disp >= AREA(fp_last) && disp < AREA(fp_last) + 48));
    return exits || fp || fails(w, "a store to another field of the vCPU");
}

static bool load(struct way *w, const struct vf_op *to, int64_t disp, unsigned bytes)
{
    int64_t gpr = disp - VCPU(gpr);
    w->reg[to->reg] = W_UNKNOWN;
    if (gpr >= 0 && gpr < 8 * 8 && gpr % 8 == 0 && bytes == 8) {
        w->reg[to->reg] = (uint8_t)(W_GUEST + gpr / 8);
        w->loaded |= (uint16_t)(1u << gpr / 8);
        return guest_word(to->reg) == w->reg[to->reg] || fails(w, "a guest register is loaded into another");
    }
    if (disp == AREA(host_rsp) && bytes == 8) {
        w->to_c = to->reg == H_RSP;
        w->rsp = FRAME;
        return w->to_c || fails(w, "host_rsp belongs in rsp");
    }
    if (disp == AREA(tlb) && to->reg == H_TLB)
        w->reg[H_TLB] = W_C + H_TLB; /* what translated code has there */
    bool known = disp == AREA(tlb) || disp == AREA(flags16) || disp == AREA(exit_value) ||
                 (w->kind == KIND_FP && disp >= VCPU(fx) && disp < VCPU(fx) + 24);
    return known || fails(w, "a load of another field of the vCPU");
}

/* ---- instructions */

static bool step_mov(struct way *w, const struct vf_insn *in)
{
    const struct vf_op *to = &in->op[0], *from = &in->op[1];
    if (to->kind == OP_MEM && to->base == H_RSP)
        return (to->value == 0 && w->reg[from->reg] == W_RETURN && w->rsp == 0) || fails(w, "a store to the stack");
    if (to->kind == OP_MEM)
        return to->base == H_VCPU && to->index == VF_NO_REG && !to->odd ? store(w, to->value, from, to->size)
                                                                        : fails(w, "a store elsewhere");
    if (from->kind == OP_MEM && from->base == H_RSP) {
        w->reg[to->reg] = from->value == 0 && w->rsp == 0 ? W_RETURN : W_UNKNOWN;
        return true;
    }
    if (from->kind == OP_MEM)
        return from->base == H_VCPU && from->index == VF_NO_REG && !from->odd ? load(w, to, from->value, from->size)
                                                                              : fails(w, "a load from elsewhere");
    if (to->reg == H_RSP)
        return fails(w, "rsp is written");
    w->constant[to->reg] = from->kind == OP_IMM ? (uint64_t)from->value : 0;
    w->reg[to->reg] = from->kind == OP_REG && to->size == 8 ? w->reg[from->reg] : W_UNKNOWN;
    if (w->kind == KIND_ENTER && to->reg == H_VCPU && w->reg[H_VCPU] == W_C + H_RDI)
        w->reg[H_VCPU] = W_C + H_VCPU; /* C's first argument is what translated code has there */
    return true;
}

static bool step_lea(struct way *w, const struct vf_insn *in)
{
    const struct vf_op *to = &in->op[0], *from = &in->op[1];
    if (to->reg == H_RSP) {
        if (from->base != H_RSP || from->index != VF_NO_REG || to->size != 8)
            return fails(w, "rsp is made of something else");
        w->rsp += (int32_t)from->value;
        return true;
    }
    bool behind = from->base < 16 && w->reg[from->base] == W_RETURN && from->value == 5 && from->index == VF_NO_REG;
    w->reg[to->reg] = behind ? W_RETURN : W_UNKNOWN;
    return true;
}

static bool ours(uint64_t function)
{
    bt_callout *const callouts[] = { bt_callout_mem, bt_callout_share, bt_callout_insn,     bt_callout_rep,
                                     bt_callout_seg, bt_callout_rdtsc, bt_callout_rdtscp,   bt_callout_port,
                                     bt_callout_int, bt_callout_iret,  bt_callout_sysenter, bt_callout_sysexit };
    for (unsigned i = 0; i < VX_ARRAY_LEN(callouts); i++) {
        if (function == (uint64_t)(uintptr_t)callouts[i])
            return true;
    }
    return function == (uint64_t)(uintptr_t)bt_callout_timed || function == (uint64_t)(uintptr_t)bt_callout_counted;
}

/* ---- counters */

static bool counters_home(const struct way *w)
{
    return !w->v->config->count || (w->entries_stored && w->jc_hits_stored);
}

static bool counters_away(const struct way *w)
{
    return !w->v->config->count || (w->entries_loaded && w->jc_hits_loaded && w->ones);
}

static bool step_counter(struct way *w, const struct vf_insn *in)
{
    bool to_memory = in->op[0].kind == OP_MEM;
    const struct vf_op *memory = &in->op[to_memory ? 0 : 1], *reg = &in->op[to_memory ? 1 : 0];
    bool entries = memory->value == AREA(entries) && reg->other == VF_XMM_ENTRIES,
         jc_hits = memory->value == AREA(jc_hits) && reg->other == VF_XMM_JC_HITS;
    if (memory->kind != OP_MEM || memory->base != H_VCPU || memory->index != VF_NO_REG || !(entries || jc_hits))
        return fails(w, "not a counter and its place");
    if (to_memory && !counters_away(w))
        return fails(w, "a counter is stored that has not been loaded");
    bool *done = entries     ? to_memory ? &w->entries_stored : &w->entries_loaded
                 : to_memory ? &w->jc_hits_stored
                             : &w->jc_hits_loaded;
    *done = true;
    return true;
}

static bool step_ones(struct way *w, const struct vf_insn *in)
{
    w->ones = in->op[0].other == VF_XMM_ONES && in->op[1].other == VF_XMM_ONES;
    return w->ones || fails(w, "ones in another register");
}

static bool counters_lost(struct way *w)
{
    bool home = counters_home(w);
    w->entries_loaded = w->jc_hits_loaded = w->ones = false;
    return home || fails(w, "counters are lost");
}

/* ---- calls */

static bool step_call(struct way *w, const struct vf_insn *in)
{
    static const uint8_t lost[] = { H_RAX, H_RCX, H_RDX, H_RSI, H_RDI, H_R8, H_R9, H_R10, H_R11 };
    if (w->kind != KIND_CALL || w->stored != ALL_GPRS || !w->flags_stored || in->op[0].kind != OP_REG)
        return fails(w, "C is called while guest registers or flags are not in the vCPU");
    if ((w->rsp - 8) % 16 != 0 || w->reg[H_RDI] != W_C + H_VCPU || !ours(w->constant[in->op[0].reg]))
        return fails(w, "not an aligned call of a call-out with the vCPU as its argument");
    for (unsigned i = 0; i < sizeof lost; i++)
        w->reg[lost[i]] = W_UNKNOWN;
    w->called = true;
    w->loaded = 0;
    w->flags_loaded = false;
    return counters_lost(w);
}

static bool step_push_pop(struct way *w, const struct vf_insn *in, bool push)
{
    uint8_t reg = in->op[0].kind == OP_REG ? in->op[0].reg : VF_NO_REG;
    if (push && w->kind == KIND_ENTER && w->depth < SAVED && reg == callee_saved[w->depth]) {
        w->depth++;
        w->rsp -= 8;
        return w->reg[reg] == W_C + reg || fails(w, "C's register is pushed too late");
    }
    if (push || !w->to_c || w->depth == SAVED || reg != callee_saved[SAVED - 1 - w->depth] ||
        w->rsp != -8 * (int32_t)(SAVED - w->depth))
        return fails(w, "C's registers are not popped as they were pushed");
    w->depth++;
    w->rsp += 8;
    return true;
}

/* Translated code's own registers hold what it expects. */
static bool for_guest(const struct way *w)
{
    bool fixed = w->reg[H_TLB] == W_C + H_TLB && w->reg[H_VCPU] == W_C + H_VCPU &&
                 (w->reg[H_TWELVE] == W_C + H_TWELVE || w->constant[H_TWELVE] == VX_PAGE_SHIFT);
    for (unsigned reg = 0; reg < 16; reg++) {
        if (guest_word(reg) != W_UNKNOWN && w->reg[reg] != guest_word(reg))
            return false;
    }
    return fixed && w->flags_loaded && counters_away(w) && (w->kind == KIND_FP || w->loaded == ALL_GPRS);
}

static bool step_ret(const struct way *w)
{
    if (w->to_c)
        return (w->depth == SAVED && w->rsp == 0 &&
                (w->kind != KIND_LEAVE || (w->stored == ALL_GPRS && w->flags_stored && counters_home(w)))) ||
               fails(w, "C gets another stack or registers than it had");
    return (w->rsp == 0 && for_guest(w)) ||
           fails(w, "translated code gets another stack, registers or flags than the guest's");
}

static bool step_jmp(const struct way *w, const struct vf_insn *in)
{
    if (w->kind == KIND_ENTER)
        return (in->op[0].kind == OP_REG && w->reg[in->op[0].reg] == W_C + H_RSI && w->rsp == FRAME &&
                w->depth == SAVED && for_guest(w)) ||
               fails(w, "not a jump to the unit with everything loaded");
    return (w->kind == KIND_EXIT && in->op[0].kind == OP_IMM && (uint32_t)in->op[0].value == w->v->stub->leave) ||
           fails(w, "a jump to something else than leave");
}

static bool walk(struct way w);

/* One instruction. *ends: the way ends here. */
static bool step(struct way *w, const struct vf_insn *in, bool *ends)
{
    switch (in->def.kind) {
    case K_MOV:
    case K_MOVZX: return step_mov(w, in);
    case K_LEA: return step_lea(w, in);
    case K_LAHF:
        w->lahf = w->reg[H_RAX] == W_GUEST + VX_RAX && (w->stored & 1);
        w->reg[H_RAX] = W_UNKNOWN;
        return true;
    case K_SETCC: w->seto = in->id == X86_INS_SETO && in->op[0].kind == OP_REG && in->op[0].reg == H_RAX; return true;
    case K_SAHF: w->flags_loaded = true; return true;
    case K_CALL: return step_call(w, in);
    case K_JRCXZ: {
        struct way taken = *w;
        taken.off = (uint32_t)in->op[0].value;
        return walk(taken);
    }
    case K_JMP: *ends = true; return step_jmp(w, in);
    default: break;
    }
    switch (in->id) {
    case X86_INS_PUSH:
    case X86_INS_POP: return step_push_pop(w, in, in->id == X86_INS_PUSH);
    case X86_INS_RET: *ends = true; return step_ret(w);
    case X86_INS_ADD:
        w->flags_loaded = false;
        return in->op[0].reg == H_RAX || fails(w, "an addition to something else than al");
    case X86_INS_SUB:
        w->flags_loaded = false;
        w->reg[in->op[0].reg] = W_UNKNOWN;
        return w->called || fails(w, "flags are written");
    case X86_INS_FXRSTOR:
        return ((w->kind == KIND_FP && in->op[0].base == H_VCPU && in->op[0].value == VCPU(fx)) ||
                fails(w, "not the vCPU's FP state")) &&
               counters_lost(w);
    case X86_INS_MOVQ: return step_counter(w, in);
    case X86_INS_PCMPEQD: return step_ones(w, in);
    default: return fails(w, "an instruction that stubs do not use");
    }
}

static bool walk(struct way w)
{
    for (unsigned i = 0; i < STEPS_MAX; i++) {
        struct vf_insn in;
        bool ends = false;
        if (w.off >= BT_STUB_BYTES || !vf_decode_host(w.v, w.v->code->rx, BT_STUB_BYTES, w.off, &in))
            return fails(&w, "undecodable");
        if (!step(&w, &in, &ends))
            return false;
        if (ends)
            return true;
        w.off += in.len;
    }
    return fails(&w, "does not end");
}

static bool check(struct bt_verifier *v, const char *name, uint32_t off, enum stub_kind kind)
{
    struct way w = { .v = v, .name = name, .kind = kind, .off = off };
    for (unsigned reg = 0; reg < 16; reg++)
        w.reg[reg] = kind == KIND_ENTER || guest_word(reg) == W_UNKNOWN ? (uint8_t)(W_C + reg) : guest_word(reg);
    w.flags_loaded = kind == KIND_FP;
    w.entries_loaded = w.jc_hits_loaded = w.ones = kind != KIND_ENTER;
    return walk(w);
}

bool bt_verify_stubs(struct bt_verifier *v, struct bt_verdict *verdict)
{
    const struct bt_stubs *stub = v->stub;
    const struct {
        const char *name;
        uint32_t off;
        enum stub_kind kind;
    } stubs[] = {
        { "enter", stub->enter, KIND_ENTER },
        { "leave", stub->leave, KIND_LEAVE },
        { "exit_direct", stub->exit_direct, KIND_EXIT },
        { "exit_indirect", stub->exit_indirect, KIND_EXIT },
        { "exit_interp", stub->exit_interp, KIND_EXIT },
        { "exit_boundary", stub->exit_boundary, KIND_EXIT },
        { "exit_budget", stub->exit_budget, KIND_EXIT },
        { "exit_stale", stub->exit_stale, KIND_EXIT },
        { "mem_slow", stub->mem_slow, KIND_CALL },
        { "share_slow", stub->share_slow, KIND_CALL },
        { "insn", stub->insn, KIND_CALL },
        { "rep", stub->rep, KIND_CALL },
        { "seg", stub->seg, KIND_CALL },
        { "rdtsc", stub->rdtsc, KIND_CALL },
        { "rdtscp", stub->rdtscp, KIND_CALL },
        { "port", stub->port, KIND_CALL },
        { "software_int", stub->software_int, KIND_CALL },
        { "iret", stub->iret, KIND_CALL },
        { "sysenter", stub->sysenter, KIND_CALL },
        { "sysexit", stub->sysexit, KIND_CALL },
        { "fp_load", stub->fp_load, KIND_FP },
    };
    v->verdict = verdict;
    verdict->rule = RULE_NONE;
    for (unsigned i = 0; i < VX_ARRAY_LEN(stubs); i++) {
        if (!check(v, stubs[i].name, stubs[i].off, stubs[i].kind))
            return false;
    }
    return true;
}
