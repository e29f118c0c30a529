/* jump_cache.c - from EIP to code: what indirect branches probe in line (emit_jump_cache()).
 *
 * A jump cache is keyed by eip alone: it belongs to one view, and loses entries whenever mappings change.
 *
 *   I1  A local entry's pages are in where[], with the backing pages of its unit. So after a change of CR3 the entry
 *       is as good as new if the guest's tables lead from each of these linear pages to the same backing page, for
 *       fetches and without setting a bit: that is what a fetch would find.
 *   I2  A stale cache is not probed. */
#include "jump_cache.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "insn.h"

enum {
    JC_LOCAL_MAX = 4096, /* linear pages */
    JC_LOST_MAX = 16,    /* pages of a stale cache that lead elsewhere, until all of it goes */
    VPNS = 1 << 20,
    VPN_MASK = VPNS - 1,
    JC_FILLED_BYTES = BT_JC_ENTRIES * sizeof(uint32_t),
};

static void *sparse(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED ? p : NULL;
}

vx_err bt_jc_create(struct bt_jump_caches *all, bool off)
{
    all->off = off;
    for (unsigned i = 0; i < BT_JC_SETS; i++) {
        struct bt_jump_cache *jc = &all->set[i];
        jc->entry = sparse(BT_JC_ENTRIES * sizeof *jc->entry);
        jc->where = sparse(VPNS * sizeof *jc->where);
        for (unsigned global = 0; global < 2; global++)
            jc->filled[global] = sparse(JC_FILLED_BYTES);
        jc->local = sparse(JC_LOCAL_MAX * sizeof *jc->local);
        jc->pages = sparse(VPNS / 8);
        jc->spills = sparse(VPNS / 8);
        if (jc->entry == NULL || jc->where == NULL || jc->filled[0] == NULL || jc->filled[1] == NULL ||
            jc->local == NULL || jc->pages == NULL || jc->spills == NULL)
            return VX_ERR_NO_MEMORY;
        jc->view.mode = MODE_SLOW;
        jc->entry[0] = 1; /* an empty entry reads as eip 0 and would hit there only */
    }
    return VX_ERR_OK;
}

static void release(void *p, size_t bytes)
{
    if (p != NULL)
        munmap(p, bytes);
}

void bt_jc_destroy(struct bt_jump_caches *all)
{
    for (unsigned i = 0; i < BT_JC_SETS; i++) {
        struct bt_jump_cache *jc = &all->set[i];
        release(jc->entry, BT_JC_ENTRIES * sizeof *jc->entry);
        release(jc->where, VPNS * sizeof *jc->where);
        for (unsigned global = 0; global < 2; global++)
            release(jc->filled[global], JC_FILLED_BYTES);
        release(jc->local, JC_LOCAL_MAX * sizeof *jc->local);
        release(jc->pages, VPNS / 8);
        release(jc->spills, VPNS / 8);
    }
}

static uint32_t jc_index(uint64_t eip)
{
    return eip & (BT_JC_ENTRIES - 1);
}

static uint64_t jc_pack(const struct bt_tu *tu)
{
    return (uint64_t)tu->entry << 32 | (uint32_t)-tu->eip;
}

static void jc_clear_entry(struct bt_jump_cache *jc, uint32_t index)
{
    jc->entry[index] = index == 0 ? 1 : 0;
}

static void set_bit(uint64_t *bitmap, uint32_t vpn)
{
    bitmap[vpn / 64] |= 1ull << vpn % 64;
}

static bool take_bit(uint64_t *bitmap, uint32_t vpn)
{
    bool was = bitmap[vpn / 64] >> vpn % 64 & 1;
    if (was) /* sparse memory is not touched for nothing */
        bitmap[vpn / 64] &= ~(1ull << vpn % 64);
    return was;
}

static void clear_filled(struct bt_jump_cache *jc, unsigned global)
{
    for (uint32_t i = 0; i < jc->filled_count[global]; i++)
        jc_clear_entry(jc, jc->filled[global][i]);
    jc->filled_count[global] = 0;
}

static void clear_local(struct bt_jump_cache *jc)
{
    clear_filled(jc, 0);
    for (uint32_t i = 0; i < jc->local_count; i++)
        jc->where[jc->local[i]] = 0;
    jc->local_count = 0;
    jc->stale = false;
}

static void clear_all(struct bt_jump_cache *jc)
{
    clear_local(jc);
    clear_filled(jc, 1);
}

/* ---- pages ------------------------------------------------------------------------------------------------------- */

/* Entries of one page stand side by side: an index is the low part of an eip. */
static void clear_page(struct bt_jump_cache *jc, uint32_t vpn)
{
    uint32_t first = vpn << VX_PAGE_SHIFT;
    for (uint32_t eip = first; eip - first < VX_PAGE_BYTES; eip++) {
        if ((uint32_t)jc->entry[jc_index(eip)] + eip == 0)
            jc_clear_entry(jc, jc_index(eip));
    }
}

static void flush_own_page(struct bt_jump_cache *jc, uint32_t vpn)
{
    if (!take_bit(jc->pages, vpn))
        return;
    if (jc->view.cs_base == 0)
        clear_page(jc, vpn);
    else
        clear_all(jc);
}

/* The page's units, and those of the one before that reach into it. */
static void flush_page(struct bt_jump_cache *jc, uint32_t vpn)
{
    flush_own_page(jc, vpn);
    if (jc->where[vpn] != 0)
        jc->where[vpn] = 0;
    if (take_bit(jc->spills, vpn))
        flush_own_page(jc, (vpn - 1) & VPN_MASK);
}

