/* cpu_model.c - the table of CPU models.
 *
 * "default" is what vx86 itself is good at: everything up to SSE4.2 and its companions, with PAE and NX. Its family and
 * model are those of Intel's in-order Atom (06_1Ch). Systems choose their speculation mitigations by that number and by
 * ARCH_CAPABILITIES, and for a guest of a binary translator they should choose none: retpolines, buffer clearing and
 * page-table isolation act on the instructions that the guest wrote, not on those that the host runs, so they would
 * cost much and protect nothing. What the host CPU speculates is the host's to mitigate; vx86 makes no promise of its
 * own against guests that attack themselves by side channels.
 *
 * "vulnerable" is the same instruction set under a model number (06_17h) that systems know to be affected, with
 * SPEC_CTRL and without the ARCH_CAPABILITIES promises, for those who want to see or measure the mitigations.
 *
 * The others are real ones, for software that expects them; signatures, leaves and cache descriptors are those of the
 * steppings named. Not modelled: the test registers of the 386 and 486 (MOV TR is #UD).
 *
 * Sources: SDM 2 "CPUID", Intel AP-485 "Processor Identification and the CPUID Instruction". */
#include "cpu_model.h"

#define F(id) VX_FEATURE_BIT(id)

/* Each generation has what the one before it had. */
#define F_386         (F(I386) | F(FPU))
#define F_486         (F_386 | F(I486) | F(CPUID) | F(VME))
#define F_PENTIUM     (F_486 | F(DE) | F(PSE) | F(TSC) | F(MSR) | F(MCE) | F(CX8) | F(APIC))
#define F_PENTIUM_MMX (F_PENTIUM | F(MMX) | F(RDPMC))
#define F_PENTIUMPRO  (F_PENTIUM | F(RDPMC) | F(NOPL) | F(PAE) | F(MTRR) | F(PGE) | F(MCA) | F(CMOV))
#define F_PENTIUM2    (F_PENTIUMPRO | F(MMX) | F(SEP) | F(PAT) | F(PSE36) | F(FXSR))
#define F_PENTIUM3    (F_PENTIUM2 | F(SSE))
#define F_PENTIUM4    (F_PENTIUM3 | F(SSE2) | F(CLFLUSH))
#define F_PENTIUMM    (F_PENTIUM4 & ~(F(PAE) | F(PSE36)))
#define F_CORE2       (F_PENTIUM4 | F(SSE3) | F(SSSE3) | F(MONITOR) | F(NX) | F(LAHF_LM) | F(PREFETCHW))

/* vx86's own, by column `ours` of cpu_features.def. MONITOR is none of it: HLT is the cheapest way to wait here. GNU C
 * has enumerators wider than int. */
