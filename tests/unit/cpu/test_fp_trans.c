/* test_fp_trans.c - the portable transcendentals and estimates against the host's instructions: results within 1 ulp,
 * the same special results and the same invalid, zero-divide, denormal and range indications. On other hosts what they
 * are called by are the portable ones, and golden.def alone says what those give. */
#include "fp_harness.h"

#include "fp_host.h"
#include "golden.h"

/* |a - b| in units in the last place of neighbouring encodings; large when not comparable. */
static uint64_t ulps(struct fp_f80 a, struct fp_f80 b)
{
    a.se |= (a.se & 0x7FFF) == 0; /* denormals have the exponent of field 1 */
    b.se |= (b.se & 0x7FFF) == 0;
    if (a.se == b.se)
        return a.sig > b.sig ? a.sig - b.sig : b.sig - a.sig;
    if ((uint16_t)(a.se + 1) == b.se) /* across a power of two */
        return 2 * (b.sig - (UINT64_C(1) << 63)) + (0 - a.sig);
    if ((uint16_t)(b.se + 1) == a.se)
        return 2 * (a.sig - (UINT64_C(1) << 63)) + (0 - b.sig);
    return UINT64_MAX;
}

/* Operands that the SDM defines a result for. */
static bool is_defined(enum fp_function function, const struct fp_num *x)
{
    if (!fp_is_finite(x) || x->cls == FP_ZERO)
        return function != FP_FYL2XP1 || x->cls != FP_INF;
    if (function == FP_F2XM1)
        return x->exp < 0 || (x->exp == 0 && x->sig == UINT64_C(1) << 63);
    if (function == FP_FYL2XP1) /* 1 - sqrt(1/2) = 0.2928... */
        return x->exp < -2 || (x->exp == -2 && x->sig < UINT64_C(0x95F619980C433700));
    return true;
}

static void describe(char *text, size_t room, enum fp_function function, const struct fp_transcendental *in,
                     const struct fp_transcendental *host, const struct fp_transcendental *ours)
{
    snprintf(text, room,
             "function %d fcw %04x of %04x:%016llx, %04x:%016llx\n  host %d %04x %04x:%016llx %04x:%016llx\n  ours %d "
             "%04x %04x:%016llx %04x:%016llx",
             function, in->fcw, in->st0.se, (unsigned long long)in->st0.sig, in->st1.se,
             (unsigned long long)in->st1.sig, host->stored, host->fsw, host->st0.se, (unsigned long long)host->st0.sig,
             host->st1.se, (unsigned long long)host->st1.sig, ours->stored, ours->fsw, ours->st0.se,
             (unsigned long long)ours->st0.sig, ours->st1.se, (unsigned long long)ours->st1.sig);
}

/* Brings the exponent near 0 most of the time, where the functions do something. */
static struct fp_f80 operand(uint64_t *rng, enum fp_function function)
{
    struct fp_f80 v = random_f80(rng);
    uint64_t r = test_random(rng);
    if (r % 4 != 0 && (v.sig & UINT64_C(1) << 63))
        v.se = (uint16_t)((v.se & 0x8000) |
                          (16383 + (function == FP_F2XM1 || function == FP_FYL2XP1 ? -(int)(r >> 8) % 40 - 1
                                                                                   : (int)((r >> 8) % 40) - 20)));
    return v;
}

static bool agrees(const struct fp_transcendental *host, const struct fp_transcendental *ours)
{
    const uint16_t checked = FP_IE | FP_DE | FP_ZE | FP_OE | 0x400;
    if (host->stored != ours->stored || ((host->fsw ^ ours->fsw) & checked) != 0)
        return false;
    return !host->stored || (host->fsw & 0x400) || (ulps(host->st0, ours->st0) <= 1 && ulps(host->st1, ours->st1) <= 1);
}

