/* cold.c - counts the executions of code that is not translated yet. */
#include "cold.h"

enum { COUNT_BITS = 4, COUNT_MASK = (1 << COUNT_BITS) - 1, INDEX_SHIFT = 48 };
_Static_assert((int)VX_BT_INTERPRET_FIRST_MAX <= (int)COUNT_MASK, "counts fit");

bool bt_cold_take(struct bt_cold *cold, const struct bt_key *key, unsigned times)
{
    uint64_t hash = (key->hva ^ key->eip << 20) * 0x9E3779B97F4A7C15ull;
    uint16_t *entry = &cold->entry[hash >> INDEX_SHIFT];
    uint16_t tag = (uint16_t)((hash >> 16 & 0xFFFF) | 1u << COUNT_BITS) & (uint16_t)~COUNT_MASK;
    unsigned count = (*entry & ~COUNT_MASK) == tag ? *entry & COUNT_MASK : 0;
    if (count >= times)
        return false;
    *entry = (uint16_t)(tag | (count + 1));
    return true;
}
