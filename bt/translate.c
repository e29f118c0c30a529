/* translate.c - makes one unit: decode, mark shared probes, emit, keep what signals and debuggers ask for, register. */
#include "translate.h"

#include <stdlib.h>

#include "cache.h"
#include "decode.h"
#include "fragment.h"
#include "share.h"
#include "verify.h"

static bool writes_memory(const struct bt_insn *in)
{
    switch (in->lower) {
    case L_PUSH_REG:
    case L_PUSH_IMM:
    case L_PUSH_RM:
    case L_PUSH_SEG:
    case L_PUSHF:
    case L_CALL:
    case L_CALL_RM:
    case L_STRING:
    case L_REP:
    case L_INTERP:
    case L_PORT: /* it may start a DMA transfer */
    case L_MOV_TO_SEG:
    case L_POP_SEG: return true;
    default: return in->mem_write;
    }
}

/* A self-checking unit ends after its first store, which might change what follows. */
static unsigned cut_after_store(const struct bt_insn *insns, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (writes_memory(&insns[i]))
            return i + 1;
    }
    return n;
}

static uint32_t backing_page(struct vx_bt *bt, const uint8_t *hva)
{
    return (uint32_t)((size_t)(hva - vx_pmap_page_hva(bt->config.pmap, 0)) >> VX_PAGE_SHIFT);
}

static struct bt_tu *new_unit(struct vx_bt *bt, uint8_t *const hva[TU_PAGES], unsigned pages)
{
    const struct vx_vcpu *vcpu = bt->vcpu;
    struct bt_tu *tu = calloc(1, sizeof *tu + (bt->config.count_units ? sizeof tu->entered[0] : 0));
    VX_ASSERT(tu != NULL);
    uint32_t lin = (uint32_t)vx_cs_lin(vcpu);
    tu->hva = (uint64_t)(uintptr_t)(hva[0] + (lin & VX_PAGE_MASK));
    tu->eip = (uint32_t)vcpu->rip;
    tu->cs_base = (uint32_t)vcpu->seg[VX_CS].base;
    tu->cs_limit = vcpu->seg[VX_CS].limit;
    tu->mode = bt->mode;
    tu->global =
        vx_mmu_is_global(vcpu->mmu, lin) && (pages == 1 || vx_mmu_is_global(vcpu->mmu, (lin | VX_PAGE_MASK) + 1));
    tu->pages = (uint8_t)pages;
    for (unsigned i = 0; i < pages; i++)
        tu->page[i] = backing_page(bt, hva[i]);
    tu->self_checking = pages == 1 && bt_page_self_checking(bt, tu->page[0]);
    return tu;
}

static void set_length(struct bt_tu *tu, const struct bt_insn *insns, unsigned n)
{
    tu->insns = (uint8_t)n;
    tu->guest_bytes = (uint16_t)(bt_next_eip(&insns[n - 1]) - tu->eip);
}

static void count_unit(struct vx_bt *bt, const struct bt_tu *tu)
{
    bt->stats->tu_translated++;
    bt_count_again(bt, tu);
    bt->stats->tu_guest_bytes += tu->guest_bytes;
    bt->stats->tu_guest_insns += tu->insns;
    bt->stats->tu_by_insns[tu->insns]++;
    bt->stats->tu_host_bytes += tu->host_bytes;
    vx_trace(bt->log, bt_translate, (uint64_t)(uint32_t)(tu->eip + tu->cs_base), (uint64_t)tu->page[0] << VX_PAGE_SHIFT,
             tu->mode, (unsigned)tu->guest_bytes, tu->host_bytes);
}

/* Emits, shortening the unit until it fits the buffer and a cache segment. */
static bool place_unit(struct vx_bt *bt, struct bt_tu *tu, unsigned n)
{
    struct cg *cg = bt->cg;
    for (;; n = (n + 1) / 2) {
        set_length(tu, bt->insns, n);
        uint32_t base = bt_cache_reserve(bt, 0);
        if (emit_unit(cg, bt, tu, n, base)) {
            uint32_t where = bt_cache_reserve(bt, cg->a.len);
            if (where == base || (where != UINT32_MAX && emit_unit(cg, bt, tu, n, where))) {
                tu->entry = where;
                tu->host_bytes = cg->a.len;
                return true;
            }
        }
        if (n == 1)
            return false;
    }
}

static void keep_parts(struct bt_tu *tu, const struct cg *cg)
{
    struct bt_part *part = (struct bt_part *)(tu->sites + tu->site_count);
    for (unsigned i = 0; i < tu->insns; i++) {
        const struct bt_insn *in = &cg->bt->insns[i];
        part[i] = (struct bt_part){ .start = cg->start[i],
                                    .lower = in->lower,
                                    .share_mem = in->share_mem,
                                    .share_stack = in->share_stack,
                                    .mem = in->mem && in->mem_bytes != 0 };
    }
    part[tu->insns] = (struct bt_part){ .start = cg->start[tu->insns] };
    part[tu->insns + 1] = (struct bt_part){ .start = cg->start[tu->insns + 1] };
}

static void keep_sites(struct bt_tu *tu, const struct cg *cg)
{
    bool studied = cg->bt->config.count_units;
    size_t sites = cg->site_count * sizeof *tu->sites;
    size_t bytes = sites + (studied ? (tu->insns + 2u) * sizeof(struct bt_part) : 0);
    tu->site_count = (uint16_t)cg->site_count;
    if (bytes == 0)
        return;
    tu->sites = malloc(bytes);
    VX_ASSERT(tu->sites != NULL);
    memcpy(tu->sites, cg->site, sites);
    if (studied)
        keep_parts(tu, cg);
}

/* Called on the finished unit in the buffer: what the verifier finds is a bug of ours. */
static void verify_unit(struct vx_bt *bt, const struct bt_tu *tu)
{
    struct bt_verdict verdict;
    struct bt_claim claim = bt_claim_of(bt, tu);
    if (bt->verifier != NULL && !bt_verify_unit(bt->verifier, &claim, &verdict))
        bt_verify_failed(bt, &verdict);
}

struct bt_claim bt_claim_of(const struct vx_bt *bt, const struct bt_tu *tu)
{
    return (struct bt_claim){ .tu = tu, .code = bt->buffer, .insns = bt->insns, .start = bt->cg->start };
}

struct bt_tu *bt_translate(struct vx_bt *bt)
{
    uint8_t *hva[TU_PAGES];
    unsigned pages;
    unsigned n = bt_decode_unit(bt, (unsigned)bt->tu_limit, hva, &pages);
    if (n == 0 || (pages == 2 && hva[0] == hva[1])) /* an alias of itself would stand twice on one page's list */
        return NULL;
    struct bt_tu *tu = new_unit(bt, hva, pages);
    if (tu->self_checking)
        n = cut_after_store(bt->insns, n);
    bt_share_probes(bt, n);
    if (!place_unit(bt, tu, n)) {
        free(tu);
        return NULL;
    }
    keep_sites(tu, bt->cg);
    verify_unit(bt, tu);
    bt_code_add(bt, tu, bt->buffer);
    bt_hash_add(bt, tu);
    bt_page_add(bt, tu);
    count_unit(bt, tu);
    return tu;
}
