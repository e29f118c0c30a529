/* fragment.c - the host code of one unit: instruction by instruction, then the out-of-line parts.
 *
 * Layout of a fragment:  [budget check] [entry counter] [self-check] [unit's counter] body  exits | cold: call-outs,
 * unchained exits */
#include "fragment.h"

#include "callout.h"
#include "emit.h"

typedef void emitter(struct cg *cg, const struct bt_insn *in);

static void emit_nop(struct cg *cg, const struct bt_insn *in)
{
    (void)cg;
    (void)in;
}

static void emit_interp_insn(struct cg *cg, const struct bt_insn *in)
{
    emit_interp(cg, in, cg->stub->insn);
}

static emitter *const emitters[] = {
    [L_INTERP] = emit_interp_insn,
    [L_INTERP_END] = emit_interp_end,
    [L_MODRM] = emit_native,
    [L_X87] = emit_x87,
    [L_SSE] = emit_native,
    [L_PLAIN] = emit_plain,
    [L_OPREG] = emit_opreg,
    [L_INCDEC] = emit_incdec,
    [L_NOP] = emit_nop,
    [L_LEA] = emit_lea,
    [L_MOV_OFFS] = emit_mov_offs,
    [L_PUSH_REG] = emit_push_reg,
    [L_PUSH_IMM] = emit_push_imm,
    [L_PUSH_RM] = emit_push_rm,
    [L_PUSH_SEG] = emit_push_seg,
    [L_POP_REG] = emit_pop_reg,
    [L_POP_RM] = emit_pop_rm,
    [L_LEAVE] = emit_leave,
    [L_JMP] = emit_jmp,
    [L_JCC] = emit_jcc,
    [L_LOOP] = emit_loop,
    [L_CALL] = emit_call,
    [L_RET] = emit_ret,
    [L_JMP_RM] = emit_jmp_rm,
    [L_CALL_RM] = emit_call_rm,
    [L_XLAT] = emit_xlat,
    [L_STRING] = emit_string,
    [L_REP] = emit_rep,
    [L_BT_RM] = emit_bt_rm,
    [L_CLI] = emit_cli,
    [L_STI] = emit_sti,
    [L_CLD] = emit_cld_std,
    [L_STD] = emit_cld_std,
    [L_PUSHF] = emit_pushf,
    [L_POPF] = emit_popf,
    [L_MOV_FROM_SEG] = emit_mov_from_seg,
    [L_MOV_TO_SEG] = emit_mov_to_seg,
    [L_POP_SEG] = emit_pop_seg,
    [L_RDTSC] = emit_rdtsc,
    [L_RDTSCP] = emit_rdtscp,
    [L_PORT] = emit_port,
    [L_INT] = emit_int,
    [L_IRET] = emit_iret,
    [L_SYSENTER] = emit_sysenter,
    [L_SYSEXIT] = emit_sysexit,
    [L_MOV_FROM_CR] = emit_mov_from_cr,
};

/* ---- the parts of a fragment */

/* ecx = the n (4, 2 or 1) bytes at [r8]. */
static void load_bytes(struct bt_asm *a, unsigned n)
{
    if (n == 4)
        x_load32(a, H_RCX, H_R8, 0);
    else if (n == 2)
        x_load_zx16(a, H_RCX, H_R8, 0);
    else
        x_load_zx8(a, H_RCX, H_R8, 0);
}

/* Compares the unit's guest bytes, and no others, with what they were, without flags; a difference leaves with
 * EXIT_STALE. */
static void emit_self_check(struct cg *cg)
{
    struct bt_asm *a = &cg->a;
    const struct bt_tu *tu = cg->tu;
    const uint8_t *bytes = (const uint8_t *)(uintptr_t)tu->hva;
    x_mov64(a, H_R11, H_RCX);
    for (unsigned at = 0, n; at < tu->guest_bytes; at += n) {
        unsigned left = tu->guest_bytes - at;
        n = left >= 4 ? 4 : left >= 2 ? 2 : 1;
        uint32_t expected = 0;
        memcpy(&expected, bytes + at, n);
        x_mov_imm64(a, H_R8, tu->hva + at);
        load_bytes(a, n);
        x_lea32(a, H_RCX, H_RCX, H_NONE, 0, (int32_t)-expected);
        uint32_t same = x_jrcxz(a);
        x_mov64(a, H_RCX, H_R11);
        x_mov_imm64(a, H_R8, (uint64_t)(uintptr_t)tu);
        x_jmp_rel32(a, cg->stub->exit_stale);
        x_here(a, same);
    }
    x_mov64(a, H_RCX, H_R11);
}

