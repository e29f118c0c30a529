/* segment.h - descriptors and segment registers inside cpu/.
 *
 * Source: SDM 3A "Protected-Mode Memory Management" and "Protection". Descriptors are read and written at supervisor
 * privilege whatever the CPL is. Functions return false with mmu->fault set.
 *
 *   descriptor, hi  31      24 23 22 21 20 19   16 15 14 13 12 11   8 7       0
 *                  [base 31:24][G][DB][L][AVL][lim ][P][DPL ][S][type][base 23:16]
 *               lo  31                        16 15                           0
 *                  [base 15:0                  ][limit 15:0                    ]
 *   gate,       hi [offset 31:16               ][P][DPL ][S][type][   ][params 4:0]
 *               lo [selector                   ][offset 15:0                    ] */
#ifndef VX86_CPU_SEGMENT_H
#define VX86_CPU_SEGMENT_H

#include "fault.h"

struct desc {
    uint32_t lo, hi;
    uint64_t lin; /* where it was read */
};

/* Types of system descriptors (S = 0). */
enum sys_type {
    VX_SYS_TSS16 = 1,
    VX_SYS_LDT = 2,
    VX_SYS_TSS16_BUSY = 3,
    VX_SYS_CALL16 = 4,
    VX_SYS_TASK_GATE = 5,
    VX_SYS_INT16 = 6,
    VX_SYS_TRAP16 = 7,
    VX_SYS_TSS32 = 9,
    VX_SYS_TSS32_BUSY = 11,
    VX_SYS_CALL32 = 12,
    VX_SYS_INT32 = 14,
    VX_SYS_TRAP32 = 15,
};
#define VX_TSS_BUSY 2u /* the bit that tells busy TSS types apart */

/* What real mode gives a segment: present, DPL 0, writable data, accessed; VM86 the same with DPL 3. */
#define VX_ATTR_REAL 0x0093u
#define VX_ATTR_VM86 0x00F3u

static inline bool sel_null(uint16_t sel)
{
    return (sel & 0xFFFCu) == 0;
}
static inline unsigned sel_rpl(uint16_t sel)
{
    return sel & 3u;
}
static inline bool sel_local(uint16_t sel)
{
    return (sel & 4u) != 0;
}

static inline uint16_t desc_attr(const struct desc *d)
{
    return (uint16_t)(d->hi >> 8);
}
static inline unsigned desc_type(const struct desc *d)
{
    return (d->hi >> 8) & 15u;
}
static inline unsigned desc_dpl(const struct desc *d)
{
    return (d->hi >> 13) & 3u;
}
static inline bool desc_present(const struct desc *d)
{
    return (d->hi & 0x8000u) != 0;
}
static inline bool desc_is_system(const struct desc *d)
{
    return (d->hi & 0x1000u) == 0;
}
static inline uint32_t desc_base(const struct desc *d)
{
    return d->lo >> 16 | (d->hi & 0xFFu) << 16 | (d->hi & 0xFF000000u);
}
static inline uint32_t desc_limit(const struct desc *d)
{
    uint32_t limit = (d->lo & 0xFFFFu) | (d->hi & 0xF0000u);
    return d->hi & 0x800000u ? limit << 12 | 0xFFFu : limit;
}
static inline bool desc_is_code(const struct desc *d)
{
    return (d->hi & 0x1800u) == 0x1800u;
}
static inline bool desc_is_conforming_code(const struct desc *d)
{
    return (d->hi & 0x1C00u) == 0x1C00u;
}
static inline bool desc_is_writable_data(const struct desc *d)
{
    return (d->hi & 0x1A00u) == 0x1200u;
}
/* Data of either kind, or readable code. */
static inline bool desc_is_readable(const struct desc *d)
{
    return (d->hi & 0x1800u) == 0x1000u || (d->hi & 0x1A00u) == 0x1A00u;
}
static inline bool desc_is_system_type(const struct desc *d, enum sys_type type)
{
    return (d->hi & 0x1F00u) == (uint32_t)type << 8;
}
/* An available (not busy) TSS of either size. */
static inline bool desc_is_available_tss(const struct desc *d)
{
    return desc_is_system_type(d, VX_SYS_TSS16) || desc_is_system_type(d, VX_SYS_TSS32);
}
static inline bool desc_is_busy_tss(const struct desc *d)
{
    return desc_is_system_type(d, VX_SYS_TSS16_BUSY) || desc_is_system_type(d, VX_SYS_TSS32_BUSY);
}

