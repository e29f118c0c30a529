/* keymap.h - what a terminal sends for keys, turned back into keys of a US keyboard.
 *
 * A terminal gives characters and escape sequences (ECMA-48, xterm "PC-Style Function Keys"), never key releases; each
 * becomes the whole stroke: modifiers down, key down, key up, modifiers up. Bytes of UTF-8 beyond ASCII are ignored: no
 * US key makes them. No I/O, no time: the caller says when a pause ended a sequence. Thread rule: none, no shared
 * state. */
#ifndef VX86_FRONTEND_KEYMAP_H
#define VX86_FRONTEND_KEYMAP_H

#include "vx86/compiler.h"

/* Receives key events by set 1 code, bit 8 for E0 keys (vx_input_key). */
typedef void keymap_emit(void *opaque, unsigned set1_code, bool down);

#define VX_KEYMAP_PARAMS 4

struct keymap {
    keymap_emit *emit;
    void *opaque;
    uint8_t state;     /* private: how far into an escape sequence */
    uint8_t modifiers; /* private: Alt seen as an ESC prefix */
    unsigned param[VX_KEYMAP_PARAMS], params;
};

void keymap_init(struct keymap *keymap, keymap_emit *emit, void *opaque);

/* The next byte from the terminal. */
void keymap_feed(struct keymap *keymap, uint8_t byte);

/* Nothing came for a while: an ESC that began a sequence was the Escape key after all. */
void keymap_pause(struct keymap *keymap);

/* Whether a sequence has begun, so that a pause means something. */
bool keymap_is_pending(const struct keymap *keymap);

#endif
