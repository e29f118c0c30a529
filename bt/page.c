/* page.c - by backing page: the units with bytes in it.
 *
 *   I1  Every backing page with a live, not self-checking unit is marked in the pmap, so that any write to it is told
 *       (smc.c) after the bytes have changed. */
#include "page.h"

#include <stdlib.h>

vx_err bt_pages_create(struct bt_pages *pages, struct vx_pmap *pmap)
{
    pages->pmap = pmap;
    pages->count = 1u << 20;
    pages->page = calloc(pages->count, sizeof *pages->page);
    return pages->page == NULL ? VX_ERR_NO_MEMORY : VX_ERR_OK;
}

void bt_pages_destroy(struct bt_pages *pages)
{
    if (pages->page == NULL)
        return;
    for (uint32_t i = 0; i < pages->count; i++) {
        if (pages->page[i] != NULL)
            free(pages->page[i]->soft);
        free(pages->page[i]);
    }
    free(pages->page);
}

bool bt_page_self_checking(const struct bt_pages *pages, uint32_t page)
{
    return pages->page[page] != NULL && pages->page[page]->self_checking;
}

static void link_unit(struct bt_tu **head, struct bt_tu *tu, unsigned slot)
{
    tu->page_next[slot] = *head;
    tu->page_prev[slot] = head;
    if (*head != NULL)
        (*head)->page_prev[bt_page_slot(*head, tu->page[slot])] = &tu->page_next[slot];
    *head = tu;
}

struct bt_page *bt_page_get(struct bt_pages *pages, uint32_t page)
{
    struct bt_page **at = &pages->page[page];
    if (*at == NULL)
        *at = calloc(1, sizeof **at);
    VX_ASSERT(*at != NULL);
    return *at;
}

bool bt_page_overlaps(const struct bt_tu *tu, uint32_t page, uint32_t off, uint32_t bytes)
{
    uint32_t first = (uint32_t)tu->hva & VX_PAGE_MASK;
    uint32_t begin = bt_page_slot(tu, page) == 0 ? first : 0;
    uint32_t end = bt_page_slot(tu, page) == 0 ? first + tu->guest_bytes : first + tu->guest_bytes - VX_PAGE_BYTES;
    return off < end && begin < off + bytes;
}

void bt_page_add(struct bt_pages *pages, struct bt_tu *tu)
{
    for (unsigned i = 0; i < tu->pages; i++) {
        link_unit(&bt_page_get(pages, tu->page[i])->units, tu, i);
        if (!tu->self_checking && !vx_pmap_is_code(pages->pmap, tu->page[i]))
            vx_pmap_mark_code(pages->pmap, tu->page[i], true);
    }
}

void bt_page_remove(struct bt_pages *pages, struct bt_tu *tu)
{
    for (unsigned i = 0; i < tu->pages; i++) {
        struct bt_page *page = pages->page[tu->page[i]];
        *tu->page_prev[i] = tu->page_next[i];
        if (tu->page_next[i] != NULL)
            tu->page_next[i]->page_prev[bt_page_slot(tu->page_next[i], tu->page[i])] = tu->page_prev[i];
        if (page->units == NULL && !tu->self_checking)
            vx_pmap_mark_code(pages->pmap, tu->page[i], false);
    }
}
