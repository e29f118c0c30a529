/* interp_shift.c - ROL ROR RCL RCR SHL SHR SAR (group 2), SHLD, SHRD.
 *
 *   I1  The count is masked to five bits; a masked count of zero changes neither result nor flags.
 *   I2  Where the manual leaves OF undefined (counts other than 1) the formula for 1 is applied to the result, as
 *       silicon does. Shifts set AF, which the manual leaves undefined, as AMD Zen does; rotates keep it. /6 is an
 *       alias of /4 (SHL). */
#include "interp_flags.h"
#include "interp_table.h"

/* `count` is 1..31 here. */
typedef uint32_t shift_fn(uint32_t *flags, uint32_t a, unsigned count, unsigned size);

INTERP_INLINE void set_cf_of(uint32_t *flags, uint32_t cf, uint32_t of)
{
    *flags = (*flags & ~(uint32_t)(VX_FL_CF | VX_FL_OF)) | (cf & 1) | (of & 1) << 11;
}

INTERP_INLINE void set_shift_flags(uint32_t *flags, uint32_t r, uint32_t cf, uint32_t of, unsigned size)
{
    *flags &= ~(uint32_t)(VX_FL_SF | VX_FL_ZF | VX_FL_PF);
    *flags |= flags_szp(r, size) | VX_FL_AF;
    set_cf_of(flags, cf, of);
}

/* The two top bits of r differ. */
INTERP_INLINE uint32_t top_bits_differ(uint32_t r, unsigned bits)
{
    return r >> (bits - 1) ^ r >> (bits - 2);
}

INTERP_INLINE uint32_t shift_rol(uint32_t *flags, uint32_t a, unsigned count, unsigned size)
{
    unsigned bits = size * 8, n = count & (bits - 1);
    uint32_t r = n == 0 ? a : (a << n | a >> (bits - n)) & size_mask(size);
    set_cf_of(flags, r, r ^ r >> (bits - 1));
    return r;
}

INTERP_INLINE uint32_t shift_ror(uint32_t *flags, uint32_t a, unsigned count, unsigned size)
{
    unsigned bits = size * 8, n = count & (bits - 1);
    uint32_t r = n == 0 ? a : (a >> n | a << (bits - n)) & size_mask(size);
    set_cf_of(flags, r >> (bits - 1), top_bits_differ(r, bits));
    return r;
}

/* RCL and RCR turn the operand with CF on top: bits + 1 positions. A count that comes to nothing still sets OF. */
INTERP_INLINE uint32_t shift_rcl(uint32_t *flags, uint32_t a, unsigned count, unsigned size)
{
    unsigned bits = size * 8, n = count % (bits + 1);
    uint64_t wide = (uint64_t)(*flags & VX_FL_CF) << bits | a;
    wide = wide << n | wide >> (bits + 1 - n);
    uint32_t r = (uint32_t)wide & size_mask(size);
    uint32_t cf = (uint32_t)(wide >> bits) & 1;
    set_cf_of(flags, cf, cf ^ r >> (bits - 1));
    return r;
}

INTERP_INLINE uint32_t shift_rcr(uint32_t *flags, uint32_t a, unsigned count, unsigned size)
{
    unsigned bits = size * 8, n = count % (bits + 1);
    uint64_t wide = (uint64_t)(*flags & VX_FL_CF) << bits | a;
    wide = wide >> n | wide << (bits + 1 - n);
    uint32_t r = (uint32_t)wide & size_mask(size);
    set_cf_of(flags, (uint32_t)(wide >> bits), top_bits_differ(r, bits));
    return r;
}

INTERP_INLINE uint32_t shift_shl(uint32_t *flags, uint32_t a, unsigned count, unsigned size)
{
    unsigned bits = size * 8;
    uint64_t wide = (uint64_t)a << count;
    uint32_t r = (uint32_t)wide & size_mask(size);
    uint32_t cf = (uint32_t)(wide >> bits) & 1;
    set_shift_flags(flags, r, cf, cf ^ r >> (bits - 1), size);
    return r;
}

INTERP_INLINE uint32_t shift_shr(uint32_t *flags, uint32_t a, unsigned count, unsigned size)
{
    uint32_t r = a >> count;
    set_shift_flags(flags, r, a >> (count - 1), top_bits_differ(r, size * 8), size);
    return r;
}

INTERP_INLINE uint32_t shift_sar(uint32_t *flags, uint32_t a, unsigned count, unsigned size)
{
    int32_t wide = (int32_t)sign_extend(a, size);
    uint32_t r = (uint32_t)(wide >> count) & size_mask(size);
    set_shift_flags(flags, r, (uint32_t)(wide >> (count - 1)), 0, size);
    return r;
}

INTERP_INLINE bool shift_rm(struct insn *in, shift_fn *fn, unsigned size, unsigned count)
{
    uint32_t flags = in->cpu->eflags;
    uint32_t dst;
    uint8_t *hva;
    if (!modify_rm_begin(in, size, &hva, &dst))
        return false;
    if (count != 0)
        dst = fn(&flags, dst, count, size);
    if (!modify_rm_end(in, size, hva, dst))
        return false;
    in->cpu->eflags = flags;
    return true;
}