#define IS_OURS true
#define IS__    false
enum {
    F_OURS = 0
#define VX_CPU_FEATURE(id, name, word, bit, needs, runs, ours) | (IS_##ours ? F(id) : 0)
#include "vx86/cpu_features.def"
#undef VX_CPU_FEATURE
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

/* IA32_MISC_ENABLE and machine check, as SDM 4's tables have them for the families. There is no debug store here: BTS
 * and PEBS are unavailable, bits 11 and 12. Bank numbers are those of the MSRs' addresses. */
#define BIT(n)      (1ull << (n))
#define NO_BTS_PEBS (BIT(11) | BIT(12))
#define ON_PENTIUM4                                                                                            \
    .misc_enable = BIT(0) | NO_BTS_PEBS,                                                                       \
    .misc_enable_writable = BIT(0) | BIT(2) | BIT(3) | BIT(4) | BIT(6) | BIT(8) | BIT(9) | BIT(10) | BIT(19) | \
                            BIT(22) | BIT(23) | BIT(24),                                                       \
    .mcg_cap = 4, .mc_addr = 0x0F, .mc_misc = 0x0F
#define ON_PENTIUMM                                                                                         \
    .misc_enable = NO_BTS_PEBS, .misc_enable_writable = BIT(3) | BIT(10) | BIT(16) | BIT(23), .mcg_cap = 5, \
    .mc_addr = 0x1F
#define ON_CORE2                                                                                                     \
    .misc_enable = BIT(0) | NO_BTS_PEBS | MISC_ENABLE_MONITOR,                                                       \
    .misc_enable_writable = BIT(0) | BIT(3) | BIT(9) | BIT(10) | BIT(13) | BIT(16) | MISC_ENABLE_MONITOR | BIT(19) | \
                            BIT(20) | BIT(22) | BIT(23) | MISC_ENABLE_XD_DISABLE | BIT(37) | BIT(38) | BIT(39),      \
    .mcg_cap = 0x806, .mc_addr = 0x3F, .mc_misc = 0x30
#define ON_ATOM                                                                                                       \
    .misc_enable = BIT(0) | NO_BTS_PEBS | MISC_ENABLE_MONITOR,                                                        \
    .misc_enable_writable = BIT(0) | BIT(3) | BIT(13) | BIT(16) | MISC_ENABLE_MONITOR | BIT(20) | BIT(22) | BIT(23) | \
                            MISC_ENABLE_XD_DISABLE,                                                                   \
    .mcg_cap = 0x805, .mc_addr = 0x1D
#define ON_P6 .mcg_cap = 5 | MCG_CAP_CTL, .mc_addr = 0x17

#define INTEL "GenuineIntel"

static const struct vx_cpu_model models[] = {
    {
        .name = "default",
        .about = "what vx86 is good at: SSE4.2 and its companions, no known speculation flaws",
        .vendor = INTEL,
        .brand = "vx86 Virtual CPU",
        .signature = 0x000106CA, /* family 6, model 1Ch, stepping 10 */
        .features = F_OURS | F(ARCH_CAPABILITIES),
        .max_basic = 0x16,
        .max_extended = 0x80000008u,
        .leaf2 = { 0x035AFF01, 0, 0, 0xF0 }, /* TLBs; caches: see leaf 4; 64-byte prefetch */
        .phys_bits = 36,
        .arch_capabilities = CAP_RDCL_NO | CAP_SKIP_L1DFL_VMENTRY | CAP_SSB_NO | CAP_MDS_NO | CAP_PSCHANGE_MC_NO |
                             CAP_TAA_NO | CAP_SBDR_SSDP_NO | CAP_FBSDP_NO | CAP_PSDP_NO | CAP_BHI_NO | CAP_PBRSB_NO |
                             CAP_GDS_NO | CAP_RFDS_NO | CAP_ITS_NO,
        .microcode = 0x1000,
        ON_ATOM,
    },
    {
        .name = "vulnerable",
        .about = "the same, known to be affected by speculation flaws: systems use their workarounds",
        .vendor = INTEL,
        .brand = "vx86 Virtual CPU (vulnerable)",
        .signature = 0x0001067A, /* family 6, model 17h, stepping 10 */
        .features = (F_OURS & ~(F(FDP_EXCPTN_ONLY) | F(ZERO_FCS_FDS))) | F(SPEC_CTRL) | F(STIBP) | F(SSBD),
        .max_basic = 0x16,
        .max_extended = 0x80000008u,
        .leaf2 = { 0x035AFF01, 0, 0, 0xF0 },
        .phys_bits = 36,
        .microcode = 0x1000,
        ON_CORE2,
    },
    {
        .name = "386",
        .about = "Intel386 DX with 387: no CPUID, no BSWAP, CMPXCHG, XADD, no CR0.WP",
        .vendor = INTEL,
        .signature = 0x00000308, /* DX, stepping D */
        .features = F_386,
        .phys_bits = 32,
    },
    {
        .name = "486",
        .about = "Intel486 DX4: CPUID",
        .vendor = INTEL,
        .signature = 0x00000480,
        .features = F_486,
        .max_basic = 1,
        .phys_bits = 32,
    },
    {
        .name = "pentium",
        .about = "Pentium (P54C): TSC, MSRs, CMPXCHG8B, 4 MiB pages",
        .vendor = INTEL,
        .signature = 0x0000052C,
        .features = F_PENTIUM,
        .max_basic = 1,
        .phys_bits = 32,
    },
    {
        .name = "pentium-mmx",
        .about = "Pentium with MMX (P55C)",
        .vendor = INTEL,
        .signature = 0x00000543,
        .features = F_PENTIUM_MMX,
        .max_basic = 1,
        .phys_bits = 32,
    },
    {
        .name = "pentiumpro",
        .about = "Pentium Pro: CMOV, PAE, global pages, MTRRs",
        .vendor = INTEL,
        .signature = 0x00000619,
        .features = F_PENTIUMPRO,
        .max_basic = 2,
        .leaf2 = { 0x03020101, 0, 0, 0x06040A42 },
        .phys_bits = 36,
        ON_P6,
    },
    {
        .name = "pentium2",
        .about = "Pentium II (Deschutes): MMX, SYSENTER, FXSAVE, PAT",
        .vendor = INTEL,
        .signature = 0x00000652,
        .features = F_PENTIUM2,
        .max_basic = 2,
        .leaf2 = { 0x03020101, 0, 0, 0x0C040843 },
        .phys_bits = 36,
        ON_P6,
    },
    {
        .name = "pentium3",
        .about = "Pentium III (Coppermine): SSE",
        .vendor = INTEL,
        .signature = 0x0000068A,
        .features = F_PENTIUM3,
        .max_basic = 2,
        .leaf2 = { 0x03020101, 0, 0, 0x0C040882 },
        .phys_bits = 36,
        ON_P6,
    },
    {
        .name = "pentium-m",
        .about = "Pentium M (Dothan): SSE2, no PAE",
        .vendor = INTEL,
        .brand = "Intel(R) Pentium(R) M processor 1.00GHz",
        .signature = 0x000006D8,
        .features = F_PENTIUMM,
        .max_basic = 2,
        .max_extended = 0x80000004u,
        .leaf2 = { 0x02B3B001, 0, 0, 0x2C04307D },
        .phys_bits = 36, /* of the MTRRs, which firmware writes without asking */
        ON_PENTIUMM,
    },
    {
        .name = "pentium4",
        .about = "Pentium 4 (Northwood): SSE2",
        .vendor = INTEL,
        .brand = "Intel(R) Pentium(R) 4 CPU 1.00GHz",
        .signature = 0x00000F29,
        .features = F_PENTIUM4,
        .max_basic = 2,
        .max_extended = 0x80000004u,
        .leaf2 = { 0x665B5001, 0, 0, 0x007B7040 },
        .phys_bits = 36,
        ON_PENTIUM4,
    },
    {
        .name = "core2",
        .about = "Core 2 (Merom): SSE3, SSSE3, NX, MONITOR",
        .vendor = INTEL,
        .brand = "Intel(R) Core(TM)2 CPU 1.00GHz",
        .signature = 0x000006FB,
        .features = F_CORE2,
        .max_basic = 0xA,
        .max_extended = 0x80000008u,
        .leaf2 = { 0x05B0B101, 0x005657F0, 0, 0x2CB43049 },
        .phys_bits = 36,
        ON_CORE2,
    },
};

const struct vx_cpu_model *cpu_model_at(size_t index)
{
    return index < VX_ARRAY_LEN(models) ? &models[index] : NULL;
}

const struct vx_cpu_model *vx_cpu_model_find(const char *name)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(models); i++)
        if (strcmp(models[i].name, name) == 0)
            return &models[i];
    return NULL;
}

bool vx_cpu_fp_pointers_always(const struct vx_cpu_model *model)
{
    return !cpu_model_has(model, VX_F_FDP_EXCPTN_ONLY);
}

/* Bits that go with a feature which the model has lost, or never had. */
static uint64_t without_features(const struct vx_cpu_model *model, uint64_t bits)
{
    if (!cpu_model_has(model, VX_F_MONITOR))
        bits &= ~MISC_ENABLE_MONITOR;
    return cpu_model_has(model, VX_F_NX) ? bits : bits & ~MISC_ENABLE_XD_DISABLE;
}

uint64_t cpu_model_misc_enable(const struct vx_cpu_model *model)
{
    return without_features(model, model->misc_enable);
}

uint64_t cpu_model_misc_enable_writable(const struct vx_cpu_model *model)
{
    return without_features(model, model->misc_enable_writable);
}
