/* asm.h - x86-64 encodings that the emitters use: one function an instruction, Intel operand order.
 *
 * A struct bt_asm writes to a buffer whose bytes will run at offset `base` of the cache, so that rel32 operands can be
 * computed at once. None of the functions below emits an instruction that changes flags, unless its name says so. */
#ifndef VX86_BT_ASM_H
#define VX86_BT_ASM_H

#include "regs.h"

struct bt_asm {
    uint8_t *buf;
    uint32_t len, cap;
    uint32_t base; /* cache offset at which buf[0] will live */
    bool overflow;
};

static inline void a8(struct bt_asm *a, unsigned v)
{
    if (a->len + 1 > a->cap) {
        a->overflow = true;
        return;
    }
    a->buf[a->len++] = (uint8_t)v;
}
static inline void a32(struct bt_asm *a, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        a8(a, v >> (8 * i));
}
static inline void a64(struct bt_asm *a, uint64_t v)
{
    a32(a, (uint32_t)v);
    a32(a, (uint32_t)(v >> 32));
}

/* [REX] opcode ModRM(reg, memory base + index * 2^scale + disp); `w`: REX.W. `op` is one byte, or 0x0Fxx. */
void asm_mem(struct bt_asm *a, bool w, unsigned prefix, unsigned op, unsigned reg, unsigned base, unsigned index,
             unsigned scale, int32_t disp);
/* Memory operand tail only: ModRM, SIB, displacement (the caller wrote REX). */
void asm_mem_tail(struct bt_asm *a, unsigned reg, unsigned base, unsigned index, unsigned scale, int32_t disp);
void asm_rr(struct bt_asm *a, bool w, unsigned op, unsigned reg, unsigned rm);
void asm_vex_shift(struct bt_asm *a, bool w, unsigned pp, unsigned dst, unsigned src, unsigned count);

