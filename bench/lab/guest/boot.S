/* boot.S - the boot sector of the laboratory's disk, so that every PC emulator can run the same image.
 *
 *     sector 0        this
 *     sector 1        the kernel's command line, ended by a zero byte
 *     sector 2 on     the kernel (lab.bin), at most MOST - 1 sectors
 *
 * Reads everything to 10000h by one extended read, copies the kernel to where its multiboot header says, clears what
 * follows it up to the header's end, and enters it as a multiboot loader does. */
        .set BUFFER, 0x10000
        .set KERNEL, BUFFER + 512
        .set MOST, 127                  /* sectors; what one read may have */

        .text
        .code16
        .globl boot_start
boot_start:
        ljmp $0, $1f
1:      xor %ax, %ax
        mov %ax, %ds
        mov %ax, %ss
        mov $boot_start, %sp
        mov $packet, %si
        mov $0x42, %ah                  /* DL: the drive, from the BIOS */
        int $0x13
        jc stop
        cli
        cld
        in $0x92, %al                   /* A20, if the BIOS left it closed; bit 0 would reset the machine */
        or $2, %al
        and $0xFE, %al
        out %al, $0x92
        lgdtl gdt_pointer
        mov %cr0, %eax
        or $1, %eax
        mov %eax, %cr0
        ljmp $0x08, $2f

stop:   mov $0x0E21, %ax                /* '!' */
        xor %bx, %bx
        int $0x10
3:      hlt
        jmp 3b

        .code32
2:      mov $0x10, %eax
        mov %eax, %ds
        mov %eax, %es
        mov %eax, %ss
        mov $boot_start, %esp
        mov KERNEL + 16, %edi           /* load address */
        mov KERNEL + 20, %ecx           /* its end */
        sub %edi, %ecx
        mov $KERNEL, %esi
        rep movsb
        mov KERNEL + 24, %ecx           /* end of what is to be zero */
        sub %edi, %ecx
        xor %eax, %eax
        rep stosb
        mov $0x2BADB002, %eax
        mov $information, %ebx
        jmp *KERNEL + 28

        .balign 8
gdt:    .quad 0
        .quad 0x00CF9B000000FFFF        /* 08: code */
        .quad 0x00CF93000000FFFF        /* 10: data */
gdt_end:
gdt_pointer:
        .word gdt_end - gdt - 1
        .long gdt
        .balign 4
packet: .byte 16, 0
        .word MOST
        .word 0, BUFFER >> 4            /* offset, segment */
        .quad 1                         /* first sector */
information:
        .long 4, 0, 0, 0, BUFFER        /* a command line, and where it is */

        .org 510
        .word 0xAA55

        .section .note.GNU-stack, "", @progbits
