/* images.c - access to the images that embed.S put into the binary. */
#include "images.h"

#include "vx86/firmware.h"

extern const uint8_t vx_image_bios[], vx_image_bios_end[];
extern const uint8_t vx_image_vga_bios[], vx_image_vga_bios_end[];
extern const uint8_t vx_image_dsdt[], vx_image_dsdt_end[];
extern const uint8_t vx_image_linuxboot[], vx_image_linuxboot_end[];
extern const uint8_t vx_image_multiboot[], vx_image_multiboot_end[];

static const uint8_t *image(const uint8_t *start, const uint8_t *end, size_t *bytes)
{
    *bytes = (size_t)((uintptr_t)end - (uintptr_t)start);
    return start;
}

const uint8_t *vx_firmware_bios(size_t *bytes)
{
    return image(vx_image_bios, vx_image_bios_end, bytes);
}

const uint8_t *vx_firmware_vga_bios(size_t *bytes)
{
    return image(vx_image_vga_bios, vx_image_vga_bios_end, bytes);
}

const uint8_t *vx_firmware_dsdt(size_t *bytes)
{
    return image(vx_image_dsdt, vx_image_dsdt_end, bytes);
}

const uint8_t *vx_firmware_linuxboot(size_t *bytes)
{
    return image(vx_image_linuxboot, vx_image_linuxboot_end, bytes);
}

const uint8_t *vx_firmware_multiboot(size_t *bytes)
{
    return image(vx_image_multiboot, vx_image_multiboot_end, bytes);
}

const char *vx_firmware_origin(void)
{
    return VX_FIRMWARE_ORIGIN;
}
