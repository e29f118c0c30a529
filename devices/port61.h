/* port61.h - NMI status and control register (port B of the PC's 8255): speaker gate and refresh toggle.
 *
 * Source: 82371SB (PIIX3) data sheet "NMISC - NMI Status and Control Register". Port: 61h.
 *     7 SERR# (0) | 6 IOCHK# (0) | 5 OUT2 | 4 refresh toggle | 3 IOCHK# mask | 2 SERR# mask | 1 speaker data | 0 GATE2
 * Modelled: gate and output of counter 2, the toggle (every 15.085 us), the masks as plain bits,
 * speaker data as a line. Not modelled: NMI sources. State to save: bits 3..0 (GATE2 itself is the 8254's). */
#ifndef VX86_DEVICES_PORT61_H
#define VX86_DEVICES_PORT61_H

#include "pit8254.h"

struct port61;

struct port61_config {
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct pit *pit;
    struct vx_irq speaker; /* bit 1 */
};

VX_MUST_USE vx_err port61_create(const struct port61_config *config, struct port61 **out);
extern const struct device_type port61_type;

#endif
