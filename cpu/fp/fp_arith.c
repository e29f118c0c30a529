/* fp_arith.c - add, multiply, divide, square root and comparison on internal numbers, exact up to a sticky bit.
 *
 * Results are not rounded: the caller gives them to fp_round(). Order of checks: NaNs, then invalid combinations,
 * then denormal operands, then zeros and infinities (SDM 1 "Floating-Point Exception Priority"). */
#include "fp_wide.h"

/* Normalises value * 2^(exp - 127). */
static struct fp_num from_wide(bool sign, int32_t exp, fp_u128 value)
{
    int shift = fp_clz128(value);
    value <<= shift;
    return (struct fp_num){
        .cls = FP_NORMAL, .sign = sign, .exp = exp - shift, .sig = (uint64_t)(value >> 64), .lo = (uint64_t)value
    };
}

/* |a| - |b| or |a| + |b| of finite non-zero numbers, with a's sign unless the difference is negative. */
static struct fp_num add_finite(struct fp_env *env, struct fp_num a, struct fp_num b)
{
    if (a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig)) {
        struct fp_num t = a;
        a = b;
        b = t;
    }
    unsigned distance = (unsigned)(a.exp - b.exp);
    if (a.sign == b.sign) { /* one bit of headroom for the carry */
        fp_u128 wa = fp_u128_make(a.sig, 0) >> 1;
        fp_u128 wb = fp_shift_right_jam(fp_u128_make(b.sig, 0), distance + 1);
        return from_wide(a.sign, a.exp + 1, wa + wb);
    }
    fp_u128 difference = fp_u128_make(a.sig, 0) - fp_shift_right_jam(fp_u128_make(b.sig, 0), distance);
    if (difference == 0)
        return fp_zero(env->rc == FP_RC_DOWN);
    return from_wide(a.sign, a.exp, difference);
}

struct fp_num fp_add(struct fp_env *env, struct fp_num a, struct fp_num b)
{
    if (fp_is_nan(&a) || fp_is_nan(&b))
        return fp_nan_result(env, a, b);
    if (a.cls == FP_INF && b.cls == FP_INF && a.sign != b.sign)
        return fp_invalid(env);
    fp_raise_denormal(env, &a, &b);
    if (a.cls == FP_INF || b.cls == FP_INF)
        return a.cls == FP_INF ? a : b;
    if (a.cls == FP_ZERO && b.cls == FP_ZERO)
        return fp_zero(a.sign == b.sign ? a.sign : env->rc == FP_RC_DOWN);
    if (a.cls == FP_ZERO || b.cls == FP_ZERO)
        return a.cls == FP_ZERO ? b : a;
    return add_finite(env, a, b);
}

struct fp_num fp_sub(struct fp_env *env, struct fp_num a, struct fp_num b)
{
    if (fp_is_nan(&a) || fp_is_nan(&b))
        return fp_nan_result(env, a, b);
    b.sign = !b.sign;
    return fp_add(env, a, b);
}

struct fp_num fp_mul(struct fp_env *env, struct fp_num a, struct fp_num b)
{
    if (fp_is_nan(&a) || fp_is_nan(&b))
        return fp_nan_result(env, a, b);
    bool sign = a.sign != b.sign;
    if ((a.cls == FP_INF && b.cls == FP_ZERO) || (a.cls == FP_ZERO && b.cls == FP_INF))
        return fp_invalid(env);
    fp_raise_denormal(env, &a, &b);
    if (a.cls == FP_INF || b.cls == FP_INF)
        return fp_infinity(sign);
    if (a.cls == FP_ZERO || b.cls == FP_ZERO)
        return fp_zero(sign);
    return from_wide(sign, a.exp + b.exp + 1, (fp_u128)a.sig * b.sig);
}

