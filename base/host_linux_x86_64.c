/* host_linux_x86_64.c - faults, as vx86/host.h has them, on Linux and x86-64. */
#include <ucontext.h>

#include "vx86/host.h"

static int slot(enum vx_host_reg reg)
{
    static const int slots[] = { [VX_HOST_RIP] = REG_RIP, [VX_HOST_R8] = REG_R8, [VX_HOST_R9] = REG_R9 };
    return slots[reg];
}

uint64_t vx_host_reg(const void *context, enum vx_host_reg reg)
{
    return (uint64_t)((const ucontext_t *)context)->uc_mcontext.gregs[slot(reg)];
}

void vx_host_set_reg(void *context, enum vx_host_reg reg, uint64_t value)
{
    ((ucontext_t *)context)->uc_mcontext.gregs[slot(reg)] = (greg_t)value;
}

static bool by_insn(int sig, int code)
{
    switch (sig) {
    case SIGSEGV: return code == SI_KERNEL;
    case SIGBUS: return code == SI_KERNEL || code == BUS_ADRALN;
    default: return true;
    }
}

struct vx_host_fault vx_host_fault(int sig, const siginfo_t *info, const void *context)
{
    if (info->si_code <= 0)
        return (struct vx_host_fault){ .kind = VX_HOST_FAULT_SENT };
    if (sig == SIGSEGV && (info->si_code == SEGV_MAPERR || info->si_code == SEGV_ACCERR)) {
        uint64_t error_code = (uint64_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_ERR];
        return (struct vx_host_fault){
            .kind = VX_HOST_FAULT_PAGE,
            .write = (error_code & 2) != 0, /* SDM 3A "Page-Fault Exceptions": W/R */
            .lin = (uint64_t)(uintptr_t)info->si_addr,
        };
    }
    return (struct vx_host_fault){ .kind = by_insn(sig, info->si_code) ? VX_HOST_FAULT_INSN : VX_HOST_FAULT_OTHER };
}
