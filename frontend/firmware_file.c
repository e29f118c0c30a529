/* firmware_file.c - checks what can be checked of a BIOS before a guest runs into it. */
#include "firmware_file.h"

#include <stdio.h>
#include <string.h>

#include "vx86/firmware.h"

#define BIOS_UNIT    (64u << 10)
#define BIOS_MAX     (4u << 20)
#define VGA_BIOS_MAX (64u << 10)
#define ROM_UNIT     512u

static vx_err load_bios(const struct image_reader *reader, const char *path, struct firmware_set *out)
{
    VX_TRY(image_read(reader, "--bios", path, BIOS_MAX, "the most a system BIOS can have", &out->own[0]));
    if (out->own[0].bytes % BIOS_UNIT != 0) {
        vx_log_error(reader->log, VX_LOG_GENERAL,
                     "--bios: %s: %zu bytes are not a multiple of 64 KiB, so it is no system BIOS; leave --bios away "
                     "for the built-in one",
                     path, out->own[0].bytes);
        return VX_ERR_BAD_FORMAT;
    }
    out->bios = out->own[0].data;
    out->bios_bytes = out->own[0].bytes;
    return VX_ERR_OK;
}

/* An option ROM: 55 AA, length in units of 512 bytes. */
static bool is_option_rom(const struct file_image *image)
{
    return image->bytes >= ROM_UNIT && image->data[0] == 0x55 && image->data[1] == 0xAA &&
           image->data[2] * ROM_UNIT <= image->bytes && image->data[2] != 0;
}

static vx_err load_vga_bios(const struct image_reader *reader, const char *path, struct firmware_set *out)
{
    VX_TRY(image_read(reader, "--vga-bios", path, VGA_BIOS_MAX, "the most a VGA BIOS can have", &out->own[1]));
    if (!is_option_rom(&out->own[1])) {
        vx_log_error(reader->log, VX_LOG_GENERAL,
                     "--vga-bios: %s: is no option ROM (55 AA and its length are not at its start); leave --vga-bios "
                     "away for the built-in one",
                     path);
        return VX_ERR_BAD_FORMAT;
    }
    out->vga_bios = out->own[1].data;
    out->vga_bios_bytes = out->own[1].bytes;
    return VX_ERR_OK;
}

static vx_err load_both(const struct image_reader *reader, const char *bios_path, const char *vga_bios_path,
                        struct firmware_set *out)
{
    out->bios = vx_firmware_bios(&out->bios_bytes);
    out->vga_bios = vx_firmware_vga_bios(&out->vga_bios_bytes);
    snprintf(out->origin, sizeof out->origin, "%s", bios_path != NULL ? bios_path : vx_firmware_origin());
    if (bios_path != NULL)
        VX_TRY(load_bios(reader, bios_path, out));
    if (vga_bios_path != NULL)
        VX_TRY(load_vga_bios(reader, vga_bios_path, out));
    if (out->bios_bytes == 0) {
        vx_log_error(reader->log, VX_LOG_GENERAL,
                     "this vx86 was built without a BIOS; name one with --bios FILE (Debian: package seabios)");
        return VX_ERR_NOT_FOUND;
    }
    return VX_ERR_OK;
}

vx_err firmware_load(const struct image_reader *reader, const char *bios_path, const char *vga_bios_path,
                     struct firmware_set *out)
{
    *out = (struct firmware_set){ 0 };
    vx_err err = load_both(reader, bios_path, vga_bios_path, out);
    if (err != VX_ERR_OK)
        firmware_free(out);
    return err;
}

void firmware_free(struct firmware_set *set)
{
    image_free(&set->own[0]);
    image_free(&set->own[1]);
    *set = (struct firmware_set){ 0 };
}
