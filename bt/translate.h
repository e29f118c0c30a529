/* translate.h - new units. */
#ifndef VX86_BT_TRANSLATE_H
#define VX86_BT_TRANSLATE_H

#include "core.h"
#include "verify.h"

/* Makes the unit at CS:rip; NULL when it has to be interpreted. */
struct bt_tu *bt_translate(struct vx_bt_cpu *cpu);
/* What the unit that has just been made declares of itself, until the next one is. */
struct bt_claim bt_claim_of(const struct vx_bt *bt, const struct bt_tu *tu);

#endif
