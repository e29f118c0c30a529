/* keyboard_layout.h - which keys write a character on a guest's keyboard of some country.
 *
 * For whatever gives characters in place of keys: terminals, VNC clients, text that is typed into the guest. The guest
 * must have been set to the same layout. Sources: the layouts as Linux's console and Windows have them, where the two
 * agree; what dead keys write is asked for by the dead key and then the letter, or the space bar.
 * Thread rule: none, constant tables. */
#ifndef VX86_FRONTEND_KEYBOARD_LAYOUT_H
#define VX86_FRONTEND_KEYBOARD_LAYOUT_H

#include "vx86/compiler.h"

/* In the order of --keyboard-layout. */
enum keyboard_layout { LAYOUT_US, LAYOUT_DE, LAYOUT_FR, LAYOUT_GB, LAYOUT_ES, LAYOUT_JP, KEYBOARD_LAYOUTS };

enum { LAYOUT_SHIFT = 1u << 0, LAYOUT_ALTGR = 1u << 1 };

/* A key by its set 1 code (vx_input_key()), and what is held meanwhile: LAYOUT_SHIFT, LAYOUT_ALTGR. */
struct layout_stroke {
    uint16_t code;
    uint8_t modifiers;
};

/* The strokes that write a character of Unicode, in order; returns how many, 0: no keys of this layout do. Control
 * characters are the caller's. */
#define LAYOUT_STROKES 2
unsigned layout_find(enum keyboard_layout layout, uint32_t character, struct layout_stroke strokes[LAYOUT_STROKES]);

#endif
