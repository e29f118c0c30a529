/* cold.h - how often code has run that is not translated yet. Much code runs once or twice: to interpret it then costs
 * a tenth of what translating it would. */
#ifndef VX86_BT_COLD_H
#define VX86_BT_COLD_H

#include "unit.h"

enum { BT_COLD_ENTRIES = 1 << 16 };

/* A direct-mapped table. An entry: bits of the place's hash, and its count. Who loses its entry to another begins
 * anew. */
struct bt_cold {
    uint16_t entry[BT_COLD_ENTRIES];
};

/* The code of the key is about to run. True the first `times` times: it is still to be interpreted. */
bool bt_cold_take(struct bt_cold *cold, const struct bt_key *key, unsigned times);

#endif
