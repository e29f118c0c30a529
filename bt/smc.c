/* smc.c - self-modifying code: which units depend on which page, and what a write to one does.
 *
 *   I1  Every backing page with a live, not self-checking unit is marked in the pmap, so that any write to it comes
 *       here after the bytes have changed.
 *   I2  A write invalidates exactly the units whose guest bytes it overlaps.
 *   I3  When writes to a page have cost BT_SMC_LIMIT, its units are dropped: mostly they are leftovers, and the page is
 *       data now. If code there comes back BT_SMC_ROUNDS times, the page becomes self-checking for good: it is no
 *       longer protected, and its units compare their own bytes at entry and end after every store. */
#include <stdlib.h>

#include "internal.h"

/* What writes to a page have cost: one that misses its units (data beside code) counts 1, one that hits counts more. */
enum { BT_SMC_LIMIT = 512, BT_SMC_HIT_WEIGHT = 16, BT_SMC_ROUNDS = 8 };

struct bt_page {
    struct bt_tu *units;
    uint32_t cost;   /* in this round */
    uint32_t rounds; /* times that the limit was reached */
    bool self_checking;
};

vx_err bt_smc_create(struct vx_bt *bt)
{
    bt->page_count = 1u << 20;
    bt->pages = calloc(bt->page_count, sizeof *bt->pages);
    return bt->pages == NULL ? VX_ERR_NO_MEMORY : VX_ERR_OK;
}

void bt_smc_destroy(struct vx_bt *bt)
{
    if (bt->pages == NULL)
        return;
    for (uint32_t i = 0; i < bt->page_count; i++)
        free(bt->pages[i]);
    free(bt->pages);
}

static unsigned slot_of(const struct bt_tu *tu, uint32_t page)
{
    return tu->page[0] == page ? 0 : 1;
}

bool bt_smc_self_checking(struct vx_bt *bt, uint32_t page)
{
    return bt->pages[page] != NULL && bt->pages[page]->self_checking;
}

static void link_unit(struct bt_tu **head, struct bt_tu *tu, unsigned slot)
{
    tu->page_next[slot] = *head;
    tu->page_prev[slot] = head;
    if (*head != NULL)
        (*head)->page_prev[slot_of(*head, tu->page[slot])] = &tu->page_next[slot];
    *head = tu;
}

void bt_smc_register(struct vx_bt *bt, struct bt_tu *tu)
{
    for (unsigned i = 0; i < tu->pages; i++) {
        struct bt_page **at = &bt->pages[tu->page[i]];
        if (*at == NULL)
            *at = calloc(1, sizeof **at);
        VX_ASSERT(*at != NULL);
        link_unit(&(*at)->units, tu, i);
        if (!tu->self_checking && !vx_pmap_is_code(bt->config.pmap, tu->page[i]))
            vx_pmap_mark_code(bt->config.pmap, tu->page[i], true);
    }
}

void bt_smc_unregister(struct vx_bt *bt, struct bt_tu *tu)
{
    for (unsigned i = 0; i < tu->pages; i++) {
        struct bt_page *page = bt->pages[tu->page[i]];
        *tu->page_prev[i] = tu->page_next[i];
        if (tu->page_next[i] != NULL)
            tu->page_next[i]->page_prev[slot_of(tu->page_next[i], tu->page[i])] = tu->page_prev[i];
        if (page->units == NULL && !tu->self_checking)
            vx_pmap_mark_code(bt->config.pmap, tu->page[i], false);
    }
}

void bt_invalidate(struct vx_bt *bt, struct bt_tu *tu, enum bt_end end)
{
    bt_note_end(bt, tu, end);
    tu->dead = true;
    bt_unchain_unit(bt, tu);
    bt_hash_remove(bt, tu);
    bt_jc_remove(bt, tu);
    bt_smc_unregister(bt, tu);
    bt->must_exit = true;
}

/* Does [off, off + bytes) of `page` touch the unit's guest bytes? */
static bool overlaps(const struct bt_tu *tu, uint32_t page, uint32_t off, uint32_t bytes)
{
    uint32_t first = (uint32_t)tu->hva & VX_PAGE_MASK;
    uint32_t begin = slot_of(tu, page) == 0 ? first : 0;
    uint32_t end = slot_of(tu, page) == 0 ? first + tu->guest_bytes : first + tu->guest_bytes - VX_PAGE_BYTES;
    return off < end && begin < off + bytes;
}

static void drop_units(struct vx_bt *bt, struct bt_page *page)
{
    while (page->units != NULL) {
        bt->stats->smc_invalidations++;
        bt_invalidate(bt, page->units, END_STORE);
    }
    page->cost = 0;
    if (++page->rounds == BT_SMC_ROUNDS) {
        page->self_checking = true;
        bt->stats->smc_self_checking++;
    }
}

void bt_smc_on_write(void *opaque, uint32_t index, uint32_t off, uint32_t bytes)
{
    struct vx_bt *bt = opaque;
    struct bt_page *page = bt->pages[index];
    if (page == NULL)
        return;
    for (struct bt_tu *tu = page->units, *next; tu != NULL; tu = next) {
        next = tu->page_next[slot_of(tu, index)];
        if (!overlaps(tu, index, off, bytes))
            continue;
        vx_trace(bt->log, bt_invalidate, (uint64_t)index << VX_PAGE_SHIFT | off, "store");
        bt->stats->smc_invalidations++;
        bt_invalidate(bt, tu, END_STORE);
        page->cost += BT_SMC_HIT_WEIGHT;
    }
    if (++page->cost >= BT_SMC_LIMIT)
        drop_units(bt, page);
}
