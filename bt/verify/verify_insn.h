/* verify_insn.h - a decoded instruction, of the host or of the guest, as the rules see it. */
#ifndef VX86_BT_VERIFY_INSN_H
#define VX86_BT_VERIFY_INSN_H

#include <capstone/capstone.h>
#include <stdbool.h>
#include <stdint.h>

#include "regs.h"

enum vf_kind {
    K_NATIVE,
    K_MOV,
    K_MOVZX,
    K_MOVSX,
    K_LEA,
    K_NOT,
    K_SHRX,
    K_SHLX,
    K_SARX,
    K_RORX,
    K_JRCXZ,
    K_JMP,
    K_CALL,
    K_JCC,
    K_SETCC,
    K_LAHF,
    K_SAHF,
    K_NOP,
    K_COUNT,
    K_IMUL,
    K_POPF,
    K_CMPS,
};

enum {
    VF_FLAGS = 1,
    VF_FAULTS = 2,
    VF_GUEST = 4,
    VF_FP = 8,
    VF_PUSH = 16, /* these three: where the stack is accessed */
    VF_POP = 32,
    VF_LEAVE = 64,
    VF_STACK = VF_PUSH | VF_POP | VF_LEAVE,
};
enum { VF_NO_REG = 0xFF, VF_RIP = 0xFE, VF_OPERANDS = 3 };

enum {
    VF_XMM_ENTRIES = X86_REG_XMM0 + H_XMM_ENTRIES,
    VF_XMM_JC_HITS = X86_REG_XMM0 + H_XMM_JC_HITS,
    VF_XMM_ONES = X86_REG_XMM0 + H_XMM_ONES
};

struct vf_def {
    uint8_t kind, written, attributes;
    uint8_t implicit; /* bit set of guest registers */
};

enum vf_op_kind { OP_NONE, OP_REG, OP_IMM, OP_MEM };

struct vf_op {
    uint8_t kind;
    uint8_t size; /* bytes of the register or the access */
    uint8_t reg;  /* number of a general register; VF_NO_REG: another kind of register */
    bool high;    /* AH, CH, DH, BH; reg is 0 to 3 then */
    bool odd;     /* memory through a segment override or with other than 64-bit (guest: 16 or 32-bit) registers */
    bool window;  /* host: memory through GS, with 32-bit addresses */
    uint8_t base, index, scale;
    uint8_t address_bytes; /* guest code: of a memory operand */
    uint8_t seg;           /* memory: enum vx_segment of an override, VF_NO_REG */
    int64_t value;         /* immediate, displacement, branch target as an offset from the code's start */
    int32_t relative;      /* guest code: a branch target's distance from the next instruction */
    uint32_t other;        /* Capstone's number of a register of another kind */
};

struct vf_insn {
    uint32_t off;
    uint16_t id; /* x86_insn */
    uint8_t len, ops;
    bool known;    /* def is filled in */
    bool prefixed; /* LOCK, REP */
    struct vf_def def;
    struct vf_op op[VF_OPERANDS];
};

#endif
