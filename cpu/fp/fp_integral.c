/* fp_integral.c - where floating point meets integers: conversions, FRNDINT, FSCALE, FXTRACT, FPREM. */
#include "fp_wide.h"

struct fp_num fp_from_int(int64_t value)
{
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    return fp_make(value < 0 && magnitude != 0, 63, magnitude);
}

bool fp_round_to_u64(struct fp_env *env, const struct fp_num *n, uint64_t *value)
{
    env->up = false;
    *value = 0;
    if (n->cls == FP_ZERO)
        return true;
    if (n->exp > 63)
        return false;
    fp_u128 wide = fp_shift_right_jam(fp_u128_make(n->sig, n->lo), (unsigned)(63 - n->exp));
    uint64_t whole = (uint64_t)(wide >> 64), fraction = (uint64_t)wide;
    bool up = false;
    switch (env->rc) {
    case FP_RC_NEAREST: up = fraction > UINT64_C(1) << 63 || (fraction == UINT64_C(1) << 63 && (whole & 1)); break;
    case FP_RC_DOWN: up = n->sign && fraction != 0; break;
    case FP_RC_UP: up = !n->sign && fraction != 0; break;
    default: break;
    }
    if (up && whole == UINT64_MAX)
        return false;
    *value = whole + up;
    env->up = up;
    if (fraction != 0)
        env->flags |= FP_PE;
    return true;
}

int64_t fp_to_int(struct fp_env *env, struct fp_num n, unsigned bits)
{
    const uint64_t limit = UINT64_C(1) << (bits - 1); /* also the integer indefinite */
    const uint8_t flags = env->flags;
    uint64_t magnitude;
    bool fits = fp_is_finite(&n) && fp_round_to_u64(env, &n, &magnitude) && magnitude <= limit - !n.sign;
    if (!fits) {
        env->flags = flags | FP_IE;
        env->up = false;
        return (int64_t)-limit;
    }
    return (int64_t)(n.sign ? -magnitude : magnitude);
}

struct fp_num fp_round_to_integral(struct fp_env *env, struct fp_num n)
{
    env->up = false;
    if (fp_is_nan(&n))
        return fp_nan_result(env, n, n);
    fp_raise_denormal(env, &n, &n);
    if (!fp_is_finite(&n) || n.cls == FP_ZERO || n.exp >= 63)
        return n;
    uint64_t value;
    (void)fp_round_to_u64(env, &n, &value); /* exp < 63: always fits */
    return fp_make(n.sign, 63, value);
}

/* Integer part of b for FSCALE, clipped to what every exponent over- or underflows with. */
static int32_t scale_count(const struct fp_num *b)
{
    if (b->cls == FP_ZERO || b->exp < 0)
        return 0;
    int32_t count = b->exp > 16 ? 1 << 17 : (int32_t)(b->sig >> (63 - b->exp));
    return b->sign ? -count : count;
}

struct fp_num fp_scale(struct fp_env *env, struct fp_num a, struct fp_num b)
{
    if (fp_is_nan(&a) || fp_is_nan(&b))
        return fp_nan_result(env, a, b);
    if (b.cls == FP_INF) {
        if ((a.cls == FP_ZERO && !b.sign) || (a.cls == FP_INF && b.sign))
            return fp_invalid(env);
        fp_raise_denormal(env, &a, &b);
        if (b.sign)
            return (struct fp_num){ .cls = FP_ZERO, .sign = a.sign };
        return (struct fp_num){ .cls = FP_INF, .sign = a.sign, .sig = UINT64_C(1) << 63 };
    }
    fp_raise_denormal(env, &a, &b);
    if (a.cls == FP_NORMAL || a.cls == FP_DENORMAL)
        a.exp += scale_count(&b);
    return a;
}

struct fp_num fp_extract(struct fp_env *env, struct fp_num a, struct fp_num *significand)
{
    *significand = a;
    if (fp_is_nan(&a))
        return *significand = fp_nan_result(env, a, a);
    if (a.cls == FP_ZERO) {
        env->flags |= FP_ZE;
        return (struct fp_num){ .cls = FP_INF, .sign = true, .sig = UINT64_C(1) << 63 };
    }
    if (a.cls == FP_INF) {
        a.sign = false;
        return a;
    }
    fp_raise_denormal(env, &a, &a);
    significand->cls = FP_NORMAL;
    significand->exp = 0;
    return fp_from_int(a.exp);
}

/* The reduction proper: a = a - b * q, for finite non-zero a and b with a.exp - b.exp >= -1. */
static struct fp_num reduce(struct fp_num a, struct fp_num b, bool nearest, uint64_t *quotient, bool *partial)
{
    int32_t distance = a.exp - b.exp;
    int32_t scale = 0; /* b is scaled by this power of two in a partial reduction */
    *partial = distance >= 64;
    if (*partial) {
        scale = distance - ((distance & 31) | 32); /* reduces the exponent by 32 to 63, as the SDM allows */
        distance -= scale;
    }
    fp_u128 dividend = (fp_u128)a.sig << (distance < 0 ? 0 : distance);
    fp_u128 divisor = (fp_u128)b.sig << (distance < 0 ? 1 : 0);
    uint64_t q = (uint64_t)(dividend / divisor);
    fp_u128 rest = dividend % divisor;
    bool sign = a.sign;
    if (nearest && !*partial && (rest * 2 > divisor || (rest * 2 == divisor && (q & 1)))) {
        rest = divisor - rest;
        sign = !sign;
        q++;
    }
    if (rest == 0)
        sign = a.sign;
    *quotient = *partial ? 0 : q;
    return fp_make(sign, b.exp + scale - (distance < 0), (uint64_t)rest);
}

struct fp_num fp_remainder(struct fp_env *env, struct fp_num a, struct fp_num b, bool nearest, uint64_t *quotient,
                           bool *partial)
{
    *quotient = 0;
    *partial = false;
    if (fp_is_nan(&a) || fp_is_nan(&b))
        return fp_nan_result(env, a, b);
    if (a.cls == FP_INF || b.cls == FP_ZERO)
        return fp_invalid(env);
    fp_raise_denormal(env, &a, &b);
    if (a.cls == FP_ZERO || b.cls == FP_INF || a.exp - b.exp < -(int32_t)nearest)
        return a;
    return reduce(a, b, nearest, quotient, partial);
}
