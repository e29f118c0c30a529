/* host_macos_x86_64.c - faults, as vx86/host.h has them, on macOS and x86-64. Written from Apple's headers and kernel
 * sources; not yet run on a Mac.
 *
 * The kernel translates #PF to SIGSEGV or SIGBUS by whether anything is mapped, and #GP to SIGSEGV as well. The vector
 * is in the saved exception state. */
#include <sys/ucontext.h>

#include "vx86/host.h"

enum { VECTOR_PF = 14 };
/* SDM 3A "Page-Fault Exceptions": W/R of the error code. */
enum { ERROR_WRITE = 2 };

static const _STRUCT_MCONTEXT64 *saved(const void *context)
{
    return ((const ucontext_t *)context)->uc_mcontext;
}

uint64_t vx_host_reg(const void *context, enum vx_host_reg reg)
{
    const _STRUCT_X86_THREAD_STATE64 *regs = &saved(context)->__ss;
    return reg == VX_HOST_RIP ? regs->__rip : reg == VX_HOST_R8 ? regs->__r8 : regs->__r9;
}

void vx_host_set_reg(void *context, enum vx_host_reg reg, uint64_t value)
{
    _STRUCT_X86_THREAD_STATE64 *regs = &((ucontext_t *)context)->uc_mcontext->__ss;
    *(reg == VX_HOST_RIP ? &regs->__rip : reg == VX_HOST_R8 ? &regs->__r8 : &regs->__r9) = value;
}

/* What kill() and its like have sent carries the sender's code; the exception state is an older one then. */
static bool is_sent(const siginfo_t *info)
{
    return info->si_code == SI_USER || info->si_code == SI_QUEUE;
}

struct vx_host_fault vx_host_fault(int sig, const siginfo_t *info, const void *context)
{
    const _STRUCT_X86_EXCEPTION_STATE64 *exception = &saved(context)->__es;
    (void)sig;
    if (is_sent(info))
        return (struct vx_host_fault){ .kind = VX_HOST_FAULT_SENT };
    if (exception->__trapno != VECTOR_PF)
        return (struct vx_host_fault){ .kind = VX_HOST_FAULT_INSN };
    return (struct vx_host_fault){
        .kind = VX_HOST_FAULT_PAGE,
        .write = (exception->__err & ERROR_WRITE) != 0,
        .lin = exception->__faultvaddr,
    };
}
