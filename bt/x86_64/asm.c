/* asm.c - the few general encodings behind asm.h. Source: SDM 2 "Instruction Format". */
#include "asm.h"

void asm_mem_tail(struct bt_asm *a, unsigned reg, unsigned base, unsigned index, unsigned scale, int32_t disp)
{
    unsigned mod = disp == 0 ? 0 : disp >= -128 && disp <= 127 ? 1 : 2;
    if (base == H_NONE) { /* disp32 [+ index]: SIB form, because ModRM alone would be RIP-relative */
        a8(a, (reg & 7) << 3 | 4);
        a8(a, scale << 6 | (index == H_NONE ? 4 : index & 7) << 3 | 5);
        a32(a, (uint32_t)disp);
        return;
    }
    if (mod == 0 && (base & 7) == H_RBP)
        mod = 1;
    if (index != H_NONE || (base & 7) == H_RSP) {
        a8(a, mod << 6 | (reg & 7) << 3 | 4);
        a8(a, scale << 6 | (index == H_NONE ? 4 : index & 7) << 3 | (base & 7));
    } else {
        a8(a, mod << 6 | (reg & 7) << 3 | (base & 7));
    }
    if (mod == 1)
        a8(a, (uint8_t)disp);
    else if (mod == 2)
        a32(a, (uint32_t)disp);
}

static void opcode(struct bt_asm *a, unsigned op)
{
    if (op > 0xFF)
        a8(a, op >> 8);
    a8(a, op);
}

void asm_mem(struct bt_asm *a, bool w, unsigned prefix, unsigned op, unsigned reg, unsigned base, unsigned index,
             unsigned scale, int32_t disp)
{
    unsigned rex = (w ? 8 : 0) | (reg >= 8 && reg != H_NONE ? 4 : 0) | (index != H_NONE && index >= 8 ? 2 : 0) |
                   (base != H_NONE && base >= 8 ? 1 : 0);
    if (prefix != 0)
        a8(a, prefix);
    if (rex != 0)
        a8(a, 0x40 | rex);
    opcode(a, op);
    asm_mem_tail(a, reg, base, index, scale, disp);
}

void asm_rr(struct bt_asm *a, bool w, unsigned op, unsigned reg, unsigned rm)
{
    unsigned rex = (w ? 8 : 0) | (reg >= 8 ? 4 : 0) | (rm >= 8 ? 1 : 0);
    if (rex != 0)
        a8(a, 0x40 | rex);
    opcode(a, op);
    a8(a, 0xC0 | (reg & 7) << 3 | (rm & 7));
}

/* SHLX (pp 1), SARX (pp 2), SHRX (pp 3): VEX.LZ.pp.0F38.W F7 /r, count in vvvv. */
void asm_vex_shift(struct bt_asm *a, bool w, unsigned pp, unsigned dst, unsigned src, unsigned count)
{
    a8(a, 0xC4);
    a8(a, (dst >= 8 ? 0 : 0x80) | 0x40 | (src >= 8 ? 0 : 0x20) | 2);
    a8(a, (w ? 0x80 : 0) | (~count & 15) << 3 | pp);
    a8(a, 0xF7);
    a8(a, 0xC0 | (dst & 7) << 3 | (src & 7));
}

/* RORX: VEX.LZ.F2.0F3A.W1 F0 /r ib. */
void x_rorx64(struct bt_asm *a, unsigned dst, unsigned src, unsigned count)
{
    a8(a, 0xC4);
    a8(a, (dst >= 8 ? 0 : 0x80) | 0x40 | (src >= 8 ? 0 : 0x20) | 3);
    a8(a, 0x80 | 0x78 | 3);
    a8(a, 0xF0);
    a8(a, 0xC0 | (dst & 7) << 3 | (src & 7));
    a8(a, count);
}

void x_here(struct bt_asm *a, uint32_t after_jump)
{
    uint32_t distance = a->len - after_jump;
    VX_ASSERT(a->overflow || distance <= 127);
    if (!a->overflow)
        a->buf[after_jump - 1] = (uint8_t)distance;
}
