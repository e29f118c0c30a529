/* pc_hash.c - one number for all that a guest's CPU and memory are: equal runs have equal numbers.
 *
 * Registers come from vcpu_state.def. Of memory, pages that are all zero count as absent: which of them the host has
 * made depends on the engine. Chips are not in it: what they do reaches CPU or memory soon. */
#include "pc.h"
#include "vx86/host.h"
#include "vx86/vcpu_state.h"

/* One round of a multiply-xorshift mixer (the constant is 2^64 divided by the golden ratio). */
static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 29;
}

static uint64_t mix_bytes(uint64_t hash, const uint8_t *at, size_t bytes)
{
    for (; bytes != 0;) {
        uint64_t word = 0;
        size_t n = bytes < sizeof word ? bytes : sizeof word;
        memcpy(&word, at, n);
        hash = mix(hash, word);
        at += n;
        bytes -= n;
    }
    return hash;
}

static bool is_zero(const uint8_t *page)
{
    return page[0] == 0 && memcmp(page, page + 1, VX_PAGE_BYTES - 1) == 0;
}

static uint64_t hash_memory(uint64_t hash, struct vx_pmap *pmap)
{
    for (uint32_t page = 0;; page++) {
        int64_t at = vx_host_next_data(vx_pmap_memfd(pmap), (int64_t)page << VX_PAGE_SHIFT);
        page = (uint32_t)(at >> VX_PAGE_SHIFT);
        if (at < 0 || page >= vx_pmap_pages(pmap))
            return hash;
        const uint8_t *hva = vx_pmap_page_hva(pmap, page);
        if (!is_zero(hva))
            hash = mix_bytes(mix(hash, page), hva, VX_PAGE_BYTES);
    }
}

uint64_t vx_machine_state_hash(struct vx_machine *pc)
{
    const struct vx_vcpu *cpu = pc->cpu[0].vcpu;
    uint64_t hash = 0;
#define VCPU_NUMBER(name, member, max, digits, uses, bits) \
    if ((uses)&VX_STATE_HASHED)                            \
        hash = mix(hash, (uint64_t)cpu->member);
#define VCPU_BYTES(name, member, bytes, max, uses, bits) \
    if ((uses)&VX_STATE_HASHED)                          \
        hash = mix_bytes(hash, &cpu->member, bytes);
#include "vx86/vcpu_state.def"
    return hash_memory(hash, pc->pmap);
}
