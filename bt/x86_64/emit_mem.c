/* emit_mem.c - guest memory operands by the soft-TLB lowering (design "Memory: two lowerings of one shadow").
 *
 * The probe changes no flags, so it can stand between any two guest instructions (I1 of regs.h). For an access of n
 * bytes at the linear address in A:
 *
 *     shrx  r9d, A, r12d            vpn of the first byte
 *     movzx r9d, r9w                index
 *     lea   r10d, [A + n-1]         vpn of the last byte; one that differs misses, so page crossings go the slow way
 *     shrx  r10d, r10d, r12d
 *     mov   r11, rcx
 *     mov   ecx, [r13 + r9*4 + tag]
 *     lea   ecx, [rcx + r10]        0 on a hit: tags are minus vpn
 *     jrcxz hit
 *     jmp   cold
 * hit:mov   rcx, r11
 *     mov   r9, [r13 + r9*8 + addend]
 *     ...   [A + r9]                the access
 *
 * Through a window (bt/window.h) it is gs:[A], with 32-bit registers, and nothing in front of it: the address-size
 * prefix makes the sum wrap at 4 GiB, as the guest's does, and keeps it inside the window. */
#include "emit_mem.h"

#include "callout.h"

bool seg_is_flat(const struct cg *cg, unsigned seg)
{
    return (cg->mode & MODE_FLAT) && (seg == VX_DS || seg == VX_ES || seg == VX_SS);
}

static void emit_wrap16(struct cg *cg)
{
    x_movzx16(&cg->a, H_R8, H_R8);
}

uint8_t emit_offset(struct cg *cg, const struct bt_insn *in, bool must_be_r8)
{
    struct bt_asm *a = &cg->a;
    uint32_t disp = in->addr_bytes == 2 ? (uint16_t)in->mem_disp : (uint32_t)in->mem_disp;
    if (in->mem_base == REG_NONE && in->mem_index == REG_NONE) {
        x_mov_imm32(a, H_R8, disp);
        return H_R8;
    }
    uint8_t base = in->mem_base == REG_NONE ? H_NONE : host_of(in->mem_base);
    uint8_t index = in->mem_index == REG_NONE ? H_NONE : host_of(in->mem_index);
    if (index == H_NONE && in->mem_disp == 0 && in->addr_bytes == 4 && !must_be_r8)
        return base;
    x_lea32(a, H_R8, base, index, in->mem_scale, in->mem_disp);
    if (in->addr_bytes == 2)
        emit_wrap16(cg);
    return H_R8;
}

/* Jumps to the current instruction's call-out unless off .. off + bytes - 1 is within the segment (as mirrored in the
 * area). */
static void emit_limit_check(struct cg *cg, unsigned seg, unsigned bytes, bool write)
{
    struct bt_asm *a = &cg->a;
    int32_t table = write ? AREA(seg_max_write) : AREA(seg_max_read);
    x_lea64(a, H_R9, H_R8, H_NONE, 0, (int32_t)bytes - 1);
    x_load64(a, H_R10, H_VCPU, table + 8 * (int32_t)seg);
    x_not64(a, H_R9); /* - last - 1 */
    x_lea64(a, H_R10, H_R10, H_R9, 0, 1);
    x_mov_imm32(a, H_R9, 63);
    x_shrx64(a, H_R10, H_R10, H_R9); /* sign of max - last */
    x_mov64(a, H_R11, H_RCX);
    x_mov64(a, H_RCX, H_R10);
    uint32_t ok = x_jrcxz(a);
    cg_cold_insn(cg, x_jmp_rel32(a, a->base), true);
    x_here(a, ok);
    x_mov64(a, H_RCX, H_R11);
}

static bool only_base_counts(const struct cg *cg, unsigned seg)
{
    return (seg == VX_FS && (cg->mode & MODE_FS_WIDE)) || (seg == VX_GS && (cg->mode & MODE_GS_WIDE));
}

uint8_t emit_segment(struct cg *cg, unsigned seg, uint8_t off_reg, unsigned bytes, bool write)
{
    struct bt_asm *a = &cg->a;
    if (seg_is_flat(cg, seg))
        return off_reg;
    if (!only_base_counts(cg, seg))
        emit_limit_check(cg, seg, bytes, write);
    x_load32(a, H_R9, H_VCPU,
             (int32_t)(offsetof(struct vx_vcpu, seg) + seg * sizeof(struct vx_seg) + offsetof(struct vx_seg, base)));
    x_lea32(a, H_R8, H_R8, H_R9, 0, 0);
    return H_R8;
}

