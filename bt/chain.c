/* chain.c - patching a unit's direct exits into jumps to their successors.
 *
 *   I1  An exit may be chained if its target is certain to stay what it is while the exit's own unit can be entered:
 *       the target begins in the same page (same mapping), or in a page whose mapping is global and that is on the
 *       `crossing` list, so that flushes unlink it.
 *   I2  A unit that spans two pages is never chained to: its second mapping has to be looked up.
 *   I3  Both units are of the same mode and the same code segment, base and limit: what they take for granted of these
 *       was looked at when C entered the first one. */
#include "chain.h"

#include "core.h"
#include "verify.h"

static bool same_view(const struct bt_tu *from, const struct bt_tu *to)
{
    return from->mode == to->mode && from->cs_base == to->cs_base && from->cs_limit == to->cs_limit;
}

static bool same_page(const struct bt_tu *from, const struct bt_tu *to)
{
    return from->pages == 1 && ((from->eip + from->cs_base) ^ (to->eip + to->cs_base)) < VX_PAGE_BYTES &&
           from->page[0] == to->page[0];
}

static struct bt_exit **cross_bucket(struct vx_bt *bt, uint64_t lin)
{
    return &bt->crossing[(uint32_t)lin >> VX_PAGE_SHIFT & (BT_CROSSING_BUCKETS - 1)];
}

static void cross_add(struct vx_bt *bt, struct bt_exit *exit, uint32_t target_lin)
{
    struct bt_exit **head = cross_bucket(bt, target_lin);
    exit->next_crossing = *head;
    exit->prev_crossing = head;
    if (*head != NULL)
        (*head)->prev_crossing = &exit->next_crossing;
    *head = exit;
}

static void cross_remove(struct bt_exit *exit)
{
    if (exit->prev_crossing == NULL)
        return;
    *exit->prev_crossing = exit->next_crossing;
    if (exit->next_crossing != NULL)
        exit->next_crossing->prev_crossing = exit->prev_crossing;
    exit->prev_crossing = NULL;
}

static void patch(struct vx_bt *bt, const struct bt_exit *exit, uint32_t target)
{
    struct bt_verdict verdict;
    bt_code_patch32(bt, exit->patch_off, target - (exit->patch_off + 4));
    if (bt->verifier != NULL && !bt_verify_exit(bt->verifier, exit, &verdict))
        bt_verify_failed(bt, &verdict);
}

void bt_chain(struct vx_bt *bt, struct bt_exit *exit, struct bt_tu *to)
{
    struct bt_tu *from = exit->from;
    if (bt->config.no_chain || exit->to != NULL || from->dead || to->dead || to->pages != 1 || !same_view(from, to))
        return;
    if (!same_page(from, to)) {
        if (!to->global || !from->global)
            return;
        cross_add(bt, exit, to->eip + to->cs_base);
    }
    exit->to = to;
    exit->next_in = to->in;
    to->in = exit;
    patch(bt, exit, to->entry);
    bt->stats->chain_links++;
}

void bt_unchain(struct vx_bt *bt, struct bt_exit *exit)
{
    if (exit->to == NULL)
        return;
    struct bt_exit **at = &exit->to->in;
    while (*at != exit)
        at = &(*at)->next_in;
    *at = exit->next_in;
    exit->to = NULL;
    cross_remove(exit);
    patch(bt, exit, exit->cold_off);
}

void bt_unchain_unit(struct vx_bt *bt, struct bt_tu *tu)
{
    while (tu->in != NULL)
        bt_unchain(bt, tu->in);
    for (unsigned i = 0; i < TU_EXITS; i++)
        bt_unchain(bt, &tu->exit[i]);
}

static void unchain_bucket(struct vx_bt *bt, struct bt_exit **head)
{
    while (*head != NULL)
        bt_unchain(bt, *head);
}

void bt_unchain_crossing(struct vx_bt *bt, bool all, uint64_t lin)
{
    if (!all) {
        unchain_bucket(bt, cross_bucket(bt, lin)); /* neighbours in the bucket chain again when they are next taken */
        return;
    }
    for (unsigned i = 0; i < BT_CROSSING_BUCKETS; i++)
        unchain_bucket(bt, &bt->crossing[i]);
}
