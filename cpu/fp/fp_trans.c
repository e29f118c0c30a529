/* fp_trans.c - the x87 transcendentals and SSE's estimates without a host that has them.
 *
 * Special operands as in the tables of SDM 2 for each instruction; the rest by fp_series.c, within 1 ulp. What the SDM
 * leaves undefined (F2XM1 outside [-1, 1], FYL2XP1 outside its range) gives some number. */
#include "fp_trans.h"
#include "fp_host.h"

#define SW_C1 0x0200
#define SW_C2 0x0400

/* Results of one function: `first` replaces the operand (or ST(1)), `pushed` is FPTAN's 1.0 and FSINCOS's cosine. */
struct results {
    struct fp_num first, pushed;
    bool out_of_range;
};

static struct fp_num one(bool sign)
{
    return fp_make(sign, 63, 1);
}

static bool is_one(const struct fp_num *n)
{
    return n->cls == FP_NORMAL && n->exp == 0 && n->sig == UINT64_C(1) << 63;
}

static struct fp_num f2xm1(struct fp_env *env, struct fp_num x)
{
    if (fp_is_nan(&x))
        return fp_nan_result(env, x, x);
    fp_raise_denormal(env, &x, &x);
    if (x.cls == FP_INF)
        return x.sign ? one(true) : x;
    if (x.cls == FP_ZERO || x.exp > 0)
        return x;
    if (is_one(&x))
        return x.sign ? fp_make(true, 62, 1) : x;
    return fp_wide_number(fp_wide_exp2m1(fp_wide_from(&x)));
}

/* y * log where the logarithm is zero or infinite; 0 * infinity is invalid. */
static struct fp_num product(struct fp_env *env, struct fp_num y, struct fp_num log)
{
    if ((y.cls == FP_ZERO && log.cls == FP_INF) || (y.cls == FP_INF && log.cls == FP_ZERO))
        return fp_invalid(env);
    bool sign = y.sign != log.sign;
    return y.cls == FP_INF || log.cls == FP_INF ? fp_infinity(sign) : fp_zero(sign);
}

static struct fp_num fyl2x(struct fp_env *env, struct fp_num x, struct fp_num y)
{
    if (fp_is_nan(&x) || fp_is_nan(&y))
        return fp_nan_result(env, x, y);
    if (x.sign && x.cls != FP_ZERO)
        return fp_invalid(env);
    if (x.cls == FP_ZERO && fp_is_finite(&y) && y.cls != FP_ZERO) {
        env->flags |= FP_ZE;
        return fp_infinity(!y.sign);
    }
    struct fp_num log = x.cls == FP_ZERO  ? fp_infinity(true)
                        : x.cls == FP_INF ? x
                        : is_one(&x)      ? fp_zero(false)
                                          : one(x.exp < 0);
    if (log.cls != FP_NORMAL || y.cls == FP_ZERO || y.cls == FP_INF) {
        struct fp_num n = product(env, y, log);
        if (!(env->flags & FP_IE))
            fp_raise_denormal(env, &x, &y);
        return n;
    }
    fp_raise_denormal(env, &x, &y);
    if (x.sig == UINT64_C(1) << 63) /* the only exact logarithms */
        return fp_mul(env, y, fp_from_int(x.exp));
    struct fp_wide w = fp_wide_log2(fp_wide_from(&x));
    return fp_wide_number(fp_wide_mul(fp_wide_from(&y), w));
}

static struct fp_num fyl2xp1(struct fp_env *env, struct fp_num x, struct fp_num y)
{
    if (fp_is_nan(&x) || fp_is_nan(&y))
        return fp_nan_result(env, x, y);
    if (x.sign && (x.cls == FP_INF || (fp_is_finite(&x) && x.cls != FP_ZERO && x.exp >= 0)))
        return fp_invalid(env);
    struct fp_num log = x.cls == FP_NORMAL || x.cls == FP_DENORMAL ? one(x.sign) : x;
    if (log.cls != FP_NORMAL || y.cls == FP_ZERO || y.cls == FP_INF) {
        struct fp_num n = product(env, y, log);
        if (!(env->flags & FP_IE))
            fp_raise_denormal(env, &x, &y);
        return n;
    }
    fp_raise_denormal(env, &x, &y);
    struct fp_wide w = fp_wide_log2p1(fp_wide_from(&x));
    return fp_wide_number(fp_wide_mul(fp_wide_from(&y), w));
}

/* |angle| of FPATAN when an operand is zero or infinite, in eighths of a turn. */
static unsigned special_angle(const struct fp_num *x, const struct fp_num *y)
{
    if (y->cls == FP_INF)
        return x->cls != FP_INF ? 2 : x->sign ? 3 : 1;
    if (y->cls == FP_ZERO || x->cls == FP_INF)
        return x->sign ? 4 : 0;
    return 2; /* x is zero */
}

