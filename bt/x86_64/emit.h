/* emit.h - the emitters: one for each lowering (enum bt_lower), gathered by subject in emit_*.c; names mirror
 * cpu/interp/interp_*.c. */
#ifndef VX86_BT_EMIT_H
#define VX86_BT_EMIT_H

#include "codegen.h"

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
void emit_exit(struct cg *cg, uint64_t target_eip);
void emit_exit_boundary(struct cg *cg, uint64_t eip);
/* To the unit at the eip in r8 through the jump cache, whose entries are unit's offset << 32 | (uint32_t)-eip. A miss
 * goes to C: as the exit `direct`, or (NULL) as an indirect branch. */
void emit_jump_cache(struct cg *cg, const struct bt_exit *direct);
void emit_poll(struct cg *cg, int32_t pointer_disp, uint64_t eip);

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
void emit_rdtscp(struct cg *cg, const struct bt_insn *in);
void emit_int(struct cg *cg, const struct bt_insn *in);
void emit_iret(struct cg *cg, const struct bt_insn *in);
void emit_sysenter(struct cg *cg, const struct bt_insn *in);
void emit_sysexit(struct cg *cg, const struct bt_insn *in);
void emit_port(struct cg *cg, const struct bt_insn *in);
void emit_mov_from_cr(struct cg *cg, const struct bt_insn *in);

/* ---- emit_count.c: in front of the unit's first instruction */
/* Leaves with EXIT_BUDGET unless the whole unit fits before vcpu->retire_limit. */
void emit_budget_check(struct cg *cg);
/* tu->entered[0]++, with vx_bt_config.count_units. */
void emit_unit_counter(struct cg *cg);

#endif
