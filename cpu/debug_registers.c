/* debug_registers.c - breakpoints of the debug registers (SDM 3B "Debug Registers"). Asked only where DR7 enables
 * something.
 *
 *   DR7  31                                16      7                     0
 *        [LEN3 RW3 LEN2 RW2 LEN1 RW1 LEN0 RW0][..][G3 L3 G2 L2 G1 L1 G0 L0]
 *   RW: 0 fetch, 1 write, 2 port, 3 read or write       LEN: 0 1 byte, 1 2 bytes, 2 8 bytes, 3 4 bytes */
#include "debug_registers.h"

#include "fault.h"

enum { RW_FETCH, RW_WRITE, RW_PORT, RW_ACCESS };

static bool enabled(const struct vx_vcpu *cpu, unsigned i)
{
    return (cpu->dr[7] >> (2 * i) & 3) != 0;
}

static unsigned kind_of(const struct vx_vcpu *cpu, unsigned i)
{
    return cpu->dr[7] >> (16 + 4 * i) & 3;
}

static unsigned bytes_of(const struct vx_vcpu *cpu, unsigned i)
{
    static const uint8_t bytes[4] = { 1, 2, 8, 4 };
    return bytes[cpu->dr[7] >> (18 + 4 * i) & 3];
}

/* Breakpoint i covers a byte of [lin, lin + bytes): its address is aligned to its length. */
static bool covers(const struct vx_vcpu *cpu, unsigned i, uint64_t lin, unsigned bytes)
{
    unsigned own = bytes_of(cpu, i);
    uint64_t first = vx_lin_wrap(cpu->dr[i]) & ~(uint64_t)(own - 1);
    return vx_lin_wrap(lin - first) < own || vx_lin_wrap(first - lin) < bytes;
}

bool dr_insn_breakpoint(struct vx_vcpu *cpu)
{
    unsigned hits = 0;
    for (unsigned i = 0; i < 4; i++)
        if (enabled(cpu, i) && kind_of(cpu, i) == RW_FETCH && vx_lin_wrap(cpu->dr[i]) == vx_cs_lin(cpu))
            hits |= 1u << i;
    if (hits == 0)
        return true;
    cpu->dr[6] |= hits;
    return fault_plain(cpu, VX_DB);
}

bool dr_watches_data(const struct vx_vcpu *cpu)
{
    for (unsigned i = 0; i < 4; i++)
        if (enabled(cpu, i) && kind_of(cpu, i) != RW_FETCH)
            return true;
    return false;
}

uint8_t dr_data_hits(const struct vx_vcpu *cpu, uint64_t lin, unsigned bytes, bool write)
{
    uint8_t hits = 0;
    for (unsigned i = 0; i < 4; i++) {
        bool kind = kind_of(cpu, i) == RW_ACCESS || (write && kind_of(cpu, i) == RW_WRITE);
        if (enabled(cpu, i) && kind && covers(cpu, i, lin, bytes))
            hits |= (uint8_t)(1u << i);
    }
    return hits;
}

uint8_t dr_port_hits(const struct vx_vcpu *cpu, uint16_t port, unsigned size)
{
    uint8_t hits = 0;
    if (!(cpu->cr4 & VX_CR4_DE))
        return 0;
    for (unsigned i = 0; i < 4; i++)
        if (enabled(cpu, i) && kind_of(cpu, i) == RW_PORT && covers(cpu, i, port, size))
            hits |= (uint8_t)(1u << i);
    return hits;
}
