/* emit_branch.c - control flow: chainable direct exits, indirect branches through the jump cache, attention polls.
 *
 * Attention (design "Faults and events") is looked for before backward branches and at every indirect one, by loading
 * through a pointer that is poisoned when somebody asks: no flags, no compare, and a host fault only when there is
 * something to do. */
#include "callout.h"
#include "emit.h"
#include "emit_mem.h"

enum { HOLD = 16 };

static uint64_t ip_mask(const struct bt_insn *in)
{
    return in->op_bytes == 2 ? 0xFFFFu : UINT32_MAX;
}

static uint64_t target_of(const struct bt_insn *in)
{
    return (bt_next_eip(in) + (uint64_t)in->imm) & ip_mask(in);
}

/* The CS limit of a unit is part of its key, so direct targets are checked here, once. */
static bool target_within_limit(const struct cg *cg, uint64_t target)
{
    return target <= cg->tu->cs_limit;
}

/* Near indirect targets need no check when every value of that size is inside the limit. */
static bool any_target_within_limit(const struct cg *cg, const struct bt_insn *in)
{
    return ip_mask(in) <= cg->tu->cs_limit;
}

void emit_poll(struct cg *cg, int32_t pointer_disp, uint64_t eip)
{
    uint32_t start = cg->a.len;
    x_load64(&cg->a, H_R8, H_VCPU, pointer_disp);
    x_load32(&cg->a, H_R8, H_R8, 0);
    cg_site(cg, start, SITE_POLL, eip);
}

static void poll_if_backward(struct cg *cg, const struct bt_insn *in, uint64_t target)
{
    if (target <= in->eip)
        emit_poll(cg, AREA(poll_ptr), in->eip);
}

/* The poll of a unit's closing backward Jcc goes before the instruction in front of it, which mostly is the CMP, TEST
 * or DEC that the host fuses with the Jcc: two loads in between would cost a fifth of a tight loop. */
void emit_poll_ahead(struct cg *cg, const struct bt_insn *before, const struct bt_insn *jcc)
{
    if (jcc->lower != L_JCC || target_of(jcc) > jcc->eip)
        return;
    emit_poll(cg, AREA(poll_ptr), before->eip);
    cg->jcc_polled = true;
}

/* Registers the rel32 at `from` as an exit to target_eip; its cold stub goes to C with the exit's address. */
static void add_exit(struct cg *cg, uint32_t from, uint64_t target_eip)
{
    VX_ASSERT(cg->exits < TU_EXITS);
    struct bt_exit *exit = &cg->tu->exit[cg->exits];
    exit->from = cg->tu;
    exit->target_eip = target_eip;
    exit->patch_off = cg->a.base + from;
    struct cold *cold = cg_cold(cg);
    cold->kind = COLD_EXIT;
    cold->from = from;
    cold->exit = (uint8_t)cg->exits++;
}

/* The instruction in STI's shadow is done: the boundary at `eip` (or, kind SITE_POLL_INDIRECT, at the eip in r8) may
 * take events. */
static void end_shadow(struct cg *cg, enum bt_site_kind kind, uint64_t eip)
{
    if (!cg->in_shadow)
        return;
    x_store_imm8(&cg->a, H_VCPU, VCPU(inhibit), VX_INHIBIT_NONE);
    uint32_t start = cg->a.len;
    x_load64(&cg->a, H_R9, H_VCPU, AREA(if_poll_ptr));
    x_load32(&cg->a, H_R9, H_R9, 0);
    cg_site(cg, start, kind, eip);
}

void emit_exit(struct cg *cg, uint64_t target_eip)
{
    emit_unit_done(cg);
    end_shadow(cg, SITE_POLL, target_eip);
    add_exit(cg, x_jmp_rel32(&cg->a, cg->a.base), target_eip);
}

