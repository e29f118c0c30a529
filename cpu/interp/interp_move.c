/* interp_move.c - MOV in its general forms, MOVZX MOVSX, LEA, XCHG, XLAT, CBW..CDQ, LAHF SAHF, flag instructions, SALC.
 * Segment and control register moves are in interp_segment.c and interp_system.c. */
#include "interp_flags.h"
#include "interp_table.h"

INTERP_INLINE bool mov_rm_reg(struct insn *in, unsigned size)
{
    return write_rm(in, size, get_reg(in->cpu, in->reg, size));
}

bool interp_mov_eb_gb(struct insn *in)
{
    return mov_rm_reg(in, 1);
}
bool interp_mov_ew_gw(struct insn *in)
{
    return mov_rm_reg(in, 2);
}
bool interp_mov_ed_gd(struct insn *in)
{
    return mov_rm_reg(in, 4);
}

INTERP_INLINE bool mov_reg_rm(struct insn *in, unsigned size)
{
    uint32_t value;
    if (!read_rm(in, size, &value))
        return false;
    set_reg(in->cpu, in->reg, size, value);
    return true;
}

bool interp_mov_gb_eb(struct insn *in)
{
    return mov_reg_rm(in, 1);
}
bool interp_mov_gw_ew(struct insn *in)
{
    return mov_reg_rm(in, 2);
}
bool interp_mov_gd_ed(struct insn *in)
{
    return mov_reg_rm(in, 4);
}

/* Group 11: only /0 is MOV. */
INTERP_INLINE bool mov_rm_imm(struct insn *in, unsigned size)
{
    uint32_t imm;
    if (in->reg != 0)
        return insn_ud(in);
    return fetch_imm(in, size, &imm) && write_rm(in, size, imm);
}

bool interp_mov_eb_ib(struct insn *in)
{
    return mov_rm_imm(in, 1);
}
bool interp_mov_ew_iw(struct insn *in)
{
    return mov_rm_imm(in, 2);
}
bool interp_mov_ed_id(struct insn *in)
{
    return mov_rm_imm(in, 4);
}

INTERP_INLINE bool mov_reg_imm(struct insn *in, unsigned size)
{
    uint32_t imm;
    if (!fetch_imm(in, size, &imm))
        return false;
    set_reg(in->cpu, in->opcode & 7, size, imm);
    return true;
}

bool interp_mov_rb_ib(struct insn *in)
{
    return mov_reg_imm(in, 1);
}
bool interp_mov_rw_iw(struct insn *in)
{
    return mov_reg_imm(in, 2);
}
bool interp_mov_rd_id(struct insn *in)
{
    return mov_reg_imm(in, 4);
}

/* The offset of moffs has the address size. */
static bool fetch_moffs(struct insn *in)
{
    uint32_t off;
    if (!fetch_imm(in, in->addr_size, &off))
        return false;
    in->off = off;
    return true;
}

INTERP_INLINE bool mov_acc_moffs(struct insn *in, unsigned size)
{
    uint32_t value;
    if (!fetch_moffs(in) || !mem_read(in, in->seg, in->off, size, &value))
        return false;
    set_reg(in->cpu, VX_RAX, size, value);
    return true;
}

INTERP_INLINE bool mov_moffs_acc(struct insn *in, unsigned size)
{
    return fetch_moffs(in) && mem_write(in, in->seg, in->off, size, get_reg(in->cpu, VX_RAX, size));
}

bool interp_mov_al_ob(struct insn *in)
{
    return mov_acc_moffs(in, 1);
}
bool interp_mov_ax_ow(struct insn *in)
{
    return mov_acc_moffs(in, 2);
}
bool interp_mov_eax_od(struct insn *in)
{
    return mov_acc_moffs(in, 4);
}
bool interp_mov_ob_al(struct insn *in)
{
    return mov_moffs_acc(in, 1);
}
bool interp_mov_ow_ax(struct insn *in)
{
    return mov_moffs_acc(in, 2);
}
bool interp_mov_od_eax(struct insn *in)
{
    return mov_moffs_acc(in, 4);
}

/* G := E of `from` bytes, zero- or sign-extended to `size`. */
INTERP_INLINE bool mov_extend(struct insn *in, unsigned size, unsigned from, bool is_signed)
{
    uint32_t value;
    if (!read_rm(in, from, &value))
        return false;
    set_reg(in->cpu, in->reg, size, is_signed ? sign_extend(value, from) : value);
    return true;
}

