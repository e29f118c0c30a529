/* sse_host.h - one MMX or SSE instruction in the interpreter and on the host's CPU, from the same state: registers, x87
 * tags and TOP, MXCSR, EFLAGS, memory, and whether it faults and with what. On hosts other than x86-64 the interpreter
 * alone, compared with golden.def.
 *
 * For one test program each: it installs signal handlers. */
#ifndef VX86_TESTS_SSE_HOST_H
#define VX86_TESTS_SSE_HOST_H

#include "fp_harness.h"
#include "golden.h"

#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>

/* In and out of the host code. */
struct sse_state {
    _Alignas(64) uint8_t fx[512];
    uint32_t gpr[2];      /* EAX and ECX, at 512 */
    uint64_t eflags;      /* at 520 */
    uint32_t plain_mxcsr; /* at 528 */
    uint32_t edx;         /* at 532 */
};

typedef void host_fn(const struct sse_state *in, uint8_t *memory, struct sse_state *out);

/* [prefix] 0F [38 or 3A] opcode ModRM [immediate]; the address of a memory operand is in RSI on the host. */
struct encoding {
    uint8_t bytes[8];
    unsigned length;
};

#if HAS_X86_HOST

/* Where the instruction under test lies, for the signal handler to step over it, and what it raised. */
static volatile uintptr_t tested_pc;
static volatile unsigned tested_length;
static volatile int tested_signal;

static void on_signal(int number, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)info;
    if ((uintptr_t)uc->uc_mcontext.gregs[REG_RIP] != tested_pc)
        abort();
    tested_signal = number;
    uc->uc_mcontext.gregs[REG_RIP] += tested_length;
}

static void catch_signals(void)
{
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
    sigaction(SIGILL, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGFPE, &action, NULL);
}

static unsigned append(uint8_t *code, unsigned at, const void *bytes, unsigned count)
{
    memcpy(code + at, bytes, count);
    return at + count;
}

static host_fn *make_host(const struct encoding *e)
{
    static const uint8_t before[] = {
        0x49, 0x89, 0xFA,                         /* mov r10, rdi */
        0x49, 0x89, 0xD3,                         /* mov r11, rdx */
        0x48, 0x89, 0xF7,                         /* mov rdi, rsi */
        0x41, 0xFF, 0xB2, 0x08, 0x02, 0x00, 0x00, /* push qword [r10+520] */
        0x41, 0x8B, 0x82, 0x00, 0x02, 0x00, 0x00, /* mov eax, [r10+512] */
        0x41, 0x8B, 0x8A, 0x04, 0x02, 0x00, 0x00, /* mov ecx, [r10+516] */
        0x41, 0x8B, 0x92, 0x14, 0x02, 0x00, 0x00, /* mov edx, [r10+532] */
        0x41, 0x0F, 0xAE, 0x0A,                   /* fxrstor [r10] */
        0x9D,                                     /* popfq */
    };
    static const uint8_t after[] = {
        0x9C,                                           /* pushfq */
        0x41, 0x8F, 0x83, 0x08, 0x02, 0x00, 0x00,       /* pop qword [r11+520] */
        0x41, 0x89, 0x83, 0x00, 0x02, 0x00, 0x00,       /* mov [r11+512], eax */
        0x41, 0x89, 0x8B, 0x04, 0x02, 0x00, 0x00,       /* mov [r11+516], ecx */
        0x41, 0x89, 0x93, 0x14, 0x02, 0x00, 0x00,       /* mov [r11+532], edx */
        0x41, 0x0F, 0xAE, 0x03,                         /* fxsave [r11] */
        0x41, 0x0F, 0xAE, 0x92, 0x10, 0x02, 0x00, 0x00, /* ldmxcsr [r10+528] */
        0xDB, 0xE3, 0xC3,                               /* fninit; ret */
    };
    uint8_t code[128];
    unsigned n = append(code, 0, before, sizeof before);
    n = append(code, n, e->bytes, e->length);
    n = append(code, n, after, sizeof after);
    uint8_t *page = host_code(code, n);
    tested_pc = (uintptr_t)page + sizeof before;
    tested_length = e->length;
    return (host_fn *)(void *)page;
}

