/* Random flat 32-bit programs: the translator against the interpreter, whole state and memory. */
#include <criterion/criterion.h>

#include "rig.h"

static uint64_t rng;
static uint32_t rnd(uint32_t below)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (uint32_t)(rng >> 11) % below;
}

struct program {
    uint8_t code[4096];
    unsigned len;
    unsigned start[64]; /* of each top-level piece */
    unsigned pieces;
};

static void put(struct program *p, unsigned byte) { p->code[p->len++] = (uint8_t)byte; }
static void put_imm(struct program *p, unsigned bytes)
{
    while (bytes-- > 0)
        put(p, rnd(4) == 0 ? (rnd(2) ? 0xFF : 0) : rnd(256));
}

/* ModRM with a memory operand near the data window (EBX, ESI, EDI, EBP point there), or registers. */
static void put_modrm(struct program *p, unsigned reg)
{
    static const uint8_t bases[] = { 3, 5, 6, 7 };
    unsigned base = bases[rnd(4)];
    switch (rnd(5)) {
    case 0: case 1: put(p, 0xC0 | reg << 3 | rnd(8)); break;
    case 2: put(p, 0x40 | reg << 3 | base); put(p, rnd(256)); break;
    case 3: put(p, 0x44 | reg << 3); put(p, rnd(2) ? 0x24 : (2 << 6 | 4 << 3 | base)); put(p, rnd(128)); break;
    default: put(p, 0x05 | reg << 3); put(p, rnd(256)); put(p, rnd(16)); put(p, RIG_DATA >> 16); put(p, 0); break;
    }
}

/* Stores one flag that the instruction just emitted defines, then defines them all: undefined flags must not spread. */
static void fence_flags(struct program *p, const uint8_t *defined, unsigned count)
{
    put(p, 0x0F);
    put(p, 0x90 + defined[rnd(count)]); /* SETcc [data] */
    put(p, 0x05);
    put(p, rnd(256));
    put(p, rnd(16));
    put(p, RIG_DATA >> 16);
    put(p, 0);
    put(p, 0x3C); /* CMP AL, imm8 */
    put_imm(p, 1);
}

