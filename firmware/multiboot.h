/* multiboot.h - a multiboot kernel's image as multiboot.c and multiboot_elf.c hand it to each other: the pieces that
 * are loaded, and where it is entered. */
#ifndef VX86_FIRMWARE_MULTIBOOT_H
#define VX86_FIRMWARE_MULTIBOOT_H

#include "vx86/compiler.h"

#define MB_MAX_PIECES 64
#define MB_WHY_CHARS  160

/* `file_bytes` at `off` of the file go to `phys`; zeros follow up to `memory_bytes`, which is not 0. */
struct mb_piece {
    uint32_t off, file_bytes, phys, memory_bytes;
};

struct mb_image {
    struct mb_piece piece[MB_MAX_PIECES];
    unsigned count;
    uint32_t entry;         /* physical */
    char why[MB_WHY_CHARS]; /* when it cannot be loaded: what is wrong with it, to follow a colon */
};

/* Adds a piece, unless it has no bytes in memory. False, with `why`, when it lies outside the file or the 4 GiB. */
VX_MUST_USE bool mb_add_piece(struct mb_image *image, size_t kernel_bytes, uint64_t off, uint64_t file_bytes,
                              uint64_t phys, uint64_t memory_bytes);

/* Says what is wrong; returns false. */
VX_PRINTF(2, 3) bool mb_refuse(struct mb_image *image, const char *fmt, ...);

/* multiboot_elf.c: an executable 32-bit ELF file for the 386. */
VX_MUST_USE bool mb_read_elf(const uint8_t *kernel, size_t bytes, struct mb_image *image);

#endif
