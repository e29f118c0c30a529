/* cpu_model.h - what a named CPU is: its identification and what software may use on it.
 *
 * One table row per model (cpu_model.c) from which CPUID, legal instructions (isa.c), the legal bits of CR0, CR4,
 * EFLAGS and EFER, and the MSRs derive. */
#ifndef VX86_CPU_MODEL_H
#define VX86_CPU_MODEL_H

#include "vx86/cpu.h"
#include "vx86/isa.h"

struct vx_cpu_model {
    const char *name;
    const char *about; /* for --cpu help */
    char vendor[13];
    char brand[49];        /* CPUs with extended leaves */
    uint32_t signature;    /* leaf 1 EAX, and EDX after reset */
    uint64_t features;     /* bit n: enum vx_cpu_feature n */
    uint32_t max_basic;    /* highest leaf; without meaning where there is no CPUID */
    uint32_t max_extended; /* 0: none */
    uint32_t leaf2[4];     /* caches and TLBs */
    uint8_t phys_bits;
    uint64_t arch_capabilities;
    uint64_t microcode; /* IA32_BIOS_SIGN_ID bits 63:32 */
    /* IA32_MISC_ENABLE: after reset, and what of it software may change; 0: the CPU has not got it. Bits of features
     * that a model may lose (MONITOR, NX) count as long as it has them. */
    uint64_t misc_enable, misc_enable_writable;
    /* Machine check: IA32_MCG_CAP, with the number of banks; which banks have IA32_MCi_ADDR and IA32_MCi_MISC. */
    uint16_t mcg_cap;
    uint8_t mc_addr, mc_misc;
};

/* IA32_MISC_ENABLE: bits with an effect here. */
#define MISC_ENABLE_MONITOR     (1ull << 18)
#define MISC_ENABLE_LIMIT_CPUID (1ull << 22)
#define MISC_ENABLE_XD_DISABLE  (1ull << 34)
#define MCG_CAP_BANKS           0xFFu
#define MCG_CAP_CTL             0x100u /* there is IA32_MCG_CTL */

_Static_assert(VX_F_COUNT <= 64, "features fit one word");

#define VX_FEATURE_BIT(id) (1ull << VX_F_##id)

static inline bool cpu_model_has(const struct vx_cpu_model *model, enum vx_cpu_feature feature)
{
    return feature < VX_F_COUNT && (model->features >> feature & 1);
}

/* Where CPUID tells a feature: column `word` of cpu_features.def. */
enum cpuid_word { CPUID_NO, CPUID_D1, CPUID_C1, CPUID_B7, CPUID_C7, CPUID_D7, CPUID_CX, CPUID_DX, CPUID_WORDS };

/* A row of cpu_features.def. */
struct cpu_feature_row {
    const char *name;
    uint8_t word, bit; /* enum cpuid_word */
    uint8_t needs;
    bool host; /* column `runs` is HOST */
};
extern const struct cpu_feature_row cpu_feature_rows[VX_F_COUNT];

/* IA32_MISC_ENABLE after reset, and what of it may be written. */
uint64_t cpu_model_misc_enable(const struct vx_cpu_model *model);
uint64_t cpu_model_misc_enable_writable(const struct vx_cpu_model *model);

/* One of CPUID's feature words. */
uint32_t cpu_model_cpuid_word(const struct vx_cpu_model *model, enum cpuid_word word);

/* The table of models; NULL behind the last. */
const struct vx_cpu_model *cpu_model_at(size_t index);

/* The time-stamp counter and the local APIC's bus clock both count at this rate (leaves 15h, 16h); the machine's tsc
 * operation must agree. */
#define VX_CPU_TSC_HZ 1000000000u

/* Bits of EFLAGS, CR0 and CR4 that software can change on this model; those of EFLAGS without regard to privilege. A 1
 * written elsewhere is ignored in EFLAGS and CR0, #GP(0) in CR4. */
uint32_t cpu_eflags_mask(const struct vx_cpu_model *model);
uint32_t cpu_cr0_mask(const struct vx_cpu_model *model);
uint32_t cpu_cr4_mask(const struct vx_cpu_model *model);

#endif
