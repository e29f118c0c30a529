/* translate.c - makes one unit: decode, emit instruction by instruction, emit the out-of-line parts, register.
 *
 * Layout of a fragment:  [budget check] [entry counter] [self-check] [unit's counter] body  exits | cold: call-outs,
 * unchained exits */
#include <stdlib.h>

#include "emit.h"
#include "verify.h"

struct cold *cg_cold(struct cg *cg)
{
    if (cg->cold_count == COLD_MAX) {
        cg->full = true;
        return &cg->cold[COLD_MAX - 1];
    }
    struct cold *cold = &cg->cold[cg->cold_count++];
    *cold = (struct cold){ .insn = (uint8_t)cg->index, .fip_due = cg->fip_due, .fip = cg->fip };
    return cold;
}

void cg_site(struct cg *cg, uint32_t start, enum bt_site_kind kind, uint32_t eip)
{
    if (cg->site_count == SITE_MAX) {
        cg->full = true;
        return;
    }
    cg->site[cg->site_count++] = (struct bt_site){ .start = start,
                                                   .end = cg->a.len,
                                                   .eip = eip,
                                                   .kind = kind,
                                                   .done = cg_done(cg, eip),
                                                   .fip_back = (uint16_t)(cg->fip_due ? eip - cg->fip : 0) };
}

void cg_cold_insn(struct cg *cg, uint32_t from, bool rcx_in_r11)
{
    struct cold *cold = cg_cold(cg);
    cold->kind = COLD_INSN;
    cold->from = from;
    cold->rcx_in_r11 = rcx_in_r11;
    cold->info = cg->fp_live ? MEM_FP_LIVE : 0;
}

void emit_interp(struct cg *cg, const struct bt_insn *in, uint32_t stub)
{
    struct bt_asm *a = &cg->a;
    x_mov_imm32(a, H_R8, next_eip(in));
    x_mov_imm32(a, H_R9, cg->fp_live ? MEM_FP_LIVE : 0);
    x_mov_imm32(a, H_R10, in->eip);
    emit_call_c(cg, in, stub);
}

void emit_interp_end(struct cg *cg, const struct bt_insn *in)
{
    emit_fip(cg);
    emit_count(cg, cg_number(cg, in));
    x_mov_imm32(&cg->a, H_R8, in->eip);
    x_jmp_rel32(&cg->a, cg->bt->stub.exit_interp);
}

typedef void emitter(struct cg *cg, const struct bt_insn *in);

static void emit_nop(struct cg *cg, const struct bt_insn *in)
{
    (void)cg;
    (void)in;
}

static void emit_interp_insn(struct cg *cg, const struct bt_insn *in)
{
    emit_interp(cg, in, cg->bt->stub.insn);
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
        x_jmp_rel32(a, cg->bt->stub.exit_stale);
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
    const struct bt_insn *in = &cg->bt->insns[index];
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
        emit_poll(cg, AREA(if_poll_ptr), next_eip(in));
        cg->poll_if = false;
    }
}

/* The unit ended by length, page or cap: on to the next instruction. */
static void emit_tail(struct cg *cg, const struct bt_insn *last)
{
    if (bt_ends_unit(last->lower))
        return;
    if (cg->after_sti || next_eip(last) > cg->tu->cs_limit) /* the shadow outlives the unit; or EIP runs off CS */
        emit_exit_boundary(cg, next_eip(last));
    else
        emit_exit(cg, next_eip(last));
}

static void emit_cold_mem(struct cg *cg, const struct cold *cold)
{
    struct bt_asm *a = &cg->a;
    const struct bt_insn *in = &cg->bt->insns[cold->insn];
    x_mov64(a, H_RCX, H_R11);
    if (cold->lin_reg != H_R8)
        x_mov32(a, H_R8, cold->lin_reg);
    x_mov_imm32(a, H_R9, cold->info);
    x_mov_imm32(a, H_R10, in->eip);
    emit_call_c(cg, in, cg->bt->stub.mem_slow);
    x_jmp_rel32(a, a->base + cold->resume); /* 5 bytes: the stub returns behind it when C did the instruction */
    if (!bt_ends_unit(in->lower) && !cg_has_share(in))
        x_jmp_rel32(a, a->base + cg->start[cold->insn + 1]);
}

static void emit_cold_insn(struct cg *cg, const struct cold *cold)
{
    struct bt_asm *a = &cg->a;
    const struct bt_insn *in = &cg->bt->insns[cold->insn];
    if (cold->rcx_in_r11)
        x_mov64(a, H_RCX, H_R11);
    if (bt_ends_unit(in->lower) || cg_has_share(in)) {
        emit_interp_end(cg, in);
        return;
    }
    x_mov_imm32(a, H_R8, next_eip(in));
    x_mov_imm32(a, H_R9, cold->info);
    x_mov_imm32(a, H_R10, in->eip);
    emit_call_c(cg, in, cg->bt->stub.insn);
    x_jmp_rel32(a, a->base + cg->start[cold->insn + 1]);
}

