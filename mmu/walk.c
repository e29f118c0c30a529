/* walk.c - the guest's page tables: from a linear page to a physical one, with rights, A and D bits and #PF.
 *
 * Sources: SDM 3A "32-Bit Paging", "PAE Paging", "Access Rights", "Page-Fault Exceptions", "Accessed and Dirty Flags".
 *
 *   32-bit:  CR3 -> PDE --(PS, CR4.PSE)--> 4 MiB page           PAE:  PDPTE (cached) -> PDE --(PS)--> 2 MiB page
 *                    \-> PTE -> 4 KiB page                                               \-> PTE -> 4 KiB page
 *
 *   I1  The order is the silicon's: present and reserved bits from the top down, then the rights of all levels
 *       together, then A (and D) in the leaf. An entry above the leaf gets its A bit once it has been used to reach the
 *       next one, whatever becomes of the access further down; a leaf only when the access is allowed.
 *   I2  Tables may lie anywhere: in RAM, in ROM (A and D are lost), in nothing (the bus answers), in a page with
 *       translated code (the update is announced). */
#include <inttypes.h>

#include "mmu_private.h"

/* Bits of a page-table entry, equal in both formats. */
enum {
    PTE_P = 1u << 0,
    PTE_RW = 1u << 1,
    PTE_US = 1u << 2,
    PTE_A = 1u << 5,
    PTE_D = 1u << 6,
    PTE_PS = 1u << 7,
    PTE_G = 1u << 8,
};
#define PTE_XD      (1ull << 63)
#define PAE_ADDRESS 0x000FFFFFFFFFF000ull

static inline uint32_t load_entry32(const struct vx_mmu *mmu, uint64_t phys)
{
    struct vx_pmap *pmap = mmu->pmap;
    uint32_t page = pmap_lookup(pmap, pmap->read_map, phys);
    if (VX_UNLIKELY(!pmap_is_backed(pmap, page)))
        return (uint32_t)vx_pmap_cpu_load(pmap, mmu->cpu, phys, 4);
    return *(const volatile uint32_t *)(pmap_hva(pmap, page) + (phys & (VX_PAGE_MASK & ~3u)));
}

static inline uint64_t load_entry64(const struct vx_mmu *mmu, uint64_t phys)
{
    struct vx_pmap *pmap = mmu->pmap;
    uint32_t page = pmap_lookup(pmap, pmap->read_map, phys);
    if (VX_UNLIKELY(!pmap_is_backed(pmap, page)))
        return vx_pmap_cpu_load(pmap, mmu->cpu, phys, 8);
    return *(const volatile uint64_t *)(pmap_hva(pmap, page) + (phys & (VX_PAGE_MASK & ~7u)));
}

/* Sets A and D bits of the entry at phys. They lie in its low byte, and only that byte changes; keeps I2. */
static void set_entry_bits(const struct vx_mmu *mmu, uint64_t phys, uint8_t bits)
{
    struct vx_pmap *pmap = mmu->pmap;
    uint32_t page = pmap_lookup(pmap, pmap->write_map, phys);
    if (VX_UNLIKELY(!pmap_is_backed(pmap, page) || page != pmap_lookup(pmap, pmap->read_map, phys))) {
        vx_pmap_cpu_store(pmap, mmu->cpu, phys, 1, vx_pmap_cpu_load(pmap, mmu->cpu, phys, 1) | bits);
        return;
    }
    uint32_t off = (uint32_t)(phys & VX_PAGE_MASK);
    __atomic_fetch_or(pmap_hva(pmap, page) + off, bits, __ATOMIC_SEQ_CST);
    pmap_notice_write(pmap, page, off, 1);
}

static void take_leaf(struct page_walk *walk, const struct vx_mmu_private *priv, uint64_t leaf_phys, uint64_t leaf)
{
    walk->leaf_phys = leaf_phys;
    walk->accessed = (leaf & PTE_A) != 0;
    walk->dirty = (leaf & PTE_D) != 0;
    walk->global = priv->pge && (leaf & PTE_G) != 0;
}

