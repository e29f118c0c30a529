/* fp_trans.h - elementary functions on 128-bit significands, for fp_trans.c.
 *
 * Numbers here carry no exceptions and are not rounded to any format: about 120 of the 128 bits are right, so that one
 * rounding to 64 bits is within 1 ulp (and nearly always correct). */
#ifndef VX86_CPU_FP_TRANS_H
#define VX86_CPU_FP_TRANS_H

#include "fp_wide.h"

struct fp_wide {
    bool sign;
    int32_t exp;
    fp_u128 sig;
}; /* sig * 2^(exp - 127), bit 127 set; zero: sig = 0 */

struct fp_wide fp_wide_from(const struct fp_num *n); /* finite */
struct fp_num fp_wide_number(struct fp_wide w);      /* with the sticky bit set: these functions are never exact */
struct fp_wide fp_wide_pi(int numerator, int denominator_log2); /* pi * numerator / 2^denominator_log2 */

struct fp_wide fp_wide_add(struct fp_wide a, struct fp_wide b);
struct fp_wide fp_wide_mul(struct fp_wide a, struct fp_wide b);
struct fp_wide fp_wide_div(struct fp_wide a, struct fp_wide b); /* b is not 0 */

struct fp_wide fp_wide_exp2m1(struct fp_wide x); /* |x| <= 1 */
struct fp_wide fp_wide_log2(struct fp_wide x);   /* x > 0 */
struct fp_wide fp_wide_log2p1(struct fp_wide x); /* x > -1 */
struct fp_wide fp_wide_atan(struct fp_wide t);   /* 0 <= t <= 1 */
/* Sine and cosine of |x|, exp < 63, reduced by the 66-bit pi that x87 hardware uses. */
void fp_wide_sincos(const struct fp_num *x, struct fp_wide *sine, struct fp_wide *cosine);

#endif
