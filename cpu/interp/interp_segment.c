/* interp_segment.c - moves to and from segment registers, LES LDS LSS LFS LGS, and what reads descriptors without
 * loading them: ARPL LAR LSL VERR VERW, SLDT STR LLDT LTR (group 6).
 *
 *   I1  MOV SS and POP SS shadow the next boundary, unless they themselves stand in such a shadow, so that a chain of
 *       them cannot hold events off for ever (SDM 2 "MOV"). LSS does not. */
#include "interp_operand.h"
#include "interp_table.h"
#include "segment.h"

static void shadow_after_ss(struct insn *in)
{
    insn_mode_changed(in);
    if (in->shadow != VX_INHIBIT_SS)
        in->cpu->inhibit = VX_INHIBIT_SS;
}

/* A register gets the selector zero-extended to the operand size; memory gets 16 bits. */
static bool store_selector(struct insn *in, uint16_t sel)
{
    if (in->mod != 3)
        return mem_write(in, in->seg, in->off, 2, sel);
    set_reg(in->cpu, in->rm, in->op_size, sel);
    return true;
}

bool interp_mov_ev_sw(struct insn *in)
{
    if (in->reg >= VX_SEG_COUNT)
        return insn_ud(in);
    return store_selector(in, in->cpu->seg[in->reg].sel);
}

bool interp_mov_sw_ew(struct insn *in)
{
    uint32_t sel;
    if (in->reg >= VX_SEG_COUNT || in->reg == VX_CS)
        return insn_ud(in);
    if (!read_rm(in, 2, &sel) || !vx_cpu_load_seg(in->cpu, in->reg, (uint16_t)sel))
        return false;
    if (in->reg == VX_SS)
        shadow_after_ss(in);
    return true;
}

/* The segment register's number is in bits 3..5 of the opcode, in both maps. With a 32-bit operand the selector is
 * pushed zero-extended. */
bool interp_push_sreg(struct insn *in)
{
    return insn_push(in, in->op_size, in->cpu->seg[in->opcode >> 3 & 7].sel);
}

bool interp_pop_sreg(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    unsigned seg = in->opcode >> 3 & 7;
    uint32_t sel, mask = stack_mask(cpu);
    if (!stack_top(in, in->op_size, &sel) || !vx_cpu_load_seg(cpu, seg, (uint16_t)sel))
        return false;
    set_stack_pointer(cpu, mask, (uint32_t)cpu->gpr[VX_RSP] + in->op_size);
    if (seg == VX_SS)
        shadow_after_ss(in);
    return true;
}

static bool load_far_pointer(struct insn *in, enum vx_segment seg)
{
    uint32_t off, sel;
    if (in->mod == 3)
        return insn_ud(in);
    uint64_t sel_off = (in->off + in->op_size) & size_mask(in->addr_size);
    if (!mem_read(in, in->seg, in->off, in->op_size, &off) || !mem_read(in, in->seg, sel_off, 2, &sel) ||
        !vx_cpu_load_seg(in->cpu, seg, (uint16_t)sel))
        return false;
    set_reg(in->cpu, in->reg, in->op_size, off);
    return true;
}

bool interp_les(struct insn *in)
{
    return load_far_pointer(in, VX_ES);
}
bool interp_lds(struct insn *in)
{
    return load_far_pointer(in, VX_DS);
}
bool interp_lss(struct insn *in)
{
    return load_far_pointer(in, VX_SS);
}
bool interp_lfs(struct insn *in)
{
    return load_far_pointer(in, VX_FS);
}
bool interp_lgs(struct insn *in)
{
    return load_far_pointer(in, VX_GS);
}

/* Not recognised in real and VM86 mode. */
static bool needs_protected(struct insn *in)
{
    if (vx_real_mode(in->cpu) || vx_vm86(in->cpu))
        return insn_ud(in);
    return true;
}

static void set_zf(struct vx_vcpu *cpu, bool zf)
{
    cpu->eflags = (cpu->eflags & ~(uint32_t)VX_FL_ZF) | (zf ? VX_FL_ZF : 0);
}

bool interp_arpl(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t dst, rpl = get_reg(cpu, in->reg, 2) & 3;
    if (!needs_protected(in) || !read_rm(in, 2, &dst))
        return false;
    bool adjust = (dst & 3) < rpl;
    if (adjust && !write_rm(in, 2, (dst & 0xFFFC) | rpl))
        return false;
    set_zf(cpu, adjust);
    return true;
}

/* The descriptor that E names; *found also says that its DPL lets this CPL and RPL see it. False: page fault. */
static bool look_visible(struct insn *in, struct desc *desc, bool *found)
{
    uint32_t sel;
    if (!read_rm(in, 2, &sel) || !seg_look_desc(in->cpu, (uint16_t)sel, desc, found))
        return false;
    if (*found && !desc_is_conforming_code(desc)) {
        unsigned dpl = desc_dpl(desc);
        *found = in->cpu->cpl <= dpl && sel_rpl((uint16_t)sel) <= dpl;
    }
    return true;
}

/* System types that LAR and LSL accept, one bit a type (SDM 2 "LAR" and "LSL", tables of segment and gate types). */
enum { LAR_TYPES = 0x1A3E, LSL_TYPES = 0x0A0E };

static bool lar_lsl(struct insn *in, uint32_t system_types, bool limit)
{
    struct desc desc;
    bool found;
    if (!needs_protected(in) || !look_visible(in, &desc, &found))
        return false;
    if (found && desc_is_system(&desc))
        found = system_types >> desc_type(&desc) & 1;
    if (found)
        set_reg(in->cpu, in->reg, in->op_size, limit ? desc_limit(&desc) : desc.hi & 0x00FFFF00u);
    set_zf(in->cpu, found);
    return true;
}

bool interp_lar(struct insn *in)
{
    return lar_lsl(in, LAR_TYPES, false);
}
bool interp_lsl(struct insn *in)
{
    return lar_lsl(in, LSL_TYPES, true);
}

static bool umip_allows(struct insn *in)
{
    if (in->cpu->cr4 & VX_CR4_UMIP && in->cpu->cpl != 0)
        return insn_gp0(in);
    return true;
}

bool interp_sldt(struct insn *in)
{
    return needs_protected(in) && umip_allows(in) && store_selector(in, in->cpu->ldtr.sel);
}
bool interp_str(struct insn *in)
{
    return needs_protected(in) && umip_allows(in) && store_selector(in, in->cpu->tr.sel);
}

static bool load_system_segment(struct insn *in, bool (*load)(struct vx_vcpu *cpu, uint16_t sel))
{
    uint32_t sel;
    if (!needs_protected(in))
        return false;
    if (in->cpu->cpl != 0)
        return insn_gp0(in);
    return read_rm(in, 2, &sel) && load(in->cpu, (uint16_t)sel);
}

bool interp_lldt(struct insn *in)
{
    return load_system_segment(in, seg_load_ldtr);
}
bool interp_ltr(struct insn *in)
{
    return load_system_segment(in, seg_load_tr);
}

static bool verify(struct insn *in, bool write)
{
    struct desc desc;
    bool found;
    if (!needs_protected(in) || !look_visible(in, &desc, &found))
        return false;
    set_zf(in->cpu, found && (write ? desc_is_writable_data(&desc) : desc_is_readable(&desc)));
    return true;
}

bool interp_verr(struct insn *in)
{
    return verify(in, false);
}
bool interp_verw(struct insn *in)
{
    return verify(in, true);
}
