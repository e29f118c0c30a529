/* cpu_model.c - the table of CPU models.
 *
 * "default" is what vx86 itself is good at: a Pentium 4 class instruction set with PAE and NX. Its family and model are
 * those of Intel's in-order Atom (06_1Ch). Systems choose their speculation mitigations by that number and by
 * ARCH_CAPABILITIES, and for a guest of a binary translator they should choose none: retpolines, buffer clearing and
 * page-table isolation act on the instructions that the guest wrote, not on those that the host runs, so they would
 * cost much and protect nothing. What the host CPU speculates is the host's to mitigate; vx86 makes no promise of its
 * own against guests that attack themselves by side channels.
 *
 * "vulnerable" is the same instruction set under a model number (06_17h) that systems know to be affected, with
 * SPEC_CTRL and without the ARCH_CAPABILITIES promises, for those who want to see or measure the mitigations. */
#include "cpu_model.h"

enum {
    BASE_EDX = VX_CPUID_FPU | VX_CPUID_DE | VX_CPUID_PSE | VX_CPUID_TSC | VX_CPUID_MSR | VX_CPUID_PAE | VX_CPUID_MCE |
               VX_CPUID_CX8 | VX_CPUID_APIC | VX_CPUID_SEP | VX_CPUID_MTRR | VX_CPUID_PGE | VX_CPUID_MCA |
               VX_CPUID_CMOV | VX_CPUID_PAT | VX_CPUID_PSE36 | VX_CPUID_CLFSH | VX_CPUID_MMX | VX_CPUID_FXSR |
               VX_CPUID_SSE | VX_CPUID_SSE2,
    BASE_CR4 = VX_CR4_TSD | VX_CR4_DE | VX_CR4_PSE | VX_CR4_PAE | VX_CR4_MCE | VX_CR4_PGE | VX_CR4_PCE | VX_CR4_OSFXSR |
               VX_CR4_OSXMMEXCPT,
};

/* IA32_ARCH_CAPABILITIES (SDM 4). */
#define CAP_RDCL_NO            (1ull << 0)
#define CAP_SKIP_L1DFL_VMENTRY (1ull << 3)
#define CAP_SSB_NO             (1ull << 4)
#define CAP_MDS_NO             (1ull << 5)
#define CAP_PSCHANGE_MC_NO     (1ull << 6)
#define CAP_TAA_NO             (1ull << 8)
#define CAP_SBDR_SSDP_NO       (1ull << 13)
#define CAP_FBSDP_NO           (1ull << 14)
#define CAP_PSDP_NO            (1ull << 15)
#define CAP_BHI_NO             (1ull << 20)
#define CAP_PBRSB_NO           (1ull << 24)
#define CAP_GDS_NO             (1ull << 26)
#define CAP_RFDS_NO            (1ull << 27)
#define CAP_ITS_NO             (1ull << 62)

static const struct vx_cpu_model models[] = {
    {
        .name = "default",
        .vendor = "GenuineIntel",
        .brand = "vx86 Virtual CPU",
        .signature = 0x000106CA, /* family 6, model 1Ch, stepping 10 */
        .features_edx = BASE_EDX,
        .features7_ebx = VX_CPUID7B_TSC_ADJUST,
        .features7_edx = VX_CPUID7D_ARCH_CAPABILITIES,
        .features_ext_edx = VX_CPUIDX_NX,
        .cr4_mask = BASE_CR4,
        .phys_bits = 36,
        .arch_capabilities = CAP_RDCL_NO | CAP_SKIP_L1DFL_VMENTRY | CAP_SSB_NO | CAP_MDS_NO | CAP_PSCHANGE_MC_NO |
                             CAP_TAA_NO | CAP_SBDR_SSDP_NO | CAP_FBSDP_NO | CAP_PSDP_NO | CAP_BHI_NO | CAP_PBRSB_NO |
                             CAP_GDS_NO | CAP_RFDS_NO | CAP_ITS_NO,
        .microcode = 0x1000,
    },
    {
        .name = "vulnerable",
        .fp_pointers_always = true,
        .vendor = "GenuineIntel",
        .brand = "vx86 Virtual CPU (vulnerable)",
        .signature = 0x0001067A, /* family 6, model 17h, stepping 10 */
        .features_edx = BASE_EDX,
        .features7_ebx = VX_CPUID7B_TSC_ADJUST,
        .features7_edx = VX_CPUID7D_SPEC_CTRL | VX_CPUID7D_STIBP | VX_CPUID7D_SSBD,
        .features_ext_edx = VX_CPUIDX_NX,
        .cr4_mask = BASE_CR4,
        .phys_bits = 36,
        .microcode = 0x1000,
    },
};

const struct vx_cpu_model *vx_cpu_model_find(const char *name)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(models); i++)
        if (strcmp(models[i].name, name) == 0)
            return &models[i];
    return NULL;
}

bool vx_cpu_fp_pointers_always(const struct vx_cpu_model *model)
{
    return model->fp_pointers_always;
}
