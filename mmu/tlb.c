/* tlb.c - the soft TLB: filling entries, dropping them, and flushing at the cost of what was filled.
 *
 *   I1  A tag in a slot is minus the vpn, or matches nothing: VX_TLB_INVALID, or zero outside indices 0 and FFFFh. (A
 *       zero tag matches vpn 0 alone, which is looked for at index 0, and at FFFFh when an access wraps at 4 GiB. So
 *       fresh zeroed memory is an empty table but for these two indices.)
 *   I2  All tags of a slot that match belong to one vpn, and `addend` is right for it.
 *   I3  A slot with a matching tag is in the local log (non-global translations) or in the global log, as SLOT_* bits
 *       of slot_state say; a slot may be in both after having held both kinds, and in neither log twice.
 *   I4  writer[page] covers every slot whose write tag lets stores into that backing page through: NOBODY, or
 *       1 + the only slot that may, or SEVERAL. It is a bound: the slot may have been dropped since.
 *   I5  Regions of 4 MiB with translations from large pages are in `large`: INVLPG of one address there drops all of
 *       it.
 *   I6  User pages filled into the supervisor view while EFLAGS.AC suspends SMAP are in ac_slot, or ac_count is over
 *       its length. */
#include "backing.h"
#include "mmu_private.h"

enum {
    SLOT_IN_LOCAL = 1u << 0,  /* logged in priv->local */
    SLOT_IN_GLOBAL = 1u << 1, /* logged in priv->global */
    SLOT_GLOBAL = 1u << 2,    /* holds a global translation now */
};

enum { WRITER_NOBODY = 0, WRITER_SEVERAL = UINT32_MAX };

/* With more slots than this in a log, clearing whole tables is cheaper than visiting slots. */
#define FLUSH_ALL_ABOVE 12288u
#define TAG_BYTES       (VX_TLB_ENTRIES * sizeof(uint32_t))
#define LOG_BYTES       (VX_TLB_SLOTS * sizeof(uint32_t))
#define NO_VPN          UINT32_MAX

static inline uint32_t slot_of(enum vx_view view, uint32_t index)
{
    return (uint32_t)view << 16 | index;
}

static inline struct vx_tlb *tlb_of_slot(const struct vx_mmu *mmu, uint32_t slot)
{
    return mmu->tlb[slot >> 16];
}

static inline uint32_t index_of_slot(uint32_t slot)
{
    return slot & (VX_TLB_ENTRIES - 1);
}

/* The vpn for which a tag at `index` matches, NO_VPN for none: see I1. */
static inline uint32_t vpn_of_tag(uint32_t tag, uint32_t index)
{
    uint32_t vpn = 0u - tag;
    return vpn < 1u << 20 && (vpn & (VX_TLB_ENTRIES - 1)) == index ? vpn : NO_VPN;
}

static inline void slot_drop(struct vx_mmu *mmu, uint32_t slot)
{
    struct vx_tlb *tlb = tlb_of_slot(mmu, slot);
    uint32_t index = index_of_slot(slot);
    tlb->read_tag[index] = tlb->write_tag[index] = tlb->fetch_tag[index] = VX_TLB_INVALID;
}

/* The backing page that a slot leads to, VX_PMAP_BUS when it is empty. */
static uint32_t slot_page(const struct vx_mmu *mmu, uint32_t slot)
{
    const struct vx_tlb *tlb = tlb_of_slot(mmu, slot);
    uint32_t index = index_of_slot(slot);
    uint32_t vpn = vpn_of_tag(tlb->read_tag[index], index);
    if (vpn == NO_VPN)
        vpn = vpn_of_tag(tlb->fetch_tag[index], index);
    if (vpn == NO_VPN)
        return VX_PMAP_BUS;
    uint64_t hva = tlb->addend[index] + ((uint64_t)vpn << VX_PAGE_SHIFT);
    return (uint32_t)((hva - (uintptr_t)mmu->pmap->base) >> VX_PAGE_SHIFT);
}

