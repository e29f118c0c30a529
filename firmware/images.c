/* images.c - access to the images that embed.S put into the binary. */
#include "images.h"

#include "vx86/firmware.h"

extern const uint8_t vx_image_bios[], vx_image_bios_end[];
extern const uint8_t image_vga_bios[], image_vga_bios_end[];
extern const uint8_t image_dsdt[], image_dsdt_end[];
extern const uint8_t image_linuxboot[], image_linuxboot_end[];
extern const uint8_t image_multiboot[], image_multiboot_end[];

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
    return image(image_vga_bios, image_vga_bios_end, bytes);
}

const uint8_t *firmware_dsdt(size_t *bytes)
{
    return image(image_dsdt, image_dsdt_end, bytes);
}

const uint8_t *firmware_linuxboot(size_t *bytes)
{
    return image(image_linuxboot, image_linuxboot_end, bytes);
}

const uint8_t *firmware_multiboot(size_t *bytes)
{
    return image(image_multiboot, image_multiboot_end, bytes);
}

const char *vx_firmware_origin(void)
{
    return VX_FIRMWARE_ORIGIN;
}