static int expected_vector(int signal_number)
{
    switch (signal_number) {
    case SIGILL: return VX_UD;
    case SIGSEGV: return VX_GP;
    case SIGFPE: return VX_XM;
    default: return -1;
    }
}

/* The fault's vector, or -1. */
static int run_host(host_fn *host, const struct sse_state *start, uint8_t *memory, struct sse_state *out)
{
    tested_signal = 0;
    host(start, memory, out);
    return expected_vector(tested_signal);
}

static void free_host(host_fn *host)
{
    munmap((void *)((uintptr_t)host & ~(uintptr_t)4095), 4096);
}

#else

static void catch_signals(void) {}
static host_fn *make_host(const struct encoding *e)
{
    (void)e;
    return NULL;
}
static int run_host(host_fn *host, const struct sse_state *start, uint8_t *memory, struct sse_state *out)
{
    (void)host, (void)start, (void)memory, (void)out;
    return -1;
}
static void free_host(host_fn *host)
{
    (void)host;
}

#endif

static void random_vector(uint64_t *rng, uint8_t *to, unsigned bytes)
{
    uint64_t r = test_random(rng);
    for (unsigned i = 0; i < bytes; i += 8) {
        uint64_t v = (uint64_t)random_f32(rng) << 32 | random_f32(rng);
        if (r % 3 == 0)
            v = random_pattern(rng);
        else if (r % 3 == 1)
            v = random_f64(rng);
        if ((r >> 8) % 16 == 0) /* a small count, for shifts */
            v = test_random(rng) % 80;
        if ((r >> 12) % 8 == 0) /* a small alphabet, for comparisons of strings */
            v = test_random(rng) & (r >> 15 & 1 ? UINT64_C(0x0003000300030003) : UINT64_C(0x0301030303030303));
        memcpy(to + i, &v, 8);
    }
}

static void random_state(uint64_t *rng, struct sse_state *s)
{
    uint64_t r = test_random(rng);
    memset(s, 0, sizeof *s);
    random_vector(rng, s->fx + FX_XMM, 16);
    random_vector(rng, s->fx + FX_XMM + 16, 16);
    for (unsigned i = 2; i < 8; i++)
        memset(s->fx + FX_XMM + 16 * i, (int)(0x10 + i), 16);
    for (unsigned i = 0; i < 8; i++) {
        random_vector(rng, s->fx + FX_ST + 16 * i, 8);
        s->fx[FX_ST + 16 * i + 8] = (uint8_t)test_random(rng);
        s->fx[FX_ST + 16 * i + 9] = 0x40;
    }
    uint16_t fcw = 0x037F, fsw = (uint16_t)(r & 0x7F7F); /* any TOP and condition codes; nothing unmasked */
    uint32_t mxcsr = (r >> 16 & 0xFFFF) | (r >> 61 == 0 ? 0 : 0x1F80);
    memcpy(s->fx + FX_FCW, &fcw, 2);
    memcpy(s->fx + FX_FSW, &fsw, 2);
    s->fx[FX_FTW] = (uint8_t)(r >> 32);
    memcpy(s->fx + FX_MXCSR, &mxcsr, 4);
    s->gpr[0] = (uint32_t)random_pattern(rng);
    s->gpr[1] = (uint32_t)random_pattern(rng);
    s->edx = (uint32_t)random_pattern(rng);
    if (r >> 60 & 1) { /* lengths of strings */
        s->gpr[0] = (uint32_t)(r >> 40) % 40 - 20;
        s->edx = (uint32_t)(r >> 48) % 40 - 20;
    }
    s->eflags = (test_random(rng) & VX_FL_ARITH) | 0x202;
    s->plain_mxcsr = 0x1F80;
}

