/* cpu_model.h - what a named CPU is: its identification and what software may use on it.
 *
 * One table row per model (cpu_model.c) from which CPUID, the legal CR4 and EFER bits and the MSRs derive. */
#ifndef VX86_CPU_MODEL_H
#define VX86_CPU_MODEL_H

#include "vx86/cpu.h"

/* CPUID leaf 1 EDX. */
enum {
    VX_CPUID_FPU = 1u << 0,
    VX_CPUID_DE = 1u << 2,
    VX_CPUID_PSE = 1u << 3,
    VX_CPUID_TSC = 1u << 4,
    VX_CPUID_MSR = 1u << 5,
    VX_CPUID_PAE = 1u << 6,
    VX_CPUID_MCE = 1u << 7,
    VX_CPUID_CX8 = 1u << 8,
    VX_CPUID_APIC = 1u << 9,
    VX_CPUID_SEP = 1u << 11,
    VX_CPUID_MTRR = 1u << 12,
    VX_CPUID_PGE = 1u << 13,
    VX_CPUID_MCA = 1u << 14,
    VX_CPUID_CMOV = 1u << 15,
    VX_CPUID_PAT = 1u << 16,
    VX_CPUID_PSE36 = 1u << 17,
    VX_CPUID_CLFSH = 1u << 19,
    VX_CPUID_MMX = 1u << 23,
    VX_CPUID_FXSR = 1u << 24,
    VX_CPUID_SSE = 1u << 25,
    VX_CPUID_SSE2 = 1u << 26,
};
/* Leaf 7 EBX and EDX. */
enum { VX_CPUID7B_TSC_ADJUST = 1u << 1 };
enum {
    VX_CPUID7D_SPEC_CTRL = 1u << 26,
    VX_CPUID7D_STIBP = 1u << 27,
    VX_CPUID7D_ARCH_CAPABILITIES = 1u << 29,
    VX_CPUID7D_SSBD = 1u << 31
};
/* Leaf 80000001h EDX. */
enum { VX_CPUIDX_NX = 1u << 20 };

struct vx_cpu_model {
    const char *name;
    char vendor[13];
    char brand[49];
    uint32_t signature;    /* leaf 1 EAX, and EDX after reset */
    uint32_t features_edx; /* leaf 1 EDX */
    uint32_t features_ecx; /* leaf 1 ECX */
    uint32_t features7_ebx, features7_edx;
    uint32_t features_ext_edx;
    uint32_t cr4_mask;
    uint8_t phys_bits;
    /* x87: FIP, FCS, FOP, FDP and FDS follow every instruction that is not a control instruction. Otherwise FOP and FDP change
     * only with an unmasked exception (CPUID.7.EBX bit 6), and FCS and FDS read as 0 (bit 13). */
    bool fp_pointers_always;
    uint64_t arch_capabilities;
    uint64_t microcode; /* IA32_BIOS_SIGN_ID bits 63:32 */
};

/* The time-stamp counter and the local APIC's bus clock both count at this rate (leaves 15h, 16h); the machine's tsc
 * operation must agree. */
#define VX_CPU_TSC_HZ 1000000000u

#endif
