/* watch.c - a debugger's watchpoints on memory.
 *
 *   I1  A page with a watched byte is mapped in no window, and has no tag in any soft TLB, for the accesses that are
 *       watched there, so each of them comes through access.c, which tells it here before it is made. Where reads are
 *       watched there is no writing either: a read-modify-write may go by that alone. Reads of a page where only writes
 *       are watched cost nothing. */
#include "mmu_private.h"

static bool overlaps(const struct vx_mmu_watch *watch, uint64_t lin, uint64_t phys, uint64_t bytes)
{
    uint64_t first = watch->physical ? phys : lin;
    return first <= watch->last && watch->first <= first + bytes - 1;
}

unsigned watch_page(const struct vx_mmu *mmu, uint64_t lin, uint64_t frame)
{
    const struct vx_mmu_private *priv = mmu->priv;
    unsigned kinds = 0;
    for (unsigned i = 0; i < priv->watch_count; i++)
        if (overlaps(&priv->watch[i], lin & ~VX_PAGE_MASK, frame, VX_PAGE_BYTES))
            kinds |= priv->watch[i].kinds;
    return kinds;
}

void watch_tell_slow(struct vx_mmu *mmu, unsigned kind, uint64_t lin, uint64_t phys, size_t bytes, const void *value)
{
    const struct vx_mmu_private *priv = mmu->priv;
    struct vx_mmu_watched access = { (uint8_t)kind, lin, phys, bytes, value };
    for (unsigned i = 0; i < priv->watch_count; i++)
        if ((priv->watch[i].kinds & kind) && overlaps(&priv->watch[i], lin, phys, bytes))
            priv->watch_fn(priv->watch_opaque, &priv->watch[i], &access);
}

void vx_mmu_set_watches(struct vx_mmu *mmu, const struct vx_mmu_watch *list, unsigned count, vx_mmu_watch_fn *fn,
                        void *opaque)
{
    struct vx_mmu_private *priv = mmu->priv;
    priv->watch = list;
    priv->watch_count = count;
    priv->watch_fn = fn;
    priv->watch_opaque = opaque;
    windows_drop_all(mmu);
    vx_mmu_flush(mmu, true); /* keeps I1 */
}
