/* test_isa_legal.c - isa.c's legality against this host's CPU, and the interpreter's against isa.c: the 0F, 0F 38 and
 * 0F 3A maps and the one-byte opcodes that ModRM tells apart, with every mandatory prefix, pairs of them, and LOCK.
 *
 * The host executes each encoding once, in 64-bit code with EFLAGS.TF set: SIGILL says #UD, anything else says legal.
 * */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "interp_rig.h"
#include "isa.h"

/* Prefix bytes in front of the opcode, and what they are to vx_isa_insn. */
static const struct prefixes {
    uint8_t bytes[3], count;
    uint8_t rep;
    bool p66, lock;
} prefix_sets[] = {
    { { 0 }, 0, 0, false, false },
    { { 0x66 }, 1, 0, true, false },
    { { 0xF3 }, 1, 0xF3, false, false },
    { { 0xF2 }, 1, 0xF2, false, false },
    { { 0x66, 0xF3 }, 2, 0xF3, true, false },
    { { 0xF2, 0x66 }, 2, 0xF2, true, false },
    { { 0xF2, 0xF3 }, 2, 0xF3, false, false }, /* the last one counts */
    { { 0xF3, 0xF2 }, 2, 0xF2, false, false },
    { { 0xF0 }, 1, 0, false, true },
    { { 0xF0, 0x66 }, 2, 0, true, true },
    { { 0xF0, 0xF3 }, 2, 0xF3, false, true },
};

/* Opcodes of the one-byte map with ModRM. */
static const uint8_t one_byte[] = {
    0x00, 0x01, 0x02, 0x03, 0x08, 0x09, 0x10, 0x11, 0x18, 0x20, 0x28, 0x31, 0x38, 0x39, 0x62, 0x80, 0x81,
    0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8C, 0x8D, 0x8E, 0x8F, 0xC0, 0xC1, 0xC4, 0xC5, 0xC6, 0xC7,
    0xD0, 0xD1, 0xD2, 0xD3, 0xD8, 0xD9, 0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF, 0xF6, 0xF7, 0xFE, 0xFF,
};

typedef bool visitor(void *opaque, const struct vx_isa_insn *insn, const uint8_t *bytes, unsigned count);

static unsigned put_encoding(uint8_t bytes[16], const struct prefixes *p, unsigned map, uint8_t opcode, uint8_t modrm)
{
    static const uint8_t escapes[4] = { 0, 0, 0x38, 0x3A };
    unsigned n = p->count;
    memcpy(bytes, p->bytes, n);
    if (map > 0)
        bytes[n++] = 0x0F;
    if (map > 1)
        bytes[n++] = escapes[map];
    bytes[n++] = opcode;
    bytes[n++] = modrm;
    return n;
}

/* Every reg in memory and register form; every ModRM of the register forms of x87 and group 7. */
static bool wanted_modrm(unsigned map, uint8_t opcode, unsigned modrm)
{
    if (modrm < 0xC0)
        return (modrm & 0xC7) == 1;
    return (modrm & 7) == 0 || (map == 0 && opcode >= 0xD8 && opcode <= 0xDF) || (map == 1 && opcode == 1);
}

/* Until a visitor says false. */
static bool for_each_encoding(unsigned map, visitor *visit, void *opaque)
{
    unsigned opcodes = map == 0 ? VX_ARRAY_LEN(one_byte) : 256;
    for (unsigned i = 0; i < opcodes; i++) {
        uint8_t opcode = map == 0 ? one_byte[i] : (uint8_t)i;
        if (map == 1 && (opcode == 0x38 || opcode == 0x3A))
            continue;
        for (size_t p = 0; p < VX_ARRAY_LEN(prefix_sets); p++) {
            for (unsigned modrm = 0; modrm < 256; modrm++) {
                uint8_t bytes[16];
                if (!wanted_modrm(map, opcode, modrm))
                    continue;
                const struct prefixes *set = &prefix_sets[p];
                struct vx_isa_insn insn = { (uint8_t)map, opcode, (uint8_t)modrm, set->rep, set->p66, set->lock };
                unsigned count = put_encoding(bytes, set, map, opcode, (uint8_t)modrm);
                if (!visit(opaque, &insn, bytes, count))
                    return false;
            }
        }
    }
    return true;
}

