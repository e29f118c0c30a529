/* interp_sse_pack.c - pack, unpack, shuffle, insert, extract and masks, for MMX and XMM registers. */
#include "interp_sse.h"

/* Interleaves elements of the low (or high) halves: d0 s0 d1 s1 ... */
static void interleave(union vec *d, const union vec *s, unsigned bytes, unsigned size, bool high)
{
    const union vec a = *d;
    unsigned from = high ? bytes / 2 : 0;
    for (unsigned i = 0; i < bytes / 2; i += size) {
        memcpy(d->b + 2 * i, a.b + from + i, size);
        memcpy(d->b + 2 * i + size, s->b + from + i, size);
    }
}

void simd_punpcklbw(union vec *d, const union vec *s, unsigned bytes)
{
    interleave(d, s, bytes, 1, false);
}
void simd_punpcklwd(union vec *d, const union vec *s, unsigned bytes)
{
    interleave(d, s, bytes, 2, false);
}
void simd_punpckldq(union vec *d, const union vec *s, unsigned bytes)
{
    interleave(d, s, bytes, 4, false);
}
void simd_punpcklqdq(union vec *d, const union vec *s, unsigned bytes)
{
    interleave(d, s, bytes, 8, false);
}
void simd_punpckhbw(union vec *d, const union vec *s, unsigned bytes)
{
    interleave(d, s, bytes, 1, true);
}
void simd_punpckhwd(union vec *d, const union vec *s, unsigned bytes)
{
    interleave(d, s, bytes, 2, true);
}
void simd_punpckhdq(union vec *d, const union vec *s, unsigned bytes)
{
    interleave(d, s, bytes, 4, true);
}
void simd_punpckhqdq(union vec *d, const union vec *s, unsigned bytes)
{
    interleave(d, s, bytes, 8, true);
}

static int32_t clip(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

static void pack_words(union vec *d, const union vec *s, unsigned bytes, int32_t low, int32_t high)
{
    const union vec a = *d;
    unsigned half = bytes / 2;
    for (unsigned i = 0; i < half; i++) {
        d->b[i] = (uint8_t)clip((int16_t)a.w[i], low, high);
        d->b[half + i] = (uint8_t)clip((int16_t)s->w[i], low, high);
    }
}

/* s may be as long as d: the upper half of d->b is written from s->w, which is another vector. */
void simd_packsswb(union vec *d, const union vec *s, unsigned bytes)
{
    pack_words(d, s, bytes, INT8_MIN, INT8_MAX);
}
void simd_packuswb(union vec *d, const union vec *s, unsigned bytes)
{
    pack_words(d, s, bytes, 0, UINT8_MAX);
}

void simd_packssdw(union vec *d, const union vec *s, unsigned bytes)
{
    const union vec a = *d;
    unsigned half = bytes / 4;
    for (unsigned i = 0; i < half; i++) {
        d->w[i] = (uint16_t)clip((int32_t)a.d[i], INT16_MIN, INT16_MAX);
        d->w[half + i] = (uint16_t)clip((int32_t)s->d[i], INT16_MIN, INT16_MAX);
    }
}

/* Four words at `first`, chosen by two bits each of `order`. */
static void shuffle_words(union vec *d, const union vec *s, unsigned first, uint8_t order)
{
    for (unsigned i = 0; i < 4; i++)
        d->w[first + i] = s->w[first + (order >> (2 * i) & 3)];
}

/* PSHUFW, PSHUFD, PSHUFHW, PSHUFLW. */
bool simd_do_pshuf(struct simd *s)
{
    uint8_t order;
    union vec source;
    if (!insn_imm8(s->in, &order) || !simd_source(s, &source, simd_is_xmm(s) ? 16 : 8))
        return false;
    union vec d = source;
    if (s->prefix == ISA_66) {
        for (unsigned i = 0; i < 4; i++)
            d.d[i] = source.d[order >> (2 * i) & 3];
    } else {
        shuffle_words(&d, &source, s->prefix == ISA_F3 ? 4 : 0, order);
    }
    simd_set_reg(s, &d);
    return true;
}

/* SHUFPS, SHUFPD: the low half from the destination, the high half from the source. */
bool simd_do_shufp(struct simd *s)
{
    uint8_t order;
    union vec source, a = simd_reg(s), d;
    if (!insn_imm8(s->in, &order) || !simd_source(s, &source, 16))
        return false;
    if (s->prefix == ISA_66) {
        d.q[0] = a.q[order & 1];
        d.q[1] = source.q[order >> 1 & 1];
    } else {
        for (unsigned i = 0; i < 4; i++)
            d.d[i] = (i < 2 ? &a : &source)->d[order >> (2 * i) & 3];
    }
    simd_set_reg(s, &d);
    return true;
}

bool simd_do_pinsrw(struct simd *s)
{
    struct insn *in = s->in;
    uint8_t index;
    uint64_t word = s->cpu->gpr[in->rm];
    union vec d = simd_reg(s);
    if (!insn_imm8(in, &index))
        return false;
    if (in->mod != 3 && !insn_read(in, in->seg, in->off, 2, &word))
        return false;
    d.w[index & (simd_is_xmm(s) ? 7 : 3)] = (uint16_t)word;
    simd_set_reg(s, &d);
    return true;
}

bool simd_do_pextrw(struct simd *s)
{
    uint8_t index;
    union vec source;
    if (!insn_imm8(s->in, &index) || !simd_source(s, &source, 16))
        return false;
    s->cpu->gpr[s->in->reg] = source.w[index & (simd_is_xmm(s) ? 7 : 3)];
    return true;
}

bool simd_do_pmovmskb(struct simd *s)
{
    union vec source;
    uint32_t mask = 0;
    if (!simd_source(s, &source, 16))
        return false;
    for (unsigned i = 0; i < (simd_is_xmm(s) ? 16u : 8u); i++)
        mask |= (uint32_t)(source.b[i] >> 7) << i;
    s->cpu->gpr[s->in->reg] = mask;
    return true;
}

/* MOVMSKPS, MOVMSKPD. */
bool simd_do_movmsk(struct simd *s)
{
    union vec source;
    if (!simd_source(s, &source, 16))
        return false;
    uint64_t mask = source.q[0] >> 63 | source.q[1] >> 63 << 1;
    if (s->prefix == ISA_NP)
        mask = source.d[0] >> 31 | source.d[1] >> 31 << 1 | source.d[2] >> 31 << 2 | source.d[3] >> 31 << 3;
    s->cpu->gpr[s->in->reg] = mask;
    return true;
}