static void put_insn(struct program *p)
{
    static const uint8_t carry[] = { 2, 3 }, carry_zero_sign_parity[] = { 2, 4, 8, 10 };
    static const uint8_t sse[] = { 0x58, 0x59, 0x5C, 0x5E, 0x54, 0x57, 0xEF, 0xFE, 0xD4, 0x6F, 0x10, 0x14, 0x61, 0x70 };
    bool w = rnd(6) == 0;
    switch (rnd(26)) {
    case 0: case 1: case 2: case 3: if (w) put(p, 0x66); put(p, rnd(8) * 8 + rnd(4)); put_modrm(p, rnd(8)); break;
    case 4: put(p, rnd(8) * 8 + 4); put_imm(p, 1); break;
    case 5: put(p, rnd(8) * 8 + 5); put_imm(p, 4); break;
    case 6: put(p, 0x80); put_modrm(p, rnd(8)); put_imm(p, 1); break;
    case 7: put(p, 0x81); put_modrm(p, rnd(8)); put_imm(p, 4); break;
    case 8: if (w) put(p, 0x66); put(p, 0x83); put_modrm(p, rnd(8)); put_imm(p, 1); break;
    case 9: put(p, 0x88 + rnd(4)); put_modrm(p, rnd(8)); break;
    case 10: put(p, 0x84 + rnd(4)); put_modrm(p, rnd(8)); break;
    case 11: put(p, 0xC0 + rnd(2)); put_modrm(p, rnd(8)); put_imm(p, 1); fence_flags(p, carry, 2); break;
    case 12: put(p, 0xD0 + rnd(4)); put_modrm(p, rnd(8)); fence_flags(p, carry, 2); break;
    case 13: put(p, 0xF6 + rnd(2)); put_modrm(p, 2 + rnd(6)); put(p, 0x3C); put_imm(p, 1); break;
    case 14: put(p, 0xFE + rnd(2)); put_modrm(p, rnd(2)); break;
    case 15: if (w) put(p, 0x66); put(p, 0x40 + rnd(16)); break;
    case 16: if (w) put(p, 0x66); put(p, 0x50 + rnd(16)); break;
    case 17: put(p, 0x0F); put(p, 0x40 + rnd(16)); put_modrm(p, rnd(8)); break;
    case 18: put(p, 0x0F); put(p, 0x90 + rnd(16)); put_modrm(p, 0); break;
    case 19: { static const uint8_t op[] = { 0xAF, 0xB6, 0xB7, 0xBE, 0xBF, 0xA3, 0xAB, 0xB3, 0xBB, 0xB0, 0xB1, 0xC0, 0xC1 };
        unsigned o = op[rnd(sizeof op)]; put(p, 0x0F); put(p, o); put_modrm(p, rnd(8));
        if (o == 0xAF || (o & 0xE7) == 0xA3)
            fence_flags(p, carry, 2);
        break; }
    case 20: put(p, 0x0F); put(p, rnd(2) ? 0xA4 : 0xAC); put_modrm(p, rnd(8)); put_imm(p, 1); fence_flags(p, carry_zero_sign_parity, 4); break;
    case 21: { static const uint8_t op[] = { 0x98, 0x99, 0x9E, 0x9F, 0xF5, 0xF8, 0xF9, 0xFC, 0x9C, 0x90, 0x27, 0x2F, 0x37, 0x3F, 0xFA, 0x1E, 0x06 };
        put(p, op[rnd(sizeof op)]); fence_flags(p, carry, 2); break; }
    case 22: { static const uint8_t op[] = { 0xA4, 0xA5, 0xA6, 0xA7, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF };
        if (rnd(3) == 0) { /* MOV ECX, small; REP */
            put(p, 0xB9); put(p, rnd(40)); put(p, 0); put(p, 0); put(p, 0);
            put(p, 0xF2 + rnd(2));
        }
        put(p, op[rnd(sizeof op)]); break; }
    case 23: put(p, 0x8D); put(p, 0x44 | rnd(8) << 3); put(p, rnd(256)); put_imm(p, 1); break;
    case 24: put(p, 0x0F); put(p, 0xBA); put_modrm(p, 4 + rnd(4)); put_imm(p, 1); fence_flags(p, carry, 2); break;
    default: if (w) put(p, 0x66); put(p, 0x0F); put(p, sse[rnd(sizeof sse)]); { unsigned o = p->code[p->len - 1]; put(p, 0xC0 | rnd(64)); if (o == 0x70) put_imm(p, 1); } break;
    }
}

/* Straight-line code with short forward branches, ended by HLT. */
static void make_program(struct program *p)
{
    p->len = p->pieces = 0;
    unsigned n = 5 + rnd(40);
    for (unsigned i = 0; i < n; i++) {
        p->start[p->pieces++] = p->len;
        if (rnd(8) == 0) {
            put(p, 0x70 + rnd(16));
            put(p, 0);
            unsigned at = p->len;
            put_insn(p);
            p->code[at - 1] = (uint8_t)(p->len - at);
        } else {
            put_insn(p);
        }
    }
    put(p, 0xF4);
}

static void seed_state(struct rig *rig, uint64_t seed)
{
    rng = seed;
    struct vx_vcpu *vcpu = rig->vcpu;
    static const uint8_t pointers[] = { VX_RBX, VX_RBP, VX_RSI, VX_RDI };
    for (unsigned i = 0; i < 8; i++)
        vcpu->gpr[i] = rnd(4) == 0 ? rnd(4) - 1u : rnd(UINT32_MAX);
    for (unsigned i = 0; i < 4; i++)
        vcpu->gpr[pointers[i]] = RIG_DATA + 0x1000 * i + rnd(0x1000);
    vcpu->gpr[VX_RSP] = RIG_STACK - 4 * rnd(16);
    vx_set_eflags_raw(vcpu, rnd(UINT32_MAX) & VX_FL_ARITH);
    uint32_t data[4096];
    for (unsigned i = 0; i < 4096; i++)
        data[i] = rnd(UINT32_MAX);
    vx_pmap_write(rig->pmap, RIG_DATA, data, sizeof data);
    vx_pmap_write(rig->pmap, RIG_STACK - 1024, data, 2048);
    for (unsigned i = 160; i < 288; i++)
        vcpu->fx[i] = (uint8_t)rnd(256);
}

