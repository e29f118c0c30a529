/* verify_report.h - what is said of a violation. */
#ifndef VX86_BT_VERIFY_REPORT_H
#define VX86_BT_VERIFY_REPORT_H

#include "verify_claim.h"

struct bt_verifier;
struct vf_insn;

/* Notes the violation (the first one counts); always false. */
bool vf_fail(struct bt_verifier *v, enum bt_rule rule, const struct vf_insn *in, const char *format, ...)
    VX_PRINTF(4, 5);

/* Logs the verdict and stops the process: a bug of ours. */
VX_NORETURN void bt_verify_failed(struct vx_log *log, const struct bt_verdict *verdict);

const char *bt_rule_name(enum bt_rule rule);

#endif
