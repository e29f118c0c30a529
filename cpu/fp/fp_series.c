/* fp_series.c - arithmetic on 128-bit significands, and the elementary functions as power series on it.
 *
 * Speed does not matter here: this runs only on hosts without x87, and in tests. */
#include "fp_trans.h"

#define SERIES_MAX 256
#define NEGLIGIBLE 130 /* a term this many binary orders below the sum changes nothing */

static struct fp_wide normalise(bool sign, int32_t exp, fp_u128 sig)
{
    if (sig == 0)
        return (struct fp_wide){ .sign = sign };
    int shift = fp_clz128(sig);
    return (struct fp_wide){ .sign = sign, .exp = exp - shift, .sig = sig << shift };
}

static struct fp_wide from_int(int32_t value)
{
    uint32_t magnitude = value < 0 ? -(uint32_t)value : (uint32_t)value;
    return normalise(value < 0, 127, magnitude);
}

struct fp_wide fp_wide_from(const struct fp_num *n)
{
    if (n->cls == FP_ZERO)
        return (struct fp_wide){ .sign = n->sign };
    return (struct fp_wide){ .sign = n->sign, .exp = n->exp, .sig = fp_u128_make(n->sig, n->lo) };
}

struct fp_num fp_wide_number(struct fp_wide w)
{
    if (w.sig == 0)
        return (struct fp_num){ .cls = FP_ZERO, .sign = w.sign };
    return (struct fp_num){
        .cls = FP_NORMAL, .sign = w.sign, .exp = w.exp, .sig = (uint64_t)(w.sig >> 64), .lo = (uint64_t)w.sig | 1
    };
}

struct fp_wide fp_wide_add(struct fp_wide a, struct fp_wide b)
{
    if (a.sig == 0 || b.sig == 0)
        return a.sig == 0 ? b : a;
    if (a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig)) {
        struct fp_wide t = a;
        a = b;
        b = t;
    }
    unsigned distance = (unsigned)(a.exp - b.exp);
    fp_u128 sb = distance > 127 ? 1 : b.sig >> distance; /* at least 1, so that sin x stays below x */
    if (a.sign != b.sign)
        return normalise(a.sign, a.exp, a.sig - sb);
    fp_u128 sum = a.sig + sb;
    if (sum < a.sig) /* carry out of bit 127 */
        return (struct fp_wide){ .sign = a.sign, .exp = a.exp + 1, .sig = sum >> 1 | (fp_u128)1 << 127 };
    a.sig = sum;
    return a;
}

struct fp_wide fp_wide_mul(struct fp_wide a, struct fp_wide b)
{
    uint64_t ah = (uint64_t)(a.sig >> 64), al = (uint64_t)a.sig, bh = (uint64_t)(b.sig >> 64), bl = (uint64_t)b.sig;
    fp_u128 cross1 = (fp_u128)ah * bl, cross2 = (fp_u128)al * bh;
    fp_u128 low = ((fp_u128)al * bl >> 64) + (uint64_t)cross1 + (uint64_t)cross2;
    fp_u128 high = (fp_u128)ah * bh + (cross1 >> 64) + (cross2 >> 64) + (low >> 64);
    return normalise(a.sign != b.sign, a.exp + b.exp + 1, high);
}

struct fp_wide fp_wide_div(struct fp_wide a, struct fp_wide b)
{
    if (a.sig == 0)
        return (struct fp_wide){ .sign = a.sign != b.sign };
    /* One bit of room so that the doubled remainder fits; 127 quotient bits. */
    fp_u128 rest = a.sig >> 1, divisor = b.sig >> 1, quotient = 0;
    for (int i = 0; i < 127; i++) {
        quotient <<= 1;
        if (rest >= divisor) {
            rest -= divisor;
            quotient |= 1;
        }
        rest <<= 1;
    }
    return normalise(a.sign != b.sign, a.exp - b.exp + 1, quotient);
}

static struct fp_wide div_small(struct fp_wide a, uint32_t k)
{
    return normalise(a.sign, a.exp, a.sig / k);
}

static struct fp_wide constant(int32_t exp, uint64_t hi, uint64_t lo)
{
    return (struct fp_wide){ .exp = exp, .sig = fp_u128_make(hi, lo) };
}

static struct fp_wide ln2(void)
{
    return constant(-1, UINT64_C(0xB17217F7D1CF79AB), UINT64_C(0xC9E3B39803F2F6AF));
}
static struct fp_wide log2e(void)
{
    return constant(0, UINT64_C(0xB8AA3B295C17F0BB), UINT64_C(0xBE87FED0691D3E89));
}

struct fp_wide fp_wide_pi(int numerator, int denominator_log2)
{
    struct fp_wide pi = constant(1, UINT64_C(0xC90FDAA22168C234), UINT64_C(0xC4C6628B80DC1CD1));
    pi = fp_wide_mul(pi, from_int(numerator));
    pi.exp -= denominator_log2;
    return pi;
}

