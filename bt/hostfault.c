/* hostfault.c - host signals in translated code become guest events. What of it depends on the host's processor is in
 * host.h, what depends on its system in vx86/host.h.
 *
 * SIGSEGV, SIGBUS, SIGFPE and SIGILL inside the cache mean that attention was asked for (a poisoned pointer was loaded
 * through), that a window does not let an access through (window.h), or that a guest instruction that runs as itself
 * has faulted (#DE, #GP by alignment, #MF, #XM, #UD).
 * The unit's site table tells which and at which guest boundary; the handler redirects to the `leave` stub, and the
 * interpreter then executes the instruction again to find out exactly what it raises. A fault that is not the one that
 * its site stands for is none of the guest's, but a bug of ours (guest memory that was probed and is not there, a
 * pointer that nobody has poisoned): it is passed on.
 *
 * Signal dispositions belong to the process and a handler gets no argument: the three static objects here are the only
 * ones in bt/. Each thread knows its own processor, so several machines can run at once. */
#include "hostfault.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "vx86/host.h"

static _Thread_local struct vx_bt_cpu *running;
static struct sigaction previous[NSIG];
static _Thread_local struct {
    void *page; /* NULL: nothing is measured */
    uint64_t arrived;
} measured; /* for bt_hostfault_ticks() */

static const struct bt_site *find_site(const struct bt_tu *tu, uint32_t off)
{
    if (tu == NULL)
        return NULL;
    uint32_t at = off - tu->entry;
    for (unsigned i = 0; i < tu->site_count; i++) {
        if (at >= tu->sites[i].start && at < bt_site_end(&tu->sites[i]))
            return &tu->sites[i];
    }
    return NULL;
}

/* Attention is a page fault at the poison; an entry of the jump cache lies behind it. */
static bool at_poison(const struct bt_site *site, const struct vx_host_fault *fault)
{
    uint64_t past = fault->lin - BT_POISON;
    return fault->kind == VX_HOST_FAULT_PAGE &&
           past < (site->kind == SITE_POLL_INDIRECT ? BT_JC_ENTRIES * sizeof(uint64_t) : 1);
}

static uint64_t window_offset(const struct vx_bt_cpu *cpu, const struct vx_host_fault *fault)
{
    return fault->lin - (uint64_t)(uintptr_t)cpu->window;
}

/* A page fault in the window, or in its guard: an access that begins below 4 GiB may end there. */
static bool in_window(const struct vx_bt_cpu *cpu, const struct bt_site *site, const struct vx_host_fault *fault)
{
    return site->kind == SITE_WINDOW && fault->kind == VX_HOST_FAULT_PAGE &&
           window_offset(cpu, fault) < VX_WINDOW_BYTES + VX_WINDOW_GUARD_BYTES;
}

static void note_window_fault(struct vx_bt_cpu *cpu, const struct bt_tu *tu, const struct bt_site *site,
                              const struct vx_host_fault *fault)
{
    uint64_t off = window_offset(cpu, fault);
    cpu->window_fault = (struct bt_window_fault){ .pending = true,
                                                  .write = fault->write,
                                                  .wraps = off >= VX_WINDOW_BYTES,
                                                  .lin = off,
                                                  .view = bt_window_view(cpu->mode),
                                                  .page = bt_page_of(tu, site->eip),
                                                  .off = (site->eip + tu->cs_base) & VX_PAGE_MASK };
}

/* Is it the fault that the site is there for? */
static bool stands_for(const struct vx_bt_cpu *cpu, const struct bt_site *site, const struct vx_host_fault *fault)
{
    switch ((enum bt_site_kind)site->kind) {
    case SITE_FAULT: return fault->kind == VX_HOST_FAULT_INSN;
    case SITE_WINDOW: return in_window(cpu, site, fault) || fault->kind == VX_HOST_FAULT_INSN;
    case SITE_POLL:
    case SITE_POLL_INDIRECT: return at_poison(site, fault);
    }
    return false;
}

static bool redirect(struct vx_bt_cpu *cpu, int sig, const siginfo_t *info, void *context)
{
    if (cpu == NULL)
        return false;
    const struct bt_code *code = &cpu->bt->code;
    uint64_t off = vx_host_reg(context, VX_HOST_RIP) - bt_code_address(code, 0);
    const struct bt_tu *tu = off < code->bytes ? bt_code_find(code, (uint32_t)off) : NULL;
    const struct bt_site *site = find_site(tu, (uint32_t)off);
    struct vx_host_fault fault = vx_host_fault(sig, info, context);
    if (site == NULL || !stands_for(cpu, site, &fault))
        return false;
    bool poll = site->kind == SITE_POLL || site->kind == SITE_POLL_INDIRECT;
    if (in_window(cpu, site, &fault))
        note_window_fault(cpu, tu, site, &fault);
    else if (poll)
        cpu->stats->poll_exits++;
    else
        cpu->stats->host_faults++;
    cpu->vcpu->retired += site->done;
    bt_host_signal_leave(cpu, context, site, poll ? EXIT_POLL : EXIT_FAULT);
    return true;
}

/* Not ours: behave as if we had never been there. */
static void pass_on(int sig, siginfo_t *info, void *context)
{
    const struct sigaction *old = &previous[sig];
    if (old->sa_flags & SA_SIGINFO) {
        old->sa_sigaction(sig, info, context);
        return;
    }
    if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN) {
        old->sa_handler(sig);
        return;
    }
    signal(sig, SIG_DFL); /* the instruction faults again and ends the process with the right signal ... */
    if (vx_host_fault(sig, info, context).kind == VX_HOST_FAULT_SENT)
        vx_host_raise(sig); /* ... but what a process has sent does not come again */
}

static bool is_measured(const siginfo_t *info)
{
    if (measured.page == NULL || info->si_addr != measured.page)
        return false;
    measured.arrived = vx_split_ticks();
    return mprotect(measured.page, VX_PAGE_BYTES, PROT_READ) == 0;
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
    if (is_measured(info))
        return;
    if (running != NULL && running->stats->split.on) {
        vx_split_to(&running->stats->split, VX_PART_SIGNALS);
        running->stats->split.signals++;
    }
    if (!redirect(running, sig, info, context))
        pass_on(sig, info, context);
}

uint64_t bt_hostfault_ticks(void)
{
    enum { TIMES = 64 };
    uint64_t least = UINT64_MAX;
    void *page = mmap(NULL, VX_PAGE_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return 0;
    for (unsigned i = 0; i < TIMES && mprotect(page, VX_PAGE_BYTES, PROT_NONE) == 0; i++) {
        measured.page = page;
        uint64_t begin = vx_split_ticks();
        (void)*(volatile uint8_t *)page;
        uint64_t took = measured.arrived - begin;
        least = took < least ? took : least;
    }
    measured.page = NULL;
    munmap(page, VX_PAGE_BYTES);
    return least == UINT64_MAX ? 0 : least;
}

static void install(void)
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_NODEFER };
    for (unsigned i = 0; i < VX_ARRAY_LEN(signals); i++)
        sigaction(signals[i], &action, &previous[signals[i]]);
}

vx_err bt_hostfault_install(struct vx_log *log)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (pthread_once(&once, install) != 0) {
        vx_log_error(log, VX_LOG_BT, "cannot install the fault handlers: %s", strerror(errno));
        return VX_ERR_UNSUPPORTED;
    }
    return VX_ERR_OK;
}

void bt_hostfault_enter(struct vx_bt_cpu *cpu)
{
    running = cpu;
}

void bt_hostfault_forget(const struct vx_bt_cpu *cpu)
{
    if (running == cpu)
        running = NULL;
}
