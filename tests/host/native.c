/* native.c - programs on the host's own CPU.
 *
 * They run in this very process, in the compatibility mode that 64-bit Linux has for 32-bit programs: native.S loads
 * the state, jumps far into the program's code segment, and is back when the program jumps out or a signal ends it.
 * Nothing of ours lies below 4 GiB, so a program cannot reach it; system calls of 32-bit kind raise SIGSYS (seccomp),
 * and of the other kind only those are left that this process needs.
 *
 *   I1  While `running` is set, FS and its base may be the program's: only native.S runs, and C that it has called with
 *       FS restored. Signals arrive on their own stack.
 *   I2  A signal that ends a program never returns to it: hf_native_finish() leaves the handler for good. No signal is
 *       ever blocked by a handler (SA_NODEFER). */
#include "native.h"

#include <asm/ldt.h>
#include <elf.h>
#include <errno.h>
#include <immintrin.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <time.h>
#include <unistd.h>

#include "vx86/compiler.h"

#define HWCAP2_FSGSBASE_BIT 2u

enum { NATIVE_BYTES_MAX = 1024, SIGNAL_STACK_BYTES = 1 << 16, TICK_NS = 500000, TICKS_MAX = 1, TICKS_GUEST_MAX = 60 };
#define GUEST_CPU_MAX_NS 100000000ull /* beyond those ticks */

static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGALRM };

/* What the process has once: the area that native.S names, the handlers that were there before, and whom the timer
 * stops. */
struct hf_native_area hf_native_area;
static struct sigaction previous[NSIG];
static struct hf_guest *timed_guest;
static unsigned guest_ticks;
static uint64_t guest_cpu_ns; /* of this thread, when the ticks were up */

const struct hf_descriptor hf_ldt[HF_LDT_ENTRIES] = {
    [HF_LDT_CODE16] = { .base = HF_CODE16, .limit = 0xFFFF, .code = true },
    [HF_LDT_DATA16] = { .base = HF_DATA, .limit = 0xFFFF },
    { .base = HF_DATA, .limit = 0x1FFF, .is_32bit = true },
    { .base = HF_DATA, .limit = 0x0FFF, .expand_down = true },
    { .base = HF_DATA, .limit = 0x2FFF, .read_exec_only = true },
    [HF_LDT_CODE16_FLAT] = { .base = 0, .limit = 0xFFFFF, .code = true, .read_exec_only = true, .pages = true },
    { .base = HF_DATA, .limit = 0xFFFF, .absent = true },
    { .base = HF_DATA, .limit = 0x0000, .is_32bit = true, .expand_down = true, .pages = true },
    [HF_LDT_SELF_CODE16] = { .base = HF_SELF, .limit = 0xFFFF, .code = true },
    [HF_LDT_SELF_DATA16] = { .base = HF_SELF, .limit = 0xFFFF },
};

bool hf_native_signal(int sig, siginfo_t *info, void *context, unsigned fs);
void hf_native_host_signal(int sig, siginfo_t *info, void *context);

static uint16_t selector_ds(void)
{
    uint16_t sel;
    __asm__("mov %%ds, %0" : "=r"(sel));
    return sel;
}
static uint16_t selector_es(void)
{
    uint16_t sel;
    __asm__("mov %%es, %0" : "=r"(sel));
    return sel;
}
static uint16_t selector_gs(void)
{
    uint16_t sel;
    __asm__("mov %%gs, %0" : "=r"(sel));
    return sel;
}

static void take_state(const ucontext_t *context, unsigned fs, struct hf_state *out)
{
    static const uint8_t reg[8] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI };
    const greg_t *gregs = context->uc_mcontext.gregs;
    uint64_t selectors = (uint64_t)gregs[REG_CSGSFS];
    for (unsigned i = 0; i < 8; i++)
        out->gpr[i] = (uint32_t)gregs[reg[i]];
    out->eip = (uint32_t)gregs[REG_RIP];
    out->eflags = (uint32_t)gregs[REG_EFL];
    out->seg[0] = selector_es();
    out->seg[1] = (uint16_t)selectors;
    out->seg[2] = (uint16_t)(selectors >> 48);
    out->seg[3] = selector_ds();
    out->seg[4] = (uint16_t)fs;
    out->seg[5] = selector_gs();
    memcpy(out->fx, context->uc_mcontext.fpregs, sizeof out->fx);
}

