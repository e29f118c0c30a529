/* verify.h - proves of finished host code that it does what the lowering promises, and nothing else.
 *
 * Fragments and stubs are disassembled with Capstone, which shares nothing with the emitters or with Zydis, and
 * interpreted abstractly along all their ways (verify_state.h). What is trusted: the guest's bytes, the TLB's contents,
 * the C side of call-outs. What is not: emitters, asm.c, lower.c, share.c and the operands that decode.c found.
 * Rules: verify_rules.def. Thread rule: machine thread. */
#ifndef VX86_BT_VERIFY_H
#define VX86_BT_VERIFY_H

#include "code.h"
#include "verify_claim.h"
#include "verify_report.h"

struct bt_verifier;
struct bt_host;

/* Of the translator with this configuration, code memory and host, all of which are borrowed and may change. NULL when
 * there is no memory or Capstone cannot be used. */
struct bt_verifier *bt_verifier_create(const struct vx_bt_config *config, const struct bt_code *code,
                                       const struct bt_host *host);
void bt_verifier_destroy(struct bt_verifier *v);

/* True when all rules hold. Else *verdict has the rule, the place and a text: guest code, host code around, the rule.
 * */
bool bt_verify_unit(struct bt_verifier *v, const struct bt_claim *claim, struct bt_verdict *verdict);

/* The stubs (stubs.c), as they stand in the cache. */
bool bt_verify_stubs(struct bt_verifier *v, struct bt_verdict *verdict);

/* Does the exit's branch, as it stands in the cache, lead to the unit that it is chained to, or to its cold part? */
bool bt_verify_exit(struct bt_verifier *v, const struct bt_exit *exit, struct bt_verdict *verdict);

#endif