void emit_exit_boundary(struct cg *cg, uint64_t eip)
{
    emit_unit_done(cg);
    emit_eip(cg, H_R8, eip);
    x_jmp_rel32(&cg->a, cg->stub->exit_boundary);
}

void emit_jmp(struct cg *cg, const struct bt_insn *in)
{
    uint64_t target = target_of(in);
    if (!target_within_limit(cg, target)) {
        emit_interp_end(cg, in);
        return;
    }
    poll_if_backward(cg, in, target);
    emit_exit(cg, target);
}

void emit_jcc(struct cg *cg, const struct bt_insn *in)
{
    uint64_t target = target_of(in);
    if (!target_within_limit(cg, target)) {
        emit_interp_end(cg, in);
        return;
    }
    if (!cg->jcc_polled)
        poll_if_backward(cg, in, target);
    emit_unit_done(cg);
    add_exit(cg, x_jcc_rel32(&cg->a, in->opcode & 15, cg->a.base), target);
    emit_exit(cg, bt_next_eip(in));
}

/* Count register minus one (LOOPs), then RCX (saved in r11 for 16 bit) is what JRCXZ tests. */
static void loop_count(struct cg *cg, const struct bt_insn *in)
{
    struct bt_asm *a = &cg->a;
    bool counts = in->opcode != 0xE3;
    if (in->addr_bytes == 4) {
        if (counts)
            x_lea32(a, H_RCX, H_RCX, H_NONE, 0, -1);
        return;
    }
    if (counts) {
        x_lea32(a, H_R8, H_RCX, H_NONE, 0, -1);
        emit_to_guest(cg, VX_RCX, H_R8, 2);
    }
    x_mov32(a, H_R11, H_RCX);
    x_movzx16(a, H_RCX, H_RCX);
}

static void loop_restore(struct cg *cg, const struct bt_insn *in)
{
    if (in->addr_bytes == 2)
        x_mov64(&cg->a, H_RCX, H_R11);
}

/* Short jcc whose distance is patched by x_here(). */
static uint32_t short_jcc(struct bt_asm *a, unsigned cc)
{
    a8(a, 0x70 + cc);
    a8(a, 0);
    return a->len;
}

void emit_loop(struct cg *cg, const struct bt_insn *in)
{
    struct bt_asm *a = &cg->a;
    uint64_t target = target_of(in);
    if (!target_within_limit(cg, target)) {
        emit_interp_end(cg, in);
        return;
    }
    poll_if_backward(cg, in, target);
    emit_unit_done(cg);
    loop_count(cg, in);
    uint32_t zero = x_jrcxz(a);
    uint32_t not_taken_cc = 0;
    if (in->opcode == 0xE3) { /* JeCXZ: taken when zero */
        loop_restore(cg, in);
        emit_exit(cg, bt_next_eip(in));
        x_here(a, zero);
        loop_restore(cg, in);
        emit_exit(cg, target);
        return;
    }
    loop_restore(cg, in);
    if (in->opcode != 0xE2) /* LOOPNE: leaves on ZF; LOOPE: on not ZF */
        not_taken_cc = short_jcc(a, in->opcode == 0xE0 ? 4 : 5);
    emit_exit(cg, target);
    x_here(a, zero);
    loop_restore(cg, in);
    if (not_taken_cc != 0)
        x_here(a, not_taken_cc);
    emit_exit(cg, bt_next_eip(in));
}

void emit_call(struct cg *cg, const struct bt_insn *in)
{
    uint64_t target = target_of(in);
    if (!target_within_limit(cg, target)) {
        emit_interp_end(cg, in);
        return;
    }
    poll_if_backward(cg, in, target);
    struct bt_insn push = *in;
    push.imm = (int64_t)bt_next_eip(in);
    emit_push_imm(cg, &push);
    emit_exit(cg, target);
}

static void emit_miss(struct cg *cg, const struct bt_exit *direct)
{
    if (direct != NULL)
        x_mov_imm64(&cg->a, H_R8, (uint64_t)(uintptr_t)direct);
    x_jmp_rel32(&cg->a, direct != NULL ? cg->stub->exit_direct : cg->stub->exit_indirect);
}

