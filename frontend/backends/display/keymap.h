/* keymap.h - what a terminal sends for keys, turned back into keys of the guest's keyboard.
 *
 * A terminal gives characters and escape sequences (ECMA-48, xterm "PC-Style Function Keys"), never key releases; each
 * becomes the whole stroke: modifiers down, key down, key up, modifiers up. Characters are UTF-8, and their keys those
 * of a layout (keyboard_layout.h); what no key of it makes is ignored. No I/O, no time: the caller says when a pause
 * ended a sequence. Text that is to be typed into the guest is fed like a terminal's. Thread rule: none, no shared
 * state. */
#ifndef VX86_FRONTEND_KEYMAP_H
#define VX86_FRONTEND_KEYMAP_H

#include "keyboard_layout.h"
#include "vx86/compiler.h"

/* Receives key events by set 1 code, bit 8 for E0 keys (vx_input_key). */
typedef void keymap_emit(void *opaque, unsigned set1_code, bool down);

#define VX_KEYMAP_PARAMS 4

struct keymap {
    enum keyboard_layout layout;
    keymap_emit *emit;
    void *opaque;
    uint8_t state;     /* private: how far into an escape sequence */
    uint8_t modifiers; /* private: Alt seen as an ESC prefix */
    uint8_t utf8_left; /* private: bytes that a character still lacks, and what of it is there */
    uint32_t utf8;
    unsigned param[VX_KEYMAP_PARAMS], params;
};

void keymap_init(struct keymap *keymap, enum keyboard_layout layout, keymap_emit *emit, void *opaque);

/* The next byte from the terminal. */
void keymap_feed(struct keymap *keymap, uint8_t byte);

/* Nothing came for a while: an ESC that began a sequence was the Escape key after all. */
void keymap_pause(struct keymap *keymap);

/* Whether a sequence has begun, so that a pause means something. */
bool keymap_is_pending(const struct keymap *keymap);

#endif
