/* interp_branch.c - JMP CALL RET Jcc LOOP JCXZ near and far, group 5, INT n INT3 INTO INT1 IRET, BOUND.
 *
 *   I1  Near targets are cut to the operand size and checked against CS's limit before anything changes.
 *   I2  Far transfers and interrupts set rip themselves (cpu.h); next_eip follows it, so that I2 of interp.h holds. */
#include "interp_flags.h"
#include "interp_muldiv.h"
#include "interp_table.h"

static bool near_jump(struct insn *in, uint64_t target)
{
    target = in->op_size == 2 ? target & 0xFFFF : vx_off_wrap(target);
    if (!near_target_ok(in, target))
        return false;
    in->next_eip = target;
    in->branched = true;
    return true;
}

static bool near_call(struct insn *in, uint64_t target)
{
    target = in->op_size == 2 ? target & 0xFFFF : vx_off_wrap(target);
    if (!near_target_ok(in, target) || !insn_push(in, in->op_size, (uint32_t)insn_return_eip(in)))
        return false;
    in->next_eip = target;
    in->branched = true;
    return true;
}

/* A transfer by a function that has set rip. */
static bool transferred(struct insn *in, bool ok)
{
    insn_mode_changed(in);
    in->branched = true;
    if (ok)
        in->next_eip = in->cpu->rip;
    return ok;
}

bool interp_jcc_jb(struct insn *in)
{
    uint32_t disp;
    if (!fetch_simm8(in, &disp))
        return false;
    return !condition(in->cpu->eflags, in->opcode & 15) || near_jump(in, in->next_eip + disp);
}

bool interp_jcc_jz(struct insn *in)
{
    uint32_t disp;
    if (!fetch_imm(in, in->op_size, &disp))
        return false;
    return !condition(in->cpu->eflags, in->opcode & 15) || near_jump(in, in->next_eip + disp);
}

bool interp_jmp_jb(struct insn *in)
{
    uint32_t disp;
    return fetch_simm8(in, &disp) && near_jump(in, in->next_eip + disp);
}

bool interp_jmp_jz(struct insn *in)
{
    uint32_t disp;
    return fetch_imm(in, in->op_size, &disp) && near_jump(in, in->next_eip + disp);
}

bool interp_call_jz(struct insn *in)
{
    uint32_t disp;
    return fetch_imm(in, in->op_size, &disp) && near_call(in, in->next_eip + disp);
}

static bool near_return(struct insn *in, uint32_t release)
{
    uint32_t target;
    if (!stack_top(in, in->op_size, &target) || !near_jump(in, target))
        return false;
    stack_release(in->cpu, in->op_size + release);
    return true;
}

bool interp_ret(struct insn *in)
{
    return near_return(in, 0);
}

bool interp_ret_iw(struct insn *in)
{
    uint16_t release;
    return insn_imm16(in, &release) && near_return(in, release);
}

/* LOOPNE, LOOPE, LOOP: the counter has the address size and is committed with the jump. */
bool interp_loop(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t disp, count = (get_reg(cpu, VX_RCX, in->addr_size) - 1) & size_mask(in->addr_size);
    if (!fetch_simm8(in, &disp))
        return false;
    bool zf = cpu->eflags & VX_FL_ZF;
    bool taken = count != 0 && (in->opcode == 0xE2 || zf == (in->opcode == 0xE1));
    if (taken && !near_jump(in, in->next_eip + disp))
        return false;
    set_reg(cpu, VX_RCX, in->addr_size, count);
    return true;
}

bool interp_jcxz(struct insn *in)
{
    uint32_t disp;
    if (!fetch_simm8(in, &disp))
        return false;
    return get_reg(in->cpu, VX_RCX, in->addr_size) != 0 || near_jump(in, in->next_eip + disp);
}

/* The far pointer ptr16:16 or ptr16:32 in the instruction. */
static bool fetch_far_pointer(struct insn *in, uint16_t *sel, uint32_t *off)
{
    return fetch_imm(in, in->op_size, off) && insn_imm16(in, sel);
}