static inline void x_mov32(struct bt_asm *a, unsigned dst, unsigned src)
{
    asm_rr(a, false, 0x89, src, dst);
}
static inline void x_mov64(struct bt_asm *a, unsigned dst, unsigned src)
{
    asm_rr(a, true, 0x89, src, dst);
}
static inline void x_mov_imm32(struct bt_asm *a, unsigned dst, uint32_t v) /* zero-extended */
{
    if (dst >= 8)
        a8(a, 0x41);
    a8(a, 0xB8 + (dst & 7));
    a32(a, v);
}
static inline void x_mov_imm64(struct bt_asm *a, unsigned dst, uint64_t v)
{
    a8(a, dst >= 8 ? 0x49 : 0x48);
    a8(a, 0xB8 + (dst & 7));
    a64(a, v);
}
static inline void x_load32(struct bt_asm *a, unsigned dst, unsigned base, int32_t disp)
{
    asm_mem(a, false, 0, 0x8B, dst, base, H_NONE, 0, disp);
}
static inline void x_load64(struct bt_asm *a, unsigned dst, unsigned base, int32_t disp)
{
    asm_mem(a, true, 0, 0x8B, dst, base, H_NONE, 0, disp);
}
static inline void x_store32(struct bt_asm *a, unsigned base, int32_t disp, unsigned src)
{
    asm_mem(a, false, 0, 0x89, src, base, H_NONE, 0, disp);
}
static inline void x_store64(struct bt_asm *a, unsigned base, int32_t disp, unsigned src)
{
    asm_mem(a, true, 0, 0x89, src, base, H_NONE, 0, disp);
}
static inline void x_store_imm8(struct bt_asm *a, unsigned base, int32_t disp, unsigned v)
{
    asm_mem(a, false, 0, 0xC6, 0, base, H_NONE, 0, disp);
    a8(a, v);
}
static inline void x_load_zx8(struct bt_asm *a, unsigned dst, unsigned base, int32_t disp)
{
    asm_mem(a, false, 0, 0x0FB6, dst, base, H_NONE, 0, disp);
}
static inline void x_load_zx16(struct bt_asm *a, unsigned dst, unsigned base, int32_t disp)
{
    asm_mem(a, false, 0, 0x0FB7, dst, base, H_NONE, 0, disp);
}
static inline void x_movzx16(struct bt_asm *a, unsigned dst, unsigned src)
{
    asm_rr(a, false, 0x0FB7, dst, src);
}
static inline void x_lea32(struct bt_asm *a, unsigned dst, unsigned base, unsigned index, unsigned scale, int32_t disp)
{
    asm_mem(a, false, 0, 0x8D, dst, base, index, scale, disp);
}
static inline void x_lea64(struct bt_asm *a, unsigned dst, unsigned base, unsigned index, unsigned scale, int32_t disp)
{
    asm_mem(a, true, 0, 0x8D, dst, base, index, scale, disp);
}
static inline void x_not64(struct bt_asm *a, unsigned reg)
{
    asm_rr(a, true, 0xF7, 2, reg);
}
static inline void x_not32(struct bt_asm *a, unsigned reg)
{
    asm_rr(a, false, 0xF7, 2, reg);
}
static inline void x_shrx32(struct bt_asm *a, unsigned dst, unsigned src, unsigned count)
{
    asm_vex_shift(a, false, 3, dst, src, count);
}
static inline void x_shrx64(struct bt_asm *a, unsigned dst, unsigned src, unsigned count)
{
    asm_vex_shift(a, true, 3, dst, src, count);
}
static inline void x_shlx32(struct bt_asm *a, unsigned dst, unsigned src, unsigned count)
{
    asm_vex_shift(a, false, 1, dst, src, count);
}
static inline void x_sarx32(struct bt_asm *a, unsigned dst, unsigned src, unsigned count)
{
    asm_vex_shift(a, false, 2, dst, src, count);
}
void x_rorx64(struct bt_asm *a, unsigned dst, unsigned src, unsigned count);
/* SSE registers: eight bytes from and to memory, dst -= src by quadwords, all ones. */
static inline void x_load_xmm64(struct bt_asm *a, unsigned dst, unsigned base, int32_t disp)
{
    asm_mem(a, false, 0xF3, 0x0F7E, dst, base, H_NONE, 0, disp);
}
static inline void x_store_xmm64(struct bt_asm *a, unsigned base, int32_t disp, unsigned src)
{
    asm_mem(a, false, 0x66, 0x0FD6, src, base, H_NONE, 0, disp);
}
static inline void x_psubq(struct bt_asm *a, unsigned dst, unsigned src)
{
    a8(a, 0x66);
    asm_rr(a, false, 0x0FFB, dst, src);
}
static inline void x_ones_xmm(struct bt_asm *a, unsigned dst)
{
    a8(a, 0x66);
    asm_rr(a, false, 0x0F76, dst, dst);
}

/* Jumps. Forward short jumps are patched by x_here(); rel32 ones go to a cache offset. */
static inline uint32_t x_jrcxz(struct bt_asm *a)
{
    a8(a, 0xE3);
    a8(a, 0);
    return a->len;
}
void x_here(struct bt_asm *a, uint32_t after_jump);
static inline uint32_t x_jmp_rel32(struct bt_asm *a, uint32_t target)
{
    a8(a, 0xE9);
    a32(a, target - (a->base + a->len + 4));
    return a->len - 4;
}
static inline uint32_t x_jcc_rel32(struct bt_asm *a, unsigned cc, uint32_t target)
{
    a8(a, 0x0F);
    a8(a, 0x80 + cc);
    a32(a, target - (a->base + a->len + 4));
    return a->len - 4;
}
static inline void x_call_rel32(struct bt_asm *a, uint32_t target)
{
    a8(a, 0xE8);
    a32(a, target - (a->base + a->len + 4));
}
/* Makes the rel32 at buffer offset `at` lead to cache offset `target`. */
static inline void x_patch_rel32(struct bt_asm *a, uint32_t at, uint32_t target)
{
    uint32_t rel = target - (a->base + at + 4);
    if (at + 4 <= a->cap)
        memcpy(a->buf + at, &rel, 4);
}
static inline uint32_t x_pos(const struct bt_asm *a)
{
    return a->base + a->len;
}

#endif
