/* access.c - linear accesses that missed the inline probe: misses, page crossings, MMIO, code pages, faults.
 *
 *   I1  All pages of an access are resolved (A and D set, faults raised) before any byte is read or written.
 *   I2  Stores that a shadow must not let through (code, dirty tracking, ROM, bus) go to the pmap, which tells whoever
 *       has to know after the bytes have changed. */
#include "mmu_private.h"

/* One page's part of an access: `hva` when it may be accessed in place, else by physical address. */
struct piece {
    uint8_t *hva;
    uint64_t lin;
    uint64_t phys;
    size_t bytes;
};

static const uint32_t *tags_for(const struct vx_tlb *tlb, enum vx_access access)
{
    switch (access) {
    case VX_ACCESS_READ: return tlb->read_tag;
    case VX_ACCESS_WRITE: return tlb->write_tag;
    case VX_ACCESS_FETCH: break;
    }
    return tlb->fetch_tag;
}

static bool crosses(uint64_t lin, size_t bytes)
{
    return (lin & VX_PAGE_MASK) + bytes > VX_PAGE_BYTES;
}

/* Resolves [lin, lin + bytes), which lies in one page. */
static bool resolve_piece(struct vx_mmu *mmu, uint64_t lin, size_t bytes, enum vx_access access, enum vx_view view,
                          struct piece *piece)
{
    const struct vx_tlb *tlb = mmu->tlb[view];
    const uint32_t *tags = tags_for(tlb, access);
    piece->bytes = bytes;
    piece->lin = lin;
    piece->phys = 0;
    piece->hva = vx_tlb_probe(tlb, tags, lin, 1);
    if (piece->hva != NULL)
        return true;
    struct page_walk walk;
    if (!walk_resolve(mmu, lin, access, view, &walk))
        return false;
    piece->phys = walk.frame | (lin & VX_PAGE_MASK);
    piece->hva = vx_tlb_probe(tlb, tags, lin, 1);
    return true;
}

/* Resolves any access of up to a page into its pieces; returns how many (at most 2), 0 on a fault: keeps I1. */
static unsigned resolve(struct vx_mmu *mmu, uint64_t lin, size_t bytes, enum vx_access access, enum vx_view view,
                        struct piece piece[2])
{
    if (!crosses(lin, bytes))
        return resolve_piece(mmu, lin, bytes, access, view, &piece[0]) ? 1 : 0;
    size_t first = VX_PAGE_BYTES - (lin & VX_PAGE_MASK);
    mmu->priv->stats->slow_cross++;
    bool ok = resolve_piece(mmu, lin, first, access, view, &piece[0]) &&
              resolve_piece(mmu, vx_lin_wrap(lin + first), bytes - first, access, view, &piece[1]);
    return ok ? 2 : 0;
}

/* Counts an access that is made by physical address, by what made it so. */
static void count_slow(struct vx_mmu *mmu, uint64_t phys, enum vx_access access)
{
    struct vx_stats *stats = mmu->priv->stats;
    uint32_t page =
        access == VX_ACCESS_WRITE ? vx_pmap_write_page(mmu->pmap, phys) : vx_pmap_read_page(mmu->pmap, phys);
    if (page == VX_PMAP_BUS)
        stats->slow_mmio++;
    else if (access == VX_ACCESS_WRITE && vx_pmap_is_code(mmu->pmap, page))
        stats->slow_code++;
}

static void piece_read(struct vx_mmu *mmu, const struct piece *piece, void *to)
{
    if (piece->hva != NULL) {
        memcpy(to, piece->hva, piece->bytes);
        return;
    }
    watch_tell(mmu, VX_WATCH_READ, piece->lin, piece->phys, piece->bytes, NULL);
    count_slow(mmu, piece->phys, VX_ACCESS_READ);
    vx_pmap_cpu_read(mmu->pmap, mmu->cpu, piece->phys, to, piece->bytes);
}

static void piece_write(struct vx_mmu *mmu, const struct piece *piece, const void *from)
{
    if (piece->hva != NULL) {
        memcpy(piece->hva, from, piece->bytes);
        return;
    }
    watch_tell(mmu, VX_WATCH_WRITE, piece->lin, piece->phys, piece->bytes, from);
    count_slow(mmu, piece->phys, VX_ACCESS_WRITE);
    vx_pmap_cpu_write(mmu->pmap, mmu->cpu, piece->phys, from, piece->bytes); /* keeps I2 */
}

bool vx_mmu_read_bytes(struct vx_mmu *mmu, uint64_t lin, void *buf, size_t bytes, enum vx_view view)
{
    VX_ASSERT(bytes <= VX_PAGE_BYTES);
    struct piece piece[2];
    if (bytes == 0)
        return true;
    unsigned count = resolve(mmu, vx_lin_wrap(lin), bytes, VX_ACCESS_READ, view, piece);
    if (count == 0)
        return false;
    piece_read(mmu, &piece[0], buf);
    if (count == 2)
        piece_read(mmu, &piece[1], (uint8_t *)buf + piece[0].bytes);
    return true;
}

