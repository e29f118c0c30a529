/* option_rom.c - puts one of our option ROMs where the BIOS looks for it, with its two checksums: of the PnP header,
 * and of the whole. optionrom.inc has the headers' form. */
#include <stdlib.h>
#include <string.h>

#include "parts.h"

enum { PNP_POINTER = 0x1A, PNP_CHECKSUM = 9, PNP_BYTES = 32 };

vx_err fw_add_option_rom(const struct vx_fw_sink *sink, const char *file, const uint8_t *image, size_t bytes,
                         const struct fw_option_rom_patch *patch)
{
    uint8_t *rom = malloc(bytes);
    if (rom == NULL)
        return VX_ERR_NO_MEMORY;
    memcpy(rom, image, bytes);
    if (patch != NULL)
        memcpy(rom + bytes - FW_OPTION_ROM_PATCH_BYTES, patch->bytes, sizeof patch->bytes);
    uint8_t *pnp = rom + vx_get_le16(rom + PNP_POINTER);
    pnp[PNP_CHECKSUM] = checksum(pnp, PNP_BYTES);
    rom[bytes - 1] = checksum(rom, bytes);
    sink->add_file(sink->opaque, file, rom, bytes);
    free(rom);
    return VX_ERR_OK;
}
