/* state.c - the mode word, and what the area mirrors of the vCPU.
 *
 * Everything that C may have changed (segments, CPL, control registers, flags) is brought into the form that translated
 * code reads, before it runs again. */
#include "state.h"

#include "host.h"

static bool flat_data(const struct vx_seg *seg)
{
    return !seg->unusable && seg->base == 0 && seg->limit == UINT32_MAX &&
           (seg->attr & (VX_ATTR_P | VX_ATTR_S | VX_ATTR_CODE | VX_ATTR_EXPAND_DOWN | VX_ATTR_WRITABLE)) ==
               (VX_ATTR_P | VX_ATTR_S | VX_ATTR_WRITABLE);
}

static bool wide_data(const struct vx_seg *seg)
{
    struct vx_seg at_zero = *seg;
    at_zero.base = 0;
    return flat_data(&at_zero);
}

/* Flat code segments are readable ones: a CS override then needs no check for loads. */
static bool flat_code(const struct vx_seg *seg)
{
    return seg->base == 0 && seg->limit == UINT32_MAX && (seg->attr & VX_ATTR_CODE) && (seg->attr & VX_ATTR_WRITABLE);
}

static uint32_t privilege_bits(const struct vx_vcpu *vcpu)
{
    uint32_t mode = 0;
    if (!vx_real_mode(vcpu) && !vx_vm86(vcpu))
        mode |= MODE_PROTECTED;
    if (vcpu->cpl == 3)
        mode |= MODE_USER;
    if (vcpu->cpl == 0)
        mode |= MODE_CPL0;
    if (vcpu->cpl <= vx_iopl(vcpu) && !vx_vm86(vcpu))
        mode |= MODE_IOPL_OK;
    return mode;
}

static uint32_t segment_bits(const struct vx_vcpu *vcpu)
{
    const struct vx_seg *seg = vcpu->seg;
    uint32_t mode = 0;
    if (seg[VX_CS].attr & VX_ATTR_DB)
        mode |= MODE_CS32;
    if (seg[VX_SS].attr & VX_ATTR_DB)
        mode |= MODE_SS32;
    if (flat_code(&seg[VX_CS]) && flat_data(&seg[VX_DS]) && flat_data(&seg[VX_ES]) && flat_data(&seg[VX_SS]))
        mode |= MODE_FLAT;
    if (wide_data(&seg[VX_FS]))
        mode |= MODE_FS_WIDE;
    if (vcpu->cpl == 3 && wide_data(&seg[VX_GS]))
        mode |= MODE_GS_WIDE;
    return mode;
}

/* Without protection a load takes limit and attributes to what they are mostly already; so DS and ES move their base
 * only, and neither that nor what the mode says of them (CS is not flat) can change with it. */
static bool moves_bases_only(const struct vx_vcpu *vcpu)
{
    return !flat_code(&vcpu->seg[VX_CS]) && vx_cpu_load_moves_base(vcpu, VX_DS) && vx_cpu_load_moves_base(vcpu, VX_ES);
}

static bool needs_interpreter(const struct vx_vcpu *vcpu)
{
    if (vcpu->eflags & (VX_FL_TF | VX_FL_RF))
        return true;
    if (vcpu->dr[7] & 0xFF)
        return true;
    return (vcpu->cr0 & VX_CR0_AM) && (vcpu->eflags & VX_FL_AC) && vcpu->cpl == 3;
}

/* May FOP and FDP change: always, or with the next unmasked exception? The FP state must be home. */
static bool tells_fp_operands(const struct vx_vcpu *vcpu)
{
    const struct bt_area *area = (const struct bt_area *)vcpu->engine_area;
    return ((const struct vx_bt_cpu *)(uintptr_t)area->cpu)->fp_pointers_always ||
           (vcpu->fx[FX_FCW] & FCW_MASKS) != FCW_MASKS || (vcpu->fx[FX_FSW] & FSW_ES);
}

