/* firmware_file.h - the BIOS images a machine starts with: those inside vx86, or files.
 *
 * Source: IBM PC/AT conventions for ROM images; "Plug and Play BIOS Specification" for option ROM headers. */
#ifndef VX86_FRONTEND_FIRMWARE_FILE_H
#define VX86_FRONTEND_FIRMWARE_FILE_H

#include "image.h"

struct firmware_set {
    const uint8_t *bios, *vga_bios;
    size_t bios_bytes, vga_bios_bytes;
    char origin[160];         /* for the start line */
    struct file_image own[2]; /* what came from files */
};

/* NULL paths: the built-in images. Errors are logged: what image_read() finds; BAD_FORMAT for a system BIOS that is
 * no multiple of 64 KiB or a VGA BIOS that is no option ROM; NOT_FOUND when there is neither a file nor a built-in
 * image. */
VX_MUST_USE vx_err firmware_load(const struct image_reader *reader, const char *bios_path, const char *vga_bios_path,
                                 struct firmware_set *out);
void firmware_free(struct firmware_set *set);

#endif
