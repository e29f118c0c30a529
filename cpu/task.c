/* task.c - task switching through TSS16 and TSS32 (SDM 3A "Task Switching", "Task Linking").
 *
 * In the order of the manual: checks that belong to the old task; save the old state; busy bits and back link; TR; then
 * the new state, whose own checks raise faults in the new task.
 *
 *   I1  Up to commit() every page that the switch writes has been probed, so that nothing after it faults in the old
 *       task.
 *   I2  After load_registers() no segment register is usable until its own check has passed (VM86 has none). */
#include "task.h"

#include "creg.h"
#include "flags.h"
#include "stack.h"
#include "virtual_if.h"
#include "vx86/cpu.h"

/* A TSS of either size, by name. Offsets: SDM 3A "32-Bit Task-State Segment", "16-Bit Task-State Segment". */
struct tss_layout {
    uint8_t bytes;  /* smallest limit + 1 */
    uint8_t word;   /* register width */
    uint8_t stack0; /* first inner stack pointer */
    uint8_t stack_step;
    uint8_t eip;  /* EIP, EFLAGS, EAX, ECX, ... EDI follow each other */
    uint8_t segs; /* ES, CS, SS, DS, (FS, GS) */
    uint8_t seg_count;
    uint8_t seg_step;
    uint8_t ldt;
};

static const struct tss_layout tss16 = { 44, 2, 2, 4, 14, 34, 4, 2, 42 };
static const struct tss_layout tss32 = { 104, 4, 4, 8, 32, 72, 6, 4, 96 };

enum { TSS32_CR3 = 28, TSS32_TRAP = 100, TSS_MAX = 104, DR6_BT = 1 << 15 };

struct image {
    const struct tss_layout *layout;
    uint8_t bytes[TSS_MAX];
};

static const struct tss_layout *layout_of(unsigned attr)
{
    return attr & 8u ? &tss32 : &tss16;
}

static uint32_t get(const struct image *image, unsigned off, unsigned size)
{
    uint32_t value = 0;
    memcpy(&value, image->bytes + off, size);
    return value;
}

static void put(struct image *image, unsigned off, unsigned size, uint32_t value)
{
    memcpy(image->bytes + off, &value, size);
}

bool task_check_tss(struct vx_vcpu *cpu, uint16_t sel, uint8_t vector, uint32_t ext, struct desc *desc)
{
    if (sel_null(sel) || sel_local(sel))
        return fault_sel(cpu, vector, sel, ext);
    if (!seg_fetch_desc(cpu, sel, vector, ext, desc))
        return false;
    if (!desc_is_available_tss(desc))
        return fault_sel(cpu, vector, sel, ext);
    if (!desc_present(desc))
        return fault_sel(cpu, VX_NP, sel, ext);
    return true;
}

bool task_inner_stack(struct vx_vcpu *cpu, unsigned level, uint32_t ext, uint16_t *ss, uint32_t *esp)
{
    const struct tss_layout *layout = layout_of(cpu->tr.attr);
    uint64_t off = layout->stack0 + level * layout->stack_step;
    uint64_t sp, sel;
    if (cpu->tr.unusable || off + layout->word + 1 > cpu->tr.limit)
        return fault_sel(cpu, VX_TS, cpu->tr.sel, ext);
    uint64_t lin = cpu->tr.base + off;
    bool wide = layout->word == 4;
    if (!(wide ? vx_mmu_read(cpu->mmu, (uint32_t)lin, 4, VX_VIEW_SYSTEM, &sp)
               : vx_mmu_read(cpu->mmu, (uint32_t)lin, 2, VX_VIEW_SYSTEM, &sp)) ||
        !vx_mmu_read(cpu->mmu, (uint32_t)(lin + layout->word), 2, VX_VIEW_SYSTEM, &sel))
        return false;
    *ss = (uint16_t)sel;
    *esp = (uint32_t)sp;
    return true;
}

