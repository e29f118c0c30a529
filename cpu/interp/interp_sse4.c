/* interp_sse4.c - the integer part of SSE4.1, and PCMPGTQ: minima and maxima, products, extensions, blends, insertions,
 * extractions, PTEST, MPSADBW, PHMINPOSUW. */
#include "interp_sse.h"

SIMD_LANES(pminsb, int8_t, b, 16, (uint8_t)(a < b ? a : b))
SIMD_LANES(pmaxsb, int8_t, b, 16, (uint8_t)(a > b ? a : b))
SIMD_LANES(pminuw, uint16_t, w, 8, a < b ? a : b)
SIMD_LANES(pmaxuw, uint16_t, w, 8, a > b ? a : b)
SIMD_LANES(pminsd, int32_t, d, 4, (uint32_t)(a < b ? a : b))
SIMD_LANES(pmaxsd, int32_t, d, 4, (uint32_t)(a > b ? a : b))
SIMD_LANES(pminud, uint32_t, d, 4, a < b ? a : b)
SIMD_LANES(pmaxud, uint32_t, d, 4, a > b ? a : b)
SIMD_LANES(pmulld, uint32_t, d, 4, a *b)
SIMD_LANES(pmuldq, int32_t, q, 2, (uint64_t)((int64_t)a *b))
SIMD_LANES(pcmpeqq, uint64_t, q, 2, a == b ? UINT64_MAX : 0)
SIMD_LANES(pcmpgtq, int64_t, q, 2, a > b ? UINT64_MAX : 0)

static uint16_t clip_to_u16(int32_t value)
{
    return (uint16_t)(value < 0 ? 0 : value > UINT16_MAX ? UINT16_MAX : value);
}

void simd_packusdw(union vec *d, const union vec *s, unsigned bytes)
{
    const union vec a = *d, b = *s;
    (void)bytes;
    for (unsigned i = 0; i < 4; i++) {
        d->w[i] = clip_to_u16((int32_t)a.d[i]);
        d->w[4 + i] = clip_to_u16((int32_t)b.d[i]);
    }
}

/* The smallest of eight words and its index. */
void simd_phminposuw(union vec *d, const union vec *s, unsigned bytes)
{
    unsigned least = 0;
    (void)bytes;
    for (unsigned i = 1; i < 8; i++)
        if (s->w[i] < s->w[least])
            least = i;
    *d = (union vec){ .w = { s->w[least], (uint16_t)least } };
}

static uint64_t extended(const union vec *v, unsigned size, unsigned i, bool is_signed)
{
    switch (size) {
    case 1: return is_signed ? (uint64_t)(int8_t)v->b[i] : v->b[i];
    case 2: return is_signed ? (uint64_t)(int16_t)v->w[i] : v->w[i];
    default: return is_signed ? (uint64_t)(int32_t)v->d[i] : v->d[i];
    }
}

/* PMOVSX (0F 38 20..25), PMOVZX (30..35): BW BD BQ WD WQ DQ. */
bool simd_do_pmovx(struct simd *s)
{
    static const struct {
        uint8_t from, to;
    } sizes[6] = { { 1, 2 }, { 1, 4 }, { 1, 8 }, { 2, 4 }, { 2, 8 }, { 4, 8 } };
    unsigned kind = s->in->opcode & 15, from = sizes[kind].from, to = sizes[kind].to;
    union vec source, d;
    if (!simd_source(s, &source, 16 / to * from))
        return false;
    for (unsigned i = 0; i < 16 / to; i++) {
        uint64_t value = extended(&source, from, i, s->in->opcode < 0x30);
        memcpy(d.b + i * to, &value, to);
    }
    simd_set_reg(s, &d);
    return true;
}

/* Elements of `size` whose bit in `mask` is set come from the source. */
static void blend(union vec *d, const union vec *source, unsigned size, unsigned mask)
{
    for (unsigned i = 0; i < 16 / size; i++)
        if (mask >> i & 1)
            memcpy(d->b + i * size, source->b + i * size, size);
}

/* BLENDPS, BLENDPD, PBLENDW (0F 3A 0C..0E). */
bool simd_do_blend(struct simd *s)
{
    static const uint8_t sizes[3] = { 4, 8, 2 };
    union vec d = simd_reg(s), source;
    uint8_t mask;
    if (!insn_imm8(s->in, &mask) || !simd_source(s, &source, 16))
        return false;
    blend(&d, &source, sizes[s->in->opcode - 0x0C], mask);
    simd_set_reg(s, &d);
    return true;
}

