/* smm.c - SMI, RSM and the state save area. See smm.h.
 *
 *   I1  The save area is written and read by physical address, with SMIACT# asserted: what the bridge shows there only
 *       then is what holds it.
 *   I2  RSM checks the whole image before the first register changes.
 *
 * Each segment has 12 bytes: attributes, limit, base. Attributes have the form of bits 8..23 of a descriptor with the
 * limit's bits left out; bit 16 says that the segment is unusable (null). */
#include "smm.h"

#include "cpu_model.h"
#include "cpu_private.h"
#include "creg.h"
#include "fault.h"
#include "segment.h"
#include "vx86/cpu.h"
#include "vx86/isa.h"

/* Offsets from SMBASE + FE00h. */
enum {
    SAVE_AT = 0xFE00,
    SAVE_BYTES = 0x200,
    SAVE_CR0 = 0x1FC,
    SAVE_CR3 = 0x1F8,
    SAVE_EFLAGS = 0x1F4,
    SAVE_EIP = 0x1F0,
    SAVE_EAX = 0x1D0, /* ECX, EDX, ... EDI follow */
    SAVE_DR6 = 0x1CC,
    SAVE_DR7 = 0x1C8,
    SAVE_TR = 0x1C4,
    SAVE_LDTR = 0x1C0,
    SAVE_SELECTORS = 0x1A8, /* ES CS SS DS FS GS */
    SAVE_SEG_LOW = 0x184,   /* ES CS SS */
    SAVE_LDTR_HIDDEN = 0x178,
    SAVE_GDT = 0x170, /* limit, base */
    SAVE_TR_HIDDEN = 0x15C,
    SAVE_IDT = 0x154,
    SAVE_SEG_HIGH = 0x12C, /* DS FS GS */
    SAVE_CR4 = 0x114,
    SAVE_HALT = 0x102, /* bit 0: SMI came in HLT, RSM goes back into it */
    SAVE_REVISION = 0xFC,
    SAVE_SMBASE = 0xF8,
};

enum {
    REVISION = 0x00020000, /* 32-bit map, SMBASE relocation */
    HANDLER = 0x8000,
    SMBASE_AFTER_RESET = 0x30000,
    ATTR_UNUSABLE = 1 << 16,
    ATTR_SAVED = 0xF0FF,
    DR6_ONES = (int)0xFFFF0FF0u,
    DR7_ONES = 0x400,
};

struct image {
    uint8_t bytes[SAVE_BYTES];
};

static void put(struct image *image, unsigned off, uint32_t value)
{
    memcpy(image->bytes + off, &value, 4);
}

static uint32_t get(const struct image *image, unsigned off)
{
    uint32_t value;
    memcpy(&value, image->bytes + off, 4);
    return value;
}

static unsigned hidden_at(unsigned segment)
{
    return segment < 3 ? SAVE_SEG_LOW + 12 * segment : SAVE_SEG_HIGH + 12 * (segment - 3);
}

/* ---- out */

static void put_segment(struct image *image, unsigned sel_at, unsigned at, const struct vx_seg *seg)
{
    put(image, sel_at, seg->sel);
    put(image, at, (seg->attr & ATTR_SAVED) | (seg->unusable ? ATTR_UNUSABLE : 0u));
    put(image, at + 4, seg->limit);
    put(image, at + 8, (uint32_t)seg->base);
}

