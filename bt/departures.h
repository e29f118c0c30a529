/* departures.h - how translated code was left lately. */
#ifndef VX86_BT_DEPARTURES_H
#define VX86_BT_DEPARTURES_H

#include "core.h"

/* Translated code, entered at the unit `entered`, has come back; the area says why. Before anything is done about it.
 * */
void bt_note_departure(struct vx_bt_cpu *cpu, uint64_t entered);

#endif
