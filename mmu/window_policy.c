/* window_policy.c - which window stands for which view: unpaged memory, the kernel's, and those of user address spaces
 * that are worth one. See window_private.h.
 *
 * Costs and times are cycles of the time-stamp counter; what things cost was measured (design "Memory: two lowerings of
 * one shadow") and rounded for processors of some 3 GHz: they decide about speed alone.
 *
 *   I1  mmu->window[view] is right, or mmu->window_due[view] is set. Whoever sets it has told the flush listeners too,
 *       so translated code is left before it makes another access.
 *   I2  A user window is compared with the tables of its address space whenever CR3 has been loaded. */
#include <stdlib.h>

#include "window_private.h"

#define CYCLES_RUN   18000ull   /* one mapping, with its first page */
#define CYCLES_PAGE  1000ull    /* each further page */
#define CYCLES_FAULT 24000ull   /* a host fault, the instruction interpreted, the page mapped */
#define FIRST_LOOK   3000000ull /* of user time: the tables are looked at */
#define DEMOTE_MIN   6000000ull

enum {
    WORTH = 8,        /* user time that a window has to promise, by what building it costs */
    DEMOTE_PART = 20, /* upkeep of more than 1/20 of the user time is too much */
    KERNEL_PART = 2,  /* of all mappings, for the kernel's window */
    USER_PART = 4,    /* ... for one user window */
};

static uint64_t now(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return 0;
#endif
}

static uint64_t address_space(const struct vx_mmu *mmu)
{
    return mmu->priv->paging.cr3 & 0xFFFFFFE0u;
}

static void set_due(struct vx_mmu *mmu)
{
    for (unsigned view = 0; view < VX_VIEWS; view++)
        mmu->window_due[view] = true;
}

static void set_current(struct vx_mmu *mmu, enum vx_view view, struct window *w)
{
    mmu->priv->windows->current[view] = w;
    mmu->window[view] = w != NULL ? w->base : NULL;
}

/* ---- user windows ------------------------------------------------------------------------------------------------ */

static struct window_seen *seen_of(struct windows *ws, uint64_t cr3)
{
    struct window_seen *pick = &ws->seen[0];
    for (unsigned i = 0; i < WINDOW_SEEN; i++) {
        struct window_seen *seen = &ws->seen[i];
        if (seen->used != 0 && seen->cr3 == cr3) {
            seen->used = ++ws->tick;
            return seen;
        }
        if (seen->used < pick->used)
            pick = seen;
    }
    *pick = (struct window_seen){ .cr3 = cr3, .used = ++ws->tick, .next_at = FIRST_LOOK };
    return pick;
}

static void give_up(struct windows *ws, struct window *w)
{
    window_drop(ws, w);
    w->free = true;
    w->cr3 = 0;
}

/* A slot for one more: a free one, or that of the least recently used. */
static struct window *user_slot(struct windows *ws)
{
    struct window *pick = NULL;
    for (unsigned i = 0; i < WINDOW_USERS; i++) {
        struct window *w = &ws->user[i];
        if (w->base == NULL && window_create(ws, w, WINDOW_USER) != VX_ERR_OK)
            break;
        if (w->broken)
            continue;
        if (w->free)
            return w;
        if (pick == NULL || w->used < pick->used)
            pick = w;
    }
    if (pick != NULL)
        give_up(ws, pick);
    return pick != NULL && !pick->broken ? pick : NULL;
}

static bool is_worth(struct vx_mmu *mmu, struct window_seen *seen)
{
    struct windows *ws = mmu->priv->windows;
    struct window nothing = { .kind = WINDOW_USER, .region_shift = walk_region_shift(mmu) };
    uint32_t runs, pages;
    if (ws->config.eager)
        return true;
    if (seen->cycles < seen->next_at)
        return false;
    window_measure(mmu, &nothing, &runs, &pages);
    uint64_t needed = WORTH * (runs * CYCLES_RUN + pages * CYCLES_PAGE);
    seen->next_at = needed > seen->cycles ? needed : 2 * seen->cycles;
    return needed <= seen->cycles && runs < ws->maps_limit / USER_PART;
}

