/* test_chain.c - which exits bt_chain() patches, and which it leaves alone. */
#include <criterion/criterion.h>

#include "support/fragments.h"

#include "core.h" /* of bt/ */

static void nothing(struct bt_tu *to)
{
    (void)to;
}
static void another_base(struct bt_tu *to)
{
    to->cs_base += 16;
}
static void another_limit(struct bt_tu *to)
{
    to->cs_limit--;
}
static void another_mode(struct bt_tu *to)
{
    to->mode ^= MODE_USER;
}
static void another_page(struct bt_tu *to)
{
    to->eip += VX_PAGE_BYTES;
    to->page[0]++;
}
static void remapped(struct bt_tu *to)
{
    to->page[0]++;
}
static void another_global_page(struct bt_tu *to)
{
    another_page(to);
    to->global = true;
}
static void another_global_page_and_limit(struct bt_tu *to)
{
    another_global_page(to);
    another_limit(to);
}
static void another_global_page_and_base(struct bt_tu *to)
{
    another_global_page(to);
    another_base(to);
}
static void two_pages(struct bt_tu *to)
{
    to->pages = 2;
}
static void dead(struct bt_tu *to)
{
    to->dead = true;
}

static const struct {
    const char *name;
    void (*change)(struct bt_tu *to); /* what the target has that the exit's own unit has not */
    bool from_global;
    bool chained;
} targets[] = {
    { "the same page and view", nothing, false, true },
    { "another CS base", another_base, false, false },
    { "another CS limit", another_limit, false, false },
    { "another mode", another_mode, false, false },
    { "another page", another_page, false, false },
    { "the same page of addresses, mapped elsewhere", remapped, false, false },
    { "another page, and only that one global", another_global_page, false, false },
    { "from global page to global page", another_global_page, true, true },
    { "from global page to page", another_page, true, false },
    { "from global page to global page with another CS limit", another_global_page_and_limit, true, false },
    { "from global page to global page with another CS base", another_global_page_and_base, true, false },
    { "a unit of two pages", two_pages, false, false },
    { "a unit that is no more", dead, false, false },
};

Test(chain, targets)
{
    for (unsigned i = 0; i < VX_ARRAY_LEN(targets); i++) {
        struct rig rig;
        struct bt_tu *from = fragment_make_plain(&rig, FRAGMENT_LOOP), to = *from;
        from->global = targets[i].from_global;
        to.global = false;
        to.in = NULL;
        targets[i].change(&to);
        bt_chain(&rig.bt->chains, &from->exit[0], &to);
        cr_expect_eq(from->exit[0].to != NULL, targets[i].chained, "%s", targets[i].name);
        bt_unchain(&rig.bt->chains, &from->exit[0]);
        cr_expect_null(from->exit[0].to);
        cr_expect_null(to.in, "%s: still on its list", targets[i].name);
        rig_destroy(&rig);
    }
}