static bool slot_writes(const struct vx_mmu *mmu, uint32_t slot, uint32_t page)
{
    uint32_t index = index_of_slot(slot);
    return vpn_of_tag(tlb_of_slot(mmu, slot)->write_tag[index], index) != NO_VPN && slot_page(mmu, slot) == page;
}

/* ---- filling ----------------------------------------------------------------------------------------------------- */

static inline void log_slot(struct vx_mmu_private *priv, uint32_t slot, bool global)
{
    uint8_t state = priv->slot_state[slot];
    uint8_t in = global ? SLOT_IN_GLOBAL : SLOT_IN_LOCAL;
    if (!(state & in)) { /* keeps I3 */
        struct fill_log *log = global ? &priv->global : &priv->local;
        log->slot[log->count++] = slot;
    }
    state = (uint8_t)((state & ~SLOT_GLOBAL) | in);
    priv->slot_state[slot] = global ? state | SLOT_GLOBAL : state;
}

static inline void note_writer(struct vx_mmu *mmu, uint32_t page, uint32_t slot)
{
    uint32_t *writer = &mmu->priv->writer[page];
    if (*writer == slot + 1 || *writer == WRITER_SEVERAL)
        return;
    bool other = *writer != WRITER_NOBODY && slot_writes(mmu, *writer - 1, page);
    *writer = other ? WRITER_SEVERAL : slot + 1; /* keeps I4 */
}

static void note_ac(struct vx_mmu_private *priv, uint32_t slot)
{
    if (priv->ac_count < VX_AC_LOG)
        priv->ac_slot[priv->ac_count] = slot;
    if (priv->ac_count <= VX_AC_LOG)
        priv->ac_count++;
}

/* Whether stores through a shadow may reach `page` unseen; it is the backing for reads of the walked frame. */
static bool is_plain_for_writes(struct vx_pmap *pmap, const struct page_walk *walk, uint32_t page,
                                enum vx_access access)
{
    if (pmap_lookup(pmap, pmap->write_map, walk->frame) != page)
        return false;
    if (access == VX_ACCESS_WRITE)
        pmap->flags[page] &= (uint8_t)~VX_PAGE_WATCHED;
    return !(pmap->flags[page] & VX_PAGE_NOTICE);
}

void shadow_fill(struct vx_mmu *mmu, uint64_t lin, enum vx_access access, enum vx_view view,
                 const struct page_walk *walk)
{
    struct vx_mmu_private *priv = mmu->priv;
    struct vx_pmap *pmap = mmu->pmap;
    uint32_t page = pmap_lookup(pmap, pmap->read_map, walk->frame);
    if (!pmap_is_backed(pmap, page))
        return;
    bool write =
        walk->dirty && walk_allows(priv, walk, VX_ACCESS_WRITE, view) && is_plain_for_writes(pmap, walk, page, access);
    uint32_t index = vx_tlb_index(lin), slot = slot_of(view, index);
    uint32_t tag = 0u - (uint32_t)(lin >> VX_PAGE_SHIFT);
    struct vx_tlb *tlb = mmu->tlb[view];
    unsigned watched = VX_UNLIKELY(priv->watch_count != 0) ? watch_page(mmu, lin, walk->frame) : 0;
    bool read = !(watched & VX_WATCH_READ) && walk_allows(priv, walk, VX_ACCESS_READ, view);
    write = write && watched == 0;
    tlb->read_tag[index] = read ? tag : VX_TLB_INVALID; /* keeps I2 */
    tlb->write_tag[index] = write ? tag : VX_TLB_INVALID;
    tlb->fetch_tag[index] = walk_allows(priv, walk, VX_ACCESS_FETCH, view) ? tag : VX_TLB_INVALID;
    tlb->addend[index] = (uintptr_t)pmap_hva(pmap, page) - (lin & ~VX_PAGE_MASK);

    log_slot(priv, slot, walk->global);
    if (write)
        note_writer(mmu, page, slot);
    if (VX_UNLIKELY(walk->large)) {
        priv->any_large = true;
        priv->large[lin >> 27] |= 1u << (lin >> 22 & 31); /* keeps I5 */
    }
    if (VX_UNLIKELY(view == VX_VIEW_SUPERVISOR && walk->user && priv->paging.ac &&
                    (priv->paging.cr4 & VX_MMU_CR4_SMAP)))
        note_ac(priv, slot); /* keeps I6 */
    priv->stats->shadow_faults++;
    vx_trace(priv->log, mmu_tlb_fill, lin, walk->frame, (unsigned)view, (unsigned)write);
}

