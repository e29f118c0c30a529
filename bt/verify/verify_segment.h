/* verify_segment.h - loads of segment registers in line. */
#ifndef VX86_BT_VERIFY_SEGMENT_H
#define VX86_BT_VERIFY_SEGMENT_H

#include "verify_state.h"

/* Does the guest instruction load a segment register by itself, in the unit's mode? */
bool vf_loads_segment(const struct bt_verifier *v, const struct vf_guest *g);
/* A store into the vCPU's segment register `seg`: its selector or its base. */
bool vf_segment_store(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in, unsigned seg, bool base,
                      vf_term value);

#endif