/* An entry of the unit is about to be made: keeps I1. All that must go goes before anything is noted, since flushing
 * one page may take the other's note with it. */
static void lean_on(struct bt_jump_cache *jc, const struct bt_tu *tu, uint32_t vpn)
{
    if (jc->local_count + TU_PAGES > JC_LOCAL_MAX)
        clear_local(jc);
    for (unsigned i = 0; i < tu->pages; i++) {
        uint32_t was = jc->where[(vpn + i) & VPN_MASK];
        if (was != 0 && was != tu->page[i] + 1)
            flush_page(jc, (vpn + i) & VPN_MASK);
    }
    for (unsigned i = 0; i < tu->pages; i++) {
        uint32_t at = (vpn + i) & VPN_MASK;
        if (jc->where[at] == 0)
            jc->local[jc->local_count++] = at;
        jc->where[at] = tu->page[i] + 1;
    }
}

static bool still_leads(const struct bt_jump_cache *jc, uint32_t vpn, const struct vx_mmu *mmu)
{
    enum vx_view view = jc->view.mode & MODE_USER ? VX_VIEW_USER : VX_VIEW_SUPERVISOR;
    uint32_t page;
    return vx_mmu_fetches(mmu, (uint64_t)vpn << VX_PAGE_SHIFT, view, &page) && page + 1 == jc->where[vpn];
}

/* Forgets what the guest's tables no longer say. */
static void compare(struct bt_jump_cache *jc, const struct vx_mmu *mmu)
{
    uint32_t kept = 0, lost = 0;
    jc->stale = false;
    for (uint32_t i = 0; i < jc->local_count; i++) {
        uint32_t vpn = jc->local[i];
        if (jc->where[vpn] == 0)
            continue;
        if (still_leads(jc, vpn, mmu)) {
            jc->local[kept++] = vpn;
            continue;
        }
        if (++lost > JC_LOST_MAX || jc->view.cs_base != 0) {
            clear_local(jc);
            return;
        }
        flush_page(jc, vpn);
    }
    jc->local_count = kept;
}

/* ---- use --------------------------------------------------------------------------------------------------------- */

static bool has_view(const struct bt_jump_cache *jc, const struct bt_jc_view *view)
{
    return jc->view.mode == view->mode && jc->view.space == view->space && jc->view.cs_base == view->cs_base &&
           jc->view.cs_limit == view->cs_limit;
}

static struct bt_jump_cache *pick(struct bt_jump_caches *all, const struct bt_jc_view *view)
{
    struct bt_jump_cache *oldest = &all->set[0];
    for (unsigned i = 0; i < BT_JC_SETS; i++) {
        struct bt_jump_cache *jc = &all->set[i];
        if (has_view(jc, view))
            return jc;
        if (jc->used < oldest->used)
            oldest = jc;
    }
    clear_all(oldest);
    oldest->view = *view;
    return oldest;
}

const uint64_t *bt_jc_select(struct bt_jump_caches *all, const struct bt_jc_view *view, const struct vx_mmu *mmu)
{
    struct bt_jump_cache *jc = all->current;
    if (jc == NULL || !has_view(jc, view)) {
        jc = all->current = pick(all, view);
        jc->used = ++all->tick;
    }
    if (jc->stale)
        compare(jc, mmu); /* keeps I2 */
    return jc->entry;
}

void bt_jc_fill(struct bt_jump_caches *all, const struct bt_tu *tu)
{
    struct bt_jump_cache *jc = all->current;
    uint32_t index = jc_index(tu->eip), vpn = (uint32_t)(bt_tu_lin(tu) >> VX_PAGE_SHIFT);
    if (all->off || jc == NULL)
        return;
    unsigned global = tu->global ? 1 : 0;
    if (jc->filled_count[global] == BT_JC_ENTRIES)
        clear_all(jc);
    if (!tu->global)
        lean_on(jc, tu, vpn);
    jc->filled[global][jc->filled_count[global]++] = index;
    set_bit(jc->pages, vpn);
    if (tu->pages == 2)
        set_bit(jc->spills, (vpn + 1) & VPN_MASK);
    jc->entry[index] = jc_pack(tu);
}

uint32_t bt_jc_probe(const struct bt_jump_caches *all, uint64_t eip)
{
    uint64_t entry = all->current->entry[jc_index(eip)];
    return (uint32_t)(entry + eip) == 0 ? (uint32_t)(entry >> 32) : 0;
}

void bt_jc_remove(struct bt_jump_caches *all, const struct bt_tu *tu)
{
    for (unsigned i = 0; i < BT_JC_SETS; i++) {
        uint32_t index = jc_index(tu->eip);
        if (all->set[i].entry[index] == jc_pack(tu))
            jc_clear_entry(&all->set[i], index);
    }
}

void bt_jc_flush(struct bt_jump_caches *all, bool global_too)
{
    for (unsigned i = 0; i < BT_JC_SETS; i++) {
        if (global_too)
            clear_all(&all->set[i]);
        else
            all->set[i].stale = all->set[i].local_count != 0;
    }
}

void bt_jc_flush_page(struct bt_jump_caches *all, uint64_t lin)
{
    for (unsigned i = 0; i < BT_JC_SETS; i++)
        flush_page(&all->set[i], (uint32_t)(vx_lin_wrap(lin) >> VX_PAGE_SHIFT));
}
