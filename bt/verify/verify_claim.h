/* verify_claim.h - what a fragment declares of itself, the rules, and a verdict. */
#ifndef VX86_BT_VERIFY_CLAIM_H
#define VX86_BT_VERIFY_CLAIM_H

#include "insn.h"

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
    const uint8_t *code;          /* tu->host_bytes bytes as they will run at tu->entry, exits not chained */
    const struct bt_insn *insns;  /* tu->insns of them; only eip, len and bytes are looked at */
    const uint32_t
        *start; /* tu->insns + 2 offsets: of the code of each instruction, of the unit's tail, of the cold part */
};

enum { BT_VERIFY_TEXT = 16384 };

struct bt_verdict {
    enum bt_rule rule; /* RULE_NONE: nothing found */
    uint32_t off;      /* of the offending instruction, from the fragment's (the stub's) start */
    char text[BT_VERIFY_TEXT];
};

#endif
