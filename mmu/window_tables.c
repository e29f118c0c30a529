/* window_tables.c - from the guest's page tables to what a window maps: by fault, in bulk, and after flushes.
 *
 * Tables are not write-protected. Instead each region of a window (what one entry of the page directory covers) keeps
 * its entry and its page table as they were when last looked at; a flush compares, and repairs what differs.
 *
 *   I1  Every mapped page of a region is as region->entry and the copied table say. So where both equal the guest's
 *       present ones nothing has to be done.
 *   I2  Tables are read by address and without side effects; those that are not in memory make their region
 *       unusable. */
#include "window_private.h"

enum {
    EXTEND_PAGES = 4096, /* either way */
    POPULATE_PAGES = 64, /* a run of so many is filled at once: the guest has been to all of its pages */
};

static uint64_t lin_of(uint32_t vpn)
{
    return (uint64_t)vpn << VX_PAGE_SHIFT;
}

static uint32_t region_pages(const struct window *w)
{
    return 1u << (w->region_shift - VX_PAGE_SHIFT);
}

static uint8_t *copy_of(const struct window *w, uint32_t index)
{
    return w->copy + (size_t)index * VX_PAGE_BYTES;
}

/* Video memory that a display looks at: each of its refreshes would take the right to write away again. */
static bool is_display(const struct vx_pmap *pmap, uint32_t page)
{
    return (pmap->flags[page] & VX_PAGE_TRACKED) && page >= pmap->config.ram_bytes >> VX_PAGE_SHIFT;
}

static uint32_t want(const struct vx_mmu *mmu, const struct window *w, const struct walk_region *region, uint32_t vpn,
                     bool *global)
{
    const struct vx_mmu_private *priv = mmu->priv;
    const struct vx_pmap *pmap = mmu->pmap;
    struct page_walk walk;
    if (walk_in_region(mmu, region, lin_of(vpn), &walk) != VX_WALK_OK || !walk.accessed || !walk.upper_accessed)
        return 0;
    if (w->kind != WINDOW_UNPAGED && walk.user != (w->kind == WINDOW_USER))
        return 0;
    uint32_t page = pmap_lookup(pmap, pmap->read_map, walk.frame);
    if (!pmap_is_backed(pmap, page) || is_display(pmap, page))
        return 0;
    unsigned watched = VX_UNLIKELY(priv->watch_count != 0) ? watch_page(mmu, lin_of(vpn), walk.frame) : 0;
    if (watched & VX_WATCH_READ)
        return 0;
    bool write = watched == 0 && walk.dirty && walk.write && pmap_lookup(pmap, pmap->write_map, walk.frame) == page &&
                 !(pmap->flags[page] & VX_PAGE_NOTICE);
    *global = walk.global;
    return page << ENTRY_PAGE_SHIFT | (write ? ENTRY_WRITE : 0) | ENTRY_MAPPED;
}

uint32_t window_want(const struct vx_mmu *mmu, const struct window *w, const struct walk_region *region, uint32_t vpn)
{
    bool global;
    return want(mmu, w, region, vpn, &global);
}

/* ---- what tables were -------------------------------------------------------------------------------------------- */

static void keep_table(struct window *w, uint32_t index, const struct walk_region *region)
{
    w->region[index].entry = region->entry;
    if (region->table != NULL)
        memcpy(copy_of(w, index), region->table, VX_PAGE_BYTES);
}

/* Pages [vpn, vpn + n) have been mapped as the tables are now: keeps I1. Their regions have been compared. */
static void note_mapped(struct vx_mmu *mmu, struct window *w, uint32_t vpn, uint32_t n)
{
    uint32_t pages = region_pages(w);
    struct walk_region region = { .entry = 0 };
    uint32_t known = UINT32_MAX;
    if (w->kind == WINDOW_UNPAGED)
        return;
    for (uint32_t i = vpn; i < vpn + n; i++) {
        uint32_t index = window_region_of(w, i), bytes = VX_PAGE_BYTES / pages, off = i % pages * bytes;
        if (index != known && !walk_region(mmu, lin_of(i), &region))
            continue;
        known = index;
        bool global = false;
        want(mmu, w, &region, i, &global);
        w->region[index].local |= !global;
        if (region.table != NULL)
            memcpy(copy_of(w, index) + off, region.table + off, bytes);
    }
}

/* A region gets its first page, or another one. */
static void before_mapping(struct vx_mmu *mmu, struct window *w, uint32_t index, const struct walk_region *region)
{
    if (w->kind == WINDOW_UNPAGED)
        return;
    if (w->region[index].mapped == 0) {
        w->region[index].local = false;
        keep_table(w, index, region);
    } else if (w->region[index].entry != region->entry) {
        window_resync_region(mmu, w, index);
        keep_table(w, index, region);
    }
}