/* A signal while a program runs, or while native.S is on its way there or back. True: the program has ended. */
bool hf_native_signal(int sig, siginfo_t *info, void *opaque, unsigned fs)
{
    const ucontext_t *context = opaque;
    const greg_t *gregs = context->uc_mcontext.gregs;
    struct hf_outcome *out = hf_native_area.result;
    bool is_64bit = (gregs[REG_CSGSFS] & 0xFFFF) == HF_SEL_CODE64;
    (void)info;
    if (sig == SIGALRM) {
        if (++hf_native_area.ticks <= TICKS_MAX || is_64bit)
            return false;
        out->end = HF_END_ENDLESS;
        return true;
    }
    uint64_t rip = (uint64_t)gregs[REG_RIP], exit_rip = (uint64_t)(uintptr_t)hf_native_exit;
    bool stepped_out = is_64bit && gregs[REG_TRAPNO] == 1 && (rip == HF_CODE || rip == exit_rip);
    if (is_64bit && !stepped_out && rip - (uint64_t)(uintptr_t)hf_native_enter < NATIVE_BYTES_MAX)
        abort(); /* native.S itself */
    take_state(context, fs, &out->state);
    out->trap = (uint8_t)gregs[REG_TRAPNO];
    out->error = (uint32_t)gregs[REG_ERR];
    out->cr2 = (uint32_t)gregs[REG_CR2];
    out->end = sig == SIGSYS ? HF_END_SYSCALL : is_64bit ? HF_END_STRAY : HF_END_TRAP;
    if (stepped_out) /* TF was set: the step over the far jump, or the one after it where POP SS has put that off */
        out->end = HF_END_OUT;
    return true;
}

/* Ticks pass while others have the processor, too: what counts in the end is the time that the guest has had. */
static void time_guest_out(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    uint64_t now_ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    if (guest_ticks == TICKS_GUEST_MAX + 1)
        guest_cpu_ns = now_ns;
    else if (now_ns - guest_cpu_ns > GUEST_CPU_MAX_NS)
        hf_guest_stop(timed_guest);
}

void hf_native_host_signal(int sig, siginfo_t *info, void *context)
{
    if (sig == SIGALRM) {
        if (timed_guest != NULL && ++guest_ticks > TICKS_GUEST_MAX)
            time_guest_out();
        return;
    }
    if (previous[sig].sa_flags & SA_SIGINFO) {
        previous[sig].sa_sigaction(sig, info, context);
        return;
    }
    signal(sig, SIG_DFL);
}

void hf_native_time_guest(struct hf_guest *guest)
{
    guest_ticks = 0;
    timed_guest = guest;
}

bool hf_native_descriptor(uint16_t sel, uint32_t *attr, uint32_t *limit)
{
    uint8_t ok;
    __asm__("lar %3, %0; lsl %3, %1; setz %2" : "=&r"(*attr), "=&r"(*limit), "=&q"(ok) : "r"((uint32_t)sel));
    return ok;
}

static const char *make_ldt(void)
{
    for (unsigned i = 0; i < HF_LDT_ENTRIES; i++) {
        const struct hf_descriptor *d = &hf_ldt[i];
        struct user_desc row = {
            .entry_number = i,
            .base_addr = d->base,
            .limit = d->limit,
            .seg_32bit = d->is_32bit,
            .contents = d->code          ? MODIFY_LDT_CONTENTS_CODE
                        : d->expand_down ? MODIFY_LDT_CONTENTS_STACK
                                         : 0,
            .read_exec_only = d->read_exec_only,
            .limit_in_pages = d->pages,
            .seg_not_present = d->absent,
            .useable = 0,
        };
        if (syscall(SYS_modify_ldt, 0x11, &row, sizeof row) != 0)
            return "modify_ldt: no segment descriptors of our own";
    }
    return NULL;
}

static bool map_at(uint32_t lin, size_t bytes, int prot, int flags, int fd, uint64_t off)
{
    void *at = (void *)(uintptr_t)lin;
    return mmap(at, bytes, prot, flags | MAP_FIXED_NOREPLACE | MAP_POPULATE, fd, (off_t)off) == at;
}