/* A 4 MiB page. PSE-36: bits 20..13 hold physical address bits 39..32. */
static enum walk_end leaf_pse(const struct vx_mmu_private *priv, uint32_t pde, uint64_t pde_phys, uint64_t lin,
                              struct page_walk *walk)
{
    walk->large = walk->exec = walk->upper_accessed = true;
    if (pde & priv->reserved_pse)
        return VX_WALK_RESERVED;
    walk->user = (pde & PTE_US) != 0;
    walk->write = (pde & PTE_RW) != 0;
    walk->frame = (uint64_t)(pde >> 13 & 0xFF) << 32 | (pde & 0xFFC00000u) | (lin & 0x3FF000u);
    take_leaf(walk, priv, pde_phys, pde);
    return VX_WALK_OK;
}

static enum walk_end leaf_32bit(const struct vx_mmu_private *priv, uint32_t pde, uint32_t pte, uint64_t pte_phys,
                                struct page_walk *walk)
{
    walk->large = false;
    walk->exec = true;
    walk->upper_accessed = (pde & PTE_A) != 0;
    if (!(pte & PTE_P))
        return VX_WALK_NOT_PRESENT;
    walk->user = (pde & pte & PTE_US) != 0;
    walk->write = (pde & pte & PTE_RW) != 0;
    walk->frame = pte & 0xFFFFF000u;
    take_leaf(walk, priv, pte_phys, pte);
    return VX_WALK_OK;
}

static enum walk_end walk_32bit(const struct vx_mmu *mmu, uint64_t lin, bool set_accessed, struct page_walk *walk)
{
    const struct vx_mmu_private *priv = mmu->priv;
    uint64_t pde_phys = (priv->paging.cr3 & 0xFFFFF000u) | (lin >> 22) << 2;
    uint32_t pde = load_entry32(mmu, pde_phys);
    if (!(pde & PTE_P))
        return VX_WALK_NOT_PRESENT;
    if ((pde & PTE_PS) != 0 && priv->pse)
        return leaf_pse(priv, pde, pde_phys, lin, walk);
    if (set_accessed && !(pde & PTE_A))
        set_entry_bits(mmu, pde_phys, PTE_A);
    uint64_t pte_phys = (pde & 0xFFFFF000u) | (lin >> 12 & 0x3FF) << 2;
    return leaf_32bit(priv, pde, load_entry32(mmu, pte_phys), pte_phys, walk);
}

/* A 2 MiB page. */
static enum walk_end leaf_pae_large(const struct vx_mmu_private *priv, uint64_t pde, uint64_t pde_phys, uint64_t lin,
                                    struct page_walk *walk)
{
    walk->large = walk->upper_accessed = true;
    if (pde & 0x1FE000u)
        return VX_WALK_RESERVED;
    walk->user = (pde & PTE_US) != 0;
    walk->write = (pde & PTE_RW) != 0;
    walk->exec = !(pde & PTE_XD);
    walk->frame = (pde & PAE_ADDRESS & ~0x1FFFFFull) | (lin & 0x1FF000u);
    take_leaf(walk, priv, pde_phys, pde);
    return VX_WALK_OK;
}

static enum walk_end leaf_pae(const struct vx_mmu_private *priv, uint64_t pde, uint64_t pte, uint64_t pte_phys,
                              struct page_walk *walk)
{
    walk->large = false;
    walk->upper_accessed = (pde & PTE_A) != 0;
    if (!(pte & PTE_P))
        return VX_WALK_NOT_PRESENT;
    if (pte & priv->reserved_pae)
        return VX_WALK_RESERVED;
    walk->user = (pde & pte & PTE_US) != 0;
    walk->write = (pde & pte & PTE_RW) != 0;
    walk->exec = !((pde | pte) & PTE_XD);
    walk->frame = pte & PAE_ADDRESS;
    take_leaf(walk, priv, pte_phys, pte);
    return VX_WALK_OK;
}

