/* interp_sse_state.c - the 0F AE group: FXSAVE, FXRSTOR, LDMXCSR, STMXCSR, the fences and CLFLUSH.
 *
 * FXSAVE writes the 288 bytes that hold state in 32-bit mode (through XMM7) and leaves the rest of the 512 as it is,
 * but all 512 must be accessible. */
#include "interp_sse.h"
#include "interp_table.h"
#include "interp_x87.h"

#define FXSAVE_STATE_BYTES 288

/* The area's own alignment rule; with alignment checking on, what is not even a multiple of 4 is #AC (as on AMD Zen).
 * */
static bool area_aligned(struct insn *in)
{
    uint64_t lin = in->cpu->seg[in->seg].base + in->off;
    if (in->align_check && (lin & 3) != 0)
        return insn_fault_code(in, VX_AC, 0);
    return (lin & 15) == 0 || insn_gp0(in);
}

/* Bits of MXCSR that are there: DAZ came with SSE2. */
static uint32_t mxcsr_mask(const struct vx_vcpu *cpu)
{
    return vx_cpu_has(cpu->model, VX_F_SSE2) ? 0xFFFF : 0xFFBF;
}

/* MXCSR_MASK in the image; 0, from before there was one, stands for FFBFh. */
static uint32_t stored_mask(const struct vx_vcpu *cpu)
{
    return vx_cpu_has(cpu->model, VX_F_SSE2) ? mxcsr_mask(cpu) : 0;
}

static bool area_available(struct insn *in)
{
    return !(in->cpu->cr0 & (VX_CR0_EM | VX_CR0_TS)) || insn_fault(in, VX_NM);
}

bool interp_fxsave(struct insn *in)
{
    uint8_t image[FXSAVE_STATE_BYTES];
    uint32_t mask = stored_mask(in->cpu);
    uint64_t lin;
    if (!area_available(in))
        return false;
    if (!insn_seg_check(in, in->seg, in->off, FX_BYTES, VX_ACCESS_WRITE, &lin) || !area_aligned(in))
        return false;
    if (!insn_probe_write(in, in->seg, in->off, FX_BYTES))
        return false;
    memcpy(image, in->cpu->fx, sizeof image);
    memcpy(image + FX_MXCSR_MASK, &mask, sizeof mask);
    if (!vx_cpu_has(in->cpu->model, VX_F_SSE))
        memset(image + FX_MXCSR, 0, 8);
    return insn_write_bytes(in, in->seg, in->off, image, vx_cpu_has(in->cpu->model, VX_F_SSE) ? sizeof image : FX_XMM,
                            16);
}

bool interp_fxrstor(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    uint8_t image[FX_BYTES];
    uint32_t mxcsr;
    if (!area_available(in) || !area_aligned(in) || !insn_read_bytes(in, in->seg, in->off, image, sizeof image, 16))
        return false;
    memcpy(&mxcsr, image + FX_MXCSR, sizeof mxcsr);
    bool sse = vx_cpu_has(cpu->model, VX_F_SSE);
    if (sse && (mxcsr & ~mxcsr_mask(cpu)))
        return insn_gp0(in);
    if (!sse) /* a Pentium II: the x87 part of the image alone counts */
        memcpy(image + FX_MXCSR, cpu->fx + FX_MXCSR, 8);
    uint16_t was_pending = fx_get16(cpu, FX_FSW) & FSW_ES;
    memcpy(cpu->fx, image, sse ? FXSAVE_STATE_BYTES : FX_XMM);
    fx_set16(cpu, FX_FCW, (fx_get16(cpu, FX_FCW) & 0x1F3F) | 0x40);
    fx_set16(cpu, FX_FSW, fx_get16(cpu, FX_FSW) | was_pending); /* lets the summary see FERR# fall */
    fx_set16(cpu, FX_FOP, fx_get16(cpu, FX_FOP) & 0x7FF);
    cpu->fx[FX_FTW + 1] = 0;
    x87_hide_selectors(cpu);
    for (unsigned i = 0; i < 8; i++)
        memset(cpu->fx + FX_ST + 16 * i + 10, 0, 6);
    x87_update_summary(cpu);
    return true;
}

static bool mxcsr_available(struct insn *in)
{
    if ((in->cpu->cr0 & VX_CR0_EM) || !(in->cpu->cr4 & VX_CR4_OSFXSR))
        return insn_ud(in);
    if (in->cpu->cr0 & VX_CR0_TS)
        return insn_fault(in, VX_NM);
    return true;
}

bool interp_ldmxcsr(struct insn *in)
{
    uint64_t value;
    if (!mxcsr_available(in) || !insn_read(in, in->seg, in->off, 4, &value))
        return false;
    if (value & ~(uint64_t)mxcsr_mask(in->cpu))
        return insn_gp0(in);
    fx_set32(in->cpu, FX_MXCSR, (uint32_t)value);
    return true;
}

bool interp_stmxcsr(struct insn *in)
{
    return mxcsr_available(in) && insn_write(in, in->seg, in->off, 4, fx_get32(in->cpu, FX_MXCSR));
}

/* A flushed line must be readable, or in an execute-only segment; nothing else happens to it here. */
bool interp_clflush(struct insn *in)
{
    uint64_t lin;
    return insn_seg_check(in, in->seg, in->off, 1, VX_ACCESS_FETCH, &lin) &&
           vx_mmu_probe(in->cpu->mmu, lin, 1, VX_ACCESS_READ, vx_view_of(in->cpu));
}
