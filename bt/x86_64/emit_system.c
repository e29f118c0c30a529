/* emit_system.c - sensitive instructions that are short enough to be rewritten in line: the interrupt, direction and
 * system flags live in the vCPU struct, the arithmetic ones in the host's RFLAGS. */
#include "callout.h"
#include "emit.h"
#include "emit_mem.h"

enum { FLAGS_SLOT = 24 };

void emit_cli(struct cg *cg, const struct bt_insn *in)
{
    (void)in;
    x_store_imm8(&cg->a, H_VCPU, VCPU(iflag), 0);
}

/* The shadow: events are held off until the next instruction is done; if that one leaves the unit, the vCPU knows. */
void emit_sti(struct cg *cg, const struct bt_insn *in)
{
    (void)in;
    if (cg->in_shadow) /* IF is 1 already: no second shadow */
        return;
    struct bt_asm *a = &cg->a;
    _Static_assert(VX_INHIBIT_STI == 1, "the shadow is 1 - IF: only an STI that sets IF casts one");
    x_load_zx8(a, H_R8, H_VCPU, VCPU(iflag));
    x_not32(a, H_R8);
    x_lea32(a, H_R8, H_R8, H_NONE, 0, 2);
    asm_mem(a, false, 0, 0x88, H_R8, H_VCPU, H_NONE, 0, VCPU(inhibit));
    x_store_imm8(a, H_VCPU, VCPU(iflag), 1);
}

void emit_cld_std(struct cg *cg, const struct bt_insn *in)
{
    x_store_imm8(&cg->a, H_VCPU, VCPU(dflag), in->opcode & 1);
}

/* r9d += (the byte at vcpu + disp) << shift */
static void add_flag(struct cg *cg, int32_t disp, unsigned shift)
{
    struct bt_asm *a = &cg->a;
    x_load_zx8(a, H_R8, H_VCPU, disp);
    x_mov_imm32(a, H_R11, shift);
    x_shlx32(a, H_R8, H_R8, H_R11);
    x_lea32(a, H_R9, H_R9, H_R8, 0, 0);
}

void emit_pushf(struct cg *cg, const struct bt_insn *in)
{
    struct bt_asm *a = &cg->a;
    if (!(cg->mode & MODE_PROTECTED)) {
        emit_interp(cg, in, cg->stub->insn);
        return;
    }
    x_mov32(a, H_R10, H_RAX);
    a8(a, 0x9F); /* lahf */
    a8(a, 0x0F); /* seto al */
    a8(a, 0x90);
    a8(a, 0xC0);
    x_store32(a, H_RSP, FLAGS_SLOT, H_RAX);
    x_mov32(a, H_RAX, H_R10);
    x_load_zx8(a, H_R9, H_RSP, FLAGS_SLOT + 1);
    x_load_zx8(a, H_R8, H_RSP, FLAGS_SLOT);
    x_mov_imm32(a, H_R11, 11);
    x_shlx32(a, H_R8, H_R8, H_R11);
    x_lea32(a, H_R9, H_R9, H_R8, 0, 0);
    x_load32(a, H_R8, H_VCPU, AREA(sysflags));
    x_lea32(a, H_R9, H_R9, H_R8, 0, 0);
    add_flag(cg, VCPU(iflag), 9);
    add_flag(cg, VCPU(dflag), 10);
    x_store32(a, H_RSP, FLAGS_SLOT, H_R9);
    uint8_t operand = emit_stack(cg, -(int32_t)in->op_bytes, in->op_bytes, MEM_WRITE);
    x_load32(a, H_R10, H_RSP, FLAGS_SLOT);
    emit_store(cg, operand, H_R10, in->op_bytes);
    emit_adjust_esp(cg, -(int32_t)in->op_bytes);
}

/* bt r8d, bit */
static void test_bit(struct bt_asm *a, unsigned bit)
{
    a8(a, 0x41);
    a8(a, 0x0F);
    a8(a, 0xBA);
    a8(a, 0xE0);
    a8(a, bit);
}