static enum walk_end walk_pae(const struct vx_mmu *mmu, uint64_t lin, bool set_accessed, struct page_walk *walk)
{
    const struct vx_mmu_private *priv = mmu->priv;
    uint64_t pdpte = priv->paging.pdpte[lin >> 30];
    if (!(pdpte & PTE_P))
        return VX_WALK_NOT_PRESENT;
    uint64_t pde_phys = (pdpte & PAE_ADDRESS) | (lin >> 21 & 0x1FF) << 3;
    uint64_t pde = load_entry64(mmu, pde_phys);
    if (!(pde & PTE_P))
        return VX_WALK_NOT_PRESENT;
    if (pde & priv->reserved_pae)
        return VX_WALK_RESERVED;
    if (pde & PTE_PS)
        return leaf_pae_large(priv, pde, pde_phys, lin, walk);
    if (set_accessed && !(pde & PTE_A))
        set_entry_bits(mmu, pde_phys, PTE_A);
    uint64_t pte_phys = (pde & PAE_ADDRESS) | (lin >> 12 & 0x1FF) << 3;
    return leaf_pae(priv, pde, load_entry64(mmu, pte_phys), pte_phys, walk);
}

/* ---- by region: what a window reads of the tables -------------------------------------------------------------- */

unsigned walk_region_shift(const struct vx_mmu *mmu)
{
    return mmu->priv->mode == VX_PAGING_PAE ? 21 : 22;
}

static const uint8_t *backed_table(struct vx_pmap *pmap, uint64_t phys)
{
    uint32_t page = pmap_lookup(pmap, pmap->read_map, phys);
    return pmap_is_backed(pmap, page) ? pmap_hva(pmap, page) : NULL;
}

static void region_32bit(const struct vx_mmu *mmu, uint64_t lin, struct walk_region *region)
{
    uint64_t directory = mmu->priv->paging.cr3 & 0xFFFFF000u;
    const uint8_t *table = backed_table(mmu->pmap, directory);
    if (table == NULL)
        return;
    uint32_t pde = *(const volatile uint32_t *)(table + (lin >> 22) * 4);
    region->entry = pde;
    region->entry_phys = directory | (lin >> 22) << 2;
    region->large = (pde & PTE_PS) != 0 && mmu->priv->pse;
    region->table_phys = pde & 0xFFFFF000u;
}

static void region_pae(const struct vx_mmu *mmu, uint64_t lin, struct walk_region *region)
{
    uint64_t pdpte = mmu->priv->paging.pdpte[lin >> 30];
    const uint8_t *table = pdpte & PTE_P ? backed_table(mmu->pmap, pdpte & PAE_ADDRESS) : NULL;
    if (table == NULL)
        return;
    uint32_t index = lin >> 21 & 0x1FF;
    uint64_t pde = *(const volatile uint64_t *)(table + index * 8);
    region->entry = pde & mmu->priv->reserved_pae ? 0 : pde;
    region->entry_phys = (pdpte & PAE_ADDRESS) | index << 3;
    region->large = (pde & PTE_PS) != 0;
    region->table_phys = pde & PAE_ADDRESS;
}

bool walk_region(const struct vx_mmu *mmu, uint64_t lin, struct walk_region *region)
{
    *region = (struct walk_region){ .entry = 0 };
    if (mmu->priv->mode == VX_PAGING_OFF)
        return true;
    if (mmu->priv->mode == VX_PAGING_PAE)
        region_pae(mmu, lin, region);
    else
        region_32bit(mmu, lin, region);
    region->user = (region->entry & PTE_US) != 0;
    if ((region->entry & PTE_P) && !region->large)
        region->table = backed_table(mmu->pmap, region->table_phys);
    return (region->entry & PTE_P) && (region->large || region->table != NULL);
}

static enum walk_end unpaged(uint64_t lin, struct page_walk *walk)
{
    *walk = (struct page_walk){ .frame = lin & ~VX_PAGE_MASK,
                                .user = true,
                                .write = true,
                                .exec = true,
                                .global = true,
                                .accessed = true,
                                .dirty = true,
                                .upper_accessed = true };
    return VX_WALK_OK;
}

