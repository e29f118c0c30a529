/* interp_sse.h - what interp_sse*.c and interp_mmx*.c share: one MMX/SSE instruction, its vectors and operands. */
#ifndef VX86_CPU_INTERP_SSE_H
#define VX86_CPU_INTERP_SSE_H

#include "fp.h"
#include "interp.h"
#include "interp_x87.h"
#include "isa.h"

union vec {
    uint8_t b[16];
    uint16_t w[8];
    uint32_t d[4];
    uint64_t q[2];
}; /* little-endian host */

/* Combines `bytes` (8 or 16) of s into d. */
typedef void simd_lane(union vec *d, const union vec *s, unsigned bytes);

struct simd {
    struct insn *in;
    struct vx_vcpu *cpu;
    enum isa_prefix prefix;
    unsigned shape;     /* enum isa_shape */
    simd_lane *combine; /* of handler `packed` */
    bool leaves_mmx;    /* EMMS: the transition is not made after it */
};

static inline bool simd_is_xmm(const struct simd *s)
{
    return s->shape & ISA_XMM;
}

static inline union vec simd_xmm(const struct vx_vcpu *cpu, unsigned i)
{
    union vec v;
    memcpy(&v, cpu->fx + FX_XMM + 16 * i, 16);
    return v;
}

static inline void simd_set_xmm(struct vx_vcpu *cpu, unsigned i, const union vec *v)
{
    memcpy(cpu->fx + FX_XMM + 16 * i, v, 16);
}

/* MM(i) is the physical register R(i), wherever TOP is. */
static inline unsigned simd_mm_slot(const struct vx_vcpu *cpu, unsigned i)
{
    return FX_ST + 16 * ((i - x87_top(cpu)) & 7);
}

static inline union vec simd_mm(const struct vx_vcpu *cpu, unsigned i)
{
    union vec v = { 0 };
    memcpy(&v, cpu->fx + simd_mm_slot(cpu, i), 8);
    return v;
}

/* A write sets the exponent and sign bits to ones. */
static inline void simd_set_mm(struct vx_vcpu *cpu, unsigned i, const union vec *v)
{
    uint8_t *slot = cpu->fx + simd_mm_slot(cpu, i);
    memcpy(slot, v, 8);
    memset(slot + 8, 0xFF, 2);
    memset(slot + 10, 0, 6);
}

/* The transition to MMX state: TOP = 0, all tags valid. */
static inline void simd_enter_mmx(struct vx_vcpu *cpu)
{
    x87_set_top(cpu, 0);
    cpu->fx[FX_FTW] = 0xFF;
}

/* Register by ModRM.reg, XMM or MM as the instruction says. */
union vec simd_reg(const struct simd *s);
void simd_set_reg(struct simd *s, const union vec *v);
/* XMM or MM operand by ModRM.rm; a memory operand of `bytes` (16: aligned), the rest zero. */
bool simd_source(struct simd *s, union vec *v, unsigned bytes);
bool simd_source_xmm(struct simd *s, union vec *v, unsigned bytes);

/* Rounding and masks from MXCSR. */
struct fp_env simd_env(const struct vx_vcpu *cpu);
/* Records env->flags in MXCSR; false with #XM (or #UD) set when one of them is unmasked.
 * Like the MMX transition, which comes before #XM, these are changes that a SIMD exception leaves behind. */
bool simd_raise(struct simd *s, struct fp_env *env);

/* raw[0] op raw[1] of `size` 4 or 8; op by ADDPS's, MULPS's ... opcode in the 0F map. */
uint64_t simd_arith_element(struct fp_env *env, uint8_t opcode, unsigned size, const uint64_t raw[2]);

#define SIMD_LANES(op, expr_type, field, count, expr)                \
    void simd_##op(union vec *d, const union vec *s, unsigned bytes) \
    {                                                                \
        for (unsigned i = 0; i < bytes / (16 / (count)); i++) {      \
            const expr_type a = (expr_type)d->field[i];              \
            const expr_type b = (expr_type)s->field[i];              \
            d->field[i] = (expr);                                    \
        }                                                            \
    }

/* Every handler and lane function that the table names. */
#define SIMD(opcode, prefix, at, name, form, feature, lowering, handler, lane) \
    bool simd_do_##handler(struct simd *s);                                    \
    simd_lane simd_##lane;
#include "isa.def"

#endif
