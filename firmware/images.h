/* images.h - the images built from our own sources, as embed.S holds them. The BIOS images are public: vx86/firmware.h.
 * */
#ifndef VX86_FIRMWARE_IMAGES_H
#define VX86_FIRMWARE_IMAGES_H

#include "vx86/compiler.h"

/* dsdt.asl compiled, with its header. Static storage, also below. */
const uint8_t *firmware_dsdt(size_t *bytes);

/* linuxboot.asm, multiboot.asm assembled; both checksums still zero. */
const uint8_t *firmware_linuxboot(size_t *bytes);
const uint8_t *firmware_multiboot(size_t *bytes);

#endif
