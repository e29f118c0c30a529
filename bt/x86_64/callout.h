/* callout.h - what translated code calls in C, and what it says when it does. */
#ifndef VX86_BT_CALLOUT_H
#define VX86_BT_CALLOUT_H

#include "vx86/vcpu.h"

/* What the stubs put into r8, r9, r10 and r11 (selector of a segment load, port); CALLOUT_EXIT, _NEXT or a host
 * address. */
typedef uint64_t bt_callout(struct vx_vcpu *vcpu, uint64_t r8, uint64_t r9, uint64_t r10, uint64_t r11);
bt_callout bt_callout_mem, bt_callout_insn, bt_callout_rep, bt_callout_seg, bt_callout_rdtsc, bt_callout_rdtscp,
    bt_callout_int, bt_callout_iret, bt_callout_share, bt_callout_port, bt_callout_sysenter, bt_callout_sysexit;
/* What stands before them when call-outs are timed, and when instructions are counted exactly. */
typedef uint64_t bt_callout_wrapper(struct vx_vcpu *vcpu, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                                    bt_callout *function);
bt_callout_wrapper bt_callout_timed, bt_callout_counted;

/* Answers of call-outs to their stubs. */
enum { CALLOUT_EXIT = 0, CALLOUT_NEXT = 1 /* anything larger: host address */ };

/* Bits of `info` at a memory call-out. */
enum {
    MEM_BYTES = 0xFF,
    MEM_WRITE = 1u << 8,
    MEM_READ = 1u << 9,
    MEM_FP_LIVE = 1u << 10, /* the code after the call-out expects the FP state in the host */
    MEM_LEN_SHIFT = 16,     /* length of the guest instruction */
};

/* Bits of `info` at a REP call-out (besides MEM_FP_LIVE): what bt_rep_fast() may do; size 0: nothing. */
enum { REP_SIZE = 7, REP_MOVS = 8 };

/* Bits of `info` at a segment load (besides MEM_FP_LIVE): the register, and the bytes that a POP releases. */
enum { SEG_REG = 7, SEG_POP_SHIFT = 4 };

/* Bits of `info` at IN and OUT (besides MEM_FP_LIVE). */
enum { PORT_SIZE = 7, PORT_OUT = 8 };

#endif
