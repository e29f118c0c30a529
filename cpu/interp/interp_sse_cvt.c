/* interp_sse_cvt.c - conversions of SSE and SSE2 between float, double and integers in MMX, XMM and general registers.
 *
 * To integers: a denormal raises nothing but FP_PE; what does not fit is 80000000h with FP_IE. */
#include "interp_sse.h"

static struct fp_num unpack_f32(const struct fp_env *env, uint32_t raw)
{
    return fp_operand(env, fp_unpack_f32(raw));
}
static struct fp_num unpack_f64(const struct fp_env *env, uint64_t raw)
{
    return fp_operand(env, fp_unpack_f64(raw));
}

static uint32_t int_to_f32(struct fp_env *env, uint32_t raw)
{
    return fp_pack_f32(fp_round(env, &fp_single, fp_from_int((int32_t)raw)));
}

static uint64_t int_to_f64(uint32_t raw)
{
    return fp_pack_f64(fp_from_int((int32_t)raw));
}

/* CVTPI2PS, CVTPI2PD. The source is an MMX register or 8 bytes of memory. */
bool simd_do_cvtpi2fp(struct simd *s)
{
    struct insn *in = s->in;
    struct fp_env env = simd_env(s->cpu);
    union vec d = simd_reg(s), source = { 0 };
    if (in->mod == 3)
        source = simd_mm(s->cpu, in->rm);
    else if (!insn_read(in, in->seg, in->off, 8, &source.q[0]))
        return false;
    for (unsigned i = 0; i < 2; i++) {
        if (s->prefix == ISA_66)
            d.q[i] = int_to_f64(source.d[i]);
        else
            d.d[i] = int_to_f32(&env, source.d[i]);
    }
    if (!simd_raise(s, &env))
        return false;
    simd_set_reg(s, &d);
    return true;
}

/* CVTSI2SS, CVTSI2SD. */
bool simd_do_cvtsi2fp(struct simd *s)
{
    struct insn *in = s->in;
    struct fp_env env = simd_env(s->cpu);
    uint64_t source = s->cpu->gpr[in->rm];
    union vec d = simd_reg(s);
    if (in->mod != 3 && !insn_read(in, in->seg, in->off, 4, &source))
        return false;
    if (s->prefix == ISA_F2)
        d.q[0] = int_to_f64((uint32_t)source);
    else
        d.d[0] = int_to_f32(&env, (uint32_t)source);
    if (!simd_raise(s, &env))
        return false;
    simd_set_reg(s, &d);
    return true;
}

/* 2C (truncating) and 2D to MMX registers. */
bool simd_do_cvtfp2pi(struct simd *s)
{
    struct fp_env env = simd_env(s->cpu);
    union vec d = { 0 }, source;
    bool from_double = s->prefix == ISA_66;
    if (!simd_source_xmm(s, &source, from_double ? 16 : 8))
        return false;
    if (s->in->opcode == 0x2C)
        env.rc = FP_RC_ZERO;
    for (unsigned i = 0; i < 2; i++) {
        struct fp_num n = from_double ? unpack_f64(&env, source.q[i]) : unpack_f32(&env, source.d[i]);
        d.d[i] = (uint32_t)fp_to_int(&env, n, 32);
    }
    if (!simd_raise(s, &env))
        return false;
    simd_set_mm(s->cpu, s->in->reg, &d);
    return true;
}

/* 2C (truncating) and 2D to a general register. */
bool simd_do_cvtfp2si(struct simd *s)
{
    struct fp_env env = simd_env(s->cpu);
    union vec source;
    bool from_double = s->prefix == ISA_F2;
    if (!simd_source_xmm(s, &source, from_double ? 8 : 4))
        return false;
    if (s->in->opcode == 0x2C)
        env.rc = FP_RC_ZERO;
    struct fp_num n = from_double ? unpack_f64(&env, source.q[0]) : unpack_f32(&env, source.d[0]);
    uint32_t value = (uint32_t)fp_to_int(&env, n, 32);
    if (!simd_raise(s, &env))
        return false;
    s->cpu->gpr[s->in->reg] = value;
    return true;
}

static uint64_t widen(struct fp_env *env, uint32_t raw)
{
    return fp_pack_f64(fp_convert(env, &fp_double, unpack_f32(env, raw), true));
}

static uint32_t narrow(struct fp_env *env, uint64_t raw)
{
    return fp_pack_f32(fp_convert(env, &fp_single, unpack_f64(env, raw), true));
}

/* CVTPS2PD, CVTPD2PS, CVTSS2SD, CVTSD2SS. */
bool simd_do_cvtfp2fp(struct simd *s)
{
    static const uint8_t bytes[4] = { 8, 16, 4, 8 };
    struct fp_env env = simd_env(s->cpu);
    union vec d = simd_reg(s), source;
    if (!simd_source_xmm(s, &source, bytes[s->prefix]))
        return false;
    switch (s->prefix) {
    case ISA_NP:
        d.q[0] = widen(&env, source.d[0]);
        d.q[1] = widen(&env, source.d[1]);
        break;
    case ISA_66:
        d.d[0] = narrow(&env, source.q[0]);
        d.d[1] = narrow(&env, source.q[1]);
        d.q[1] = 0;
        break;
    case ISA_F3: d.q[0] = widen(&env, source.d[0]); break;
    case ISA_F2: d.d[0] = narrow(&env, source.q[0]); break;
    }
    if (!simd_raise(s, &env))
        return false;
    simd_set_reg(s, &d);
    return true;
}

bool simd_do_cvtdq2ps(struct simd *s)
{
    struct fp_env env = simd_env(s->cpu);
    union vec v;
    if (!simd_source_xmm(s, &v, 16))
        return false;
    for (unsigned i = 0; i < 4; i++)
        v.d[i] = int_to_f32(&env, v.d[i]);
    if (!simd_raise(s, &env))
        return false;
    simd_set_reg(s, &v);
    return true;
}

bool simd_do_cvtdq2pd(struct simd *s)
{
    union vec source;
    if (!simd_source_xmm(s, &source, 8))
        return false;
    simd_set_reg(s, &(union vec){ .q = { int_to_f64(source.d[0]), int_to_f64(source.d[1]) } });
    return true;
}

/* CVTPS2DQ (66 5B), CVTTPS2DQ (F3 5B), CVTPD2DQ (F2 E6), CVTTPD2DQ (66 E6). */
bool simd_do_cvtfp2dq(struct simd *s)
{
    struct fp_env env = simd_env(s->cpu);
    union vec d = { 0 }, source;
    bool from_double = s->in->opcode == 0xE6;
    if (!simd_source_xmm(s, &source, 16))
        return false;
    if (from_double ? s->prefix == ISA_66 : s->prefix == ISA_F3)
        env.rc = FP_RC_ZERO;
    for (unsigned i = 0; i < (from_double ? 2u : 4u); i++) {
        struct fp_num n = from_double ? unpack_f64(&env, source.q[i]) : unpack_f32(&env, source.d[i]);
        d.d[i] = (uint32_t)fp_to_int(&env, n, 32);
    }
    if (!simd_raise(s, &env))
        return false;
    simd_set_reg(s, &d);
    return true;
}