bool interp_call_ap(struct insn *in)
{
    uint32_t off;
    uint16_t sel;
    return fetch_far_pointer(in, &sel, &off) &&
           transferred(in, vx_cpu_far_call(in->cpu, sel, off, in->op_size, insn_return_eip(in)));
}

bool interp_jmp_ap(struct insn *in)
{
    uint32_t off;
    uint16_t sel;
    return fetch_far_pointer(in, &sel, &off) &&
           transferred(in, vx_cpu_far_jump(in->cpu, sel, off, insn_return_eip(in)));
}

bool interp_retf(struct insn *in)
{
    return transferred(in, vx_cpu_far_return(in->cpu, in->op_size, 0));
}

bool interp_retf_iw(struct insn *in)
{
    uint16_t release;
    return insn_imm16(in, &release) && transferred(in, vx_cpu_far_return(in->cpu, in->op_size, release));
}

/* The far pointer in memory: the offset, then the selector. */
static bool read_far_pointer(struct insn *in, uint16_t *sel, uint32_t *off)
{
    uint32_t value;
    if (in->mod == 3)
        return insn_ud(in);
    uint64_t sel_off = (in->off + in->op_size) & size_mask(in->addr_size);
    if (!mem_read(in, in->seg, in->off, in->op_size, off) || !mem_read(in, in->seg, sel_off, 2, &value))
        return false;
    *sel = (uint16_t)value;
    return true;
}

/* Group 5: FFh. */
INTERP_INLINE bool group5(struct insn *in, unsigned size)
{
    uint32_t value;
    uint16_t sel;
    switch (in->reg) {
    case 0: return interp_inc_rm(in, size);
    case 1: return interp_dec_rm(in, size);
    case 2: return read_rm(in, size, &value) && near_call(in, value);
    case 3:
        return read_far_pointer(in, &sel, &value) &&
               transferred(in, vx_cpu_far_call(in->cpu, sel, value, size, insn_return_eip(in)));
    case 4: return read_rm(in, size, &value) && near_jump(in, value);
    case 5:
        return read_far_pointer(in, &sel, &value) &&
               transferred(in, vx_cpu_far_jump(in->cpu, sel, value, insn_return_eip(in)));
    case 6: return read_rm(in, size, &value) && insn_push(in, size, value);
    default: return insn_ud(in);
    }
}

bool interp_group5_ew(struct insn *in)
{
    return group5(in, 2);
}
bool interp_group5_ed(struct insn *in)
{
    return group5(in, 4);
}

/* INT clears TF after it has pushed it: no trap follows the instruction itself. */
static bool software_int(struct insn *in, uint8_t vector, enum vx_int_kind kind)
{
    in->no_step_trap = true;
    return transferred(in, vx_cpu_software_int(in->cpu, vector, kind, insn_return_eip(in)));
}

bool interp_int3(struct insn *in)
{
    return software_int(in, VX_BP, VX_INT3);
}
bool interp_int1(struct insn *in)
{
    return software_int(in, VX_DB, VX_INT1);
}

bool interp_int_ib(struct insn *in)
{
    uint8_t vector;
    return insn_imm8(in, &vector) && software_int(in, vector, VX_INT_N);
}

bool interp_into(struct insn *in)
{
    return !(in->cpu->eflags & VX_FL_OF) || software_int(in, VX_OF, VX_INTO);
}

bool interp_iret(struct insn *in)
{
    return transferred(in, vx_cpu_iret(in->cpu, in->op_size, insn_return_eip(in)));
}

/* Signed array index against the bounds pair in memory. */
bool interp_bound(struct insn *in)
{
    unsigned size = in->op_size;
    uint32_t lower, upper;
    if (in->mod == 3)
        return insn_ud(in);
    uint64_t upper_off = (in->off + size) & size_mask(in->addr_size);
    if (!mem_read(in, in->seg, in->off, size, &lower) || !mem_read(in, in->seg, upper_off, size, &upper))
        return false;
    int32_t index = (int32_t)sign_extend(get_reg(in->cpu, in->reg, size), size);
    if (index < (int32_t)sign_extend(lower, size) || index > (int32_t)sign_extend(upper, size))
        return insn_fault(in, VX_BR);
    return true;
}
