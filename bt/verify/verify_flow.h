/* verify_flow.h - a fragment's instructions and their order; where its branches lead. */
#ifndef VX86_BT_VERIFY_FLOW_H
#define VX86_BT_VERIFY_FLOW_H

#include "verify_state.h"

/* Decodes the whole fragment and finds the order; false: verdict is set. */
bool vf_flow(struct bt_verifier *v);
/* The stub at cache offset `off`: 0 if there is none. */
enum vf_stub {
    STUB_NONE,
    STUB_MEM_SLOW,
    STUB_SHARE_SLOW,
    STUB_INSN,
    STUB_REP,
    STUB_SEG,
    STUB_RDTSC,
    STUB_RDTSCP,
    STUB_PORT,
    STUB_INT,
    STUB_IRET,
    STUB_SYSENTER,
    STUB_SYSEXIT,
    STUB_FP_LOAD,
    STUB_EXIT_DIRECT,
    STUB_EXIT_INDIRECT,
    STUB_EXIT_INTERP,
    STUB_EXIT_BOUNDARY,
    STUB_EXIT_BUDGET,
    STUB_EXIT_STALE
};
enum vf_stub vf_stub_at(const struct bt_verifier *v, uint32_t off);

#endif
