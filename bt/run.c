/* run.c - the translator's outer loop: find or make the unit at CS:EIP, run it, see why it came back.
 *
 * Order of looks at every turn: stopped states, attention, interrupt shadow, modes that are not translated, then the
 * unit. */
#include <stdlib.h>

#include "cache.h"
#include "decode.h"
#include "departures.h"
#include "enter.h"
#include "fragment.h"
#include "hostfault.h"
#include "interpret.h"
#include "invalidate.h"
#include "smc.h"
#include "state.h"
#include "translate.h"
#include "verify.h"
#include "vx86/loop.h"

enum { UNSHARED_STAYS = 4 };

/* What the last unit left behind, so that the way it went can be shortened. */
struct pending {
    struct bt_exit *direct; /* chain this to what is found next */
    uint64_t evictions;     /* ... unless units have been freed since */
    bool indirect;          /* enter what is found next into the jump cache */
    bool ran;               /* a unit was run or an instruction interpreted */
};

static uint64_t next_random(struct vx_bt *bt)
{
    bt->rng ^= bt->rng << 13;
    bt->rng ^= bt->rng >> 7;
    bt->rng ^= bt->rng << 17;
    return bt->rng;
}

/* A unit over two pages is good only while the second one is still the same. */
static bool second_page_holds(struct vx_bt *bt, const struct bt_tu *tu)
{
    if (tu->pages == 1)
        return true;
    uint32_t lin = (uint32_t)vx_cs_lin(bt->vcpu);
    uint8_t *hva = bt_fetch_hva(bt, (lin | VX_PAGE_MASK) + 1);
    return hva != NULL && hva == vx_pmap_page_hva(bt->config.pmap, tu->page[1]);
}

/* The unit at CS:EIP, found or made; *counter is what an entry into it counts as. */
static struct bt_tu *find_unit(struct vx_bt *bt, uint64_t **counter)
{
    if (bt->vcpu->rip > bt->vcpu->seg[VX_CS].limit) /* #GP before the page is looked at */
        return NULL;
    uint8_t *hva = bt_fetch_hva(bt, (uint32_t)vx_cs_lin(bt->vcpu));
    if (hva == NULL)
        return NULL;
    struct bt_tu *tu = bt_hash_find(bt, (uint64_t)(uintptr_t)hva, (uint32_t)bt->vcpu->rip);
    if (tu != NULL && !second_page_holds(bt, tu)) {
        bt_invalidate(bt, tu, END_MAPPING);
        tu = NULL;
    }
    *counter = &bt->stats->entry_hash;
    if (tu != NULL)
        return tu;
    *counter = &bt->stats->entry_miss;
    uint64_t start = vx_host_now_ns();
    tu = bt_translate(bt);
    bt->stats->time_translator_ns += vx_host_now_ns() - start;
    return tu;
}

static void use_pending(struct vx_bt *bt, struct pending *pending, struct bt_tu *tu)
{
    bool chained = false;
    if (pending->direct != NULL && pending->evictions == bt->evictions) {
        bt_chain(bt, pending->direct, tu);
        chained = pending->direct->to != NULL;
    }
    if (pending->indirect || (pending->direct != NULL && !chained))
        bt_jc_fill(bt, tu);
    *pending = (struct pending){ .ran = pending->ran };
}

/* The next unit is wanted without sharing. A place that misses again and again (a frame across two pages) makes the
 * units after it unshared too, so that they chain to each other, until something else leaves translated code. */
static void note_unshared(struct vx_bt *bt, uint32_t eip)
{
    bt->unshared_misses = eip == bt->unshared_eip ? bt->unshared_misses + 1 : 0;
    bt->unshared_eip = eip;
    bt->unshared = true;
}

