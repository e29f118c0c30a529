/* fp_host_x87.c - processor-dependent functions by the host's own instructions, on x86-64 hosts; by fp_trans.c
 * elsewhere.
 *
 * A transcendental runs with the guest's control word, unmasked exceptions included: FRSTOR, the instruction, FNSAVE,
 * none of which reports what the instruction left pending. The control word of the host is put back. */
#include <string.h>

#include "fp_host.h"

#if defined(__x86_64__)

/* The 32-bit protected-mode layout of FNSAVE. */
struct save_image {
    uint32_t fcw, fsw, ftw, fip, fcs_fop, fdp, fds;
    uint8_t st[8][10];
};

#define FTW_TWO_VALID  0xFFF0u /* R0 and R1 valid, TOP = 0 */
#define SW_C2          0x0400u
#define SW_C1_C2_FLAGS 0x063Fu

#define RUN(mnemonic)                                         \
    __asm__ volatile("frstor %0\n\t" mnemonic "\n\tfnsave %0" \
                     : "+m"(*image)                           \
                     :                                        \
                     : "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)")

static void run(enum fp_function function, struct save_image *image)
{
    uint16_t host_fcw;
    __asm__ volatile("fnstcw %0" : "=m"(host_fcw));
    switch (function) {
    case FP_F2XM1: RUN("f2xm1"); break;
    case FP_FYL2X: RUN("fyl2x"); break;
    case FP_FPTAN: RUN("fptan"); break;
    case FP_FPATAN: RUN("fpatan"); break;
    case FP_FYL2XP1: RUN("fyl2xp1"); break;
    case FP_FSINCOS: RUN("fsincos"); break;
    case FP_FSIN: RUN("fsin"); break;
    case FP_FCOS: RUN("fcos"); break;
    }
    __asm__ volatile("fldcw %0" : : "m"(host_fcw));
}

static void put_register(uint8_t *slot, struct fp_f80 value)
{
    memcpy(slot, &value.sig, 8);
    memcpy(slot + 8, &value.se, 2);
}

static struct fp_f80 get_register(const uint8_t *slot)
{
    struct fp_f80 value;
    memcpy(&value.sig, slot, 8);
    memcpy(&value.se, slot + 8, 2);
    return value;
}

void fp_transcendental(enum fp_function function, struct fp_transcendental *op)
{
    struct save_image image = { .fcw = 0xFFFF0000u | op->fcw, .fsw = 0xFFFF0000u, .ftw = 0xFFFF0000u | FTW_TWO_VALID };
    put_register(image.st[0], op->st0);
    put_register(image.st[1], op->st1);
    run(function, &image);
    op->fsw = (uint16_t)(image.fsw & SW_C1_C2_FLAGS);
    op->stored = !(op->fsw & ~op->fcw & (FP_IE | FP_DE | FP_ZE)) && !(op->fsw & SW_C2);
    if (!op->stored)
        return;
    op->st0 = get_register(image.st[0]);
    if (function == FP_FPTAN || function == FP_FSINCOS)
        op->st1 = get_register(image.st[1]);
}

uint32_t fp_rcp_estimate(uint32_t bits)
{
    uint32_t result;
    __asm__("movd %1, %%xmm0\n\trcpss %%xmm0, %%xmm0\n\tmovd %%xmm0, %0" : "=r"(result) : "r"(bits) : "xmm0");
    return result;
}

uint32_t fp_rsqrt_estimate(uint32_t bits)
{
    uint32_t result;
    __asm__("movd %1, %%xmm0\n\trsqrtss %%xmm0, %%xmm0\n\tmovd %%xmm0, %0" : "=r"(result) : "r"(bits) : "xmm0");
    return result;
}

#else

void fp_transcendental(enum fp_function function, struct fp_transcendental *op)
{
    fp_transcendental_portable(function, op);
}

uint32_t fp_rcp_estimate(uint32_t bits)
{
    return fp_rcp_estimate_portable(bits);
}

uint32_t fp_rsqrt_estimate(uint32_t bits)
{
    return fp_rsqrt_estimate_portable(bits);
}

#endif
