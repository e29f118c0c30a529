/* interp_x87_unary.c - D9 E0..FF: signs, tests, constants, remainder, scaling, rounding, root and the transcendentals.
 */
#include "fp_host.h"
#include "interp_x87.h"

/* Stack underflow of a one-result operation; `cleared` of C0, C2, C3 become 0. */
static bool default_result(struct x87 *x, unsigned cleared)
{
    if (x87_underflow(x))
        x87_store(x->cpu, 0, fp_pack_f80(fp_default_nan()));
    x87_finish(x, 0, cleared);
    return true;
}

/* Result of an operation on ST(0), and on ST(1) where binary. Precision control applies to FSQRT only. */
static bool replace_st0(struct x87 *x, struct fp_num n)
{
    if (!x87_blocked(x))
        x87_store(x->cpu, 0, fp_pack_f80(n));
    x87_finish(x, 0, 0);
    return true;
}

static bool change_sign(struct x87 *x, bool keep)
{
    if (x87_is_empty(x->cpu, 0))
        return default_result(x, 0);
    struct fp_f80 image = x87_image(x->cpu, 0);
    image.se = keep ? image.se ^ 0x8000 : image.se & 0x7FFF;
    x87_store(x->cpu, 0, image);
    x87_finish(x, 0, 0);
    return true;
}

/* FXAM: C3 C2 C0 by class, C1 the sign, also of an empty register. */
static bool examine(struct x87 *x)
{
    static const uint16_t cc[] = {
        [FP_ZERO] = FSW_C3,   [FP_DENORMAL] = FSW_C3 | FSW_C2,
        [FP_NORMAL] = FSW_C2, [FP_INF] = FSW_C2 | FSW_C0,
        [FP_QNAN] = FSW_C0,   [FP_SNAN] = FSW_C0,
        [FP_UNSUPPORTED] = 0,
    };
    unsigned value = x87_is_empty(x->cpu, 0) ? FSW_C3 | FSW_C0 : cc[x87_number(x->cpu, 0).cls];
    x->env.up = x87_image(x->cpu, 0).se >> 15;
    x87_finish(x, value, FSW_C0 | FSW_C2 | FSW_C3);
    return true;
}

/* The constants as 128-bit significands (1.xxx * 2^exp), so that RC rounds them as the hardware does. */
static bool load_constant(struct x87 *x, unsigned which)
{
    static const struct {
        int16_t exp;
        uint64_t sig, lo;
    } constants[7] = {
        { 0, UINT64_C(0x8000000000000000), 0 },                             /* FLD1 */
        { 1, UINT64_C(0xD49A784BCD1B8AFE), UINT64_C(0x492BF6FF4DAFDB4D) },  /* FLDL2T */
        { 0, UINT64_C(0xB8AA3B295C17F0BB), UINT64_C(0xBE87FED0691D3E89) },  /* FLDL2E */
        { 1, UINT64_C(0xC90FDAA22168C234), UINT64_C(0xC4C6628B80DC1CD1) },  /* FLDPI */
        { -2, UINT64_C(0x9A209A84FBCFF798), UINT64_C(0x8F8959AC0B7C9178) }, /* FLDLG2 */
        { -1, UINT64_C(0xB17217F7D1CF79AB), UINT64_C(0xC9E3B39803F2F6AF) }, /* FLDLN2 */
        { 0, 0, 0 },                                                        /* FLDZ */
    };
    struct fp_num n = {
        .cls = FP_NORMAL, .exp = constants[which].exp, .sig = constants[which].sig, .lo = constants[which].lo
    };
    if (n.sig == 0)
        n.cls = FP_ZERO;
    struct fp_env env = { .rc = x->env.rc, .precision = 64, .masks = FP_ALL };
    struct fp_f80 image = fp_pack_f80(fp_round(&env, &fp_extended, n));
    if (!x87_is_empty(x->cpu, 7)) {
        if (x87_overflow(x))
            x87_push(x->cpu, fp_pack_f80(fp_default_nan()));
    } else {
        x87_push(x->cpu, image);
    }
    x87_finish(x, 0, 0);
    return true;
}

static bool remainder_op(struct x87 *x, bool nearest)
{
    if (x87_is_empty(x->cpu, 0) || x87_is_empty(x->cpu, 1))
        return default_result(x, FSW_C2);
    uint64_t quotient;
    bool partial;
    struct fp_num n = fp_remainder(&x->env, x87_number(x->cpu, 0), x87_number(x->cpu, 1), nearest, &quotient, &partial);
    x->env.precision = 64;
    n = fp_round(&x->env, &fp_extended, n);
    unsigned cc = (quotient & 4 ? FSW_C0 : 0) | (quotient & 2 ? FSW_C3 : 0) | (quotient & 1 ? FSW_C1 : 0) |
                  (partial ? FSW_C2 : 0);
    bool blocked = x87_blocked(x);
    if (!blocked)
        x87_store(x->cpu, 0, fp_pack_f80(n));
    if (blocked || fp_is_nan(&n)) /* no quotient: C0 and C3 stay */
        x87_finish(x, 0, FSW_C2);
    else
        x87_finish(x, cc, FSW_CC);
    return true;
}