/* Takes over what the exit stub left in the area. */
static void after_run(struct vx_bt *bt, struct pending *pending)
{
    struct vx_vcpu *vcpu = bt->vcpu;
    struct bt_area *area = bt->area;
    switch ((enum bt_exit_kind)area->exit_r9) {
    case EXIT_DIRECT:
        pending->direct = (struct bt_exit *)(uintptr_t)area->exit_r8;
        pending->evictions = bt->evictions;
        vcpu->rip = pending->direct->target_eip;
        bt->unshared &= bt->unshared_misses >= UNSHARED_STAYS;
        return;
    case EXIT_INDIRECT:
        pending->indirect = true;
        vcpu->rip = (uint32_t)area->exit_r8;
        bt->unshared &= bt->unshared_misses >= UNSHARED_STAYS;
        return;
    case EXIT_INTERP:
    case EXIT_FAULT:
        vcpu->rip = (uint32_t)area->exit_r8;
        bt_interpret(bt);
        break;
    case EXIT_POLL:
    case EXIT_BOUNDARY: vcpu->rip = (uint32_t)area->exit_r8; break;
    case EXIT_STATE:
    case EXIT_ELSEWHERE:
    case EXIT_WANTED: break;
    case EXIT_UNSHARED:
        vcpu->rip = (uint32_t)area->exit_r8;
        note_unshared(bt, (uint32_t)vcpu->rip);
        return;
    case EXIT_BUDGET:
        vcpu->rip = (uint32_t)area->exit_r8;
        if (vcpu->retired < vcpu->retire_limit)
            bt_interpret(bt);
        break;
    case EXIT_STALE:
        vcpu->rip = ((struct bt_tu *)(uintptr_t)area->exit_r8)->eip;
        bt->stats->smc_invalidations++;
        bt_invalidate(bt, (struct bt_tu *)(uintptr_t)area->exit_r8, END_STORE);
        break;
    }
    bt->unshared = false;
}

/* Runs translated code from `entry` on and sees why it came back. */
static inline bool run_unit(struct vx_bt *bt, uint32_t entry, struct pending *pending)
{
    uint32_t eip = (uint32_t)bt->vcpu->rip;
    bool ran = bt_execute(bt, entry);
    if (VX_UNLIKELY(bt->vcpu->debug != NULL) && ran)
        bt_note_departure(bt, eip);
    after_run(bt, pending);
    return ran;
}

/* Does, at random, what is allowed at any boundary: nothing of it may change what the guest sees. */
static void stress(struct vx_bt *bt)
{
    uint64_t r = next_random(bt) >> 16;
    if (r % 65536 == 0)
        bt_cache_evict_all(bt);
    else if (r % 1024 == 1)
        bt_jc_flush(bt, true);
    else if (r % 4096 == 2)
        vx_mmu_flush(bt->vcpu->mmu, true);
    else if (r % 256 == 3)
        vx_vcpu_raise(bt->vcpu, VX_ATTN_WORK);
}

static enum vx_stop run(struct vx_bt *bt)
{
    struct vx_vcpu *vcpu = bt->vcpu;
    struct pending pending = { 0 };
    bt_hostfault_enter(bt);
    for (;;) {
        if (vcpu->shutdown)
            return VX_STOP_SHUTDOWN;
        if (vcpu->halted)
            return VX_STOP_HALT;
        if (atomic_load_explicit(&vcpu->attention, memory_order_relaxed) != 0)
            return VX_STOP_ATTENTION;
        if (vcpu->retired >= vcpu->retire_limit || (bt->config.one_unit && pending.ran))
            return VX_STOP_BUDGET;
        pending.ran = true;
        if (vcpu->intr_line && vcpu->iflag && vcpu->inhibit == VX_INHIBIT_NONE) {
            atomic_fetch_or(&vcpu->attention, VX_ATTN_INTR);
            continue;
        }
        if (bt->config.stress)
            stress(bt);
        bt_sync(bt, bt_mode_of(vcpu));
        struct bt_tu *tu = NULL;
        uint64_t *counter = NULL;
        if (vcpu->inhibit == VX_INHIBIT_NONE && bt->mode != MODE_SLOW) {
            bt_jc_select(bt, bt->mode, &vcpu->seg[VX_CS]);
            uint32_t known = pending.direct == NULL ? bt_jc_probe(bt, (uint32_t)vcpu->rip) : 0;
            if (known != 0) {
                pending.indirect = false;
                bt->area->jc_hits += run_unit(bt, known, &pending);
                continue;
            }
            tu = find_unit(bt, &counter);
            pending.indirect = true; /* where C comes from once it comes from again */
        }
        if (tu == NULL) {
            if (VX_UNLIKELY(vcpu->debug != NULL) && vcpu->debug->stops_here(vcpu->debug->opaque))
                return VX_STOP_DEBUG;
            pending = (struct pending){ .ran = true };
            bt_interpret(bt);
            continue;
        }
        use_pending(bt, &pending, tu);
        vx_cpu_note(vcpu);
        *counter += run_unit(bt, tu->entry, &pending);
    }
}

