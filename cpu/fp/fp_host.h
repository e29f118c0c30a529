/* fp_host.h - functions whose exact bits are a matter of the processor: the x87 transcendentals and SSE's reciprocal
 * estimates.
 *
 * On x86-64 hosts fp_host_x87.c executes the host's own instruction, so that the interpreter agrees with translated
 * code to the last bit. Elsewhere fp_trans.c computes them portably.
 *
 * Thread rule: pure functions on their arguments; the host's x87 registers are left as the C ABI wants them. */
#ifndef VX86_CPU_FP_HOST_H
#define VX86_CPU_FP_HOST_H

#include "fp.h"

/* In the order of D9 F0..FF's opcodes. */
enum fp_function { FP_F2XM1, FP_FYL2X, FP_FPTAN, FP_FPATAN, FP_FYL2XP1, FP_FSINCOS, FP_FSIN, FP_FCOS };

/* One transcendental on the top of the stack. */
struct fp_transcendental {
    struct fp_f80 st0, st1; /* operands in, results out (st1 only of FPTAN and FSINCOS, whose st0 is the pushed one) */
    uint16_t fcw;           /* masks and rounding control in */
    uint16_t fsw;           /* out: exception flags, C1 and C2 */
    bool stored; /* out: false when an unmasked exception or C2 (out of range) kept the operands as they were */
};

void fp_transcendental(enum fp_function function, struct fp_transcendental *op);
/* The portable statement of the same, within 1 ulp; also what the tests hold the host against. */
void fp_transcendental_portable(enum fp_function function, struct fp_transcendental *op);

/* RCPSS, RSQRTSS: relative error at most 1.5 * 2^-12. Denormal operands count as zeros. */
uint32_t fp_rcp_estimate(uint32_t bits);
uint32_t fp_rsqrt_estimate(uint32_t bits);
uint32_t fp_rcp_estimate_portable(uint32_t bits);
uint32_t fp_rsqrt_estimate_portable(uint32_t bits);

#endif
