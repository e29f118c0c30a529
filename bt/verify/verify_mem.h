/* verify_mem.h - accesses to memory. */
#ifndef VX86_BT_VERIFY_MEM_H
#define VX86_BT_VERIFY_MEM_H

#include "verify_state.h"

struct vf_access {
    const struct vf_op *op;
    unsigned bytes;
    bool write;
    vf_term value;  /* stored; 0: not followed */
    vf_term result; /* loaded */
};
bool vf_memory(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in, struct vf_access *access);
const struct bt_site *vf_site_of(const struct bt_verifier *v, uint32_t off);

#endif