/* Emitters that leave r9 alone, or tell what they put there (emit_mem.c). */
static bool keeps_r9(const struct bt_insn *in)
{
    switch (in->lower) {
    case L_MODRM:
    case L_PLAIN:
    case L_OPREG:
    case L_INCDEC:
    case L_NOP:
    case L_LEA:
    case L_X87:
    case L_SSE:
    case L_PUSH_REG:
    case L_PUSH_IMM:
    case L_PUSH_RM:
    case L_PUSH_SEG:
    case L_POP_REG:
    case L_CALL:
    case L_CALL_RM:
    case L_RET: return true;
    default: return false;
    }
}

static void emit_one(struct cg *cg, unsigned index)
{
    const struct bt_insn *in = &cg->draft->insns[index];
    cg->in_shadow = cg->after_sti;
    cg->index = index;
    cg->in = in;
    if (!keeps_r9(in))
        cg->r9_share = SHARE_NONE;
    cg->start[index] = cg->a.len;
    if ((in->lower == L_MODRM || in->lower == L_SSE) && emit_native_impossible(in)) {
        emit_interp_insn(cg, in);
        cg->r9_share = SHARE_NONE;
    } else if (cg->in_shadow && (in->lower == L_JCC || in->lower == L_LOOP))
        emit_interp_end(cg, in); /* their taken exits have no room to end the shadow */
    else
        emitters[in->lower](cg, in);
    if (!keeps_r9(in))
        cg->r9_share = SHARE_NONE;
    cg->after_sti = in->lower == L_STI && !cg->in_shadow;
    if (cg->in_shadow && !cg->after_sti && !bt_ends_unit(in->lower)) {
        x_store_imm8(&cg->a, H_VCPU, VCPU(inhibit), VX_INHIBIT_NONE);
        cg->poll_if = true;
        cg->in_shadow = false;
    }
    if (cg->poll_if && !cg->after_sti && !bt_ends_unit(in->lower)) {
        emit_poll(cg, AREA(if_poll_ptr), bt_next_eip(in));
        cg->poll_if = false;
    }
}

/* The unit ended by length, page or cap: on to the next instruction. */
static void emit_tail(struct cg *cg, const struct bt_insn *last)
{
    if (bt_ends_unit(last->lower))
        return;
    if (cg->after_sti || bt_next_eip(last) > cg->tu->cs_limit) /* the shadow outlives the unit; or EIP runs off CS */
        emit_exit_boundary(cg, bt_next_eip(last));
    else
        emit_exit(cg, bt_next_eip(last));
}

static void emit_cold_mem(struct cg *cg, const struct cold *cold)
{
    struct bt_asm *a = &cg->a;
    const struct bt_insn *in = &cg->draft->insns[cold->insn];
    x_mov64(a, H_RCX, H_R11);
    if (cold->lin_reg != H_R8)
        x_mov32(a, H_R8, cold->lin_reg);
    x_mov_imm32(a, H_R9, cold->info);
    emit_eip(cg, H_R10, in->eip);
    emit_call_c(cg, in, cg->stub->mem_slow);
    x_jmp_rel32(a, a->base + cold->resume); /* 5 bytes: the stub returns behind it when C did the instruction */
    if (!bt_ends_unit(in->lower) && !cg_has_share(in))
        x_jmp_rel32(a, a->base + cg->start[cold->insn + 1]);
}

static void emit_cold_insn(struct cg *cg, const struct cold *cold)
{
    struct bt_asm *a = &cg->a;
    const struct bt_insn *in = &cg->draft->insns[cold->insn];
    if (cold->rcx_in_r11)
        x_mov64(a, H_RCX, H_R11);
    if (bt_ends_unit(in->lower) || cg_has_share(in)) {
        emit_interp_end(cg, in);
        return;
    }
    emit_eip(cg, H_R8, bt_next_eip(in));
    x_mov_imm32(a, H_R9, cold->info);
    emit_eip(cg, H_R10, in->eip);
    emit_call_c(cg, in, cg->stub->insn);
    x_jmp_rel32(a, a->base + cg->start[cold->insn + 1]);
}

