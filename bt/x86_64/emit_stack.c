/* emit_stack.c - PUSH, POP, LEAVE: the access first, ESP after it (I1). */
#include "callout.h"
#include "emit.h"
#include "emit_mem.h"

enum { HOLD = 16 }; /* frame slot that keeps a value over a second probe */

void emit_push_host(struct cg *cg, unsigned host_reg, unsigned bytes)
{
    uint8_t operand = emit_stack(cg, -(int32_t)bytes, bytes, MEM_WRITE);
    emit_store(cg, operand, host_reg, bytes);
    emit_adjust_esp(cg, -(int32_t)bytes);
}

void emit_push_reg(struct cg *cg, const struct bt_insn *in)
{
    uint8_t reg = in->lower == L_PUSH_RM ? in->rm : in->opcode & 7;
    emit_push_host(cg, host_of(reg), in->op_bytes);
}

void emit_push_imm(struct cg *cg, const struct bt_insn *in)
{
    uint8_t operand = emit_stack(cg, -(int32_t)in->op_bytes, in->op_bytes, MEM_WRITE);
    emit_store_imm(cg, operand, (uint32_t)in->imm, in->op_bytes);
    emit_adjust_esp(cg, -(int32_t)in->op_bytes);
}

/* Keeps r10 in the frame while the stack slot is probed, then pushes it. */
static void push_held(struct cg *cg, unsigned bytes)
{
    x_store32(&cg->a, H_RSP, HOLD, H_R10);
    uint8_t operand = emit_stack(cg, -(int32_t)bytes, bytes, MEM_WRITE);
    x_load32(&cg->a, H_R10, H_RSP, HOLD);
    emit_store(cg, operand, H_R10, bytes);
    emit_adjust_esp(cg, -(int32_t)bytes);
}

void emit_push_rm(struct cg *cg, const struct bt_insn *in)
{
    if (!in->mem) {
        emit_push_reg(cg, in);
        return;
    }
    uint8_t operand = emit_operand(cg, in);
    emit_load(cg, H_R10, operand, in->op_bytes);
    push_held(cg, in->op_bytes);
}

void emit_push_seg(struct cg *cg, const struct bt_insn *in)
{
    unsigned seg = in->opcode >> 3 & 7;
    x_load_zx16(&cg->a, H_R10, H_VCPU,
                (int32_t)(offsetof(struct vx_vcpu, seg) + seg * sizeof(struct vx_seg) + offsetof(struct vx_seg, sel)));
    push_held(cg, in->op_bytes);
}

void emit_pop_reg(struct cg *cg, const struct bt_insn *in)
{
    uint8_t reg = in->lower == L_POP_RM ? in->rm : in->opcode & 7;
    uint8_t operand = emit_stack(cg, 0, in->op_bytes, MEM_READ);
    if (reg == VX_RSP || in->op_bytes == 2) {
        emit_load(cg, H_R9, operand, in->op_bytes);
        emit_adjust_esp(cg, in->op_bytes);
        emit_to_guest(cg, reg, H_R9, in->op_bytes);
        return;
    }
    emit_load(cg, host_of(reg), operand, in->op_bytes);
    emit_adjust_esp(cg, in->op_bytes);
}

/* The destination address is computed with ESP already incremented (SDM 2 "POP"). */
void emit_pop_rm(struct cg *cg, const struct bt_insn *in)
{
    if (!in->mem) {
        emit_pop_reg(cg, in);
        return;
    }
    uint8_t operand = emit_stack(cg, 0, in->op_bytes, MEM_READ);
    emit_load(cg, H_R10, operand, in->op_bytes);
    x_store32(&cg->a, H_RSP, HOLD, H_R10);
    struct bt_insn moved = *in;
    if (in->mem_base == VX_RSP)
        moved.mem_disp += in->op_bytes;
    operand = emit_operand(cg, &moved);
    x_load32(&cg->a, H_R10, H_RSP, HOLD);
    emit_store(cg, operand, H_R10, in->op_bytes);
    emit_adjust_esp(cg, in->op_bytes);
}

void emit_leave(struct cg *cg, const struct bt_insn *in)
{
    struct bt_asm *a = &cg->a;
    bool wide = (cg->mode & MODE_SS32) != 0;
    uint8_t operand = H_RBP;
    if (!wide || !seg_is_flat(cg, VX_SS)) {
        wide ? x_mov32(a, H_R8, H_RBP) : x_movzx16(a, H_R8, H_RBP);
        operand = emit_segment(cg, VX_SS, H_R8, in->op_bytes, false);
    }
    emit_probe(cg, operand, in->op_bytes, MEM_READ);
    emit_load(cg, H_R9, operand, in->op_bytes);
    x_lea32(a, H_R10, H_RBP, H_NONE, 0, in->op_bytes);
    emit_to_guest(cg, VX_RSP, H_R10, wide ? 4 : 2);
    emit_to_guest(cg, VX_RBP, H_R9, in->op_bytes);
}
