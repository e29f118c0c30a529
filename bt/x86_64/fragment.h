/* fragment.h - the host code of one unit. */
#ifndef VX86_BT_FRAGMENT_H
#define VX86_BT_FRAGMENT_H

#include "codegen.h"

struct cg *bt_cg_create(void);
/* Emits the first n decoded instructions for the place `base` of the cache into bt->buffer. False: too large for the
 * tables or the buffer. */
bool emit_unit(struct cg *cg, struct vx_bt *bt, struct bt_tu *tu, unsigned n, uint32_t base);

#endif