/* ---- dropping ---------------------------------------------------------------------------------------------------- */

static void invalidate_ends(struct vx_tlb *tlb)
{
    static const uint32_t end[] = { 0, VX_TLB_ENTRIES - 1 }; /* I1 */
    for (unsigned i = 0; i < VX_ARRAY_LEN(end); i++)
        tlb->read_tag[end[i]] = tlb->write_tag[end[i]] = tlb->fetch_tag[end[i]] = VX_TLB_INVALID;
}

/* Calls for every slot that may hold something; the slots stay logged. */
typedef void slot_fn(struct vx_mmu *mmu, uint32_t slot, uint32_t first_page, uint32_t count);

static void each_slot(struct vx_mmu *mmu, slot_fn *fn, uint32_t first_page, uint32_t count)
{
    struct vx_mmu_private *priv = mmu->priv;
    for (uint32_t i = 0; i < priv->local.count; i++)
        fn(mmu, priv->local.slot[i], first_page, count);
    for (uint32_t i = 0; i < priv->global.count; i++)
        fn(mmu, priv->global.slot[i], first_page, count);
}

static void drop_if_system(struct vx_mmu *mmu, uint32_t slot, uint32_t first_page, uint32_t count)
{
    (void)first_page, (void)count;
    if (slot >> 16 == VX_VIEW_SYSTEM)
        slot_drop(mmu, slot);
}

/* The system's table has few slots in use: they are dropped one by one. */
static void clear_tables(struct vx_mmu *mmu)
{
    each_slot(mmu, drop_if_system, 0, 0);
    for (unsigned view = 0; view < VX_VIEW_SYSTEM; view++) {
        struct vx_tlb *tlb = mmu->tlb[view];
        memset(tlb->read_tag, 0, TAG_BYTES);
        memset(tlb->write_tag, 0, TAG_BYTES);
        memset(tlb->fetch_tag, 0, TAG_BYTES);
        invalidate_ends(tlb);
    }
    memset(mmu->priv->slot_state, 0, VX_TLB_SLOTS);
    mmu->priv->local.count = mmu->priv->global.count = 0;
}

/* Empties one log. Slots that meanwhile hold the other kind stay if `keep_global` (they are in the global log, I3). */
static void drop_log(struct vx_mmu *mmu, struct fill_log *log, uint8_t in, bool keep_global)
{
    uint8_t *slot_state = mmu->priv->slot_state;
    for (uint32_t i = 0; i < log->count; i++) {
        uint32_t slot = log->slot[i];
        if (!keep_global || !(slot_state[slot] & SLOT_GLOBAL))
            slot_drop(mmu, slot);
        slot_state[slot] &= (uint8_t)~in;
    }
    log->count = 0;
}

void shadow_drop_all(struct vx_mmu *mmu)
{
    struct vx_mmu_private *priv = mmu->priv;
    if (priv->local.count + priv->global.count > FLUSH_ALL_ABOVE) {
        clear_tables(mmu);
    } else {
        drop_log(mmu, &priv->local, SLOT_IN_LOCAL, false);
        drop_log(mmu, &priv->global, SLOT_IN_GLOBAL, false);
    }
    if (priv->any_large) {
        memset(priv->large, 0, sizeof priv->large);
        priv->any_large = false;
    }
    priv->ac_count = 0;
}

