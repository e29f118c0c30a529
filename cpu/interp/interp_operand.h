/* interp_operand.h - the interpreter's inline fast paths: registers, ModRM operands, memory, the stack.
 *
 * `size` is 1, 2 or 4 and a constant at nearly every call, so that each function folds into a few host instructions.
 *
 *   I1  A memory operand takes the fast path only if its segment is plain (present, writable, expand-up data), the
 *       whole access is inside the limit, nothing watches it and the soft TLB has the page; the rest is interp_mem.c's.
 *   I2  A read-modify-write is checked as a write before it is read, so its #PF has W set and nothing is half done. */
#ifndef VX86_CPU_INTERP_OPERAND_H
#define VX86_CPU_INTERP_OPERAND_H

#include "interp.h"

#define INTERP_INLINE static inline __attribute__((always_inline))

/* interp_mem.c */
bool mem_read_slow(struct insn *in, unsigned seg, uint64_t off, unsigned size, uint32_t *value);
bool mem_write_slow(struct insn *in, unsigned seg, uint64_t off, unsigned size, uint32_t value);
bool mem_modify_begin_slow(struct insn *in, unsigned seg, uint64_t off, unsigned size, uint32_t *value);

INTERP_INLINE uint32_t size_mask(unsigned size)
{
    return size == 4 ? 0xFFFFFFFFu : size == 2 ? 0xFFFFu : 0xFFu;
}

INTERP_INLINE uint32_t sign_extend(uint32_t value, unsigned size)
{
    return size == 4 ? value : size == 2 ? (uint32_t)(int32_t)(int16_t)value : (uint32_t)(int32_t)(int8_t)value;
}

/* AL CL DL BL AH CH DH BH: bytes 0 and 1 of the first four registers (little-endian host). */
INTERP_INLINE uint8_t *reg8_ptr(struct vx_vcpu *cpu, unsigned r)
{
    return (uint8_t *)&cpu->gpr[r & 3] + (r >> 2);
}

INTERP_INLINE uint32_t get_reg(struct vx_vcpu *cpu, unsigned r, unsigned size)
{
    if (size == 1)
        return *reg8_ptr(cpu, r);
    return size == 2 ? (uint16_t)cpu->gpr[r] : (uint32_t)cpu->gpr[r];
}

INTERP_INLINE void set_reg(struct vx_vcpu *cpu, unsigned r, unsigned size, uint32_t value)
{
    if (size == 1)
        *reg8_ptr(cpu, r) = (uint8_t)value;
    else if (size == 2)
        memcpy(&cpu->gpr[r], &(uint16_t){ (uint16_t)value }, 2);
    else
        cpu->gpr[r] = value;
}

/* Immediate of `size`, zero-extended. */
INTERP_INLINE bool fetch_imm(struct insn *in, unsigned size, uint32_t *value)
{
    if (size == 4)
        return insn_imm32(in, value);
    if (size == 2) {
        uint16_t v;
        if (!insn_imm16(in, &v))
            return false;
        *value = v;
        return true;
    }
    uint8_t v;
    if (!insn_imm8(in, &v))
        return false;
    *value = v;
    return true;
}

/* imm8 sign-extended to 32 bits. */
INTERP_INLINE bool fetch_simm8(struct insn *in, uint32_t *value)
{
    uint8_t v;
    if (!insn_imm8(in, &v))
        return false;
    *value = sign_extend(v, 1);
    return true;
}

/* I1. A limit of FFFFFFFFh lets an access at the very top go to the slow path, where it wraps. */
INTERP_INLINE bool seg_is_plain(const struct vx_seg *s, uint64_t off, unsigned size)
{
    return (s->attr & (VX_ATTR_CODE | VX_ATTR_EXPAND_DOWN | VX_ATTR_WRITABLE)) == VX_ATTR_WRITABLE && !s->unusable &&
           off + (size - 1) <= s->limit;
}

INTERP_INLINE uint8_t *mem_fast(struct insn *in, const uint32_t *tags, unsigned seg, uint64_t off, unsigned size)
{
    const struct vx_seg *s = &in->cpu->seg[seg];
    if (VX_UNLIKELY(in->careful || !seg_is_plain(s, off, size)))
        return NULL;
    return vx_tlb_probe(in->tlb, tags, vx_lin_wrap(s->base + off), size);
}

INTERP_INLINE bool mem_read(struct insn *in, unsigned seg, uint64_t off, unsigned size, uint32_t *value)
{
    const uint8_t *hva = mem_fast(in, in->tlb->read_tag, seg, off, size);
    if (VX_UNLIKELY(hva == NULL))
        return mem_read_slow(in, seg, off, size, value);
    uint32_t v = 0;
    memcpy(&v, hva, size);
    *value = v;
    return true;
}

