/* segment.c - descriptor fetch and segment register loads (SDM 2 "MOV", "LLDT", "LTR"; SDM 3A "Protection").
 *
 *   I1  Registers change only after the last check and the last memory access of an instruction.
 *   I2  The accessed bit is set before the register is loaded and only when all checks have passed. */
#include "segment.h"

#include "vx86/cpu.h"

/* False when the selector is beyond its table. */
static bool desc_address(const struct vx_vcpu *cpu, uint16_t sel, uint64_t *lin)
{
    uint64_t off = sel & 0xFFF8u;
    uint64_t base = cpu->gdtr.base;
    uint32_t limit = cpu->gdtr.limit;
    if (sel_local(sel)) {
        if (cpu->ldtr.unusable)
            return false;
        base = cpu->ldtr.base;
        limit = cpu->ldtr.limit;
    }
    if (off + 7 > limit)
        return false;
    *lin = (uint32_t)(base + off);
    return true;
}

static bool read_desc(struct vx_vcpu *cpu, struct desc *out)
{
    uint64_t raw;
    if (!vx_mmu_read(cpu->mmu, out->lin, 8, VX_VIEW_SYSTEM, &raw))
        return false;
    out->lo = (uint32_t)raw;
    out->hi = (uint32_t)(raw >> 32);
    return true;
}

bool seg_fetch_desc(struct vx_vcpu *cpu, uint16_t sel, uint8_t vector, uint32_t ext, struct desc *out)
{
    if (!desc_address(cpu, sel, &out->lin))
        return fault_sel(cpu, vector, sel, ext);
    return read_desc(cpu, out);
}

bool seg_look_desc(struct vx_vcpu *cpu, uint16_t sel, struct desc *out, bool *found)
{
    *found = !sel_null(sel) && desc_address(cpu, sel, &out->lin);
    return !*found || read_desc(cpu, out);
}

bool seg_mark_accessed(struct vx_vcpu *cpu, struct desc *desc)
{
    if (desc_is_system(desc) || (desc->hi & VX_ATTR_ACCESSED << 8))
        return true;
    uint32_t hi = desc->hi | VX_ATTR_ACCESSED << 8;
    if (!vx_mmu_write(cpu->mmu, (uint32_t)(desc->lin + 5), 1, VX_VIEW_SYSTEM, (hi >> 8) & 0xFF))
        return false;
    desc->hi = hi;
    return true;
}

void seg_from_desc(struct vx_seg *seg, uint16_t sel, const struct desc *desc)
{
    seg->base = desc_base(desc);
    seg->limit = desc_limit(desc);
    seg->attr = desc_attr(desc);
    seg->sel = sel;
    seg->unusable = false;
}

void seg_set_null(struct vx_seg *seg, uint16_t sel)
{
    *seg = (struct vx_seg){ .sel = sel, .unusable = true };
}

/* Limit, D/B and G survive on silicon; that a data segment becomes writable again is what lets a program come back from
 * protected mode without reloading, and CS is writable in real mode too. */
void seg_set_real(struct vx_seg *seg, uint16_t sel)
{
    seg->base = (uint32_t)sel << 4;
    seg->attr = (uint16_t)((seg->attr & 0xFF00u) | VX_ATTR_REAL);
    if (seg->unusable)
        seg->limit = 0xFFFF;
    seg->sel = sel;
    seg->unusable = false;
}

void seg_set_vm86(struct vx_seg *seg, uint16_t sel)
{
    *seg = (struct vx_seg){ .base = (uint32_t)sel << 4, .limit = 0xFFFF, .sel = sel, .attr = VX_ATTR_VM86 };
}

void seg_enter_code(struct vx_vcpu *cpu, uint16_t sel, const struct desc *desc, unsigned cpl, uint64_t eip)
{
    seg_from_desc(&cpu->seg[VX_CS], (uint16_t)((sel & 0xFFFCu) | cpl), desc);
    cpu->cpl = (uint8_t)cpl;
    cpu->rip = eip;
}

bool seg_check_ss(struct vx_vcpu *cpu, uint16_t sel, unsigned cpl, uint8_t vector, uint32_t ext, struct desc *out)
{
    if (!seg_fetch_desc(cpu, sel, vector, ext, out))
        return false;
    if (sel_rpl(sel) != cpl || desc_dpl(out) != cpl || !desc_is_writable_data(out))
        return fault_sel(cpu, vector, sel, ext);
    if (!desc_present(out))
        return fault_sel(cpu, VX_SEG_SS, sel, ext);
    return true;
}