static uint64_t tr_desc_lin(const struct vx_vcpu *cpu)
{
    return (uint32_t)(cpu->gdtr.base + (cpu->tr.sel & 0xFFF8u));
}

/* Everything that can fault in the old task. */
static bool prepare(struct vx_vcpu *cpu, const struct task_switch *how, struct image *old, struct image *next)
{
    old->layout = layout_of(cpu->tr.attr);
    next->layout = layout_of(desc_type(&how->desc));
    if (desc_limit(&how->desc) < next->layout->bytes - 1u)
        return fault_sel(cpu, VX_TS, how->sel, how->ext);
    if (cpu->tr.unusable || cpu->tr.limit < old->layout->bytes - 1u)
        return fault_sel(cpu, VX_TS, cpu->tr.sel, how->ext);
    struct vx_mmu *mmu = cpu->mmu;
    uint64_t base = desc_base(&how->desc);
    if (!vx_mmu_read_bytes(mmu, (uint32_t)cpu->tr.base, old->bytes, old->layout->bytes, VX_VIEW_SYSTEM) ||
        !vx_mmu_read_bytes(mmu, base, next->bytes, next->layout->bytes, VX_VIEW_SYSTEM) ||
        !vx_mmu_probe(mmu, (uint32_t)cpu->tr.base, old->layout->bytes, VX_ACCESS_WRITE, VX_VIEW_SYSTEM))
        return false;
    if (how->cause == VX_TASK_CALL || how->cause == VX_TASK_EVENT) {
        if (!vx_mmu_probe(mmu, base, 2, VX_ACCESS_WRITE, VX_VIEW_SYSTEM))
            return false;
    } else if (!vx_mmu_probe(mmu, (uint32_t)(tr_desc_lin(cpu) + 5), 1, VX_ACCESS_WRITE, VX_VIEW_SYSTEM)) {
        return false;
    }
    return how->cause == VX_TASK_IRET ||
           vx_mmu_probe(mmu, (uint32_t)(how->desc.lin + 5), 1, VX_ACCESS_WRITE, VX_VIEW_SYSTEM);
}

static void save_registers(const struct vx_vcpu *cpu, const struct task_switch *how, struct image *old)
{
    static const enum vx_segment segs[] = { VX_ES, VX_CS, VX_SS, VX_DS, VX_FS, VX_GS };
    const struct tss_layout *layout = old->layout;
    uint32_t eflags = how->eflags;
    if (how->cause == VX_TASK_IRET)
        eflags &= ~(uint32_t)VX_FL_NT;
    put(old, layout->eip, layout->word, (uint32_t)how->next_eip);
    put(old, layout->eip + layout->word, layout->word, eflags);
    for (unsigned i = 0; i < 8; i++)
        put(old, layout->eip + (2 + i) * layout->word, layout->word, (uint32_t)cpu->gpr[i]);
    for (unsigned i = 0; i < layout->seg_count; i++)
        put(old, layout->segs + i * layout->seg_step, 2, cpu->seg[segs[i]].sel);
}

static bool set_busy(struct vx_vcpu *cpu, uint64_t desc_lin, bool busy)
{
    uint64_t byte;
    if (!vx_mmu_read(cpu->mmu, (uint32_t)(desc_lin + 5), 1, VX_VIEW_SYSTEM, &byte))
        return false;
    byte = busy ? byte | VX_TSS_BUSY : byte & ~(uint64_t)VX_TSS_BUSY;
    return vx_mmu_write(cpu->mmu, (uint32_t)(desc_lin + 5), 1, VX_VIEW_SYSTEM, byte);
}

/* Writes the old task's state, busy bits and back link. All pages were probed; a write can still fail when the guest
 * has laid its TSS over its own page tables, and is then reported like any fault. */