enum walk_end walk_in_region(const struct vx_mmu *mmu, const struct walk_region *region, uint64_t lin,
                             struct page_walk *walk)
{
    const struct vx_mmu_private *priv = mmu->priv;
    if (priv->mode == VX_PAGING_OFF)
        return unpaged(lin, walk);
    if (priv->mode == VX_PAGING_PAE) {
        if (region->large)
            return leaf_pae_large(priv, region->entry, region->entry_phys, lin, walk);
        uint32_t off = (lin >> 12 & 0x1FF) << 3;
        uint64_t pte = *(const volatile uint64_t *)(region->table + off);
        return leaf_pae(priv, region->entry, pte, region->table_phys | off, walk);
    }
    if (region->large)
        return leaf_pse(priv, (uint32_t)region->entry, region->entry_phys, lin, walk);
    uint32_t off = (lin >> 12 & 0x3FF) << 2;
    uint32_t pte = *(const volatile uint32_t *)(region->table + off);
    return leaf_32bit(priv, (uint32_t)region->entry, pte, region->table_phys | off, walk);
}

enum walk_end walk_tables(const struct vx_mmu *mmu, uint64_t lin, bool set_accessed, struct page_walk *walk)
{
    switch (mmu->priv->mode) {
    case VX_PAGING_32BIT: return walk_32bit(mmu, lin, set_accessed, walk);
    case VX_PAGING_PAE: return walk_pae(mmu, lin, set_accessed, walk);
    case VX_PAGING_OFF: break;
    }
    return unpaged(lin, walk);
}

/* ---- for people -------------------------------------------------------------------------------------------------- */

/* Adds the entry at `phys` to the trace; false when the walk ends there. */
static bool trace_entry(const struct vx_mmu *mmu, struct vx_walk_trace *trace, const char *name, uint64_t phys)
{
    struct vx_walk_level *level = &trace->level[trace->levels++];
    const uint8_t *table = backed_table(mmu->pmap, phys);
    *level = (struct vx_walk_level){ .name = name, .phys = phys, .readable = table != NULL };
    if (table == NULL)
        return false;
    memcpy(&level->entry, table + (phys & VX_PAGE_MASK), mmu->priv->mode == VX_PAGING_PAE ? 8 : 4);
    return (level->entry & PTE_P) != 0;
}

/* The PDPTEs that count are those that the CPU has loaded. Returns where the directory is, 0: there is none. */
static bool trace_pdpte(const struct vx_mmu *mmu, uint64_t lin, struct vx_walk_trace *trace, uint64_t *directory)
{
    const struct vx_paging *paging = &mmu->priv->paging;
    *directory = paging->pdpte[lin >> 30];
    trace->page_bytes = 1u << 30;
    trace->level[trace->levels++] = (struct vx_walk_level){
        .name = "PDPTE", .phys = (paging->cr3 & 0xFFFFFFE0u) + (lin >> 30) * 8, .entry = *directory, .readable = true
    };
    return (*directory & PTE_P) != 0;
}

static void trace_leaf(const struct vx_mmu *mmu, uint64_t lin, const struct walk_region *region,
                       struct vx_walk_trace *trace)
{
    struct page_walk walk;
    enum walk_end end = walk_in_region(mmu, region, lin, &walk);
    trace->mapped = end == VX_WALK_OK;
    trace->reserved = end == VX_WALK_RESERVED;
    if (!trace->mapped)
        return;
    trace->phys = walk.frame | (lin & VX_PAGE_MASK);
    trace->user = walk.user;
    trace->write = walk.write;
    trace->exec = walk.exec;
    trace->global = walk.global;
    trace->accessed = walk.accessed;
    trace->dirty = walk.dirty;
}

