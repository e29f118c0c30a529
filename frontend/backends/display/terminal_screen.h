/* terminal_screen.h - a guest's text screen as the bytes that bring a terminal to show it.
 *
 * Keeps what the terminal shows and emits the differences: cursor addressing (ECMA-48 CUP), 16 colours (SGR 30-37,
 * 40-47, 90-97, 100-107), UTF-8 for code page 437. A terminal smaller than the screen shows the part with the cursor.
 * Pure: no I/O. Thread rule: one thread at a time per object. */
#ifndef VX86_FRONTEND_TERMINAL_SCREEN_H
#define VX86_FRONTEND_TERMINAL_SCREEN_H

#include "vx86/backend.h"

struct terminal_screen;

VX_MUST_USE vx_err terminal_screen_create(struct terminal_screen **out);
void terminal_screen_destroy(struct terminal_screen *screen);

/* Size of the terminal; a change makes the next draw start from an empty screen. Both at least 1. */
void terminal_screen_resize(struct terminal_screen *screen, unsigned columns, unsigned rows);
/* The terminal's contents are unknown: the next draw clears it first. */
void terminal_screen_invalidate(struct terminal_screen *screen);
/* A line (static storage) laid over the last row; NULL: none. */
void terminal_screen_set_message(struct terminal_screen *screen, const char *message);

/* Takes over what the guest shows: text cells (copied), or the size of a graphics mode, or a blank screen. */
void terminal_screen_set(struct terminal_screen *screen, const struct vx_screen *guest);

/* The bytes to write, valid until the next call; *count may be 0. */
const char *terminal_screen_draw(struct terminal_screen *screen, size_t *count);

/* UTF-8 of a code page 437 character as a screen shows it (controls are symbols): 1 to 3 bytes, returned length. */
unsigned cp437_to_utf8(uint8_t ch, char out[4]);

#endif
