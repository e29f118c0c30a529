/* share.h - shadow probes that several memory operands of a unit share. */
#ifndef VX86_BT_SHARE_H
#define VX86_BT_SHARE_H

#include "insn.h"

/* Marks which operands of the draft's first n instructions share probes, and fills draft->share. `off`: none does. */
void bt_share_probes(struct bt_draft *draft, unsigned n, bool off);

#endif
