/* ps2_mouse.h - a PS/2 mouse with wheel and five buttons.
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference "Mouse"; Microsoft "IntelliMouse" wheel protocol (device ID 3
 *   after sample rates 200, 100, 80) and "IntelliMouse Explorer" (ID 4 after 200, 200, 80: buttons 4 and 5).
 * Modelled: stream, remote and wrap modes, scaling, resolution (reported; counts are the host's), status, IDs 0, 3, 4.
 * Not modelled: the sample rate's pace (a packet is made when the one before has been fetched). Saved state: the whole
 *   struct. Thread rule: machine thread only. */
#ifndef VX86_DEVICES_PS2_MOUSE_H
#define VX86_DEVICES_PS2_MOUSE_H

#include "ps2_queue.h"

struct ps2_mouse {
    struct ps2_queue queue;
    uint8_t pending; /* command that waits for its parameter, 0: none */
    uint8_t id;      /* 0, 3 with wheel, 4 with wheel and five buttons */
    uint8_t rate, resolution;
    uint8_t rate_history[3];
    uint8_t last_sent;
    bool enabled, remote, wrap, scaling_2_1;
    uint8_t buttons, buttons_sent;
    int dx, dy, dz; /* moved and not yet reported; dy and dz downwards/towards the user */
};

extern const struct state_table ps2_mouse_state;

void ps2_mouse_reset(struct ps2_mouse *mouse);
void ps2_mouse_write(struct ps2_mouse *mouse, uint8_t byte);
bool ps2_mouse_read(struct ps2_mouse *mouse, uint8_t *byte);

/* Movement since the last call (dx to the right, dy downwards, dz wheel clicks towards the user) and the buttons that
 * are down now (VX_BUTTON_* of backend.h). */
void ps2_mouse_move(struct ps2_mouse *mouse, int dx, int dy, int dz, unsigned buttons);

/* A packet without news, for a driver that only wants its interrupt; none where one is on its way already. */
void ps2_mouse_nudge(struct ps2_mouse *mouse);

#endif