static void drop_local(struct vx_mmu *mmu)
{
    struct vx_mmu_private *priv = mmu->priv;
    if (priv->local.count > FLUSH_ALL_ABOVE)
        shadow_drop_all(mmu); /* dropping too much is always allowed */
    else
        drop_log(mmu, &priv->local, SLOT_IN_LOCAL, true);
}

static void drop_if_supervisor(struct vx_mmu *mmu, uint32_t slot, uint32_t first_page, uint32_t count)
{
    (void)first_page, (void)count;
    if (slot >> 16 != VX_VIEW_USER)
        slot_drop(mmu, slot);
}

static void drop_if_to_page(struct vx_mmu *mmu, uint32_t slot, uint32_t first_page, uint32_t count)
{
    if (slot_page(mmu, slot) - first_page < count)
        slot_drop(mmu, slot);
}

static void drop_write_if_to_page(struct vx_mmu *mmu, uint32_t slot, uint32_t first_page, uint32_t count)
{
    if (slot_page(mmu, slot) - first_page < count)
        tlb_of_slot(mmu, slot)->write_tag[index_of_slot(slot)] = VX_TLB_INVALID;
}

void shadow_drop_supervisor(struct vx_mmu *mmu)
{
    each_slot(mmu, drop_if_supervisor, 0, 0);
    mmu->priv->ac_count = 0;
}

void shadow_drop_ac(struct vx_mmu *mmu)
{
    struct vx_mmu_private *priv = mmu->priv;
    if (priv->ac_count > VX_AC_LOG) {
        shadow_drop_supervisor(mmu);
        return;
    }
    for (uint32_t i = 0; i < priv->ac_count; i++)
        slot_drop(mmu, priv->ac_slot[i]);
    priv->ac_count = 0;
}

/* ---- news from the pmap ------------------------------------------------------------------------------------------ */

/* Stores to these backing pages must be seen from now on. */
static void drop_writers(struct vx_mmu *mmu, uint32_t first_page, uint32_t count)
{
    uint32_t *writer = &mmu->priv->writer[first_page];
    bool several = false;
    for (uint32_t i = 0; i < count; i++) {
        if (writer[i] == WRITER_SEVERAL)
            several = true;
        else if (writer[i] != WRITER_NOBODY)
            drop_write_if_to_page(mmu, writer[i] - 1, first_page + i, 1);
        writer[i] = WRITER_NOBODY;
    }
    if (several)
        each_slot(mmu, drop_write_if_to_page, first_page, count);
}

static void tell_flush(struct vx_mmu *mmu, enum vx_flush kind, uint64_t lin)
{
    static const char *const text[] = { "all", "non-global", "page" };
    struct vx_mmu_private *priv = mmu->priv;
    mmu->map_epoch++;
    vx_trace(priv->log, mmu_flush, text[kind]);
    windows_flushed(mmu, kind, lin);
    for (unsigned i = 0; i < priv->flush_listeners; i++)
        priv->on_flush[i].fn(priv->on_flush[i].opaque, kind, lin);
}

static void pmap_changed(void *opaque, uint32_t page, uint32_t count, bool writes_only)
{
    struct vx_mmu *mmu = opaque;
    windows_pages_changed(mmu, page, count, writes_only);
    if (writes_only && count != UINT32_MAX) {
        drop_writers(mmu, page, count);
        return;
    }
    if (count == UINT32_MAX)
        shadow_drop_all(mmu);
    else
        each_slot(mmu, drop_if_to_page, page, count);
    tell_flush(mmu, VX_FLUSH_ALL, 0);
}

/* ---- the architecture's flushes ---------------------------------------------------------------------------------- */

