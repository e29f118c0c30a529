/* verify_guest.h - the guest's side: what each instruction of the unit may change, and when it has. */
#ifndef VX86_BT_VERIFY_GUEST_H
#define VX86_BT_VERIFY_GUEST_H

#include "verify_state.h"

bool vf_guest_decode(struct bt_verifier *v);
/* The guest instruction whose code the offset is part of; tu->insns: behind the last, VF_BEFORE: in front of the first.
 * */
unsigned vf_insn_at(const struct bt_verifier *v, uint32_t off);
/* The state is that before the guest instruction, everything still to be done. */
bool vf_at_start(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in);
/* The guest instruction is done: nothing has changed but what it may change. */
bool vf_at_end(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in);
/* Goes on at offset `off` of the body: in the same guest instruction, or at the start of the next. */
bool vf_advance(struct bt_verifier *v, struct vf_state *s, uint32_t off, const struct vf_insn *in);
/* C has executed the present guest instruction. */
void vf_done_by_c(struct bt_verifier *v, struct vf_state *s);

#endif
