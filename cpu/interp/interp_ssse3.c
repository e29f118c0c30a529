/* interp_ssse3.c - SSSE3: horizontal sums, signs, PSHUFB, PALIGNR, PMADDUBSW, PMULHRSW, for MMX and XMM registers. */
#include "interp_sse.h"

#define NEGATE_IF(v, negative) ((negative) ? -(v) : (v))

SIMD_LANES(psignb, int8_t, b, 16, (uint8_t)(b == 0 ? 0 : NEGATE_IF(a, b < 0)))
SIMD_LANES(psignw, int16_t, w, 8, (uint16_t)(b == 0 ? 0 : NEGATE_IF(a, b < 0)))
SIMD_LANES(psignd, uint32_t, d, 4, b == 0 ? 0 : NEGATE_IF(a, b >> 31))
SIMD_LANES(pmulhrsw, int16_t, w, 8, (uint16_t)(((a * b >> 14) + 1) >> 1))

/* One operand: the source replaces the destination. */
#define MAGNITUDE_LANES(op, type, field, size)                       \
    void simd_##op(union vec *d, const union vec *s, unsigned bytes) \
    {                                                                \
        for (unsigned i = 0; i < bytes / (size); i++) {              \
            const int64_t v = (type)s->field[i];                     \
            d->field[i] = (u##type)NEGATE_IF(v, v < 0);              \
        }                                                            \
    }

MAGNITUDE_LANES(pabsb, int8_t, b, 1)
MAGNITUDE_LANES(pabsw, int16_t, w, 2)
MAGNITUDE_LANES(pabsd, int32_t, d, 4)

/* An index with bit 7 set gives zero. */
void simd_pshufb(union vec *d, const union vec *s, unsigned bytes)
{
    const union vec a = *d;
    for (unsigned i = 0; i < bytes; i++)
        d->b[i] = s->b[i] & 0x80 ? 0 : a.b[s->b[i] & (bytes - 1)];
}

static int32_t clip(int32_t value)
{
    return value < INT16_MIN ? INT16_MIN : value > INT16_MAX ? INT16_MAX : value;
}

/* Neighbouring elements are combined; the destination's pairs give the low half, the source's the high one. */
enum horizontal { H_ADD, H_SUB, H_ADD_SATURATED, H_SUB_SATURATED };

static void horizontal_words(union vec *d, const union vec *s, unsigned bytes, enum horizontal how)
{
    const union vec a = *d, b = *s;
    unsigned half = bytes / 4;
    for (unsigned i = 0; i < 2 * half; i++) {
        const uint16_t *pair = i < half ? &a.w[2 * i] : &b.w[2 * (i - half)];
        int32_t first = (int16_t)pair[0], second = (int16_t)pair[1];
        int32_t value = how == H_ADD || how == H_ADD_SATURATED ? first + second : first - second;
        d->w[i] = (uint16_t)(how >= H_ADD_SATURATED ? clip(value) : value);
    }
}

static void horizontal_dwords(union vec *d, const union vec *s, unsigned bytes, enum horizontal how)
{
    const union vec a = *d, b = *s;
    unsigned half = bytes / 8;
    for (unsigned i = 0; i < 2 * half; i++) {
        const uint32_t *pair = i < half ? &a.d[2 * i] : &b.d[2 * (i - half)];
        d->d[i] = how == H_ADD ? pair[0] + pair[1] : pair[0] - pair[1];
    }
}

void simd_phaddw(union vec *d, const union vec *s, unsigned bytes)
{
    horizontal_words(d, s, bytes, H_ADD);
}
void simd_phsubw(union vec *d, const union vec *s, unsigned bytes)
{
    horizontal_words(d, s, bytes, H_SUB);
}
void simd_phaddsw(union vec *d, const union vec *s, unsigned bytes)
{
    horizontal_words(d, s, bytes, H_ADD_SATURATED);
}
void simd_phsubsw(union vec *d, const union vec *s, unsigned bytes)
{
    horizontal_words(d, s, bytes, H_SUB_SATURATED);
}
void simd_phaddd(union vec *d, const union vec *s, unsigned bytes)
{
    horizontal_dwords(d, s, bytes, H_ADD);
}
void simd_phsubd(union vec *d, const union vec *s, unsigned bytes)
{
    horizontal_dwords(d, s, bytes, H_SUB);
}

/* The destination's bytes are unsigned, the source's signed. */
void simd_pmaddubsw(union vec *d, const union vec *s, unsigned bytes)
{
    for (unsigned i = 0; i < bytes / 2; i++) {
        int32_t low = d->b[2 * i] * (int8_t)s->b[2 * i];
        int32_t high = d->b[2 * i + 1] * (int8_t)s->b[2 * i + 1];
        d->w[i] = (uint16_t)clip(low + high);
    }
}

/* PALIGNR: the destination above the source, shifted right by bytes. */
bool simd_do_palignr(struct simd *s)
{
    unsigned bytes = simd_is_xmm(s) ? 16 : 8;
    union vec low, high = simd_reg(s), d = { 0 };
    uint8_t count;
    if (!insn_imm8(s->in, &count) || !simd_source(s, &low, bytes))
        return false;
    for (unsigned i = 0; i < bytes; i++) {
        unsigned from = i + count;
        d.b[i] = from < bytes ? low.b[from] : from < 2 * bytes ? high.b[from - bytes] : 0;
    }
    simd_set_reg(s, &d);
    return true;
}
