/* embed.S - the firmware images as bytes of the binary; images.c has them. CMakeLists.txt names the files. */
#include "vx86/embed.inc"

VX_EMBED(vx_image_bios, VX_BIOS_FILE)
VX_EMBED(image_vga_bios, VX_VGA_BIOS_FILE)
VX_EMBED(image_dsdt, VX_DSDT_FILE)
VX_EMBED(image_linuxboot, VX_LINUXBOOT_FILE)
VX_EMBED(image_multiboot, VX_MULTIBOOT_FILE)
