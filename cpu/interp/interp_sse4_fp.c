/* interp_sse4_fp.c - floating point of SSE3 and SSE4.1: ADDSUB, HADD, HSUB, duplicating moves, ROUND, DPPS and DPPD. */
#include "interp_sse.h"

enum { OP_ADD = 0x58, OP_MUL = 0x59, OP_SUB = 0x5C }; /* the opcodes of ADDPS ... */

static uint64_t element(const union vec *v, unsigned size, unsigned i)
{
    return size == 4 ? v->d[i] : v->q[i];
}

static void set_element(union vec *v, unsigned size, unsigned i, uint64_t raw)
{
    if (size == 4)
        v->d[i] = (uint32_t)raw;
    else
        v->q[i] = raw;
}

/* PS with F2h, PD with 66h. */
static unsigned size_of(const struct simd *s)
{
    return s->prefix == ISA_66 ? 8 : 4;
}

static bool finish(struct simd *s, struct fp_env *env, const union vec *d)
{
    if (!simd_raise(s, env))
        return false;
    simd_set_reg(s, d);
    return true;
}

/* ADDSUBPS, ADDSUBPD: even elements are subtracted. */
bool simd_do_addsub(struct simd *s)
{
    unsigned size = size_of(s);
    struct fp_env env = simd_env(s->cpu);
    union vec d = simd_reg(s), source;
    if (!simd_source(s, &source, 16))
        return false;
    for (unsigned i = 0; i < 16 / size; i++) {
        const uint64_t raw[2] = { element(&d, size, i), element(&source, size, i) };
        set_element(&d, size, i, simd_arith_element(&env, i & 1 ? OP_ADD : OP_SUB, size, raw));
    }
    return finish(s, &env, &d);
}

/* HADD (0F 7C), HSUB (0F 7D). */
bool simd_do_horizontal(struct simd *s)
{
    unsigned size = size_of(s), half = 8 / size;
    struct fp_env env = simd_env(s->cpu);
    union vec a = simd_reg(s), source, d;
    if (!simd_source(s, &source, 16))
        return false;
    for (unsigned i = 0; i < 2 * half; i++) {
        const union vec *from = i < half ? &a : &source;
        unsigned at = 2 * (i % half);
        const uint64_t raw[2] = { element(from, size, at), element(from, size, at + 1) };
        set_element(&d, size, i, simd_arith_element(&env, s->in->opcode == 0x7C ? OP_ADD : OP_SUB, size, raw));
    }
    return finish(s, &env, &d);
}

/* MOVSLDUP (F3 0F 12), MOVSHDUP (F3 0F 16). */
bool simd_do_movsdup(struct simd *s)
{
    unsigned odd = s->in->opcode == 0x16;
    union vec v;
    if (!simd_source(s, &v, 16))
        return false;
    v.d[!odd] = v.d[odd];
    v.d[2 + !odd] = v.d[2 + odd];
    simd_set_reg(s, &v);
    return true;
}

bool simd_do_movddup(struct simd *s)
{
    union vec v;
    if (!simd_source(s, &v, 8))
        return false;
    v.q[1] = v.q[0];
    simd_set_reg(s, &v);
    return true;
}

/* imm 1:0 rounding, imm 2 MXCSR's instead, imm 3 no precision exception. A denormal operand raises nothing. */
static uint64_t round_element(struct fp_env *env, unsigned size, uint64_t raw, bool quiet)
{
    struct fp_env one = *env;
    one.flags = 0;
    struct fp_num n = fp_operand(&one, size == 4 ? fp_unpack_f32((uint32_t)raw) : fp_unpack_f64(raw));
    n = fp_round_to_integral(&one, n);
    env->flags |= one.flags & (uint8_t) ~(FP_DE | (quiet ? FP_PE : 0));
    return size == 4 ? fp_pack_f32(n) : fp_pack_f64(n);
}

/* ROUNDPS, ROUNDPD, ROUNDSS, ROUNDSD (0F 3A 08..0B). */
bool simd_do_round(struct simd *s)
{
    unsigned kind = s->in->opcode & 3, size = kind & 1 ? 8 : 4, count = kind >= 2 ? 1 : 16 / size;
    struct fp_env env = simd_env(s->cpu);
    union vec d = simd_reg(s), source;
    uint8_t imm;
    if (!insn_imm8(s->in, &imm) || !simd_source(s, &source, size * count))
        return false;
    if (!(imm & 4))
        env.rc = imm & 3;
    for (unsigned i = 0; i < count; i++)
        set_element(&d, size, i, round_element(&env, size, element(&source, size, i), imm & 8));
    return finish(s, &env, &d);
}

static uint64_t add(struct fp_env *env, unsigned size, uint64_t a, uint64_t b)
{
    const uint64_t raw[2] = { a, b };
    return simd_arith_element(env, OP_ADD, size, raw);
}

/* DPPS, DPPD (0F 3A 40, 41): products where imm 7:4 says, summed in pairs, the sum where imm 3:0 says. Each step rounds
 * and raises by itself; one with an unmasked exception is the last. */
bool simd_do_dp(struct simd *s)
{
    unsigned size = s->in->opcode == 0x40 ? 4 : 8, count = 16 / size;
    struct fp_env env = simd_env(s->cpu);
    union vec a = simd_reg(s), source, d = { 0 };
    uint64_t product[4] = { 0 };
    uint8_t imm;
    if (!insn_imm8(s->in, &imm) || !simd_source(s, &source, 16))
        return false;
    for (unsigned i = 0; i < count; i++) {
        const uint64_t raw[2] = { element(&a, size, i), element(&source, size, i) };
        if (imm >> (4 + i) & 1)
            product[i] = simd_arith_element(&env, OP_MUL, size, raw);
    }
    if (!simd_raise(s, &env))
        return false;
    uint64_t sum = add(&env, size, product[0], product[1]);
    if (count == 4) {
        uint64_t high = add(&env, size, product[2], product[3]);
        if (!simd_raise(s, &env))
            return false;
        sum = add(&env, size, sum, high);
    }
    for (unsigned i = 0; i < count; i++)
        if (imm >> i & 1)
            set_element(&d, size, i, sum);
    return finish(s, &env, &d);
}
