/* test_fp_sse.c - every MMX, SSE and SSE2 encoding against the host: registers, x87 tags and TOP, MXCSR, EFLAGS,
 * memory, and whether it faults and with what, over random and special operands, roundings, DAZ, FTZ and exception
 * masks. */
#include "fp_harness.h"

#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>

#if defined(__x86_64__)

/* In and out of the host code; gpr: EAX and ECX. */
struct sse_state {
    _Alignas(64) uint8_t fx[512];
    uint32_t gpr[2];      /* at 512 */
    uint64_t eflags;      /* at 520 */
    uint32_t plain_mxcsr; /* at 528 */
};

typedef void host_fn(const struct sse_state *in, uint8_t *memory, struct sse_state *out);

struct encoding {
    uint8_t bytes[8];
    unsigned length;
};

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
        0x48, 0x89, 0xF7,                         /* mov rdi, rsi */
        0x41, 0xFF, 0xB2, 0x08, 0x02, 0x00, 0x00, /* push qword [r10+520] */
        0x41, 0x8B, 0x82, 0x00, 0x02, 0x00, 0x00, /* mov eax, [r10+512] */
        0x41, 0x8B, 0x8A, 0x04, 0x02, 0x00, 0x00, /* mov ecx, [r10+516] */
        0x41, 0x0F, 0xAE, 0x0A,                   /* fxrstor [r10] */
        0x9D,                                     /* popfq */
    };
    static const uint8_t after[] = {
        0x9C,                                           /* pushfq */
        0x8F, 0x82, 0x08, 0x02, 0x00, 0x00,             /* pop qword [rdx+520] */
        0x89, 0x82, 0x00, 0x02, 0x00, 0x00,             /* mov [rdx+512], eax */
        0x89, 0x8A, 0x04, 0x02, 0x00, 0x00,             /* mov [rdx+516], ecx */
        0x0F, 0xAE, 0x02,                               /* fxsave [rdx] */
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
    s->eflags = (test_random(rng) & VX_FL_ARITH) | 0x202;
    s->plain_mxcsr = 0x1F80;
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

/* What the interpreter makes of it: the fault's vector, or -1. */
static int run_guest(struct vx_vcpu *cpu, const struct encoding *e, const struct sse_state *start, uint32_t off,
                     struct sse_state *out)
{
    memcpy(cpu->fx, start->fx, sizeof cpu->fx);
    vx_set_eflags_raw(cpu, (uint32_t)start->eflags);
    memset(cpu->gpr, 0, sizeof cpu->gpr);
    cpu->gpr[VX_RAX] = start->gpr[0];
    cpu->gpr[VX_RCX] = start->gpr[1];
    cpu->gpr[VX_RDI] = off;
    unsigned at = 0;
    uint8_t prefix = e->bytes[0] == 0x0F ? 0 : e->bytes[at++];
    struct insn in = harness_insn(cpu, 1, e->bytes[at + 1], e->bytes[at + 2], off);
    in.prefix_66 = prefix == 0x66;
    in.rep = prefix == 0xF2 || prefix == 0xF3 ? prefix : 0;
    test_immediate = e->bytes[at + 3];
    bool ok = interp_sse(&in);
    memcpy(out->fx, cpu->fx, sizeof out->fx);
    out->gpr[0] = (uint32_t)cpu->gpr[VX_RAX];
    out->gpr[1] = (uint32_t)cpu->gpr[VX_RCX];
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

static unsigned compare_encoding(const struct encoding *e, bool memory_form, unsigned count, char *first, size_t room)
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
        tested_signal = 0;
        host(&start, test_memory + off, &expected);
        int vector_host = expected_vector(tested_signal);
        memcpy(host_memory, test_memory, sizeof host_memory);
        memcpy(test_memory, before, sizeof before);
        int vector_guest = run_guest(cpu, e, &start, off, &got);
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
    munmap((void *)((uintptr_t)host & ~(uintptr_t)4095), 4096);
    return differences;
}

static bool has_immediate(uint8_t opcode)
{
    return (opcode >= 0x70 && opcode <= 0x73) || opcode == 0xC2 || (opcode >= 0xC4 && opcode <= 0xC6);
}

/* Encodings that a newer host has and this CPU has not are left out; that they are #UD here is tested below. */
static bool is_listed(unsigned prefix, uint8_t opcode, bool memory_form)
{
    static const struct {
        uint8_t prefix, opcode;
        uint8_t forms;
    } table[] = {
#define NP  0
#define P66 1
#define PF3 2
#define PF2 3
#define X   0
#define M   0
#define MEM 1
#define REG 2
#define LOW 0
#define SIMD_0F
#define SIMD(p, code, feature, attributes, handler, lane) { p, code, attributes },
#define BOTH(code, feature, feature_xmm, handler, lane)   { NP, code, 0 }, { P66, code, 0 },
#include "interp_sse.def"
#undef SIMD_0F
#undef SIMD
#undef BOTH
    };
    for (unsigned i = 0; i < VX_ARRAY_LEN(table); i++)
        if (table[i].prefix == prefix && table[i].opcode == opcode)
            return memory_form ? !(table[i].forms & REG) : !(table[i].forms & MEM);
    return false;
}

static struct encoding encode(unsigned prefix, uint8_t opcode, uint8_t modrm, uint8_t immediate)
{
    static const uint8_t prefixes[4] = { 0, 0x66, 0xF3, 0xF2 };
    struct encoding e = { .length = 0 };
    if (prefix != 0)
        e.bytes[e.length++] = prefixes[prefix];
    e.bytes[e.length++] = 0x0F;
    e.bytes[e.length++] = opcode;
    if (opcode != 0x77)
        e.bytes[e.length++] = modrm;
    if (has_immediate(opcode))
        e.bytes[e.length++] = immediate;
    return e;
}

struct tally {
    unsigned bad;
    char first[2048];
};

static void compare_opcode(struct tally *tally, uint8_t opcode, uint8_t modrm, bool memory_form, unsigned count)
{
    static const uint8_t immediates[] = {
        0, 1, 2, 3, 4, 5, 6, 7, 9, 15, 16, 17, 0x1B, 31, 32, 63, 64, 0x93, 0xE4, 0xFF
    };
    unsigned variants = has_immediate(opcode) ? VX_ARRAY_LEN(immediates) : 1;
    for (unsigned prefix = 0; prefix < 4; prefix++) {
        if (!is_listed(prefix, opcode, memory_form))
            continue;
        for (unsigned i = 0; i < variants; i++) {
            struct encoding e = encode(prefix, opcode, modrm, immediates[i]);
            char text[2048];
            unsigned d = compare_encoding(&e, memory_form, count / variants + 64, text, sizeof text);
            if (d != 0 && getenv("VX86_TEST_VERBOSE"))
                fprintf(stderr, "%u differences: %s\n", d, text);
            if (d != 0 && tally->bad == 0)
                memcpy(tally->first, text, sizeof text);
            tally->bad += d;
        }
    }
}

static void compare_opcodes(unsigned from, unsigned to, unsigned count)
{
    struct tally tally = { 0 };
    catch_signals();
    for (unsigned opcode = from; opcode <= to; opcode++) {
        if (opcode >= 0x71 && opcode <= 0x73) { /* ModRM.reg is part of the opcode */
            for (unsigned modrm = 0xC0; modrm < 0x100; modrm++)
                if ((modrm & 7) < 2)
                    compare_opcode(&tally, (uint8_t)opcode, (uint8_t)modrm, false, count / 4);
            continue;
        }
        static const uint8_t forms[] = { 0xC0, 0xC1, 0xC8, 0xC9, 0x06, 0x0E };
        for (unsigned i = 0; i < VX_ARRAY_LEN(forms); i++)
            compare_opcode(&tally, (uint8_t)opcode, forms[i], forms[i] < 0xC0, count);
    }
    cr_assert(tally.bad == 0, "%u differences from the host, the first: %s", tally.bad, tally.first);
}

Test(fp_sse, moves)
{
    compare_opcodes(0x10, 0x17, 500);
}
Test(fp_sse, moves_and_scalar_conversions)
{
    compare_opcodes(0x28, 0x2F, 2000);
}
Test(fp_sse, arithmetic)
{
    compare_opcodes(0x50, 0x5F, 4000);
}
Test(fp_sse, packed_60)
{
    compare_opcodes(0x60, 0x7F, 1000);
}
Test(fp_sse, compare_and_shuffle)
{
    compare_opcodes(0xC2, 0xC6, 4000);
}
Test(fp_sse, packed_d0)
{
    compare_opcodes(0xD1, 0xE5, 1000);
}
Test(fp_sse, conversions_e6)
{
    compare_opcodes(0xE6, 0xE6, 10000);
}
Test(fp_sse, packed_e0)
{
    compare_opcodes(0xE7, 0xFE, 1000);
}

#endif
