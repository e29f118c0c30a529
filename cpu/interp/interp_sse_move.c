/* interp_sse_move.c - moves between MMX, XMM and general registers and memory. Non-temporal stores are plain stores
 * here. */
#include "interp_sse.h"

static bool load(struct simd *s, unsigned align)
{
    struct insn *in = s->in;
    union vec v;
    if (in->mod == 3)
        v = simd_xmm(s->cpu, in->rm);
    else if (!insn_read_bytes(in, in->seg, in->off, &v, 16, align))
        return false;
    simd_set_xmm(s->cpu, in->reg, &v);
    return true;
}

static bool store(struct simd *s, unsigned align)
{
    struct insn *in = s->in;
    union vec v = simd_xmm(s->cpu, in->reg);
    if (in->mod != 3)
        return insn_write_bytes(in, in->seg, in->off, &v, 16, align);
    simd_set_xmm(s->cpu, in->rm, &v);
    return true;
}

bool simd_do_load_aligned(struct simd *s)
{
    return load(s, 16);
}

bool simd_do_load_unaligned(struct simd *s)
{
    return load(s, 1);
}

bool simd_do_store_aligned(struct simd *s)
{
    return store(s, 16);
}

bool simd_do_store_unaligned(struct simd *s)
{
    return store(s, 1);
}

/* MOVSS, MOVSD: between registers only the low element moves; a load clears the rest. */
bool simd_do_load_scalar(struct simd *s)
{
    unsigned bytes = s->prefix == ISA_F3 ? 4 : 8;
    union vec v, source;
    if (!simd_source_xmm(s, &source, bytes))
        return false;
    v = s->in->mod == 3 ? simd_reg(s) : (union vec){ 0 };
    memcpy(&v, &source, bytes);
    simd_set_reg(s, &v);
    return true;
}

bool simd_do_store_scalar(struct simd *s)
{
    struct insn *in = s->in;
    unsigned bytes = s->prefix == ISA_F3 ? 4 : 8;
    union vec v = simd_reg(s);
    if (in->mod != 3)
        return insn_write(in, in->seg, in->off, bytes, bytes == 4 ? v.d[0] : v.q[0]);
    union vec d = simd_xmm(s->cpu, in->rm);
    memcpy(&d, &v, bytes);
    simd_set_xmm(s->cpu, in->rm, &d);
    return true;
}

/* MOVLPS, MOVLPD; between registers MOVHLPS: the source's high half. */
bool simd_do_load_low(struct simd *s)
{
    union vec d = simd_reg(s), source;
    if (!simd_source_xmm(s, &source, 8))
        return false;
    d.q[0] = s->in->mod == 3 ? source.q[1] : source.q[0];
    simd_set_reg(s, &d);
    return true;
}

/* MOVHPS, MOVHPD; between registers MOVLHPS. */
bool simd_do_load_high(struct simd *s)
{
    union vec d = simd_reg(s), source;
    if (!simd_source_xmm(s, &source, 8))
        return false;
    d.q[1] = source.q[0];
    simd_set_reg(s, &d);
    return true;
}

bool simd_do_store_low(struct simd *s)
{
    return insn_write(s->in, s->in->seg, s->in->off, 8, simd_reg(s).q[0]);
}

bool simd_do_store_high(struct simd *s)
{
    return insn_write(s->in, s->in->seg, s->in->off, 8, simd_reg(s).q[1]);
}

bool simd_do_load_movd(struct simd *s)
{
    struct insn *in = s->in;
    uint64_t value = (uint32_t)s->cpu->gpr[in->rm];
    if (in->mod != 3 && !insn_read(in, in->seg, in->off, 4, &value))
        return false;
    simd_set_reg(s, &(union vec){ .q = { value, 0 } });
    return true;
}

bool simd_do_store_movd(struct simd *s)
{
    struct insn *in = s->in;
    uint32_t value = simd_reg(s).d[0];
    if (in->mod != 3)
        return insn_write(in, in->seg, in->off, 4, value);
    s->cpu->gpr[in->rm] = value;
    return true;
}

bool simd_do_load_movq(struct simd *s)
{
    union vec source;
    if (!simd_source_xmm(s, &source, 8))
        return false;
    source.q[1] = 0;
    simd_set_reg(s, &source);
    return true;
}

bool simd_do_store_movq(struct simd *s)
{
    struct insn *in = s->in;
    union vec v = simd_reg(s);
    if (in->mod != 3)
        return insn_write(in, in->seg, in->off, 8, v.q[0]);
    v.q[1] = 0;
    simd_set_xmm(s->cpu, in->rm, &v);
    return true;
}

/* MOVQ mm/m64, mm; MOVNTQ. */
bool simd_do_store_movq_mm(struct simd *s)
{
    struct insn *in = s->in;
    union vec v = simd_reg(s);
    if (in->mod != 3)
        return insn_write(in, in->seg, in->off, 8, v.q[0]);
    simd_set_mm(s->cpu, in->rm, &v);
    return true;
}

bool simd_do_movq2dq(struct simd *s)
{
    union vec v = simd_mm(s->cpu, s->in->rm);
    simd_set_xmm(s->cpu, s->in->reg, &v);
    return true;
}

bool simd_do_movdq2q(struct simd *s)
{
    union vec v = simd_xmm(s->cpu, s->in->rm);
    simd_set_mm(s->cpu, s->in->reg, &v);
    return true;
}

bool simd_do_movnti(struct simd *s)
{
    struct insn *in = s->in;
    return insn_write(in, in->seg, in->off, 4, (uint32_t)s->cpu->gpr[in->reg]);
}

/* MASKMOVQ, MASKMOVDQU to DS:(E)DI. All is probed before a byte is written, so that a fault finds nothing done; the
 * bytes that the mask leaves out too, as on AMD Zen. */
bool simd_do_maskmov(struct simd *s)
{
    struct insn *in = s->in;
    union vec data = simd_reg(s), mask;
    uint32_t off_mask = in->addr_size == 2 ? 0xFFFF : UINT32_MAX;
    uint32_t off = (uint32_t)s->cpu->gpr[VX_RDI];
    if (!simd_source(s, &mask, 16))
        return false;
    for (unsigned i = 0; i < (simd_is_xmm(s) ? 16u : 8u); i += 8) {
        if (!insn_probe_write(in, in->seg, (off + i) & off_mask, 8))
            return false;
    }
    for (unsigned i = 0; i < (simd_is_xmm(s) ? 16u : 8u); i++)
        if ((mask.b[i] & 0x80) && !insn_write(in, in->seg, (off + i) & off_mask, 1, data.b[i]))
            return false;
    return true;
}
