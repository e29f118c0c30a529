/* interp_sse_fp.c - SSE and SSE2 floating-point arithmetic and comparison.
 *
 * An instruction works on all its elements, collecting flags, and only then stores and raises: with an unmasked
 * exception no element is written (SDM 1 "SIMD Floating-Point Exceptions"). */
#include "fp_host.h"
#include "interp_sse.h"

/* MXCSR: RC 14:13, masks 12:7, flags 5:0. */
enum { MXCSR_DAZ = 1 << 6, MXCSR_FTZ = 1 << 15, MXCSR_MASK_SHIFT = 7, MXCSR_RC_SHIFT = 13 };

struct fp_env simd_env(const struct vx_vcpu *cpu)
{
    uint32_t mxcsr = fx_get32(cpu, FX_MXCSR);
    return (struct fp_env){
        .rc = mxcsr >> MXCSR_RC_SHIFT & 3,
        .precision = 64,
        .masks = mxcsr >> MXCSR_MASK_SHIFT & FP_ALL,
        .sse = true,
        .daz = mxcsr & MXCSR_DAZ,
        .ftz = mxcsr & MXCSR_FTZ,
    };
}

bool simd_raise(struct simd *s, struct fp_env *env)
{
    (void)fp_blocked(env);
    fx_set32(s->cpu, FX_MXCSR, fx_get32(s->cpu, FX_MXCSR) | env->flags);
    if (VX_LIKELY(!(env->flags & ~env->masks)))
        return true;
    if (s->shape & ISA_MMX)
        simd_enter_mmx(s->cpu);
    return insn_fault(s->in, s->cpu->cr4 & VX_CR4_OSXMMEXCPT ? VX_XM : VX_UD);
}

/* Element size and number by prefix: PS, PD, SS, SD. */
struct shape {
    unsigned size, count;
};

static struct shape shape_of(enum isa_prefix prefix)
{
    static const struct shape shapes[4] = { { 4, 4 }, { 8, 2 }, { 4, 1 }, { 8, 1 } };
    return shapes[prefix];
}

static uint64_t element(const union vec *v, struct shape shape, unsigned i)
{
    return shape.size == 4 ? v->d[i] : v->q[i];
}

static void set_element(union vec *v, struct shape shape, unsigned i, uint64_t raw)
{
    if (shape.size == 4)
        v->d[i] = (uint32_t)raw;
    else
        v->q[i] = raw;
}

static struct fp_num unpack(const struct fp_env *env, unsigned size, uint64_t raw)
{
    return fp_operand(env, size == 4 ? fp_unpack_f32((uint32_t)raw) : fp_unpack_f64(raw));
}

static uint64_t round_and_pack(struct fp_env *env, unsigned size, struct fp_num n)
{
    n = fp_round(env, size == 4 ? &fp_single : &fp_double, n);
    return size == 4 ? fp_pack_f32(n) : fp_pack_f64(n);
}

/* MIN, MAX: the second operand unless the first is strictly smaller (larger); NaNs of either kind are invalid. */
static uint64_t min_max(struct fp_env *env, unsigned size, bool max, const uint64_t raw[2])
{
    struct fp_num n[2] = { unpack(env, size, raw[0]), unpack(env, size, raw[1]) };
    enum fp_order order = fp_compare(env, n[0], n[1], false);
    unsigned chosen = order != (max ? FP_GREATER : FP_LESS);
    if (n[chosen].cls == FP_ZERO) /* may be a denormal under DAZ */
        return (uint64_t)n[chosen].sign << (8 * size - 1);
    return raw[chosen];
}

uint64_t simd_arith_element(struct fp_env *env, uint8_t opcode, unsigned size, const uint64_t raw[2])
{
    if (opcode == 0x5D || opcode == 0x5F)
        return min_max(env, size, opcode == 0x5F, raw);
    struct fp_num a = unpack(env, size, raw[0]), b = unpack(env, size, raw[1]);
    switch (opcode) {
    case 0x51: return round_and_pack(env, size, fp_sqrt(env, b));
    case 0x58: return round_and_pack(env, size, fp_add(env, a, b));
    case 0x59: return round_and_pack(env, size, fp_mul(env, a, b));
    case 0x5C: return round_and_pack(env, size, fp_sub(env, a, b));
    default: return round_and_pack(env, size, fp_div(env, a, b));
    }
}

