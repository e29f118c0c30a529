/* jump_cache.c - from EIP to code: what indirect branches probe in line (emit_jump_cache()).
 *
 * A jump cache is keyed by eip alone: it belongs to one mode and to the current address space, and loses entries
 * whenever mappings change. */
#include "jump_cache.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "core.h"

enum { JC_LOG_MAX = 8192, VPN_MASK = (1 << 20) - 1 };

vx_err bt_jc_create(struct vx_bt *bt)
{
    for (unsigned i = 0; i < BT_JC_SETS; i++) {
        struct bt_jump_cache *jc = &bt->jc[i];
        jc->entry =
            mmap(NULL, BT_JC_ENTRIES * sizeof *jc->entry, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        jc->filled[0] = malloc(JC_LOG_MAX * sizeof(uint32_t));
        jc->filled[1] = malloc(JC_LOG_MAX * sizeof(uint32_t));
        jc->pages = calloc(1u << 14, sizeof *jc->pages);
        jc->spills = calloc(1u << 14, sizeof *jc->spills);
        if (jc->entry == MAP_FAILED || jc->pages == NULL || jc->spills == NULL || jc->filled[0] == NULL ||
            jc->filled[1] == NULL)
            return VX_ERR_NO_MEMORY;
        jc->mode = MODE_SLOW;
        jc->entry[0] = 1; /* an empty entry reads as eip 0 and would hit there only */
    }
    return VX_ERR_OK;
}

void bt_jc_destroy(struct vx_bt *bt)
{
    for (unsigned i = 0; i < BT_JC_SETS; i++) {
        if (bt->jc[i].entry != NULL && bt->jc[i].entry != MAP_FAILED)
            munmap(bt->jc[i].entry, BT_JC_ENTRIES * sizeof *bt->jc[i].entry);
        free(bt->jc[i].filled[0]);
        free(bt->jc[i].filled[1]);
        free(bt->jc[i].pages);
        free(bt->jc[i].spills);
    }
}

static uint32_t jc_index(uint32_t eip)
{
    return eip & (BT_JC_ENTRIES - 1);
}

static uint64_t jc_pack(const struct bt_tu *tu)
{
    return (uint64_t)tu->entry << 32 | (uint32_t)-tu->eip;
}

static void jc_clear_entry(struct bt_jump_cache *jc, uint32_t index)
{
    jc->entry[index] = index == 0 ? 1 : 0;
}

static void jc_clear_log(struct bt_jump_cache *jc, unsigned which)
{
    for (uint32_t i = 0; i < jc->filled_count[which]; i++)
        jc_clear_entry(jc, jc->filled[which][i]);
    jc->filled_count[which] = 0;
}

static void jc_clear_all(struct bt_jump_cache *jc)
{
    jc_clear_log(jc, 0);
    jc_clear_log(jc, 1);
}

/* Makes the jump cache of this mode the current one, taking over the least recently used if there is none. */
void bt_jc_select(struct vx_bt *bt, uint32_t mode, const struct vx_seg *cs)
{
    uint32_t cs_base = (uint32_t)cs->base;
    struct bt_jump_cache *pick = &bt->jc[0];
    for (unsigned i = 0; i < BT_JC_SETS; i++) {
        struct bt_jump_cache *jc = &bt->jc[i];
        if (jc->mode == mode && jc->cs_base == cs_base && jc->cs_limit == cs->limit) {
            pick = jc;
            break;
        }
        if (jc->used < pick->used)
            pick = jc;
    }
    if (pick->mode != mode || pick->cs_base != cs_base || pick->cs_limit != cs->limit) {
        jc_clear_all(pick);
        pick->mode = mode;
        pick->cs_base = cs_base;
        pick->cs_limit = cs->limit;
    }
    pick->used = ++bt->jc_tick;
    bt->jc_cur = pick;
    bt->area->jc_base_real = (uint64_t)(uintptr_t)pick->entry;
}

static void set_bit(uint64_t *bitmap, uint32_t vpn)
{
    bitmap[vpn / 64] |= 1ull << vpn % 64;
}

static bool take_bit(uint64_t *bitmap, uint32_t vpn)
{
    bool was = bitmap[vpn / 64] >> vpn % 64 & 1;
    bitmap[vpn / 64] &= ~(1ull << vpn % 64);
    return was;
}

void bt_jc_fill(struct vx_bt *bt, struct bt_tu *tu)
{
    struct bt_jump_cache *jc = bt->jc_cur;
    if (bt->config.no_jump_cache || jc == NULL)
        return;
    unsigned which = tu->global ? 1 : 0;
    if (jc->filled_count[which] == JC_LOG_MAX)
        jc_clear_log(jc, which);
    uint32_t index = jc_index(tu->eip);
    /* An index may already be in the other log; then clearing that log drops this entry too early, never too late:
     * entries of both logs are cleared whenever the stricter one asks. */
    jc->filled[which][jc->filled_count[which]++] = index;
    uint32_t vpn = (tu->eip + tu->cs_base) >> VX_PAGE_SHIFT;
    set_bit(jc->pages, vpn);
    if (tu->pages == 2)
        set_bit(jc->spills, (vpn + 1) & VPN_MASK);
    jc->entry[index] = jc_pack(tu);
}

uint32_t bt_jc_probe(const struct vx_bt *bt, uint32_t eip)
{
    uint64_t entry = bt->jc_cur->entry[jc_index(eip)];
    return (uint32_t)entry + eip == 0 ? (uint32_t)(entry >> 32) : 0;
}

void bt_jc_remove(struct vx_bt *bt, struct bt_tu *tu)
{
    for (unsigned i = 0; i < BT_JC_SETS; i++) {
        uint32_t index = jc_index(tu->eip);
        if (bt->jc[i].entry[index] == jc_pack(tu))
            jc_clear_entry(&bt->jc[i], index);
    }
}

void bt_jc_flush(struct vx_bt *bt, bool global_too)
{
    for (unsigned i = 0; i < BT_JC_SETS; i++) {
        jc_clear_log(&bt->jc[i], 0);
        if (global_too)
            jc_clear_log(&bt->jc[i], 1);
    }
}

/* Entries of one page stand side by side: an index is the low part of an eip. */
static void jc_clear_page(struct bt_jump_cache *jc, uint32_t vpn)
{
    uint32_t first = vpn << VX_PAGE_SHIFT;
    for (uint32_t eip = first; eip - first < VX_PAGE_BYTES; eip++) {
        if ((uint32_t)jc->entry[jc_index(eip)] + eip == 0)
            jc_clear_entry(jc, jc_index(eip));
    }
}

static void jc_flush_page(struct bt_jump_cache *jc, uint32_t vpn)
{
    if (!take_bit(jc->pages, vpn))
        return;
    if (jc->cs_base == 0)
        jc_clear_page(jc, vpn);
    else
        jc_clear_all(jc);
}

void bt_jc_flush_page(struct vx_bt *bt, uint64_t lin)
{
    uint32_t vpn = (uint32_t)lin >> VX_PAGE_SHIFT;
    for (unsigned i = 0; i < BT_JC_SETS; i++) {
        struct bt_jump_cache *jc = &bt->jc[i];
        jc_flush_page(jc, vpn);
        if (take_bit(jc->spills, vpn))
            jc_flush_page(jc, (vpn - 1) & VPN_MASK);
    }
}
