/* text.h - text of others (the guest's, a file's, a peer's), printed so that it stays text and commands no terminal.
 *
 * Escaped, each byte as \xNN: the control characters of ASCII (00h to 1Fh, 7Fh), C1 controls (80h to 9Fh as single
 * bytes, and U+0080 to U+009F in UTF-8), and whatever else is not UTF-8. All other characters pass as they are.
 * Everything that prints such text goes through here: log and trace lines, the debugger and GDB's monitor, reports.
 * The guest's serial line is not text but the guest's own, and goes to its terminal as it is.
 * Thread rule: none, no shared state. */
#ifndef VX86_TEXT_H
#define VX86_TEXT_H

#include <stdarg.h>
#include <stdio.h>

#include "vx86/compiler.h"

/* Most bytes that one byte of text becomes. */
#define VX_TEXT_GROWTH 4

/* Copies `bytes` of `text` to out[room], escaped and with a 0 behind; what does not fit is left out, a character or
 * escape at a time. Control characters of ASCII in `meant` pass. Returns the length of what was written. */
size_t vx_text_escape(const char *text, size_t bytes, const char *meant, char *out, size_t room);

/* fprintf(), of which everything but newlines and tabs is escaped. */
void vx_text_print(FILE *out, const char *format, ...) VX_PRINTF(2, 3);
void vx_text_vprint(FILE *out, const char *format, va_list args) VX_PRINTF(2, 0);

#endif
