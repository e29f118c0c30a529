/* cache.h - the translation cache: room for new units, taken from the oldest ones. */
#ifndef VX86_BT_CACHE_H
#define VX86_BT_CACHE_H

#include "core.h"

/* Room for `bytes` of host code: the offset, evicting the oldest segment when needed; UINT32_MAX when it can never fit.
 * */
uint32_t bt_cache_reserve(struct vx_bt *bt, uint32_t bytes);
void bt_cache_evict_all(struct vx_bt *bt);

#endif