static bool is_negligible(struct fp_wide term, struct fp_wide sum)
{
    return term.sig == 0 || term.exp < sum.exp - NEGLIGIBLE;
}

/* first * (1 + f/a(1) + f^2/(a(1) a(2)) + ...), a(i) = (start + step i)(start + step i + 1) or just (start + step i).
 */
static struct fp_wide factorial_series(struct fp_wide first, struct fp_wide factor, uint32_t start, uint32_t step)
{
    struct fp_wide sum = first, term = first;
    for (uint32_t n = start; n < SERIES_MAX && !is_negligible(term, sum); n += step) {
        term = div_small(fp_wide_mul(term, factor), step == 2 ? n * (n + 1) : n);
        sum = fp_wide_add(sum, term);
    }
    return sum;
}

/* s + s^3/3 + s^5/5 ..., the signs alternating when `square` is negative. */
static struct fp_wide odd_series(struct fp_wide s, struct fp_wide square)
{
    struct fp_wide sum = s, power = s;
    for (uint32_t n = 3; n < SERIES_MAX && !is_negligible(power, sum); n += 2) {
        power = fp_wide_mul(power, square);
        sum = fp_wide_add(sum, div_small(power, n));
    }
    return sum;
}

struct fp_wide fp_wide_exp2m1(struct fp_wide x)
{
    struct fp_wide y = fp_wide_mul(x, ln2());
    return factorial_series(y, y, 2, 1);
}

/* log2((1 + s) / (1 - s)) */
static struct fp_wide log2_ratio(struct fp_wide s)
{
    struct fp_wide sum = fp_wide_mul(odd_series(s, fp_wide_mul(s, s)), log2e());
    sum.exp += sum.sig != 0;
    return sum;
}

struct fp_wide fp_wide_log2(struct fp_wide x)
{
    int32_t exp = x.exp;
    x.exp = 0;
    if (x.sig >> 64 > UINT64_C(0xB504F333F9DE6484)) { /* above the square root of 2 */
        x.exp = -1;
        exp++;
    }
    struct fp_wide s = fp_wide_div(fp_wide_add(x, from_int(-1)), fp_wide_add(x, from_int(1)));
    return fp_wide_add(from_int(exp), log2_ratio(s));
}

struct fp_wide fp_wide_log2p1(struct fp_wide x)
{
    if (x.exp >= -1)
        return fp_wide_log2(fp_wide_add(x, from_int(1)));
    return log2_ratio(fp_wide_div(x, fp_wide_add(x, from_int(2))));
}

struct fp_wide fp_wide_atan(struct fp_wide t)
{
    bool fold = t.sig != 0 && t.exp >= -1; /* above 1/2: pi/4 - atan((1 - t) / (1 + t)) */
    if (fold) {
        struct fp_wide minus = t;
        minus.sign = true;
        t = fp_wide_div(fp_wide_add(from_int(1), minus), fp_wide_add(from_int(1), t));
    }
    struct fp_wide square = fp_wide_mul(t, t);
    square.sign = true;
    struct fp_wide angle = odd_series(t, square);
    if (!fold)
        return angle;
    angle.sign = true;
    return fp_wide_add(fp_wide_pi(1, 2), angle);
}

/* pi to 66 bits, as an integer times 2^-64; the reduction by it is exact. */
#define PI66 fp_u128_make(3, UINT64_C(0x243F6A8885A308D3))

/* |x| = quadrant * pi66/2 + rest, |rest| <= pi66/4. */
static struct fp_wide reduce(const struct fp_num *x, unsigned *quadrant)
{
    struct fp_num magnitude = *x;
    magnitude.sign = false;
    *quadrant = 0;
    if (x->exp < -2)
        return fp_wide_from(&magnitude);
    fp_u128 rest = x->sig; /* in units of 2^-65 once shifted */
    for (int32_t i = x->exp + 2; i > 0; i--) {
        rest <<= 1;
        *quadrant <<= 1;
        if (rest >= PI66) {
            rest -= PI66;
            ++*quadrant;
        }
    }
    bool beyond = rest * 2 > PI66;
    if (beyond) {
        rest = PI66 - rest;
        ++*quadrant;
    }
    return normalise(beyond, 127 - 65, rest);
}

void fp_wide_sincos(const struct fp_num *x, struct fp_wide *sine, struct fp_wide *cosine)
{
    unsigned quadrant;
    struct fp_wide r = reduce(x, &quadrant);
    struct fp_wide square = fp_wide_mul(r, r);
    square.sign = true;
    struct fp_wide s = factorial_series(r, square, 2, 2);
    struct fp_wide c = factorial_series(from_int(1), square, 1, 2);
    *sine = quadrant & 1 ? c : s;
    *cosine = quadrant & 1 ? s : c;
    sine->sign ^= (quadrant & 2) != 0;
    cosine->sign ^= (quadrant & 3) == 1 || (quadrant & 3) == 2;
}
