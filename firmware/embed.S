/* embed.S - the firmware images as bytes of the binary. CMakeLists.txt names the files; a name that is not defined gives
 * an empty image. */

#ifdef __APPLE__
#define NAME(x) _##x
        .const
#else
#define NAME(x) x
        .section .rodata, "a"
#endif

        .balign 16
        .globl NAME(vx_image_bios), NAME(vx_image_bios_end)
NAME(vx_image_bios):
#ifdef VX_BIOS_FILE
        .incbin VX_BIOS_FILE
#endif
NAME(vx_image_bios_end):

        .balign 16
        .globl NAME(vx_image_vga_bios), NAME(vx_image_vga_bios_end)
NAME(vx_image_vga_bios):
#ifdef VX_VGA_BIOS_FILE
        .incbin VX_VGA_BIOS_FILE
#endif
NAME(vx_image_vga_bios_end):

        .balign 16
        .globl NAME(vx_image_dsdt), NAME(vx_image_dsdt_end)
NAME(vx_image_dsdt):
        .incbin VX_DSDT_FILE
NAME(vx_image_dsdt_end):

        .balign 16
        .globl NAME(vx_image_linuxboot), NAME(vx_image_linuxboot_end)
NAME(vx_image_linuxboot):
        .incbin VX_LINUXBOOT_FILE
NAME(vx_image_linuxboot_end):

        .balign 16
        .globl NAME(vx_image_multiboot), NAME(vx_image_multiboot_end)
NAME(vx_image_multiboot):
        .incbin VX_MULTIBOOT_FILE
NAME(vx_image_multiboot_end):

#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