void vx_mmu_trace(const struct vx_mmu *mmu, uint64_t lin, struct vx_walk_trace *trace)
{
    struct walk_region region;
    bool pae = mmu->priv->mode == VX_PAGING_PAE;
    uint64_t directory = mmu->priv->paging.cr3 & 0xFFFFF000u;
    unsigned shift = walk_region_shift(mmu), entry_bytes = pae ? 8 : 4;
    *trace = (struct vx_walk_trace){ .page_bytes = VX_PAGE_BYTES };
    lin = vx_lin_wrap(lin);
    if (mmu->priv->mode != VX_PAGING_OFF) {
        if (pae && !trace_pdpte(mmu, lin, trace, &directory))
            return;
        trace->page_bytes = 1u << shift;
        uint64_t index = lin >> shift & (pae ? 0x1FF : 0x3FF);
        if (!trace_entry(mmu, trace, "PDE", (directory & PAE_ADDRESS) + index * entry_bytes))
            return;
    }
    bool found = walk_region(mmu, lin, &region);
    trace->reserved = trace->levels != 0 && region.entry == 0;
    if (trace->levels != 0 && !trace->reserved && !region.large) {
        uint64_t index = lin >> VX_PAGE_SHIFT & (VX_PAGE_BYTES / entry_bytes - 1);
        trace->page_bytes = VX_PAGE_BYTES;
        trace_entry(mmu, trace, "PTE", region.table_phys + index * entry_bytes);
    }
    if (found)
        trace_leaf(mmu, lin, &region, trace);
}

/* ---- rights ------------------------------------------------------------------------------------------------------ */

bool walk_allows(const struct vx_mmu_private *priv, const struct page_walk *walk, enum vx_access access,
                 enum vx_view view)
{
    if (priv->mode == VX_PAGING_OFF)
        return true;
    if (view == VX_VIEW_USER) {
        if (!walk->user)
            return false;
    } else if (walk->user) {
        bool smap = view == VX_VIEW_SYSTEM ? priv->smap : priv->smap_in_force;
        if (access == VX_ACCESS_FETCH ? priv->smep : smap)
            return false;
    }
    switch (access) {
    case VX_ACCESS_READ: return true;
    case VX_ACCESS_WRITE: return walk->write || (view != VX_VIEW_USER && !priv->wp);
    case VX_ACCESS_FETCH: return walk->exec;
    }
    return false;
}

static bool page_fault(struct vx_mmu *mmu, uint64_t lin, enum vx_access access, enum vx_view view, uint32_t error)
{
    struct vx_mmu_private *priv = mmu->priv;
    if (access == VX_ACCESS_WRITE)
        error |= VX_PF_W;
    if (view == VX_VIEW_USER)
        error |= VX_PF_U;
    if (access == VX_ACCESS_FETCH && priv->report_fetch)
        error |= VX_PF_I;
    mmu->fault = (struct vx_fault){ .vector = 14, .has_error = true, .error = error, .lin = lin };
    priv->stats->true_faults++;
    vx_trace(priv->log, mmu_page_fault, lin, error);
    return false;
}

bool walk_resolve(struct vx_mmu *mmu, uint64_t lin, enum vx_access access, enum vx_view view, struct page_walk *walk)
{
    struct vx_mmu_private *priv = mmu->priv;
    priv->stats->tlb_misses++;
    enum walk_end end = walk_tables(mmu, lin, true, walk);
    if (VX_UNLIKELY(end != VX_WALK_OK))
        return page_fault(mmu, lin, access, view, end == VX_WALK_RESERVED ? VX_PF_P | VX_PF_RSVD : 0);
    if (VX_UNLIKELY(!walk_allows(priv, walk, access, view)))
        return page_fault(mmu, lin, access, view, VX_PF_P);

    bool make_dirty = access == VX_ACCESS_WRITE && !walk->dirty;
    if (VX_UNLIKELY(!walk->accessed || make_dirty)) { /* one update for both: keeps I1 */
        set_entry_bits(mmu, walk->leaf_phys, make_dirty ? PTE_A | PTE_D : PTE_A);
        walk->accessed = true;
        walk->dirty |= make_dirty;
    }
    shadow_fill(mmu, lin, access, view, walk);
    return true;
}