INTERP_INLINE bool group2(struct insn *in, unsigned size, unsigned count)
{
    count &= 31;
    switch (in->reg) {
    case 0: return shift_rm(in, shift_rol, size, count);
    case 1: return shift_rm(in, shift_ror, size, count);
    case 2: return shift_rm(in, shift_rcl, size, count);
    case 3: return shift_rm(in, shift_rcr, size, count);
    case 5: return shift_rm(in, shift_shr, size, count);
    case 7: return shift_rm(in, shift_sar, size, count);
    default: return shift_rm(in, shift_shl, size, count);
    }
}

INTERP_INLINE bool group2_imm(struct insn *in, unsigned size)
{
    uint8_t count;
    return insn_imm8(in, &count) && group2(in, size, count);
}

bool interp_shift_eb_1(struct insn *in)
{
    return group2(in, 1, 1);
}
bool interp_shift_ew_1(struct insn *in)
{
    return group2(in, 2, 1);
}
bool interp_shift_ed_1(struct insn *in)
{
    return group2(in, 4, 1);
}
bool interp_shift_eb_cl(struct insn *in)
{
    return group2(in, 1, (uint8_t)in->cpu->gpr[VX_RCX]);
}
bool interp_shift_ew_cl(struct insn *in)
{
    return group2(in, 2, (uint8_t)in->cpu->gpr[VX_RCX]);
}
bool interp_shift_ed_cl(struct insn *in)
{
    return group2(in, 4, (uint8_t)in->cpu->gpr[VX_RCX]);
}
bool interp_shift_eb_ib(struct insn *in)
{
    return group2_imm(in, 1);
}
bool interp_shift_ew_ib(struct insn *in)
{
    return group2_imm(in, 2);
}
bool interp_shift_ed_ib(struct insn *in)
{
    return group2_imm(in, 4);
}

/* E:G shifted left, the high half kept. A 16-bit operand with a count over 16 is undefined in the manual: as on AMD
 * Zen, the bits that follow the source are the source's own again (P6 has the destination's there), CF is clear, and OF
 * with SHLD. SHLD by 16 gives OF = CF. */
INTERP_INLINE uint32_t double_left(uint32_t *flags, uint32_t dst, uint32_t src, unsigned count, unsigned size)
{
    unsigned bits = size * 8;
    uint64_t wide = (uint64_t)dst << bits | src;
    if (size == 2)
        wide = wide << 16 | src;
    /* Either way the destination begins at bit 32 of `wide`. */
    uint32_t r = (uint32_t)(wide << count >> 32) & size_mask(size);
    uint32_t cf = (uint32_t)(wide >> (32 + bits - count)) & 1;
    if (count > bits)
        set_shift_flags(flags, r, 0, 0, size);
    else
        set_shift_flags(flags, r, cf, count == bits ? cf : cf ^ r >> (bits - 1), size);
    return r;
}

/* G:E shifted right, the low half kept. */
INTERP_INLINE uint32_t double_right(uint32_t *flags, uint32_t dst, uint32_t src, unsigned count, unsigned size)
{
    unsigned bits = size * 8;
    uint64_t wide = (uint64_t)src << bits | dst;
    if (size == 2)
        wide |= (uint64_t)src << 32;
    uint32_t r = (uint32_t)(wide >> count) & size_mask(size);
    uint32_t cf = count > bits ? 0 : (uint32_t)(wide >> (count - 1));
    set_shift_flags(flags, r, cf, top_bits_differ(r, bits), size);
    return r;
}

typedef uint32_t double_fn(uint32_t *flags, uint32_t dst, uint32_t src, unsigned count, unsigned size);

INTERP_INLINE bool double_shift(struct insn *in, double_fn *fn, unsigned size, unsigned count)
{
    uint32_t flags = in->cpu->eflags;
    uint32_t dst;
    uint8_t *hva;
    count &= 31;
    if (!modify_rm_begin(in, size, &hva, &dst))
        return false;
    if (count != 0)
        dst = fn(&flags, dst, get_reg(in->cpu, in->reg, size), count, size);
    if (!modify_rm_end(in, size, hva, dst))
        return false;
    in->cpu->eflags = flags;
    return true;
}

INTERP_INLINE bool double_shift_imm(struct insn *in, double_fn *fn, unsigned size)
{
    uint8_t count;
    return insn_imm8(in, &count) && double_shift(in, fn, size, count);
}

INTERP_INLINE bool double_shift_cl(struct insn *in, double_fn *fn, unsigned size)
{
    return double_shift(in, fn, size, (uint8_t)in->cpu->gpr[VX_RCX]);
}

bool interp_shld_ew_gw_ib(struct insn *in)
{
    return double_shift_imm(in, double_left, 2);
}
bool interp_shld_ed_gd_ib(struct insn *in)
{
    return double_shift_imm(in, double_left, 4);
}
bool interp_shld_ew_gw_cl(struct insn *in)
{
    return double_shift_cl(in, double_left, 2);
}
bool interp_shld_ed_gd_cl(struct insn *in)
{
    return double_shift_cl(in, double_left, 4);
}
bool interp_shrd_ew_gw_ib(struct insn *in)
{
    return double_shift_imm(in, double_right, 2);
}
bool interp_shrd_ed_gd_ib(struct insn *in)
{
    return double_shift_imm(in, double_right, 4);
}
bool interp_shrd_ew_gw_cl(struct insn *in)
{
    return double_shift_cl(in, double_right, 2);
}
bool interp_shrd_ed_gd_cl(struct insn *in)
{
    return double_shift_cl(in, double_right, 4);
}
