/* pc_lockstep.c - one round: the leader runs, the follower catches up, both are compared; and what happens between
 * rounds.
 *
 *   I1  Between rounds both are at the same boundary, the feed is empty but for news that came since (posted work,
 *       timers, resets), and memory is equal as far as it has been compared.
 *   I2  The follower never stops for attention: it is told where to stop by the leader's count. */
#include "pc_lockstep.h"

#include <inttypes.h>
#include <stdlib.h>

#include "pc_lockstep_private.h"

#define MEMORY_INTERVAL (1u << 20) /* instructions from one look at memory to the next */
#define SHOWN_INSNS     40u

/* ---- life ------------------------------------------------------------------------------------------------------- */

static vx_err create_follower(struct pc_lockstep *lockstep)
{
    struct vx_pmap *leader = lockstep->config.pmap;
    uint64_t ram = vx_pmap_ram_bytes(leader);
    struct vx_pmap_config pmap = {
        .log = lockstep->log,
        .stats = &lockstep->stats,
        .ram_bytes = ram,
        .extra_bytes = ((uint64_t)vx_pmap_pages(leader) << VX_PAGE_SHIFT) - ram,
        .bus = lockstep_follower_bus,
        .bus_opaque = lockstep,
    };
    struct vx_cpu_config cpu = { .log = lockstep->quiet,
                                 .stats = &lockstep->stats,
                                 .ops = &lockstep_follower_ops,
                                 .ops_opaque = lockstep,
                                 .model = lockstep->leader->model };
    VX_TRY(vx_pmap_create(&pmap, &lockstep->pmap));
    cpu.pmap = lockstep->pmap;
    VX_TRY(vx_cpu_create(&cpu, &lockstep->follower));
    VX_TRY(lockstep_memory_init(&lockstep->memory, leader, lockstep->pmap));
    lockstep_memory_copy(&lockstep->memory);
    return VX_ERR_OK;
}

static void attach(struct pc_lockstep *lockstep)
{
    lockstep->ops = lockstep->leader->ops;
    lockstep->ops_opaque = lockstep->leader->ops_opaque;
    lockstep->leader->ops = &lockstep_leader_ops;
    lockstep->leader->ops_opaque = lockstep;
    vx_pmap_observe(lockstep->config.pmap, &lockstep_observer, lockstep);
}

vx_err pc_lockstep_create(const struct pc_lockstep_config *config, struct pc_lockstep **out)
{
    struct pc_lockstep *lockstep = aligned_alloc(64, (sizeof *lockstep + 63) & ~(size_t)63);
    if (lockstep == NULL)
        return VX_ERR_NO_MEMORY;
    memset(lockstep, 0, sizeof *lockstep);
    lockstep->config = *config;
    lockstep->log = config->log;
    lockstep->quiet = vx_log_create(stderr);
    lockstep->leader = config->leader;
    feed_init(&lockstep->feed);
    size_t bad;
    vx_err err = vx_log_set_filter(lockstep->quiet, "error", &bad);
    if (err == VX_ERR_OK)
        err = create_follower(lockstep);
    if (err != VX_ERR_OK) {
        pc_lockstep_destroy(lockstep);
        return err;
    }
    attach(lockstep);
    *out = lockstep;
    return VX_ERR_OK;
}

void pc_lockstep_destroy(struct pc_lockstep *lockstep)
{
    if (lockstep == NULL)
        return;
    if (lockstep->leader->ops == &lockstep_leader_ops) {
        lockstep->leader->ops = lockstep->ops;
        lockstep->leader->ops_opaque = lockstep->ops_opaque;
        vx_pmap_observe(lockstep->config.pmap, NULL, NULL);
    }
    lockstep_memory_fini(&lockstep->memory);
    vx_cpu_destroy(lockstep->follower);
    vx_pmap_destroy(lockstep->pmap);
    vx_log_destroy(lockstep->quiet);
    feed_fini(&lockstep->feed);
    free(lockstep);
}