static void print_bytes(char *text, size_t room, const uint8_t *bytes, unsigned count)
{
    text[0] = 0;
    for (unsigned i = 0; i < count; i++)
        snprintf(text + 3 * i, room - 3 * i, "%02X ", bytes[i]);
}

/* ---- the interpreter --------------------------------------------------------------------------------------------- */

struct interp_sweep {
    struct interp_rig rig;
    const struct vx_cpu_model *model;
    unsigned legal, illegal;
    char first[64];
};

/* Legal, but #UD because of the state: RSM outside SMM, and what the opcode itself is for. */
static bool is_ud_by_state(const struct vx_isa_insn *insn)
{
    return insn->map == 1 && insn->opcode == 0xAA;
}

static bool interp_visit(void *opaque, const struct vx_isa_insn *insn, const uint8_t *bytes, unsigned count)
{
    struct interp_sweep *sweep = opaque;
    struct vx_vcpu *cpu = sweep->rig.cpu;
    if (is_ud_by_state(insn))
        return true;
    rig_flat(&sweep->rig, 0);
    cpu->cr4 = VX_CR4_OSFXSR | VX_CR4_OSXMMEXCPT;
    cpu->gpr[VX_RCX] = 0x9000;
    cpu->seg[VX_CS].attr |= VX_ATTR_DB;
    memset(sweep->rig.ram + RIG_CODE, 0, 32);
    memset(sweep->rig.ram + 0x9000, 0, 512);
    memcpy(sweep->rig.ram + RIG_CODE, bytes, count);
    cpu->mmu->fault.vector = 0;
    vx_interp_step(cpu);
    bool ud = cpu->mmu->fault.vector == VX_UD && cpu->rip == RIG_HANDLERS + 16 * VX_UD;
    bool legal = vx_isa_legal(sweep->model, insn);
    if (legal)
        sweep->legal++;
    else
        sweep->illegal++;
    if (ud == !legal)
        return true;
    print_bytes(sweep->first, sizeof sweep->first, bytes, count);
    return false;
}

/* The interpreter refuses what isa.c says is not there, and nothing else, on every model. */
Test(isa_legal, interpreter)
{
    static const char *const specs[] = { "default",    "386",
                                         "486",        "pentium",
                                         "pentiumpro", "pentium3",
                                         "core2",      "default,+monitor,+smap,-movbe,-popcnt,-ssse3" };
    struct interp_sweep sweep = { 0 };
    cr_assert(rig_init(&sweep.rig));
    const struct vx_cpu_model *own = sweep.rig.cpu->model;
    for (size_t i = 0; i < VX_ARRAY_LEN(specs); i++) {
        char problem[160];
        struct vx_cpu_model *model;
        cr_assert_eq(vx_cpu_model_create(specs[i], problem, sizeof problem, &model), VX_ERR_OK, "%s", problem);
        sweep.rig.cpu->model = sweep.model = model;
        for (unsigned map = 0; map < 4; map++)
            cr_assert(for_each_encoding(map, interp_visit, &sweep), "%s: %sis not as isa.c has it", specs[i],
                      sweep.first);
        sweep.rig.cpu->model = own;
        vx_cpu_model_destroy(model);
    }
    cr_assert(sweep.legal > 100000 && sweep.illegal > 100000, "%u, %u", sweep.legal, sweep.illegal);
    rig_fini(&sweep.rig);
}

/* ---- the host ---------------------------------------------------------------------------------------------------- */

#if defined(__x86_64__)

#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>

enum { NP = 1, P66 = 2, PF3 = 4, PF2 = 8, ANY = 15, WITH_LOCK = 16 };
enum { SCRATCH_BYTES = 65536 };

/* Not compared: what the test would not survive, what 64-bit code has another meaning for, and what newer CPUs or those
 * of another maker have. */
