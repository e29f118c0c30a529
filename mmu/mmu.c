/* mmu.c - the mmu's life and its control state: CR0, CR3, CR4, EFER and what a change of them flushes.
 *
 * Sources: SDM 3A "Paging Modes and Control Bits", "PAE Paging" (PDPTE registers), "Operations that Invalidate TLBs
 * and Paging-Structure Caches".
 *
 *   I1  The shadow holds only what the control state in `paging` allows: bits that enter its tags (WP, SMEP, SMAP, AC)
 *       drop what they would now forbid, even where the silicon looks at them on each access and flushes nothing. */
#include <stdlib.h>

#include "mmu_private.h"

#define PHYS_BITS_DEFAULT 36

static void take_paging(struct vx_mmu_private *priv, const struct vx_paging *paging)
{
    priv->paging = *paging;
    uint64_t cr4 = paging->cr4;
    if (!(paging->cr0 & VX_MMU_CR0_PG))
        priv->mode = VX_PAGING_OFF;
    else
        priv->mode = cr4 & VX_MMU_CR4_PAE ? VX_PAGING_PAE : VX_PAGING_32BIT;
    priv->pse = (cr4 & VX_MMU_CR4_PSE) != 0;
    priv->pge = (cr4 & VX_MMU_CR4_PGE) != 0;
    priv->nxe = (paging->efer & VX_MMU_EFER_NXE) != 0;
    priv->wp = (paging->cr0 & VX_MMU_CR0_WP) != 0;
    priv->smep = (cr4 & VX_MMU_CR4_SMEP) != 0;
    priv->smap = (cr4 & VX_MMU_CR4_SMAP) != 0;
    priv->smap_in_force = priv->smap && !paging->ac;
    priv->report_fetch = priv->smep || (priv->nxe && priv->mode == VX_PAGING_PAE);

    unsigned phys_bits = paging->phys_bits;
    uint64_t above = ~((1ull << phys_bits) - 1);
    priv->reserved_pae = (above & ~(1ull << 63)) | (priv->nxe ? 0 : 1ull << 63);
    /* PSE-36: bits 20..13 of the PDE are address bits 39..32 as far as there are any; bit 21 is always reserved. */
    unsigned first = phys_bits >= 40 ? 21 : phys_bits - 32 + 13;
    priv->reserved_pse = (1u << 22) - (1u << first);
}

vx_err vx_mmu_create(struct vx_log *log, struct vx_stats *stats, struct vx_pmap *pmap, struct vx_mmu **out)
{
    struct {
        struct vx_mmu mmu;
        struct vx_mmu_private priv;
    } *whole = calloc(1, sizeof *whole);
    if (whole == NULL)
        return VX_ERR_NO_MEMORY;
    struct vx_mmu *mmu = &whole->mmu;
    mmu->priv = &whole->priv;
    mmu->pmap = pmap;
    mmu->priv->log = log;
    mmu->priv->stats = stats;
    take_paging(mmu->priv, &(struct vx_paging){ .phys_bits = PHYS_BITS_DEFAULT });
    vx_err err = shadow_create(mmu);
    if (err != VX_ERR_OK) {
        vx_mmu_destroy(mmu);
        return err;
    }
    *out = mmu;
    return VX_ERR_OK;
}

void vx_mmu_destroy(struct vx_mmu *mmu)
{
    if (mmu == NULL)
        return;
    windows_close(mmu);
    shadow_destroy(mmu);
    free(mmu);
}

void vx_mmu_on_flush(struct vx_mmu *mmu, vx_mmu_flush_fn *fn, void *opaque)
{
    struct vx_mmu_private *priv = mmu->priv;
    VX_ASSERT(priv->flush_listeners < VX_MMU_FLUSH_LISTENERS);
    priv->on_flush[priv->flush_listeners].fn = fn;
    priv->on_flush[priv->flush_listeners].opaque = opaque;
    priv->flush_listeners++;
}

const struct vx_paging *vx_mmu_paging(const struct vx_mmu *mmu)
{
    return &mmu->priv->paging;
}

/* SDM 3A "PAE Paging", "PDPTE Registers": loaded by MOV to CR3, and by MOV to CR0 and CR4 that change these bits. */
static bool loads_pdptes(const struct vx_paging *old, const struct vx_paging *new, bool cr3_written)
{
    const uint64_t cr0 = VX_MMU_CR0_CD | VX_MMU_CR0_NW | VX_MMU_CR0_PG;
    const uint64_t cr4 = VX_MMU_CR4_PAE | VX_MMU_CR4_PGE | VX_MMU_CR4_PSE | VX_MMU_CR4_SMEP;
    if (!(new->cr0 &VX_MMU_CR0_PG) || !(new->cr4 &VX_MMU_CR4_PAE))
        return false;
    return cr3_written || ((old->cr0 ^ new->cr0) & cr0) != 0 || ((old->cr4 ^ new->cr4) & cr4) != 0;
}

