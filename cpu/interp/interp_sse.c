/* interp_sse.c - the way in of MMX, SSE and SSE2: which encodings exist, what they need, and where they go.
 *
 * Order of checks as on the CPU: #UD (CR0.EM, CR4.OSFXSR, encoding), #NM (CR0.TS), a pending x87 exception for those
 * that use MMX registers, the memory operand, then SIMD exceptions (SDM 2A "Exception Conditions of Legacy SIMD
 * Instructions Operating on MMX Registers"; SDM 1 "SSE, SSE2, SSE3 and SSSE3 SIMD Floating-Point Exceptions").
 *
 *   I1  The transition to MMX state (TOP = 0, all tags valid) is made after the instruction's own work, so that a
 *       memory fault leaves the x87 state alone.
 *   I2  CVTPI2PS and CVTPI2PD with a memory operand do not use MMX state at all (SDM 2 "CVTPI2PD"; AMD does CVTPI2PS
 *       so too). */
#include "interp_sse.h"

#include "isa_form.h"

struct simd_op {
    bool (*run)(struct simd *s); /* NULL: #UD */
    simd_lane *combine;
    uint8_t feature; /* enum vx_cpu_feature */
    uint16_t shape;  /* enum isa_shape */
};

#define SIMD(opcode, prefix, at, name, form, feature, lowering, handler, lane) \
    [ISA_MAP - 1][opcode][ISA_##prefix] = { simd_do_##handler, simd_##lane, VX_F_##feature, ISA_SHAPE(form) },

/* By map (0F, 0F 38, 0F 3A), opcode and prefix; what ModRM divides has one handler. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
static const struct simd_op simd_table[ISA_MAPS - 1][256][4] = {
#include "isa.def"
};
#pragma GCC diagnostic pop

void simd_none(union vec *d, const union vec *s, unsigned bytes)
{
    (void)d;
    (void)s;
    (void)bytes;
}

static enum isa_prefix prefix_of(const struct insn *in)
{
    if (in->rep != REP_NONE)
        return in->rep == REP_E ? ISA_F3 : ISA_F2;
    return in->prefix_66 ? ISA_66 : ISA_NP;
}

/* Illegal forms that the table lets through (groups 12 to 14): #UD comes before #NM and #MF, the fetch before all. */
static bool check_encoding(struct insn *in)
{
    const struct vx_isa_insn encoding = {
        .map = in->map, .opcode = in->opcode, .modrm = in->modrm, .rep = in->rep, .prefix_66 = in->prefix_66
    };
    bool other = (in->cpu->cr0 & VX_CR0_TS) || (fx_get16(in->cpu, FX_FSW) & FSW_ES);
    if (!other)
        return true;
    return vx_isa_legal(in->cpu->model, &encoding) ? insn_fetch_whole(in) : insn_ud(in);
}

/* True when the instruction may go on; *again as for x87_check_pending(). */
static bool check_available(struct insn *in, unsigned shape, bool *again)
{
    struct vx_vcpu *cpu = in->cpu;
    *again = false;
    if (!(shape & (ISA_XMM | ISA_MMX))) /* MOVNTI */
        return true;
    if ((cpu->cr0 & VX_CR0_EM) || ((shape & ISA_XMM) && !(cpu->cr4 & VX_CR4_OSFXSR)))
        return insn_ud(in);
    if (!check_encoding(in))
        return false;
    if (cpu->cr0 & VX_CR0_TS)
        return insn_fault(in, VX_NM);
    return !(shape & ISA_MMX) || x87_check_pending(in, again);
}

bool interp_sse(struct insn *in)
{
    struct simd s = { .in = in, .cpu = in->cpu, .prefix = prefix_of(in) };
    const struct simd_op *op = &simd_table[in->map - 1][in->opcode][s.prefix];
    s.shape = op->shape;
    if (in->map == 1 && in->opcode == 0x2A && in->mod != 3)
        s.shape &= ~(unsigned)ISA_MMX; /* keeps I2 */
    s.combine = op->combine;
    if (op->run == NULL || !cpu_model_has(in->cpu->model, (enum vx_cpu_feature)op->feature) ||
        (in->mod == 3 ? s.shape & ISA_MEM : s.shape & ISA_REG))
        return insn_ud(in);
    bool again;
    if (!check_available(in, s.shape, &again))
        return false;
    if (again) {
        in->next_eip = in->start_eip;
        return true;
    }
    if (!op->run(&s))
        return false;
    if ((s.shape & ISA_MMX) && !s.leaves_mmx)
        simd_enter_mmx(in->cpu);
    return true;
}

union vec simd_reg(const struct simd *s)
{
    return simd_is_xmm(s) ? simd_xmm(s->cpu, s->in->reg) : simd_mm(s->cpu, s->in->reg);
}

void simd_set_reg(struct simd *s, const union vec *v)
{
    if (simd_is_xmm(s))
        simd_set_xmm(s->cpu, s->in->reg, v);
    else
        simd_set_mm(s->cpu, s->in->reg, v);
}

static bool read_memory(struct simd *s, union vec *v, unsigned bytes)
{
    struct insn *in = s->in;
    *v = (union vec){ 0 };
    if (bytes == 16)
        return insn_read_bytes(in, in->seg, in->off, v, 16, 16);
    return insn_read(in, in->seg, in->off, bytes, &v->q[0]);
}

bool simd_source(struct simd *s, union vec *v, unsigned bytes)
{
    if (s->in->mod != 3)
        return read_memory(s, v, bytes);
    *v = simd_is_xmm(s) ? simd_xmm(s->cpu, s->in->rm) : simd_mm(s->cpu, s->in->rm);
    return true;
}

bool simd_source_xmm(struct simd *s, union vec *v, unsigned bytes)
{
    if (s->in->mod != 3)
        return read_memory(s, v, bytes);
    *v = simd_xmm(s->cpu, s->in->rm);
    return true;
}

/* Two-operand instructions without floating-point exceptions. */
bool simd_do_packed(struct simd *s)
{
    unsigned bytes = simd_is_xmm(s) ? 16 : 8;
    union vec d = simd_reg(s), source;
    if (!simd_source(s, &source, s->shape & ISA_LOW ? 4 : bytes))
        return false;
    s->combine(&d, &source, bytes);
    simd_set_reg(s, &d);
    return true;
}