/* A shared probe missed: C fills the shadow, or leaves for the same boundary with a probe for each access. */
static void emit_cold_unshared(struct cg *cg, const struct cold *cold)
{
    struct bt_asm *a = &cg->a;
    x_mov64(a, H_RCX, H_R11);
    x_mov_imm32(a, H_R9, cold->info);
    x_mov_imm32(a, H_R10, cg->bt->insns[cold->insn].eip);
    emit_call_c(cg, &cg->bt->insns[cold->insn], cg->bt->stub.share_slow);
    x_jmp_rel32(a, a->base + cold->resume);
}

static void emit_cold_exit(struct cg *cg, const struct cold *cold)
{
    struct bt_exit *exit = &cg->tu->exit[cold->exit];
    exit->cold_off = x_pos(&cg->a);
    bool other_page = ((exit->target_eip + cg->tu->cs_base) ^ (cg->tu->eip + cg->tu->cs_base)) >= VX_PAGE_BYTES;
    if (other_page && !cg->tu->global) { /* will not be chained (chain.c, I1) */
        x_mov_imm32(&cg->a, H_R8, exit->target_eip);
        emit_jump_cache(cg, exit);
        return;
    }
    x_mov_imm64(&cg->a, H_R8, (uint64_t)(uintptr_t)exit);
    x_jmp_rel32(&cg->a, cg->bt->stub.exit_direct);
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

/* Emits the first n decoded instructions for the place `base`. False: too large for the tables or the buffer. */
static bool emit_unit(struct cg *cg, struct vx_bt *bt, struct bt_tu *tu, unsigned n, uint32_t base)
{
    memset(cg, 0, offsetof(struct cg, cold));
    cg->cold_count = cg->site_count = 0;
    cg->full = false;
    cg->a = (struct bt_asm){ .buf = bt->buffer, .cap = BT_BUFFER_BYTES, .base = base };
    cg->bt = bt;
    cg->tu = tu;
    cg->mode = bt->mode;
    cg->r9_share = SHARE_NONE;
    cg->insns = n;
    if (bt->config.exact_count)
        emit_budget_check(cg);
    if (bt->config.count)
        x_psubq(&cg->a, H_XMM_ENTRIES, H_XMM_ONES);
    if (tu->self_checking)
        emit_self_check(cg);
    if (bt->config.count_units)
        emit_unit_counter(cg);
    for (unsigned i = 0; i < n; i++) {
        if (i + 2 == n)
            emit_poll_ahead(cg, &bt->insns[i], &bt->insns[i + 1]);
        emit_one(cg, i);
    }
    cg->start[n] = cg->a.len;
    emit_tail(cg, &bt->insns[n - 1]);
    cg->start[n + 1] = cg->a.len;
    emit_all_cold(cg);
    return !cg->full && !cg->a.overflow;
}

/* ---- the unit itself */

static bool writes_memory(const struct bt_insn *in)
{
    switch (in->lower) {
    case L_PUSH_REG:
    case L_PUSH_IMM:
    case L_PUSH_RM:
    case L_PUSH_SEG:
    case L_PUSHF:
    case L_CALL:
    case L_CALL_RM:
    case L_STRING:
    case L_REP:
    case L_INTERP:
    case L_PORT: /* it may start a DMA transfer */
    case L_MOV_TO_SEG:
    case L_POP_SEG: return true;
    default: return in->mem_write;
    }
}

/* A self-checking unit ends after its first store, which might change what follows. */
static unsigned cut_after_store(const struct bt_insn *insns, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (writes_memory(&insns[i]))
            return i + 1;
    }
    return n;
}

static uint32_t backing_page(struct vx_bt *bt, const uint8_t *hva)
{
    return (uint32_t)((size_t)(hva - vx_pmap_page_hva(bt->config.pmap, 0)) >> VX_PAGE_SHIFT);
}

static struct bt_tu *new_unit(struct vx_bt *bt, uint8_t *const hva[TU_PAGES], unsigned pages)
{
    const struct vx_vcpu *vcpu = bt->vcpu;
    struct bt_tu *tu = calloc(1, sizeof *tu + (bt->config.count_units ? sizeof tu->entered[0] : 0));
    VX_ASSERT(tu != NULL);
    uint32_t lin = (uint32_t)vx_cs_lin(vcpu);
    tu->hva = (uint64_t)(uintptr_t)(hva[0] + (lin & VX_PAGE_MASK));
    tu->eip = (uint32_t)vcpu->rip;
    tu->cs_base = (uint32_t)vcpu->seg[VX_CS].base;
    tu->cs_limit = vcpu->seg[VX_CS].limit;
    tu->mode = bt->mode;
    tu->global =
        vx_mmu_is_global(vcpu->mmu, lin) && (pages == 1 || vx_mmu_is_global(vcpu->mmu, (lin | VX_PAGE_MASK) + 1));
    tu->pages = (uint8_t)pages;
    for (unsigned i = 0; i < pages; i++)
        tu->page[i] = backing_page(bt, hva[i]);
    tu->self_checking = pages == 1 && bt_smc_self_checking(bt, tu->page[0]);
    return tu;
}

