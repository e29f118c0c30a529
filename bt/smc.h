/* smc.h - stores into code. */
#ifndef VX86_BT_SMC_H
#define VX86_BT_SMC_H

#include "core.h"

/* Bytes of a backing page have been written (vx_pmap_on_code_write(); opaque: the translator). */
void bt_smc_on_write(void *opaque, uint32_t page, uint32_t off, uint32_t bytes);

#endif
