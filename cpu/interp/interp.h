/* interp.h - what the files of the reference interpreter share: one decoded instruction and access to its operands.
 *
 * interp.c fetches and decodes prefixes, opcode and ModRM into a struct insn and calls the handler that
 * isa.def names for the encoding: interp_alu.c, interp_string.c, interp_branch.c, interp_system.c,
 * interp_x87.c, interp_sse.c ...
 *
 *   I1  A handler commits architectural state last: it returns false (mmu->fault set) only with nothing changed but A/D
 *       bits (string instructions: with ECX/ESI/EDI at the iteration that faulted).
 *   I2  On true, interp.c sets rip to insn->next_eip: a control transfer changes next_eip.
 *   I3  Instruction bytes are fetched one by one as the decoder asks for them; no byte that the instruction does not
 *       have can fault. [fetch, fetch_end) is the part of them that is known to be inside the page, CS's limit and
 *       15 bytes.
 *   I4  The code window spares the run loop what rarely changes. It is good while map_epoch stands and nobody has
 *       called insn_mode_changed(): whoever changes CS, CPL, a control or debug register, TF, RF, AC, the shadow, or
 *       halts, must.
 *   I5  Offsets, `off` among them, are wrapped where they are computed. Only next_eip counts on at 4 GiB, so that a
 *       fetch is a plain addition: insn_return_eip() is what it means.
 */
#ifndef VX86_CPU_INTERP_H
#define VX86_CPU_INTERP_H

#include "vx86/cpu.h"

#define INSN_BYTES_MAX 15u

enum rep_prefix { REP_NONE = 0, REP_NE = 0xF2, REP_E = 0xF3 };

struct insn {
    struct vx_vcpu *cpu;
    const uint8_t *fetch; /* I3: host address of the byte at next_eip */
    const uint8_t *fetch_end;
    const struct vx_tlb *tlb; /* the soft TLB of `view` */
    uint64_t start_eip;
    uint64_t next_eip; /* after the bytes fetched so far (I5) */
    union {
        struct {
            uint8_t op_size;   /* 2 or 4, from CS.D and 66h */
            uint8_t addr_size; /* 2 or 4, from CS.D and 67h */
            bool prefix_66;
            uint8_t rep; /* enum rep_prefix: the last of F2h/F3h */
            bool lock;
            uint8_t map; /* 0 one-byte, 1: 0F, 2: 0F38, 3: 0F3A */
            uint8_t seg; /* enum vx_segment of the memory operand, override applied (also for strings and moffs) */
            bool seg_override;
        };
        uint64_t prefixes; /* all of them, to set them at once */
    };
    uint8_t opcode;
    uint8_t modrm, mod, reg, rm; /* of opcodes that have ModRM */
    uint8_t sib;                 /* when there is one */
    uint64_t off;                /* effective offset of the memory operand, when mod != 3 */
    uint8_t view;                /* enum vx_view of data accesses and fetches */
    uint8_t shadow;              /* enum vx_inhibit that was in force before this instruction */

    /* I4: the host bytes of [window_eip, window_eip + window_bytes), and `prefixes` of an instruction without any. */
    const uint8_t *window;
    uint64_t window_eip;
    uint32_t window_bytes;
    uint64_t window_epoch, window_prefixes;

    /* Rare states (debug_registers.h); never set while there is a window. */
    bool careful; /* data accesses are checked for alignment or watched by DR7 */
    bool align_check;
    bool watch;
    bool single_step;  /* EFLAGS.TF was set before the instruction */
    bool branched;     /* the instruction has been somewhere else than behind itself */
    uint16_t task;     /* TR before the instruction */
    bool no_step_trap; /* the instruction was a software interrupt: TF is in the pushed image instead */
    uint8_t dr6_hits;  /* data and I/O breakpoints hit so far, as DR6 has them */
};

/* I5 */
static inline uint64_t insn_return_eip(const struct insn *in)
{
    return vx_off_wrap(in->next_eip);
}

/* I4 */
static inline void insn_mode_changed(struct insn *in)
{
    in->window_bytes = 0;
}

/* #UD, #GP(0), ... : set mmu->fault and return false, to be used as `return insn_ud(in);`. */
bool insn_ud(struct insn *in);
bool insn_gp0(struct insn *in);
bool insn_fault(struct insn *in, uint8_t vector); /* no error code */
bool insn_fault_code(struct insn *in, uint8_t vector, uint32_t error);

/* The next `bytes` (1, 2, 4) instruction bytes where [fetch, fetch_end) does not have them all. */
bool insn_fetch_slow(struct insn *in, void *buf, unsigned bytes);

/* Tries the fetch of all bytes that the instruction has, for faults that must not come before that of the fetch. */
bool insn_fetch_whole(struct insn *in);

/* Immediate bytes after ModRM/displacement; sign extension is the caller's. */
static inline bool insn_imm8(struct insn *in, uint8_t *value)
{
    if (VX_UNLIKELY(in->fetch == in->fetch_end))
        return insn_fetch_slow(in, value, 1);
    *value = *in->fetch++;
    in->next_eip++;
    return true;
}

static inline bool insn_imm16(struct insn *in, uint16_t *value)
{
    if (VX_UNLIKELY(in->fetch_end - in->fetch < 2))
        return insn_fetch_slow(in, value, 2);
    memcpy(value, in->fetch, 2);
    in->fetch += 2;
    in->next_eip += 2;
    return true;
}

static inline bool insn_imm32(struct insn *in, uint32_t *value)
{
    if (VX_UNLIKELY(in->fetch_end - in->fetch < 4))
        return insn_fetch_slow(in, value, 4);
    memcpy(value, in->fetch, 4);
    in->fetch += 4;
    in->next_eip += 4;
    return true;
}

/* Memory through a segment (SDM 3A "Limit Checking", "Type Checking"): #GP(0), or #SS(0) for SS; then the mmu at the
 * current privilege; alignment check where AM and AC ask for it. size 1, 2, 4, 8. */
bool insn_read(struct insn *in, unsigned seg, uint64_t off, unsigned size, uint64_t *value);
bool insn_write(struct insn *in, unsigned seg, uint64_t off, unsigned size, uint64_t value);
/* 10-, 16-, 28-, 108-, 512-byte operands; `align` 16: #GP(0) when the linear address is not a multiple (SSE), else 1.
 * Offsets wrap at 4 GiB; a write faults before any byte of it is stored. At most VX_PAGE_BYTES. */
bool insn_read_bytes(struct insn *in, unsigned seg, uint64_t off, void *buf, unsigned bytes, unsigned align);
bool insn_write_bytes(struct insn *in, unsigned seg, uint64_t off, const void *buf, unsigned bytes, unsigned align);

/* Segment check of [off, off + bytes) alone: the linear address, or a fault. */
bool insn_seg_check(struct insn *in, unsigned seg, uint64_t off, unsigned bytes, enum vx_access access, uint64_t *lin);
/* Everything that insn_write() checks, without storing. */
bool insn_probe_write(struct insn *in, unsigned seg, uint64_t off, unsigned bytes);

/* Handlers that live in files of their own. Each gets an instruction with opcode and ModRM (if any) decoded, immediates
 * not yet fetched; returns false with mmu->fault set on a fault (insn_ud() for an encoding that is not legal). */
bool interp_x87(struct insn *in); /* D8..DF, and 9B WAIT */
bool interp_sse(struct insn *in); /* MMX and SSE, EMMS */

#endif