static bool commit(struct vx_vcpu *cpu, const struct task_switch *how, const struct image *old)
{
    const struct tss_layout *layout = old->layout;
    bool nested = how->cause == VX_TASK_CALL || how->cause == VX_TASK_EVENT;
    unsigned from = layout->eip;
    unsigned bytes = layout->ldt - from;
    if (!vx_mmu_write_bytes(cpu->mmu, (uint32_t)(cpu->tr.base + from), old->bytes + from, bytes, VX_VIEW_SYSTEM))
        return false;
    if (nested && !vx_mmu_write(cpu->mmu, desc_base(&how->desc), 2, VX_VIEW_SYSTEM, cpu->tr.sel))
        return false;
    if (!nested && !set_busy(cpu, tr_desc_lin(cpu), false))
        return false;
    return how->cause == VX_TASK_IRET || set_busy(cpu, how->desc.lin, true);
}

/* A 16-bit TSS has no upper halves: "modified and not maintained" (SDM 3A "16-Bit Task-State Segment (TSS)"); a 386
 * leaves them all ones. */
static uint32_t general_register(const struct image *tss, unsigned i)
{
    const struct tss_layout *layout = tss->layout;
    uint32_t value = get(tss, layout->eip + (2 + i) * layout->word, layout->word);
    return layout->word == 2 ? 0xFFFF0000u | value : value;
}

/* TR, general registers, flags, EIP, CPL and selectors; segments unusable, but for those of VM86 mode. */
static void load_registers(struct vx_vcpu *cpu, const struct task_switch *how, const struct image *next)
{
    const struct tss_layout *layout = next->layout;
    uint32_t eflags = get(next, layout->eip + layout->word, layout->word);
    struct desc desc = how->desc;
    desc.hi |= VX_TSS_BUSY << 8;
    seg_from_desc(&cpu->tr, how->sel, &desc);
    if (how->cause == VX_TASK_CALL || how->cause == VX_TASK_EVENT)
        eflags |= VX_FL_NT;
    flags_write(cpu, eflags, UINT32_MAX);
    cpu->rip = get(next, layout->eip, layout->word);
    for (unsigned i = 0; i < 8; i++)
        cpu->gpr[i] = general_register(next, i);
    for (unsigned i = 0; i < VX_SEG_COUNT; i++) {
        uint16_t sel = i < layout->seg_count ? (uint16_t)get(next, layout->segs + i * layout->seg_step, 2) : 0;
        if (vx_vm86(cpu))
            seg_set_vm86(&cpu->seg[i], sel);
        else
            seg_set_null(&cpu->seg[i], sel);
    }
    cpu->cpl = vx_vm86(cpu) ? 3 : (uint8_t)sel_rpl(cpu->seg[VX_CS].sel);
    seg_set_null(&cpu->ldtr, (uint16_t)get(next, layout->ldt, 2));
    cpu->cr0 |= VX_CR0_TS;
    cpu->dr[7] &= ~(uint64_t)0x155; /* local breakpoints and LE are the old task's */
    cpu->inhibit = VX_INHIBIT_NONE;
}

static bool load_ldt(struct vx_vcpu *cpu, uint32_t ext)
{
    struct desc desc;
    uint16_t sel = cpu->ldtr.sel;
    if (sel_null(sel))
        return true;
    if (sel_local(sel))
        return fault_sel(cpu, VX_TS, sel, ext);
    if (!seg_fetch_desc(cpu, sel, VX_TS, ext, &desc))
        return false;
    if (!desc_is_system_type(&desc, VX_SYS_LDT) || !desc_present(&desc))
        return fault_sel(cpu, VX_TS, sel, ext);
    seg_from_desc(&cpu->ldtr, sel, &desc);
    return true;
}

static bool load_cs(struct vx_vcpu *cpu, uint32_t ext)
{
    struct desc desc;
    uint16_t sel = cpu->seg[VX_CS].sel;
    unsigned rpl = sel_rpl(sel);
    if (sel_null(sel))
        return fault_sel(cpu, VX_TS, sel, ext);
    if (!seg_fetch_desc(cpu, sel, VX_TS, ext, &desc))
        return false;
    unsigned dpl = desc_dpl(&desc);
    if (!desc_is_code(&desc) || (desc_is_conforming_code(&desc) ? dpl > rpl : dpl != rpl))
        return fault_sel(cpu, VX_TS, sel, ext);
    if (!desc_present(&desc))
        return fault_sel(cpu, VX_NP, sel, ext);
    if (!seg_mark_accessed(cpu, &desc))
        return false;
    seg_from_desc(&cpu->seg[VX_CS], sel, &desc);
    return true;
}