struct fp_num fp_div(struct fp_env *env, struct fp_num a, struct fp_num b)
{
    if (fp_is_nan(&a) || fp_is_nan(&b))
        return fp_nan_result(env, a, b);
    bool sign = a.sign != b.sign;
    if ((a.cls == FP_INF && b.cls == FP_INF) || (a.cls == FP_ZERO && b.cls == FP_ZERO))
        return fp_invalid(env);
    if (b.cls == FP_ZERO && a.cls != FP_INF) {
        env->flags |= FP_ZE;
        return fp_infinity(sign);
    }
    fp_raise_denormal(env, &a, &b);
    if (a.cls == FP_INF || b.cls == FP_ZERO)
        return fp_infinity(sign);
    if (a.cls == FP_ZERO || b.cls == FP_INF)
        return fp_zero(sign);
    unsigned less = a.sig < b.sig; /* makes the quotient 64 bits long */
    fp_u128 dividend = (fp_u128)a.sig << (63 + less);
    uint64_t quotient = (uint64_t)(dividend / b.sig);
    uint64_t rest = (uint64_t)(dividend % b.sig);
    fp_u128 fraction = fp_u128_make(rest, 0);
    uint64_t lo = (uint64_t)(fraction / b.sig) | (fraction % b.sig != 0);
    return (struct fp_num){
        .cls = FP_NORMAL, .sign = sign, .exp = a.exp - b.exp - (int32_t)less, .sig = quotient, .lo = lo
    };
}

/* Floor of the square root, bit by bit; *rest = value - root^2. */
static uint64_t integer_sqrt(fp_u128 value, fp_u128 *rest)
{
    fp_u128 root = 0;
    for (fp_u128 bit = (fp_u128)1 << 126; bit != 0; bit >>= 2) {
        if (value >= root + bit) {
            value -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    *rest = value;
    return (uint64_t)root;
}

struct fp_num fp_sqrt(struct fp_env *env, struct fp_num a)
{
    if (fp_is_nan(&a))
        return fp_nan_result(env, a, a);
    if (a.cls == FP_ZERO)
        return a;
    if (a.sign)
        return fp_invalid(env);
    fp_raise_denormal(env, &a, &a);
    if (a.cls == FP_INF)
        return a;
    bool odd = a.exp & 1;
    fp_u128 rest;
    uint64_t root = integer_sqrt((fp_u128)a.sig << (odd ? 64 : 63), &rest);
    /* The next bit is set when rest > root, since (root + 1/2)^2 = root^2 + root + 1/4. */
    uint64_t lo = (uint64_t)(rest > root) << 63 | (rest != 0);
    return (struct fp_num){ .cls = FP_NORMAL, .exp = (a.exp - odd) / 2, .sig = root, .lo = lo };
}

static enum fp_order compare_magnitude(const struct fp_num *a, const struct fp_num *b)
{
    /* Class order is zero, finite, infinity once denormals count as normal. */
    int ca = a->cls == FP_DENORMAL ? FP_NORMAL : a->cls;
    int cb = b->cls == FP_DENORMAL ? FP_NORMAL : b->cls;
    if (ca != cb)
        return ca < cb ? FP_LESS : FP_GREATER;
    if (ca != FP_NORMAL)
        return FP_EQUAL;
    if (a->exp != b->exp)
        return a->exp < b->exp ? FP_LESS : FP_GREATER;
    if (a->sig != b->sig)
        return a->sig < b->sig ? FP_LESS : FP_GREATER;
    return FP_EQUAL;
}

enum fp_order fp_compare(struct fp_env *env, struct fp_num a, struct fp_num b, bool quiet)
{
    if (fp_is_nan(&a) || fp_is_nan(&b)) {
        if (!quiet || a.cls >= FP_SNAN || b.cls >= FP_SNAN)
            env->flags |= FP_IE;
        return FP_UNORDERED;
    }
    fp_raise_denormal(env, &a, &b);
    if (a.cls == FP_ZERO && b.cls == FP_ZERO)
        return FP_EQUAL;
    if (a.sign != b.sign)
        return a.sign ? FP_LESS : FP_GREATER;
    return a.sign ? compare_magnitude(&b, &a) : compare_magnitude(&a, &b);
}
