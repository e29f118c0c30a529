/* fp_num.c - between the encodings and the internal number: unpack, round, pack, NaNs.
 *
 * One rounding function serves all formats; x87 precision control only shortens the precision of fp_extended, its
 * exponent range stays. Tininess is detected after rounding, as the SDM says for both x87 and SSE. */
#include "fp_wide.h"

const struct fp_format fp_single = { 24, -126, 127, 192 };
const struct fp_format fp_double = { 53, -1022, 1023, 1536 };
const struct fp_format fp_extended = { 64, -16382, 16383, 24576 };

#define INTEGER_BIT (UINT64_C(1) << 63)
#define QUIET_BIT   (UINT64_C(1) << 62)

struct fp_num fp_make(bool sign, int32_t exp, uint64_t sig)
{
    if (sig == 0)
        return (struct fp_num){ .cls = FP_ZERO, .sign = sign };
    int shift = __builtin_clzll(sig);
    return (struct fp_num){ .cls = FP_NORMAL, .sign = sign, .exp = exp - shift, .sig = sig << shift };
}

/* frac is left aligned below the integer bit; field is the biased exponent, field_max its all-ones value. */
static struct fp_num unpack(bool sign, int field, int field_max, const struct fp_format *format, uint64_t frac)
{
    if (field == field_max) {
        uint8_t cls = frac == 0 ? FP_INF : (frac & QUIET_BIT) ? FP_QNAN : FP_SNAN;
        return (struct fp_num){ .cls = cls, .sign = sign, .sig = INTEGER_BIT | frac };
    }
    if (field != 0)
        return (
            struct fp_num){ .cls = FP_NORMAL, .sign = sign, .exp = field - format->emax, .sig = INTEGER_BIT | frac };
    struct fp_num n = fp_make(sign, format->emin, frac);
    if (n.cls != FP_ZERO)
        n.cls = FP_DENORMAL;
    return n;
}

struct fp_num fp_unpack_f32(uint32_t bits)
{
    return unpack(bits >> 31, (bits >> 23) & 0xFF, 0xFF, &fp_single, (uint64_t)(bits & 0x7FFFFF) << 40);
}

struct fp_num fp_unpack_f64(uint64_t bits)
{
    return unpack(bits >> 63, (int)(bits >> 52) & 0x7FF, 0x7FF, &fp_double, (bits & 0xFFFFFFFFFFFFF) << 11);
}

struct fp_num fp_unpack_f80(struct fp_f80 bits)
{
    int field = bits.se & 0x7FFF;
    bool sign = bits.se >> 15;
    if (field != 0 && !(bits.sig & INTEGER_BIT)) /* unnormal, pseudo-infinity, pseudo-NaN */
        return (struct fp_num){ .cls = FP_UNSUPPORTED, .sign = sign, .sig = bits.sig };
    if (field == 0 && (bits.sig & INTEGER_BIT)) /* pseudo-denormal */
        return (struct fp_num){ .cls = FP_DENORMAL, .sign = sign, .exp = fp_extended.emin, .sig = bits.sig };
    return unpack(sign, field, 0x7FFF, &fp_extended, bits.sig & ~INTEGER_BIT);
}

/* Biased exponent and significand of n in `format`. */
static int pack(const struct fp_num *n, const struct fp_format *format, uint64_t *sig)
{
    *sig = n->sig;
    switch (n->cls) {
    case FP_ZERO: *sig = 0; return 0;
    case FP_INF: *sig = INTEGER_BIT; return 2 * format->emax + 1;
    case FP_QNAN:
    case FP_SNAN:
    case FP_UNSUPPORTED: return 2 * format->emax + 1;
    default: return (n->sig & INTEGER_BIT) ? n->exp + format->emax : 0;
    }
}

