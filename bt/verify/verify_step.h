/* verify_step.h - what an instruction does to the state. */
#ifndef VX86_BT_VERIFY_STEP_H
#define VX86_BT_VERIFY_STEP_H

#include "verify_state.h"

/* One instruction; branches and calls only so far as they compute. */
bool vf_step(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in);

#endif