/* ---- differences ------------------------------------------------------------------------------------------------ */

static void report_head(struct pc_lockstep *lockstep, const char *what)
{
    vx_log_error(lockstep->log, VX_LOG_CPU,
                 "lockstep: %s differ after instruction %" PRIu64 "; they were equal after %" PRIu64, what,
                 lockstep->leader->retired, lockstep->before.retired);
    lockstep->differs = true;
}

static void report_code(struct pc_lockstep *lockstep)
{
    uint64_t done = lockstep->leader->retired - lockstep->before.retired;
    vx_log_error(lockstep->log, VX_LOG_CPU, "  code from there on:");
    lockstep_code_report(lockstep->log, lockstep->follower, &lockstep->before,
                         done < SHOWN_INSNS ? (unsigned)done + 1 : SHOWN_INSNS);
    vx_log_error(lockstep->log, VX_LOG_CPU, "  the interpreter, with its last instructions:");
    lockstep->follower->log = lockstep->log;
    vx_cpu_dump(lockstep->follower);
    lockstep->follower->log = lockstep->quiet;
}

/* Feed and registers; false, reported, when they differ. */
static bool registers_agree(struct pc_lockstep *lockstep)
{
    const struct feed *feed = &lockstep->feed;
    bool left_over = feed->next < feed->count;
    lockstep->comparisons++;
    if (!lockstep->access_differs && !left_over && lockstep_state_equal(lockstep->leader, lockstep->follower))
        return true;
    report_head(lockstep, lockstep->access_differs || left_over ? "accesses" : "registers");
    if (lockstep->access_differs)
        vx_log_error(lockstep->log, VX_LOG_CPU, "  %s", lockstep->access_text);
    else if (left_over)
        vx_log_error(lockstep->log, VX_LOG_CPU, "  the interpreter made fewer than the translator");
    lockstep_state_report(lockstep->log, &lockstep->before, lockstep->leader, lockstep->follower);
    report_code(lockstep);
    return false;
}

static bool memory_agrees(struct pc_lockstep *lockstep, bool all)
{
    uint32_t page, off;
    if (lockstep_memory_equal(&lockstep->memory, all, &page, &off))
        return true;
    report_head(lockstep, "memories");
    lockstep_memory_report(lockstep->log, &lockstep->memory, page, off);
    return false;
}

/* ---- a round ---------------------------------------------------------------------------------------------------- */

/* The address size of the REP string instruction at CS:EIP, 0 when there is none. */
static unsigned rep_at_eip(struct vx_vcpu *cpu)
{
    unsigned size = cpu->seg[VX_CS].attr & VX_ATTR_DB ? 4 : 2, address = size;
    bool rep = false;
    for (uint32_t at = 0; at < 15; at++) {
        uint64_t phys;
        if (!vx_mmu_peek(cpu->mmu, (uint32_t)(vx_cs_lin(cpu) + at), &phys) ||
            vx_pmap_read_page(cpu->mmu->pmap, phys) == VX_PMAP_BUS)
            return 0;
        uint8_t byte = (uint8_t)vx_pmap_load(cpu->mmu->pmap, phys, 1);
        switch (byte) {
        case 0xF2:
        case 0xF3: rep = true; break;
        case 0x67: address = 6 - size; break;
        case 0x26:
        case 0x2E:
        case 0x36:
        case 0x3E:
        case 0x64 ... 0x66: break;
        case 0x6C ... 0x6F:
        case 0xA4 ... 0xA7:
        case 0xAA ... 0xAF: return rep ? address : 0;
        default: return 0;
        }
    }
    return 0;
}