static uint64_t callout_time_ns(const struct vx_bt *bt)
{
    uint64_t cycles = __builtin_ia32_rdtsc() - bt->created_tsc, ns = vx_host_now_ns() - bt->created_ns;
    uint64_t in_callouts_ns = (uint64_t)((double)bt->callout_cycles * ((double)ns / (double)(cycles | 1)));
    return in_callouts_ns > bt->callout_device_ns ? CALLOUT_SAMPLE * (in_callouts_ns - bt->callout_device_ns) : 0;
}

enum vx_stop vx_bt_run(struct vx_bt *bt)
{
    enum vx_stop stop = run(bt);
    struct vx_stats *stats = bt->stats;
    if (bt->config.count) {
        stats->entry_jump_cache = bt->area->jc_hits;
        stats->entry_chain = bt->area->entries - bt->area->jc_hits - stats->entry_hash - stats->entry_miss;
        stats->time_callouts_ns = callout_time_ns(bt);
    }
    return stop;
}

/* ---- news from the mmu and other threads */

static void on_flush(void *opaque, enum vx_flush kind, uint64_t lin)
{
    struct vx_bt *bt = opaque;
    bt->must_exit = true;
    if (kind == VX_FLUSH_PAGE)
        bt_jc_flush_page(bt, lin);
    else
        bt_jc_flush(bt, kind == VX_FLUSH_ALL);
    if (kind != VX_FLUSH_NON_GLOBAL)
        bt_unchain_crossing(bt, kind == VX_FLUSH_ALL, lin);
}

/* Physical frames were remapped (PAM, ROM, A20): the shadows and with them all fetch translations are gone; units are
 * keyed by backing page and stay good, but what was chained across pages may lead elsewhere. */
static void on_change(void *opaque, uint32_t page, uint32_t count, bool writes_only)
{
    struct vx_bt *bt = opaque;
    (void)page;
    (void)count;
    bt->must_exit = true;
    if (writes_only)
        return;
    bt_jc_flush(bt, true);
    bt_unchain_crossing(bt, true, 0);
}

static void kick(struct vx_vcpu *vcpu)
{
    struct bt_area *area = bt_area(vcpu);
    __atomic_store_n(&area->poll_ptr, BT_POISON, __ATOMIC_SEQ_CST);
    __atomic_store_n(&area->jc_base, BT_POISON, __ATOMIC_SEQ_CST);
}

const char *vx_bt_unavailable(void)
{
    return __builtin_cpu_supports("bmi2") ? NULL : "this processor lacks BMI2, which the translator needs";
}

static vx_err check_host(struct vx_log *log)
{
    const char *reason = vx_bt_unavailable();
    if (reason == NULL)
        return VX_ERR_OK;
    vx_log_error(log, VX_LOG_BT, "%s; use --engine interp", reason);
    return VX_ERR_UNSUPPORTED;
}

static void make_stubs(struct vx_bt *bt)
{
    struct bt_verdict verdict;
    bt_stubs_make(bt);
    if (bt->verifier != NULL && !bt_verify_stubs(bt->verifier, &verdict))
        bt_verify_failed(bt, &verdict);
}

static vx_err init(struct vx_bt *bt)
{
    size_t bytes = bt->config.cache_bytes != 0 ? bt->config.cache_bytes : BT_CACHE_DEFAULT;
    bt->buffer = malloc(BT_FRAGMENT_MAX);
    bt->cg = bt_cg_create();
    bt->decoder = bt_decoder_create();
    if (bt->buffer == NULL || bt->cg == NULL || bt->decoder == NULL)
        return VX_ERR_NO_MEMORY;
    if (bt->config.verify) {
        bt->verifier = bt_verifier_create(bt);
        if (bt->verifier == NULL)
            return VX_ERR_NO_MEMORY;
    }
    VX_TRY(bt_code_create(bt, bytes));
    VX_TRY(bt_lookup_create(bt));
    VX_TRY(bt_jc_create(bt));
    VX_TRY(bt_pages_create(bt));
    VX_TRY(bt_hostfault_install(bt->log));
    bt->created_tsc = __builtin_ia32_rdtsc();
    bt->created_ns = vx_host_now_ns();
    make_stubs(bt);
    return VX_ERR_OK;
}

