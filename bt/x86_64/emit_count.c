/* emit_count.c - exact instruction counts, for --clock=instructions, lockstep and the debugger
 * (vx_bt_config.exact_count), and how often each unit is entered, for who studies it (count_units).
 *
 *   I1  Translated code adds to vcpu->retired once per unit, where its last instruction is done. What leads to C before
 *       says how many instructions that will be short of: a call-out through area->unit_done, a site through its
 *       `done`, an exit by adding them.
 *   I2  A unit begins only if it can end at or before vcpu->retire_limit. C that may move the limit leaves the unit
 *       when it has come near (wants_out() in callout.c). */
#include "emit.h"

void emit_count(struct cg *cg, unsigned n)
{
    struct bt_asm *a = &cg->a;
    if (!cg->bt->config.exact_count || n == 0)
        return;
    x_load64(a, H_R9, H_VCPU, VCPU(retired));
    x_lea64(a, H_R9, H_R9, H_NONE, 0, (int32_t)n);
    x_store64(a, H_VCPU, VCPU(retired), H_R9);
    cg->r9_share = SHARE_NONE;
}

void emit_unit_done(struct cg *cg)
{
    if (!cg->counted)
        emit_count(cg, cg->insns);
    emit_fip(cg);
    cg->counted = true;
    cg->fip_due = false;
}

/* The sign of limit - retired - n, without flags. */
void emit_budget_check(struct cg *cg)
{
    struct bt_asm *a = &cg->a;
    x_load64(a, H_R8, H_VCPU, VCPU(retired));
    x_load64(a, H_R9, H_VCPU, VCPU(retire_limit));
    x_not64(a, H_R8);
    x_lea64(a, H_R8, H_R8, H_R9, 0, 1 - (int32_t)cg->insns);
    x_mov_imm32(a, H_R9, 63);
    x_shrx64(a, H_R8, H_R8, H_R9);
    x_mov64(a, H_R11, H_RCX);
    x_mov64(a, H_RCX, H_R8);
    uint32_t fits = x_jrcxz(a);
    x_mov64(a, H_RCX, H_R11);
    x_mov_imm32(a, H_R8, cg->tu->eip);
    x_jmp_rel32(a, cg->bt->stub.exit_budget);
    x_here(a, fits);
    x_mov64(a, H_RCX, H_R11);
}

/* The count is on the heap, behind the descriptor, which lives as long as the code. */
void emit_unit_counter(struct cg *cg)
{
    struct bt_asm *a = &cg->a;
    x_mov_imm64(a, H_R8, (uint64_t)(uintptr_t)cg->tu->entered);
    x_load64(a, H_R9, H_R8, 0);
    x_lea64(a, H_R9, H_R9, H_NONE, 0, 1);
    x_store64(a, H_R8, 0, H_R9);
}

void emit_call_c(struct cg *cg, const struct bt_insn *in, uint32_t stub)
{
    struct bt_asm *a = &cg->a;
    emit_fip(cg);
    if (cg->bt->config.exact_count) {
        asm_mem(a, false, 0, 0xC7, 0, H_VCPU, H_NONE, 0, AREA(unit_done));
        a32(a, cg_number(cg, in));
    }
    x_call_rel32(a, stub);
    cg->fip_due = false; /* C may change it */
}

unsigned cg_number(const struct cg *cg, const struct bt_insn *in)
{
    unsigned n = 0; /* `in` may be an edited copy (CALL pushes as PUSH imm does) */
    while (n < cg->insns && cg->bt->insns[n].eip != in->eip)
        n++;
    return n;
}

uint8_t cg_done(const struct cg *cg, uint32_t eip)
{
    if (!cg->bt->config.exact_count || cg->counted)
        return 0;
    unsigned n = 0;
    while (n < cg->insns && cg->bt->insns[n].eip != eip)
        n++;
    return (uint8_t)n;
}
