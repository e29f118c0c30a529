/* decode.h - guest bytes to struct bt_insn. */
#ifndef VX86_BT_DECODE_H
#define VX86_BT_DECODE_H

#include "core.h"

/* NULL: no memory. */
struct bt_decoder *bt_decoder_create(void);
void bt_decoder_destroy(struct bt_decoder *decoder);
/* Host address of the guest byte at `lin` for fetching; NULL when it faults or is not plain memory. */
uint8_t *bt_fetch_hva(struct vx_bt_cpu *cpu, uint64_t lin);
/* Decodes up to `max` instructions at CS:rip. Returns how many; 0 when the first one cannot be fetched plainly
 * (fault or MMIO) or decoded: the interpreter then has it. Of the draft everything is set but the shares. */
unsigned bt_decode_unit(struct vx_bt_cpu *cpu, struct bt_draft *draft, unsigned max);

#endif