static struct window *promote(struct vx_mmu *mmu, struct window_seen *seen)
{
    struct windows *ws = mmu->priv->windows;
    struct window *w = user_slot(ws);
    if (w == NULL)
        return NULL;
    uint64_t start = now();
    w->cr3 = seen->cr3;
    w->free = w->stale_all = w->stale_local = false;
    w->region_shift = walk_region_shift(mmu);
    w->user_cycles = seen->cycles;
    ws->stats->window_promotions++;
    if (!window_build(mmu, w)) {
        give_up(ws, w);
        return NULL;
    }
    w->cost = now() - start;
    return w;
}

static struct window *user_window(struct vx_mmu *mmu)
{
    struct windows *ws = mmu->priv->windows;
    uint64_t cr3 = address_space(mmu);
    struct window *found = NULL;
    ws->current_seen = NULL;
    for (unsigned i = 0; i < WINDOW_USERS && found == NULL; i++)
        if (ws->user[i].base != NULL && !ws->user[i].free && ws->user[i].cr3 == cr3)
            found = &ws->user[i];
    if (found == NULL) {
        struct window_seen *seen = seen_of(ws, cr3);
        ws->current_seen = seen;
        found = is_worth(mmu, seen) ? promote(mmu, seen) : NULL;
    }
    if (found != NULL)
        found->used = ++ws->tick;
    return found;
}

/* Drops a user window whose upkeep costs more than it is worth; true: it is gone. */
static bool demote_if_costly(struct vx_mmu *mmu, struct window *w)
{
    struct windows *ws = mmu->priv->windows;
    if (w->kind != WINDOW_USER || ws->config.eager || w->cost < DEMOTE_MIN || w->cost * DEMOTE_PART < w->user_cycles)
        return false;
    struct window_seen *seen = seen_of(ws, w->cr3);
    seen->cycles = 0;
    seen->next_at = w->cost * WORTH;
    ws->current_seen = seen;
    ws->stats->window_demotions++;
    give_up(ws, w);
    return true;
}

bool windows_make_room(struct windows *ws, const struct window *keep)
{
    struct window *pick = NULL;
    for (unsigned i = 0; i < WINDOW_USERS; i++) {
        struct window *w = &ws->user[i];
        if (w != keep && w->base != NULL && w->pages != 0 && (pick == NULL || w->used < pick->used))
            pick = w;
    }
    if (pick != NULL)
        window_drop(ws, pick);
    return ws->maps + 2 <= ws->maps_limit;
}

/* ---- the present windows ----------------------------------------------------------------------------------------- */

static struct window *window_for(struct vx_mmu *mmu, enum vx_view view)
{
    struct windows *ws = mmu->priv->windows;
    if (mmu->priv->mode == VX_PAGING_OFF)
        return &ws->unpaged;
    return view == VX_VIEW_USER ? user_window(mmu) : &ws->kernel;
}

static void bring_up_to_date(struct vx_mmu *mmu, struct window *w)
{
    uint64_t start = now();
    if (w->pages == 0)
        w->region_shift = walk_region_shift(mmu);
    if (w->stale_all || w->stale_local)
        window_resync(mmu, w);
    w->cost += now() - start;
}

static void update(struct vx_mmu *mmu, enum vx_view view)
{
    struct windows *ws = mmu->priv->windows;
    mmu->window_due[view] = false;
    if (ws == NULL)
        return;
    struct window *w = window_for(mmu, view);
    if (w != NULL && w->broken)
        window_drop(ws, w); /* once more */
    if (w != NULL && (w->base == NULL || w->broken))
        w = NULL;
    if (w != NULL)
        bring_up_to_date(mmu, w);
    if (w != NULL && (w->broken || demote_if_costly(mmu, w)))
        w = NULL;
    set_current(mmu, view, w);
}