void emit_probe(struct cg *cg, uint8_t lin_reg, unsigned bytes, uint32_t access)
{
    struct bt_asm *a = &cg->a;
    int32_t tags =
        (access & MEM_WRITE) ? (int32_t)offsetof(struct vx_tlb, write_tag) : (int32_t)offsetof(struct vx_tlb, read_tag);
    cg->r9_share = SHARE_NONE;
    if (cg_window(cg))
        return;
    x_shrx32(a, H_R9, lin_reg, H_TWELVE);
    if (bytes > 1) {
        x_lea32(a, H_R10, lin_reg, H_NONE, 0, (int32_t)bytes - 1);
        x_shrx32(a, H_R10, H_R10, H_TWELVE);
    } else {
        x_mov32(a, H_R10, H_R9);
    }
    x_movzx16(a, H_R9, H_R9);
    x_mov64(a, H_R11, H_RCX);
    asm_mem(a, false, 0, 0x8B, H_RCX, H_TLB, H_R9, 2, tags);
    x_lea32(a, H_RCX, H_RCX, H_R10, 0, 0);
    uint32_t hit = x_jrcxz(a);
    struct cold *cold = cg_cold(cg);
    cold->kind = COLD_MEM;
    cold->from = x_jmp_rel32(a, a->base);
    cold->lin_reg = lin_reg;
    cold->rcx_in_r11 = true;
    cold->insn = (uint8_t)cg->index;
    bool ends = bt_ends_unit(cg->in->lower) || cg_has_share(cg->in);
    cold->info = bytes | access | (cg->fp_live ? MEM_FP_LIVE : 0) | (ends ? 0 : (uint32_t)cg->in->len << MEM_LEN_SHIFT);
    x_here(a, hit);
    x_mov64(a, H_RCX, H_R11);
    asm_mem(a, true, 0, 0x8B, H_R9, H_TLB, H_R9, 3, (int32_t)offsetof(struct vx_tlb, addend));
    cold->resume = a->len;
}

/* Frame slot of a share. */
static int32_t slot_disp(unsigned slot)
{
    return BT_FRAME_BYTES - 8 * (SHARE_SLOTS - (int32_t)slot);
}

/* Probes the whole range of the share and leaves the host address that stands for its base in r9 and in the slot. */
static void open_share(struct cg *cg, unsigned slot, uint8_t base, int32_t delta)
{
    struct bt_asm *a = &cg->a;
    const struct bt_share *share = &cg->draft->share[slot];
    x_lea32(a, H_R8, base, H_NONE, 0, share->lo - delta);
    emit_probe(cg, H_R8, share->bytes, share->write ? MEM_WRITE : MEM_READ);
    cg->cold[cg->cold_count - 1].kind = COLD_UNSHARED;
    x_lea64(a, H_R9, H_R8, H_R9, 0, -share->lo);
    x_store64(a, H_RSP, slot_disp(slot), H_R9);
    cg->shares_open |= (uint8_t)(1u << slot);
}

/* The operand at the base's present value + disp, through its share. */
static uint8_t shared_operand(struct cg *cg, unsigned slot, uint8_t base, int32_t disp, int32_t delta)
{
    if (!(cg->shares_open >> slot & 1))
        open_share(cg, slot, base, delta);
    else if (cg->r9_share != slot)
        x_load64(&cg->a, H_R9, H_RSP, slot_disp(slot));
    cg->r9_share = (uint8_t)slot;
    cg->share_disp = disp + delta;
    return OPERAND_SHARE;
}

/* ---- through a window */

void emit_window_prefixes(struct cg *cg)
{
    a8(&cg->a, 0x65); /* GS */
    a8(&cg->a, 0x67); /* 32-bit addresses */
}

struct cg_address emit_window_address(const struct cg *cg, uint8_t lin_reg)
{
    return lin_reg == OPERAND_WINDOW ? cg->window : (struct cg_address){ .base = lin_reg, .index = H_NONE };
}

void emit_window_site(struct cg *cg, uint32_t start)
{
    cg_site(cg, start, SITE_WINDOW, cg->in->eip); /* keeps I2 of window.h */
}

/* ---- both */

static void access_form(struct cg *cg, unsigned prefix, unsigned op, unsigned reg, uint8_t lin_reg)
{
    if (cg_window(cg)) {
        struct cg_address at = emit_window_address(cg, lin_reg);
        emit_window_prefixes(cg);
        asm_mem(&cg->a, false, prefix, op, reg, at.base, at.index, at.scale, at.disp);
    } else if (lin_reg == OPERAND_SHARE) {
        asm_mem(&cg->a, false, prefix, op, reg, H_R9, H_NONE, 0, cg->share_disp);
    } else {
        asm_mem(&cg->a, false, prefix, op, reg, lin_reg, H_R9, 0, 0);
    }
}