static const char *difference(const struct rig *a, const struct rig *b)
{
    static char text[200];
    for (unsigned i = 0; i < 8; i++) {
        if (a->vcpu->gpr[i] != b->vcpu->gpr[i]) {
            snprintf(text, sizeof text, "gpr %u: %llx, %llx", i, (unsigned long long)a->vcpu->gpr[i], (unsigned long long)b->vcpu->gpr[i]);
            return text;
        }
    }
    if (a->vcpu->rip != b->vcpu->rip) {
        snprintf(text, sizeof text, "eip %llx, %llx", (unsigned long long)a->vcpu->rip, (unsigned long long)b->vcpu->rip);
        return text;
    }
    if (vx_eflags(a->vcpu) != vx_eflags(b->vcpu)) {
        snprintf(text, sizeof text, "eflags %x, %x", vx_eflags(a->vcpu), vx_eflags(b->vcpu));
        return text;
    }
    for (unsigned i = 24; i < 288; i += 4) { /* MXCSR, registers */
        uint32_t x, y;
        memcpy(&x, a->vcpu->fx + i, 4);
        memcpy(&y, b->vcpu->fx + i, 4);
        if (i != 28 && x != y) {
            snprintf(text, sizeof text, "FXSAVE image at %u: %08x, %08x", i, x, y);
            return text;
        }
    }
    if (memcmp(vx_pmap_page_hva(a->pmap, 0), vx_pmap_page_hva(b->pmap, 0), RIG_RAM) != 0)
        return "memory";
    return NULL;
}

/* Runs the first `len` bytes of the program (then HLT) on both; NULL when they agree. */
static const char *run_both(struct rig *interp, struct rig *bt, const struct program *p, unsigned len, uint64_t seed)
{
    struct program cut = *p;
    cut.code[len] = 0xF4;
    rig_start(interp, cut.code, len + 1);
    seed_state(interp, seed);
    rig_start(bt, cut.code, len + 1);
    seed_state(bt, seed);
    enum vx_stop expected = rig_run(interp), got = rig_run(bt);
    const char *what = difference(interp, bt);
    return what == NULL && expected != got ? "stop reason" : what;
}

/* Prints the shortest prefix of the program that still differs. */
static void report(struct rig *interp, struct rig *bt, const struct program *p, uint64_t seed, unsigned number)
{
    unsigned piece = 0;
    while (piece + 1 < p->pieces && run_both(interp, bt, p, p->start[piece + 1], seed) == NULL)
        piece++;
    unsigned end = piece + 1 < p->pieces ? p->start[piece + 1] : p->len - 1;
    const char *what = run_both(interp, bt, p, end, seed);
    fprintf(stderr, "case %u: %s after", number, what);
    for (unsigned i = p->start[piece]; i < end; i++)
        fprintf(stderr, " %02x", p->code[i]);
    fprintf(stderr, "\n");
}

static void compare(const struct vx_bt_config *options, unsigned cases)
{
    static struct rig interp, bt;
    rig_create(&interp, NULL);
    rig_create(&bt, options);
    unsigned failures = 0;
    for (unsigned i = 0; i < cases && failures < 10; i++) {
        struct program program;
        uint64_t seed = 0x9E3779B97F4A7C15ull * (i + 1);
        rng = seed;
        make_program(&program);
        if (run_both(&interp, &bt, &program, program.len - 1, seed) != NULL) {
            failures++;
            report(&interp, &bt, &program, seed, i);
        }
    }
    rig_destroy(&interp);
    rig_destroy(&bt);
    cr_assert_eq(failures, 0, "the engines differ, see above");
}

Test(random, default_options) { compare(&(struct vx_bt_config){ 0 }, 20000); }
Test(random, single_instructions) { compare(&(struct vx_bt_config){ .tu_max = 1, .no_chain = true, .no_jump_cache = true }, 5000); }
Test(random, stress) { compare(&(struct vx_bt_config){ .stress = true, .stress_seed = 1 }, 5000); }
