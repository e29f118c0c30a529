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
static bool crc32(struct insn *in, unsigned size)
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

static uint32_t swapped(uint32_t value, unsigned size)
{
    return size == 4 ? __builtin_bswap32(value) : __builtin_bswap16((uint16_t)value);
}

/* 0F 38 F0, F1: CRC32 with F2h, else MOVBE. isa.c has said that it is legal. */
bool interp_movbe_crc32(struct insn *in)
{
    uint32_t value;
    if (in->rep == REP_NE)
        return crc32(in, in->opcode == 0xF0 ? 1 : in->op_size);
    if (in->opcode == 0xF1)
        return mem_write(in, in->seg, in->off, in->op_size,
                         swapped(get_reg(in->cpu, in->reg, in->op_size), in->op_size));
    if (!mem_read(in, in->seg, in->off, in->op_size, &value))
        return false;
    set_reg(in->cpu, in->reg, in->op_size, swapped(value, in->op_size));
    return true;
}
