/* run.c - the translator's outer loop: find or make the unit at CS:EIP, run it, see why it came back.
 *
 * Order of looks at every turn: stopped states, attention, interrupt shadow, modes that are not translated, then the
 * unit. */
#include "cache.h"
#include "decode.h"
#include "departures.h"
#include "hostfault.h"
#include "interpret.h"
#include "invalidate.h"
#include "state.h"
#include "translate.h"

enum { UNSHARED_STAYS = 4 };

/* What the last unit left behind, so that the way it went can be shortened. */
struct pending {
    struct bt_exit *direct; /* chain this to what is found next */
    uint64_t evictions;     /* ... unless units have been freed since */
    bool indirect;          /* enter what is found next into the jump cache */
    bool ran;               /* a unit was run or an instruction interpreted */
};

static uint64_t next_random(struct vx_bt_cpu *cpu)
{
    cpu->rng ^= cpu->rng << 13;
    cpu->rng ^= cpu->rng >> 7;
    cpu->rng ^= cpu->rng << 17;
    return cpu->rng;
}

/* A unit over two pages is good only while the second one is still the same. */
static bool second_page_holds(struct vx_bt_cpu *cpu, const struct bt_tu *tu)
{
    if (tu->pages == 1)
        return true;
    uint8_t *hva = bt_fetch_hva(cpu, vx_lin_wrap((vx_cs_lin(cpu->vcpu) | VX_PAGE_MASK) + 1));
    return hva != NULL && hva == vx_pmap_page_hva(cpu->bt->config.pmap, tu->page[1]);
}

/* Of the unit at CS:rip, whose bytes are at `hva`. */
static struct bt_key key_of(const struct vx_bt_cpu *cpu, const uint8_t *hva)
{
    const struct vx_seg *cs = &cpu->vcpu->seg[VX_CS];
    return (struct bt_key){ .hva = (uint64_t)(uintptr_t)hva,
                            .eip = cpu->vcpu->rip,
                            .cs_base = cs->base,
                            .cs_limit = cs->limit,
                            .mode = cpu->mode };
}

/* Is the code to be interpreted this time, because it has hardly run? */
static bool is_cold(struct vx_bt_cpu *cpu, const struct bt_key *key)
{
    const struct vx_bt_config *config = &cpu->bt->config;
    return config->interpret_first != 0 && cpu->vcpu->debug == NULL && !config->one_unit &&
           bt_cold_take(&cpu->bt->cold, key, config->interpret_first);
}

/* The unit at CS:EIP, found or made; *counter is what an entry into it counts as. NULL: there is none, and then *cold
 * says whether one may be made another time. */
static struct bt_tu *find_unit(struct vx_bt_cpu *cpu, uint64_t **counter, bool *cold)
{
    struct vx_bt *bt = cpu->bt;
    if (cpu->vcpu->rip > cpu->vcpu->seg[VX_CS].limit) /* #GP before the page is looked at */
        return NULL;
    uint8_t *hva = bt_fetch_hva(cpu, vx_cs_lin(cpu->vcpu));
    if (hva == NULL)
        return NULL;
    struct bt_key key = key_of(cpu, hva);
    struct bt_tu *tu = bt_lookup_find(&bt->lookup, &key);
    if (tu != NULL && !second_page_holds(cpu, tu)) {
        bt_invalidate(bt, tu, END_MAPPING);
        tu = NULL;
    }
    *counter = &cpu->stats->entry_hash;
    if (tu != NULL)
        return tu;
    *cold = is_cold(cpu, &key);
    if (*cold)
        return NULL;
    *counter = &cpu->stats->entry_miss;
    enum vx_part was = vx_split_to(&cpu->stats->split, VX_PART_TRANSLATOR);
    tu = bt_translate(cpu);
    vx_split_to(&cpu->stats->split, was);
    return tu;
}

