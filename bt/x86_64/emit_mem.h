/* emit_mem.h - guest memory operands: addresses, segments, probes, accesses. */
#ifndef VX86_BT_EMIT_MEM_H
#define VX86_BT_EMIT_MEM_H

#include "codegen.h"

/* A linear address: in `reg`, which is r8 or a guest register that holds it already. */
/* Offset of the ModRM/moffs operand, wrapped to the address size, into r8 (or a register that is it; only if allowed).
 * */
uint8_t emit_offset(struct cg *cg, const struct bt_insn *in, bool must_be_r8);
/* Adds the segment: limit check unless flat, base. off_reg must be r8 unless the segment is flat in this mode. */
uint8_t emit_segment(struct cg *cg, unsigned seg, uint8_t off_reg, unsigned bytes, bool write);
bool seg_is_flat(const struct cg *cg, unsigned seg);
/* Shadow probe: afterwards [lin_reg + r9] is the operand. access: MEM_READ, MEM_WRITE or both. Clobbers r9..r11. With a
 * window nothing: the operand is gs:[lin_reg]. */
void emit_probe(struct cg *cg, uint8_t lin_reg, unsigned bytes, uint32_t access);
/* All three: operand of the current instruction. */
uint8_t emit_operand(struct cg *cg, const struct bt_insn *in);
/* Stack slot at ESP + disp. */
uint8_t emit_stack(struct cg *cg, int32_t disp, unsigned bytes, uint32_t access);
void emit_adjust_esp(struct cg *cg, int32_t by);
/* prefix op reg, [operand]: what emit_operand() or emit_stack() gave. Without an immediate. */
void emit_access(struct cg *cg, unsigned prefix, unsigned op, unsigned reg, uint8_t lin_reg);
/* Prefixes of an access through the window, in front of all others, and its ModRM, SIB and displacement. Its site has
 * to follow behind the last byte (emit_window_site()). */
void emit_window_prefixes(struct cg *cg);
struct cg_address emit_window_address(const struct cg *cg, uint8_t lin_reg);
void emit_window_site(struct cg *cg, uint32_t start);
/* mov reg, [operand] and back, by size; loads of 1 and 2 bytes zero-extend, reg is a host register. */
void emit_load(struct cg *cg, unsigned reg, uint8_t lin_reg, unsigned bytes);
void emit_store(struct cg *cg, uint8_t lin_reg, unsigned reg, unsigned bytes);
/* mov [operand], the low 2 or 4 bytes of imm. */
void emit_store_imm(struct cg *cg, uint8_t lin_reg, uint32_t imm, unsigned bytes);
/* Writes the low `bytes` (2 or 4) of a host register to a guest register. */
void emit_to_guest(struct cg *cg, unsigned guest_reg, unsigned host_reg, unsigned bytes);

#endif