void vx_mmu_flush(struct vx_mmu *mmu, bool global_too)
{
    struct vx_mmu_private *priv = mmu->priv;
    enum vx_part was = vx_split_to(&priv->stats->split, VX_PART_FLUSHES);
    if (global_too) {
        priv->stats->tlb_flushes_global++;
        shadow_drop_all(mmu);
    } else {
        priv->stats->tlb_flushes++;
        drop_local(mmu);
    }
    tell_flush(mmu, global_too ? VX_FLUSH_ALL : VX_FLUSH_NON_GLOBAL, 0);
    vx_split_to(&priv->stats->split, was);
}

static void drop_vpn(struct vx_mmu *mmu, uint32_t vpn)
{
    uint32_t index = vpn & (VX_TLB_ENTRIES - 1);
    for (unsigned view = 0; view < VX_VIEWS; view++) {
        const struct vx_tlb *tlb = mmu->tlb[view];
        if (tlb->read_tag[index] + vpn == 0 || tlb->fetch_tag[index] + vpn == 0)
            slot_drop(mmu, slot_of(view, index));
    }
}

static void invalidate_page(struct vx_mmu *mmu, uint64_t lin)
{
    struct vx_mmu_private *priv = mmu->priv;
    uint64_t page_lin = vx_lin_wrap(lin) & ~VX_PAGE_MASK;
    uint32_t *large = &priv->large[page_lin >> 27], bit = 1u << (page_lin >> 22 & 31);
    priv->stats->tlb_invlpg++;
    if (VX_LIKELY(!(*large & bit))) {
        drop_vpn(mmu, (uint32_t)(page_lin >> VX_PAGE_SHIFT));
        tell_flush(mmu, VX_FLUSH_PAGE, page_lin);
        return;
    }
    uint32_t first_vpn = (uint32_t)(page_lin >> 22 << 10);
    for (uint32_t i = 0; i < 1024; i++)
        drop_vpn(mmu, first_vpn + i);
    *large &= ~bit;
    tell_flush(mmu, VX_FLUSH_ALL, 0);
}

void vx_mmu_invlpg(struct vx_mmu *mmu, uint64_t lin)
{
    enum vx_part was = vx_split_to(&mmu->priv->stats->split, VX_PART_FLUSHES);
    invalidate_page(mmu, lin);
    vx_split_to(&mmu->priv->stats->split, was);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

vx_err shadow_create(struct vx_mmu *mmu)
{
    struct vx_mmu_private *priv = mmu->priv;
    for (unsigned view = 0; view < VX_VIEWS; view++)
        mmu->tlb[view] = sparse_alloc(sizeof(struct vx_tlb));
    priv->slot_state = sparse_alloc(VX_TLB_SLOTS);
    priv->local.slot = sparse_alloc(LOG_BYTES);
    priv->global.slot = sparse_alloc(LOG_BYTES);
    priv->writer = sparse_alloc(mmu->pmap->pages * sizeof(uint32_t));
    if (mmu->tlb[VX_VIEW_SUPERVISOR] == NULL || mmu->tlb[VX_VIEW_USER] == NULL || mmu->tlb[VX_VIEW_SYSTEM] == NULL ||
        priv->slot_state == NULL || priv->local.slot == NULL || priv->global.slot == NULL || priv->writer == NULL)
        return VX_ERR_NO_MEMORY;
    for (unsigned view = 0; view < VX_VIEWS; view++)
        invalidate_ends(mmu->tlb[view]);
    vx_pmap_on_change(mmu->pmap, pmap_changed, mmu);
    return VX_ERR_OK;
}

void shadow_destroy(struct vx_mmu *mmu)
{
    struct vx_mmu_private *priv = mmu->priv;
    vx_pmap_remove_listeners(mmu->pmap, mmu);
    sparse_free(priv->writer, mmu->pmap->pages * sizeof(uint32_t));
    sparse_free(priv->global.slot, LOG_BYTES);
    sparse_free(priv->local.slot, LOG_BYTES);
    sparse_free(priv->slot_state, VX_TLB_SLOTS);
    for (unsigned view = 0; view < VX_VIEWS; view++)
        sparse_free(mmu->tlb[view], sizeof(struct vx_tlb));
}