static struct fp_num fpatan(struct fp_env *env, struct fp_num x, struct fp_num y)
{
    if (fp_is_nan(&x) || fp_is_nan(&y))
        return fp_nan_result(env, x, y);
    fp_raise_denormal(env, &x, &y);
    struct fp_wide angle;
    bool sign = y.sign;
    if (!fp_is_finite(&x) || !fp_is_finite(&y) || x.cls == FP_ZERO || y.cls == FP_ZERO) {
        unsigned eighths = special_angle(&x, &y);
        if (eighths == 0)
            return fp_zero(sign);
        angle = fp_wide_pi((int)eighths, 2);
    } else {
        bool steep = y.exp > x.exp || (y.exp == x.exp && y.sig > x.sig);
        bool left = x.sign;
        x.sign = y.sign = false;
        struct fp_wide wx = fp_wide_from(&x), wy = fp_wide_from(&y);
        angle = fp_wide_atan(steep ? fp_wide_div(wx, wy) : fp_wide_div(wy, wx));
        angle.sign = steep;
        angle = steep ? fp_wide_add(fp_wide_pi(1, 1), angle) : angle;
        angle.sign = left;
        angle = left ? fp_wide_add(fp_wide_pi(1, 0), angle) : angle;
    }
    angle.sign = sign;
    return fp_wide_number(angle);
}

/* FSIN, FCOS, FSINCOS, FPTAN. */
static struct results trigonometric(struct fp_env *env, enum fp_function function, struct fp_num x)
{
    struct results r = { .pushed = one(false) };
    bool sine_first = function != FP_FCOS;
    if (fp_is_nan(&x) || x.cls == FP_INF) {
        r.first = r.pushed = fp_is_nan(&x) ? fp_nan_result(env, x, x) : fp_invalid(env);
        return r;
    }
    if (x.cls == FP_ZERO) {
        r.first = sine_first ? x : one(false);
        return r;
    }
    if (x.exp >= 63) {
        r.out_of_range = true;
        return r;
    }
    fp_raise_denormal(env, &x, &x);
    struct fp_wide sine, cosine;
    fp_wide_sincos(&x, &sine, &cosine);
    sine.sign ^= x.sign;
    r.first = fp_wide_number(sine_first ? sine : cosine);
    if (function == FP_FPTAN)
        r.first = fp_wide_number(fp_wide_div(sine, cosine));
    if (function == FP_FSINCOS)
        r.pushed = fp_wide_number(cosine);
    return r;
}

static struct results evaluate(struct fp_env *env, enum fp_function function, struct fp_num st0, struct fp_num st1)
{
    switch (function) {
    case FP_F2XM1: return (struct results){ .first = f2xm1(env, st0) };
    case FP_FYL2X: return (struct results){ .first = fyl2x(env, st0, st1) };
    case FP_FPATAN: return (struct results){ .first = fpatan(env, st0, st1) };
    case FP_FYL2XP1: return (struct results){ .first = fyl2xp1(env, st0, st1) };
    default: return trigonometric(env, function, st0);
    }
}

void fp_transcendental_portable(enum fp_function function, struct fp_transcendental *op)
{
    struct fp_env env = { .rc = op->fcw >> 10 & 3, .precision = 64, .masks = op->fcw & FP_ALL };
    struct results r = evaluate(&env, function, fp_unpack_f80(op->st0), fp_unpack_f80(op->st1));
    op->stored = false;
    if (r.out_of_range) {
        op->fsw = SW_C2;
        return;
    }
    struct fp_num pushed = fp_round(&env, &fp_extended, r.pushed);
    struct fp_num first = fp_round(&env, &fp_extended, r.first);
    op->stored = !fp_blocked(&env);
    op->fsw = (uint16_t)(env.flags | (env.up ? SW_C1 : 0));
    if (!op->stored)
        return;
    bool pushes = function == FP_FPTAN || function == FP_FSINCOS;
    op->st0 = fp_pack_f80(pushes ? pushed : first);
    op->st1 = pushes ? fp_pack_f80(first) : op->st1;
}

/* Rounds the exact quotient (or root) to 12 bits: relative error at most 2^-12. */
static uint32_t estimate(struct fp_num n)
{
    struct fp_env env = { .precision = 12, .masks = FP_ALL, .sse = true, .ftz = true };
    n = fp_round(&env, &fp_extended, n);
    return fp_pack_f32(fp_round(&env, &fp_single, n));
}

static struct fp_num estimate_operand(uint32_t bits)
{
    const struct fp_env env = { .daz = true };
    return fp_operand(&env, fp_unpack_f32(bits));
}

uint32_t fp_rcp_estimate_portable(uint32_t bits)
{
    struct fp_env env = { .precision = 64, .masks = FP_ALL, .sse = true };
    return estimate(fp_div(&env, one(false), estimate_operand(bits)));
}

uint32_t fp_rsqrt_estimate_portable(uint32_t bits)
{
    struct fp_env env = { .precision = 64, .masks = FP_ALL, .sse = true };
    struct fp_num root = fp_round(&env, &fp_extended, fp_sqrt(&env, estimate_operand(bits)));
    return estimate(fp_div(&env, one(false), root));
}
