/* hostfault.c - host signals in translated code become guest events. What of it depends on the host's processor is in
 * host.h.
 *
 * SIGSEGV, SIGBUS, SIGFPE and SIGILL inside the cache mean either that attention was asked for (a poisoned pointer was
 * loaded through) or that a guest instruction that runs as itself has faulted (#DE, #GP by alignment, #MF, #XM, #UD).
 * The unit's site table tells which and at which guest boundary; the handler redirects to the `leave` stub, and the
 * interpreter then executes the instruction again to find out exactly what it raises. A fault that is not the one that
 * its site stands for is none of the guest's, but a bug of ours (guest memory that was probed and is not there, a
 * pointer that nobody has poisoned): it is passed on.
 *
 * Signal dispositions belong to the process and a handler gets no argument: the two static objects here are the only
 * ones in bt/. Each thread knows its own processor, so several machines can run at once. */
#include "hostfault.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

static _Thread_local struct vx_bt_cpu *running;
static struct sigaction previous[NSIG];

static const struct bt_site *find_site(const struct bt_code *code, uint32_t off)
{
    const struct bt_tu *tu = bt_code_find(code, off);
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
static bool at_poison(const struct bt_site *site, int sig, const siginfo_t *info)
{
    uint64_t past = (uint64_t)(uintptr_t)info->si_addr - BT_POISON;
    bool page_fault = sig == SIGSEGV && (info->si_code == SEGV_MAPERR || info->si_code == SEGV_ACCERR);
    return page_fault && past < (site->kind == SITE_POLL_INDIRECT ? BT_JC_ENTRIES * sizeof(uint64_t) : 1);
}

static bool redirect(struct vx_bt_cpu *cpu, int sig, const siginfo_t *info, void *context)
{
    if (cpu == NULL)
        return false;
    const struct bt_code *code = &cpu->bt->code;
    uint64_t off = bt_host_signal_pc(context) - bt_code_address(code, 0);
    const struct bt_site *site = off < code->bytes ? find_site(code, (uint32_t)off) : NULL;
    if (site == NULL || !(site->kind == SITE_FAULT ? bt_host_signal_by_insn(sig, info) : at_poison(site, sig, info)))
        return false;
    if (site->kind == SITE_FAULT)
        cpu->stats->host_faults++;
    else
        cpu->stats->poll_exits++;
    cpu->vcpu->retired += site->done;
    bt_host_signal_leave(cpu, context, site, site->kind == SITE_FAULT ? EXIT_FAULT : EXIT_POLL);
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
    if (info->si_code <= 0)
        raise(sig); /* ... but what another process has sent does not come again */
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
    if (!redirect(running, sig, info, context))
        pass_on(sig, info, context);
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
