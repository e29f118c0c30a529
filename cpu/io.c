/* io.c - who may touch which port (SDM 1 "I/O Privilege Level", "I/O Permission Bit Map"). */
#include "segment.h"
#include "vx86/cpu.h"

enum { TSS32_IO_BASE = 102, TSS32_MIN_LIMIT = 103 };

/* The bitmap of a 32-bit TSS: one bit a port, set means forbidden. Two bytes are read always, as silicon does, so the
 * last byte of the map must be followed by one more within the limit. */
static bool bitmap_allows(struct vx_vcpu *cpu, uint16_t port, unsigned size, bool *allowed)
{
    uint64_t base, bits;
    *allowed = false;
    if (cpu->tr.unusable || (cpu->tr.attr & (VX_ATTR_TYPE & ~VX_TSS_BUSY)) != VX_SYS_TSS32 ||
        cpu->tr.limit < TSS32_MIN_LIMIT)
        return true;
    if (!vx_mmu_read(cpu->mmu, (uint32_t)(cpu->tr.base + TSS32_IO_BASE), 2, VX_VIEW_SYSTEM, &base))
        return false;
    uint64_t off = base + port / 8u;
    if (off + 1 > cpu->tr.limit)
        return true;
    if (!vx_mmu_read(cpu->mmu, cpu->tr.base + off, 2, VX_VIEW_SYSTEM, &bits))
        return false;
    *allowed = ((bits >> (port & 7)) & ((1u << size) - 1)) == 0;
    return true;
}

bool vx_cpu_io_allowed(struct vx_vcpu *cpu, uint16_t port, unsigned size)
{
    bool allowed;
    if (vx_real_mode(cpu) || (!vx_vm86(cpu) && cpu->cpl <= vx_iopl(cpu)))
        return true;
    if (!bitmap_allows(cpu, port, size, &allowed))
        return false;
    return allowed || fault_code(cpu, VX_GP, 0);
}
