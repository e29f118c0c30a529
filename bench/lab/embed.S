/* embed.S - the laboratory's boot sector and kernel, and its loops as a program of the host, as bytes of vx86; disk.c
 * and workloads.c have them. Empty where they could not be built. */
#include "vx86/embed.inc"

VX_EMBED(lab_boot_image, VX_BOOT_FILE)
VX_EMBED(lab_kernel_image, VX_LAB_FILE)
VX_EMBED(lab_native_image, VX_NATIVE_FILE)
