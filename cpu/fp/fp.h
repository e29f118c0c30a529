/* fp.h - binary floating point in integers: the arithmetic under the interpreter's x87 and SSE.
 *
 * Every format is unpacked into one internal number with a 64-bit significand and 64 more bits for what rounding must
 * still see, is computed with once, rounded once to its destination format, and packed:
 *
 *     fp_unpack_f32/f64/f80 -> fp_add, fp_mul, ... -> fp_round(format) -> fp_pack_f32/f64/f80
 *
 *   I1  A finite non-zero struct fp_num is normalised: sig bit 63 is set, value = (sig.lo as a binary fraction
 *       1.xxx) * 2^exp, bit 0 of lo is sticky. Only the output of fp_round() may be denormalised (exp = emin), and
 *       it goes to fp_pack only.
 *   I2  NaNs keep the significand in the x87 form: bit 63 set, bit 62 the quiet bit, a shorter payload left aligned.
 *   I3  Functions raise flags in env->flags as if every exception were masked up to the first unmasked one of the
 *       groups invalid/zero-divide/denormal (before computation) and overflow/underflow/precision (after):
 *       fp_blocked() tells whether the result may not be stored.
 *
 * Sources: SDM 1 "Floating-Point Exceptions", "Rules for Handling NaNs", "Floating-Point Exception Conditions" (x87 and
 * SSE); IEEE 754-2008. Thread rule: pure functions on their arguments. */
#ifndef VX86_CPU_FP_H
#define VX86_CPU_FP_H

#include "vx86/compiler.h"

/* Exception flags, as in FSW and MXCSR; masks in the same positions. */
enum { FP_IE = 1, FP_DE = 2, FP_ZE = 4, FP_OE = 8, FP_UE = 16, FP_PE = 32, FP_ALL = 63 };

/* Rounding control, as encoded in FCW.RC and MXCSR.RC. */
enum fp_rc { FP_RC_NEAREST, FP_RC_DOWN, FP_RC_UP, FP_RC_ZERO };

enum fp_class { FP_ZERO, FP_DENORMAL, FP_NORMAL, FP_INF, FP_QNAN, FP_SNAN, FP_UNSUPPORTED };

struct fp_num {
    uint8_t cls; /* enum fp_class; FP_DENORMAL only says how the operand was encoded */
    bool sign;
    int32_t exp;
    uint64_t sig, lo;
};

struct fp_f80 {
    uint64_t sig;
    uint16_t se;
}; /* sign and exponent */

struct fp_format {
    int precision, emin, emax;
    int bias_adjust;
};
extern const struct fp_format fp_single, fp_double, fp_extended;

struct fp_env {
    uint8_t rc;        /* enum fp_rc */
    uint8_t precision; /* bits of a result in fp_extended: 24, 53 or 64 (FCW.PC) */
    uint8_t masks;     /* 1: masked */
    uint8_t flags;     /* raised so far */
    bool sse;          /* NaN propagation of SSE, not of x87 */
    bool daz, ftz;     /* MXCSR */
    bool up;           /* the last rounding increased the magnitude (C1) */
};

struct fp_num fp_unpack_f32(uint32_t bits);
struct fp_num fp_unpack_f64(uint64_t bits);
struct fp_num fp_unpack_f80(struct fp_f80 bits);
uint32_t fp_pack_f32(struct fp_num n);
uint64_t fp_pack_f64(struct fp_num n);
struct fp_f80 fp_pack_f80(struct fp_num n);

/* Rounds to `format` (FP_OE, FP_UE, FP_PE, env->up); NaN, infinity and zero pass. */
struct fp_num fp_round(struct fp_env *env, const struct fp_format *format, struct fp_num n);

/* Conversion between formats of an operand: a signalling NaN and, unless it is already known, a denormal are raised. */
struct fp_num fp_convert(struct fp_env *env, const struct fp_format *format, struct fp_num n, bool raise_denormal);

/* The default NaN ("real indefinite"), with FP_IE raised by fp_invalid(). */
struct fp_num fp_default_nan(void);
struct fp_num fp_invalid(struct fp_env *env);

/* Raises FP_DE for a denormal operand. With env->daz call fp_operand() on each operand first. */
void fp_raise_denormal(struct fp_env *env, const struct fp_num *a, const struct fp_num *b);
/* Denormals become zero under DAZ. */
struct fp_num fp_operand(const struct fp_env *env, struct fp_num n);

static inline bool fp_is_nan(const struct fp_num *n)
{
    return n->cls >= FP_QNAN;
} /* FP_UNSUPPORTED too */
static inline bool fp_is_finite(const struct fp_num *n)
{
    return n->cls < FP_INF;
}

static inline struct fp_num fp_zero(bool sign)
{
    return (struct fp_num){ .cls = FP_ZERO, .sign = sign };
}
static inline struct fp_num fp_infinity(bool sign)
{
    return (struct fp_num){ .cls = FP_INF, .sign = sign, .sig = UINT64_C(1) << 63 };
}

/* The NaN that an operation on a and b (at least one is a NaN or unsupported) gives. */
struct fp_num fp_nan_result(struct fp_env *env, struct fp_num a, struct fp_num b);

/* True when an unmasked exception of the group before computation was raised: operands stay, and flags of the other
 * group are dropped. */
bool fp_blocked(struct fp_env *env);

struct fp_num fp_add(struct fp_env *env, struct fp_num a, struct fp_num b);
struct fp_num fp_sub(struct fp_env *env, struct fp_num a, struct fp_num b);
struct fp_num fp_mul(struct fp_env *env, struct fp_num a, struct fp_num b);
struct fp_num fp_div(struct fp_env *env, struct fp_num a, struct fp_num b);
struct fp_num fp_sqrt(struct fp_env *env, struct fp_num a);

enum fp_order { FP_LESS, FP_EQUAL, FP_GREATER, FP_UNORDERED };
/* `quiet`: only signalling NaNs are invalid (FUCOM, UCOMISS). */
enum fp_order fp_compare(struct fp_env *env, struct fp_num a, struct fp_num b, bool quiet);

/* Signed integer of 16, 32 or 64 bits, or the integer indefinite with FP_IE. */
int64_t fp_to_int(struct fp_env *env, struct fp_num n, unsigned bits);
struct fp_num fp_from_int(int64_t value);                    /* exact */
struct fp_num fp_make(bool sign, int32_t exp, uint64_t sig); /* sig * 2^(exp - 63), normalised */
/* Rounds to an integral value (FRNDINT). */
struct fp_num fp_round_to_integral(struct fp_env *env, struct fp_num n);
/* Rounds |n| to an integer of at most 64 bits; false when it does not fit. Raises FP_PE. */
bool fp_round_to_u64(struct fp_env *env, const struct fp_num *n, uint64_t *value);

/* x87 only. */
struct fp_num fp_scale(struct fp_env *env, struct fp_num a, struct fp_num b);
/* FXTRACT: exponent as a number; *significand gets the sign and fraction. */
struct fp_num fp_extract(struct fp_env *env, struct fp_num a, struct fp_num *significand);
/* FPREM (nearest = false), FPREM1: the remainder; *quotient its low bits, *partial when the reduction is not complete.
 */
struct fp_num fp_remainder(struct fp_env *env, struct fp_num a, struct fp_num b, bool nearest, uint64_t *quotient,
                           bool *partial);

#endif
