/* test_fp_x87.c - every x87 instruction against the host's own x87: result bits, status, tags, EFLAGS and memory, over
 * random and special operands, all roundings, precisions and exception masks.
 *
 * Written on an AMD CPU: what the SDM leaves open (C1 after FCOMI, FCMOV and FNOP, flags after an unmasked exception,
 * the step of a partial FPREM) is as seen there. */
#include "fp_harness.h"
#include "golden.h"

/* The 32-bit protected-mode layout. */
struct fsave {
    uint32_t fcw, fsw, ftw, fip, fcs_fop, fdp, fds;
    uint8_t st[8][10];
};

typedef uint64_t host_fn(const struct fsave *in, uint8_t *memory, struct fsave *out, uint64_t eflags);

/* frstor [rdi]; push rcx; popf; <insn, memory operand at [rsi]>; pushf; pop rax; fnsave [rdx]; fninit; ret */
static host_fn *make_host(uint8_t opcode, uint8_t modrm)
{
    const uint8_t code[] = { 0xDD, 0x27, 0x51, 0x9D, opcode, modrm, 0x9C, 0x58, 0xDD, 0x32, 0xDB, 0xE3, 0xC3 };
    return (host_fn *)host_code(code, sizeof code);
}

static uint16_t random_fcw(uint64_t *rng)
{
    uint64_t r = test_random(rng);
    static const uint16_t precision[4] = { 0x300, 0x300, 0x200, 0x000 };
    uint16_t masks = r & 3 ? 0x3F : (r >> 2) & 0x3F;
    return (uint16_t)(0x40 | masks | precision[r >> 8 & 3] | (r >> 10 & 3) << 10);
}

/* A state without pending exceptions, since the instruction under test would report them first. */
static void random_state(uint64_t *rng, struct fsave *s)
{
    uint64_t r = test_random(rng);
    uint16_t fcw = random_fcw(rng);
    unsigned top = r & 7;
    uint16_t flags = (r >> 8) & 0x7F & (fcw | 0x40);
    s->fcw = fcw;
    s->fsw = (uint32_t)(((r >> 16) & 0x4700) | top << 11 | flags);
    s->ftw = 0;
    for (unsigned i = 0; i < 8; i++) {
        struct fp_f80 v = random_f80(rng);
        memcpy(s->st[i], &v.sig, 8);
        memcpy(s->st[i] + 8, &v.se, 2);
        bool empty = (r >> (32 + i) & 1) && (i >= 2 || (r >> 60) < 2);
        empty |= i >= 5; /* room to push */
        if ((r >> 56 & 7) == 0)
            empty = false;
        s->ftw |= (empty ? 3u : 0u) << (2 * ((top + i) & 7));
    }
    s->fip = s->fcs_fop = s->fdp = s->fds = 0;
}

static void random_memory(uint64_t *rng, uint8_t opcode, unsigned reg)
{
    uint64_t r = test_random(rng), v = random_f64(rng);
    struct fp_f80 e = random_f80(rng);
    memset(test_memory, 0xA5, 32);
    memcpy(test_memory, &e.sig, 8);
    memcpy(test_memory + 8, &e.se, 2);
    if (opcode == 0xDF && reg == 4) { /* FBLD: digits, since others are undefined */
        for (unsigned i = 0; i < 9; i++, r >>= 7)
            test_memory[i] = (uint8_t)(r % 10 | (r / 10 % 10) << 4);
        test_memory[9] = r & 1 ? 0x80 : 0;
    } else if (opcode == 0xD8 || (opcode == 0xD9 && reg < 4)) {
        uint32_t f = random_f32(rng);
        memcpy(test_memory, &f, 4);
    } else if (opcode == 0xDC || (opcode == 0xDD && reg < 4)) {
        memcpy(test_memory, &v, 8);
    } else if (opcode != 0xDB || reg != 5) {
        v = random_pattern(rng);
        memcpy(test_memory, &v, 8);
    }
}

static void load_guest(struct vx_vcpu *cpu, const struct fsave *s)
{
    fx_set16(cpu, FX_FCW, (uint16_t)s->fcw);
    fx_set16(cpu, FX_FSW, (uint16_t)s->fsw);
    cpu->fx[FX_FTW] = 0;
    for (unsigned i = 0; i < 8; i++) {
        memcpy(cpu->fx + FX_ST + 16 * i, s->st[i], 10);
        cpu->fx[FX_FTW] |= (uint8_t)(((s->ftw >> (2 * i) & 3) != 3) << i);
    }
}