uint32_t bt_mode_of(const struct vx_vcpu *vcpu)
{
    if (needs_interpreter(vcpu))
        return MODE_SLOW;
    uint32_t mode = privilege_bits(vcpu) | segment_bits(vcpu);
    if (!(vcpu->cr0 & (VX_CR0_EM | VX_CR0_TS))) {
        mode |= MODE_X87_OK;
        if (tells_fp_operands(vcpu))
            mode |= MODE_FP_OPERANDS;
        if (vcpu->cr4 & VX_CR4_OSFXSR)
            mode |= MODE_SSE_OK;
    }
    if (vcpu->cr0 & VX_CR0_PG)
        mode |= MODE_PAGING;
    if (vcpu->mmu->window[vx_view_of(vcpu)] != NULL)
        mode |= MODE_WINDOW;
    if (!(mode & MODE_PROTECTED) && moves_bases_only(vcpu))
        mode |= MODE_REAL_DATA;
    return mode;
}

/* Last offsets that may be read and written, -1 for none. Expand-down segments always take the slow way, in real mode
 * too: where protection ends, limits stay what they were; only the type no longer counts. */
static void mirror_limit(const struct vx_vcpu *vcpu, struct bt_area *area, unsigned which, bool protected)
{
    const struct vx_seg *seg = &vcpu->seg[which];
    bool expand_down =
        (seg->attr & (VX_ATTR_S | VX_ATTR_CODE | VX_ATTR_EXPAND_DOWN)) == (VX_ATTR_S | VX_ATTR_EXPAND_DOWN);
    bool readable = !seg->unusable && !expand_down, writable = readable;
    if (protected) {
        bool code = (seg->attr & VX_ATTR_CODE) != 0, w = (seg->attr & VX_ATTR_WRITABLE) != 0;
        readable &= (seg->attr & VX_ATTR_P) && (seg->attr & VX_ATTR_S) && (w || !code);
        writable &= readable && w && !code;
    }
    area->seg_max_read[which] = readable ? (int64_t)seg->limit : -1;
    area->seg_max_write[which] = writable ? (int64_t)seg->limit : -1;
}

/* Those that units of this mode do not hold offsets against (seg_is_flat(), only_base_counts()). */
static unsigned unchecked_segments(uint32_t mode)
{
    unsigned set = mode & MODE_FLAT ? 1u << VX_ES | 1u << VX_SS | 1u << VX_DS : 0;
    if (mode & MODE_FS_WIDE)
        set |= 1u << VX_FS;
    if (mode & MODE_GS_WIDE)
        set |= 1u << VX_GS;
    return set;
}

void bt_sync_segments(struct vx_bt_cpu *cpu)
{
    const struct vx_vcpu *vcpu = cpu->vcpu;
    const unsigned unchecked = unchecked_segments(cpu->mode);
    const bool protected = !vx_real_mode(vcpu) && !vx_vm86(vcpu);
    for (unsigned i = 0; i < VX_SEG_COUNT; i++) {
        if (!(unchecked >> i & 1))
            mirror_limit(vcpu, cpu->area, i, protected);
    }
}

void bt_sync_intr(struct vx_bt_cpu *cpu)
{
    cpu->area->if_poll_ptr = cpu->vcpu->intr_line ? BT_POISON : (uint64_t)(uintptr_t)&cpu->area->poll_cell;
}

void bt_sync(struct vx_bt_cpu *cpu, uint32_t mode)
{
    bool unshared = cpu->unshared.wanted && mode != MODE_SLOW && !(mode & MODE_WINDOW);
    cpu->mode = unshared ? mode | MODE_UNSHARED : mode;
    bt_sync_segments(cpu);
    cpu->area->tlb = (uint64_t)(uintptr_t)bt_tlb(cpu);
    bt_sync_intr(cpu);
    bt_host_flags_from_vcpu(cpu->vcpu);
}
