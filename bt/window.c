/* window.c - which instructions go through a window, and what becomes of those that could not. See window.h. */
#include "window.h"

#include <stdlib.h>

#include "core.h"
#include "invalidate.h"

/* Operands of up to this size are stored at once or not at all; longer ones may be half done when they fault. */
enum { ATOMIC_BYTES = 16 };
/* An instruction that has found out so often, by a host fault, that the guest has one, finds out by probes. */
enum { RAISED_MAX = 64 };
/* Under stress the host refuses each so many-th call. Building a window of the tests' memory takes fewer, or none would
 * ever be there and each turn would try. */
enum { STRESS_FAILS = 1009 };

static struct vx_window_config window_config(const struct vx_bt_config *config)
{
    struct vx_window_config window = config->window;
    window.eager |= config->stress;
    if (config->stress && window.fail_every == 0)
        window.fail_every = STRESS_FAILS;
    return window;
}

vx_err bt_windows_open(struct vx_bt_cpu *cpu)
{
    const struct vx_bt_config *config = &cpu->bt->config;
    struct vx_log *log = cpu->bt->log;
    if (config->lowering == VX_LOWERING_SOFT)
        return VX_ERR_OK;
    struct vx_window_config window = window_config(config);
    const char *reason = config->window_host != NULL ? config->window_host : bt_host_lacks_windows();
    if (reason == NULL && vx_mmu_open_windows(cpu->vcpu->mmu, &window, &reason) == VX_ERR_OK) {
        cpu->windows = true;
        vx_log_debug(log, VX_LOG_BT, "guest memory is accessed through windows in the host's MMU");
        return VX_ERR_OK;
    }
    if (config->lowering == VX_LOWERING_WINDOWS) {
        vx_log_error(log, VX_LOG_BT, "this host cannot have windows on guest memory: %s; use --lowering soft", reason);
        return VX_ERR_UNSUPPORTED;
    }
    vx_log_info(log, VX_LOG_BT, "guest memory is accessed through the soft TLB, because of this host: %s", reason);
    return VX_ERR_OK;
}

static void point_to_window(struct vx_bt_cpu *cpu)
{
    const uint8_t *base = cpu->vcpu->mmu->window[bt_window_view(cpu->mode)];
    VX_ASSERT(base != NULL);
    if (cpu->window == base)
        return;
    bt_host_set_window(base);
    cpu->window = base;
}

bool bt_window_enter(struct vx_bt_cpu *cpu, uint32_t entry)
{
    const uint32_t user = MODE_USER | MODE_PAGING;
    if (!cpu->windows)
        return bt_host_enter(cpu, entry);
    if (cpu->mode & MODE_WINDOW)
        point_to_window(cpu);
    if ((cpu->mode & user) != user)
        return bt_host_enter(cpu, entry);
    uint64_t start = bt_host_cycles();
    bool ran = bt_host_enter(cpu, entry);
    vx_mmu_spend_user(cpu->vcpu->mmu, bt_host_cycles() - start);
    return ran;
}

/* ---- soft instructions ----------------------------------------------------------------------------------------- */

bool bt_is_soft(const struct bt_pages *pages, uint32_t page, uint32_t off)
{
    const struct bt_page *record = pages->page[page];
    return record != NULL && record->soft != NULL && (record->soft[off / 8] >> off % 8 & 1);
}

static void set_soft(struct bt_pages *pages, uint32_t page, uint32_t off)
{
    struct bt_page *record = bt_page_get(pages, page);
    if (record->soft == NULL)
        record->soft = calloc(1, BT_SOFT_BYTES);
    VX_ASSERT(record->soft != NULL);
    record->soft[off / 8] |= (uint8_t)(1u << off % 8);
}

/* Under stress: one in 16, the same ones with the same seed. */
static bool soft_by_chance(const struct vx_bt_config *config, uint32_t page, uint32_t off)
{
    uint64_t mixed = ((uint64_t)page << 12 | off) ^ config->stress_seed << 32;
    return config->stress && mixed * 0x9E3779B97F4A7C15ull >> 60 == 0;
}

void bt_mark_soft(struct vx_bt *bt, const struct bt_tu *tu, unsigned n)
{
    if (!(tu->mode & MODE_WINDOW))
        return;
    for (unsigned i = 0; i < n; i++) {
        struct bt_insn *in = &bt->draft.insns[i];
        uint32_t page = bt_page_of(tu, in->eip), off = (in->eip + tu->cs_base) & VX_PAGE_MASK;
        if (soft_by_chance(&bt->config, page, off))
            set_soft(&bt->pages, page, off);
        in->soft = in->mem_bytes > ATOMIC_BYTES || bt_is_soft(&bt->pages, page, off);
    }
}

static void soften(struct vx_bt *bt, uint32_t page, uint32_t off)
{
    set_soft(&bt->pages, page, off);
    for (struct bt_tu *tu = bt->pages.page[page]->units, *next; tu != NULL; tu = next) {
        next = tu->page_next[bt_page_slot(tu, page)];
        if ((tu->mode & MODE_WINDOW) && bt_page_overlaps(tu, page, off, 1))
            bt_invalidate(bt, tu, END_SOFT);
    }
}

static bool raised_too_often(struct vx_bt_cpu *cpu, const struct bt_window_fault *fault)
{
    uint64_t place = (uint64_t)fault->page << VX_PAGE_SHIFT | fault->off;
    uint8_t *count = &cpu->window_raised[place * 0x9E3779B97F4A7C15ull >> 56];
    if (++*count < RAISED_MAX)
        return false;
    *count = 0;
    return true;
}

void bt_window_faulted(struct vx_bt_cpu *cpu)
{
    struct bt_window_fault *fault = &cpu->window_fault;
    struct vx_mmu *mmu = cpu->vcpu->mmu;
    if (!fault->pending)
        return;
    fault->pending = false;
    cpu->stats->window_faults++;
    if (vx_interp_last_raised(cpu->vcpu)) {
        if (raised_too_often(cpu, fault))
            soften(cpu->bt, fault->page, fault->off);
        return;
    }
    if (fault->wraps || vx_mmu_window_fault(mmu, fault->view, fault->lin, fault->write) == VX_WINDOW_DECLINED)
        soften(cpu->bt, fault->page, fault->off);
}
