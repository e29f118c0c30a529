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
    for (uint32_t i = 0; i < pages->count; i++)
        free(pages->page[i]);
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

void bt_page_add(struct bt_pages *pages, struct bt_tu *tu)
{
    for (unsigned i = 0; i < tu->pages; i++) {
        struct bt_page **at = &pages->page[tu->page[i]];
        if (*at == NULL)
            *at = calloc(1, sizeof **at);
        VX_ASSERT(*at != NULL);
        link_unit(&(*at)->units, tu, i);
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
