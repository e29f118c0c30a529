/* interp_mem.c - data accesses that the inline fast path (interp_operand.h) leaves: segment checks, alignment checks,
 * breakpoints, the mmu's slow path, and operands wider than 8 bytes.
 *
 * Order of checks: segment (limit and type), alignment, page. SDM 3A "Priority Among Simultaneous Exceptions and
 * Interrupts" has #AC behind #PF; AMD Zen raises #AC first, wherever the page is. */
#include "debug_registers.h"
#include "interp_operand.h"
#include "segment.h"

bool insn_fault(struct insn *in, uint8_t vector)
{
    return fault_plain(in->cpu, vector);
}

bool insn_fault_code(struct insn *in, uint8_t vector, uint32_t error)
{
    return fault_code(in->cpu, vector, error);
}

bool insn_gp0(struct insn *in)
{
    return fault_code(in->cpu, VX_GP, 0);
}

/* Type rules hold in protected mode only; real mode may write through CS whatever was loaded there before. Code that
 * may only be executed may be fetched, too (CLFLUSH). */
static bool type_allows(const struct vx_vcpu *cpu, const struct vx_seg *s, enum vx_access access)
{
    if (vx_real_mode(cpu))
        return true;
    bool code = s->attr & VX_ATTR_CODE, bit1 = s->attr & VX_ATTR_WRITABLE;
    return access == VX_ACCESS_WRITE ? !code && bit1 : access == VX_ACCESS_FETCH || !code || bit1;
}

bool insn_seg_check(struct insn *in, unsigned seg, uint64_t off, unsigned bytes, enum vx_access access, uint64_t *lin)
{
    const struct vx_seg *s = &in->cpu->seg[seg];
    if (!seg_in_limit(s, off, bytes) || !type_allows(in->cpu, s, access))
        return insn_fault_code(in, seg == VX_SS ? VX_SEG_SS : VX_GP, 0);
    *lin = vx_lin_wrap(s->base + off);
    return true;
}

/* SDM 3A "Alignment-Check Exception", its table of data types; the images of the x87 by their fields. */
static unsigned natural_alignment(unsigned bytes)
{
    switch (bytes) {
    case 10: return 8; /* double extended real, packed BCD */
    case 14:
    case 94: return 2;
    case 28:
    case 108: return 4;
    case 512: return 16;
    default: return bytes & (bytes - 1) ? 1 : bytes;
    }
}

/* Alignment and breakpoints of an access that is otherwise allowed. */
static bool careful_check(struct insn *in, uint64_t lin, unsigned bytes, enum vx_access access)
{
    if (in->align_check && (lin & (natural_alignment(bytes) - 1)) != 0)
        return insn_fault_code(in, VX_AC, 0);
    if (in->watch)
        in->dr6_hits |= dr_data_hits(in->cpu, lin, bytes, access == VX_ACCESS_WRITE);
    return true;
}

static bool checked_lin(struct insn *in, unsigned seg, uint64_t off, unsigned bytes, enum vx_access access,
                        uint64_t *lin)
{
    if (!insn_seg_check(in, seg, off, bytes, access, lin))
        return false;
    return VX_LIKELY(!in->careful) || careful_check(in, *lin, bytes, access);
}

bool insn_read(struct insn *in, unsigned seg, uint64_t off, unsigned size, uint64_t *value)
{
    uint64_t lin;
    return checked_lin(in, seg, off, size, VX_ACCESS_READ, &lin) &&
           vx_mmu_read(in->cpu->mmu, lin, size, in->view, value);
}

bool insn_write(struct insn *in, unsigned seg, uint64_t off, unsigned size, uint64_t value)
{
    uint64_t lin;
    return checked_lin(in, seg, off, size, VX_ACCESS_WRITE, &lin) &&
           vx_mmu_write(in->cpu->mmu, lin, size, in->view, value);
}

/* SSE's own alignment rule comes before limit and #AC, as in silicon: always #GP(0), in the stack segment too. */
static bool misaligned(const struct insn *in, unsigned seg, uint64_t off, unsigned align)
{
    return ((in->cpu->seg[seg].base + off) & (align - 1)) != 0;
}

bool insn_read_bytes(struct insn *in, unsigned seg, uint64_t off, void *buf, unsigned bytes, unsigned align)
{
    uint64_t lin;
    if (misaligned(in, seg, off, align))
        return insn_gp0(in);
    if (!checked_lin(in, seg, off, bytes, VX_ACCESS_READ, &lin))
        return false;
    return vx_mmu_read_bytes(in->cpu->mmu, lin, buf, bytes, in->view);
}

bool insn_write_bytes(struct insn *in, unsigned seg, uint64_t off, const void *buf, unsigned bytes, unsigned align)
{
    uint64_t lin;
    if (misaligned(in, seg, off, align))
        return insn_gp0(in);
    if (!checked_lin(in, seg, off, bytes, VX_ACCESS_WRITE, &lin))
        return false;
    return vx_mmu_write_bytes(in->cpu->mmu, lin, buf, bytes, in->view);
}

bool insn_probe_write(struct insn *in, unsigned seg, uint64_t off, unsigned bytes)
{
    uint64_t lin;
    return checked_lin(in, seg, off, bytes, VX_ACCESS_WRITE, &lin) &&
           vx_mmu_probe(in->cpu->mmu, lin, bytes, VX_ACCESS_WRITE, in->view);
}

bool mem_read_slow(struct insn *in, unsigned seg, uint64_t off, unsigned size, uint32_t *value)
{
    uint64_t v;
    if (!insn_read(in, seg, off, size, &v))
        return false;
    *value = (uint32_t)v;
    return true;
}

bool mem_write_slow(struct insn *in, unsigned seg, uint64_t off, unsigned size, uint32_t value)
{
    return insn_write(in, seg, off, size, value);
}

bool mem_modify_begin_slow(struct insn *in, unsigned seg, uint64_t off, unsigned size, uint32_t *value)
{
    return insn_probe_write(in, seg, off, size) && mem_read_slow(in, seg, off, size, value);
}
