/* emit.h - what the emitters share: the unit under construction and the building blocks of lowered code.
 *
 * One emitter per lowering (enum bt_lower), gathered by subject in emit_*.c; names mirror cpu/interp_*.c. */
#ifndef VX86_BT_EMIT_H
#define VX86_BT_EMIT_H

#include "asm.h"

/* Out-of-line code, emitted behind the unit's body. */
struct cold {
    enum { COLD_MEM, COLD_INSN, COLD_EXIT, COLD_UNSHARED } kind;
    uint32_t from;   /* buffer offset of the rel32 that leads here */
    uint32_t resume; /* COLD_MEM: buffer offset where the access follows */
    uint8_t lin_reg; /* COLD_MEM: where the linear address is */
    bool rcx_in_r11; /* guest ECX has to be brought back first */
    uint32_t info;
    bool fip_due; /* as in struct cg, at the jump to here */
    uint32_t fip;
    uint8_t insn; /* index of the guest instruction */
    uint8_t exit; /* COLD_EXIT: which */
};

enum { COLD_MAX = BT_TU_MAX * 6, SITE_MAX = BT_TU_MAX * 4 };

struct cg {
    struct bt_asm a;
    struct vx_bt *bt;
    struct bt_tu *tu;
    uint32_t mode;
    const struct bt_insn *in;      /* being emitted */
    unsigned index;                /* its number in the unit */
    uint32_t start[BT_TU_MAX + 2]; /* buffer offset of each instruction, of the tail, of the cold part */
    bool fp_live;                  /* I4: the FP state is known to be in the host here */
    bool after_sti;                /* the one before was STI */
    bool in_shadow;                /* the instruction being emitted runs in STI's shadow */
    bool poll_if;                  /* IF may have become 1: look at the next boundary */
    uint8_t shares_open;           /* slots whose probe has been emitted */
    uint8_t r9_share;              /* the slot that r9 holds, SHARE_NONE */
    int32_t share_disp;            /* displacement of the operand behind OPERAND_SHARE */
    bool jcc_polled;               /* the poll of the closing Jcc has been emitted */
    bool counted;                  /* exact counts: vcpu->retired has all of the unit's instructions from here on */
    bool fip_due;                  /* `fip` is yet to be told */
    uint32_t fip;                  /* eip of the last x87 instruction that is not a control instruction */
    unsigned insns;                /* instructions of the unit */
    unsigned exits;
    struct cold cold[COLD_MAX];
    unsigned cold_count;
    struct bt_site site[SITE_MAX];
    unsigned site_count;
    bool full; /* too much for the tables: make a shorter unit */
};

/* In the place of an address register: the operand is [r9 + cg->share_disp]. */
enum { OPERAND_SHARE = 0xFE };

/* An instruction that takes part in a share cannot be done by C and the unit gone on with: its slot would stay unset.
 * */
static inline bool cg_has_share(const struct bt_insn *in)
{
    return in->share_mem != SHARE_NONE || in->share_stack != SHARE_NONE;
}

static inline uint32_t next_eip(const struct bt_insn *in)
{
    return in->eip + in->len;
}

/* ---- emit_mem.c: addresses and accesses */
/* A linear address: in `reg`, which is r8 or a guest register that holds it already. */
/* Offset of the ModRM/moffs operand, wrapped to the address size, into r8 (or a register that is it; only if allowed).
 * */
uint8_t emit_offset(struct cg *cg, const struct bt_insn *in, bool must_be_r8);
/* Adds the segment: limit check unless flat, base. off_reg must be r8 unless the segment is flat in this mode. */
uint8_t emit_segment(struct cg *cg, unsigned seg, uint8_t off_reg, unsigned bytes, bool write);
bool seg_is_flat(const struct cg *cg, unsigned seg);
/* Shadow probe: afterwards [lin_reg + r9] is the operand. access: MEM_READ, MEM_WRITE or both. Clobbers r9..r11. */
void emit_probe(struct cg *cg, uint8_t lin_reg, unsigned bytes, uint32_t access);
/* All three: operand of the current instruction. */
uint8_t emit_operand(struct cg *cg, const struct bt_insn *in);
/* Stack slot at ESP + disp. */
uint8_t emit_stack(struct cg *cg, int32_t disp, unsigned bytes, uint32_t access);
void emit_adjust_esp(struct cg *cg, int32_t by);
/* prefix op reg, [operand]: what emit_operand() or emit_stack() gave. Immediates follow. */
void emit_access(struct cg *cg, unsigned prefix, unsigned op, unsigned reg, uint8_t lin_reg);
/* mov reg, [operand] and back, by size; loads of 1 and 2 bytes zero-extend, reg is a host register. */
void emit_load(struct cg *cg, unsigned reg, uint8_t lin_reg, unsigned bytes);
void emit_store(struct cg *cg, uint8_t lin_reg, unsigned reg, unsigned bytes);
/* Writes the low `bytes` (2 or 4) of a host register to a guest register. */
void emit_to_guest(struct cg *cg, unsigned guest_reg, unsigned host_reg, unsigned bytes);