/* Host flags from the image in r8d. */
static void load_arith_flags(struct cg *cg)
{
    struct bt_asm *a = &cg->a;
    test_bit(a, 11);
    asm_mem(a, false, 0, 0x0F92, 0, H_RSP, H_NONE, 0, FLAGS_SLOT); /* setc: OF for AL */
    asm_mem(a, false, 0, 0x88, H_R8, H_RSP, H_NONE, 0, FLAGS_SLOT + 1);
    x_mov32(a, H_R10, H_RAX);
    x_load_zx16(a, H_RAX, H_RSP, FLAGS_SLOT);
    a8(a, 0x04); /* add al, 7Fh */
    a8(a, 0x7F);
    a8(a, 0x9E); /* sahf */
    x_mov32(a, H_RAX, H_R10);
}

/* In line when only IF and the arithmetic flags change; every other change is the interpreter's. Host flags may be
 * clobbered once the image is loaded: POPF replaces them all, whichever way it goes. */
void emit_popf(struct cg *cg, const struct bt_insn *in)
{
    struct bt_asm *a = &cg->a;
    if (!(cg->mode & MODE_PROTECTED) || !(cg->mode & MODE_CPL0)) {
        emit_interp(cg, in, cg->stub->insn);
        cg->poll_if = true;
        return;
    }
    uint32_t system = VX_FL_TF | VX_FL_DF | VX_FL_IOPL | VX_FL_NT | (in->op_bytes == 4 ? VX_FL_AC | VX_FL_ID : 0);
    uint8_t operand = emit_stack(cg, 0, in->op_bytes, MEM_READ);
    emit_load(cg, H_R8, operand, in->op_bytes);
    x_mov32(a, H_R9, H_R8);
    asm_mem(a, false, 0, 0x33, H_R9, H_VCPU, H_NONE, 0, AREA(sysflags)); /* xor */
    asm_rr(a, false, 0xF7, 0, H_R9);                                     /* test r9d, imm32 */
    a32(a, system);
    cg_cold_insn(cg, x_jcc_rel32(a, 5, a->base), false);
    test_bit(a, 9);
    asm_mem(a, false, 0, 0x0F92, 0, H_VCPU, H_NONE, 0, VCPU(iflag));
    x_store_imm8(a, H_VCPU, VCPU(dflag), 0);
    load_arith_flags(cg);
    emit_adjust_esp(cg, in->op_bytes);
    cg->poll_if = true;
}

void emit_mov_from_seg(struct cg *cg, const struct bt_insn *in)
{
    struct bt_asm *a = &cg->a;
    int32_t selector =
        (int32_t)(offsetof(struct vx_vcpu, seg) + in->reg * sizeof(struct vx_seg) + offsetof(struct vx_seg, sel));
    if (!in->mem) {
        x_load_zx16(a, H_R8, H_VCPU, selector);
        emit_to_guest(cg, in->rm, H_R8, in->op_bytes);
        return;
    }
    uint8_t operand = emit_operand(cg, in);
    x_load_zx16(a, H_R10, H_VCPU, selector);
    emit_store(cg, operand, H_R10, 2);
}

void emit_mov_from_cr(struct cg *cg, const struct bt_insn *in)
{
    static const int32_t offset[8] = { [0] = VCPU(cr0), [2] = VCPU(cr2), [3] = VCPU(cr3), [4] = VCPU(cr4) };
    if (!(cg->mode & MODE_CPL0) || in->reg > 4 || offset[in->reg] == 0) {
        emit_interp(cg, in, cg->stub->insn);
        return;
    }
    x_load32(&cg->a, host_of(in->rm), H_VCPU, offset[in->reg]);
}

/* Selector in r11: C loads the register (and releases the stack), then on with the unit if the mode is the same. */
static void callout_seg(struct cg *cg, const struct bt_insn *in, unsigned seg, unsigned pop_bytes)
{
    struct bt_asm *a = &cg->a;
    emit_eip(cg, H_R8, bt_next_eip(in));
    x_mov_imm32(a, H_R9, seg | pop_bytes << SEG_POP_SHIFT | (cg->fp_live ? MEM_FP_LIVE : 0));
    emit_eip(cg, H_R10, in->eip);
    emit_call_c(cg, in, cg->stub->seg);
}

static bool moves_base_only(const struct cg *cg, unsigned seg)
{
    return (cg->mode & MODE_REAL_DATA) && (seg == VX_DS || seg == VX_ES);
}

