/* stubs.h - the host code between C and translated code: offsets in the cache. */
#ifndef VX86_BT_STUBS_H
#define VX86_BT_STUBS_H

#include "vx86/bt.h"

struct bt_stubs {
    uint32_t enter, leave, exit_direct, exit_indirect, exit_interp, exit_boundary, exit_budget, exit_stale;
    uint32_t mem_slow, share_slow, insn, rep, seg, rdtsc, rdtscp, port, software_int, iret, sysenter, sysexit, fp_load;
};

/* What host.h leaves open. */
struct bt_host {
    struct bt_stubs stub;
    struct cg *cg; /* codegen.h */
};

/* Writes the stubs to `code`, which will run at offset 0 of the cache. */
void bt_stubs_make(struct bt_stubs *stub, uint8_t *code, const struct vx_bt_config *config);

#endif