static void end_access(struct cg *cg, uint32_t start)
{
    if (cg_window(cg))
        emit_window_site(cg, start);
}

void emit_access(struct cg *cg, unsigned prefix, unsigned op, unsigned reg, uint8_t lin_reg)
{
    uint32_t start = cg->a.len;
    access_form(cg, prefix, op, reg, lin_reg);
    end_access(cg, start);
}

void emit_store_imm(struct cg *cg, uint8_t lin_reg, uint32_t imm, unsigned bytes)
{
    uint32_t start = cg->a.len;
    access_form(cg, bytes == 2 ? 0x66 : 0, 0xC7, 0, lin_reg);
    for (unsigned i = 0; i < bytes; i++)
        a8(&cg->a, imm >> (8 * i));
    end_access(cg, start);
}

uint8_t emit_operand(struct cg *cg, const struct bt_insn *in)
{
    if (in->share_mem != SHARE_NONE)
        return shared_operand(cg, in->share_mem, host_of(in->mem_base), in->mem_disp, in->share_mem_delta);
    if (cg_window(cg) && seg_is_flat(cg, in->mem_seg) && in->addr_bytes == 4) {
        cg->window = (struct cg_address){ .base = in->mem_base == REG_NONE ? H_NONE : host_of(in->mem_base),
                                          .index = in->mem_index == REG_NONE ? H_NONE : host_of(in->mem_index),
                                          .scale = in->mem_scale,
                                          .disp = in->mem_disp };
        return OPERAND_WINDOW;
    }
    uint8_t reg = emit_offset(cg, in, !seg_is_flat(cg, in->mem_seg));
    reg = emit_segment(cg, in->mem_seg, reg, in->mem_bytes, in->mem_write);
    emit_probe(cg, reg, in->mem_bytes, (in->mem_read ? MEM_READ : 0u) | (in->mem_write ? MEM_WRITE : 0u));
    return reg;
}

uint8_t emit_stack(struct cg *cg, int32_t disp, unsigned bytes, uint32_t access)
{
    struct bt_asm *a = &cg->a;
    if (cg->in->share_stack != SHARE_NONE)
        return shared_operand(cg, cg->in->share_stack, H_GUEST_ESP, disp, cg->in->share_stack_delta);
    bool flat = seg_is_flat(cg, VX_SS);
    uint8_t reg = H_GUEST_ESP;
    if (cg_window(cg) && flat && (cg->mode & MODE_SS32)) {
        cg->window = (struct cg_address){ .base = H_GUEST_ESP, .index = H_NONE, .disp = disp };
        return OPERAND_WINDOW;
    }
    if (disp != 0 || !(cg->mode & MODE_SS32) || !flat) {
        x_lea32(a, H_R8, H_GUEST_ESP, H_NONE, 0, disp);
        if (!(cg->mode & MODE_SS32))
            emit_wrap16(cg);
        reg = emit_segment(cg, VX_SS, H_R8, bytes, (access & MEM_WRITE) != 0);
    }
    emit_probe(cg, reg, bytes, access);
    return reg;
}

void emit_to_guest(struct cg *cg, unsigned guest_reg, unsigned host_reg, unsigned bytes)
{
    if (bytes == 2)
        a8(&cg->a, 0x66);
    x_mov32(&cg->a, host_of((uint8_t)guest_reg), host_reg);
}

void emit_adjust_esp(struct cg *cg, int32_t by)
{
    struct bt_asm *a = &cg->a;
    if (cg->mode & MODE_SS32) {
        x_lea32(a, H_GUEST_ESP, H_GUEST_ESP, H_NONE, 0, by);
        return;
    }
    x_lea32(a, H_R10, H_GUEST_ESP, H_NONE, 0, by);
    emit_to_guest(cg, VX_RSP, H_R10, 2);
}

void emit_load(struct cg *cg, unsigned reg, uint8_t lin_reg, unsigned bytes)
{
    unsigned op = bytes == 1 ? 0x0FB6 : bytes == 2 ? 0x0FB7 : 0x8B;
    emit_access(cg, 0, op, reg, lin_reg);
    if (reg == H_R9)
        cg->r9_share = SHARE_NONE;
}

void emit_store(struct cg *cg, uint8_t lin_reg, unsigned reg, unsigned bytes)
{
    emit_access(cg, bytes == 2 ? 0x66 : 0, bytes == 1 ? 0x88 : 0x89, reg, lin_reg);
}