bool vx_mmu_pdpte_valid(uint64_t pdpte, unsigned phys_bits)
{
    uint64_t reserved = ~((1ull << phys_bits) - 1) | 0x1E6u;
    return !(pdpte & 1) || (pdpte & reserved) == 0;
}

static bool load_pdptes(struct vx_mmu *mmu, struct vx_paging *paging)
{
    for (unsigned i = 0; i < VX_ARRAY_LEN(paging->pdpte); i++) {
        paging->pdpte[i] = vx_pmap_cpu_load(mmu->pmap, mmu->cpu, (paging->cr3 & 0xFFFFFFE0u) + 8 * i, 8);
        if (!vx_mmu_pdpte_valid(paging->pdpte[i], paging->phys_bits)) {
            mmu->fault = (struct vx_fault){ .vector = 13, .has_error = true };
            return false;
        }
    }
    return true;
}

/* Whether the change makes translations of either kind wrong, or the SDM says that it flushes them. */
static bool flushes_all(const struct vx_paging *old, const struct vx_paging *new)
{
    const uint64_t cr4 = VX_MMU_CR4_PSE | VX_MMU_CR4_PAE | VX_MMU_CR4_PGE | VX_MMU_CR4_SMEP | VX_MMU_CR4_SMAP;
    return ((old->cr0 ^ new->cr0) & VX_MMU_CR0_PG) != 0 || ((old->cr4 ^ new->cr4) & cr4) != 0 ||
           ((old->efer ^ new->efer) & VX_MMU_EFER_NXE) != 0 || old->phys_bits != new->phys_bits;
}

/* Whether entries of the guest's tables mean something else now. */
static bool changes_tables(const struct vx_paging *old, const struct vx_paging *new)
{
    return ((old->cr0 ^ new->cr0) & VX_MMU_CR0_PG) != 0 ||
           ((old->cr4 ^ new->cr4) & (VX_MMU_CR4_PSE | VX_MMU_CR4_PAE)) != 0 ||
           ((old->efer ^ new->efer) & VX_MMU_EFER_NXE) != 0 || old->phys_bits != new->phys_bits;
}

bool vx_mmu_set_paging(struct vx_mmu *mmu, const struct vx_paging *paging, bool cr3_written)
{
    struct vx_mmu_private *priv = mmu->priv;
    struct vx_paging old = priv->paging;
    struct vx_paging new = *paging;
    memcpy(new.pdpte, old.pdpte, sizeof new.pdpte);
    VX_ASSERT(new.phys_bits >= 32 && new.phys_bits <= 52);
    if (loads_pdptes(&old, &new, cr3_written) && !load_pdptes(mmu, &new))
        return false;
    take_paging(priv, &new);

    if (flushes_all(&old, &new)) {
        if (changes_tables(&old, &new))
            windows_restructure(mmu);
        vx_mmu_flush(mmu, true);
        return true;
    }
    if (cr3_written && priv->mode != VX_PAGING_OFF)
        vx_mmu_flush(mmu, false);
    if ((new.cr0 & ~old.cr0 &VX_MMU_CR0_WP) != 0) /* keeps I1 */
        shadow_drop_supervisor(mmu);
    else if (old.ac && !new.ac && priv->ac_count != 0)
        shadow_drop_ac(mmu);
    return true;
}

void vx_mmu_restore_paging(struct vx_mmu *mmu, const struct vx_paging *paging)
{
    take_paging(mmu->priv, paging);
    windows_restructure(mmu);
    vx_mmu_flush(mmu, true);
}

bool vx_mmu_peek(struct vx_mmu *mmu, uint64_t lin, uint64_t *phys)
{
    struct page_walk walk;
    if (walk_tables(mmu, vx_lin_wrap(lin), false, &walk) != VX_WALK_OK)
        return false;
    *phys = walk.frame | (lin & VX_PAGE_MASK);
    return true;
}

bool vx_mmu_fetches(const struct vx_mmu *mmu, uint64_t lin, enum vx_view view, uint32_t *page)
{
    struct page_walk walk;
    if (walk_tables(mmu, vx_lin_wrap(lin), false, &walk) != VX_WALK_OK || !walk.accessed || !walk.upper_accessed ||
        !walk_allows(mmu->priv, &walk, VX_ACCESS_FETCH, view))
        return false;
    *page = pmap_lookup(mmu->pmap, mmu->pmap->read_map, walk.frame);
    return pmap_is_backed(mmu->pmap, *page);
}

bool vx_mmu_is_global(struct vx_mmu *mmu, uint64_t lin)
{
    struct page_walk walk;
    return walk_tables(mmu, vx_lin_wrap(lin), false, &walk) == VX_WALK_OK && walk.global;
}