void emit_jump_cache(struct cg *cg, const struct bt_exit *direct)
{
    struct bt_asm *a = &cg->a;
    emit_unit_done(cg);
    if (direct == NULL)
        end_shadow(cg, SITE_POLL_INDIRECT, 0);
    if (cg->config->no_jump_cache) {
        uint32_t poll = a->len;
        x_load64(a, H_R9, H_VCPU, AREA(poll_ptr));
        x_load32(a, H_R9, H_R9, 0);
        cg_site(cg, poll, SITE_POLL_INDIRECT, 0);
        emit_miss(cg, direct);
        return;
    }
    x_movzx16(a, H_R9, H_R8);
    uint32_t start = a->len;
    x_load64(a, H_R10, H_VCPU, AREA(jc_base));
    asm_mem(a, true, 0, 0x8B, H_R10, H_R10, H_R9, 3, 0);
    cg_site(cg, start, SITE_POLL_INDIRECT, 0);
    x_mov64(a, H_R11, H_RCX);
    x_lea32(a, H_RCX, H_R10, H_R8, 0, 0);
    uint32_t hit = x_jrcxz(a);
    x_mov64(a, H_RCX, H_R11);
    emit_miss(cg, direct);
    x_here(a, hit);
    x_mov64(a, H_RCX, H_R11);
    x_rorx64(a, H_R10, H_R10, 32);
    x_mov32(a, H_R10, H_R10);
    a8(a, 0x4C); /* lea r9, [rip + distance to the cache's start] */
    a8(a, 0x8D);
    a8(a, 0x0D);
    a32(a, 0u - (a->base + a->len + 4));
    if (cg->config->count)
        x_psubq(a, H_XMM_JC_HITS, H_XMM_ONES);
    x_lea64(a, H_R10, H_R10, H_R9, 0, 0);
    a8(a, 0x41); /* jmp r10 */
    a8(a, 0xFF);
    a8(a, 0xE2);
}

void emit_ret(struct cg *cg, const struct bt_insn *in)
{
    if (!any_target_within_limit(cg, in)) {
        emit_interp_end(cg, in);
        return;
    }
    uint8_t operand = emit_stack(cg, 0, in->op_bytes, MEM_READ);
    emit_load(cg, H_R8, operand, in->op_bytes);
    emit_adjust_esp(cg, in->op_bytes + (in->opcode == 0xC2 ? (int32_t)(uint16_t)in->imm : 0));
    emit_jump_cache(cg, NULL);
}

/* Target of JMP/CALL r/m into r8. */
static void load_target(struct cg *cg, const struct bt_insn *in)
{
    if (in->mem) {
        uint8_t operand = emit_operand(cg, in);
        emit_load(cg, H_R8, operand, in->op_bytes);
    } else if (in->op_bytes == 2) {
        x_movzx16(&cg->a, H_R8, host_of(in->rm));
    } else {
        x_mov32(&cg->a, H_R8, host_of(in->rm));
    }
}

void emit_jmp_rm(struct cg *cg, const struct bt_insn *in)
{
    if (!any_target_within_limit(cg, in)) {
        emit_interp_end(cg, in);
        return;
    }
    load_target(cg, in);
    emit_jump_cache(cg, NULL);
}

void emit_call_rm(struct cg *cg, const struct bt_insn *in)
{
    if (!any_target_within_limit(cg, in)) {
        emit_interp_end(cg, in);
        return;
    }
    load_target(cg, in);
    x_store32(&cg->a, H_RSP, HOLD, H_R8);
    struct bt_insn push = *in;
    push.imm = (int64_t)bt_next_eip(in);
    emit_push_imm(cg, &push);
    x_load32(&cg->a, H_R8, H_RSP, HOLD);
    emit_jump_cache(cg, NULL);
}
