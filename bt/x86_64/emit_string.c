/* emit_string.c - string instructions without REP, in line: probe, move or compare, then advance the index registers.
 * */
#include "callout.h"
#include "emit.h"
#include "emit_mem.h"

enum { HOLD = 16 };

static uint8_t string_operand(struct cg *cg, const struct bt_insn *in, unsigned index_reg, unsigned seg,
                              uint32_t access)
{
    uint8_t reg = index_reg;
    if (in->addr_bytes == 2) {
        x_movzx16(&cg->a, H_R8, index_reg);
        reg = H_R8;
    } else if (!seg_is_flat(cg, seg)) {
        x_mov32(&cg->a, H_R8, index_reg);
        reg = H_R8;
    }
    reg = emit_segment(cg, seg, reg, in->op_bytes, (access & MEM_WRITE) != 0);
    emit_probe(cg, reg, in->op_bytes, access);
    return reg;
}

/* index += DF ? -size : size. r9 = 1 - 2 * DF. */
static void direction(struct cg *cg)
{
    struct bt_asm *a = &cg->a;
    x_load_zx8(a, H_R9, H_VCPU, VCPU(dflag));
    x_lea32(a, H_R9, H_R9, H_R9, 0, -2);
    x_not32(a, H_R9);
}

static void advance(struct cg *cg, const struct bt_insn *in, unsigned index_reg)
{
    unsigned scale = in->op_bytes == 4 ? 2 : in->op_bytes == 2 ? 1 : 0;
    x_lea32(&cg->a, H_R8, index_reg, H_R9, scale, 0);
    emit_to_guest(cg, index_reg, H_R8, in->addr_bytes);
}

/* op AL/eAX (or r10), [operand + r9] with the operand-size prefix. */
static void accumulator_op(struct cg *cg, const struct bt_insn *in, uint8_t byte_opcode, unsigned reg, uint8_t operand)
{
    unsigned op = in->op_bytes == 1 ? byte_opcode : byte_opcode + 1u;
    emit_access(cg, in->op_bytes == 2 ? 0x66 : 0, op, reg, operand);
}

static void load_and_hold(struct cg *cg, const struct bt_insn *in, unsigned index_reg, unsigned seg)
{
    uint8_t operand = string_operand(cg, in, index_reg, seg, MEM_READ);
    emit_load(cg, H_R10, operand, in->op_bytes);
    x_store32(&cg->a, H_RSP, HOLD, H_R10);
}

void emit_string(struct cg *cg, const struct bt_insn *in)
{
    bool source = false, destination = false;
    uint8_t operand;
    switch (in->opcode & 0xFE) {
    case 0xA4: /* MOVS */
        load_and_hold(cg, in, H_RSI, in->mem_seg);
        operand = string_operand(cg, in, H_RDI, VX_ES, MEM_WRITE);
        x_load32(&cg->a, H_R10, H_RSP, HOLD);
        emit_store(cg, operand, H_R10, in->op_bytes);
        source = destination = true;
        break;
    case 0xA6: /* CMPS: ES:EDI is read first, as in cmps_one() */
        load_and_hold(cg, in, H_RDI, VX_ES);
        operand = string_operand(cg, in, H_RSI, in->mem_seg, MEM_READ);
        x_load32(&cg->a, H_R10, H_RSP, HOLD);
        accumulator_op(cg, in, 0x38, H_R10, operand);
        source = destination = true;
        break;
    case 0xAA: /* STOS */
        operand = string_operand(cg, in, H_RDI, VX_ES, MEM_WRITE);
        accumulator_op(cg, in, 0x88, H_RAX, operand);
        destination = true;
        break;
    case 0xAC: /* LODS */
        operand = string_operand(cg, in, H_RSI, in->mem_seg, MEM_READ);
        accumulator_op(cg, in, 0x8A, H_RAX, operand);
        source = true;
        break;
    default: /* AE, SCAS */
        operand = string_operand(cg, in, H_RDI, VX_ES, MEM_READ);
        accumulator_op(cg, in, 0x3A, H_RAX, operand);
        destination = true;
        break;
    }
    direction(cg);
    if (source)
        advance(cg, in, H_RSI);
    if (destination)
        advance(cg, in, H_RDI);
}

/* REP: a call-out. MOVS and STOS through flat segments need not go to the interpreter. */
void emit_rep(struct cg *cg, const struct bt_insn *in)
{
    bool movs = (in->opcode & 0xFE) == 0xA4, stos = (in->opcode & 0xFE) == 0xAA;
    bool flat = seg_is_flat(cg, VX_ES) && (stos || seg_is_flat(cg, in->mem_seg));
    uint32_t fast = (movs || stos) && flat && in->addr_bytes == 4 ? in->op_bytes | (movs ? REP_MOVS : 0u) : 0;
    struct bt_asm *a = &cg->a;
    emit_eip(cg, H_R8, bt_next_eip(in));
    x_mov_imm32(a, H_R9, fast | (cg->fp_live ? MEM_FP_LIVE : 0));
    emit_eip(cg, H_R10, in->eip);
    emit_call_c(cg, in, cg->stub->rep);
}
