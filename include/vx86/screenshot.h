/* screenshot.h - what the machine shows, as a PNG file.
 *
 * Source: W3C Portable Network Graphics (PNG) Specification, written by libpng (PNG Reference Library License 2).
 * Every control calls the same function; who may name which file is the caller's business (vx86/files.h). The picture
 * is that of vx_machine_picture(): it needs no display.
 * Thread rule: machine thread. */
#ifndef VX86_SCREENSHOT_H
#define VX86_SCREENSHOT_H

#include <stdio.h>

#include "vx86/files.h"
#include "vx86/machine.h"

/* Why there can be no screenshots, for a message; NULL: there can. Asked before a file is opened for one. Static
 * storage. */
const char *vx_screenshot_missing(void);

/* Writes the picture to `file`, 8 bits each of red, green and blue, and leaves it open. False with the reason in `why`;
 * part of the picture may have been written then. What is still buffered is the caller's to flush and to check. */
VX_MUST_USE bool vx_screenshot_write(struct vx_machine *machine, FILE *file, struct vx_why *why);

#endif