/* A shared probe missed: C fills the shadow, or leaves for the same boundary with a probe for each access. */
static void emit_cold_unshared(struct cg *cg, const struct cold *cold)
{
    struct bt_asm *a = &cg->a;
    x_mov64(a, H_RCX, H_R11);
    x_mov_imm32(a, H_R9, cold->info);
    emit_eip(cg, H_R10, cg->draft->insns[cold->insn].eip);
    emit_call_c(cg, &cg->draft->insns[cold->insn], cg->stub->share_slow);
    x_jmp_rel32(a, a->base + cold->resume);
}

/* chain.c, I1 and I2: nothing leads into another page that is not global, nor to a unit over two pages. */
static bool will_not_be_chained(const struct cg *cg, const struct bt_exit *exit)
{
    bool other_page = (vx_lin_wrap(exit->target_eip + cg->tu->cs_base) ^ bt_tu_lin(cg->tu)) >= VX_PAGE_BYTES;
    if (other_page)
        return !cg->tu->global;
    return cg->draft->page_full && exit->target_eip == bt_next_eip(&cg->draft->insns[cg->insns - 1]);
}

static void emit_cold_exit(struct cg *cg, const struct cold *cold)
{
    struct bt_exit *exit = &cg->tu->exit[cold->exit];
    exit->cold_off = x_pos(&cg->a);
    if (will_not_be_chained(cg, exit)) {
        emit_eip(cg, H_R8, exit->target_eip);
        emit_jump_cache(cg, exit);
        return;
    }
    x_mov_imm64(&cg->a, H_R8, (uint64_t)(uintptr_t)exit);
    x_jmp_rel32(&cg->a, cg->stub->exit_direct);
}

static void emit_all_cold(struct cg *cg)
{
    for (unsigned i = 0; i < cg->cold_count; i++) {
        const struct cold *cold = &cg->cold[i];
        x_patch_rel32(&cg->a, cold->from, x_pos(&cg->a));
        cg->fip_due = cold->fip_due;
        cg->fip = cold->fip;
        switch (cold->kind) {
        case COLD_MEM: emit_cold_mem(cg, cold); break;
        case COLD_INSN: emit_cold_insn(cg, cold); break;
        case COLD_EXIT: emit_cold_exit(cg, cold); break;
        case COLD_UNSHARED: emit_cold_unshared(cg, cold); break;
        }
    }
}

static void start(struct cg *cg, struct bt_tu *tu, uint32_t base)
{
    memset(cg, 0, offsetof(struct cg, config));
    cg->cold_count = cg->site_count = 0;
    cg->full = false;
    cg->a = (struct bt_asm){ .buf = cg->buffer, .cap = sizeof cg->buffer, .base = base };
    cg->tu = tu;
    cg->mode = cg->draft->mode;
    cg->r9_share = SHARE_NONE;
    cg->insns = tu->insns;
}

bool bt_fragment_emit(struct cg *cg, struct bt_tu *tu, uint32_t base)
{
    const struct bt_insn *insns = cg->draft->insns;
    const unsigned n = tu->insns;
    start(cg, tu, base);
    if (cg->config->exact_count)
        emit_budget_check(cg);
    if (cg->config->count)
        x_psubq(&cg->a, H_XMM_ENTRIES, H_XMM_ONES);
    if (tu->self_checking)
        emit_self_check(cg);
    if (cg->config->count_units)
        emit_unit_counter(cg);
    for (unsigned i = 0; i < n; i++) {
        if (i + 2 == n)
            emit_poll_ahead(cg, &insns[i], &insns[i + 1]);
        emit_one(cg, i);
    }
    cg->start[n] = cg->a.len;
    emit_tail(cg, &insns[n - 1]);
    cg->start[n + 1] = cg->a.len;
    emit_all_cold(cg);
    return !cg->full && !cg->a.overflow;
}