static void compare_function(enum fp_function function)
{
    struct golden golden = { 0 };
    uint64_t rng = 1000 + function;
    unsigned differences = 0;
    char first[600] = "";
    for (unsigned n = 0; n < 60000; n++) {
        struct fp_transcendental in = { .st0 = operand(&rng, function), .st1 = random_f80(&rng), .fcw = 0x37F };
        in.fcw = (uint16_t)(in.fcw | (test_random(&rng) & 0xC00));
        if (n % 4 == 0)
            in.fcw &= (uint16_t) ~(test_random(&rng) & 7);
        struct fp_num x = fp_unpack_f80(in.st0);
        if (!is_defined(function, &x))
            continue;
        struct fp_transcendental host = in, ours = in;
        fp_transcendental(function, &host);
        fp_transcendental_portable(function, &ours);
        golden_add32(&golden, (uint32_t)ours.stored << 16 | ours.fsw);
        golden_add32(&golden, (uint32_t)ours.st0.se << 16 | ours.st1.se);
        golden_add32(&golden, (uint32_t)ours.st0.sig);
        golden_add32(&golden, (uint32_t)(ours.st0.sig >> 32));
        golden_add32(&golden, (uint32_t)ours.st1.sig);
        golden_add32(&golden, (uint32_t)(ours.st1.sig >> 32));
        if (agrees(&host, &ours))
            continue;
        if (differences++ == 0)
            describe(first, sizeof first, function, &in, &host, &ours);
    }
    cr_assert(differences == 0, "%u differences, the first: %s", differences, first);
    snprintf(first, sizeof first, "fp_trans function %d", function);
    golden_check(&golden, first);
}

/* Every exponent and a sample of fractions: the error bound that the SDM gives for the instructions. */
static void check_estimate(bool root)
{
    struct golden golden = { 0 };
    uint32_t bad = 0, bad_host = 0;
    uint64_t rng = 5;
    for (unsigned n = 0; n < 400000; n++) {
        uint32_t bits = n < 200000 ? random_f32(&rng) : (uint32_t)test_random(&rng);
        uint32_t host = root ? fp_rsqrt_estimate(bits) : fp_rcp_estimate(bits);
        uint32_t ours = root ? fp_rsqrt_estimate_portable(bits) : fp_rcp_estimate_portable(bits);
        golden_add32(&golden, ours);
        /* Specials to the bit; finite results, each within 1.5 * 2^-12, are within 3 * 2^-12 of each other: 2^13 units
         * of the 24th bit at most. A quotient below the normal range is flushed by one and may be the least normal of
         * the other. */
        bool special = (host & 0x7F800000) == 0x7F800000 || (host & 0x7FFFFFFF) == 0 || (ours & 0x7FFFFFFF) == 0;
        uint32_t distance = host > ours ? host - ours : ours - host;
        if (special ? host != ours && ((host | ours) & 0x7FFFFFFF) > 0x00801000 : distance > 0x2000)
            bad_host = host, bad = bits;
    }
    cr_assert(bad == 0, "%08x: host %08x, ours %08x", bad, bad_host,
              root ? fp_rsqrt_estimate_portable(bad) : fp_rcp_estimate_portable(bad));
    golden_check(&golden, root ? "fp_trans rsqrt" : "fp_trans rcp");
}

Test(fp_trans, rcp)
{
    check_estimate(false);
}
Test(fp_trans, rsqrt)
{
    check_estimate(true);
}

Test(fp_trans, f2xm1)
{
    compare_function(FP_F2XM1);
}
Test(fp_trans, fyl2x)
{
    compare_function(FP_FYL2X);
}
Test(fp_trans, fptan)
{
    compare_function(FP_FPTAN);
}
Test(fp_trans, fpatan)
{
    compare_function(FP_FPATAN);
}
Test(fp_trans, fyl2xp1)
{
    compare_function(FP_FYL2XP1);
}
Test(fp_trans, fsincos)
{
    compare_function(FP_FSINCOS);
}
Test(fp_trans, fsin)
{
    compare_function(FP_FSIN);
}
Test(fp_trans, fcos)
{
    compare_function(FP_FCOS);
}
