/* signal.c - what a signal handler finds of the interrupted thread, and how it sends it back to C. */
#include <ucontext.h>

#include "core.h"
#include "fp_state.h"
#include "stubs.h"

uint64_t bt_host_signal_pc(const void *context)
{
    return (uint64_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
}

/* SDM 3A "Page-Fault Exceptions": W/R of the error code. */
bool bt_host_signal_is_write(const void *context)
{
    return (((const ucontext_t *)context)->uc_mcontext.gregs[REG_ERR] & 2) != 0;
}

bool bt_host_signal_by_insn(int sig, const siginfo_t *info)
{
    if (sig == SIGSEGV)
        return info->si_code == SI_KERNEL;
    if (sig == SIGBUS)
        return info->si_code == SI_KERNEL || info->si_code == BUS_ADRALN;
    return info->si_code > 0;
}

void bt_host_signal_leave(struct vx_bt_cpu *cpu, void *context, const struct bt_site *site, enum bt_exit_kind kind)
{
    greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
    if (site->fip_back != 0)
        bt_tell_fip(cpu->area, site->eip - site->fip_back);
    if (site->kind != SITE_POLL_INDIRECT) /* there it is in r8 already */
        regs[REG_R8] = site->eip;
    regs[REG_R9] = kind;
    regs[REG_RIP] = (greg_t)bt_code_address(&cpu->bt->code, cpu->bt->host->stub.leave);
}