static const struct {
    uint8_t map, first, last, prefixes, from, to; /* opcodes and ModRM bytes, inclusive */
    const char *reason;
} left_out[] = {
    { 0, 0x62, 0x62, ANY | WITH_LOCK, 0x00, 0xFF, "EVEX" },
    { 0, 0xC4, 0xC5, ANY | WITH_LOCK, 0x00, 0xFF, "VEX" },
    { 0, 0x8E, 0x8E, ANY | WITH_LOCK, 0x00, 0xFF, "loads FS and GS, which the C library needs" },
    { 1, 0x00, 0x00, WITH_LOCK, 0x28, 0x2F, "LOCK VERW is let through by this make" },
    { 1, 0x01, 0x01, ANY | WITH_LOCK, 0xC0, 0xFF, "reaches the hypervisor, protection keys and other new state" },
    { 1, 0x05, 0x05, ANY, 0x00, 0xFF, "SYSCALL" },
    { 1, 0x07, 0x07, ANY, 0x00, 0xFF, "SYSRET" },
    { 1, 0x0D, 0x0D, ANY, 0xC0, 0xFF, "Intel's hint has a register form, AMD's PREFETCH has not" },
    { 1, 0x0F, 0x0F, ANY, 0x00, 0xFF, "3DNow!" },
    { 1, 0x20, 0x23, ANY | WITH_LOCK, 0x00, 0xFF, "64-bit code has CR8, and AMD another name for it" },
    { 1, 0x2B, 0x2B, PF3 | PF2, 0x00, 0xBF, "MOVNTSS, MOVNTSD of SSE4a" },
    { 1, 0x34, 0x35, ANY, 0x00, 0xFF, "SYSENTER and SYSEXIT in 64-bit code" },
    { 1, 0x78, 0x79, P66 | PF2, 0xC0, 0xFF, "EXTRQ, INSERTQ of SSE4a" },
    { 1, 0xA1, 0xA1, ANY, 0x00, 0xFF, "POP FS, which the C library needs" },
    { 1, 0xA9, 0xA9, ANY, 0x00, 0xFF, "POP GS" },
    { 1, 0xAA, 0xAA, ANY, 0x00, 0xFF, "RSM is legal in SMM only" },
    { 1, 0xAE, 0xAE, NP, 0x20, 0x37, "XSAVE, XRSTOR, XSAVEOPT" },
    { 1, 0xAE, 0xAE, P66, 0x30, 0xBF, "CLWB, CLFLUSHOPT" },
    { 1, 0xAE, 0xAE, PF3, 0xC0, 0xFF, "WRFSBASE and its kin" },
    { 1, 0xB2, 0xB2, ANY, 0x00, 0xFF, "LSS" },
    { 1, 0xB4, 0xB5, ANY, 0x00, 0xFF, "LFS, LGS" },
    { 1, 0xC7, 0xC7, NP, 0x18, 0x2F, "XRSTORS, XSAVEC, XSAVES" },
    { 1, 0xC7, 0xC7, PF3 | PF2, 0xF0, 0xFF, "RDPID; this make lets RDRAND have F2h and F3h" },
    { 2, 0x80, 0x82, P66, 0x00, 0xBF, "INVEPT, INVVPID, INVPCID" },
    { 2, 0xC8, 0xCD, NP, 0x00, 0xFF, "SHA" },
    { 2, 0xCF, 0xCF, P66, 0x00, 0xFF, "GFNI" },
    { 2, 0xF5, 0xF6, ANY, 0x00, 0xFF, "ADX, shadow stacks" },
    { 2, 0xF8, 0xFC, ANY | WITH_LOCK, 0x00, 0xFF, "MOVDIRI, MOVDIR64B, ENQCMD, AADD and newer" },
    { 3, 0xCC, 0xCC, NP, 0x00, 0xFF, "SHA" },
    { 3, 0xCE, 0xCF, P66, 0x00, 0xFF, "GFNI" },
};

static bool is_left_out(const struct vx_isa_insn *insn)
{
    unsigned prefix = insn->lock          ? WITH_LOCK
                      : insn->rep == 0xF3 ? PF3
                      : insn->rep == 0xF2 ? PF2
                      : insn->prefix_66   ? P66
                                          : NP;
    for (size_t i = 0; i < VX_ARRAY_LEN(left_out); i++)
        if (left_out[i].map == insn->map && insn->opcode >= left_out[i].first && insn->opcode <= left_out[i].last &&
            (left_out[i].prefixes & prefix) && insn->modrm >= left_out[i].from && insn->modrm <= left_out[i].to)
            return true;
    return false;
}