void seg_drop_inner(struct vx_vcpu *cpu)
{
    static const enum vx_segment data[] = { VX_ES, VX_DS, VX_FS, VX_GS };
    for (size_t i = 0; i < VX_ARRAY_LEN(data); i++) {
        struct vx_seg *seg = &cpu->seg[data[i]];
        bool conforming = (seg->attr & (VX_ATTR_CODE | VX_ATTR_EXPAND_DOWN)) == (VX_ATTR_CODE | VX_ATTR_EXPAND_DOWN);
        unsigned dpl = (seg->attr & VX_ATTR_DPL) >> 5;
        if (!seg->unusable && !conforming && dpl < cpu->cpl)
            seg_set_null(seg, 0);
    }
}

static bool load_ss(struct vx_vcpu *cpu, uint16_t sel)
{
    struct desc desc;
    if (sel_null(sel))
        return fault_code(cpu, VX_GP, 0);
    if (!seg_check_ss(cpu, sel, cpu->cpl, VX_GP, 0, &desc) || !seg_mark_accessed(cpu, &desc))
        return false;
    seg_from_desc(&cpu->seg[VX_SS], sel, &desc);
    return true;
}

static bool load_data(struct vx_vcpu *cpu, struct vx_seg *seg, uint16_t sel)
{
    struct desc desc;
    if (sel_null(sel)) {
        seg_set_null(seg, sel);
        return true;
    }
    if (!seg_fetch_desc(cpu, sel, VX_GP, 0, &desc))
        return false;
    unsigned dpl = desc_dpl(&desc);
    if (!desc_is_readable(&desc) || (!desc_is_conforming_code(&desc) && (sel_rpl(sel) > dpl || cpu->cpl > dpl)))
        return fault_sel(cpu, VX_GP, sel, 0);
    if (!desc_present(&desc))
        return fault_sel(cpu, VX_NP, sel, 0);
    if (!seg_mark_accessed(cpu, &desc))
        return false;
    seg_from_desc(seg, sel, &desc);
    return true;
}

bool vx_cpu_load_seg(struct vx_vcpu *cpu, enum vx_segment which, uint16_t sel)
{
    struct vx_seg *seg = &cpu->seg[which];
    VX_ASSERT(which != VX_CS);
    if (vx_real_mode(cpu)) {
        seg_set_real(seg, sel);
        return true;
    }
    if (vx_vm86(cpu)) {
        seg_set_vm86(seg, sel);
        return true;
    }
    return which == VX_SS ? load_ss(cpu, sel) : load_data(cpu, seg, sel);
}

bool vx_cpu_load_moves_base(const struct vx_vcpu *cpu, enum vx_segment which)
{
    const struct vx_seg *seg = &cpu->seg[which];
    struct vx_seg loaded = *seg;
    if (vx_real_mode(cpu))
        seg_set_real(&loaded, seg->sel);
    else if (vx_vm86(cpu))
        seg_set_vm86(&loaded, seg->sel);
    else
        return false;
    return loaded.limit == seg->limit && loaded.attr == seg->attr && loaded.unusable == seg->unusable;
}

bool seg_load_ldtr(struct vx_vcpu *cpu, uint16_t sel)
{
    struct desc desc;
    if (sel_null(sel)) {
        seg_set_null(&cpu->ldtr, sel);
        return true;
    }
    if (sel_local(sel))
        return fault_sel(cpu, VX_GP, sel, 0);
    if (!seg_fetch_desc(cpu, sel, VX_GP, 0, &desc))
        return false;
    if (!desc_is_system_type(&desc, VX_SYS_LDT))
        return fault_sel(cpu, VX_GP, sel, 0);
    if (!desc_present(&desc))
        return fault_sel(cpu, VX_NP, sel, 0);
    seg_from_desc(&cpu->ldtr, sel, &desc);
    return true;
}

bool seg_load_tr(struct vx_vcpu *cpu, uint16_t sel)
{
    struct desc desc;
    if (sel_null(sel))
        return fault_code(cpu, VX_GP, 0);
    if (sel_local(sel))
        return fault_sel(cpu, VX_GP, sel, 0);
    if (!seg_fetch_desc(cpu, sel, VX_GP, 0, &desc))
        return false;
    if (!desc_is_available_tss(&desc))
        return fault_sel(cpu, VX_GP, sel, 0);
    if (!desc_present(&desc))
        return fault_sel(cpu, VX_NP, sel, 0);
    uint32_t busy_hi = desc.hi | VX_TSS_BUSY << 8;
    if (!vx_mmu_write(cpu->mmu, (uint32_t)(desc.lin + 5), 1, VX_VIEW_SYSTEM, (busy_hi >> 8) & 0xFF))
        return false;
    desc.hi = busy_hi;
    seg_from_desc(&cpu->tr, sel, &desc);
    return true;
}
