/* page.h - which units have bytes in which backing page. */
#ifndef VX86_BT_PAGE_H
#define VX86_BT_PAGE_H

#include "unit.h"

struct bt_page {
    struct bt_tu *units;
    uint32_t cost;   /* of writes to it in this round, see smc.c */
    uint32_t rounds; /* times that the limit was reached */
    bool self_checking;
};

struct bt_pages {
    struct vx_pmap *pmap;
    struct bt_page **page; /* NULL: none has ever been there */
    uint32_t count;
};

vx_err bt_pages_create(struct bt_pages *pages, struct vx_pmap *pmap);
void bt_pages_destroy(struct bt_pages *pages);
void bt_page_add(struct bt_pages *pages, struct bt_tu *tu);
void bt_page_remove(struct bt_pages *pages, struct bt_tu *tu);
bool bt_page_self_checking(const struct bt_pages *pages, uint32_t page);

/* Which of its pages is `page` to the unit? */
static inline unsigned bt_page_slot(const struct bt_tu *tu, uint32_t page)
{
    return tu->page[0] == page ? 0 : 1;
}

#endif