bool vx_mmu_write_bytes(struct vx_mmu *mmu, uint64_t lin, const void *buf, size_t bytes, enum vx_view view)
{
    VX_ASSERT(bytes <= VX_PAGE_BYTES);
    struct piece piece[2];
    if (bytes == 0)
        return true;
    unsigned count = resolve(mmu, vx_lin_wrap(lin), bytes, VX_ACCESS_WRITE, view, piece);
    if (count == 0)
        return false;
    piece_write(mmu, &piece[0], buf);
    if (count == 2)
        piece_write(mmu, &piece[1], (const uint8_t *)buf + piece[0].bytes);
    return true;
}

bool vx_mmu_probe(struct vx_mmu *mmu, uint64_t lin, size_t bytes, enum vx_access access, enum vx_view view)
{
    VX_ASSERT(bytes <= VX_PAGE_BYTES);
    struct piece piece[2];
    return bytes == 0 || resolve(mmu, vx_lin_wrap(lin), bytes, access, view, piece) != 0;
}

bool vx_mmu_read_slow(struct vx_mmu *mmu, uint64_t lin, unsigned size, enum vx_view view, uint64_t *value)
{
    lin = vx_lin_wrap(lin);
    if (crosses(lin, size)) {
        uint64_t bytes = 0;
        if (!vx_mmu_read_bytes(mmu, lin, &bytes, size, view))
            return false;
        *value = bytes;
        return true;
    }
    struct page_walk walk;
    if (!walk_resolve(mmu, lin, VX_ACCESS_READ, view, &walk))
        return false;
    uint64_t phys = walk.frame | (lin & VX_PAGE_MASK);
    watch_tell(mmu, VX_WATCH_READ, lin, phys, size, NULL);
    uint32_t page = pmap_lookup(mmu->pmap, mmu->pmap->read_map, phys);
    if (VX_LIKELY(pmap_is_backed(mmu->pmap, page))) {
        *value = load_sized(pmap_hva(mmu->pmap, page) + (lin & VX_PAGE_MASK), size);
    } else {
        mmu->priv->stats->slow_mmio++;
        *value = vx_pmap_cpu_load(mmu->pmap, mmu->cpu, phys, size);
    }
    return true;
}

bool vx_mmu_write_slow(struct vx_mmu *mmu, uint64_t lin, unsigned size, enum vx_view view, uint64_t value)
{
    lin = vx_lin_wrap(lin);
    if (crosses(lin, size))
        return vx_mmu_write_bytes(mmu, lin, &value, size, view);
    struct page_walk walk;
    if (!walk_resolve(mmu, lin, VX_ACCESS_WRITE, view, &walk))
        return false;
    const struct vx_tlb *tlb = mmu->tlb[view];
    uint8_t *hva = vx_tlb_probe(tlb, tlb->write_tag, lin, size);
    if (VX_LIKELY(hva != NULL)) {
        store_sized(hva, size, value);
        return true;
    }
    uint64_t phys = walk.frame | (lin & VX_PAGE_MASK);
    watch_tell(mmu, VX_WATCH_WRITE, lin, phys, size, &value);
    count_slow(mmu, phys, VX_ACCESS_WRITE);
    vx_pmap_cpu_store(mmu->pmap, mmu->cpu, phys, size, value); /* keeps I2 */
    return true;
}

bool vx_mmu_translate(struct vx_mmu *mmu, uint64_t lin, enum vx_access access, enum vx_view view, uint64_t *phys)
{
    struct page_walk walk;
    if (!walk_resolve(mmu, vx_lin_wrap(lin), access, view, &walk))
        return false;
    *phys = walk.frame | (lin & VX_PAGE_MASK);
    return true;
}

void vx_mmu_prefill(struct vx_mmu *mmu, uint64_t lin, enum vx_view view)
{
    struct page_walk walk;
    lin = vx_lin_wrap(lin);
    if (walk_tables(mmu, lin, false, &walk) != VX_WALK_OK || !walk.accessed)
        return;
    mmu->priv->stats->tlb_misses++;
    if (walk_tables(mmu, lin, true, &walk) == VX_WALK_OK && walk_allows(mmu->priv, &walk, VX_ACCESS_READ, view))
        shadow_fill(mmu, lin, VX_ACCESS_READ, view, &walk);
}

bool vx_mmu_direct(struct vx_mmu *mmu, uint64_t lin, unsigned size, enum vx_access access, enum vx_view view,
                   uint8_t **hva)
{
    struct piece piece;
    *hva = NULL;
    if (crosses(lin, size))
        return true;
    if (!resolve_piece(mmu, vx_lin_wrap(lin), size, access, view, &piece))
        return false;
    *hva = piece.hva;
    return true;
}