INTERP_INLINE bool mem_write(struct insn *in, unsigned seg, uint64_t off, unsigned size, uint32_t value)
{
    uint8_t *hva = mem_fast(in, in->tlb->write_tag, seg, off, size);
    if (VX_UNLIKELY(hva == NULL))
        return mem_write_slow(in, seg, off, size, value);
    memcpy(hva, &value, size);
    return true;
}

/* I2. *hva is where the result goes, NULL when it has to go through mem_modify_end's slow path. */
INTERP_INLINE bool mem_modify_begin(struct insn *in, unsigned seg, uint64_t off, unsigned size, uint8_t **hva,
                                    uint32_t *value)
{
    *hva = mem_fast(in, in->tlb->write_tag, seg, off, size);
    if (VX_UNLIKELY(*hva == NULL))
        return mem_modify_begin_slow(in, seg, off, size, value);
    uint32_t v = 0;
    memcpy(&v, *hva, size);
    *value = v;
    return true;
}

INTERP_INLINE bool mem_modify_end(struct insn *in, unsigned seg, uint64_t off, unsigned size, uint8_t *hva,
                                  uint32_t value)
{
    if (VX_UNLIKELY(hva == NULL))
        return mem_write_slow(in, seg, off, size, value);
    memcpy(hva, &value, size);
    return true;
}

/* The ModRM operand E. */
INTERP_INLINE bool read_rm(struct insn *in, unsigned size, uint32_t *value)
{
    if (in->mod == 3) {
        *value = get_reg(in->cpu, in->rm, size);
        return true;
    }
    return mem_read(in, in->seg, in->off, size, value);
}

INTERP_INLINE bool write_rm(struct insn *in, unsigned size, uint32_t value)
{
    if (in->mod == 3) {
        set_reg(in->cpu, in->rm, size, value);
        return true;
    }
    return mem_write(in, in->seg, in->off, size, value);
}

/* E for reading and then writing (I2); *hva is only meaningful to modify_rm_end. */
INTERP_INLINE bool modify_rm_begin(struct insn *in, unsigned size, uint8_t **hva, uint32_t *value)
{
    if (in->mod == 3) {
        *hva = NULL;
        *value = get_reg(in->cpu, in->rm, size);
        return true;
    }
    return mem_modify_begin(in, in->seg, in->off, size, hva, value);
}

INTERP_INLINE bool modify_rm_end(struct insn *in, unsigned size, uint8_t *hva, uint32_t value)
{
    if (in->mod == 3) {
        set_reg(in->cpu, in->rm, size, value);
        return true;
    }
    return mem_modify_end(in, in->seg, in->off, size, hva, value);
}

/* The stack (SDM 1 "Stacks"): SS.B decides whether SP or ESP moves. */
INTERP_INLINE uint32_t stack_mask(const struct vx_vcpu *cpu)
{
    return cpu->seg[VX_SS].attr & VX_ATTR_DB ? 0xFFFFFFFFu : 0xFFFFu;
}

/* The stack pointer with the bits outside `mask` kept from the present one. */
INTERP_INLINE void set_stack_pointer(struct vx_vcpu *cpu, uint32_t mask, uint32_t sp)
{
    cpu->gpr[VX_RSP] = ((uint32_t)cpu->gpr[VX_RSP] & ~mask) | (sp & mask);
}

INTERP_INLINE bool insn_push(struct insn *in, unsigned size, uint32_t value)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t mask = stack_mask(cpu);
    uint32_t sp = ((uint32_t)cpu->gpr[VX_RSP] - size) & mask;
    if (!mem_write(in, VX_SS, sp, size, value))
        return false;
    set_stack_pointer(cpu, mask, sp);
    return true;
}

/* Reads the top of the stack; the caller commits the pop with stack_release(). */
INTERP_INLINE bool stack_top(struct insn *in, unsigned size, uint32_t *value)
{
    return mem_read(in, VX_SS, (uint32_t)in->cpu->gpr[VX_RSP] & stack_mask(in->cpu), size, value);
}

INTERP_INLINE void stack_release(struct vx_vcpu *cpu, uint32_t bytes)
{
    set_stack_pointer(cpu, stack_mask(cpu), (uint32_t)cpu->gpr[VX_RSP] + bytes);
}

/* A near transfer: #GP(0) when the target is outside CS (SDM 2 "JMP", "CALL", "RET"). */
INTERP_INLINE bool near_target_ok(struct insn *in, uint64_t eip)
{
    if (VX_UNLIKELY(eip > in->cpu->seg[VX_CS].limit))
        return insn_gp0(in);
    return true;
}

#endif