static void use_pending(struct vx_bt_cpu *cpu, struct pending *pending, struct bt_tu *tu)
{
    struct vx_bt *bt = cpu->bt;
    bool chained = false;
    if (pending->direct != NULL && pending->evictions == bt->evictions) {
        bt_chain(&bt->chains, pending->direct, tu);
        chained = pending->direct->to != NULL;
    }
    if (pending->indirect || (pending->direct != NULL && !chained))
        bt_jc_fill(&cpu->jc, tu);
    *pending = (struct pending){ .ran = pending->ran };
}

/* The next unit is wanted without sharing. A place that misses again and again (a frame across two pages) makes the
 * units after it unshared too, so that they chain to each other, until something else leaves translated code. */
static void note_unshared(struct vx_bt_cpu *cpu, uint64_t eip)
{
    cpu->unshared.misses = eip == cpu->unshared.eip ? cpu->unshared.misses + 1 : 0;
    cpu->unshared.eip = eip;
    cpu->unshared.wanted = true;
}

/* A unit whose bytes have changed has noticed that itself. */
static void drop_stale(struct vx_bt_cpu *cpu, struct bt_tu *tu)
{
    cpu->vcpu->rip = tu->eip;
    cpu->stats->smc_invalidations++;
    bt_invalidate(cpu->bt, tu, END_STORE);
}

/* Takes over what translated code has left in the area. */
static void after_run(struct vx_bt_cpu *cpu, struct pending *pending)
{
    struct vx_vcpu *vcpu = cpu->vcpu;
    const struct bt_area *area = cpu->area;
    switch ((enum bt_exit_kind)area->exit_kind) {
    case EXIT_DIRECT:
        pending->direct = (struct bt_exit *)(uintptr_t)area->exit_value;
        pending->evictions = cpu->bt->evictions;
        vcpu->rip = pending->direct->target_eip;
        cpu->unshared.wanted &= cpu->unshared.misses >= UNSHARED_STAYS;
        return;
    case EXIT_INDIRECT:
        pending->indirect = true;
        vcpu->rip = vx_off_wrap(area->exit_value);
        cpu->unshared.wanted &= cpu->unshared.misses >= UNSHARED_STAYS;
        return;
    case EXIT_INTERP:
    case EXIT_FAULT:
        vcpu->rip = vx_off_wrap(area->exit_value);
        bt_interpret(cpu);
        bt_window_faulted(cpu);
        break;
    case EXIT_POLL:
    case EXIT_BOUNDARY: vcpu->rip = vx_off_wrap(area->exit_value); break;
    case EXIT_STATE:
    case EXIT_ELSEWHERE:
    case EXIT_WANTED: break;
    case EXIT_UNSHARED:
        vcpu->rip = vx_off_wrap(area->exit_value);
        note_unshared(cpu, vcpu->rip);
        return;
    case EXIT_BUDGET:
        vcpu->rip = vx_off_wrap(area->exit_value);
        if (vcpu->retired < vcpu->retire_limit)
            bt_interpret(cpu);
        break;
    case EXIT_STALE: drop_stale(cpu, (struct bt_tu *)(uintptr_t)area->exit_value); break;
    }
    cpu->unshared.wanted = false;
}

/* Runs translated code from `entry` on and sees why it came back. */
static inline bool run_unit(struct vx_bt_cpu *cpu, uint32_t entry, struct pending *pending)
{
    uint64_t eip = cpu->vcpu->rip;
    bool ran = bt_window_enter(cpu, entry);
    if (VX_UNLIKELY(cpu->vcpu->debug != NULL) && ran)
        bt_note_departure(cpu, eip);
    after_run(cpu, pending);
    return ran;
}

/* Does, at random, what is allowed at any boundary: nothing of it may change what the guest sees. */
static void stress(struct vx_bt_cpu *cpu)
{
    uint64_t r = next_random(cpu) >> 16;
    if (r % 65536 == 0)
        bt_cache_evict_all(cpu->bt);
    else if (r % 1024 == 1)
        bt_jc_flush(&cpu->jc, true);
    else if (r % 4096 == 2)
        vx_mmu_flush(cpu->vcpu->mmu, true);
    else if (r % 512 == 4)
        vx_mmu_stress_windows(cpu->vcpu->mmu, next_random(cpu));
    else if (r % 256 == 3)
        vx_vcpu_raise(cpu->vcpu, VX_ATTN_WORK);
}

