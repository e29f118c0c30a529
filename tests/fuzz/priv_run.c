/* priv_run.c - a random privileged program on both engines: events at their instruction counts, end, comparison. */
#include "priv.h"

struct mix {
    unsigned tu_max, interpret_first;
    uint64_t cache_bytes;
    bool exact, no_chain, no_jump_cache, no_probe_sharing, stress, verify, windows;
};

/* With exact counts every program can be compared and interrupted anywhere; without, the translator is as users have
 * it. The verifier takes more time than all the rest, so it looks at two batches of 16. */
static const struct mix mixes[] = {
    { .exact = true, .interpret_first = 2 },
    { .exact = false, .interpret_first = 1 },
    { .exact = true, .stress = true },
    { .exact = true, .tu_max = 1, .windows = true },
    { .exact = true, .verify = true },
    { .exact = false, .stress = true, .tu_max = 8, .windows = true },
    { .exact = true, .tu_max = 128, .interpret_first = 3, .windows = true },
    { .exact = true, .no_chain = true },
    { .exact = false, .tu_max = 2, .cache_bytes = 64 << 10, .windows = true },
    { .exact = true, .no_jump_cache = true },
    { .exact = false, .stress = true, .tu_max = 32, .verify = true, .windows = true },
    { .exact = true, .stress = true, .tu_max = 4, .no_probe_sharing = true },
    { .exact = false, .tu_max = 128, .no_probe_sharing = true },
    { .exact = true, .cache_bytes = 64 << 10 },
    { .exact = false, .no_chain = true, .no_jump_cache = true, .windows = true },
    { .exact = true, .stress = true, .tu_max = 32, .cache_bytes = 64 << 10, .windows = true },
};

struct vx_bt_config pf_options(uint64_t seed, uint64_t number)
{
    uint64_t batch = number / PF_BATCH;
    const struct mix *mix = &mixes[batch % VX_ARRAY_LEN(mixes)];
    return (struct vx_bt_config){ .exact_count = mix->exact,
                                  .tu_max = mix->tu_max,
                                  .interpret_first = mix->interpret_first,
                                  .cache_bytes = mix->cache_bytes,
                                  .no_chain = mix->no_chain,
                                  .no_jump_cache = mix->no_jump_cache,
                                  .no_probe_sharing = mix->no_probe_sharing,
                                  .lowering = mix->windows ? VX_LOWERING_AUTO : VX_LOWERING_SOFT,
                                  .window.eager = mix->windows,
                                  .stress = mix->stress,
                                  .verify = mix->verify,
                                  .stress_seed = mix->stress ? seed * 1000003 + batch : 0 };
}

void pf_options_print(FILE *to, const struct vx_bt_config *options)
{
    fprintf(to, "%s, units of %u, cache %llu KiB%s%s%s", options->exact_count ? "counting" : "not counting",
            options->tu_max, (unsigned long long)options->cache_bytes >> 10, options->no_chain ? ", no chains" : "",
            options->no_jump_cache ? ", no jump cache" : "", options->no_probe_sharing ? ", no probe sharing" : "");
    if (options->lowering != VX_LOWERING_SOFT)
        fprintf(to, ", windows");
    if (options->interpret_first != 0)
        fprintf(to, ", interpreted %u times first", options->interpret_first);
    if (options->verify)
        fprintf(to, ", verified");
    if (options->stress)
        fprintf(to, ", stress %llu", (unsigned long long)options->stress_seed);
}

/* Bits of CR4 that this CPU lets be set. */
static uint32_t legal_cr4(struct rig *rig)
{
    uint32_t legal = 0;
    for (uint32_t bit = 1; bit != 0; bit <<= 1)
        if (vx_cpu_write_cr(rig->vcpu, 4, bit))
            legal |= bit;
    return legal;
}

void pf_pair_create(struct pf_pair *pair, const struct vx_bt_config *options)
{
    memset(pair, 0, sizeof *pair);
    pair->options = *options;
    rig_create_plain(&pair->interp, NULL);
    rig_create_plain(&pair->flushing, NULL);
    rig_create_plain(&pair->bt, options);
    pair->world = world_create();
    pair->cr4_legal = legal_cr4(&pair->interp);
}

void pf_pair_destroy(struct pf_pair *pair)
{
    rig_destroy(&pair->interp);
    rig_destroy(&pair->flushing);
    rig_destroy(&pair->bt);
    world_destroy(pair->world);
}

void pf_pair_renew(struct pf_pair *pair, const struct vx_bt_config *options)
{
    rig_destroy(&pair->bt);
    rig_create_plain(&pair->bt, options);
    pair->options = *options;
}

/* ---- one engine */

static void inject(struct rig *rig, const struct pf_event *event)
{
    if (event->vector < 0) {
        rig->vcpu->nmi_pending = true;
        vx_vcpu_raise(rig->vcpu, VX_ATTN_NMI);
    } else {
        rig->vector = event->vector;
        vx_vcpu_set_intr(rig->vcpu, true);
    }
}