/* What the interpreter makes of it: the fault's vector, or -1. */
static int run_guest(struct vx_vcpu *cpu, const struct encoding *e, const struct sse_state *start, uint32_t off,
                     struct sse_state *out)
{
    memcpy(cpu->fx, start->fx, sizeof cpu->fx);
    vx_set_eflags_raw(cpu, (uint32_t)start->eflags);
    memset(cpu->gpr, 0, sizeof cpu->gpr);
    cpu->gpr[VX_RAX] = start->gpr[0];
    cpu->gpr[VX_RCX] = start->gpr[1];
    cpu->gpr[VX_RDX] = start->edx;
    cpu->gpr[VX_RDI] = off;
    unsigned at = 0;
    uint8_t prefix = e->bytes[0] == 0x0F ? 0 : e->bytes[at++];
    unsigned map = e->bytes[at + 1] == 0x38 ? 2 : e->bytes[at + 1] == 0x3A ? 3 : 1;
    at += map > 1;
    struct insn in = harness_insn(cpu, map, e->bytes[at + 1], e->bytes[at + 2], off);
    in.prefix_66 = prefix == 0x66;
    in.rep = prefix == 0xF2 || prefix == 0xF3 ? prefix : 0;
    test_immediate = e->bytes[at + 3];
    bool ok = interp_sse(&in);
    memcpy(out->fx, cpu->fx, sizeof out->fx);
    out->gpr[0] = (uint32_t)cpu->gpr[VX_RAX];
    out->gpr[1] = (uint32_t)cpu->gpr[VX_RCX];
    out->edx = (uint32_t)cpu->gpr[VX_RDX];
    out->eflags = vx_eflags(cpu);
    return ok ? -1 : cpu->mmu->fault.vector;
}

static uint16_t word_of(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, 2);
    return v;
}

/* NULL when the same, else what differs. Pointers and FOP depend on the host's make. */
static const char *difference(const struct sse_state *a, const struct sse_state *b)
{
    if (word_of(a->fx + FX_FCW) != word_of(b->fx + FX_FCW) || word_of(a->fx + FX_FSW) != word_of(b->fx + FX_FSW))
        return "x87 control or status";
    if (a->fx[FX_FTW] != b->fx[FX_FTW])
        return "x87 tags";
    if (memcmp(a->fx + FX_MXCSR, b->fx + FX_MXCSR, 4) != 0)
        return "MXCSR";
    for (unsigned i = 0; i < 8; i++)
        if (memcmp(a->fx + FX_ST + 16 * i, b->fx + FX_ST + 16 * i, 10) != 0)
            return "ST/MM";
    if (memcmp(a->fx + FX_XMM, b->fx + FX_XMM, 128) != 0)
        return "XMM";
    if (a->gpr[0] != b->gpr[0] || a->gpr[1] != b->gpr[1])
        return "EAX or ECX";
    if (a->edx != b->edx)
        return "EDX";
    return ((a->eflags ^ b->eflags) & VX_FL_ARITH) != 0 ? "EFLAGS" : NULL;
}

static int print_hex(char *text, size_t room, const char *name, const uint8_t *p, unsigned bytes)
{
    int n = snprintf(text, room, " %s ", name);
    for (unsigned i = bytes; i-- > 0;)
        n += snprintf(text + n, room - (size_t)n, "%02x%s", p[i], i % 4 == 0 && i != 0 ? "_" : "");
    return n;
}

static void print_state(char *text, size_t room, const char *who, const struct sse_state *s, int vector)
{
    int n = snprintf(text, room, "\n  %s fault %d fsw %04x tags %02x eax %08x ecx %08x fl %03x", who, vector,
                     word_of(s->fx + FX_FSW), s->fx[FX_FTW], s->gpr[0], s->gpr[1], (unsigned)s->eflags & 0xFFF);
    n += print_hex(text + n, room - (size_t)n, "mxcsr", s->fx + FX_MXCSR, 4);
    n += print_hex(text + n, room - (size_t)n, "xmm0", s->fx + FX_XMM, 16);
    n += print_hex(text + n, room - (size_t)n, "xmm1", s->fx + FX_XMM + 16, 16);
    n += print_hex(text + n, room - (size_t)n, "st0", s->fx + FX_ST, 10);
    print_hex(text + n, room - (size_t)n, "st1", s->fx + FX_ST + 16, 10);
}

