/* codegen.c - what all emitters build with. */
#include "codegen.h"

#include "callout.h"

unsigned cg_number(const struct cg *cg, const struct bt_insn *in)
{
    unsigned n = 0; /* `in` may be an edited copy (CALL pushes as PUSH imm does) */
    while (n < cg->insns && cg->draft->insns[n].eip != in->eip)
        n++;
    return n;
}

uint8_t cg_done(const struct cg *cg, uint64_t eip)
{
    if (!cg->config->exact_count || cg->counted)
        return 0;
    unsigned n = 0;
    while (n < cg->insns && cg->draft->insns[n].eip != eip)
        n++;
    return (uint8_t)n;
}

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

void cg_site(struct cg *cg, uint32_t start, enum bt_site_kind kind, uint64_t eip)
{
    if (cg->site_count == SITE_MAX) {
        cg->full = true;
        return;
    }
    VX_ASSERT(cg->a.len - start <= UINT8_MAX);
    cg->site[cg->site_count++] = (struct bt_site){ .start = start,
                                                   .bytes = (uint8_t)(cg->a.len - start),
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

void emit_count(struct cg *cg, unsigned n)
{
    struct bt_asm *a = &cg->a;
    if (!cg->config->exact_count || n == 0)
        return;
    x_load64(a, H_R9, H_VCPU, VCPU(retired));
    x_lea64(a, H_R9, H_R9, H_NONE, 0, (int32_t)n);
    x_store64(a, H_VCPU, VCPU(retired), H_R9);
    cg->r9_share = SHARE_NONE;
}

void emit_fip(struct cg *cg)
{
    if (!cg->fip_due)
        return;
    asm_mem(&cg->a, false, 0, 0xC7, 0, H_VCPU, H_NONE, 0, AREA(fp_last) + FX_FIP);
    a32(&cg->a, (uint32_t)cg->fip);
}

void emit_unit_done(struct cg *cg)
{
    if (!cg->counted)
        emit_count(cg, cg->insns);
    emit_fip(cg);
    cg->counted = true;
    cg->fip_due = false;
}

void emit_call_c(struct cg *cg, const struct bt_insn *in, uint32_t stub)
{
    struct bt_asm *a = &cg->a;
    emit_fip(cg);
    if (cg->config->exact_count) {
        asm_mem(a, false, 0, 0xC7, 0, H_VCPU, H_NONE, 0, AREA(unit_done));
        a32(a, cg_number(cg, in));
    }
    x_call_rel32(a, stub);
    cg->fip_due = false; /* C may change it */
}

void emit_interp(struct cg *cg, const struct bt_insn *in, uint32_t stub)
{
    struct bt_asm *a = &cg->a;
    emit_eip(cg, H_R8, bt_next_eip(in));
    x_mov_imm32(a, H_R9, cg->fp_live ? MEM_FP_LIVE : 0);
    emit_eip(cg, H_R10, in->eip);
    emit_call_c(cg, in, stub);
}

void emit_interp_end(struct cg *cg, const struct bt_insn *in)
{
    emit_fip(cg);
    emit_count(cg, cg_number(cg, in));
    emit_eip(cg, H_R8, in->eip);
    x_jmp_rel32(&cg->a, cg->stub->exit_interp);
}
