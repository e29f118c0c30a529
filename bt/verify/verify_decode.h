/* verify_decode.h - bytes to struct vf_insn, by Capstone. */
#ifndef VX86_BT_VERIFY_DECODE_H
#define VX86_BT_VERIFY_DECODE_H

#include "verify_state.h"

bool vf_decoder_open(struct bt_verifier *v);
void vf_decoder_close(struct bt_verifier *v);
/* One host instruction at code[off]; false: it does not decode within `bytes`. */
bool vf_decode_host(struct bt_verifier *v, const uint8_t *code, uint32_t bytes, uint32_t off, struct vf_insn *in);
/* One guest instruction; op values of branches are offsets from its start. */
bool vf_decode_guest(struct bt_verifier *v, bool wide, const uint8_t *bytes, unsigned len, struct vf_insn *in);
/* Writes the guest instruction as 32-bit code with each prefix once to out[VF_NORMALISED_BYTES]; returns its length. */
enum { VF_NORMALISED_BYTES = 32 };
unsigned vf_normalise(bool wide, const uint8_t *bytes, unsigned len, uint8_t *out);
/* Does it write memory through operand `op`? */
bool vf_writes(const struct vf_insn *in, unsigned op);

#endif