static void store_guest(const struct vx_vcpu *cpu, struct fsave *s)
{
    s->fcw = fx_get16(cpu, FX_FCW);
    s->fsw = fx_get16(cpu, FX_FSW);
    s->ftw = vx_x87_tags(cpu);
    for (unsigned i = 0; i < 8; i++)
        memcpy(s->st[i], cpu->fx + FX_ST + 16 * i, 10);
}

static void print_state(char *text, size_t room, const char *who, const struct fsave *s, const uint8_t *memory,
                        uint64_t eflags)
{
    int n = snprintf(text, room, "%s fcw %04x fsw %04x ftw %04x fl %03x mem", who, s->fcw & 0xFFFF, s->fsw & 0xFFFF,
                     s->ftw & 0xFFFF, (unsigned)eflags & 0xFFF);
    for (int i = 9; i >= 0; i--)
        n += snprintf(text + n, room - (size_t)n, "%s%02x", i == 9 ? " " : "", memory[i]);
    for (unsigned i = 0; i < 3 || i == 7; i++) {
        uint64_t sig;
        uint16_t se;
        memcpy(&sig, s->st[i], 8);
        memcpy(&se, s->st[i] + 8, 2);
        n += snprintf(text + n, room - (size_t)n, " %04x:%016llx", se, (unsigned long long)sig);
    }
}

/* FCOMI and friends set the arithmetic flags. */
#define COMPARED_EFLAGS VX_FL_ARITH

static bool same(const struct fsave *a, const struct fsave *b)
{
    return (a->fcw & 0xFFFF) == (b->fcw & 0xFFFF) && (a->fsw & 0xFFFF) == (b->fsw & 0xFFFF) &&
           (a->ftw & 0xFFFF) == (b->ftw & 0xFFFF) && memcmp(a->st, b->st, sizeof a->st) == 0;
}

/* F2XM1, FYL2X, FPTAN, FPATAN, FYL2XP1, FSINCOS, FSIN, FCOS: their last bit differs between processors. */
static bool is_transcendental(uint8_t opcode, uint8_t modrm)
{
    return opcode == 0xD9 && ((modrm >= 0xF0 && modrm <= 0xF3) || modrm == 0xF9 || modrm == 0xFB || modrm >= 0xFE);
}

static void add_result(struct golden *golden, const struct fsave *s, bool ok, uint64_t flags)
{
    golden_add32(golden, ok);
    golden_add32(golden, s->fcw & 0xFFFF);
    golden_add32(golden, s->fsw & 0xFFFF);
    golden_add32(golden, s->ftw & 0xFFFF);
    golden_add(golden, s->st, sizeof s->st);
    golden_add32(golden, (uint32_t)flags & COMPARED_EFLAGS);
    golden_add(golden, test_memory, 32);
}

/* Runs one encoding `count` times; returns the number of differences and describes the first. */
static unsigned compare_encoding(uint8_t opcode, uint8_t modrm, unsigned count, struct golden *golden, char *first,
                                 size_t room)
{
    struct vx_vcpu *cpu = harness_cpu();
    uint64_t rng = UINT64_C(0x9E3779B97F4A7C15) * (opcode * 256u + modrm + 1);
    host_fn *host = HAS_X86_HOST ? make_host(opcode, modrm) : NULL;
    unsigned differences = 0;
    for (unsigned n = 0; n < count; n++) {
        struct fsave start, expected, got;
        uint8_t before[32], host_memory[32];
        random_state(&rng, &start);
        random_memory(&rng, opcode, modrm >> 3 & 7);
        memcpy(before, test_memory, sizeof before);
        uint64_t flags_in = (test_random(&rng) & COMPARED_EFLAGS) | 0x202;
        uint64_t flags_host = host != NULL ? host(&start, test_memory, &expected, flags_in) : 0;
        memcpy(host_memory, test_memory, sizeof host_memory);
        memcpy(test_memory, before, sizeof before);

        load_guest(cpu, &start);
        vx_set_eflags_raw(cpu, (uint32_t)flags_in);
        struct insn in = harness_insn(cpu, 0, opcode, modrm, 0);
        bool ok = interp_x87(&in);
        store_guest(cpu, &got);
        uint64_t flags_guest = vx_eflags(cpu);
        if (!is_transcendental(opcode, modrm))
            add_result(golden, &got, ok, flags_guest);
        if (host == NULL)
            continue;
        if (ok && same(&expected, &got) && memcmp(host_memory, test_memory, sizeof host_memory) == 0 &&
            ((flags_host ^ flags_guest) & COMPARED_EFLAGS) == 0)
            continue;
        if (differences++ == 0) {
            char a[400], b[400], c[400];
            print_state(a, sizeof a, "start", &start, before, flags_in);
            print_state(b, sizeof b, "host ", &expected, host_memory, flags_host);
            print_state(c, sizeof c, ok ? "guest" : "fault", &got, test_memory, flags_guest);
            snprintf(first, room, "%02X %02X\n  %s\n  %s\n  %s", opcode, modrm, a, b, c);
        }
    }
    if (host != NULL)
        munmap((void *)host, 4096);
    return differences;
}