/* The next event's instruction number, or the limit. */
static uint64_t next_stop(const struct pf_program *p, unsigned event, uint64_t limit)
{
    return event < p->events && p->event[event].at < limit ? p->event[event].at : limit;
}

/* CPU time that a program may take: a REP is one instruction, however long. Few take a millisecond. */
enum { INTERP_MS = 30 };
/* A program gets so many times its budget where only its end can be compared. */
enum { UNCOUNTED_TURNS = 4 };

/* What is due at this instruction count, before anything pending is delivered: an event, or (true) the end. */
static bool at_stop(struct rig *rig, const struct pf_program *p, unsigned *event, uint64_t limit)
{
    struct vx_vcpu *vcpu = rig->vcpu;
    if (vcpu->retired >= limit)
        return true;
    if (*event < p->events && vcpu->retired >= p->event[*event].at)
        inject(rig, &p->event[(*event)++]);
    vcpu->retire_limit = next_stop(p, *event, limit);
    return false;
}

enum rig_end pf_run(struct rig *rig, const struct pf_program *p, uint64_t limit)
{
    return pf_run_watched(rig, p, limit, NULL, NULL);
}

enum rig_end pf_run_watched(struct rig *rig, const struct pf_program *p, uint64_t limit, pf_before *before,
                            void *opaque)
{
    struct vx_vcpu *vcpu = rig->vcpu;
    unsigned event = 0;
    bool counts = rig->bt == NULL || rig->exact;
    vcpu->retire_limit = VX_RETIRE_NONE;
    for (;;) {
        if ((counts && at_stop(rig, p, &event, limit)) || (atomic_exchange(&vcpu->attention, 0) & VX_ATTN_STOP))
            return RIG_ENDLESS;
        if (before != NULL) {
            before(opaque);
            vcpu->retire_limit = vcpu->retired + 1;
        }
        vx_cpu_take_events(vcpu);
        if (vcpu->inhibit != VX_INHIBIT_NONE && atomic_load(&vcpu->attention) != 0)
            vx_interp_step(vcpu); /* what is in the shadow comes first */
        enum vx_stop stop = rig->bt != NULL ? vx_bt_run(rig->cpu) : vx_interp_run(vcpu, limit);
        if (stop == VX_STOP_SHUTDOWN)
            return RIG_SHUTDOWN;
        if (stop == VX_STOP_HALT && !vx_cpu_event_ready(vcpu)) {
            if (event == p->events)
                return RIG_HALT;
            inject(rig, &p->event[event++]);
        }
    }
}

/* ---- both */

enum pf_verdict pf_pair_run(struct pf_pair *pair, const struct pf_program *program, uint64_t limit,
                            struct difference *found)
{
    struct pf_program quiet;
    if (!pair->options.exact_count) { /* events only where the CPU halts; and the program must end by itself */
        limit *= UNCOUNTED_TURNS;
        quiet = *program;
        for (unsigned i = 0; i < quiet.events; i++)
            quiet.event[i].at = UINT32_MAX;
        program = &quiet;
    }
    found->text[0] = '\0';
    pf_world_build(pair->world, program, pair->cr4_legal);
    pair->interp.tsc_counts = pair->bt.tsc_counts = pair->options.exact_count;
    pf_world_start(pair->world, &pair->interp, program);
    rig_watchdog(&pair->interp, INTERP_MS);
    enum rig_end expected = pf_run(&pair->interp, program, limit);
    rig_watchdog(&pair->interp, 0);
    pair->ends[expected]++;
    pair->retired += pair->interp.vcpu->retired;
    bool unfinished = pair->interp.vcpu->retired < limit; /* a REP without end */
    if (expected == RIG_ENDLESS && (!pair->options.exact_count || unfinished)) {
        pair->lost++;
        return PF_LOST;
    }
    pf_world_start(pair->world, &pair->bt, program);
    rig_watchdog(&pair->bt, PF_BT_MS);
    enum rig_end got = pf_run(&pair->bt, program, limit);
    rig_watchdog(&pair->bt, 0);
    pair->compared++;
    if (got != expected)
        snprintf(found->text, sizeof found->text, "end %d, not %d, at eip %llx, retired %llu, not %llu", (int)got,
                 (int)expected, (unsigned long long)pair->bt.vcpu->rip, (unsigned long long)pair->bt.vcpu->retired,
                 (unsigned long long)pair->interp.vcpu->retired);
    else
        difference_find(&pair->interp, &pair->bt, &program->block[0].program.setup, found);
    if (found->text[0] == '\0')
        return PF_AGREE;
    if (!pf_lives_on_stale_entries(pair, program, limit))
        return PF_DIFFER;
    pair->compared--;
    pair->stale++;
    return PF_STALE;
}