static void attach(struct vx_bt *bt)
{
    struct vx_vcpu *vcpu = bt->vcpu;
    memset(vcpu->engine_area, 0, sizeof vcpu->engine_area);
    bt->area = bt_area(vcpu);
    bt->area->bt = (uint64_t)(uintptr_t)bt;
    bt->area->fp_away = 1;
    bt->fp_pointers_always = vx_cpu_fp_pointers_always(vcpu->model);
    vcpu->kick = kick;
    vx_mmu_on_flush(vcpu->mmu, on_flush, bt);
    vx_pmap_on_code_write(bt->config.pmap, bt_smc_on_write, bt);
    vx_pmap_on_change(bt->config.pmap, on_change, bt);
}

vx_err vx_bt_create(const struct vx_bt_config *config, struct vx_bt **out)
{
    _Static_assert(sizeof(struct bt_area) <= VX_ENGINE_AREA_BYTES, "engine area too small");
    VX_TRY(check_host(config->log));
    struct vx_bt *bt = calloc(1, sizeof *bt);
    if (bt == NULL)
        return VX_ERR_NO_MEMORY;
    bt->config = *config;
    bt->config.no_chain |= config->one_unit;
    bt->config.no_jump_cache |= config->one_unit;
    bt->vcpu = config->vcpu;
    bt->stats = config->stats;
    bt->log = config->log;
    bt->cache_fd = -1;
    bt->rng = config->stress_seed * 2 + 1;
    bt->tu_limit = config->tu_max != 0 ? config->tu_max : config->stress ? 1 : BT_TU_MAX_DEFAULT;
    if (config->stress && config->cache_bytes == 0)
        bt->config.cache_bytes = BT_CACHE_STRESS;
    vx_err err = init(bt);
    if (err != VX_ERR_OK) {
        vx_bt_destroy(bt);
        return err;
    }
    attach(bt);
    *out = bt;
    return VX_ERR_OK;
}

void vx_bt_destroy(struct vx_bt *bt)
{
    if (bt == NULL)
        return;
    bt_hostfault_forget(bt);
    if (bt->vcpu->kick == kick)
        bt->vcpu->kick = NULL;
    if (bt->pages != NULL)
        bt_cache_evict_all(bt);
    bt_code_destroy(bt);
    bt_jc_destroy(bt);
    bt_lookup_destroy(bt);
    bt_pages_destroy(bt);
    bt_decoder_destroy(bt->decoder);
    free(bt->buffer);
    free(bt->cg);
    bt_verifier_destroy(bt->verifier);
    free(bt);
}

static bool covers(const struct bt_tu *tu, uint32_t lin, uint64_t hva)
{
    return lin - (tu->eip + tu->cs_base) < tu->guest_bytes || hva - tu->hva < tu->guest_bytes;
}

void vx_bt_forget(struct vx_bt *bt, uint32_t lin, const uint8_t *hva)
{
    for (unsigned s = 0; s < bt->segment_count; s++) {
        const struct bt_segment *segment = &bt->segment[s];
        for (uint32_t i = 0; i < segment->units; i++)
            if (!segment->sorted[i]->dead && covers(segment->sorted[i], lin, (uint64_t)(uintptr_t)hva))
                bt_invalidate(bt, segment->sorted[i], END_DEBUGGER);
    }
}

void vx_bt_flush(struct vx_bt *bt)
{
    bt_cache_evict_all(bt);
    bt_jc_flush(bt, true);
}

void vx_bt_count_exactly(struct vx_bt *bt, bool exact)
{
    if (bt->config.exact_count == exact)
        return;
    bt->config.exact_count = exact;
    vx_bt_flush(bt);
    make_stubs(bt); /* call-outs go through another wrapper */
}

void vx_bt_count_units(struct vx_bt *bt, bool on)
{
    if (bt->config.count_units == on)
        return;
    vx_bt_flush(bt);
    bt->config.count_units = on;
}

bool vx_bt_counts_units(const struct vx_bt *bt)
{
    return bt->config.count_units;
}