/* The jump cache of the present mode, CS and address space becomes the one that is probed. */
static void select_jump_cache(struct vx_bt_cpu *cpu)
{
    const struct vx_vcpu *vcpu = cpu->vcpu;
    const uint32_t user = MODE_USER | MODE_PAGING;
    struct bt_jc_view view = { .cs_base = vcpu->seg[VX_CS].base,
                               .cs_limit = vcpu->seg[VX_CS].limit,
                               .mode = cpu->mode,
                               .space = (cpu->mode & user) == user ? vcpu->cr3 : 0 };
    cpu->area->jc_base_real = (uint64_t)(uintptr_t)bt_jc_select(&cpu->jc, &view, vcpu->mmu);
}

static enum vx_stop run(struct vx_bt_cpu *cpu)
{
    struct vx_vcpu *vcpu = cpu->vcpu;
    const struct vx_bt_config *config = &cpu->bt->config;
    struct pending pending = { 0 };
    bt_hostfault_enter(cpu);
    cpu->window = NULL; /* another may have run on this thread */
    for (;;) {
        if (vcpu->shutdown)
            return VX_STOP_SHUTDOWN;
        if (vcpu->halted)
            return VX_STOP_HALT;
        if (atomic_load_explicit(&vcpu->attention, memory_order_relaxed) != 0)
            return VX_STOP_ATTENTION;
        if (vcpu->retired >= vcpu->retire_limit || (config->one_unit && pending.ran))
            return VX_STOP_BUDGET;
        pending.ran = true;
        if (vcpu->intr_line && vcpu->iflag && vcpu->inhibit == VX_INHIBIT_NONE) {
            atomic_fetch_or(&vcpu->attention, VX_ATTN_INTR);
            continue;
        }
        if (config->stress)
            stress(cpu);
        vx_mmu_sync_window(vcpu->mmu, vx_view_of(vcpu));
        vx_split_to(&cpu->stats->split, VX_PART_LOOKUPS);
        bt_sync(cpu, bt_mode_of(vcpu));
        struct bt_tu *tu = NULL;
        uint64_t *counter = NULL;
        bool cold = false;
        if (vcpu->inhibit == VX_INHIBIT_NONE && cpu->mode != MODE_SLOW) {
            select_jump_cache(cpu);
            uint32_t known = pending.direct == NULL ? bt_jc_probe(&cpu->jc, vcpu->rip) : 0;
            if (known != 0) {
                pending.indirect = false;
                cpu->area->jc_hits += run_unit(cpu, known, &pending);
                continue;
            }
            tu = find_unit(cpu, &counter, &cold);
            pending.indirect = true; /* where C comes from once it comes from again */
        }
        if (tu == NULL) {
            if (VX_UNLIKELY(vcpu->debug != NULL) && vcpu->debug->stops_here(vcpu->debug->opaque))
                return VX_STOP_DEBUG;
            pending = (struct pending){ .ran = true };
            if (cold)
                bt_interpret_cold(cpu);
            else
                bt_interpret(cpu);
            continue;
        }
        use_pending(cpu, &pending, tu);
        vx_cpu_note(vcpu);
        *counter += run_unit(cpu, tu->entry, &pending);
    }
}

enum vx_stop vx_bt_run(struct vx_bt_cpu *cpu)
{
    struct vx_stats *stats = cpu->stats;
    enum vx_part was = vx_split_to(&stats->split, VX_PART_DISPATCHER);
    enum vx_stop stop = run(cpu);
    vx_split_to(&stats->split, was);
    if (cpu->bt->config.count) {
        stats->entry_jump_cache = cpu->area->jc_hits;
        stats->entry_chain = cpu->area->entries - cpu->area->jc_hits - stats->entry_hash - stats->entry_miss;
    }
    return stop;
}