/* ADD, MUL, SUB, DIV, MIN, MAX, SQRT. */
bool simd_do_arith(struct simd *s)
{
    struct shape shape = shape_of(s->prefix);
    struct fp_env env = simd_env(s->cpu);
    union vec d = simd_reg(s), source;
    if (!simd_source(s, &source, shape.size * shape.count))
        return false;
    for (unsigned i = 0; i < shape.count; i++) {
        const uint64_t raw[2] = { element(&d, shape, i), element(&source, shape, i) };
        set_element(&d, shape, i, simd_arith_element(&env, s->in->opcode, shape.size, raw));
    }
    if (!simd_raise(s, &env))
        return false;
    simd_set_reg(s, &d);
    return true;
}

/* RCPPS, RSQRTPS and their scalar forms: no exceptions, no rounding control. */
bool simd_do_estimate(struct simd *s)
{
    struct shape shape = shape_of(s->prefix);
    union vec d = simd_reg(s), source;
    if (!simd_source(s, &source, shape.size * shape.count))
        return false;
    for (unsigned i = 0; i < shape.count; i++)
        d.d[i] = s->in->opcode == 0x53 ? fp_rcp_estimate(source.d[i]) : fp_rsqrt_estimate(source.d[i]);
    simd_set_reg(s, &d);
    return true;
}

/* Predicates 0..3: EQ, LT, LE, UNORD; bit 2 negates. LT and LE signal quiet NaNs. */
static bool compare_element(struct fp_env *env, unsigned size, const uint64_t raw[2], unsigned predicate)
{
    static const uint8_t holds[4] = { 1 << FP_EQUAL, 1 << FP_LESS, 1 << FP_LESS | 1 << FP_EQUAL, 1 << FP_UNORDERED };
    unsigned kind = predicate & 3;
    bool quiet = kind == 0 || kind == 3;
    enum fp_order order = fp_compare(env, unpack(env, size, raw[0]), unpack(env, size, raw[1]), quiet);
    return ((holds[kind] >> order) & 1) != ((predicate >> 2) & 1);
}

/* CMPPS, CMPPD, CMPSS, CMPSD. */
bool simd_do_cmp(struct simd *s)
{
    struct shape shape = shape_of(s->prefix);
    struct fp_env env = simd_env(s->cpu);
    union vec d = simd_reg(s), source;
    uint8_t predicate;
    if (!insn_imm8(s->in, &predicate) || !simd_source(s, &source, shape.size * shape.count))
        return false;
    for (unsigned i = 0; i < shape.count; i++) {
        const uint64_t raw[2] = { element(&d, shape, i), element(&source, shape, i) };
        set_element(&d, shape, i, compare_element(&env, shape.size, raw, predicate) ? UINT64_MAX : 0);
    }
    if (!simd_raise(s, &env))
        return false;
    simd_set_reg(s, &d);
    return true;
}

/* UCOMISS, UCOMISD (2E: quiet), COMISS, COMISD (2F). */
bool simd_do_comis(struct simd *s)
{
    static const uint8_t flags[4] = { VX_FL_CF, VX_FL_ZF, 0, VX_FL_ZF | VX_FL_PF | VX_FL_CF };
    struct shape shape = { s->prefix == ISA_66 ? 8 : 4, 1 };
    struct fp_env env = simd_env(s->cpu);
    union vec d = simd_reg(s), source;
    if (!simd_source(s, &source, shape.size))
        return false;
    struct fp_num a = unpack(&env, shape.size, element(&d, shape, 0));
    struct fp_num b = unpack(&env, shape.size, element(&source, shape, 0));
    enum fp_order order = fp_compare(&env, a, b, s->in->opcode == 0x2E);
    if (!simd_raise(s, &env))
        return false;
    s->cpu->eflags = (s->cpu->eflags & ~(uint32_t)VX_FL_ARITH) | flags[order];
    return true;
}
