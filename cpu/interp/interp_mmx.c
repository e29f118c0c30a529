/* interp_mmx.c - packed integer arithmetic, comparison, logic and shifts, for 8 bytes (MMX) and 16 (SSE2) alike. */
#include "interp_sse.h"

static int saturate(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

#define SATURATE_SB(v) ((uint8_t)saturate((v), INT8_MIN, INT8_MAX))
#define SATURATE_SW(v) ((uint16_t)saturate((v), INT16_MIN, INT16_MAX))
#define SATURATE_UB(v) ((uint8_t)saturate((v), 0, UINT8_MAX))
#define SATURATE_UW(v) ((uint16_t)saturate((v), 0, UINT16_MAX))

SIMD_LANES(paddb, uint8_t, b, 16, (uint8_t)(a + b))
SIMD_LANES(paddw, uint16_t, w, 8, (uint16_t)(a + b))
SIMD_LANES(paddd, uint32_t, d, 4, a + b)
SIMD_LANES(paddq, uint64_t, q, 2, a + b)
SIMD_LANES(psubb, uint8_t, b, 16, (uint8_t)(a - b))
SIMD_LANES(psubw, uint16_t, w, 8, (uint16_t)(a - b))
SIMD_LANES(psubd, uint32_t, d, 4, a - b)
SIMD_LANES(psubq, uint64_t, q, 2, a - b)
SIMD_LANES(paddsb, int8_t, b, 16, SATURATE_SB(a + b))
SIMD_LANES(paddsw, int16_t, w, 8, SATURATE_SW(a + b))
SIMD_LANES(paddusb, uint8_t, b, 16, SATURATE_UB(a + b))
SIMD_LANES(paddusw, uint16_t, w, 8, SATURATE_UW(a + b))
SIMD_LANES(psubsb, int8_t, b, 16, SATURATE_SB(a - b))
SIMD_LANES(psubsw, int16_t, w, 8, SATURATE_SW(a - b))
SIMD_LANES(psubusb, uint8_t, b, 16, SATURATE_UB(a - b))
SIMD_LANES(psubusw, uint16_t, w, 8, SATURATE_UW(a - b))
SIMD_LANES(pminub, uint8_t, b, 16, a < b ? a : b)
SIMD_LANES(pmaxub, uint8_t, b, 16, a > b ? a : b)
SIMD_LANES(pminsw, int16_t, w, 8, (uint16_t)(a < b ? a : b))
SIMD_LANES(pmaxsw, int16_t, w, 8, (uint16_t)(a > b ? a : b))
SIMD_LANES(pavgb, uint8_t, b, 16, (uint8_t)((a + b + 1) >> 1))
SIMD_LANES(pavgw, uint16_t, w, 8, (uint16_t)((a + b + 1) >> 1))
SIMD_LANES(pcmpeqb, uint8_t, b, 16, a == b ? 0xFF : 0)
SIMD_LANES(pcmpeqw, uint16_t, w, 8, a == b ? 0xFFFF : 0)
SIMD_LANES(pcmpeqd, uint32_t, d, 4, a == b ? UINT32_MAX : 0)
SIMD_LANES(pcmpgtb, int8_t, b, 16, a > b ? 0xFF : 0)
SIMD_LANES(pcmpgtw, int16_t, w, 8, a > b ? 0xFFFF : 0)
SIMD_LANES(pcmpgtd, int32_t, d, 4, a > b ? UINT32_MAX : 0)
SIMD_LANES(pmullw, uint16_t, w, 8, (uint16_t)((uint32_t)a *b))
SIMD_LANES(pmulhw, int16_t, w, 8, (uint16_t)((uint32_t)(a *b) >> 16))
SIMD_LANES(pmulhuw, uint16_t, w, 8, (uint16_t)((uint32_t)a *b >> 16))
SIMD_LANES(pmuludq, uint32_t, q, 2, (uint64_t)a *b)
SIMD_LANES(pand, uint64_t, q, 2, a &b)
SIMD_LANES(pandn, uint64_t, q, 2, ~a &b)
SIMD_LANES(por, uint64_t, q, 2, a | b)
SIMD_LANES(pxor, uint64_t, q, 2, a ^ b)

void simd_move(union vec *d, const union vec *s, unsigned bytes)
{
    memcpy(d, s, bytes);
}

void simd_pmaddwd(union vec *d, const union vec *s, unsigned bytes)
{
    for (unsigned i = 0; i < bytes / 4; i++) {
        int32_t low = (int16_t)d->w[2 * i] * (int16_t)s->w[2 * i];
        int32_t high = (int16_t)d->w[2 * i + 1] * (int16_t)s->w[2 * i + 1];
        d->d[i] = (uint32_t)low + (uint32_t)high;
    }
}

void simd_psadbw(union vec *d, const union vec *s, unsigned bytes)
{
    for (unsigned i = 0; i < bytes / 8; i++) {
        uint64_t sum = 0;
        for (unsigned j = 8 * i; j < 8 * i + 8; j++)
            sum += (uint64_t)(d->b[j] > s->b[j] ? d->b[j] - s->b[j] : s->b[j] - d->b[j]);
        d->q[i] = sum;
    }
}

/* Shifts: one count for all elements, the whole low quadword of the source. Too large a count gives zeros, or signs. */
#define SHIFT_LANES(op, field, size, bits, too_large, expr)              \
    void simd_##op(union vec *v, const union vec *s, unsigned bytes)     \
    {                                                                    \
        const uint64_t wide = s->q[0];                                   \
        const unsigned n = wide < (bits) ? (unsigned)wide : (too_large); \
        const bool gone = wide >= (bits) && (too_large) == (bits);       \
        for (unsigned i = 0; i < bytes / (size); i++) {                  \
            const uint64_t a = v->field[i];                              \
            v->field[i] = 0;                                             \
            if (!gone)                                                   \
                v->field[i] = (expr);                                    \
        }                                                                \
    }

SHIFT_LANES(psrlw, w, 2, 16, 16, (uint16_t)(a >> n))
SHIFT_LANES(psrld, d, 4, 32, 32, (uint32_t)(a >> n))
SHIFT_LANES(psrlq, q, 8, 64, 64, a >> n)
SHIFT_LANES(psllw, w, 2, 16, 16, (uint16_t)(a << n))
SHIFT_LANES(pslld, d, 4, 32, 32, (uint32_t)(a << n))
SHIFT_LANES(psllq, q, 8, 64, 64, a << n)
SHIFT_LANES(psraw, w, 2, 16, 15, (uint16_t)((int16_t)a >> n))
SHIFT_LANES(psrad, d, 4, 32, 31, (uint32_t)((int32_t)a >> n))

static void psrldq(union vec *d, unsigned count)
{
    for (unsigned i = 0; i < 16; i++)
        d->b[i] = i + count < 16 ? d->b[i + count] : 0;
}

static void pslldq(union vec *d, unsigned count)
{
    for (unsigned i = 16; i-- > 0;)
        d->b[i] = i >= count ? d->b[i - count] : 0;
}

/* 0F 71, 72, 73: the shifted register is ModRM.rm. */
bool simd_do_shift_immediate(struct simd *s)
{
    static simd_lane *const lanes[3][8] = {
        { [2] = simd_psrlw, [4] = simd_psraw, [6] = simd_psllw },
        { [2] = simd_psrld, [4] = simd_psrad, [6] = simd_pslld },
        { [2] = simd_psrlq, [6] = simd_psllq },
    };
    struct insn *in = s->in;
    bool bytewise = in->opcode == 0x73 && simd_is_xmm(s) && (in->reg == 3 || in->reg == 7);
    uint8_t count;
    simd_lane *lane = lanes[in->opcode - 0x71][in->reg];
    if (lane == NULL && !bytewise)
        return insn_ud(in);
    if (!insn_imm8(in, &count))
        return false;
    union vec d = simd_is_xmm(s) ? simd_xmm(s->cpu, in->rm) : simd_mm(s->cpu, in->rm);
    if (!bytewise)
        lane(&d, &(union vec){ .q = { count, 0 } }, simd_is_xmm(s) ? 16 : 8);
    else if (in->reg == 3)
        psrldq(&d, count);
    else
        pslldq(&d, count);
    if (simd_is_xmm(s))
        simd_set_xmm(s->cpu, in->rm, &d);
    else
        simd_set_mm(s->cpu, in->rm, &d);
    return true;
}

/* Tags empty; the registers keep their contents. */
bool simd_do_emms(struct simd *s)
{
    s->cpu->fx[FX_FTW] = 0;
    x87_set_top(s->cpu, 0);
    s->leaves_mmx = true;
    return true;
}