/* Reads the descriptor that `sel` names in the GDT or LDT. A selector beyond its table (or into no LDT) raises
 * `vector` with the selector and `ext`. The null selector is the caller's matter: it reads entry 0. */
bool seg_fetch_desc(struct vx_vcpu *cpu, uint16_t sel, uint8_t vector, uint32_t ext, struct desc *out);

/* The same for LAR, LSL, VERR and VERW: *found is false (and no fault raised) for the null selector or one beyond its
 * table. Returns false only on a page fault. */
bool seg_look_desc(struct vx_vcpu *cpu, uint16_t sel, struct desc *out, bool *found);

/* Sets the accessed bit in memory (and in *desc) unless it is set already or the descriptor is a system one. */
bool seg_mark_accessed(struct vx_vcpu *cpu, struct desc *desc);

/* Fills a hidden part from a descriptor, without any check. */
void seg_from_desc(struct vx_seg *seg, uint16_t sel, const struct desc *desc);

/* A null selector: any access through it faults. */
void seg_set_null(struct vx_seg *seg, uint16_t sel);

/* Real-mode load: base from the selector, writable data, limit and size bits stay as they were ("unreal mode"). */
void seg_set_real(struct vx_seg *seg, uint16_t sel);
void seg_set_vm86(struct vx_seg *seg, uint16_t sel);

/* CS of the new code at `cpl` (its RPL becomes the CPL), with EIP. Commits; no checks. */
void seg_enter_code(struct vx_vcpu *cpu, uint16_t sel, const struct desc *desc, unsigned cpl, uint64_t eip);

/* SS for privilege level `cpl`, as far transfers and task switches check it (not MOV to SS): RPL, DPL, type raise
 * `vector` with the selector; a segment that is not present raises #SS. Not null. *out is the checked descriptor. */
bool seg_check_ss(struct vx_vcpu *cpu, uint16_t sel, unsigned cpl, uint8_t vector, uint32_t ext, struct desc *out);

/* After a return to an outer level: data segments that the new CPL may not see become null (SDM 2 "RET"). */
void seg_drop_inner(struct vx_vcpu *cpu);

/* LLDT, LTR; the caller has checked mode and CPL. */
bool seg_load_ldtr(struct vx_vcpu *cpu, uint16_t sel);
bool seg_load_tr(struct vx_vcpu *cpu, uint16_t sel);

/* True when [off, off + size) lies within the segment. size >= 1. A 4 GiB expand-up segment has no limit: accesses
 * that run over FFFFFFFFh wrap, as in translated code (SDM 3A "Limit Checking" leaves it to the implementation). */
static inline bool seg_in_limit(const struct vx_seg *seg, uint64_t off, uint32_t size)
{
    if (VX_UNLIKELY(seg->unusable))
        return false;
    if (VX_UNLIKELY((seg->attr & (VX_ATTR_S | VX_ATTR_CODE | VX_ATTR_EXPAND_DOWN)) ==
                    (VX_ATTR_S | VX_ATTR_EXPAND_DOWN))) {
        uint32_t top = seg->attr & VX_ATTR_DB ? UINT32_MAX : 0xFFFFu;
        return off > seg->limit && off <= top && size - 1 <= top - off;
    }
    if (seg->limit == UINT32_MAX)
        return true;
    return off <= seg->limit && size - 1 <= seg->limit - off;
}

#endif
