/* verify_exit.h - branches, jumps and calls. */
#ifndef VX86_BT_VERIFY_EXIT_H
#define VX86_BT_VERIFY_EXIT_H

#include "verify_state.h"

/* A branch, jump or call: checks it, and makes the states of its successors (out[k] for succ[k]). */
bool vf_leave(struct bt_verifier *v, const struct vf_state *s, uint32_t index, struct vf_state out[2]);

#endif
