/* fp_wide.h - 128-bit helpers of the fp_*.c files. */
#ifndef VX86_CPU_FP_WIDE_H
#define VX86_CPU_FP_WIDE_H

#include "fp.h"

__extension__ typedef unsigned __int128 fp_u128;

static inline fp_u128 fp_u128_make(uint64_t hi, uint64_t lo)
{
    return (fp_u128)hi << 64 | lo;
}

/* Shifts right; bits lost are remembered in bit 0. */
static inline fp_u128 fp_shift_right_jam(fp_u128 value, unsigned count)
{
    if (count == 0)
        return value;
    if (count > 127)
        return value != 0;
    return value >> count | ((value << (128 - count)) != 0);
}

/* Leading zeros; value is not 0. */
static inline int fp_clz128(fp_u128 value)
{
    uint64_t hi = (uint64_t)(value >> 64);
    return hi != 0 ? __builtin_clzll(hi) : 64 + __builtin_clzll((uint64_t)value);
}

#endif
