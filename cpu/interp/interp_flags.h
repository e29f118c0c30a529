/* interp_flags.h - the arithmetic flags, computed eagerly from operands and result (SDM 1 "EFLAGS Register").
 *
 * A carry vector holds the carry (borrow) out of every bit of an addition (subtraction):
 *     carries = (a & b) | ((a | b) & ~r)        borrows = (~a & b) | (~(a ^ b) & r)
 * CF is its top bit, AF its bit 3, OF the difference of its two top bits. Operands come zero-extended. */
#ifndef VX86_CPU_INTERP_FLAGS_H
#define VX86_CPU_INTERP_FLAGS_H

#include "interp_operand.h"

INTERP_INLINE uint32_t flags_szp(uint32_t r, unsigned size)
{
    uint32_t zf = (r == 0) ? VX_FL_ZF : 0;
    uint32_t sf = (r >> (size * 8 - 8)) & VX_FL_SF;
    uint32_t pf = __builtin_parity(r & 0xFF) ? 0 : VX_FL_PF;
    return zf | sf | pf;
}

INTERP_INLINE uint32_t flags_carries(uint32_t carries, unsigned size)
{
    unsigned top = size * 8 - 1;
    uint32_t cf = (carries >> top) & 1;
    uint32_t of = (cf ^ (carries >> (top - 1))) & 1;
    return cf | (carries << 1 & VX_FL_AF) | of << 11;
}

INTERP_INLINE void set_arith(uint32_t *flags, uint32_t value)
{
    *flags = (*flags & ~(uint32_t)VX_FL_ARITH) | value;
}

/* A binary operation on zero-extended operands of `size` bytes: the result, zero-extended, and its flags. */
typedef uint32_t alu_fn(uint32_t *flags, uint32_t a, uint32_t b, unsigned size);

INTERP_INLINE uint32_t alu_adc_in(uint32_t *flags, uint32_t a, uint32_t b, uint32_t carry, unsigned size)
{
    uint32_t r = (a + b + carry) & size_mask(size);
    set_arith(flags, flags_carries((a & b) | ((a | b) & ~r), size) | flags_szp(r, size));
    return r;
}

INTERP_INLINE uint32_t alu_sbb_in(uint32_t *flags, uint32_t a, uint32_t b, uint32_t borrow, unsigned size)
{
    uint32_t r = (a - b - borrow) & size_mask(size);
    set_arith(flags, flags_carries((~a & b) | (~(a ^ b) & r), size) | flags_szp(r, size));
    return r;
}

INTERP_INLINE uint32_t alu_add(uint32_t *flags, uint32_t a, uint32_t b, unsigned size)
{
    return alu_adc_in(flags, a, b, 0, size);
}

INTERP_INLINE uint32_t alu_adc(uint32_t *flags, uint32_t a, uint32_t b, unsigned size)
{
    return alu_adc_in(flags, a, b, *flags & VX_FL_CF, size);
}

INTERP_INLINE uint32_t alu_sub(uint32_t *flags, uint32_t a, uint32_t b, unsigned size)
{
    return alu_sbb_in(flags, a, b, 0, size);
}

INTERP_INLINE uint32_t alu_sbb(uint32_t *flags, uint32_t a, uint32_t b, unsigned size)
{
    return alu_sbb_in(flags, a, b, *flags & VX_FL_CF, size);
}

/* The logical operations clear CF and OF; AF is undefined and silicon clears it. */
INTERP_INLINE uint32_t alu_and(uint32_t *flags, uint32_t a, uint32_t b, unsigned size)
{
    set_arith(flags, flags_szp(a & b, size));
    return a & b;
}

INTERP_INLINE uint32_t alu_or(uint32_t *flags, uint32_t a, uint32_t b, unsigned size)
{
    set_arith(flags, flags_szp(a | b, size));
    return a | b;
}

INTERP_INLINE uint32_t alu_xor(uint32_t *flags, uint32_t a, uint32_t b, unsigned size)
{
    set_arith(flags, flags_szp(a ^ b, size));
    return a ^ b;
}

/* CMP is SUB without a result. */
INTERP_INLINE uint32_t alu_cmp(uint32_t *flags, uint32_t a, uint32_t b, unsigned size)
{
    return alu_sbb_in(flags, a, b, 0, size);
}

INTERP_INLINE uint32_t alu_inc(uint32_t *flags, uint32_t a, unsigned size)
{
    uint32_t cf = *flags & VX_FL_CF;
    uint32_t r = alu_adc_in(flags, a, 1, 0, size);
    *flags = (*flags & ~(uint32_t)VX_FL_CF) | cf;
    return r;
}

INTERP_INLINE uint32_t alu_dec(uint32_t *flags, uint32_t a, unsigned size)
{
    uint32_t cf = *flags & VX_FL_CF;
    uint32_t r = alu_sbb_in(flags, a, 1, 0, size);
    *flags = (*flags & ~(uint32_t)VX_FL_CF) | cf;
    return r;
}

/* Condition cc of Jcc, SETcc, CMOVcc (SDM 1 "EFLAGS Condition Codes"). One bit of a truth table over the five flags:
 * index = OF SF ZF PF CF; rows O B Z BE S P L LE, odd codes are the complements. */
INTERP_INLINE bool condition(uint32_t flags, unsigned cc)
{
    static const uint32_t truth[8] = {
        0xFFFF0000u, 0xAAAAAAAAu, 0xF0F0F0F0u, 0xFAFAFAFAu, 0xFF00FF00u, 0xCCCCCCCCu, 0x00FFFF00u, 0xF0FFFFF0u,
    };
    uint32_t index = (flags & 1) | (flags >> 1 & 2) | (flags >> 4 & 12) | (flags >> 7 & 16);
    return (truth[cc >> 1 & 7] >> index & 1) != (cc & 1);
}

#endif