static bool scale_op(struct x87 *x)
{
    if (x87_is_empty(x->cpu, 0) || x87_is_empty(x->cpu, 1))
        return default_result(x, 0);
    struct fp_num n = fp_scale(&x->env, x87_number(x->cpu, 0), x87_number(x->cpu, 1));
    x->env.precision = 64;
    return replace_st0(x, fp_round(&x->env, &fp_extended, n));
}

static bool extract_op(struct x87 *x)
{
    struct fp_num significand, exponent = fp_default_nan();
    bool empty = x87_is_empty(x->cpu, 0);
    significand = exponent;
    if (empty)
        (void)x87_underflow(x);
    else if (!x87_is_empty(x->cpu, 7))
        (void)x87_overflow(x);
    else
        exponent = fp_extract(&x->env, x87_number(x->cpu, 0), &significand);
    if (!x87_blocked(x)) {
        x87_store(x->cpu, 0, fp_pack_f80(exponent));
        x87_push(x->cpu, fp_pack_f80(significand));
    }
    x87_finish(x, 0, 0);
    return true;
}

static bool square_root(struct x87 *x)
{
    if (x87_is_empty(x->cpu, 0))
        return default_result(x, 0);
    struct fp_num n = fp_sqrt(&x->env, x87_number(x->cpu, 0));
    return replace_st0(x, fp_round(&x->env, &fp_extended, n));
}

static bool round_op(struct x87 *x)
{
    if (x87_is_empty(x->cpu, 0))
        return default_result(x, 0);
    return replace_st0(x, fp_round_to_integral(&x->env, x87_number(x->cpu, 0)));
}

static bool move_top(struct x87 *x, int by)
{
    x87_set_top(x->cpu, x87_top(x->cpu) + (unsigned)by);
    x87_finish(x, 0, 0);
    return true;
}

bool x87_d9_unary(struct x87 *x)
{
    switch (x->in->modrm) {
    case 0xE0: return change_sign(x, true);                          /* FCHS */
    case 0xE1: return change_sign(x, false);                         /* FABS */
    case 0xE4: return x87_compare_with(x, fp_from_int(0), false, 0); /* FTST */
    case 0xE5: return examine(x);
    case 0xE8:
    case 0xE9:
    case 0xEA:
    case 0xEB:
    case 0xEC:
    case 0xED:
    case 0xEE: return load_constant(x, x->in->rm);
    case 0xF4: return extract_op(x);
    case 0xF5: return remainder_op(x, true);
    case 0xF6: return move_top(x, -1); /* FDECSTP */
    case 0xF7: return move_top(x, 1);
    case 0xF8: return remainder_op(x, false);
    case 0xFA: return square_root(x);
    case 0xFC: return round_op(x);
    case 0xFD: return scale_op(x);
    case 0xF0:
    case 0xF1:
    case 0xF2:
    case 0xF3:
    case 0xF9:
    case 0xFB:
    case 0xFE:
    case 0xFF: return x87_transcendental(x);
    default: return insn_ud(x->in);
    }
}

static enum fp_function function_of(uint8_t modrm)
{
    switch (modrm) {
    case 0xF0: return FP_F2XM1;
    case 0xF1: return FP_FYL2X;
    case 0xF2: return FP_FPTAN;
    case 0xF3: return FP_FPATAN;
    case 0xF9: return FP_FYL2XP1;
    case 0xFB: return FP_FSINCOS;
    case 0xFE: return FP_FSIN;
    default: return FP_FCOS;
    }
}

/* Stack faults of the three shapes: one operand, two operands with a pop, one operand with a push. */
static bool transcendental_stack_fault(struct x87 *x, bool pops, bool pushes, unsigned cleared)
{
    bool under = x87_is_empty(x->cpu, 0) || (pops && x87_is_empty(x->cpu, 1));
    if (!under && !(pushes && !x87_is_empty(x->cpu, 7)))
        return false;
    struct fp_f80 nan = fp_pack_f80(fp_default_nan());
    if (under ? x87_underflow(x) : x87_overflow(x)) {
        x87_store(x->cpu, pops ? 1 : 0, nan);
        if (pops)
            x87_pop(x->cpu);
        if (pushes)
            x87_push(x->cpu, nan);
    }
    x87_finish(x, 0, cleared);
    return true;
}

bool x87_transcendental(struct x87 *x)
{
    enum fp_function function = function_of(x->in->modrm);
    bool pops = function == FP_FYL2X || function == FP_FPATAN || function == FP_FYL2XP1;
    bool pushes = function == FP_FPTAN || function == FP_FSINCOS;
    bool reports_range = pushes || function == FP_FSIN || function == FP_FCOS; /* C2 */
    if (transcendental_stack_fault(x, pops, pushes, reports_range ? FSW_C2 : 0))
        return true;
    struct fp_transcendental op = { .st0 = x87_image(x->cpu, 0),
                                    .st1 = x87_image(x->cpu, 1),
                                    .fcw = fx_get16(x->cpu, FX_FCW) };
    fp_transcendental(function, &op);
    if (op.stored) {
        if (pops)
            x87_pop(x->cpu);
        x87_store(x->cpu, 0, pushes ? op.st1 : op.st0);
        if (pushes)
            x87_push(x->cpu, op.st0);
    }
    x->env.flags |= op.fsw & FP_ALL;
    x->env.up = op.fsw & FSW_C1;
    x87_finish(x, op.fsw & FSW_C2, reports_range ? FSW_C2 : 0);
    return true;
}