uint32_t fp_pack_f32(struct fp_num n)
{
    uint64_t sig;
    uint32_t field = (uint32_t)pack(&n, &fp_single, &sig);
    return (uint32_t)n.sign << 31 | field << 23 | (uint32_t)((sig & ~INTEGER_BIT) >> 40);
}

uint64_t fp_pack_f64(struct fp_num n)
{
    uint64_t sig;
    uint64_t field = (uint64_t)pack(&n, &fp_double, &sig);
    return (uint64_t)n.sign << 63 | field << 52 | (sig & ~INTEGER_BIT) >> 11;
}

struct fp_f80 fp_pack_f80(struct fp_num n)
{
    struct fp_f80 out;
    int field = pack(&n, &fp_extended, &out.sig);
    out.se = (uint16_t)((unsigned)n.sign << 15 | (unsigned)field);
    return out;
}

struct rounded {
    uint64_t sig;
    bool carry, inexact, up;
};

/* Rounds hi.lo to the top `precision` bits of hi. */
static struct rounded round_at(uint8_t rc, bool sign, uint64_t hi, uint64_t lo, int precision)
{
    unsigned drop = 64 - (unsigned)precision;
    uint64_t unit = UINT64_C(1) << drop;
    uint64_t rest = hi & (unit - 1);
    bool half = drop == 0 ? lo >> 63 : (rest & (unit >> 1)) != 0;
    bool sticky = drop == 0 ? (lo << 1) != 0 : (rest & ((unit >> 1) - 1)) != 0 || lo != 0;
    struct rounded r = { .sig = hi - rest, .inexact = half || sticky };
    switch (rc) {
    case FP_RC_NEAREST: r.up = half && (sticky || (r.sig & unit) != 0); break;
    case FP_RC_DOWN: r.up = r.inexact && sign; break;
    case FP_RC_UP: r.up = r.inexact && !sign; break;
    default: break;
    }
    if (r.up) {
        r.sig += unit;
        r.carry = r.sig == 0;
        if (r.carry)
            r.sig = INTEGER_BIT;
    }
    return r;
}

/* The rounded exponent is above emax. */
static struct fp_num overflow(struct fp_env *env, const struct fp_format *format, struct fp_num n,
                              const struct rounded *r, int precision)
{
    env->flags |= FP_OE;
    if (!(env->masks & FP_OE)) {
        env->flags |= r->inexact ? FP_PE : 0;
        env->up = r->up;
        n.sig = r->sig;
        n.exp += r->carry - format->bias_adjust;
        if (format == &fp_extended && n.exp > format->emax) { /* FSCALE can overflow by more than the adjustment */
            n.cls = FP_INF;
            env->flags |= FP_PE;
            env->up = true;
        }
        return n;
    }
    env->flags |= FP_PE;
    bool to_inf = env->rc == FP_RC_NEAREST || (env->rc == FP_RC_DOWN && n.sign) || (env->rc == FP_RC_UP && !n.sign);
    env->up = to_inf;
    if (to_inf)
        return (struct fp_num){ .cls = FP_INF, .sign = n.sign, .sig = INTEGER_BIT };
    n.exp = format->emax;
    n.sig = ~UINT64_C(0) << (64 - precision);
    return n;
}

/* The exponent, rounded as if unbounded, is below emin. */
static struct fp_num underflow(struct fp_env *env, const struct fp_format *format, struct fp_num n,
                               const struct rounded *r, int precision)
{
    if (!(env->masks & FP_UE)) {
        env->flags |= FP_UE | (r->inexact ? FP_PE : 0);
        env->up = r->up;
        n.sig = r->sig;
        n.exp += r->carry + format->bias_adjust;
        if (format == &fp_extended && n.exp < format->emin) { /* as above */
            n.cls = FP_ZERO;
            env->flags |= FP_PE;
            env->up = false;
        }
        return n;
    }
    if (env->ftz) {
        env->flags |= FP_UE | FP_PE;
        return (struct fp_num){ .cls = FP_ZERO, .sign = n.sign };
    }
    fp_u128 wide = fp_shift_right_jam(fp_u128_make(n.sig, n.lo), (unsigned)(format->emin - n.exp));
    struct rounded d = round_at(env->rc, n.sign, (uint64_t)(wide >> 64), (uint64_t)wide, precision);
    if (d.inexact)
        env->flags |= FP_UE | FP_PE;
    env->up = d.up;
    n.sig = d.sig;
    n.exp = format->emin;
    n.cls = d.sig == 0 ? FP_ZERO : FP_DENORMAL;
    return n;
}