/* The one sweep of this process, for its signal handler. */
static struct {
    sigjmp_buf back;
    uint8_t *write, *run, *scratch; /* two views of one page of code */
    volatile bool arrived;
    unsigned compared, refused;
    char first[64];
} host;

/* The first trap is before the instruction, which is the one behind POPF and JMP. */
static void on_signal(int number, siginfo_t *info, void *context)
{
    const ucontext_t *uc = context;
    (void)info;
    if (number == SIGTRAP && !host.arrived && (uintptr_t)uc->uc_mcontext.gregs[REG_RIP] == (uintptr_t)host.run) {
        host.arrived = true;
        return;
    }
    siglongjmp(host.back, number);
}

/* The signal that one instruction ends with; SIGTRAP when it is done. */
static int run_one(const uint8_t *bytes, unsigned count)
{
    static const uint32_t mxcsr = 0x1F80;
    memset(host.write, 0, 32);
    memcpy(host.write, bytes, count);
    host.arrived = false;
    int number = sigsetjmp(host.back, 1);
    if (number != 0) {
        __asm__ volatile("cld; fninit; ldmxcsr %0" ::"m"(mxcsr));
        return number;
    }
    __asm__ volatile("mov %[run], %%r12\n\t"
                     "mov %[scratch], %%rsp\n\t"
                     "mov %%rsp, %%rax; mov %%rsp, %%rbx; mov %%rsp, %%rcx; mov %%rsp, %%rdx\n\t"
                     "mov %%rsp, %%rsi; mov %%rsp, %%rdi; mov %%rsp, %%rbp\n\t"
                     "pushq $0x102\n\t"
                     "popfq\n\t"
                     "jmp *%%r12" ::[run] "r"(host.run),
                     [scratch] "r"(host.scratch + SCRATCH_BYTES / 2)
                     : "memory");
    __builtin_unreachable();
}

static bool host_visit(void *opaque, const struct vx_isa_insn *insn, const uint8_t *bytes, unsigned count)
{
    const struct vx_cpu_model *model = opaque;
    if (is_left_out(insn))
        return true;
    bool refused = run_one(bytes, count) == SIGILL;
    host.compared++;
    host.refused += refused;
    if (refused == !vx_isa_legal(model, insn))
        return true;
    print_bytes(host.first, sizeof host.first, bytes, count);
    return false;
}

static void host_init(void)
{
    static const int numbers[] = { SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP };
    static uint8_t stack[65536];
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
    stack_t alternate = { .ss_sp = stack, .ss_size = sizeof stack };
    cr_assert(sigaltstack(&alternate, NULL) == 0);
    for (size_t i = 0; i < VX_ARRAY_LEN(numbers); i++)
        sigaction(numbers[i], &action, NULL);
    int fd = memfd_create("code", MFD_CLOEXEC);
    cr_assert(fd >= 0 && ftruncate(fd, VX_PAGE_BYTES) == 0);
    host.write = mmap(NULL, VX_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    host.run = mmap(NULL, VX_PAGE_BYTES, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    host.scratch = mmap(NULL, SCRATCH_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(host.write != MAP_FAILED && host.run != MAP_FAILED && host.scratch != MAP_FAILED);
    close(fd);
}

static void sweep_host(unsigned map)
{
    char problem[160], dropped[160];
    struct vx_cpu_model *model;
    cr_assert_eq(vx_cpu_model_create("default", problem, sizeof problem, &model), VX_ERR_OK);
    vx_cpu_model_fit_host(model, dropped, sizeof dropped);
    host_init();
    bool same = for_each_encoding(map, host_visit, model);
    cr_assert(same, "%sis legal on one, not on the other", host.first);
    cr_assert(host.refused > 1000 && host.refused < host.compared, "%u of %u", host.refused, host.compared);
    vx_cpu_model_destroy(model);
}

Test(isa_legal, host_one_byte)
{
    sweep_host(0);
}
Test(isa_legal, host_0f)
{
    sweep_host(1);
}
Test(isa_legal, host_0f38)
{
    sweep_host(2);
}
Test(isa_legal, host_0f3a)
{
    sweep_host(3);
}

#endif