bool interp_movzx_gw_eb(struct insn *in)
{
    return mov_extend(in, 2, 1, false);
}
bool interp_movzx_gd_eb(struct insn *in)
{
    return mov_extend(in, 4, 1, false);
}
bool interp_movzx_gw_ew(struct insn *in)
{
    return mov_extend(in, 2, 2, false);
}
bool interp_movzx_gd_ew(struct insn *in)
{
    return mov_extend(in, 4, 2, false);
}
bool interp_movsx_gw_eb(struct insn *in)
{
    return mov_extend(in, 2, 1, true);
}
bool interp_movsx_gd_eb(struct insn *in)
{
    return mov_extend(in, 4, 1, true);
}
bool interp_movsx_gw_ew(struct insn *in)
{
    return mov_extend(in, 2, 2, true);
}
bool interp_movsx_gd_ew(struct insn *in)
{
    return mov_extend(in, 4, 2, true);
}

bool interp_lea(struct insn *in)
{
    if (in->mod == 3)
        return insn_ud(in);
    if (in->op_size == 4)
        set_reg(in->cpu, in->reg, 4, (uint32_t)in->off);
    else
        set_reg(in->cpu, in->reg, 2, (uint32_t)in->off);
    return true;
}

INTERP_INLINE bool xchg_rm_reg(struct insn *in, unsigned size)
{
    uint32_t value;
    uint8_t *hva;
    if (!modify_rm_begin(in, size, &hva, &value) || !modify_rm_end(in, size, hva, get_reg(in->cpu, in->reg, size)))
        return false;
    set_reg(in->cpu, in->reg, size, value);
    return true;
}

bool interp_xchg_eb_gb(struct insn *in)
{
    return xchg_rm_reg(in, 1);
}
bool interp_xchg_ew_gw(struct insn *in)
{
    if (in->modrm == 0xDB)
        vx_vcpu_tell(in->cpu, VX_DEBUG_EVENT_MAGIC, 0, 0);
    return xchg_rm_reg(in, 2);
}
bool interp_xchg_ed_gd(struct insn *in)
{
    return xchg_rm_reg(in, 4);
}

bool interp_xchg_rv_eax(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    unsigned r = in->opcode & 7, size = in->op_size;
    uint32_t value = get_reg(cpu, r, size);
    set_reg(cpu, r, size, get_reg(cpu, VX_RAX, size));
    set_reg(cpu, VX_RAX, size, value);
    return true;
}

/* 90h (PAUSE with F3h), the hint opcodes 0F 0D and 0F 18..1F. */
bool interp_nop(struct insn *in)
{
    (void)in;
    return true;
}

bool interp_xlat(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t value, off = (uint32_t)cpu->gpr[VX_RBX] + get_reg(cpu, VX_RAX, 1);
    if (!mem_read(in, in->seg, off & size_mask(in->addr_size), 1, &value))
        return false;
    set_reg(cpu, VX_RAX, 1, value);
    return true;
}

bool interp_cbw(struct insn *in)
{
    set_reg(in->cpu, VX_RAX, 2, sign_extend(get_reg(in->cpu, VX_RAX, 1), 1));
    return true;
}

bool interp_cwde(struct insn *in)
{
    set_reg(in->cpu, VX_RAX, 4, sign_extend(get_reg(in->cpu, VX_RAX, 2), 2));
    return true;
}

bool interp_cwd(struct insn *in)
{
    set_reg(in->cpu, VX_RDX, 2, get_reg(in->cpu, VX_RAX, 2) & 0x8000 ? 0xFFFF : 0);
    return true;
}

bool interp_cdq(struct insn *in)
{
    set_reg(in->cpu, VX_RDX, 4, get_reg(in->cpu, VX_RAX, 4) & 0x80000000u ? 0xFFFFFFFFu : 0);
    return true;
}

enum { LAHF_BITS = VX_FL_SF | VX_FL_ZF | VX_FL_AF | VX_FL_PF | VX_FL_CF };

bool interp_lahf(struct insn *in)
{
    set_reg(in->cpu, 4 /* AH */, 1, (in->cpu->eflags & LAHF_BITS) | VX_FL_1);
    return true;
}

bool interp_sahf(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    cpu->eflags = (cpu->eflags & ~(uint32_t)LAHF_BITS) | (get_reg(cpu, 4 /* AH */, 1) & LAHF_BITS);
    return true;
}

bool interp_cmc(struct insn *in)
{
    in->cpu->eflags ^= VX_FL_CF;
    return true;
}

bool interp_clc(struct insn *in)
{
    in->cpu->eflags &= ~(uint32_t)VX_FL_CF;
    return true;
}

bool interp_stc(struct insn *in)
{
    in->cpu->eflags |= VX_FL_CF;
    return true;
}

bool interp_cld(struct insn *in)
{
    in->cpu->dflag = 0;
    return true;
}

bool interp_std(struct insn *in)
{
    in->cpu->dflag = 1;
    return true;
}

/* D6h: AL := CF ? FFh : 0; in silicon since the 8086, in the manual only lately. */
bool interp_salc(struct insn *in)
{
    set_reg(in->cpu, VX_RAX, 1, in->cpu->eflags & VX_FL_CF ? 0xFF : 0);
    return true;
}
