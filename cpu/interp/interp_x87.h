/* interp_x87.h - the x87 register stack inside the FXSAVE image, for interp_x87_*.c and interp_mmx.c.
 *
 * The image holds the registers in stack order while the abridged tags are by physical register:
 *
 *     slot i (fx + 32 + 16 * i) = ST(i) = R((TOP + i) & 7)         tag bit r of byte 4: R(r) is not empty
 *
 *   I1  Whenever TOP changes, the slots rotate with it, so that each physical register keeps its contents
 *       (x87_set_top() is the only place that changes TOP).
 *   I2  FSW.ES and FSW.B are set exactly when an unmasked exception flag is set (x87_update_summary()). */
#ifndef VX86_CPU_INTERP_X87_H
#define VX86_CPU_INTERP_X87_H

#include "fp.h"
#include "interp.h"
#include "vx86/vcpu_state.h"

/* Byte offsets in the FXSAVE image. */
enum {
    FX_FCW = 0,
    FX_FSW = 2,
    FX_FTW = 4,
    FX_FOP = 6,
    FX_FIP = 8,
    FX_FCS = 12,
    FX_FDP = 16,
    FX_FDS = 20,
    FX_MXCSR = 24,
    FX_MXCSR_MASK = 28,
    FX_ST = 32,
    FX_XMM = 160,
    FX_BYTES = 512,
};

enum {
    FSW_SF = 1 << 6,
    FSW_ES = 1 << 7,
    FSW_C0 = 1 << 8,
    FSW_C1 = 1 << 9,
    FSW_C2 = 1 << 10,
    FSW_TOP = 7 << 11,
    FSW_C3 = 1 << 14,
    FSW_B = 1 << 15,
    FSW_CC = FSW_C0 | FSW_C1 | FSW_C2 | FSW_C3,
};
#define FSW_TOP_SHIFT 11

/* One x87 instruction being executed. */
struct x87 {
    struct insn *in;
    struct vx_vcpu *cpu;
    struct fp_env env; /* from FCW, flags collected */
    bool stack_fault;  /* FSW.SF to be set */
    bool stack_over;   /* ... by overflow: C1 = 1 */
};

static inline uint16_t fx_get16(const struct vx_vcpu *cpu, unsigned off)
{
    uint16_t v;
    memcpy(&v, cpu->fx + off, sizeof v);
    return v;
}

static inline void fx_set16(struct vx_vcpu *cpu, unsigned off, uint16_t v)
{
    memcpy(cpu->fx + off, &v, sizeof v);
}

static inline uint32_t fx_get32(const struct vx_vcpu *cpu, unsigned off)
{
    uint32_t v;
    memcpy(&v, cpu->fx + off, sizeof v);
    return v;
}

static inline void fx_set32(struct vx_vcpu *cpu, unsigned off, uint32_t v)
{
    memcpy(cpu->fx + off, &v, sizeof v);
}

static inline unsigned x87_top(const struct vx_vcpu *cpu)
{
    return (fx_get16(cpu, FX_FSW) & FSW_TOP) >> FSW_TOP_SHIFT;
}

static inline unsigned x87_tag_bit(const struct vx_vcpu *cpu, unsigned i)
{
    return 1u << ((x87_top(cpu) + i) & 7);
}

static inline bool x87_is_empty(const struct vx_vcpu *cpu, unsigned i)
{
    return !(cpu->fx[FX_FTW] & x87_tag_bit(cpu, i));
}

/* interp_x87_stack.c */
void x87_set_top(struct vx_vcpu *cpu, unsigned top);            /* keeps I1 */
struct fp_f80 x87_image(const struct vx_vcpu *cpu, unsigned i); /* ST(i) as it is, empty or not */
struct fp_num x87_number(const struct vx_vcpu *cpu, unsigned i);
void x87_store(struct vx_vcpu *cpu, unsigned i, struct fp_f80 value); /* and marks ST(i) valid */
void x87_push(struct vx_vcpu *cpu, struct fp_f80 value);
void x87_pop(struct vx_vcpu *cpu);
void x87_free(struct vx_vcpu *cpu, unsigned i);
void x87_update_summary(struct vx_vcpu *cpu); /* keeps I2; drops FERR# when nothing is pending */
void x87_init(struct vx_vcpu *cpu);           /* FNINIT */
void x87_hide_selectors(struct vx_vcpu *cpu); /* FCS and FDS are 0 where the model deprecates them */
/* False with the fault of a pending unmasked x87 exception set; with CR0.NE = 0 raises FERR# instead. *again: the
 * instruction is to be retried after the interrupt that FERR# raised. */
bool x87_check_pending(struct insn *in, bool *again);

/* Invalid-operation by the stack: true when masked, that is when a default result is to be stored. */
bool x87_underflow(struct x87 *x);
bool x87_overflow(struct x87 *x);
/* An unmasked exception before computation, or one by the stack, keeps the destination as it is. */
bool x87_blocked(struct x87 *x);
/* Puts the collected flags, C1 and the given C0/C2/C3 into FSW (mask `cc_mask` says which of them are replaced). */
void x87_finish(struct x87 *x, unsigned cc, unsigned cc_mask);

/* The groups: each returns false with a fault set. Register forms unless said otherwise. */
bool x87_arith_mem(struct x87 *x);      /* D8, DA, DC, DE with a memory operand */
bool x87_arith_reg(struct x87 *x);      /* D8, DC, DE */
bool x87_load_store_mem(struct x87 *x); /* D9 /0 /2 /3, DB, DD /0 /2 /3, DF */
bool x87_load_store_reg(struct x87 *x); /* FLD, FXCH, FST, FSTP, FCMOVcc, FFREE */
bool x87_compare_reg(struct x87 *x, unsigned i, bool quiet, unsigned pops);
bool x87_compare_eflags(struct x87 *x, unsigned i, bool quiet, bool pop);
bool x87_compare_with(struct x87 *x, struct fp_num b, bool quiet, unsigned pops);
bool x87_d9_unary(struct x87 *x);       /* D9 E0..FF */
bool x87_transcendental(struct x87 *x); /* the D9 F0..FF that fp_host.h computes */
bool x87_control_mem(struct x87 *x);    /* FLDENV, FLDCW, FNSTENV, FNSTCW, FRSTOR, FNSAVE, FNSTSW */

#endif
