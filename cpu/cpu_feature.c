/* cpu_feature.c - what follows from a model's features: CPUID's words and the control bits that software may set. */
#include "cpu_model.h"

#define HERE false
#define HOST true

const struct cpu_feature_row cpu_feature_rows[VX_F_COUNT] = {
#define VX_CPU_FEATURE(id, name, word, bit, needs, runs, ours) \
    [VX_F_##id] = { name, CPUID_##word, bit, VX_F_##needs, runs },
#include "vx86/cpu_features.def"
#undef VX_CPU_FEATURE
};

bool vx_cpu_has(const struct vx_cpu_model *model, enum vx_cpu_feature feature)
{
    return cpu_model_has(model, feature);
}

uint32_t cpu_model_cpuid_word(const struct vx_cpu_model *model, enum cpuid_word word)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < VX_F_COUNT; i++)
        if (cpu_feature_rows[i].word == word && cpu_model_has(model, (enum vx_cpu_feature)i))
            value |= 1u << cpu_feature_rows[i].bit;
    return value;
}

/* Bits that come with a feature. */
struct bits {
    uint8_t feature;
    uint32_t mask;
};

static uint32_t mask_of(const struct vx_cpu_model *model, const struct bits *table, size_t rows)
{
    uint32_t mask = 0;
    for (size_t i = 0; i < rows; i++)
        if (cpu_model_has(model, (enum vx_cpu_feature)table[i].feature))
            mask |= table[i].mask;
    return mask;
}

uint32_t cpu_eflags_mask(const struct vx_cpu_model *model)
{
    uint32_t mask = VX_FL_ARITH | VX_FL_TF | VX_FL_IF | VX_FL_DF | VX_FL_IOPL | VX_FL_NT | VX_FL_RF | VX_FL_VM;
    if (cpu_model_has(model, VX_F_I486))
        mask |= VX_FL_AC;
    if (cpu_model_has(model, VX_F_CPUID))
        mask |= VX_FL_ID | VX_FL_VIF | VX_FL_VIP; /* late 486s got all three */
    return mask;
}

uint32_t cpu_cr0_mask(const struct vx_cpu_model *model)
{
    static const struct bits table[] = {
        { VX_F_I386, VX_CR0_PE | VX_CR0_MP | VX_CR0_EM | VX_CR0_TS | (uint32_t)VX_CR0_PG },
        { VX_F_I486, VX_CR0_NE | VX_CR0_WP | VX_CR0_AM | VX_CR0_NW | VX_CR0_CD },
    };
    return mask_of(model, table, VX_ARRAY_LEN(table));
}

uint32_t cpu_cr4_mask(const struct vx_cpu_model *model)
{
    static const struct bits table[] = {
        { VX_F_VME, VX_CR4_VME | VX_CR4_PVI },
        { VX_F_TSC, VX_CR4_TSD },
        { VX_F_DE, VX_CR4_DE },
        { VX_F_PSE, VX_CR4_PSE },
        { VX_F_PAE, VX_CR4_PAE },
        { VX_F_MCE, VX_CR4_MCE },
        { VX_F_PGE, VX_CR4_PGE },
        { VX_F_RDPMC, VX_CR4_PCE },
        { VX_F_FXSR, VX_CR4_OSFXSR },
        { VX_F_SSE, VX_CR4_OSXMMEXCPT },
        { VX_F_UMIP, VX_CR4_UMIP },
        { VX_F_SMEP, VX_CR4_SMEP },
        { VX_F_SMAP, VX_CR4_SMAP },
    };
    return mask_of(model, table, VX_ARRAY_LEN(table));
}