static void save(const struct vx_vcpu *cpu, struct image *image)
{
    put(image, SAVE_CR0, (uint32_t)cpu->cr0);
    put(image, SAVE_CR3, (uint32_t)cpu->cr3);
    put(image, SAVE_CR4, (uint32_t)cpu->cr4);
    put(image, SAVE_EFLAGS, vx_eflags(cpu));
    put(image, SAVE_EIP, (uint32_t)cpu->rip);
    for (unsigned i = 0; i < 8; i++)
        put(image, SAVE_EAX + 4 * i, (uint32_t)cpu->gpr[i]);
    put(image, SAVE_DR6, (uint32_t)cpu->dr[6]);
    put(image, SAVE_DR7, (uint32_t)cpu->dr[7]);
    for (unsigned i = 0; i < VX_SEG_COUNT; i++)
        put_segment(image, SAVE_SELECTORS + 4 * i, hidden_at(i), &cpu->seg[i]);
    put_segment(image, SAVE_TR, SAVE_TR_HIDDEN, &cpu->tr);
    put_segment(image, SAVE_LDTR, SAVE_LDTR_HIDDEN, &cpu->ldtr);
    put(image, SAVE_GDT, cpu->gdtr.limit);
    put(image, SAVE_GDT + 4, (uint32_t)cpu->gdtr.base);
    put(image, SAVE_IDT, cpu->idtr.limit);
    put(image, SAVE_IDT + 4, (uint32_t)cpu->idtr.base);
    image->bytes[SAVE_HALT] = cpu->halted;
    put(image, SAVE_REVISION, REVISION);
    put(image, SAVE_SMBASE, cpu->smbase);
}

/* SDM 3C "SMM Handler Execution Environment": real-mode addressing with 4 GiB limits. */
static void enter_handler(struct vx_vcpu *cpu)
{
    struct creg_change change = creg_current(cpu);
    change.cr0 &= ~((uint64_t)VX_CR0_PE | VX_CR0_EM | VX_CR0_TS | (uint32_t)VX_CR0_PG);
    change.cr4 = 0;
    vx_set_eflags_raw(cpu, 0);
    bool ok = creg_apply(cpu, &change);
    VX_ASSERT(ok); /* paging is off: no PDPTE can be wrong */
    cpu->dr[7] = DR7_ONES;
    for (unsigned i = 0; i < VX_SEG_COUNT; i++)
        cpu->seg[i] = (struct vx_seg){ .limit = UINT32_MAX, .attr = VX_ATTR_REAL | VX_ATTR_G | 0xF00 };
    cpu->seg[VX_CS].sel = (uint16_t)(cpu->smbase >> 4);
    cpu->seg[VX_CS].base = cpu->smbase;
    cpu->rip = HANDLER;
    cpu->cpl = 0;
    cpu->halted = false;
    cpu->inhibit = VX_INHIBIT_NONE;
}

static void set_smiact(struct vx_vcpu *cpu, bool active)
{
    cpu->smm = active;
    if (cpu->ops->smiact != NULL)
        cpu->ops->smiact(cpu->ops_opaque, active);
}

void smm_enter(struct vx_vcpu *cpu)
{
    struct image image;
    VX_ASSERT(!cpu->smm);
    cpu->smi_pending = false;
    cpu->stats->smis++;
    vx_trace(cpu->log, cpu_smi, (uint64_t)cpu->smbase, (unsigned)cpu->seg[VX_CS].sel, cpu->rip);
    set_smiact(cpu, true); /* keeps I1 */
    vx_pmap_cpu_read(cpu->mmu->pmap, cpu->mmu->cpu, cpu->smbase + SAVE_AT, &image, sizeof image);
    save(cpu, &image);
    vx_pmap_cpu_write(cpu->mmu->pmap, cpu->mmu->cpu, cpu->smbase + SAVE_AT, &image, sizeof image);
    cpu->smm_nmi_blocked = cpu->nmi_blocked;
    cpu->nmi_blocked = true;
    enter_handler(cpu);
}

/* ---- back */

static void get_segment(const struct image *image, unsigned sel_at, unsigned at, struct vx_seg *seg)
{
    uint32_t attr = get(image, at), limit = get(image, at + 4);
    uint32_t limit_high = attr & VX_ATTR_G ? limit >> 28 : limit >> 16 & 15;
    *seg = (struct vx_seg){ .base = get(image, at + 8),
                            .limit = limit,
                            .sel = (uint16_t)get(image, sel_at),
                            .attr = (uint16_t)((attr & ATTR_SAVED) | limit_high << 8),
                            .unusable = (attr & ATTR_UNUSABLE) != 0 };
}

