/* embed.S - the laboratory's kernel, and its loops as a program of the host, as bytes of vx86; empty where they could not
 * be built. */
#ifdef __APPLE__
#define NAME(x) _##x
        .const
#else
#define NAME(x) x
        .section .rodata, "a"
#endif
        .balign 16
        .globl NAME(vx_lab_kernel_image), NAME(vx_lab_kernel_image_end)
NAME(vx_lab_kernel_image):
#ifdef VX_LAB_FILE
        .incbin VX_LAB_FILE
#endif
NAME(vx_lab_kernel_image_end):

        .balign 16
        .globl NAME(vx_lab_native_image), NAME(vx_lab_native_image_end)
NAME(vx_lab_native_image):
#ifdef VX_NATIVE_FILE
        .incbin VX_NATIVE_FILE
#endif
NAME(vx_lab_native_image_end):

#if defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
