/* verify_operand.h - whose operands: the guest's instruction against the host's. */
#ifndef VX86_BT_VERIFY_OPERAND_H
#define VX86_BT_VERIFY_OPERAND_H

#include "verify_mem.h"

/* May the guest instruction make this access at `lin`: is it an operand's, and has it been held against its segment's
 * limit? */
bool vf_operand_address(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in,
                        const struct vf_access *access, vf_term lin);
/* Where the guest's indirect branch goes. */
vf_term vf_branch_target(struct bt_verifier *v, const struct vf_state *s, const struct vf_guest *g);
/* Has the host instruction the operands of the guest's, as which it runs? */
bool vf_operands_match(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in);
/* Has the guest instruction been done: memory stored, registers as they should be so far as that is followed? */
bool vf_results(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in);

#endif