static bool control_legal(const struct vx_vcpu *cpu, uint32_t cr0, uint32_t cr4)
{
    bool pg_alone = (cr0 & VX_CR0_PG) && !(cr0 & VX_CR0_PE), nw_alone = (cr0 & VX_CR0_NW) && !(cr0 & VX_CR0_CD);
    return !pg_alone && !nw_alone && (cr4 & ~cpu_cr4_mask(cpu->model)) == 0;
}

/* Control registers and flags, checked; false: shut down. */
static bool restore_control(struct vx_vcpu *cpu, const struct image *image)
{
    struct creg_change change = creg_current(cpu);
    uint32_t cr0 = get(image, SAVE_CR0), cr4 = get(image, SAVE_CR4);
    if (!control_legal(cpu, cr0, cr4))
        return false;
    uint32_t eflags = vx_eflags(cpu), restored = get(image, SAVE_EFLAGS) & cpu_eflags_mask(cpu->model);
    if (!(cr0 & VX_CR0_PE))
        restored &= ~(uint32_t)VX_FL_VM; /* there is no VM86 mode in real mode */
    change.cr0 = (cr0 & cpu_cr0_mask(cpu->model)) | VX_CR0_ET;
    change.cr3 = get(image, SAVE_CR3);
    change.cr4 = cr4;
    change.cr3_written = true;
    vx_set_eflags_raw(cpu, restored); /* AC is part of what the mmu is told */
    if (creg_apply(cpu, &change))
        return true;
    vx_set_eflags_raw(cpu, eflags);
    return false;
}

static void restore(struct vx_vcpu *cpu, const struct image *image)
{
    cpu->rip = get(image, SAVE_EIP);
    for (unsigned i = 0; i < 8; i++)
        cpu->gpr[i] = get(image, SAVE_EAX + 4 * i);
    cpu->dr[6] = get(image, SAVE_DR6) | (uint32_t)DR6_ONES;
    cpu->dr[7] = get(image, SAVE_DR7) | DR7_ONES;
    for (unsigned i = 0; i < VX_SEG_COUNT; i++)
        get_segment(image, SAVE_SELECTORS + 4 * i, hidden_at(i), &cpu->seg[i]);
    get_segment(image, SAVE_TR, SAVE_TR_HIDDEN, &cpu->tr);
    get_segment(image, SAVE_LDTR, SAVE_LDTR_HIDDEN, &cpu->ldtr);
    cpu->gdtr = (struct vx_table_reg){ .limit = (uint16_t)get(image, SAVE_GDT), .base = get(image, SAVE_GDT + 4) };
    cpu->idtr = (struct vx_table_reg){ .limit = (uint16_t)get(image, SAVE_IDT), .base = get(image, SAVE_IDT + 4) };
    cpu->cpl = vx_real_mode(cpu) ? 0 : vx_vm86(cpu) ? 3 : (cpu->seg[VX_SS].attr & VX_ATTR_DPL) >> 5;
    cpu->smbase = get(image, SAVE_SMBASE);
    cpu->halted = image->bytes[SAVE_HALT] & 1;
}

bool smm_resume(struct vx_vcpu *cpu)
{
    struct image image;
    if (!cpu->smm)
        return fault_plain(cpu, VX_UD);
    vx_pmap_cpu_read(cpu->mmu->pmap, cpu->mmu->cpu, cpu->smbase + SAVE_AT, &image, sizeof image);
    set_smiact(cpu, false);
    if (!restore_control(cpu, &image)) {
        cpu_box(cpu)->chain.count = 0;
        cpu->shutdown = true;
        return true;
    }
    restore(cpu, &image);
    cpu->nmi_blocked = cpu->smm_nmi_blocked;
    cpu->inhibit = VX_INHIBIT_NONE;
    vx_vcpu_raise(cpu, VX_ATTN_SMI | VX_ATTN_NMI | VX_ATTN_INIT | VX_ATTN_INTR); /* what has waited */
    return true;
}

void smm_reset(struct vx_vcpu *cpu, bool init)
{
    if (cpu->smm)
        set_smiact(cpu, false);
    cpu->smm_nmi_blocked = false;
    if (!init)
        cpu->smbase = SMBASE_AFTER_RESET;
}