void vx_mmu_update_window(struct vx_mmu *mmu, enum vx_view view)
{
    enum vx_part was = vx_split_to(&mmu->priv->stats->split, VX_PART_FLUSHES);
    update(mmu, view);
    vx_split_to(&mmu->priv->stats->split, was);
}

static bool may_grow(const struct windows *ws, const struct window *w)
{
    return w->kind == WINDOW_UNPAGED ||
           w->maps < ws->maps_limit / (w->kind == WINDOW_KERNEL ? (uint32_t)KERNEL_PART : (uint32_t)USER_PART);
}

enum vx_window_answer vx_mmu_window_fault(struct vx_mmu *mmu, enum vx_view view, uint64_t lin, bool write)
{
    struct windows *ws = mmu->priv->windows;
    struct window *w = ws != NULL ? ws->current[view] : NULL;
    if (w == NULL || mmu->window_due[view] || w->broken)
        return VX_WINDOW_KEPT;
    w->cost += CYCLES_FAULT;
    if (demote_if_costly(mmu, w)) {
        set_current(mmu, view, NULL);
        return VX_WINDOW_KEPT;
    }
    if (may_grow(ws, w) && window_fill(mmu, w, (uint32_t)(vx_lin_wrap(lin) >> VX_PAGE_SHIFT), write)) {
        ws->stats->window_fills++;
        return VX_WINDOW_FILLED;
    }
    if (w->broken) {
        mmu->window_due[view] = true;
        return VX_WINDOW_KEPT;
    }
    ws->stats->window_declined++;
    return VX_WINDOW_DECLINED;
}

void vx_mmu_spend_user(struct vx_mmu *mmu, uint64_t cycles)
{
    struct windows *ws = mmu->priv->windows;
    struct window *w = ws->current[VX_VIEW_USER];
    if (w != NULL) {
        w->user_cycles += cycles;
    } else if (ws->current_seen != NULL) {
        ws->current_seen->cycles += cycles;
        if (ws->current_seen->cycles >= ws->current_seen->next_at)
            mmu->window_due[VX_VIEW_USER] = true;
    }
}

/* ---- news -------------------------------------------------------------------------------------------------------- */

typedef void window_fn(struct windows *ws, struct window *w, uint32_t page, uint32_t count);

static void each_window(struct windows *ws, window_fn *fn, uint32_t page, uint32_t count)
{
    fn(ws, &ws->unpaged, page, count);
    fn(ws, &ws->kernel, page, count);
    for (unsigned i = 0; i < WINDOW_USERS; i++)
        fn(ws, &ws->user[i], page, count);
}

static void drop(struct windows *ws, struct window *w, uint32_t page, uint32_t count)
{
    (void)page, (void)count;
    window_drop(ws, w);
}

static void forget(struct windows *ws, struct window *w, uint32_t page, uint32_t count)
{
    window_forget_pages(ws, w, page, count, false);
}

static void forget_writes(struct windows *ws, struct window *w, uint32_t page, uint32_t count)
{
    window_forget_pages(ws, w, page, count, true);
}

void windows_drop_all(struct vx_mmu *mmu)
{
    if (mmu->priv->windows == NULL)
        return;
    each_window(mmu->priv->windows, drop, 0, 0);
    set_due(mmu);
}

void windows_restructure(struct vx_mmu *mmu)
{
    struct windows *ws = mmu->priv->windows;
    if (ws == NULL)
        return;
    window_drop(ws, &ws->kernel);
    for (unsigned i = 0; i < WINDOW_USERS; i++)
        give_up(ws, &ws->user[i]);
    memset(ws->seen, 0, sizeof ws->seen);
    ws->current_seen = NULL;
    set_due(mmu);
}

void windows_pages_changed(struct vx_mmu *mmu, uint32_t page, uint32_t count, bool writes_only)
{
    struct windows *ws = mmu->priv->windows;
    if (ws == NULL)
        return;
    if (count == UINT32_MAX)
        windows_drop_all(mmu);
    else
        each_window(ws, writes_only ? forget_writes : forget, page, count);
}