/* The selector, in the low half of `reg`, and its base. Commits. */
static void move_base(struct cg *cg, unsigned seg, unsigned reg)
{
    struct bt_asm *a = &cg->a;
    int32_t at = (int32_t)(offsetof(struct vx_vcpu, seg) + seg * sizeof(struct vx_seg));
    x_movzx16(a, H_R10, reg);
    x_mov_imm32(a, H_R9, 4);
    x_shlx32(a, H_R9, H_R10, H_R9);
    asm_mem(a, false, 0x66, 0x89, H_R10, H_VCPU, H_NONE, 0, at + (int32_t)offsetof(struct vx_seg, sel));
    x_store32(a, H_VCPU, at + (int32_t)offsetof(struct vx_seg, base), H_R9);
}

void emit_mov_to_seg(struct cg *cg, const struct bt_insn *in)
{
    if (moves_base_only(cg, in->reg)) {
        uint8_t operand = in->mem ? emit_operand(cg, in) : H_NONE;
        if (in->mem)
            emit_load(cg, H_R10, operand, 2);
        move_base(cg, in->reg, in->mem ? H_R10 : host_of(in->rm));
        return;
    }
    if (in->mem) {
        uint8_t operand = emit_operand(cg, in);
        emit_load(cg, H_R11, operand, 2);
    } else {
        x_mov32(&cg->a, H_R11, host_of(in->rm));
    }
    callout_seg(cg, in, in->reg, 0);
}

void emit_pop_seg(struct cg *cg, const struct bt_insn *in)
{
    unsigned seg = in->opcode >> 3 & 7;
    uint8_t operand = emit_stack(cg, 0, in->op_bytes, MEM_READ);
    if (moves_base_only(cg, seg)) {
        emit_load(cg, H_R10, operand, in->op_bytes);
        move_base(cg, seg, H_R10);
        emit_adjust_esp(cg, in->op_bytes);
        return;
    }
    emit_load(cg, H_R11, operand, in->op_bytes);
    callout_seg(cg, in, seg, in->op_bytes);
}

void emit_rdtsc(struct cg *cg, const struct bt_insn *in)
{
    emit_interp(cg, in, cg->stub->rdtsc);
}

void emit_rdtscp(struct cg *cg, const struct bt_insn *in)
{
    emit_interp(cg, in, cg->stub->rdtscp);
}

/* The port's number in r11. */
void emit_port(struct cg *cg, const struct bt_insn *in)
{
    struct bt_asm *a = &cg->a;
    bool in_bytes = in->opcode < 0xE8;
    unsigned size = in->opcode & 1 ? in->op_bytes : 1;
    if (in_bytes)
        x_mov_imm32(a, H_R11, (uint8_t)in->imm);
    else
        x_movzx16(a, H_R11, host_of(VX_RDX));
    emit_eip(cg, H_R8, bt_next_eip(in));
    x_mov_imm32(a, H_R9, size | (in->opcode & 2 ? PORT_OUT : 0) | (cg->fp_live ? MEM_FP_LIVE : 0));
    emit_eip(cg, H_R10, in->eip);
    emit_call_c(cg, in, cg->stub->port);
}

/* INT n, IRET, SYSENTER, SYSEXIT: C does the transfer and leaves for where it led. */
static void transfer(struct cg *cg, const struct bt_insn *in, uint32_t info, uint32_t stub)
{
    struct bt_asm *a = &cg->a;
    emit_eip(cg, H_R8, bt_next_eip(in));
    x_mov_imm32(a, H_R9, info);
    emit_eip(cg, H_R10, in->eip);
    emit_call_c(cg, in, stub);
}

void emit_int(struct cg *cg, const struct bt_insn *in)
{
    transfer(cg, in, (uint8_t)in->imm, cg->stub->software_int);
}

void emit_iret(struct cg *cg, const struct bt_insn *in)
{
    transfer(cg, in, in->op_bytes, cg->stub->iret);
}

void emit_sysenter(struct cg *cg, const struct bt_insn *in)
{
    transfer(cg, in, 0, cg->stub->sysenter);
}

void emit_sysexit(struct cg *cg, const struct bt_insn *in)
{
    transfer(cg, in, 0, cg->stub->sysexit);
}