static bool load_ss(struct vx_vcpu *cpu, uint32_t ext)
{
    struct desc desc;
    uint16_t sel = cpu->seg[VX_SS].sel;
    if (sel_null(sel))
        return fault_sel(cpu, VX_TS, sel, ext);
    if (!seg_check_ss(cpu, sel, cpu->cpl, VX_TS, ext, &desc) || !seg_mark_accessed(cpu, &desc))
        return false;
    seg_from_desc(&cpu->seg[VX_SS], sel, &desc);
    return true;
}

static bool load_data(struct vx_vcpu *cpu, enum vx_segment which, uint32_t ext)
{
    struct desc desc;
    uint16_t sel = cpu->seg[which].sel;
    if (sel_null(sel))
        return true;
    if (!seg_fetch_desc(cpu, sel, VX_TS, ext, &desc))
        return false;
    unsigned dpl = desc_dpl(&desc);
    if (!desc_is_readable(&desc) || (!desc_is_conforming_code(&desc) && (sel_rpl(sel) > dpl || cpu->cpl > dpl)))
        return fault_sel(cpu, VX_TS, sel, ext);
    if (!desc_present(&desc))
        return fault_sel(cpu, VX_NP, sel, ext);
    if (!seg_mark_accessed(cpu, &desc))
        return false;
    seg_from_desc(&cpu->seg[which], sel, &desc);
    return true;
}

static bool load_segments(struct vx_vcpu *cpu, uint32_t ext)
{
    if (!load_ldt(cpu, ext))
        return false;
    if (vx_vm86(cpu))
        return true;
    return load_cs(cpu, ext) && load_ss(cpu, ext) && load_data(cpu, VX_DS, ext) && load_data(cpu, VX_ES, ext) &&
           load_data(cpu, VX_FS, ext) && load_data(cpu, VX_GS, ext);
}

static bool load_cr3(struct vx_vcpu *cpu, const struct image *next)
{
    if (next->layout != &tss32 || !((uint32_t)cpu->cr0 & VX_CR0_PG))
        return true;
    struct creg_change change = creg_current(cpu);
    change.cr3 = get(next, TSS32_CR3, 4);
    change.cr3_written = true;
    return creg_apply(cpu, &change);
}

static bool push_error(struct vx_vcpu *cpu, const struct task_switch *how, const struct image *next)
{
    struct frame frame;
    struct stack stack;
    if (!how->has_error)
        return true;
    frame_init(&frame, next->layout->word);
    frame_add(&frame, how->error);
    stack_open(cpu, &stack);
    stack.error = how->ext;
    if (!stack_push(cpu, &stack, &frame))
        return false;
    stack_commit(cpu, &stack);
    return true;
}

bool task_switch(struct vx_vcpu *cpu, const struct task_switch *how)
{
    struct image old, next;
    if (!prepare(cpu, how, &old, &next))
        return false;
    save_registers(cpu, how, &old);
    if (!commit(cpu, how, &old))
        return false;
    load_registers(cpu, how, &next);
    if (!load_cr3(cpu, &next) || !load_segments(cpu, how->ext) || !push_error(cpu, how, &next))
        return false;
    if ((uint32_t)cpu->rip > cpu->seg[VX_CS].limit)
        return fault_code(cpu, VX_GP, how->ext);
    if (next.layout == &tss32 && (next.bytes[TSS32_TRAP] & 1)) {
        cpu->dr[6] |= DR6_BT;
        return fault_plain(cpu, VX_DB);
    }
    return vif_check_entry(cpu);
}
