/* page.h - which units have bytes in which backing page. */
#ifndef VX86_BT_PAGE_H
#define VX86_BT_PAGE_H

#include "unit.h"

struct bt_page {
    struct bt_tu *units;
    uint32_t cost;   /* of writes to it in this round, see smc.c */
    uint32_t rounds; /* times that the limit was reached */
    bool self_checking;
    uint8_t *soft; /* bitmap of offsets, BT_SOFT_BYTES; NULL: none is set. See window.h */
};

enum { BT_SOFT_BYTES = VX_PAGE_BYTES / 8 };

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

/* The page's record, made if there is none. */
struct bt_page *bt_page_get(struct bt_pages *pages, uint32_t page);
/* Does [off, off + bytes) of `page`, which is one of its pages, touch the unit's guest bytes? */
bool bt_page_overlaps(const struct bt_tu *tu, uint32_t page, uint32_t off, uint32_t bytes);

/* The backing page of the unit's instruction at `eip`. */
static inline uint32_t bt_page_of(const struct bt_tu *tu, uint64_t eip)
{
    return tu->page[(vx_lin_wrap(eip + tu->cs_base) ^ bt_tu_lin(tu)) < VX_PAGE_BYTES ? 0 : 1];
}

/* Which of its pages is `page` to the unit? */
static inline unsigned bt_page_slot(const struct bt_tu *tu, uint32_t page)
{
    return tu->page[0] == page ? 0 : 1;
}

#endif