/* PBLENDVB, BLENDVPS, BLENDVPD (0F 38 10, 14, 15): the elements' top bits in XMM0 choose. */
bool simd_do_blendv(struct simd *s)
{
    unsigned size = s->in->opcode == 0x10 ? 1 : s->in->opcode == 0x14 ? 4 : 8, mask = 0;
    union vec d = simd_reg(s), source, chooser = simd_xmm(s->cpu, 0);
    if (!simd_source(s, &source, 16))
        return false;
    for (unsigned i = 0; i < 16 / size; i++)
        mask |= (unsigned)(chooser.b[i * size + size - 1] >> 7) << i;
    blend(&d, &source, size, mask);
    simd_set_reg(s, &d);
    return true;
}

bool simd_do_ptest(struct simd *s)
{
    union vec d = simd_reg(s), source;
    if (!simd_source(s, &source, 16))
        return false;
    bool zero = ((source.q[0] & d.q[0]) | (source.q[1] & d.q[1])) == 0;
    bool carry = ((source.q[0] & ~d.q[0]) | (source.q[1] & ~d.q[1])) == 0;
    s->cpu->eflags = (s->cpu->eflags & ~(uint32_t)VX_FL_ARITH) | (zero ? VX_FL_ZF : 0u) | (carry ? VX_FL_CF : 0u);
    return true;
}

/* PEXTRB, PEXTRW, PEXTRD, EXTRACTPS (0F 3A 14..17): into a whole general register, or as much memory as the element. */
bool simd_do_pextr(struct simd *s)
{
    struct insn *in = s->in;
    unsigned size = in->opcode == 0x14 ? 1 : in->opcode == 0x15 ? 2 : 4;
    union vec v = simd_reg(s);
    uint8_t index;
    uint32_t value = 0;
    if (!insn_imm8(in, &index))
        return false;
    memcpy(&value, v.b + (index & (16 / size - 1)) * size, size);
    if (in->mod != 3)
        return insn_write(in, in->seg, in->off, size, value);
    s->cpu->gpr[in->rm] = value;
    return true;
}

/* PINSRB, PINSRD (0F 3A 20, 22). */
bool simd_do_pinsr(struct simd *s)
{
    struct insn *in = s->in;
    unsigned size = in->opcode == 0x20 ? 1 : 4;
    union vec d = simd_reg(s);
    uint64_t value = s->cpu->gpr[in->rm];
    uint8_t index;
    if (!insn_imm8(in, &index) || (in->mod != 3 && !insn_read(in, in->seg, in->off, size, &value)))
        return false;
    memcpy(d.b + (index & (16 / size - 1)) * size, &value, size);
    simd_set_reg(s, &d);
    return true;
}

/* INSERTPS: imm 7:6 source element (of a register), 5:4 destination element, 3:0 elements to clear. */
bool simd_do_insertps(struct simd *s)
{
    struct insn *in = s->in;
    union vec d = simd_reg(s), source;
    uint8_t imm;
    if (!insn_imm8(in, &imm) || !simd_source(s, &source, 4))
        return false;
    d.d[imm >> 4 & 3] = source.d[in->mod == 3 ? imm >> 6 : 0];
    for (unsigned i = 0; i < 4; i++)
        if (imm >> i & 1)
            d.d[i] = 0;
    simd_set_reg(s, &d);
    return true;
}

/* MPSADBW: imm 1:0 names four source bytes, imm 2 where the eleven of the destination begin. */
bool simd_do_mpsadbw(struct simd *s)
{
    union vec a = simd_reg(s), source, d;
    uint8_t imm;
    if (!insn_imm8(s->in, &imm) || !simd_source(s, &source, 16))
        return false;
    const uint8_t *block = source.b + (imm & 3) * 4, *window = a.b + (imm >> 2 & 1) * 4;
    for (unsigned i = 0; i < 8; i++) {
        d.w[i] = 0;
        for (unsigned j = 0; j < 4; j++)
            d.w[i] =
                (uint16_t)(d.w[i] + (window[i + j] > block[j] ? window[i + j] - block[j] : block[j] - window[i + j]));
    }
    simd_set_reg(s, &d);
    return true;
}