static void resync_page(struct vx_mmu *mmu, enum vx_view view, uint64_t lin)
{
    struct window *w = mmu->priv->windows->current[view];
    if (w == NULL || w->pages == 0 || mmu->window_due[view] || w->kind == WINDOW_UNPAGED)
        return;
    window_resync_region(mmu, w, (uint32_t)(lin >> w->region_shift));
}

void windows_flushed(struct vx_mmu *mmu, enum vx_flush kind, uint64_t lin)
{
    struct windows *ws = mmu->priv->windows;
    if (ws == NULL)
        return;
    if (kind == VX_FLUSH_PAGE) {
        resync_page(mmu, VX_VIEW_SUPERVISOR, lin);
        resync_page(mmu, VX_VIEW_USER, lin);
        return;
    }
    ws->kernel.stale_local = true;
    ws->kernel.stale_all |= kind == VX_FLUSH_ALL;
    for (unsigned i = 0; i < WINDOW_USERS; i++)
        ws->user[i].stale_all = true; /* keeps I2 */
    set_current(mmu, VX_VIEW_USER, NULL);
    set_due(mmu);
}

void vx_mmu_stress_windows(struct vx_mmu *mmu, uint64_t random)
{
    struct windows *ws = mmu->priv->windows;
    struct window *w = ws != NULL ? ws->current[random & 1 ? VX_VIEW_USER : VX_VIEW_SUPERVISOR] : NULL;
    if (w == NULL || w->base == NULL || w->pages == 0)
        return;
    if ((random >> 1) % 16 == 0) {
        window_drop(ws, w);
        set_due(mmu);
        return;
    }
    uint32_t vpn = (uint32_t)(random >> 8) & (WINDOW_PAGES - 1), n = 1 + (uint32_t)((random >> 32) & 15);
    for (uint32_t i = 0; i < WINDOW_PAGES && w->entry[vpn] == 0; i++)
        vpn = (vpn + 1) & (WINDOW_PAGES - 1);
    window_unmap(ws, w, vpn, vpn + n <= WINDOW_PAGES ? n : 1);
    if (w->broken)
        set_due(mmu);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

vx_err vx_mmu_open_windows(struct vx_mmu *mmu, const struct vx_window_config *config, const char **reason)
{
    *reason = host_lacks();
    if (*reason != NULL)
        return VX_ERR_UNSUPPORTED;
    struct windows *ws = calloc(1, sizeof *ws);
    *reason = "it refuses the address space";
    if (ws == NULL)
        return VX_ERR_UNSUPPORTED;
    ws->config = *config;
    ws->stats = mmu->priv->stats;
    ws->memfd = vx_pmap_memfd(mmu->pmap);
    ws->pages = vx_pmap_pages(mmu->pmap);
    ws->maps_limit = config->maps != 0 ? config->maps : host_maps_limit();
    mmu->priv->windows = ws;
    if (window_create(ws, &ws->unpaged, WINDOW_UNPAGED) != VX_ERR_OK ||
        window_create(ws, &ws->kernel, WINDOW_KERNEL) != VX_ERR_OK ||
        !window_fill(mmu, &ws->unpaged, 0, false)) { /* the first page, for a trial */
        windows_close(mmu);
        return VX_ERR_UNSUPPORTED;
    }
    window_drop(ws, &ws->unpaged);
    set_due(mmu);
    *reason = NULL;
    return VX_ERR_OK;
}

void windows_close(struct vx_mmu *mmu)
{
    struct windows *ws = mmu->priv->windows;
    if (ws == NULL)
        return;
    for (unsigned i = 0; i < WINDOW_USERS; i++)
        if (ws->user[i].base != NULL)
            window_destroy(ws, &ws->user[i]);
    window_destroy(ws, &ws->kernel);
    window_destroy(ws, &ws->unpaged);
    mmu->priv->windows = NULL;
    free(ws);
    for (unsigned view = 0; view < VX_VIEWS; view++)
        mmu->window[view] = NULL;
}
