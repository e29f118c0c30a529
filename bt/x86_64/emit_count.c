/* emit_count.c - exact instruction counts, for --clock=instructions, lockstep and the debugger
 * (vx_bt_config.exact_count), and how often each unit is entered, for who studies it (count_units).
 *
 *   I1  Translated code adds to vcpu->retired once per unit, where its last instruction is done. What leads to C before
 *       says how many instructions that will be short of: a call-out through area->unit_done, a site through its
 *       `done`, an exit by adding them.
 *   I2  A unit begins only if it can end at or before vcpu->retire_limit. C that may move the limit leaves the unit
 *       when it has come near (wants_out() in callout.c). */
#include "emit.h"

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
    emit_eip(cg, H_R8, cg->tu->eip);
    x_jmp_rel32(a, cg->stub->exit_budget);
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
