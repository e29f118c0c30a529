/* cpuid.c - the CPUID instruction, derived from the model (SDM 2 "CPUID").
 *
 * Leaves 15h and 16h tell the TSC's and the APIC timer's rate, so that systems need not measure them. */
#include "cpu_model.h"

enum {
    MAX_BASIC = 0x16,
    MAX_EXTENDED = 0x80000008u,
    MISC_ENABLE_LIMIT_CPUID = 1 << 22,
    LEAF6_ARAT = 1 << 2,
    LEAFX7_INVARIANT_TSC = 1 << 8,
};

struct leaf {
    uint32_t eax, ebx, ecx, edx;
};

static uint32_t four(const char *text)
{
    uint32_t value;
    memcpy(&value, text, 4);
    return value;
}

/* Deterministic cache parameters: one core, 64-byte lines. */
static struct leaf cache_leaf(uint32_t index)
{
    static const struct {
        uint8_t type, level;
        uint16_t ways, sets;
    } caches[] = {
        { 1, 1, 8, 64 },    /* data, 32 KiB */
        { 2, 1, 8, 64 },    /* instruction, 32 KiB */
        { 3, 2, 16, 1024 }, /* unified, 1 MiB */
    };
    if (index >= VX_ARRAY_LEN(caches))
        return (struct leaf){ 0 };
    return (struct leaf){
        .eax = caches[index].type | (uint32_t)caches[index].level << 5 | 1u << 8,
        .ebx = (caches[index].ways - 1u) << 22 | 63,
        .ecx = caches[index].sets - 1u,
    };
}

static struct leaf basic_leaf(const struct vx_cpu_model *model, uint32_t index, uint32_t sub)
{
    uint32_t mhz = VX_CPU_TSC_HZ / 1000000u;
    switch (index) {
    case 0: return (struct leaf){ MAX_BASIC, four(model->vendor), four(model->vendor + 8), four(model->vendor + 4) };
    case 1: return (struct leaf){ model->signature, 1u << 16 | 8u << 8, model->features_ecx, model->features_edx };
    case 2: return (struct leaf){ 0x035AFF01, 0, 0, 0xF0 }; /* TLBs; caches: see leaf 4; 64-byte prefetch */
    case 4: return cache_leaf(sub);
    case 6: return (struct leaf){ .eax = LEAF6_ARAT };
    case 7: return sub != 0 ? (struct leaf){ 0 } : (struct leaf){ 0, model->features7_ebx, 0, model->features7_edx };
    case 0x15: return (struct leaf){ 1, 1, VX_CPU_TSC_HZ, 0 };
    case 0x16: return (struct leaf){ mhz, mhz, 100, 0 };
    default: return (struct leaf){ 0 };
    }
}

static struct leaf extended_leaf(const struct vx_cpu_model *model, uint32_t index)
{
    const char *brand = model->brand + (index - 0x80000002u) * 16; /* used for 2 to 4 only */
    switch (index) {
    case 0x80000000u: return (struct leaf){ .eax = MAX_EXTENDED };
    case 0x80000001u: return (struct leaf){ .edx = model->features_ext_edx };
    case 0x80000002u:
    case 0x80000003u:
    case 0x80000004u: return (struct leaf){ four(brand), four(brand + 4), four(brand + 8), four(brand + 12) };
    case 0x80000006u: return (struct leaf){ .ecx = 1024u << 16 | 8u << 12 | 64 };
    case 0x80000007u: return (struct leaf){ .edx = LEAFX7_INVARIANT_TSC };
    case 0x80000008u: return (struct leaf){ .eax = 32u << 8 | model->phys_bits };
    default: return (struct leaf){ 0 };
    }
}

void vx_cpu_cpuid(struct vx_vcpu *cpu)
{
    uint32_t index = (uint32_t)cpu->gpr[VX_RAX], sub = (uint32_t)cpu->gpr[VX_RCX];
    uint32_t max_basic = cpu->msr.misc_enable & MISC_ENABLE_LIMIT_CPUID ? 3 : MAX_BASIC;
    struct leaf leaf;
    if (index >= 0x80000000u && index <= MAX_EXTENDED)
        leaf = extended_leaf(cpu->model, index);
    else /* beyond either range: the highest basic leaf */
        leaf = basic_leaf(cpu->model, index > max_basic ? max_basic : index, sub);
    if (index == 0)
        leaf.eax = max_basic;
    if (index == 1)
        cpu->msr.bios_sign = cpu->model->microcode << 32;
    cpu->gpr[VX_RAX] = leaf.eax;
    cpu->gpr[VX_RBX] = leaf.ebx;
    cpu->gpr[VX_RCX] = leaf.ecx;
    cpu->gpr[VX_RDX] = leaf.edx;
}
