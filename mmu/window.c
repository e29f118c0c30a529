/* window.c - one window: what is mapped where, and how many host mappings that takes. See window_private.h.
 *
 * The host joins neighbours whose pages follow each other in the file with equal rights, and inaccessible ones, into
 * one mapping. So the number of mappings is 1 + the number of neighbours that are not joined, and is kept by looking at
 * the edges of what changes. */
#include "window_private.h"

#include "backing.h"

enum { OWNER_NOBODY = 0, OWNER_SEVERAL = UINT32_MAX };

#define ENTRY_BYTES (WINDOW_PAGES * sizeof(uint32_t))
#define COPY_BYTES  ((size_t)WINDOW_REGIONS * VX_PAGE_BYTES)

static uint8_t *at_vpn(const struct window *w, uint32_t vpn)
{
    return w->base + ((uint64_t)vpn << VX_PAGE_SHIFT);
}

static uint32_t page_of(uint32_t entry)
{
    return entry >> ENTRY_PAGE_SHIFT;
}

/* ---- the books --------------------------------------------------------------------------------------------------- */

/* Mappings that begin in (first, first + n], of the neighbours of each page of [first, first + n). */
static uint32_t edges(const struct window *w, uint32_t first, uint32_t n)
{
    uint32_t count = 0, last = first + n < WINDOW_PAGES ? first + n : WINDOW_PAGES - 1;
    for (uint32_t vpn = first == 0 ? 1 : first; vpn <= last; vpn++) {
        uint32_t before = w->entry[vpn - 1], here = w->entry[vpn];
        count += before == 0 ? here != 0 : here != before + ENTRY_NEXT;
    }
    return count;
}

static void own(struct window *w, uint32_t page, uint32_t vpn)
{
    uint32_t owner = w->owner[page];
    bool others =
        owner == OWNER_SEVERAL || (owner != OWNER_NOBODY && owner != vpn + 1 && (w->entry[owner - 1] & ENTRY_MAPPED) &&
                                   page_of(w->entry[owner - 1]) == page);
    w->owner[page] = others ? OWNER_SEVERAL : vpn + 1; /* keeps I3 */
}

static void disown(struct window *w, uint32_t page, uint32_t vpn)
{
    if (w->owner[page] == vpn + 1)
        w->owner[page] = OWNER_NOBODY;
}

/* One page changes from its entry to another; the edges are the caller's to count. */
static void put_entry(struct window *w, uint32_t vpn, uint32_t entry)
{
    uint32_t old = w->entry[vpn];
    struct window_region *region = &w->region[window_region_of(w, vpn)];
    w->entry[vpn] = entry;
    if (old != 0 && (entry == 0 || page_of(old) != page_of(entry)))
        disown(w, page_of(old), vpn);
    if (old == 0 && entry != 0)
        region->mapped++, w->pages++;
    if (old != 0 && entry == 0)
        region->mapped--, w->pages--;
    if (entry != 0)
        own(w, page_of(entry), vpn);
}

/* Entries of [vpn, vpn + n): from `entry` on, page by page, or all 0. */
static void put_entries(struct windows *ws, struct window *w, uint32_t vpn, uint32_t n, uint32_t entry)
{
    uint32_t before = edges(w, vpn, n);
    for (uint32_t i = 0; i < n; i++)
        put_entry(w, vpn + i, entry == 0 ? 0 : entry + i * ENTRY_NEXT);
    uint32_t after = edges(w, vpn, n);
    w->maps += after - before;
    ws->maps += after - before;
}

/* ---- changes ----------------------------------------------------------------------------------------------------- */

/* An invalidation has split mappings: others give way if there are too many now, or this one does. */
static void keep_budget(struct windows *ws, struct window *w)
{
    if (ws->maps > ws->maps_limit && !windows_make_room(ws, w))
        window_drop(ws, w);
}

bool window_map(struct windows *ws, struct window *w, uint32_t vpn, uint32_t n, uint32_t entry, bool populate)
{
    if (ws->maps + 2 > ws->maps_limit && !windows_make_room(ws, w))
        return false;
    uint64_t off = (uint64_t)page_of(entry) << VX_PAGE_SHIFT, bytes = (uint64_t)n << VX_PAGE_SHIFT;
    if (!host_map(ws, at_vpn(w, vpn), bytes, off, (entry & ENTRY_WRITE) != 0, populate)) {
        w->broken = true; /* the host may have taken the reservation away there: window_drop() puts it back */
        window_drop(ws, w);
        return false;
    }
    put_entries(ws, w, vpn, n, entry);
    ws->stats->window_maps++;
    ws->stats->window_pages += n;
    return true;
}

void window_protect(struct windows *ws, struct window *w, uint32_t vpn, uint32_t n, bool write)
{
    if (!host_protect(ws, at_vpn(w, vpn), (uint64_t)n << VX_PAGE_SHIFT, write)) {
        window_drop(ws, w); /* keeps I4 */
        return;
    }
    uint32_t first = w->entry[vpn];
    put_entries(ws, w, vpn, n, write ? first | ENTRY_WRITE : first & ~(uint32_t)ENTRY_WRITE);
    ws->stats->window_protects++;
    keep_budget(ws, w);
}