struct fp_num fp_round(struct fp_env *env, const struct fp_format *format, struct fp_num n)
{
    env->up = false;
    if (n.cls != FP_NORMAL && n.cls != FP_DENORMAL)
        return n;
    n.cls = FP_NORMAL;
    int precision = format == &fp_extended ? env->precision : format->precision;
    struct rounded r = round_at(env->rc, n.sign, n.sig, n.lo, precision);
    int32_t exp = n.exp + r.carry;
    if (exp < format->emin)
        return underflow(env, format, n, &r, precision);
    if (exp > format->emax)
        return overflow(env, format, n, &r, precision);
    env->flags |= r.inexact ? FP_PE : 0;
    env->up = r.up;
    n.exp = exp;
    n.sig = r.sig;
    n.lo = 0;
    return n;
}

struct fp_num fp_default_nan(void)
{
    return (struct fp_num){ .cls = FP_QNAN, .sign = true, .sig = INTEGER_BIT | QUIET_BIT };
}

struct fp_num fp_invalid(struct fp_env *env)
{
    env->flags |= FP_IE;
    return fp_default_nan();
}

void fp_raise_denormal(struct fp_env *env, const struct fp_num *a, const struct fp_num *b)
{
    if (a->cls == FP_DENORMAL || b->cls == FP_DENORMAL)
        env->flags |= FP_DE;
}

struct fp_num fp_operand(const struct fp_env *env, struct fp_num n)
{
    if (env->daz && n.cls == FP_DENORMAL)
        return (struct fp_num){ .cls = FP_ZERO, .sign = n.sign };
    return n;
}

/* SDM 1 "Rules for Handling NaNs", x87 column: a quiet NaN wins over a signalling one, then the larger significand; at
 * a tie the positive one (seen on hardware). */
static struct fp_num x87_choose(const struct fp_num *a, const struct fp_num *b)
{
    if (!fp_is_nan(a))
        return *b;
    if (!fp_is_nan(b))
        return *a;
    if (a->cls != b->cls)
        return a->cls == FP_QNAN ? *a : *b;
    if (a->sig != b->sig)
        return a->sig > b->sig ? *a : *b;
    return a->sign ? *b : *a;
}

struct fp_num fp_nan_result(struct fp_env *env, struct fp_num a, struct fp_num b)
{
    if (a.cls == FP_UNSUPPORTED || b.cls == FP_UNSUPPORTED)
        return fp_invalid(env);
    if (a.cls == FP_SNAN || b.cls == FP_SNAN)
        env->flags |= FP_IE;
    struct fp_num n = env->sse ? (fp_is_nan(&a) ? a : b) : x87_choose(&a, &b);
    n.cls = FP_QNAN;
    n.sig |= QUIET_BIT;
    return n;
}

struct fp_num fp_convert(struct fp_env *env, const struct fp_format *format, struct fp_num n, bool raise_denormal)
{
    env->up = false;
    if (fp_is_nan(&n))
        return fp_nan_result(env, n, n);
    if (raise_denormal)
        fp_raise_denormal(env, &n, &n);
    return fp_round(env, format, n);
}

bool fp_blocked(struct fp_env *env)
{
    if (!(env->flags & ~env->masks & (FP_IE | FP_DE | FP_ZE)))
        return false;
    env->flags &= FP_IE | FP_DE | FP_ZE;
    env->up = false;
    return true;
}