/* Encodings compared: all that are legal, except those that change control state (tested elsewhere) or that use [rsi]
 * for more than 10 bytes. */
static bool is_compared(uint8_t opcode, uint8_t modrm)
{
    unsigned reg = modrm >> 3 & 7;
    if (modrm < 0xC0) {
        if ((modrm & 0xC7) != 0x06)
            return false;
        switch (opcode) {
        case 0xD9: return reg == 0 || reg == 2 || reg == 3 || reg == 7;
        case 0xDB: return reg == 0 || reg == 2 || reg == 3 || reg == 1 || reg == 5 || reg == 7;
        case 0xDD: return reg == 0 || reg == 2 || reg == 3 || reg == 1 || reg == 7;
        case 0xDF: return true;
        default: return true;
        }
    }
    switch (opcode) {
    case 0xD9:
        return !(modrm > 0xD0 && modrm <= 0xD7) && modrm != 0xE2 && modrm != 0xE3 && modrm != 0xE6 && modrm != 0xE7 &&
               modrm != 0xEF;
    case 0xDA: return modrm < 0xE0 || modrm == 0xE9;
    case 0xDB: return modrm < 0xE0 || modrm == 0xE2 || modrm == 0xE3 || (modrm >= 0xE8 && modrm <= 0xF7);
    case 0xDD: return modrm < 0xF0;
    case 0xDE: return modrm < 0xD8 || modrm == 0xD9 || modrm >= 0xE0;
    case 0xDF: return modrm < 0xE0 || (modrm >= 0xE8 && modrm <= 0xF7);
    default: return true;
    }
}

static void compare_opcode(uint8_t opcode)
{
    char first[1600] = "", other[1600], group[24];
    struct golden golden = { 0 };
    unsigned bad = 0;
    for (unsigned modrm = 0; modrm < 256; modrm++) {
        if (!is_compared(opcode, (uint8_t)modrm))
            continue;
        unsigned d =
            compare_encoding(opcode, (uint8_t)modrm, modrm < 0xC0 ? 20000 : 4000, &golden, other, sizeof other);
        if (d != 0 && bad == 0)
            memcpy(first, other, sizeof first);
        if (d != 0 && getenv("VX86_TEST_VERBOSE"))
            fprintf(stderr, "%u differences: %s\n", d, other);
        bad += d;
    }
    cr_assert(bad == 0, "%u differences from the host, the first: %s", bad, first);
    snprintf(group, sizeof group, "fp_x87 %02x", opcode);
    golden_check(&golden, group);
}

Test(fp_x87, d8)
{
    compare_opcode(0xD8);
}
Test(fp_x87, d9)
{
    compare_opcode(0xD9);
}
Test(fp_x87, da)
{
    compare_opcode(0xDA);
}
Test(fp_x87, db)
{
    compare_opcode(0xDB);
}
Test(fp_x87, dc)
{
    compare_opcode(0xDC);
}
Test(fp_x87, dd)
{
    compare_opcode(0xDD);
}
Test(fp_x87, de)
{
    compare_opcode(0xDE);
}
Test(fp_x87, df)
{
    compare_opcode(0xDF);
}