/* RCPPS, RSQRTPS: estimates, which differ between processors. */
static bool is_estimate(const struct encoding *e)
{
    unsigned at = e->bytes[0] != 0x0F;
    return e->bytes[at] == 0x0F && (e->bytes[at + 1] & 0xFE) == 0x52;
}

/* Pointers and FOP depend on the host's make. */
static void add_result(struct golden *golden, const struct sse_state *s, int vector)
{
    golden_add(golden, s->fx + FX_FCW, 2);
    golden_add(golden, s->fx + FX_FSW, 2);
    golden_add(golden, s->fx + FX_FTW, 1);
    golden_add(golden, s->fx + FX_MXCSR, 4);
    for (unsigned i = 0; i < 8; i++)
        golden_add(golden, s->fx + FX_ST + 16 * i, 10);
    golden_add(golden, s->fx + FX_XMM, 128);
    golden_add32(golden, s->gpr[0]);
    golden_add32(golden, s->gpr[1]);
    golden_add32(golden, s->edx);
    golden_add32(golden, (uint32_t)s->eflags & VX_FL_ARITH);
    golden_add32(golden, (uint32_t)vector);
    golden_add(golden, test_memory, 64);
}

static unsigned compare_encoding(const struct encoding *e, bool memory_form, unsigned count, struct golden *golden,
                                 char *first, size_t room)
{
    struct vx_vcpu *cpu = harness_cpu();
    uint64_t rng = 0x1234567;
    host_fn *host = make_host(e);
    unsigned differences = 0;
    for (unsigned n = 0; n < e->length; n++)
        rng = (rng ^ e->bytes[n]) * UINT64_C(0x100000001B3);
    for (unsigned n = 0; n < count; n++) {
        struct sse_state start, expected = { 0 }, got;
        uint8_t before[64], host_memory[64];
        random_state(&rng, &start);
        random_vector(&rng, test_memory, 64);
        memcpy(before, test_memory, sizeof before);
        uint32_t off = n % 32 == 31 && memory_form ? 4 * (n / 32 % 8) : 0;
        int vector_host = run_host(host, &start, test_memory + off, &expected);
        memcpy(host_memory, test_memory, sizeof host_memory);
        memcpy(test_memory, before, sizeof before);
        int vector_guest = run_guest(cpu, e, &start, off, &got);
        if (!is_estimate(e))
            add_result(golden, &got, vector_guest);
        if (!HAS_X86_HOST)
            continue;
        const char *what = difference(&expected, &got);
        if (vector_host != vector_guest)
            what = "fault";
        else if (memcmp(host_memory, test_memory, sizeof host_memory) != 0)
            what = "memory";
        if (what == NULL)
            continue;
        if (differences++ == 0) {
            int at = snprintf(first, room, "%s of", what);
            for (unsigned i = 0; i < e->length; i++)
                at += snprintf(first + at, room - (size_t)at, " %02X", e->bytes[i]);
            at += print_hex(first + at, room - (size_t)at, "memory", before + off, 16);
            print_state(first + at, room - (size_t)at, "start", &start, -1);
            print_state(first + strlen(first), room - strlen(first), "host ", &expected, vector_host);
            print_state(first + strlen(first), room - strlen(first), "guest", &got, vector_guest);
        }
    }
    free_host(host);
    return differences;
}

struct tally {
    unsigned bad;
    char first[2048];
};

/* Compares `count` random states, and notes the first difference. */
static void tally_encoding(struct tally *tally, struct golden *golden, const struct encoding *e, bool memory_form,
                           unsigned count)
{
    char text[2048];
    unsigned d = compare_encoding(e, memory_form, count, golden, text, sizeof text);
    if (d != 0 && getenv("VX86_TEST_VERBOSE"))
        fprintf(stderr, "%u differences: %s\n", d, text);
    if (d != 0 && tally->bad == 0)
        memcpy(tally->first, text, sizeof text);
    tally->bad += d;
}

#endif
