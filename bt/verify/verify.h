/* verify.h - proves of finished host code that it does what the lowering promises, and nothing else.
 *
 * Fragments and stubs are disassembled with Capstone, which shares nothing with the emitters or with Zydis, and
 * interpreted abstractly along all their ways (verify_impl.h). What is trusted: the guest's bytes, the TLB's contents,
 * the C side of call-outs. What is not: emitters, asm.c, lower.c, share.c and the operands that decode.c found.
 * Rules: verify_rules.def. Thread rule: machine thread. */
#ifndef VX86_BT_VERIFY_H
#define VX86_BT_VERIFY_H

#include "code.h"
#include "insn.h"

struct bt_verifier;
struct bt_host;

enum bt_rule {
    RULE_NONE,
#define VX_RULE(id, name, text) RULE_##id,
#include "verify_rules.def"
#undef VX_RULE
    RULE_COUNT,
};

/* What a fragment declares of itself besides its struct bt_tu (entry, length, mode, sites, exits). */
struct bt_claim {
    const struct bt_tu *tu;
    const struct bt_pages *pages; /* which instructions are soft */
    const uint8_t *code;         /* tu->host_bytes bytes as they will run at tu->entry, exits not chained */
    const struct bt_insn *insns; /* tu->insns of them; only eip, len and bytes are looked at */
    const uint32_t
        *start; /* tu->insns + 2 offsets: of the code of each instruction, of the unit's tail, of the cold part */
};

enum { BT_VERIFY_TEXT = 16384 };

struct bt_verdict {
    enum bt_rule rule; /* RULE_NONE: nothing found */
    uint32_t off;      /* of the offending instruction, from the fragment's (the stub's) start */
    char text[BT_VERIFY_TEXT];
};

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

/* Logs the verdict and stops the process: a bug of ours. */
VX_NORETURN void bt_verify_failed(struct vx_log *log, const struct bt_verdict *verdict);

const char *bt_rule_name(enum bt_rule rule);

#endif
