/* chain.c - patching a unit's direct exits into jumps to their successors.
 *
 *   I1  An exit may be chained if its target is certain to stay what it is while the exit's own unit can be entered:
 *       the target begins in the same page (same mapping), or in a page whose mapping is global and that is on the
 *       `crossing` list, so that flushes unlink it.
 *   I2  A unit that spans two pages is never chained to: its second mapping has to be looked up.
 *   I3  Both units are of the same mode and the same code segment, base and limit: what they take for granted of these
 *       was looked at when C entered the first one. */
#include "chain.h"

#include "host.h"
#include "verify.h"

static bool same_view(const struct bt_tu *from, const struct bt_tu *to)
{
    return from->mode == to->mode && from->cs_base == to->cs_base && from->cs_limit == to->cs_limit;
}

static bool same_page(const struct bt_tu *from, const struct bt_tu *to)
{
    return from->pages == 1 && (bt_tu_lin(from) ^ bt_tu_lin(to)) < VX_PAGE_BYTES && from->page[0] == to->page[0];
}

static struct bt_exit **cross_bucket(struct bt_chains *chains, uint64_t lin)
{
    return &chains->crossing[lin >> VX_PAGE_SHIFT & (BT_CROSSING_BUCKETS - 1)];
}

static void cross_add(struct bt_chains *chains, struct bt_exit *exit, uint64_t target_lin)
{
    struct bt_exit **head = cross_bucket(chains, target_lin);
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

static void patch(struct bt_chains *chains, const struct bt_exit *exit, uint32_t target)
{
    struct bt_verdict verdict;
    bt_host_patch_exit(chains->code, exit, target);
    if (chains->verifier != NULL && !bt_verify_exit(chains->verifier, exit, &verdict))
        bt_verify_failed(chains->log, &verdict);
}

void bt_chain(struct bt_chains *chains, struct bt_exit *exit, struct bt_tu *to)
{
    struct bt_tu *from = exit->from;
    if (chains->off || exit->to != NULL || from->dead || to->dead || to->pages != 1 || !same_view(from, to))
        return;
    if (!same_page(from, to)) {
        if (!to->global || !from->global)
            return;
        cross_add(chains, exit, bt_tu_lin(to));
    }
    exit->to = to;
    exit->next_in = to->in;
    to->in = exit;
    patch(chains, exit, to->entry);
    chains->stats->chain_links++;
}

void bt_unchain(struct bt_chains *chains, struct bt_exit *exit)
{
    if (exit->to == NULL)
        return;
    struct bt_exit **at = &exit->to->in;
    while (*at != exit)
        at = &(*at)->next_in;
    *at = exit->next_in;
    exit->to = NULL;
    cross_remove(exit);
    patch(chains, exit, exit->cold_off);
}

void bt_unchain_unit(struct bt_chains *chains, struct bt_tu *tu)
{
    while (tu->in != NULL)
        bt_unchain(chains, tu->in);
    for (unsigned i = 0; i < TU_EXITS; i++)
        bt_unchain(chains, &tu->exit[i]);
}

static void unchain_bucket(struct bt_chains *chains, struct bt_exit **head)
{
    while (*head != NULL)
        bt_unchain(chains, *head);
}

void bt_unchain_crossing(struct bt_chains *chains, bool all, uint64_t lin)
{
    if (!all) {
        unchain_bucket(chains,
                       cross_bucket(chains, lin)); /* neighbours in the bucket chain again when they are next taken */
        return;
    }
    for (unsigned i = 0; i < BT_CROSSING_BUCKETS; i++)
        unchain_bucket(chains, &chains->crossing[i]);
}
