/* callout_string.c - REP MOVS and REP STOS upwards through flat segments, page by page through the soft TLB.
 *
 * Compiled for general registers only, as callout.c is: the guest's FP state stays in the host meanwhile. What is not
 * plain (page crossings inside an element, misses, MMIO, code pages, the instruction's own page, DF = 1) goes to the
 * interpreter, which also fills the shadow. */
#include "callout_string.h"

#include "callout.h"

/* Elements of `size` bytes from lin to the end of its page, at most `max`. */
static uint32_t in_page(uint32_t lin, unsigned size, uint32_t max)
{
    uint32_t n = (VX_PAGE_BYTES - (lin & VX_PAGE_MASK)) / size;
    return n < max ? n : max;
}

static void copy_bytes(uint8_t *dst, const uint8_t *src, size_t bytes)
{
    __asm__ volatile("rep movsb" : "+D"(dst), "+S"(src), "+c"(bytes) : : "memory");
}

/* As the instruction does it where the destination overlaps what is still to be read. */
static void copy_elements(uint8_t *dst, const uint8_t *src, uint32_t n, unsigned size)
{
    if (size == 4)
        __asm__ volatile("rep movsl" : "+D"(dst), "+S"(src), "+c"(n) : : "memory");
    else if (size == 2)
        __asm__ volatile("rep movsw" : "+D"(dst), "+S"(src), "+c"(n) : : "memory");
    else
        __asm__ volatile("rep movsb" : "+D"(dst), "+S"(src), "+c"(n) : : "memory");
}

static void fill(uint8_t *dst, uint32_t value, uint32_t n, unsigned size)
{
    uint64_t count = n;
    if (size == 4)
        __asm__ volatile("rep stosl" : "+D"(dst), "+c"(count) : "a"(value) : "memory");
    else if (size == 2)
        __asm__ volatile("rep stosw" : "+D"(dst), "+c"(count) : "a"(value) : "memory");
    else
        __asm__ volatile("rep stosb" : "+D"(dst), "+c"(count) : "a"(value) : "memory");
}

static bool same_page(const uint8_t *a, const uint8_t *b)
{
    return (((uintptr_t)a ^ (uintptr_t)b) & ~(uintptr_t)VX_PAGE_MASK) == 0;
}

/* One chunk; returns the elements done, 0 when it is not plain. */
static uint32_t chunk(struct vx_vcpu *vcpu, const struct vx_tlb *tlb, const uint8_t *code, bool moves, unsigned size)
{
    uint32_t edi = (uint32_t)vcpu->gpr[VX_RDI], esi = (uint32_t)vcpu->gpr[VX_RSI];
    uint32_t n = in_page(edi, size, (uint32_t)vcpu->gpr[VX_RCX]);
    if (moves)
        n = in_page(esi, size, n);
    uint8_t *dst = n == 0 ? NULL : vx_tlb_probe(tlb, tlb->write_tag, edi, size);
    if (dst == NULL || same_page(dst, code))
        return 0;
    if (!moves) {
        fill(dst, (uint32_t)vcpu->gpr[VX_RAX], n, size);
    } else {
        const uint8_t *src = vx_tlb_probe(tlb, tlb->read_tag, esi, size);
        if (src == NULL)
            return 0;
        if ((uintptr_t)dst - (uintptr_t)src < (uint64_t)n * size)
            copy_elements(dst, src, n, size);
        else
            copy_bytes(dst, src, (size_t)n * size);
        vcpu->gpr[VX_RSI] = esi + n * size;
    }
    vcpu->gpr[VX_RDI] = (uint32_t)(edi + n * size);
    vcpu->gpr[VX_RSI] = (uint32_t)vcpu->gpr[VX_RSI];
    vcpu->gpr[VX_RCX] -= n;
    return n;
}

bool bt_rep_fast(struct vx_vcpu *vcpu, uint64_t info, uint64_t eip, uint32_t bytes)
{
    const struct vx_tlb *tlb = vcpu->mmu->tlb[vx_view_of(vcpu)];
    uint64_t lin = vx_lin_wrap(vcpu->seg[VX_CS].base + eip);
    const uint8_t *code = vx_tlb_probe(tlb, tlb->fetch_tag, lin, bytes);
    if (vcpu->dflag || code == NULL)
        return false;
    while (vcpu->gpr[VX_RCX] != 0) {
        if (atomic_load_explicit(&vcpu->attention, memory_order_relaxed) != 0)
            return false;
        if (chunk(vcpu, tlb, code, (info & REP_MOVS) != 0, info & REP_SIZE) == 0)
            return false;
    }
    return true;
}