/* ---- emit_alu.c: innocuous instructions as themselves */
void emit_native(struct cg *cg, const struct bt_insn *in); /* L_MODRM, L_SSE; L_X87 through emit_x87() */
void emit_plain(struct cg *cg, const struct bt_insn *in);
void emit_opreg(struct cg *cg, const struct bt_insn *in);
void emit_incdec(struct cg *cg, const struct bt_insn *in);
void emit_lea(struct cg *cg, const struct bt_insn *in);
void emit_mov_offs(struct cg *cg, const struct bt_insn *in);
void emit_xlat(struct cg *cg, const struct bt_insn *in);
void emit_bt_rm(struct cg *cg, const struct bt_insn *in);
/* True if the host encoding cannot name what the instruction names (REX against AH..BH). */
bool emit_native_impossible(const struct bt_insn *in);
void emit_fp_here(struct cg *cg);

/* ---- emit_x87.c */
void emit_x87(struct cg *cg, const struct bt_insn *in);
/* Stores FIP if it is due (and leaves it due for other paths). */
void emit_fip(struct cg *cg);

/* ---- emit_stack.c */
void emit_push_reg(struct cg *cg, const struct bt_insn *in);
void emit_push_imm(struct cg *cg, const struct bt_insn *in);
void emit_push_rm(struct cg *cg, const struct bt_insn *in);
void emit_push_seg(struct cg *cg, const struct bt_insn *in);
void emit_pop_reg(struct cg *cg, const struct bt_insn *in);
void emit_pop_rm(struct cg *cg, const struct bt_insn *in);
void emit_leave(struct cg *cg, const struct bt_insn *in);
void emit_push_host(struct cg *cg, unsigned host_reg, unsigned bytes);

/* ---- emit_branch.c */
void emit_jmp(struct cg *cg, const struct bt_insn *in);
void emit_poll_ahead(struct cg *cg, const struct bt_insn *before, const struct bt_insn *jcc);
void emit_jcc(struct cg *cg, const struct bt_insn *in);
void emit_loop(struct cg *cg, const struct bt_insn *in);
void emit_call(struct cg *cg, const struct bt_insn *in);
void emit_ret(struct cg *cg, const struct bt_insn *in);
void emit_jmp_rm(struct cg *cg, const struct bt_insn *in);
void emit_call_rm(struct cg *cg, const struct bt_insn *in);
void emit_exit(struct cg *cg, uint32_t target_eip);
void emit_exit_boundary(struct cg *cg, uint32_t eip);
/* To the unit at the eip in r8 through the jump cache, whose entries are unit's offset << 32 | (uint32_t)-eip. A miss
 * goes to C: as the exit `direct`, or (NULL) as an indirect branch. */
void emit_jump_cache(struct cg *cg, const struct bt_exit *direct);
void emit_poll(struct cg *cg, int32_t pointer_disp, uint32_t eip);

/* ---- emit_string.c */
void emit_string(struct cg *cg, const struct bt_insn *in);
void emit_rep(struct cg *cg, const struct bt_insn *in);

/* ---- emit_system.c */
void emit_cli(struct cg *cg, const struct bt_insn *in);
void emit_sti(struct cg *cg, const struct bt_insn *in);
void emit_cld_std(struct cg *cg, const struct bt_insn *in);
void emit_pushf(struct cg *cg, const struct bt_insn *in);
void emit_popf(struct cg *cg, const struct bt_insn *in);
void emit_mov_from_seg(struct cg *cg, const struct bt_insn *in);
void emit_mov_to_seg(struct cg *cg, const struct bt_insn *in);
void emit_pop_seg(struct cg *cg, const struct bt_insn *in);
void emit_rdtsc(struct cg *cg, const struct bt_insn *in);
void emit_int(struct cg *cg, const struct bt_insn *in);
void emit_iret(struct cg *cg, const struct bt_insn *in);
void emit_sysenter(struct cg *cg, const struct bt_insn *in);
void emit_sysexit(struct cg *cg, const struct bt_insn *in);
void emit_port(struct cg *cg, const struct bt_insn *in);
void emit_mov_from_cr(struct cg *cg, const struct bt_insn *in);

/* ---- emit_count.c: exact instruction counts; nothing is emitted without vx_bt_config.exact_count */
/* Leaves with EXIT_BUDGET unless the whole unit fits before vcpu->retire_limit. */
void emit_budget_check(struct cg *cg);
/* tu->entered[0]++, with vx_bt_config.count_units. */
void emit_unit_counter(struct cg *cg);
/* vcpu->retired += n. */
void emit_count(struct cg *cg, unsigned n);
/* All instructions of the unit are done, on every path from here: counts them, tells FIP. */
void emit_unit_done(struct cg *cg);
/* Calls a call-out stub at the instruction `in`, having told count and FIP. Changes no register. */
void emit_call_c(struct cg *cg, const struct bt_insn *in, uint32_t stub);
/* The number of an instruction in the unit, and of what is done and not counted at the boundary before `eip`. */
unsigned cg_number(const struct cg *cg, const struct bt_insn *in);
uint8_t cg_done(const struct cg *cg, uint32_t eip);

/* ---- translate.c */
struct cold *cg_cold(struct cg *cg);
void cg_site(struct cg *cg, uint32_t start, enum bt_site_kind kind, uint32_t eip);
/* Call-out: the interpreter executes the current instruction, then the unit goes on. `stub` is insn or rep. */
void emit_interp(struct cg *cg, const struct bt_insn *in, uint32_t stub);
/* Leaves for good: the interpreter executes the current instruction. */
void emit_interp_end(struct cg *cg, const struct bt_insn *in);
/* Jump to a call-out of the current instruction, out of line, from the rel32 at `from`. */
void cg_cold_insn(struct cg *cg, uint32_t from, bool rcx_in_r11);

#endif