static void set_length(struct bt_tu *tu, const struct bt_insn *insns, unsigned n)
{
    tu->insns = (uint8_t)n;
    tu->guest_bytes = (uint16_t)(next_eip(&insns[n - 1]) - tu->eip);
}

static void count_unit(struct vx_bt *bt, const struct bt_tu *tu)
{
    bt->stats->tu_translated++;
    bt_count_again(bt, tu);
    bt->stats->tu_guest_bytes += tu->guest_bytes;
    bt->stats->tu_guest_insns += tu->insns;
    bt->stats->tu_by_insns[tu->insns]++;
    bt->stats->tu_host_bytes += tu->host_bytes;
    vx_trace(bt->log, bt_translate, (uint64_t)(uint32_t)(tu->eip + tu->cs_base), (uint64_t)tu->page[0] << VX_PAGE_SHIFT,
             tu->mode, (unsigned)tu->guest_bytes, tu->host_bytes);
}

/* Emits, shortening the unit until it fits the buffer and a cache segment. */
static bool place_unit(struct vx_bt *bt, struct bt_tu *tu, unsigned n)
{
    struct cg *cg = bt->cg;
    for (;; n = (n + 1) / 2) {
        set_length(tu, bt->insns, n);
        uint32_t base = bt_cache_reserve(bt, 0);
        if (emit_unit(cg, bt, tu, n, base)) {
            uint32_t where = bt_cache_reserve(bt, cg->a.len);
            if (where == base || (where != UINT32_MAX && emit_unit(cg, bt, tu, n, where))) {
                tu->entry = where;
                tu->host_bytes = cg->a.len;
                return true;
            }
        }
        if (n == 1)
            return false;
    }
}

static void keep_parts(struct bt_tu *tu, const struct cg *cg)
{
    struct bt_part *part = (struct bt_part *)(tu->sites + tu->site_count);
    for (unsigned i = 0; i < tu->insns; i++) {
        const struct bt_insn *in = &cg->bt->insns[i];
        part[i] = (struct bt_part){ .start = cg->start[i],
                                    .lower = in->lower,
                                    .share_mem = in->share_mem,
                                    .share_stack = in->share_stack,
                                    .mem = in->mem && in->mem_bytes != 0 };
    }
    part[tu->insns] = (struct bt_part){ .start = cg->start[tu->insns] };
    part[tu->insns + 1] = (struct bt_part){ .start = cg->start[tu->insns + 1] };
}

static void keep_sites(struct bt_tu *tu, const struct cg *cg)
{
    bool studied = cg->bt->config.count_units;
    size_t sites = cg->site_count * sizeof *tu->sites;
    size_t bytes = sites + (studied ? (tu->insns + 2u) * sizeof(struct bt_part) : 0);
    tu->site_count = (uint16_t)cg->site_count;
    if (bytes == 0)
        return;
    tu->sites = malloc(bytes);
    VX_ASSERT(tu->sites != NULL);
    memcpy(tu->sites, cg->site, sites);
    if (studied)
        keep_parts(tu, cg);
}

/* Called on the finished unit in the buffer: what the verifier finds is a bug of ours. */
static void verify_unit(struct vx_bt *bt, const struct bt_tu *tu)
{
    struct bt_verdict verdict;
    struct bt_claim claim = bt_claim_of(bt, tu);
    if (bt->verifier != NULL && !bt_verify_unit(bt->verifier, &claim, &verdict))
        bt_verify_failed(bt, &verdict);
}

struct bt_claim bt_claim_of(const struct vx_bt *bt, const struct bt_tu *tu)
{
    return (struct bt_claim){ .tu = tu, .code = bt->buffer, .insns = bt->insns, .start = bt->cg->start };
}

struct cg *bt_cg_create(void)
{
    return calloc(1, sizeof(struct cg));
}

struct bt_tu *bt_translate(struct vx_bt *bt)
{
    uint8_t *hva[TU_PAGES];
    unsigned pages;
    unsigned n = bt_decode_unit(bt, (unsigned)bt->tu_limit, hva, &pages);
    if (n == 0 || (pages == 2 && hva[0] == hva[1])) /* an alias of itself would stand twice on one page's list */
        return NULL;
    struct bt_tu *tu = new_unit(bt, hva, pages);
    if (tu->self_checking)
        n = cut_after_store(bt->insns, n);
    bt_share_probes(bt, n);
    if (!place_unit(bt, tu, n)) {
        free(tu);
        return NULL;
    }
    keep_sites(tu, bt->cg);
    verify_unit(bt, tu);
    bt_cache_commit(bt, tu);
    bt_hash_add(bt, tu);
    bt_smc_register(bt, tu);
    count_unit(bt, tu);
    return tu;
}
