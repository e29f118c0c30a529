/* interp_stack.c - PUSH POP PUSHA POPA PUSHF POPF ENTER LEAVE.
 *
 *   I1  The stack pointer moves last: a fault leaves it. PUSHA and ENTER may then have written below it, as silicon
 *       does.
 *   I2  PUSH SP pushes the value before the instruction (286 and later); POP SP keeps the popped value; POP to
 *       memory forms an ESP-based address after the increment. */
#include "interp_operand.h"
#include "interp_table.h"
#include "virtual_if.h"

bool interp_push_rw(struct insn *in)
{
    return insn_push(in, 2, get_reg(in->cpu, in->opcode & 7, 2));
}
bool interp_push_rd(struct insn *in)
{
    return insn_push(in, 4, get_reg(in->cpu, in->opcode & 7, 4));
}

INTERP_INLINE bool pop_reg(struct insn *in, unsigned size)
{
    uint32_t value;
    if (!stack_top(in, size, &value))
        return false;
    stack_release(in->cpu, size);
    set_reg(in->cpu, in->opcode & 7, size, value);
    return true;
}

bool interp_pop_rw(struct insn *in)
{
    return pop_reg(in, 2);
}
bool interp_pop_rd(struct insn *in)
{
    return pop_reg(in, 4);
}

bool interp_push_iz(struct insn *in)
{
    uint32_t imm;
    return fetch_imm(in, in->op_size, &imm) && insn_push(in, in->op_size, imm);
}

bool interp_push_ib(struct insn *in)
{
    uint32_t imm;
    return fetch_simm8(in, &imm) && insn_push(in, in->op_size, imm);
}

bool interp_pop_ev(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    unsigned size = in->op_size;
    uint32_t value;
    if (in->reg != 0)
        return insn_ud(in);
    if (!stack_top(in, size, &value))
        return false;
    bool esp_based = in->mod != 3 && in->addr_size == 4 && in->rm == 4 && (in->sib & 7) == VX_RSP;
    if (esp_based)
        in->off = vx_off_wrap(in->off + size);
    if (in->mod != 3) {
        if (!mem_write(in, in->seg, in->off, size, value))
            return false;
        stack_release(cpu, size);
        return true;
    }
    stack_release(cpu, size);
    set_reg(cpu, in->rm, size, value);
    return true;
}

bool interp_pusha(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    unsigned size = in->op_size;
    uint32_t mask = stack_mask(cpu), sp = (uint32_t)cpu->gpr[VX_RSP];
    for (unsigned r = VX_RAX; r <= VX_RDI; r++) {
        sp = (sp - size) & mask;
        if (!mem_write(in, VX_SS, sp, size, get_reg(cpu, r, size)))
            return false;
    }
    set_stack_pointer(cpu, mask, sp);
    return true;
}

bool interp_popa(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    unsigned size = in->op_size;
    uint32_t mask = stack_mask(cpu), sp = (uint32_t)cpu->gpr[VX_RSP] & mask;
    uint32_t value[8];
    for (unsigned i = 0; i < 8; i++) {
        if (!mem_read(in, VX_SS, sp, size, &value[7 - i]))
            return false;
        sp = (sp + size) & mask;
    }
    for (unsigned r = VX_RAX; r <= VX_RDI; r++)
        if (r != VX_RSP)
            set_reg(cpu, r, size, value[r]);
    set_stack_pointer(cpu, mask, sp);
    return true;
}

/* A VM86 program with IOPL < 3 does not see the real flags: 16-bit forms show VIF as IF under VME, all else is #GP(0)
 * (SDM 2 "PUSHF", "POPF"). */
static bool flags_hidden(const struct insn *in)
{
    return vx_vm86(in->cpu) && vx_iopl(in->cpu) < 3;
}
static bool flags_virtual(const struct insn *in)
{
    return in->op_size == 2 && vif_stands_in(in->cpu);
}

bool interp_pushf(struct insn *in)
{
    uint32_t image = vx_eflags(in->cpu) & ~(uint32_t)(VX_FL_VM | VX_FL_RF);
    if (!flags_hidden(in))
        return insn_push(in, in->op_size, image);
    return flags_virtual(in) ? insn_push(in, 2, vif_flags_image(in->cpu)) : insn_gp0(in);
}

static bool popf_hidden(struct insn *in)
{
    uint32_t value;
    if (!flags_virtual(in))
        return insn_gp0(in);
    if (!stack_top(in, 2, &value) || !vif_flags_legal(in->cpu, (uint16_t)value))
        return false;
    stack_release(in->cpu, 2);
    vif_flags_write(in->cpu, (uint16_t)value);
    return true;
}

bool interp_popf(struct insn *in)
{
    uint32_t value;
    if (flags_hidden(in))
        return popf_hidden(in);
    if (!stack_top(in, in->op_size, &value))
        return false;
    stack_release(in->cpu, in->op_size);
    vx_cpu_pop_flags(in->cpu, value, in->op_size);
    if (VX_UNLIKELY(in->cpu->eflags & (VX_FL_TF | VX_FL_AC)))
        insn_mode_changed(in);
    return true;
}

/* ENTER copies the outer frames' pointers from the old frame (levels 1..31), then makes room; the final stack pointer
 * is checked for writing although nothing is stored there. */
bool interp_enter(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    unsigned size = in->op_size;
    uint16_t bytes;
    uint8_t level;
    if (!insn_imm16(in, &bytes) || !insn_imm8(in, &level))
        return false;
    level &= 31;
    uint32_t mask = stack_mask(cpu);
    uint32_t sp = ((uint32_t)cpu->gpr[VX_RSP] - size) & mask;
    if (!mem_write(in, VX_SS, sp, size, get_reg(cpu, VX_RBP, size)))
        return false;
    uint32_t frame = ((uint32_t)cpu->gpr[VX_RSP] & ~mask) | sp;
    uint32_t bp = (uint32_t)cpu->gpr[VX_RBP];
    for (unsigned i = 1; i < level; i++) {
        uint32_t outer;
        bp -= size;
        sp = (sp - size) & mask;
        if (!mem_read(in, VX_SS, bp & mask, size, &outer) || !mem_write(in, VX_SS, sp, size, outer))
            return false;
    }
    if (level > 0) {
        sp = (sp - size) & mask;
        if (!mem_write(in, VX_SS, sp, size, frame))
            return false;
    }
    sp = (sp - bytes) & mask;
    if (!insn_probe_write(in, VX_SS, sp, size))
        return false;
    set_stack_pointer(cpu, mask, sp);
    set_reg(cpu, VX_RBP, size, frame);
    return true;
}

bool interp_leave(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    unsigned size = in->op_size;
    uint32_t value, mask = stack_mask(cpu), bp = (uint32_t)cpu->gpr[VX_RBP];
    if (!mem_read(in, VX_SS, bp & mask, size, &value))
        return false;
    set_stack_pointer(cpu, mask, bp + size);
    set_reg(cpu, VX_RBP, size, value);
    return true;
}