/* The leader may have been stopped inside a REP, which no instruction count tells: as many iterations are done here. */
static void cut_rep(struct pc_lockstep *lockstep)
{
    struct vx_vcpu *leader = lockstep->leader, *follower = lockstep->follower;
    while (follower->rip == leader->rip && follower->retired == leader->retired &&
           follower->gpr[VX_RCX] != leader->gpr[VX_RCX]) {
        unsigned address = rep_at_eip(follower);
        uint64_t before = follower->gpr[VX_RCX];
        uint32_t left = (uint32_t)(before - leader->gpr[VX_RCX]);
        if (address == 0 || lockstep->access_differs)
            return;
        follower->rep_max = address == 4 ? left : left & 0xFFFF;
        if (follower->rep_max != 0)
            vx_interp_step(follower);
        follower->rep_max = 0;
        if (follower->gpr[VX_RCX] == before)
            return;
    }
}

static void catch_up(struct pc_lockstep *lockstep)
{
    struct vx_vcpu *follower = lockstep->follower;
    lockstep_apply_news(lockstep);
    follower->retire_limit = lockstep->leader->retired;
    while (follower->retired < follower->retire_limit && !follower->halted && !follower->shutdown &&
           !lockstep->access_differs) {
        atomic_store_explicit(&follower->attention, 0, memory_order_relaxed); /* keeps I2 */
        vx_interp_run(follower, VX_RETIRE_NONE);
    }
    cut_rep(lockstep);
}

/* Lets the follower do what the leader has done, and compares: keeps I1. */
static bool follow(struct pc_lockstep *lockstep)
{
    catch_up(lockstep);
    if (!registers_agree(lockstep))
        return false;
    feed_clear(&lockstep->feed);
    if (lockstep->leader->retired < lockstep->memory_next)
        return true;
    lockstep->memory_next = lockstep->leader->retired + MEMORY_INTERVAL;
    return memory_agrees(lockstep, false);
}

/* What the report shows as "before". The copy ends where the engine's own begins. */
static void keep_state(struct pc_lockstep *lockstep)
{
    memcpy(&lockstep->before, lockstep->leader, offsetof(struct vx_vcpu, engine_area));
}

void pc_lockstep_run(struct pc_lockstep *lockstep, uint64_t retire_limit)
{
    struct vx_vcpu *leader = lockstep->leader;
    const struct pc_lockstep_config *config = &lockstep->config;
    enum vx_stop why;
    do {
        uint64_t next = leader->retired + config->every;
        leader->retire_limit = config->every != 0 && next < retire_limit ? next : retire_limit;
        keep_state(lockstep);
        lockstep->cpu_runs = true;
        why = vx_bt_run(config->engine);
        lockstep->cpu_runs = false;
        if (!follow(lockstep))
            return;
    } while (why == VX_STOP_BUDGET && leader->retired < retire_limit);
}

void pc_lockstep_step(struct pc_lockstep *lockstep)
{
    keep_state(lockstep);
    lockstep->cpu_runs = true;
    vx_interp_step(lockstep->leader);
    lockstep->cpu_runs = false;
    follow(lockstep);
}

void pc_lockstep_take_events(struct pc_lockstep *lockstep)
{
    lockstep_apply_news(lockstep);
    keep_state(lockstep);
    lockstep->cpu_runs = true;
    bool taken = vx_cpu_take_events(lockstep->leader);
    lockstep->cpu_runs = false;
    bool followed = vx_cpu_take_events(lockstep->follower);
    if (taken || followed)
        follow(lockstep);
}

bool pc_lockstep_differs(const struct pc_lockstep *lockstep)
{
    return lockstep != NULL && lockstep->differs;
}

void pc_lockstep_finish(struct pc_lockstep *lockstep)
{
    if (lockstep == NULL || lockstep->differs)
        return;
    lockstep_apply_news(lockstep);
    lockstep->config.stats->lockstep_insns = lockstep->leader->retired;
    lockstep->config.stats->lockstep_compared = lockstep->comparisons;
    if (memory_agrees(lockstep, true))
        vx_log_info(lockstep->log, VX_LOG_CPU,
                    "lockstep: %" PRIu64 " instructions, compared %" PRIu64 " times, %" PRIu64 " pages: no difference",
                    lockstep->leader->retired, lockstep->comparisons, lockstep->memory.compared_pages);
}
