/* fragment.h - the host code of one unit. */
#ifndef VX86_BT_FRAGMENT_H
#define VX86_BT_FRAGMENT_H

#include "codegen.h"

/* Emits the first tu->insns instructions of cg->draft into cg->buffer, to run at offset `base` of the cache. False: too
 * large for the tables or the buffer. */
bool bt_fragment_emit(struct cg *cg, struct bt_tu *tu, uint32_t base);

#endif