void window_unmap(struct windows *ws, struct window *w, uint32_t vpn, uint32_t n)
{
    if (!host_unmap(ws, at_vpn(w, vpn), (uint64_t)n << VX_PAGE_SHIFT)) {
        window_drop(ws, w); /* keeps I4 */
        return;
    }
    put_entries(ws, w, vpn, n, 0);
    ws->stats->window_unmaps++;
    keep_budget(ws, w);
}

static void clear_region(struct window *w, uint32_t index)
{
    uint32_t pages = 1u << (w->region_shift - VX_PAGE_SHIFT), first = index * pages;
    for (uint32_t vpn = first; vpn < first + pages && w->region[index].mapped != 0; vpn++)
        if (w->entry[vpn] != 0) {
            w->owner[page_of(w->entry[vpn])] = OWNER_NOBODY;
            w->entry[vpn] = 0;
            w->region[index].mapped--;
        }
    w->region[index] = (struct window_region){ .entry = 0 };
}

void window_drop(struct windows *ws, struct window *w)
{
    if (w->base == NULL || (w->pages == 0 && !w->broken))
        return;
    w->broken = !host_unmap(ws, w->base, VX_WINDOW_BYTES); /* keeps I4 */
    for (uint32_t i = 0; i < WINDOW_REGIONS; i++)
        clear_region(w, i);
    ws->maps -= w->maps - 1;
    w->maps = 1;
    w->pages = 0;
    ws->stats->window_drops++;
}

/* ---- by backing page --------------------------------------------------------------------------------------------- */

/* Neighbours that change together. */
struct batch {
    uint32_t vpn, n;
    bool writes_only;
};

static void batch_end(struct windows *ws, struct window *w, struct batch *batch)
{
    if (batch->n != 0 && batch->writes_only)
        window_protect(ws, w, batch->vpn, batch->n, false);
    else if (batch->n != 0)
        window_unmap(ws, w, batch->vpn, batch->n);
    batch->n = 0;
}

static void batch_add(struct windows *ws, struct window *w, struct batch *batch, uint32_t vpn)
{
    uint32_t entry = w->entry[vpn];
    if (entry == 0 || (batch->writes_only && !(entry & ENTRY_WRITE)))
        return;
    bool joins = batch->n != 0 && vpn == batch->vpn + batch->n && entry == w->entry[vpn - 1] + ENTRY_NEXT;
    if (!joins) {
        batch_end(ws, w, batch);
        if (w->entry[vpn] != entry) /* the window has been dropped */
            return;
        batch->vpn = vpn;
    }
    batch->n++;
}

/* Looks through everything that is mapped. */
static void forget_everywhere(struct windows *ws, struct window *w, uint32_t page, struct batch *batch)
{
    uint32_t pages = 1u << (w->region_shift - VX_PAGE_SHIFT);
    for (uint32_t i = 0; i < WINDOW_PAGES / pages; i++) {
        if (w->region[i].mapped == 0)
            continue;
        for (uint32_t vpn = i * pages; vpn < (i + 1) * pages; vpn++)
            if (w->entry[vpn] != 0 && page_of(w->entry[vpn]) == page)
                batch_add(ws, w, batch, vpn);
    }
    batch_end(ws, w, batch);
    if (!batch->writes_only)
        w->owner[page] = OWNER_NOBODY;
}

void window_forget_pages(struct windows *ws, struct window *w, uint32_t page, uint32_t count, bool writes_only)
{
    struct batch batch = { .writes_only = writes_only };
    if (w->base == NULL || w->pages == 0)
        return;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t owner = w->owner[page + i];
        if (owner == OWNER_SEVERAL)
            forget_everywhere(ws, w, page + i, &batch);
        else if (owner != OWNER_NOBODY && page_of(w->entry[owner - 1]) == page + i)
            batch_add(ws, w, &batch, owner - 1);
    }
    batch_end(ws, w, &batch);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

vx_err window_create(struct windows *ws, struct window *w, enum window_kind kind)
{
    *w = (struct window){ .kind = kind, .region_shift = 22, .maps = 1, .free = true };
    w->entry = sparse_alloc(ENTRY_BYTES);
    w->owner = sparse_alloc(ws->pages * sizeof(uint32_t));
    w->churn = sparse_alloc(WINDOW_PAGES);
    w->copy = sparse_alloc(COPY_BYTES);
    bool ok = w->entry != NULL && w->owner != NULL && w->churn != NULL && w->copy != NULL;
    if (!ok || !host_reserve(ws, &w->base)) {
        window_destroy(ws, w);
        return VX_ERR_NO_MEMORY;
    }
    ws->maps++;
    return VX_ERR_OK;
}

void window_destroy(struct windows *ws, struct window *w)
{
    if (w->base != NULL)
        ws->maps -= w->maps;
    host_release(w->base);
    sparse_free(w->copy, COPY_BYTES);
    sparse_free(w->churn, WINDOW_PAGES);
    sparse_free(w->owner, ws->pages * sizeof(uint32_t));
    sparse_free(w->entry, ENTRY_BYTES);
    *w = (struct window){ .kind = w->kind };
}
