/* embed.S - the laboratory's kernel, and its loops as a program of the host, as bytes of vx86; workloads.c has them. Empty where
 * they could not be built. */
#include "vx86/embed.inc"

VX_EMBED(vx_lab_kernel_image, VX_LAB_FILE)
VX_EMBED(vx_lab_native_image, VX_NATIVE_FILE)
