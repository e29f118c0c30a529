/* jump_cache.c - from EIP to code: what indirect branches probe in line (emit_jump_cache()).
 *
 * A jump cache is keyed by eip alone: it belongs to one mode and to the current address space, and loses entries
 * whenever mappings change. */
#include "jump_cache.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "insn.h"

enum { JC_LOG_MAX = 8192, VPN_MASK = (1 << 20) - 1 };

vx_err bt_jc_create(struct bt_jump_caches *all, bool off)
{
    all->off = off;
    for (unsigned i = 0; i < BT_JC_SETS; i++) {
        struct bt_jump_cache *jc = &all->set[i];
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

void bt_jc_destroy(struct bt_jump_caches *all)
{
    for (unsigned i = 0; i < BT_JC_SETS; i++) {
        struct bt_jump_cache *jc = &all->set[i];
        if (jc->entry != NULL && jc->entry != MAP_FAILED)
            munmap(jc->entry, BT_JC_ENTRIES * sizeof *jc->entry);
        free(jc->filled[0]);
        free(jc->filled[1]);
        free(jc->pages);
        free(jc->spills);
    }
}

static uint32_t jc_index(uint64_t eip)
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

static bool has_view(const struct bt_jump_cache *jc, const struct bt_key *key)
{
    return jc->mode == key->mode && jc->cs_base == key->cs_base && jc->cs_limit == key->cs_limit;
}

const uint64_t *bt_jc_select(struct bt_jump_caches *all, const struct bt_key *key)
{
    struct bt_jump_cache *pick = &all->set[0];
    for (unsigned i = 0; i < BT_JC_SETS; i++) {
        struct bt_jump_cache *jc = &all->set[i];
        if (has_view(jc, key)) {
            pick = jc;
            break;
        }
        if (jc->used < pick->used)
            pick = jc;
    }
    if (!has_view(pick, key)) {
        jc_clear_all(pick);
        pick->mode = key->mode;
        pick->cs_base = key->cs_base;
        pick->cs_limit = key->cs_limit;
    }
    pick->used = ++all->tick;
    all->current = pick;
    return pick->entry;
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

void bt_jc_fill(struct bt_jump_caches *all, const struct bt_tu *tu)
{
    struct bt_jump_cache *jc = all->current;
    if (all->off || jc == NULL)
        return;
    unsigned which = tu->global ? 1 : 0;
    if (jc->filled_count[which] == JC_LOG_MAX)
        jc_clear_log(jc, which);
    uint32_t index = jc_index(tu->eip);
    /* An index may already be in the other log; then clearing that log drops this entry too early, never too late:
     * entries of both logs are cleared whenever the stricter one asks. */
    jc->filled[which][jc->filled_count[which]++] = index;
    uint32_t vpn = (uint32_t)(bt_tu_lin(tu) >> VX_PAGE_SHIFT);
    set_bit(jc->pages, vpn);
    if (tu->pages == 2)
        set_bit(jc->spills, (vpn + 1) & VPN_MASK);
    jc->entry[index] = jc_pack(tu);
}

uint32_t bt_jc_probe(const struct bt_jump_caches *all, uint64_t eip)
{
    uint64_t entry = all->current->entry[jc_index(eip)];
    return (uint32_t)(entry + eip) == 0 ? (uint32_t)(entry >> 32) : 0;
}

void bt_jc_remove(struct bt_jump_caches *all, const struct bt_tu *tu)
{
    for (unsigned i = 0; i < BT_JC_SETS; i++) {
        uint32_t index = jc_index(tu->eip);
        if (all->set[i].entry[index] == jc_pack(tu))
            jc_clear_entry(&all->set[i], index);
    }
}

void bt_jc_flush(struct bt_jump_caches *all, bool global_too)
{
    for (unsigned i = 0; i < BT_JC_SETS; i++) {
        jc_clear_log(&all->set[i], 0);
        if (global_too)
            jc_clear_log(&all->set[i], 1);
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

void bt_jc_flush_page(struct bt_jump_caches *all, uint64_t lin)
{
    uint32_t vpn = (uint32_t)(vx_lin_wrap(lin) >> VX_PAGE_SHIFT);
    for (unsigned i = 0; i < BT_JC_SETS; i++) {
        struct bt_jump_cache *jc = &all->set[i];
        jc_flush_page(jc, vpn);
        if (take_bit(jc->spills, vpn))
            jc_flush_page(jc, (vpn - 1) & VPN_MASK);
    }
}
