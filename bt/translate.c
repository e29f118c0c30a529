/* translate.c - makes one unit: decode, mark shared probes, emit, keep what signals and debuggers ask for, register. */
#include "translate.h"

#include <stdlib.h>

#include "cache.h"
#include "decode.h"
#include "host.h"
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

static uint32_t backing_page(const struct vx_bt *bt, const uint8_t *hva)
{
    return (uint32_t)((size_t)(hva - vx_pmap_page_hva(bt->config.pmap, 0)) >> VX_PAGE_SHIFT);
}

static struct bt_tu *new_unit(const struct vx_bt_cpu *cpu, const struct bt_draft *draft)
{
    const struct vx_bt *bt = cpu->bt;
    const struct vx_vcpu *vcpu = cpu->vcpu;
    struct bt_tu *tu = calloc(1, sizeof *tu + (bt->config.count_units ? sizeof tu->entered[0] : 0));
    VX_ASSERT(tu != NULL);
    uint64_t lin = vx_cs_lin(vcpu);
    tu->hva = (uint64_t)(uintptr_t)(draft->hva[0] + (lin & VX_PAGE_MASK));
    tu->eip = vcpu->rip;
    tu->cs_base = vcpu->seg[VX_CS].base;
    tu->cs_limit = vcpu->seg[VX_CS].limit;
    tu->mode = draft->mode;
    tu->global = vx_mmu_is_global(vcpu->mmu, lin) &&
                 (draft->pages == 1 || vx_mmu_is_global(vcpu->mmu, vx_lin_wrap((lin | VX_PAGE_MASK) + 1)));
    tu->pages = (uint8_t)draft->pages;
    for (unsigned i = 0; i < draft->pages; i++)
        tu->page[i] = backing_page(bt, draft->hva[i]);
    tu->self_checking = draft->pages == 1 && bt_page_self_checking(&bt->pages, tu->page[0]);
    return tu;
}

static void set_length(struct bt_tu *tu, const struct bt_insn *insns, unsigned n)
{
    tu->insns = (uint8_t)n;
    tu->guest_bytes = (uint16_t)(bt_next_eip(&insns[n - 1]) - tu->eip);
}

/* Why units are made again is kept for who looks at it: it takes a cache miss or two for each of them. */
static void count_unit(struct vx_bt_cpu *cpu, const struct bt_tu *tu)
{
    struct vx_bt *bt = cpu->bt;
    bt->stats->tu_translated++;
    if (bt->config.count || cpu->vcpu->debug != NULL)
        bt_count_again(&bt->lookup, bt->stats, tu);
    bt->stats->tu_guest_bytes += tu->guest_bytes;
    bt->stats->tu_guest_insns += tu->insns;
    bt->stats->tu_by_insns[tu->insns]++;
    bt->stats->tu_host_bytes += tu->host_bytes;
    vx_trace(bt->log, bt_translate, bt_tu_lin(tu), (uint64_t)tu->page[0] << VX_PAGE_SHIFT, tu->mode,
             (unsigned)tu->guest_bytes, tu->host_bytes);
}

/* Emits, shortening the unit until it fits the buffer and a cache segment. */
static bool place_unit(struct vx_bt *bt, struct bt_tu *tu, unsigned n)
{
    struct bt_fragment *fragment = &bt->fragment;
    for (;; n = (n + 1) / 2) {
        set_length(tu, bt->draft.insns, n);
        uint32_t base = bt_cache_reserve(bt, 0);
        if (bt_host_emit(bt, tu, base, fragment)) {
            uint32_t where = bt_cache_reserve(bt, fragment->bytes);
            if (where == base || (where != UINT32_MAX && bt_host_emit(bt, tu, where, fragment))) {
                tu->entry = where;
                tu->host_bytes = fragment->bytes;
                return true;
            }
        }
        if (n == 1)
            return false;
    }
}

static void keep_parts(struct bt_tu *tu, const struct bt_insn *insns, const uint32_t *start)
{
    struct bt_part *part = (struct bt_part *)(tu->sites + tu->site_count);
    for (unsigned i = 0; i < tu->insns; i++) {
        part[i] = (struct bt_part){ .start = start[i],
                                    .lower = insns[i].lower,
                                    .share_mem = insns[i].share_mem,
                                    .share_stack = insns[i].share_stack,
                                    .mem = insns[i].mem && insns[i].mem_bytes != 0 };
    }
    part[tu->insns] = (struct bt_part){ .start = start[tu->insns] };
    part[tu->insns + 1] = (struct bt_part){ .start = start[tu->insns + 1] };
}

static void keep_sites(const struct vx_bt *bt, struct bt_tu *tu)
{
    const struct bt_fragment *fragment = &bt->fragment;
    bool studied = bt->config.count_units;
    size_t sites = fragment->site_count * sizeof *tu->sites;
    size_t bytes = sites + (studied ? (tu->insns + 2u) * sizeof(struct bt_part) : 0);
    tu->site_count = (uint16_t)fragment->site_count;
    if (bytes == 0)
        return;
    tu->sites = malloc(bytes);
    VX_ASSERT(tu->sites != NULL);
    memcpy(tu->sites, fragment->sites, sites);
    if (studied)
        keep_parts(tu, bt->draft.insns, fragment->start);
}

struct bt_claim bt_claim_of(const struct vx_bt *bt, const struct bt_tu *tu)
{
    return (struct bt_claim){
        .tu = tu, .code = bt->fragment.code, .insns = bt->draft.insns, .start = bt->fragment.start, .pages = &bt->pages
    };
}

/* What the verifier finds is a bug of ours. */
static void verify_unit(const struct vx_bt *bt, const struct bt_tu *tu)
{
    struct bt_verdict verdict;
    struct bt_claim claim = bt_claim_of(bt, tu);
    if (bt->verifier != NULL && !bt_verify_unit(bt->verifier, &claim, &verdict))
        bt_verify_failed(bt->log, &verdict);
}

struct bt_tu *bt_translate(struct vx_bt_cpu *cpu)
{
    struct vx_bt *bt = cpu->bt;
    struct bt_draft *draft = &bt->draft;
    unsigned n = bt_decode_unit(cpu, draft, bt->config.tu_max);
    if (n == 0 || (draft->pages == 2 && draft->hva[0] == draft->hva[1])) /* would stand twice on one page's list */
        return NULL;
    struct bt_tu *tu = new_unit(cpu, draft);
    if (tu->self_checking)
        n = cut_after_store(draft->insns, n);
    bt_mark_soft(bt, tu, n);
    bt_share_probes(draft, n, bt->config.no_probe_sharing);
    if (!place_unit(bt, tu, n)) {
        free(tu);
        return NULL;
    }
    keep_sites(bt, tu);
    verify_unit(bt, tu);
    bt_code_add(&bt->code, tu, bt->fragment.code);
    bt_lookup_add(&bt->lookup, tu);
    bt_page_add(&bt->pages, tu);
    count_unit(cpu, tu);
    return tu;
}
