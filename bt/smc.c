/* smc.c - self-modifying code: what a write to a page with units does.
 *
 *   I1  A write invalidates exactly the units whose guest bytes it overlaps.
 *   I2  When writes to a page have cost SMC_LIMIT, its units are dropped: mostly they are leftovers, and the page is
 *       data now. If code there comes back SMC_ROUNDS times, the page becomes self-checking for good: it is no longer
 *       protected, and its units compare their own bytes at entry and end after every store. */
#include "smc.h"

#include "invalidate.h"

/* What writes to a page have cost: one that misses its units (data beside code) counts 1, one that hits counts more. */
enum { SMC_LIMIT = 512, SMC_HIT_WEIGHT = 16, SMC_ROUNDS = 8 };

static void drop_units(struct vx_bt *bt, struct bt_page *page)
{
    while (page->units != NULL) {
        bt->stats->smc_invalidations++;
        bt_invalidate(bt, page->units, END_STORE);
    }
    page->cost = 0;
    if (++page->rounds == SMC_ROUNDS) {
        page->self_checking = true;
        bt->stats->smc_self_checking++;
    }
}

void bt_smc_on_write(void *opaque, uint32_t index, uint32_t off, uint32_t bytes)
{
    struct vx_bt *bt = opaque;
    struct bt_page *page = bt->pages.page[index];
    if (page == NULL)
        return;
    for (struct bt_tu *tu = page->units, *next; tu != NULL; tu = next) {
        next = tu->page_next[bt_page_slot(tu, index)];
        if (!bt_page_overlaps(tu, index, off, bytes))
            continue;
        vx_trace(bt->log, bt_invalidate, (uint64_t)index << VX_PAGE_SHIFT | off, "store");
        bt->stats->smc_invalidations++;
        bt_invalidate(bt, tu, END_STORE);
        page->cost += SMC_HIT_WEIGHT;
    }
    if (++page->cost >= SMC_LIMIT)
        drop_units(bt, page);
}
