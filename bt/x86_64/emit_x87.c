/* emit_x87.c - x87 instructions run as themselves; what they leave in FIP, FOP and FDP is kept beside them.
 *
 * The host notes addresses of translated code there, so the guest's go to area->fp_last, and tell_pointers() in
 * fp_state.c puts them into the image when the state comes home. FIP is stored where the unit is left only: before
 * call-outs, at exits; sites know it (`fip_back`). The others can change in MODE_FP_OPERANDS alone
 * (tells_fp_operands() in state.c) and are stored behind each instruction. */
#include "emit.h"
#include "emit_mem.h"

/* Leaves the pointers alone: WAIT; FLDENV, FLDCW, FNSTENV, FNSTCW, FRSTOR, FNSAVE, FNSTSW; FNCLEX, FNINIT. */
static bool is_control(const struct bt_insn *in)
{
    if (in->opcode == 0x9B)
        return true;
    if (in->mod == 3)
        return (in->opcode == 0xDB && in->reg == 4 && in->rm <= 4) ||
               (in->opcode == 0xDF && in->reg == 4 && in->rm == 0);
    return (in->opcode == 0xD9 && in->reg >= 4) || (in->opcode == 0xDD && (in->reg == 4 || in->reg >= 6));
}

static void store_selector(struct cg *cg, int32_t disp, unsigned seg)
{
    x_load_zx16(&cg->a, H_R8, H_VCPU,
                (int32_t)(offsetof(struct vx_vcpu, seg) + seg * sizeof(struct vx_seg) + offsetof(struct vx_seg, sel)));
    asm_mem(&cg->a, false, 0x66, 0x89, H_R8, H_VCPU, H_NONE, 0, disp);
}

static void take_back_fdp(struct cg *cg)
{
    x_load32(&cg->a, H_R8, H_VCPU, AREA(fp_kept) + FX_FDP);
    x_store32(&cg->a, H_VCPU, AREA(fp_last) + FX_FDP, H_R8);
}

/* FLDCW that unmasks what an earlier instruction has flagged sets ES without a FOP of its own. */
static void take_back_operation(struct cg *cg)
{
    x_load_zx16(&cg->a, H_R8, H_VCPU, AREA(fp_kept) + FX_FOP);
    asm_mem(&cg->a, false, 0x66, 0x89, H_R8, H_VCPU, H_NONE, 0, AREA(fp_last) + FX_FOP);
    take_back_fdp(cg);
}

static void emit_operand_pointers(struct cg *cg, const struct bt_insn *in)
{
    struct bt_asm *a = &cg->a;
    asm_mem(a, false, 0x66, 0xC7, 0, H_VCPU, H_NONE, 0, AREA(fp_last) + FX_FOP);
    a8(a, (uint8_t)(in->mod << 6 | in->reg << 3 | in->rm));
    a8(a, in->opcode & 7);
    store_selector(cg, AREA(fp_last) + FX_FCS, VX_CS);
    if (!in->mem) { /* without an operand an exception leaves FDP as it was */
        if (!cg->draft->fp_pointers_always)
            take_back_fdp(cg);
        return;
    }
    emit_offset(cg, in, true);
    x_store32(a, H_VCPU, AREA(fp_last) + FX_FDP, H_R8);
    store_selector(cg, AREA(fp_last) + FX_FDS, in->mem_seg);
}

void emit_x87(struct cg *cg, const struct bt_insn *in)
{
    emit_native(cg, in);
    if (is_control(in)) {
        if (in->opcode == 0xD9 && in->reg == 5 && (cg->mode & MODE_FP_OPERANDS) && !cg->draft->fp_pointers_always)
            take_back_operation(cg);
        return;
    }
    if (cg->mode & MODE_FP_OPERANDS)
        emit_operand_pointers(cg, in);
    cg->fip = in->eip;
    cg->fip_due = true;
}
