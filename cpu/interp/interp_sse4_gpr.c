/* interp_sse4_gpr.c - general-register instructions of the age of SSE4: POPCNT, CRC32, MOVBE. */
#include "interp_operand.h"
#include "interp_table.h"

/* ZF says whether the source was zero; the other flags are cleared. */
INTERP_INLINE bool popcnt(struct insn *in, unsigned size)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t value;
    if (!read_rm(in, size, &value))
        return false;
    set_reg(cpu, in->reg, size, (uint32_t)__builtin_popcount(value));
    cpu->eflags = (cpu->eflags & ~(uint32_t)VX_FL_ARITH) | (value == 0 ? VX_FL_ZF : 0u);
    return true;
}

bool interp_popcnt_gw_ew(struct insn *in)
{
    return popcnt(in, 2);
}
bool interp_popcnt_gd_ed(struct insn *in)
{
    return popcnt(in, 4);
}

/* CRC-32C, bit-reflected: polynomial 1EDC6F41h. */
INTERP_INLINE bool crc32(struct insn *in, unsigned size)
{
    uint32_t value, crc = get_reg(in->cpu, in->reg, 4);
    if (!read_rm(in, size, &value))
        return false;
    crc ^= value;
    for (unsigned i = 0; i < 8 * size; i++)
        crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
    set_reg(in->cpu, in->reg, 4, crc);
    return true;
}

bool interp_crc32_gd_eb(struct insn *in)
{
    return crc32(in, 1);
}
bool interp_crc32_gd_ew(struct insn *in)
{
    return crc32(in, 2);
}
bool interp_crc32_gd_ed(struct insn *in)
{
    return crc32(in, 4);
}

INTERP_INLINE uint32_t swapped(uint32_t value, unsigned size)
{
    return size == 4 ? __builtin_bswap32(value) : __builtin_bswap16((uint16_t)value);
}

INTERP_INLINE bool movbe_load(struct insn *in, unsigned size)
{
    uint32_t value;
    if (!mem_read(in, in->seg, in->off, size, &value))
        return false;
    set_reg(in->cpu, in->reg, size, swapped(value, size));
    return true;
}

bool interp_movbe_gw_mw(struct insn *in)
{
    return movbe_load(in, 2);
}
bool interp_movbe_gd_md(struct insn *in)
{
    return movbe_load(in, 4);
}
bool interp_movbe_mw_gw(struct insn *in)
{
    return mem_write(in, in->seg, in->off, 2, swapped(get_reg(in->cpu, in->reg, 2), 2));
}
bool interp_movbe_md_gd(struct insn *in)
{
    return mem_write(in, in->seg, in->off, 4, swapped(get_reg(in->cpu, in->reg, 4), 4));
}