/* ---- filling ----------------------------------------------------------------------------------------------------- */

/* The region of the page last asked for. */
struct reader {
    struct vx_mmu *mmu;
    struct window *w;
    struct walk_region region;
    uint32_t index; /* UINT32_MAX: none */
    bool usable;
};

static bool reader_at(struct reader *r, uint32_t vpn)
{
    uint32_t index = window_region_of(r->w, vpn);
    if (index != r->index) {
        r->index = index;
        r->usable = walk_region(r->mmu, lin_of(vpn), &r->region);
    }
    return r->usable;
}

/* What may be at a page whose entry is `has` now; 0 where that is another. */
static uint32_t candidate(struct reader *r, uint32_t vpn, uint32_t has)
{
    if (r->w->entry[vpn] != has || !reader_at(r, vpn))
        return 0;
    if (r->w->kind == WINDOW_KERNEL && r->w->churn[vpn] >= WINDOW_CHURN_MAX)
        return 0;
    return window_want(r->mmu, r->w, &r->region, vpn);
}

/* Extends [*first, *first + *n), which is `entry` on and has `has` on (0: nothing), both ways. */
static void extend(struct reader *r, uint32_t *first, uint32_t *n, uint32_t entry, uint32_t has)
{
    uint32_t step = has == 0 ? 0 : ENTRY_NEXT, vpn = *first;
    for (uint32_t i = 1; i <= EXTEND_PAGES && vpn + i < WINDOW_PAGES; i++) {
        if (candidate(r, vpn + i, has + i * step) != entry + i * ENTRY_NEXT)
            break;
        ++*n;
    }
    for (uint32_t i = 1; i <= EXTEND_PAGES && i <= vpn; i++) {
        if (entry < i * ENTRY_NEXT || candidate(r, vpn - i, has - i * step) != entry - i * ENTRY_NEXT)
            break;
        --*first, ++*n;
    }
}

static bool map_run(struct reader *r, uint32_t first, uint32_t n, uint32_t entry)
{
    struct windows *ws = r->mmu->priv->windows;
    for (uint32_t vpn = first; vpn < first + n;) {
        if (reader_at(r, vpn))
            before_mapping(r->mmu, r->w, r->index, &r->region);
        vpn = (vpn / region_pages(r->w) + 1) * region_pages(r->w);
    }
    if (!window_map(ws, r->w, first, n, entry, n <= POPULATE_PAGES))
        return false;
    note_mapped(r->mmu, r->w, first, n);
    return true;
}

bool window_fill(struct vx_mmu *mmu, struct window *w, uint32_t vpn, bool write)
{
    struct windows *ws = mmu->priv->windows;
    struct reader r = { .mmu = mmu, .w = w, .index = UINT32_MAX };
    uint32_t has = w->entry[vpn], may = candidate(&r, vpn, has), first = vpn, n = 1;
    if (may == 0 || (write && !(may & ENTRY_WRITE)))
        return false;
    if (has == may)
        return true;
    if (has != 0 && has == (may & ~(uint32_t)ENTRY_WRITE)) {
        extend(&r, &first, &n, may, has);
        window_protect(ws, w, first, n, true);
        note_mapped(mmu, w, first, n);
        return true;
    }
    if (has != 0)
        window_unmap(ws, w, vpn, 1);
    extend(&r, &first, &n, may, 0);
    return map_run(&r, first, n, may - (vpn - first) * ENTRY_NEXT);
}

/* ---- resync ------------------------------------------------------------------------------------------------------ */

/* Neighbours to which the same is to be done. */
struct repair {
    uint32_t vpn, n;
    bool protect;
};

static void repair_end(struct vx_mmu *mmu, struct window *w, struct repair *repair)
{
    if (repair->n != 0 && repair->protect)
        window_protect(mmu->priv->windows, w, repair->vpn, repair->n, false);
    else if (repair->n != 0)
        window_unmap(mmu->priv->windows, w, repair->vpn, repair->n);
    repair->n = 0;
}

static void repair_add(struct vx_mmu *mmu, struct window *w, struct repair *repair, uint32_t vpn, bool protect)
{
    bool joins = repair->n != 0 && repair->protect == protect && repair->vpn + repair->n == vpn &&
                 (!protect || w->entry[vpn] == w->entry[vpn - 1] + ENTRY_NEXT);
    if (!joins) {
        repair_end(mmu, w, repair);
        repair->vpn = vpn;
        repair->protect = protect;
    }
    repair->n++;
    if (!protect && w->churn[vpn] < UINT8_MAX)
        w->churn[vpn]++;
}

