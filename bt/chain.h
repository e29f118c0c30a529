/* chain.h - exits patched into jumps to their successors, and back. */
#ifndef VX86_BT_CHAIN_H
#define VX86_BT_CHAIN_H

#include "unit.h"

enum { BT_CROSSING_BUCKETS = 1 << 12 };

struct bt_chains {
    bool off; /* nothing is chained */
    struct bt_code *code;
    struct bt_verifier *verifier; /* of patches, NULL: none */
    struct vx_log *log;
    struct vx_stats *stats;
    struct bt_exit *crossing[BT_CROSSING_BUCKETS]; /* exits chained across pages, by target page */
};

/* Where that is allowed. */
void bt_chain(struct bt_chains *chains, struct bt_exit *exit, struct bt_tu *to);
void bt_unchain(struct bt_chains *chains, struct bt_exit *exit);
/* Unlinks everything that leads to or out of the unit. */
void bt_unchain_unit(struct bt_chains *chains, struct bt_tu *tu);
/* Unlinks the chains across pages (a mapping changed). */
void bt_unchain_crossing(struct bt_chains *chains, bool all, uint64_t lin);

#endif
