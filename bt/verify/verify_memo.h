/* verify_memo.h - instructions that have been decoded before. */
#ifndef VX86_BT_VERIFY_MEMO_H
#define VX86_BT_VERIFY_MEMO_H

#include "verify_insn.h"

struct vf_memo;
size_t vf_memo_bytes(void); /* of a struct vf_memo, zeroed: empty */
/* The instruction at code[0], if its bytes have been kept; `off` and branch targets are those of code at offset 0. */
bool vf_memo_find(struct vf_memo *memo, const uint8_t *code, size_t bytes, struct vf_insn *in);
void vf_memo_keep(struct vf_memo *memo, const uint8_t *code, const struct vf_insn *in);

#endif