static void repair_region(struct vx_mmu *mmu, struct window *w, uint32_t index, const struct walk_region *region,
                          bool usable)
{
    struct repair repair = { .n = 0 };
    uint32_t first = index * region_pages(w);
    bool local = false;
    for (uint32_t vpn = first; vpn < first + region_pages(w); vpn++) {
        uint32_t has = w->entry[vpn];
        if (has == 0)
            continue;
        bool global = true;
        uint32_t may = usable ? want(mmu, w, region, vpn, &global) : 0;
        local |= !global;
        if (may == has || has == (may & ~(uint32_t)ENTRY_WRITE))
            continue;
        repair_add(mmu, w, &repair, vpn, may == (has & ~(uint32_t)ENTRY_WRITE));
        if (w->entry[vpn] == 0) /* the window has been dropped */
            return;
    }
    repair_end(mmu, w, &repair);
    w->region[index].local = local;
}

void window_resync_region(struct vx_mmu *mmu, struct window *w, uint32_t index)
{
    struct walk_region region;
    const struct window_region *kept = &w->region[index];
    if (kept->mapped == 0 || w->kind == WINDOW_UNPAGED)
        return;
    bool usable = walk_region(mmu, (uint64_t)index << w->region_shift, &region);
    bool compare = usable && region.entry == kept->entry;
    if (compare && (region.large || memcmp(region.table, copy_of(w, index), VX_PAGE_BYTES) == 0))
        return;
    mmu->priv->stats->window_repairs++;
    repair_region(mmu, w, index, &region, usable);
    keep_table(w, index, &region);
}

static bool directory_differs(struct vx_mmu *mmu, const struct window *w, uint32_t index)
{
    struct walk_region region;
    return !walk_region(mmu, (uint64_t)index << w->region_shift, &region) || region.entry != w->region[index].entry;
}

void window_resync(struct vx_mmu *mmu, struct window *w)
{
    uint32_t regions = WINDOW_PAGES / region_pages(w);
    mmu->priv->stats->window_resyncs++;
    for (uint32_t i = 0; i < regions && w->pages != 0; i++) {
        if (w->region[i].mapped != 0 && (w->stale_all || w->region[i].local || directory_differs(mmu, w, i)))
            window_resync_region(mmu, w, i);
    }
    w->stale_all = w->stale_local = false;
}

/* ---- in bulk ----------------------------------------------------------------------------------------------------- */

typedef bool run_fn(struct reader *r, uint32_t first, uint32_t n, uint32_t entry, void *opaque);

/* Calls for each run of pages that may be mapped; false: it has said so. */
static bool each_run(struct vx_mmu *mmu, struct window *w, run_fn *fn, void *opaque)
{
    struct reader r = { .mmu = mmu, .w = w, .index = UINT32_MAX };
    uint32_t first = 0, n = 0, entry = 0;
    for (uint32_t vpn = 0; vpn < WINDOW_PAGES; vpn++) {
        uint32_t may = 0;
        if (reader_at(&r, vpn) && (r.region.user || w->kind != WINDOW_USER))
            may = window_want(mmu, w, &r.region, vpn);
        else
            vpn |= region_pages(w) - 1;
        if (n != 0 && may == entry + n * ENTRY_NEXT) {
            n++;
            continue;
        }
        if (n != 0 && !fn(&r, first, n, entry, opaque))
            return false;
        first = vpn;
        entry = may;
        n = may != 0;
    }
    return n == 0 || fn(&r, first, n, entry, opaque);
}

struct sum {
    uint32_t runs, pages;
};

static bool add_up(struct reader *r, uint32_t first, uint32_t n, uint32_t entry, void *opaque)
{
    struct sum *sum = opaque;
    (void)r, (void)first, (void)entry;
    sum->runs++;
    sum->pages += n;
    return true;
}

void window_measure(struct vx_mmu *mmu, const struct window *w, uint32_t *runs, uint32_t *pages)
{
    struct sum sum = { .runs = 0 };
    struct window *reading = (struct window *)w; /* which add_up() leaves alone */
    each_run(mmu, reading, add_up, &sum);
    *runs = sum.runs;
    *pages = sum.pages;
}

static bool map_it(struct reader *r, uint32_t first, uint32_t n, uint32_t entry, void *opaque)
{
    (void)opaque;
    struct reader own = { .mmu = r->mmu, .w = r->w, .index = UINT32_MAX };
    return map_run(&own, first, n, entry);
}

bool window_build(struct vx_mmu *mmu, struct window *w)
{
    return each_run(mmu, w, map_it, NULL);
}
