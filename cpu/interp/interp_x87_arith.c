/* interp_x87_arith.c - FADD, FMUL, FSUB(R), FDIV(R) and the comparisons, in all their operand forms. */
#include "interp_x87.h"

/* ModRM.reg of the arithmetic opcodes. */
enum { ARITH_ADD, ARITH_MUL, ARITH_COM, ARITH_COMP, ARITH_SUB, ARITH_SUBR, ARITH_DIV, ARITH_DIVR };

static struct fp_num compute(struct fp_env *env, unsigned op, struct fp_num a, struct fp_num b)
{
    switch (op) {
    case ARITH_ADD: return fp_add(env, a, b);
    case ARITH_MUL: return fp_mul(env, a, b);
    case ARITH_SUB: return fp_sub(env, a, b);
    case ARITH_SUBR: return fp_sub(env, b, a);
    case ARITH_DIV: return fp_div(env, a, b);
    default: return fp_div(env, b, a);
    }
}

/* ST(dst) = ST(dst) op b. */
static void arith(struct x87 *x, unsigned op, unsigned dst, struct fp_num b, bool pop)
{
    struct fp_num result = fp_round(&x->env, &fp_extended, compute(&x->env, op, x87_number(x->cpu, dst), b));
    if (!x87_blocked(x)) {
        x87_store(x->cpu, dst, fp_pack_f80(result));
        if (pop)
            x87_pop(x->cpu);
    }
    x87_finish(x, 0, 0);
}

static void arith_underflow(struct x87 *x, unsigned dst, bool pop)
{
    if (x87_underflow(x)) {
        x87_store(x->cpu, dst, fp_pack_f80(fp_default_nan()));
        if (pop)
            x87_pop(x->cpu);
    }
    x87_finish(x, 0, 0);
}

bool x87_arith_mem(struct x87 *x)
{
    struct insn *in = x->in;
    uint64_t raw;
    struct fp_num b;
    unsigned size = in->opcode == 0xDC ? 8 : in->opcode == 0xDE ? 2 : 4;
    if (!insn_read(in, in->seg, in->off, size, &raw))
        return false;
    switch (in->opcode) {
    case 0xD8: b = fp_unpack_f32((uint32_t)raw); break;
    case 0xDC: b = fp_unpack_f64(raw); break;
    case 0xDA: b = fp_from_int((int32_t)raw); break;
    default: b = fp_from_int((int16_t)raw); break;
    }
    if (in->reg == ARITH_COM || in->reg == ARITH_COMP)
        return x87_compare_with(x, b, false, in->reg == ARITH_COMP);
    if (x87_is_empty(x->cpu, 0))
        arith_underflow(x, 0, false);
    else
        arith(x, in->reg, 0, b, false);
    return true;
}

bool x87_arith_reg(struct x87 *x)
{
    struct insn *in = x->in;
    unsigned i = in->rm, op = in->reg;
    if (op == ARITH_COM || op == ARITH_COMP) /* DC D0, DC D8, DE D0 are aliases; DE D9 is FCOMPP */
        return x87_compare_reg(x, i, false, in->opcode == 0xDE ? op - 1 : op - ARITH_COM);
    bool to_sti = in->opcode != 0xD8, pop = in->opcode == 0xDE;
    unsigned dst = to_sti ? i : 0, src = to_sti ? 0 : i;
    if (to_sti && op >= ARITH_SUB)
        op ^= 1; /* DC E0 is FSUBR ST(i), ST: the reversed forms change places */
    if (x87_is_empty(x->cpu, 0) || x87_is_empty(x->cpu, i))
        arith_underflow(x, dst, pop);
    else
        arith(x, op, dst, x87_number(x->cpu, src), pop);
    return true;
}

static unsigned order_cc(enum fp_order order)
{
    static const uint16_t cc[4] = { FSW_C0, FSW_C3, 0, FSW_C3 | FSW_C2 | FSW_C0 };
    return cc[order];
}

static void pop_times(struct x87 *x, unsigned pops)
{
    while (pops-- != 0)
        x87_pop(x->cpu);
}

/* Sets C0, C2, C3 from a comparison that has been made (or failed by the stack). An unmasked exception only keeps
 * the stack from being popped. */
static void finish_compare(struct x87 *x, enum fp_order order, unsigned pops)
{
    if (!x87_blocked(x))
        pop_times(x, pops);
    x87_finish(x, order_cc(order), FSW_C0 | FSW_C2 | FSW_C3);
}

bool x87_compare_with(struct x87 *x, struct fp_num b, bool quiet, unsigned pops)
{
    enum fp_order order = FP_UNORDERED;
    if (x87_is_empty(x->cpu, 0))
        (void)x87_underflow(x);
    else
        order = fp_compare(&x->env, x87_number(x->cpu, 0), b, quiet);
    finish_compare(x, order, pops);
    return true;
}

bool x87_compare_reg(struct x87 *x, unsigned i, bool quiet, unsigned pops)
{
    if (x87_is_empty(x->cpu, i)) {
        (void)x87_underflow(x);
        finish_compare(x, FP_UNORDERED, pops);
        return true;
    }
    return x87_compare_with(x, x87_number(x->cpu, i), quiet, pops);
}

bool x87_compare_eflags(struct x87 *x, unsigned i, bool quiet, bool pop)
{
    static const uint8_t flags[4] = { VX_FL_CF, VX_FL_ZF, 0, VX_FL_ZF | VX_FL_PF | VX_FL_CF };
    enum fp_order order = FP_UNORDERED;
    if (x87_is_empty(x->cpu, 0) || x87_is_empty(x->cpu, i))
        (void)x87_underflow(x);
    else
        order = fp_compare(&x->env, x87_number(x->cpu, 0), x87_number(x->cpu, i), quiet);
    x->cpu->eflags = (x->cpu->eflags & ~(uint32_t)VX_FL_ARITH) | flags[order];
    if (!x87_blocked(x) && pop)
        x87_pop(x->cpu);
    if (!x->stack_fault) /* C1 is cleared by a stack fault only, as AMD does it and the SDM does not say */
        x->env.up = fx_get16(x->cpu, FX_FSW) & FSW_C1;
    x87_finish(x, 0, 0);
    return true;
}
