/* cpuid.c - the CPUID instruction, derived from the model (SDM 2 "CPUID").
 *
 * Leaves 15h and 16h tell the TSC's and the APIC timer's rate, so that systems need not measure them. */
#include "cpu_model.h"

enum {
    APIC_BASE_ENABLE = 1 << 11,
    LEAF1_APIC = 1 << 9,
    LEAF1_MONITOR = 1 << 3,
    LEAFX1_NX = 1 << 20,
    LEAF1_ONE_CPU = 1 << 16,
    LEAF1_CLFLUSH_64 = 8 << 8,
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

static struct leaf feature_leaf(const struct vx_vcpu *cpu)
{
    const struct vx_cpu_model *model = cpu->model;
    /* An APIC that is switched off is not there (SDM 3A "Enabling or Disabling the Local APIC"), MONITOR neither. */
    uint32_t hidden = cpu->msr.apic_base & APIC_BASE_ENABLE ? 0 : LEAF1_APIC;
    uint64_t off = cpu_model_misc_enable_writable(model) & ~cpu->msr.misc_enable;
    return (struct leaf){
        .eax = model->signature,
        .ebx = cpu_model_has(model, VX_F_CLFLUSH) ? LEAF1_ONE_CPU | LEAF1_CLFLUSH_64 : 0,
        .ecx = cpu_model_cpuid_word(model, CPUID_C1) & ~(off & MISC_ENABLE_MONITOR ? LEAF1_MONITOR : 0u),
        .edx = cpu_model_cpuid_word(model, CPUID_D1) & ~hidden,
    };
}

static struct leaf structured_leaf(const struct vx_cpu_model *model)
{
    return (struct leaf){
        .ebx = cpu_model_cpuid_word(model, CPUID_B7),
        .ecx = cpu_model_cpuid_word(model, CPUID_C7),
        .edx = cpu_model_cpuid_word(model, CPUID_D7),
    };
}

/* Lines of 64 bytes; interrupts may end an MWAIT though they are masked; C1 alone. */
static const struct leaf monitor_leaf = { 64, 64, 3, 0x10 };

static struct leaf basic_leaf(const struct vx_vcpu *cpu, uint32_t index, uint32_t sub)
{
    const struct vx_cpu_model *model = cpu->model;
    uint32_t mhz = VX_CPU_TSC_HZ / 1000000u;
    switch (index) {
    case 0:
        return (struct leaf){ model->max_basic, four(model->vendor), four(model->vendor + 8), four(model->vendor + 4) };
    case 1: return feature_leaf(cpu);
    case 2: return (struct leaf){ model->leaf2[0], model->leaf2[1], model->leaf2[2], model->leaf2[3] };
    case 4: return cache_leaf(sub);
    case 5: return cpu_model_has(model, VX_F_MONITOR) ? monitor_leaf : (struct leaf){ 0 };
    case 6: return (struct leaf){ .eax = LEAF6_ARAT };
    case 7: return sub == 0 ? structured_leaf(model) : (struct leaf){ 0 };
    case 0x15: return (struct leaf){ 1, 1, VX_CPU_TSC_HZ, 0 };
    case 0x16: return (struct leaf){ mhz, mhz, 100, 0 };
    default: return (struct leaf){ 0 };
    }
}

static struct leaf extended_leaf(const struct vx_vcpu *cpu, uint32_t index)
{
    const struct vx_cpu_model *model = cpu->model;
    uint32_t hidden = cpu->msr.misc_enable & MISC_ENABLE_XD_DISABLE ? LEAFX1_NX : 0;
    const char *brand = model->brand + (index - 0x80000002u) * 16; /* used for 2 to 4 only */
    switch (index) {
    case 0x80000000u: return (struct leaf){ .eax = model->max_extended };
    case 0x80000001u:
        return (struct leaf){ .ecx = cpu_model_cpuid_word(model, CPUID_CX),
                              .edx = cpu_model_cpuid_word(model, CPUID_DX) & ~hidden };
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
    uint32_t max_basic = cpu->model->max_basic;
    struct leaf leaf;
    if ((cpu->msr.misc_enable & MISC_ENABLE_LIMIT_CPUID) && max_basic > 3)
        max_basic = 3;
    if (index >= 0x80000000u && index <= cpu->model->max_extended)
        leaf = extended_leaf(cpu, index);
    else /* beyond either range: the highest basic leaf */
        leaf = basic_leaf(cpu, index > max_basic ? max_basic : index, sub);
    if (index == 0)
        leaf.eax = max_basic;
    if (index == 1)
        cpu->msr.bios_sign = cpu->model->microcode << 32;
    cpu->gpr[VX_RAX] = leaf.eax;
    cpu->gpr[VX_RBX] = leaf.ebx;
    cpu->gpr[VX_RCX] = leaf.ecx;
    cpu->gpr[VX_RDX] = leaf.edx;
}
