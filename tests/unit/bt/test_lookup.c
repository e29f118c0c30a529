/* test_lookup.c - under which cause a unit counts that is made again. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "support/fragments.h"

#include "cache.h" /* of bt/ */
#include "invalidate.h"
#include "translate.h"

static void changed(struct vx_bt *bt, struct bt_tu *tu)
{
    bt_invalidate(bt, tu, END_STORE);
}
static void evicted(struct vx_bt *bt, struct bt_tu *tu)
{
    (void)tu;
    bt_cache_evict_all(bt);
}
static void second_page_remapped(struct vx_bt *bt, struct bt_tu *tu)
{
    bt_invalidate(bt, tu, END_MAPPING);
}
static void wanted_by_debugger(struct vx_bt *bt, struct bt_tu *tu)
{
    bt_invalidate(bt, tu, END_DEBUGGER);
}
static void another_mode(struct vx_bt *bt, struct bt_tu *tu)
{
    (void)tu;
    bt->cpus->mode ^= MODE_X87_OK;
}
static void another_segment(struct vx_bt *bt, struct bt_tu *tu)
{
    (void)tu;
    bt->cpus->vcpu->seg[VX_CS].limit--;
}
static void another_mode_then_changed(struct vx_bt *bt, struct bt_tu *tu)
{
    another_mode(bt, tu);
    changed(bt, bt_translate(bt->cpus));
    bt->stats->tu_retranslated = bt->stats->again_mode = 0;
}
#define CAUSE(change, counter)                              \
    {                                                       \
#change, change, offsetof(struct vx_stats, counter) \
    }

static const struct {
    const char *name;
    void (*happens)(struct vx_bt *bt, struct bt_tu *tu);
    size_t counter; /* of struct vx_stats */
} causes[] = {
    CAUSE(changed, again_store),
    CAUSE(evicted, again_evicted),
    CAUSE(second_page_remapped, again_mapping),
    CAUSE(wanted_by_debugger, again_debugger),
    CAUSE(another_mode, again_mode),
    CAUSE(another_segment, again_segment),
    CAUSE(another_mode_then_changed, again_store),
};

static uint64_t sum_of_causes(const struct vx_stats *stats)
{
    return stats->again_store + stats->again_evicted + stats->again_mapping + stats->again_mode + stats->again_segment +
           stats->again_debugger;
}

Test(lookup, a_unit_made_again_counts_under_its_cause)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(causes); i++) {
        struct rig rig;
        uint64_t count;
        struct bt_tu *tu = fragment_make_plain(&rig, FRAGMENT_LOOP);
        cr_expect_eq(rig.bt->stats->tu_retranslated, 0);
        causes[i].happens(rig.bt, tu);
        cr_expect_not_null(bt_translate(rig.cpu));
        memcpy(&count, (const char *)rig.bt->stats + causes[i].counter, sizeof count);
        cr_expect_eq(count, 1, "%s", causes[i].name);
        cr_expect_eq(rig.bt->stats->tu_retranslated, 1, "%s", causes[i].name);
        cr_expect_eq(sum_of_causes(rig.bt->stats), 1, "%s", causes[i].name);
        rig_destroy(&rig);
    }
}

Test(lookup, a_unit_of_another_place_is_not_made_again)
{
    struct rig rig;
    fragment_make_plain(&rig, FRAGMENT_MEMORY);
    rig.vcpu->rip++;
    cr_expect_not_null(bt_translate(rig.cpu));
    cr_expect_eq(rig.bt->stats->tu_translated, 2);
    cr_expect_eq(rig.bt->stats->tu_retranslated, 0);
    rig_destroy(&rig);
}

/* ---- the hash itself */

enum { MANY = 20000, STEPS = 200000 };

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

/* Keys that are near each other, as those of code are: few pages, CS and modes. */
static struct bt_tu unit_of(uint32_t i)
{
    return (struct bt_tu){ .hva = 0x7f0000001000 + i % 64 * VX_PAGE_BYTES + i / 64 % 64 * 3,
                           .eip = 0x8048000 + i % 64 * VX_PAGE_BYTES + i / 64 % 64 * 3,
                           .cs_base = i / 4096 % 2 * 16,
                           .cs_limit = i / 8192 % 2 == 0 ? UINT32_MAX : UINT16_MAX,
                           .mode = i / 16384 };
}

static struct bt_key key_of(const struct bt_tu *tu)
{
    return (struct bt_key){
        .hva = tu->hva, .eip = tu->eip, .cs_base = tu->cs_base, .cs_limit = tu->cs_limit, .mode = tu->mode
    };
}

/* Units come and go at random; each is found exactly while it is there. */
Test(lookup, finds_what_is_there_and_nothing_else)
{
    struct bt_lookup lookup = { 0 };
    struct bt_tu *tu = calloc(MANY, sizeof *tu);
    bool *there = calloc(MANY, sizeof *there);
    uint64_t random = 88172645463325252u, present = 0;
    cr_assert(tu != NULL && there != NULL && bt_lookup_create(&lookup) == VX_ERR_OK);
    for (uint32_t i = 0; i < MANY; i++)
        tu[i] = unit_of(i);
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t i = (uint32_t)(next_random(&random) >> 20) % MANY;
        struct bt_key key = key_of(&tu[i]);
        cr_assert_eq(bt_lookup_find(&lookup, &key), there[i] ? &tu[i] : NULL, "step %u, unit %u", step, i);
        if (there[i])
            bt_lookup_remove(&lookup, &tu[i]);
        else
            bt_lookup_add(&lookup, &tu[i]);
        present += there[i] ? UINT64_MAX : 1;
        there[i] = !there[i];
    }
    cr_assert_eq(lookup.used, present);
    cr_assert_lt(present * 4, 4ull << lookup.bits, "the table grows with its units");
    for (uint32_t i = 0; i < MANY; i++) {
        struct bt_key key = key_of(&tu[i]);
        cr_assert_eq(bt_lookup_find(&lookup, &key), there[i] ? &tu[i] : NULL, "at the end, unit %u", i);
    }
    bt_lookup_destroy(&lookup);
    free(tu);
    free(there);
}