static const char *make_memory(int code_fd, uint64_t code_off, bool self)
{
    if (!map_at(HF_CODE, HF_CODE_BYTES, PROT_READ | PROT_EXEC, MAP_SHARED, code_fd, code_off) ||
        (self &&
         !map_at(HF_SELF, HF_SELF_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) ||
        !map_at(HF_DATA, HF_DATA_ALL_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
        return "the addresses below 4 GiB that programs use are taken";
    for (uint32_t i = 0; i < HF_EDGE_PAGES; i++) {
        if (!map_at(HF_EDGE + i * HF_EDGE_STEP, HF_PAGE_BYTES, PROT_READ | PROT_EXEC, MAP_SHARED, code_fd,
                    code_off + HF_CODE_BYTES + i * HF_PAGE_BYTES))
            return "the addresses below 4 GiB that programs use are taken";
    }
    return NULL;
}

static const char *make_signals(void)
{
    stack_t stack = { .ss_sp = malloc(SIGNAL_STACK_BYTES), .ss_size = SIGNAL_STACK_BYTES };
    struct sigaction action = { .sa_handler = hf_native_on_signal, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK };
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
    struct itimerspec tick = { { .tv_nsec = TICK_NS }, { .tv_nsec = TICK_NS } };
    timer_t timer;
    if (stack.ss_sp == NULL || sigaltstack(&stack, NULL) != 0)
        return "no stack for signals";
    for (unsigned i = 0; i < VX_ARRAY_LEN(signals); i++)
        sigaction(signals[i], &action, &previous[signals[i]]);
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 || timer_settime(timer, 0, &tick, NULL) != 0)
        return "no timer";
    return NULL;
}

__attribute__((target("fsgsbase"))) static uint64_t fs_base(void)
{
    return _readfsbase_u64();
}

/* One descriptor of the kernel's tells programs which CPU they are on: let it not change. */
static void stay_on_this_cpu(void)
{
    cpu_set_t one;
    int cpu = sched_getcpu();
    if (cpu < 0)
        return;
    CPU_ZERO(&one);
    CPU_SET((size_t)cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
}

const char *hf_native_init(int code_fd, uint64_t code_off, bool self)
{
    if (!(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT))
        return "the kernel does not let programs set FS's base";
    hf_native_area.fs_base = fs_base();
    const char *lacks = make_ldt();
    stay_on_this_cpu();
    if (lacks == NULL)
        lacks = make_memory(code_fd, code_off, self);
    return lacks != NULL ? lacks : make_signals();
}

/* The way out: a jump through the next aligned eight bytes, since AC may be set. */
void hf_native_put_way_out(uint8_t *code)
{
    static const uint8_t jump[8] = { 0xFF, 0x25, 2 };
    uint64_t to = (uint64_t)(uintptr_t)hf_native_exit;
    memcpy(code, jump, sizeof jump);
    memcpy(code + sizeof jump, &to, sizeof to);
}

const char *hf_native_confine(void)
{
#define ALLOW(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(rt_sigreturn),
        ALLOW(write),
        ALLOW(mmap),
        ALLOW(munmap),
        ALLOW(mremap),
        ALLOW(mprotect),
        ALLOW(madvise),
        ALLOW(brk),
        ALLOW(fallocate),
        ALLOW(futex),
        ALLOW(clock_gettime),
        ALLOW(newfstatat),
        ALLOW(rt_sigprocmask),
        ALLOW(rt_sigaction),
        ALLOW(gettid),
        ALLOW(getpid),
        ALLOW(tgkill),
        ALLOW(exit_group),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
#undef ALLOW
    struct sock_fprog program = { .len = VX_ARRAY_LEN(filter), .filter = filter };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
        return "no seccomp filter";
    return NULL;
}

void hf_native_data(const uint8_t data[HF_DATA_ALL_BYTES])
{
    void *read_only = (void *)(uintptr_t)(HF_DATA + HF_DATA_BYTES);
    size_t bytes = HF_DATA_ALL_BYTES - HF_DATA_BYTES;
    mprotect(read_only, bytes, PROT_READ | PROT_WRITE);
    memcpy((void *)(uintptr_t)HF_DATA, data, HF_DATA_ALL_BYTES);
    mprotect(read_only, bytes, PROT_READ);
}

void hf_native_run(const struct hf_state *in, struct hf_outcome *out)
{
    hf_native_area.result = out;
    hf_native_area.ticks = 0;
    out->end = HF_END_OUT;
    out->trap = 0;
    out->error = out->cr2 = 0;
    hf_native_area.out.seg[1] = HF_SEL_CODE64; /* until a signal says better */
    hf_native_enter(in);
    if (out->end == HF_END_OUT && out->trap == 0)
        out->state = hf_native_area.out;
    out->trap = out->end == HF_END_OUT ? 0 : out->trap;
}
